"""Unicode normalization of the text: one spelling for characters that are composed in several ways."""

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from operators.repair.edited_text import count_changed_lines, text_edits, with_replaced
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import Edits, Transform, TransformFunction


class UnicodeNormalization(Transform):
    """Brings the text into a normal form of Unicode.

    NFC composes letters and marks and keeps what text means. NFKC replaces compatibility characters too: full-width
    forms, ligatures, superscripts (10³ becomes 103), so it is for statistics and search rather than for training.

    Columns:
        text: read and replaced.

    Determinism:
        Exact, with the Unicode data that pyarrow comes with.

    Source:
        Unicode Standard Annex 15, Unicode Normalization Forms.

    Cost:
        Documents of ASCII cost one look at their bytes. The others are normalized and compared.
    """

    name: ClassVar[str] = "unicode_normalization"

    form: Literal["NFC", "NFKC"] = "NFC"

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """One; its value is the number of lines that changed."""
        return (self.form.lower(),)

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """The function that normalizes; it holds no state."""
        return self._edits

    def _edits(self, batch: pa.RecordBatch) -> Edits:
        texts = batch.column(TEXT)
        sizes = np.zeros((batch.num_rows, 1))
        looked_at = np.flatnonzero(pc.invert(pc.string_is_ascii(texts)).to_numpy(zero_copy_only=False))
        old = texts.take(pa.array(looked_at))
        new = pc.utf8_normalize(old, self.form)
        differs = pc.not_equal(old, new).to_numpy(zero_copy_only=False)
        if differs.any():
            old, new = old.filter(pa.array(differs)), new.filter(pa.array(differs))
            rows = looked_at[differs]
            sizes[rows, 0] = count_changed_lines(old, new)
            texts = with_replaced(texts, sizes[:, 0] > 0, new)
        return text_edits(batch, texts, sizes)
