import numpy as np
import pyarrow as pa

from operators.dedup.drop_emptied import DropEmptied
from operators.dedup.remove_lines import RemoveLines
from operators.dedup.repeated_lines import ORDINALS_TYPE
from pipeline.document import TEXT_TYPE

ROWS = [
    ("all of it", [0], False),
    ("all of it\n \t\u3000\n", [0], False),
    ("", None, True),
    ("  \n", None, True),
    ("a\nb", [0], True),
    ("a", None, True),
]


def test_documents_that_lost_all_go_and_those_that_were_empty_stay():
    texts, ordinals, kept = zip(*ROWS, strict=True)
    batch = pa.record_batch({"text": pa.array(texts, TEXT_TYPE), "repeated_lines": pa.array(ordinals, ORDINALS_TYPE)})
    verdicts = DropEmptied().open()(RemoveLines().open()(batch).columns)
    assert verdicts.keep.tolist() == list(kept)
    assert np.isnan(verdicts.value).all()
    assert DropEmptied().rules() == ("empty_after_line_deduplication",)


def test_the_unit_says_which_column_counts():
    assert DropEmptied(unit="paragraph").requires().names == ["text", "repeated_paragraphs"]
