"""Parts of a corpus by the cutoffs of a file."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from operators.perplexity.perplexity_bucket import PerplexityBucket
from pipeline.errors import PlanError
from pipeline.operator import FileRef


def bucket_by(path: Path, content: object) -> PerplexityBucket:
    path.write_text(json.dumps(content))
    return PerplexityBucket(cutoffs=FileRef(uri=path.name).pin(path))


def buckets(operator: PerplexityBucket, *pairs: tuple[float | None, str | None]) -> list[str | None]:
    perplexities, languages = ([pair[place] for pair in pairs] for place in (0, 1))
    batch = pa.record_batch(
        {"perplexity": pa.array(perplexities, pa.float32()), "language": pa.array(languages, pa.large_string())}
    )
    result = operator.open()(batch)
    assert result.schema == operator.adds()
    return result.column(0).to_pylist()


def test_a_cutoff_belongs_to_the_part_that_it_ends(tmp_path: Path):
    languages = {"en": {"head": 100.5, "middle": 200.0}, "de": {"head": 7.0, "middle": 7.0}}
    operator = bucket_by(tmp_path / "cutoffs.json", {"languages": languages})
    english = [(value, "en") for value in (1.0, 100.5, 100.6, 200.0, 200.1)]
    assert buckets(operator, *english) == ["head", "head", "middle", "middle", "tail"]
    assert buckets(operator, (7.0, "de"), (7.1, "de")) == ["head", "tail"]
    assert buckets(operator, (None, "en"), (1.0, None), (1.0, "fr")) == [None, None, None]
    assert buckets(operator) == []


@pytest.mark.parametrize("content", [[], {}, {"languages": {"en": {"head": 1}}}, {"languages": {"en": 3}}])
def test_another_file_is_refused(tmp_path: Path, content: object):
    with pytest.raises(
        PlanError, match=r"perplexity_bucket: cutoffs 'c.json': expected a file that perplexity_cutoffs"
    ):
        bucket_by(tmp_path / "c.json", content).open()
