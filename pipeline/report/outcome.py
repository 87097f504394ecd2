"""What became of the records of a build: kept, dropped or quarantined, each once.

A record is kept if it is in any of the last artifacts of documents. Counts of manifests say how many there are where
one step follows another. Where several steps read a base, or removed the same rows, the ledgers say which they are.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.artifact import LEDGER, Manifest, removed_rows
from pipeline.ledger import READ, Action
from pipeline.operator import ShardOperator, Task
from pipeline.plan.logical import BASE_KINDS, BOUND_KINDS, ArtifactKind, Exchange, Step

States = npt.NDArray[np.int8]
_KEPT: Final = 0
_STATES: Final = {Action.DROP: 1, Action.QUARANTINE: 2}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the records of one reading."""

    rows_in: int
    rows_kept: int
    rows_quarantined: int

    @property
    def rows_dropped(self) -> int:
        """All others."""
        return self.rows_in - self.rows_kept - self.rows_quarantined


def outcomes(manifests: Mapping[str, Manifest], steps: Mapping[str, Step], readers: Iterable[str]) -> list[Outcome]:
    """Of the records of each of these steps that read sources with nothing bound.

    Args:
        steps: of the recipe, by name.
    """
    ways = _Ways(manifests, steps, _ways_on(manifests, steps))
    return [ways.outcome(manifests[name]) for name in readers]


@dataclass(frozen=True, slots=True)
class _Ways:
    """How documents go from base to base.

    What rows belong to, their home, is a step that leaves rows of its own, or the fingerprint of sources.
    """

    manifests: Mapping[str, Manifest]
    steps: Mapping[str, Step]
    onward: Mapping[str, list[str]]
    """Home -> steps that pass its rows on to the last artifacts."""

    def outcome(self, reader: Manifest) -> Outcome:
        rows_in, quarantined = reader.total("rows_read"), 0
        kept, home = rows_in, reader.base_fingerprint
        if home is None:  # it makes a base of its own
            quarantined, home = reader.total("rows_quarantined"), reader.step
            kept -= quarantined + reader.total("rows_dropped")
            if not _passes_rows_on(self.steps[home]):
                return Outcome(rows_in, kept, quarantined)
        while len(self.onward.get(home, ())) == 1 and not self._packs(home):
            (name,) = self.onward[home]
            gone = self._taken_away_by(name)
            no_documents = _rejected(reader) if home == reader.base_fingerprint else 0
            failed = no_documents + sum(one.total("rows_quarantined") - _rejected(one) for one in gone)
            lost = failed + sum(one.total("rows_dropped") for one in gone)
            if kept - lost != self.manifests[name].total("rows_kept"):  # some removed the same rows
                break
            kept, quarantined, home = kept - lost, quarantined + failed, name
        if self._packs(home):
            return Outcome(rows_in, kept, quarantined)
        rows = reader.shard_records if home == reader.base_fingerprint else self.manifests[home].shard_rows
        left = [self._states(home, shard, num_rows, reader) for shard, num_rows in enumerate(rows)]
        kept = sum(int(np.count_nonzero(states == _KEPT)) for states in left)
        quarantined += sum(int(np.count_nonzero(states == _STATES[Action.QUARANTINE])) for states in left)
        return Outcome(rows_in, kept, quarantined)

    def _states(self, home: str, shard: int, num_rows: int, reader: Manifest) -> States:
        """What became of the rows of a home's shard in the end; of several ends, the best."""
        if self._packs(home):
            return np.zeros(num_rows, np.int8)
        no_documents = np.zeros(num_rows, np.int8)
        if home == reader.base_fingerprint:
            _take_away(no_documents, reader, shard, operator=READ)
        ends = []
        for name in self.onward.get(home, ()):
            states = no_documents.copy()
            for manifest in self._taken_away_by(name):
                _take_away(states, manifest, shard)
            stays = np.flatnonzero(states == _KEPT)
            states[stays] = self._states(name, shard, len(stays), reader)
            ends.append(states)
        if ends:
            best: States = np.stack(ends).min(axis=0)
            return best
        for manifest in self.manifests.values():
            if manifest.kind in BOUND_KINDS and home in (manifest.base_step, manifest.base_fingerprint):
                _take_away(no_documents, manifest, shard)
        return no_documents

    def _taken_away_by(self, name: str) -> list[Manifest]:
        """Artifacts by which rows of its home do not come out of a step: those bound to what it reads, and its own."""
        return [*(self.manifests[bound] for bound in self.steps[name].view.bound), self.manifests[name]]

    def _packs(self, home: str) -> bool:
        """Whether its rows are no documents any more, so that nothing which is removed from them is one."""
        return home in self.steps and _packs(self.steps[home])


def _rejected(manifest: Manifest) -> int:
    """Records that a step read and that are no documents."""
    return sum(rows for rule, rows in manifest.rule_totals().items() if rule.startswith(f"{READ}/"))


def _take_away(states: States, manifest: Manifest, shard: int, *, operator: str | None = None) -> None:
    """Notes which rows that are still there an artifact removes."""
    path = manifest.path(shard, LEDGER) if shard < len(manifest.shards) else None
    if path is None:
        return
    for action, state in _STATES.items():
        rows = removed_rows(path, operator=operator, action=action)
        states[rows[states[rows] == _KEPT]] = state


def _ways_on(manifests: Mapping[str, Manifest], steps: Mapping[str, Step]) -> dict[str, list[str]]:
    """Home -> steps that pass its rows on, in build order, as far as they lead to one of the last artifacts.

    Documents that another step needed in order to write its own (a sample that a model learns from) are none of these.
    """
    passing = [name for name in manifests if _passes_rows_on(steps[name])]
    needed = {other for name in passing for other in _ancestors(name, steps)}
    used = set()
    for name in passing:
        is_end = name not in needed and (steps[name].write is ArtifactKind.DOCUMENTS or _packs(steps[name]))
        at: str | None = name if is_end else None
        while at is not None:
            used.add(at)
            at = steps[at].view.base
    ways: dict[str, list[str]] = {}
    for name in passing:
        home = _home(name, manifests, steps)
        if name in used and home is not None:
            ways.setdefault(home, []).append(name)
    return ways


def _home(name: str, manifests: Mapping[str, Manifest], steps: Mapping[str, Step]) -> str | None:
    """What the rows that a step reads belong to; None for records that it is the first to read."""
    view = steps[name].view
    return manifests[view.bound[0]].base_fingerprint if view.sources and view.bound else view.base


def _ancestors(name: str, steps: Mapping[str, Step]) -> Collection[str]:
    """Steps without which this one cannot be; imports are none."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        new = [parent for parent in steps[waiting.pop()].parents if parent in steps and parent not in found]
        found.update(dict.fromkeys(new))
        waiting += new
    return found


def _passes_rows_on(step: Step) -> bool:
    """Whether what it writes are the documents that it read. What leaves an exchange or a task (edges) are others."""
    return step.write in BASE_KINDS and not any(isinstance(node, Exchange | Task) for node in step.unrolled)


def _packs(step: Step) -> bool:
    return any(isinstance(operator, ShardOperator) for operator in step.operators)
