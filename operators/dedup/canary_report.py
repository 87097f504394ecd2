"""What was removed of the canaries, beside what should have been: a report, or the end of the run."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, Final, Literal

import pyarrow as pa
from pydantic import Field

from operators.dedup.canary_expectation import removal_probability
from operators.dedup.choose_survivors import SURVIVOR, ChooseSurvivors, Verification
from operators.dedup.plant_canaries import JACCARD, ORIGINAL
from pipeline.document import DOC_ID_TYPE
from pipeline.errors import OperatorError
from pipeline.operator import Task, TaskFunction, TaskInputs

REPORT_FILES: Final = ("report.json", "report.md")
_BANDS: Final = 10
"""Of similarity, between 0 and 1."""
_STANDARD_ERRORS: Final = 4.0
"""Chance leaves these bounds once in 16,000 bands."""


@dataclass(frozen=True, slots=True)
class BandCounts:
    """Canaries of one band of similarity."""

    kind: str
    """copies, or unique: documents of random words."""
    from_jaccard: float
    to_jaccard: float
    num_canaries: int
    num_removed: int
    removed_fraction: float
    expected_fraction: float
    tolerance: float
    """Four standard errors and one canary."""


class CanaryReport(Task):
    """Leaves `report.json` and `report.md`: canaries by similarity, how many were removed, and how many should be.

    The expected number is that of the collision curve together with the verification, see
    `operators.dedup.canary_expectation`. A band whose number is further from it than four standard errors and one
    canary ends the run; so do documents of random words that are removed.

    Columns:
        original, jaccard, survivor: read, of every canary.

    Determinism:
        Exact.

    Raises:
        OperatorError: more or fewer canaries of a band were removed than chance explains.

    Source:
        The bounds are those of a sum of independent draws.

    Cost:
        Milliseconds.
    """

    name: ClassVar[str] = "canary_report"
    produces: ClassVar[Literal["table", "columns", "model"]] = "model"

    num_bands: int = Field(default=14, ge=1)
    rows_per_band: int = Field(default=8, ge=1)
    verify: Verification = "signature"
    verify_at: float = Field(default=0.7, gt=0, le=1)
    min_canaries: int = Field(default=20, ge=1)
    """Of a band that is judged."""

    def requires(self) -> pa.Schema:
        """What is true and what was decided."""
        truth = [pa.field(ORIGINAL, DOC_ID_TYPE), pa.field(JACCARD, pa.float64(), nullable=False)]
        return pa.schema([*truth, pa.field(SURVIVOR, DOC_ID_TYPE)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema([])

    def open(self) -> TaskFunction:
        """Nothing to load."""

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            found: dict[tuple[str, int], list[tuple[float, bool]]] = {}
            for _, batch in inputs.rows.batches((ORIGINAL, JACCARD, SURVIVOR)):
                for row in batch.to_pylist():
                    kind = "unique" if row[ORIGINAL] is None else "copies"
                    band = min(int(row[JACCARD] * _BANDS), _BANDS - 1)
                    found.setdefault((kind, band), []).append((row[JACCARD], row[SURVIVOR] is not None))
            bands = [self._counts(kind, band, found[kind, band]) for kind, band in sorted(found)]
            for counts in bands:
                self._judge(counts)
            texts = (json.dumps([asdict(counts) for counts in bands], indent=1) + "\n", _as_markdown(bands))
            for name, text in zip(REPORT_FILES, texts, strict=True):
                (inputs.directory / name).write_text(text)
            return iter(())

        return run

    def _counts(self, kind: str, band: int, canaries: Sequence[tuple[float, bool]]) -> BandCounts:
        chooser = ChooseSurvivors(
            num_bands=self.num_bands, rows_per_band=self.rows_per_band, verify=self.verify, verify_at=self.verify_at
        )
        # The order of canaries must not reach the sums' last digit.
        expected = [removal_probability(jaccard, chooser) for jaccard, _ in canaries]
        num = len(canaries)
        error = math.sqrt(math.fsum(chance * (1 - chance) for chance in expected)) / num
        removed = sum(is_removed for _, is_removed in canaries)
        return BandCounts(
            kind=kind,
            from_jaccard=band / _BANDS,
            to_jaccard=(band + 1) / _BANDS,
            num_canaries=num,
            num_removed=removed,
            removed_fraction=removed / num,
            expected_fraction=math.fsum(expected) / num,
            tolerance=_STANDARD_ERRORS * error + 1 / num,
        )

    def _judge(self, counts: BandCounts) -> None:
        away = abs(counts.removed_fraction - counts.expected_fraction)
        if counts.num_canaries >= self.min_canaries and away > counts.tolerance:
            what = "documents of random words" if counts.kind == "unique" else "copies"
            raise OperatorError(
                f"canary_report: {what} of Jaccard similarity {counts.from_jaccard:.1f} to {counts.to_jaccard:.1f}: "
                f"expected {counts.expected_fraction:.3f} of {counts.num_canaries} canaries to be removed, within "
                f"{counts.tolerance:.3f}; found {counts.removed_fraction:.3f}; an operator between signatures and "
                "decisions does not do what its settings say: use none of this deduplication, and report it"
            )


def _as_markdown(bands: Sequence[BandCounts]) -> str:
    lines = ["| canaries | Jaccard similarity | number | removed | expected | within |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {band.kind} | {band.from_jaccard:.1f} to {band.to_jaccard:.1f} | {band.num_canaries} | "
        f"{band.removed_fraction:.3f} | {band.expected_fraction:.3f} | {band.tolerance:.3f} |"
        for band in bands
    ]
    return "\n".join(lines) + "\n"
