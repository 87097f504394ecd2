"""Links out of Chinese text, as MAP-NEO removes them."""

from typing import ClassVar

import pyarrow as pa

from operators.repair.edited_text import text_edits
from operators.text.links import LINK_RULES, without_links
from operators.text.regex_classes import regex_classes
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import Edits, Transform, TransformFunction


class MapNeoLinks(Transform):
    """Removes links: what begins with a scheme or `www.`, names of four parts or more, and names of domains.

    A link with `http://`, `https://` or `www.` goes up to whitespace, a comma or a Chinese character. A name is of
    letters, digits and hyphens between full stops. Then names go that end in a full stop and two to six small letters,
    if no letter follows them: `linux.cn` goes, and so do the file name `setup.py` and, where no space stands behind a
    sentence's full stop, its last word with the next.

    Columns:
        text: read and replaced. An edit's value is the number of links of a rule.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Source:
        MAP-NEO, commit 81f3cad, `chinese_data_clean_pipeline/filter/filter.py`, `url_filter`; equal to its three
        regular expressions, character for character.

    Cost:
        Three passes over the text, and a copy of it; linear, where searches for the expressions are quadratic.
    """

    name: ClassVar[str] = "map_neo_links"

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """In the order in which they are applied, each to what the one before it left."""
        return LINK_RULES

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """Loads the classes of characters."""
        regex_classes()
        return _edits


def _edits(batch: pa.RecordBatch) -> Edits:
    texts, sizes = without_links(batch.column(TEXT))
    return text_edits(batch, texts, sizes)
