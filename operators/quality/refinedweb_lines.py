"""RefinedWeb's corrections of lines: removes navigation, counters and calls to action from a document."""

from typing import ClassVar

import pyarrow as pa

from operators.quality.refinedweb_line_limits import RefinedWebLineLimits
from operators.quality.refinedweb_line_rules import REFINEDWEB_LINE_RULES, LineRules, edit_lines, load_tables
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import Edits, Transform, TransformFunction


class RefinedWebLines(RefinedWebLineLimits, Transform):
    """Removes lines that are no prose, and phrases that invite to click.

    A line is removed if too large a share of its characters are capital letters, or digits, if it is a counter
    (`1.2K likes`; also shares, comments, retweets, reposts, quotes, bookmarks, upvotes, downvotes, downloads, views
    and followers), or if it has too few words. From lines of few words are cut `items in cart` anywhere, `read more`
    with three characters behind it at the end, and `sign-in` at the beginning, whatever their case, each with one
    whitespace character beside it; a line of which nothing is left is removed. Lines end with line feeds; empty lines
    stay. Words are runs between whitespace. The rules follow each other in this order, and the document's ends are
    stripped between them. `refinedweb_quality` belongs before this operator.

    Columns:
        text: read and replaced; it may become empty. A rule's size is how many lines it removed, or changed; for
            `whitespace` 1 where the document's ends were stripped.

    Determinism:
        EXACT, for one version of Python's Unicode data.

    Raises:
        ValidationError: at construction, for a limit out of its range.

    Source:
        Penedo et al. 2023, arXiv 2306.01116, appendix G.2, in the reading of DCLM (`dclm_baseline_refinedweb.yaml`
        with `baselines/mappers/modifiers.py`; Li et al. 2024, arXiv 2406.11794), which decides what the paper leaves
        open: the limits, the counters' words, that phrases go and not their lines, and that the full stops of
        "Read more..." stand for any three characters. Different from it: an emptied document stays, as an empty text.

    Cost:
        Linear in bytes, and a copy of the text; 16 bytes of scratch a line of the document that has most.
    """

    name: ClassVar[str] = "refinedweb_lines"

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """Those that remove lines and those that cut phrases, as they follow each other."""
        return REFINEDWEB_LINE_RULES

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """Loads the tables of characters."""
        load_tables()
        rules = self.line_rules()
        return lambda batch: _edits(batch, rules)


def _edits(batch: pa.RecordBatch, rules: LineRules) -> Edits:
    texts, sizes = edit_lines(batch.column(TEXT), rules)
    return Edits(
        columns=pa.record_batch([texts], schema=pa.schema([batch.schema.field(TEXT)])),
        sizes=sizes,
    )
