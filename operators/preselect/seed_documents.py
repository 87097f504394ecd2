"""Sets seeds apart from a pool: so many documents of each of its most frequent domains."""

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Final
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from operators.dedup.seeded_hash import seeded_hashes
from pipeline.document import DOC_ID, DOC_ID_TYPE, POSITION, POSITION_TYPE, SOURCE, split_position
from pipeline.errors import OperatorError
from pipeline.operator import Determinism, RowReader, Task, TaskFunction, TaskInputs

SEED_PART: Final = "seed_part"
PART_TYPE: Final = pa.large_string()
SEEDS: Final = "seeds"
POOL: Final = "pool"

PART_SCHEMA: Final = pa.schema([pa.field(SEED_PART, PART_TYPE)])

Hashes = npt.NDArray[np.uint64]


class SeedDocuments(Task):
    """The part that each document belongs to: `seeds` or `pool`.

    Seeds are `documents_per_domain` documents of each of the `num_domains` domains that most documents are of, drawn by
    a hash; all documents of a domain that has no more. Among domains of equally many documents the first by name count
    as more frequent.

    Columns:
        doc_id, `column`: read; the domain of a column `url` is the host with its port, as in the address. A document
            without a value, or with an address that has no host, is no seed.
        seed_part: written; large_string. Null for rows that the view does not have.

    Determinism:
        Seeded: by a hash of the seed and the doc_id.

    Raises:
        OperatorError: no document has a domain.

    Source:
        Shum et al. 2025, Predictive Data Selection, arXiv:2503.00808, section 2.3 and appendix A.1: 300 documents of
        each of the 3,000 most frequent domains, kept apart from the pool.

    Cost:
        Three passes over two columns; memory is that of the domains' names, and 16 bytes a seed.
    """

    name: ClassVar[str] = "seed_documents"
    determinism: ClassVar[Determinism] = Determinism.SEEDED
    produces = "columns"

    column: str = "url"
    """`url`, or a column whose values are domains themselves, such as `source`."""
    num_domains: int = Field(default=3000, ge=1)
    documents_per_domain: int = Field(default=300, ge=1)
    seed: int = Field(default=1, ge=0, lt=1 << 32)

    def requires(self) -> pa.Schema:
        """The domain, the id that draws, and the place in the base."""
        return pa.schema(
            [
                pa.field(DOC_ID, DOC_ID_TYPE, nullable=False),
                pa.field(self.column, pa.string() if self.column == SOURCE else pa.large_string()),
                pa.field(POSITION, POSITION_TYPE, nullable=False),
            ]
        )

    def output_schema(self, given: pa.Schema) -> pa.Schema:  # noqa: ARG002 -- a task writes its own columns alone
        """The part alone."""
        return PART_SCHEMA

    def open(self) -> TaskFunction:
        """Returns the choice."""
        return self._parts

    def _parts(self, inputs: TaskInputs) -> Iterator[tuple[int, pa.RecordBatch]]:
        assert inputs.rows is not None, "the planner gives this task a view"
        counts = Counter[str]()
        for _, batch in inputs.rows.batches((self.column,)):
            counts.update(domain for domain in self._domains(batch) if domain is not None)
        if not counts:
            raise OperatorError(f"{self.name}: expected rows with a domain in {self.column!r}; found none")
        chosen = sorted(counts, key=lambda domain: (-counts[domain], domain))[: self.num_domains]
        place_of = {domain: place for place, domain in enumerate(chosen)}
        limits = self._limits(inputs.rows, place_of)
        codes = [np.full(num_rows, -1, np.int8) for num_rows in inputs.base_rows]
        for places, hashes, positions in self._placed(inputs.rows, place_of):
            is_seed = (places >= 0) & (hashes <= limits[places])
            for position, code in zip(positions.tolist(), is_seed.tolist(), strict=True):
                shard, row = split_position(position)
                codes[shard][row] = code
        names = pa.array([POOL, SEEDS], PART_TYPE)
        for shard, found in enumerate(codes):
            yield shard, pa.record_batch([names.take(pa.array(found, mask=found < 0))], schema=PART_SCHEMA)

    def _domains(self, batch: pa.RecordBatch) -> list[str | None]:
        values: list[str | None] = batch.column(self.column).to_pylist()
        if self.column != "url":
            return values
        return [None if value is None else host_of(value) for value in values]

    def _placed(
        self, rows: RowReader, place_of: dict[str, int]
    ) -> Iterator[tuple[npt.NDArray[np.int64], Hashes, Hashes]]:
        """Of each row the place of its domain or -1, its hash and its position."""
        for _, batch in rows.batches((DOC_ID, self.column, POSITION)):
            found = [-1 if domain is None else place_of.get(domain, -1) for domain in self._domains(batch)]
            hashes = seeded_hashes(batch.column(DOC_ID), self.seed)
            yield np.array(found, np.int64), hashes, batch.column(POSITION).to_numpy()

    def _limits(self, rows: RowReader, place_of: dict[str, int]) -> Hashes:
        """The largest hash of the seeds of each domain, (domains,)."""
        held_places, held = np.zeros(0, np.int64), np.zeros(0, np.uint64)
        for found, hashes, _ in self._placed(rows, place_of):
            known = found >= 0
            held_places = np.concatenate([held_places, found[known]])
            held = np.concatenate([held, hashes[known]])
            order = np.lexsort((held, held_places))
            held_places, held = held_places[order], held[order]
            rank = np.arange(len(held)) - np.searchsorted(held_places, held_places)
            stays = rank < self.documents_per_domain
            held_places, held = held_places[stays], held[stays]
        limits = np.zeros(len(place_of), np.uint64)
        np.maximum.at(limits, held_places, held)
        return limits


def host_of(url: str) -> str | None:
    """The host of an address with its port, as it stands there; None where there is none."""
    try:
        return urlsplit(url).netloc or None
    except ValueError:  # an address with a broken bracket has no host
        return None
