"""Names the part of its language's corpus, by perplexity, that a document belongs to."""

import json
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from operators.perplexity.kenlm_perplexity import PERPLEXITY, PERPLEXITY_TYPE
from pipeline.document import LANGUAGE
from pipeline.errors import PlanError
from pipeline.operator import AnnotateFunction, Annotator, FileRef

PERPLEXITY_BUCKET: Final = "perplexity_bucket"
BUCKETS: Final = ("head", "middle", "tail")


class PerplexityBucket(Annotator):
    """`head`, `middle` or `tail`: how a document's perplexity compares with those of its language.

    Documents whose perplexity is that of a cutoff belong to the part that the cutoff ends.

    Columns:
        perplexity, language: read.
        perplexity_bucket: written; string. Null where the perplexity is, and for languages without cutoffs.

    Determinism:
        Exact.

    Raises:
        PlanError: the file is not one that `perplexity_cutoffs` left.

    Source:
        Wenzek et al. 2019, CCNet, arXiv:1911.00359, section 3.2. There, a perplexity that is a cutoff belongs to the
        next part, and documents without one are put into a part `all`.

    Cost:
        Two columns; no text.
    """

    name: ClassVar[str] = "perplexity_bucket"

    cutoffs: FileRef
    """The file `cutoffs.json` of a step of `perplexity_cutoffs`."""

    def requires(self) -> pa.Schema:
        """The perplexity and whose model gave it."""
        return pa.schema([pa.field(PERPLEXITY, PERPLEXITY_TYPE), pa.field(LANGUAGE, pa.large_string())])

    def adds(self) -> pa.Schema:
        """The part."""
        return pa.schema([pa.field(PERPLEXITY_BUCKET, pa.string())])

    def open(self) -> AnnotateFunction:
        """Reads the cutoffs."""
        cutoffs = self._read()
        languages = pa.array(list(cutoffs), pa.large_string())
        heads, middles = np.array([*cutoffs.values(), (np.nan, np.nan)], np.float32).T  # (L + 1,) each
        names = pa.array(BUCKETS, pa.string())
        schema = self.adds()

        def annotate(batch: pa.RecordBatch) -> pa.RecordBatch:
            perplexities = batch.column(PERPLEXITY).fill_null(float("nan")).to_numpy(zero_copy_only=False)
            places = pc.index_in(batch.column(LANGUAGE), languages).fill_null(len(cutoffs)).to_numpy()
            above_head = (perplexities > heads[places]).astype(np.int64)  # (D,)
            buckets = above_head + (perplexities > middles[places])
            unknown = np.isnan(perplexities) | (places == len(cutoffs))
            return pa.RecordBatch.from_arrays([names.take(pa.array(buckets, mask=unknown))], schema=schema)

        return annotate

    def _read(self) -> dict[str, tuple[float, float]]:
        """(head, middle) by language."""
        try:
            found = json.loads(self.cutoffs.open_path().read_text(encoding="utf-8"))
            return {name: (float(one["head"]), float(one["middle"])) for name, one in found["languages"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PlanError(
                f"{self.name}: cutoffs {self.cutoffs.uri!r}: expected a file that perplexity_cutoffs left; found "
                "another one; name a step:NAME/cutoffs.json"
            ) from error
