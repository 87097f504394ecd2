"""A tokenizer's engine that is wrong on one document in a thousand: found out, and nothing of it is left."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operators.tokenize.tokenizer import TOKENS, Tokenize
from pipeline.artifact import DATA
from pipeline.execution.work import Execution
from pipeline.operator import FileRef
from pipeline.plan.logical import Recipe
from tests.builds import Built, MakeRunner, run_build, staged_files, tree_digest
from tests.corpus import write_files
from tests.small import read, small_files, text_of
from tests.wrong_engine import WronglyTokenize, is_wrong

NUM_DOCUMENTS = 4_000
TOKENIZER = Path(__file__).parents[2] / "jobs/recipes/quickstart/tokenizer.json"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_files(tmp_path_factory.mktemp("wrong") / "in", small_files(NUM_DOCUMENTS, num_files=8))


def recipe(operator: type[Tokenize], check_share: float) -> Recipe:
    file = FileRef(uri=str(TOKENIZER)).pin(TOKENIZER)
    return read(operator(tokenizer=file, check_share=check_share), shard_bytes=1 << 16)


def tokens(built: Built) -> list[list[int]]:
    manifest = built.manifest("documents")
    paths = [manifest.path(shard.index, DATA) for shard in manifest.shards]
    ids: list[list[int]] = pa.concat_tables([pq.read_table(path) for path in paths])[TOKENS].to_pylist()
    return ids


@pytest.fixture(scope="module")
def expected(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[int]]:
    """The ids of `tokenizers`."""
    wrong = sum(is_wrong(text_of(number)) for number in range(NUM_DOCUMENTS))
    assert 0 < wrong < 3 * NUM_DOCUMENTS / 1_000, "about one in a thousand"
    return tokens(run_build(recipe(Tokenize, 0), inputs, tmp_path_factory.mktemp("right") / "out"))


def test_a_wrong_engine_that_nobody_checks_is_seen_in_the_ids(
    inputs: Path, tmp_path: Path, expected: list[list[int]]
) -> None:
    """So the other tests can fail."""
    built = run_build(recipe(WronglyTokenize, 0), inputs, tmp_path / "out")
    assert built.manifest("documents").made_with == {"wrongly_tokenize": "wrong 1.0"}
    differing = sum(found != right for found, right in zip(tokens(built), expected, strict=True))
    assert differing == sum(is_wrong(text_of(number)) for number in range(NUM_DOCUMENTS))


def test_the_step_is_made_again_with_tokenizers(inputs: Path, tmp_path: Path, expected: list[list[int]]) -> None:
    built = run_build(recipe(WronglyTokenize, 0.8), inputs, tmp_path / "out")
    manifest = built.manifest("documents")
    assert built.steps_of("fell_back") == ["documents"]
    assert manifest.made_with["wrongly_tokenize"].startswith("tokenizers ")
    assert [(one.before, one.after) for one in manifest.fallbacks] == [({"engine": "auto"}, {"engine": "tokenizers"})]
    assert tokens(built) == expected


@pytest.mark.ray
@pytest.mark.parametrize(("workers", "batch_rows"), [(1, 1024), (2, 77), (5, 500)])
def test_any_number_of_workers_gives_the_same_bytes(
    workers: int, batch_rows: int, inputs: Path, tmp_path: Path, make_ray_runner: MakeRunner
) -> None:
    local = run_build(recipe(WronglyTokenize, 0.8), inputs, tmp_path / "local")
    on_ray = run_build(
        recipe(WronglyTokenize, 0.8),
        inputs,
        tmp_path / "ray",
        make_ray_runner(workers=workers),
        Execution(batch_rows=batch_rows),
    )
    assert on_ray.steps_of("fell_back") == ["documents"]
    assert tree_digest(on_ray.output) == tree_digest(local.output)
    assert staged_files(on_ray.output) == []
