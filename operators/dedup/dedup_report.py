"""The report on near-duplicate removal: clusters, what went, and whether signatures estimate as they should."""

import json
from collections.abc import Iterator
from typing import ClassVar, Final, Literal

import pyarrow as pa
from pydantic import Field

from operators.dedup.calibration import Banding, calibration
from operators.dedup.choose_survivors import BUCKET_SIZE, CLUSTER_ID, DISTANCE, SURVIVOR
from operators.dedup.cluster_statistics import ClusterStatistics, Json
from operators.dedup.components import CLUSTER, CLUSTER_SIZE
from operators.dedup.report_text import report_text
from operators.dedup.sample_pairs import Pairs, read_pairs
from operators.dedup.sampled_documents import SampledDocuments
from operators.dedup.sampled_sets import SAMPLED_SHINGLES
from operators.dedup.settings import NumBands, RowsPerBand
from operators.dedup.shingle_sets import SHINGLES_TYPE
from operators.dedup.signature import BUCKETS, buckets_type
from pipeline.document import DOC_ID, DOC_ID_TYPE, POSITION, POSITION_TYPE
from pipeline.operator import FileRef, RowReader, Task, TaskFunction, TaskInputs

REPORT_FILE: Final = "report.json"
REPORT_TEXT_FILE: Final = "report.md"


class DedupReport(Task):
    """What near-duplicate removal found and did, as `report.json`, and as `report.md` for people.

    Clusters and how large they are; distances from their first documents; documents removed, and those that were kept
    though their cluster has another first; the largest bucket of each of the clusters that have the largest ones;
    documents without a signature. With `pairs` also, of a sample of candidate pairs, exact similarities, what estimates
    err by, and how many bands they share, beside what probability theory expects; see `operators.dedup.calibration`.

    Columns:
        doc_id, position, minhash_buckets: read.
        cluster, cluster_size, cluster_id, survivor, distance, bucket_size: read; null for a document without company.
        sampled_shingles: read where `pairs` is set.

    Determinism:
        Exact.

    Cost:
        One pass of one process over 88 bytes a document and 8 a band: 0.1 s of CPU for 100,000 documents of 14 bands.
        Memory is that of a batch, and of the sample: its sets, 4 bytes a shingle, and its buckets.
    """

    name: ClassVar[str] = "dedup_report"
    produces: ClassVar[Literal["table", "columns", "model"]] = "model"

    num_bands: NumBands = 14
    rows_per_band: RowsPerBand = 8
    verify_at: float | None = Field(default=0.7, gt=0, le=1)
    """The threshold by which survivors were decided; null if there was none."""
    pairs: FileRef | None = None
    """The `pairs.json` of `sample_pairs`; without it nothing is calibrated."""

    def requires(self) -> pa.Schema:
        """Clusters and decisions, and what pairs are compared by."""
        fields = [
            pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
            pa.field(POSITION, POSITION_TYPE, nullable=False),
            pa.field(BUCKETS, buckets_type(self.num_bands)),
            pa.field(CLUSTER, POSITION_TYPE),
            pa.field(CLUSTER_SIZE, pa.uint32()),
            pa.field(CLUSTER_ID, DOC_ID_TYPE),
            pa.field(SURVIVOR, DOC_ID_TYPE),
            pa.field(DISTANCE, pa.float32()),
            pa.field(BUCKET_SIZE, pa.uint32()),
        ]
        return pa.schema(fields if self.pairs is None else [*fields, pa.field(SAMPLED_SHINGLES, SHINGLES_TYPE)])

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- the contract's signature
        """A model has no rows."""
        return pa.schema(())

    def open(self) -> TaskFunction:
        """Loads the sample."""
        pairs = None if self.pairs is None else read_pairs(self.pairs.open_path())

        def run(inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
            assert inputs.rows is not None, "the planner gives this task a view"
            report = self._report(inputs.rows, pairs)
            text = json.dumps(report, indent=1, allow_nan=False)
            (inputs.directory / REPORT_FILE).write_text(text + "\n", encoding="utf-8")
            (inputs.directory / REPORT_TEXT_FILE).write_text(report_text(report), encoding="utf-8")
            return iter(())

        return run

    def _report(self, rows: RowReader, pairs: Pairs | None) -> Json:
        statistics = ClusterStatistics()
        sampled = None if pairs is None else SampledDocuments(pairs, self.num_bands)
        num_without = 0
        for _, batch in rows.batches():
            num_without += batch.column(BUCKETS).null_count
            statistics.add(batch)
            if sampled is not None:
                sampled.add(batch)
        report = {**statistics.to_json(), "without_signature": num_without}
        if pairs is not None and sampled is not None:
            measured = sampled.measured()
            report["calibration"] = {
                "candidates": pairs.num_documents,
                "sampled": len(pairs.documents),
                **calibration(measured, Banding(self.num_bands, self.rows_per_band), self.verify_at),
            }
        return report
