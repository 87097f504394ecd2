"""Shards that earlier builds of a step left and that the step may take over: after a new input file, most of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.artifact import ShardRecord
from pipeline.execution.commit import StepFolder
from pipeline.execution.work import Unit
from pipeline.io.store import Place


@dataclass(frozen=True, slots=True)
class EarlierShards:
    """Equal shards of earlier builds, by the unit that would make them again, each with its folder."""

    by_unit: Mapping[int, tuple[Place, ShardRecord]]

    @classmethod
    def of(cls, folder: StepFolder, units: Sequence[Unit], fallbacks: tuple[str, ...]) -> "EarlierShards":
        """Those with the fingerprints of units, made with the same fallbacks as the step is now.

        Args:
            folder: of the step as it is now.
            units: of its last segment; none where nothing may be taken over.
            fallbacks: labels of its operators that have fallen back.
        """
        found = folder.earlier_shards() if units else {}
        equal = {unit.index: found[unit.fingerprints[0]] for unit in units if unit.fingerprints[0] in found}
        return cls({index: left for index, left in equal.items() if left[1].fallbacks == fallbacks})

    def choose(self, missing: Sequence[Unit], made_with: Mapping[str, str] | None) -> tuple[list[int], list[Unit]]:
        """Units whose shards are to be taken over, and units that are to be run now. Ask again while units are missing.

        Only what was made with the same engines as the step's other shards is taken over. While nothing is known about
        these, workers tell: they make first what nobody made before. Where there is no such unit, and earlier builds
        agree, what they left is the artifact.

        Args:
            missing: units that are not committed.
            made_with: what those are made with that are; None: there are none.
        """
        left = {unit.index: self.by_unit[unit.index][1] for unit in missing if unit.index in self.by_unit}
        if left and made_with is None:
            new = [unit for unit in missing if unit.index not in left]
            if new:
                return [], new
            made_with, *others = (record.made_with for record in left.values())
            if any(other != made_with for other in others):
                return [], list(missing[:1])
        taken = [index for index, record in left.items() if record.made_with == made_with]
        return taken, [unit for unit in missing if unit.index not in taken]
