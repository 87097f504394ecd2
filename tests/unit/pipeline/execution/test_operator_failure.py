"""Who is blamed for what comes out of an operator's work: the operator, or nobody."""

from collections.abc import Generator

import pytest

from pipeline.errors import FallBackNeeded, OperatorError, StorageError
from pipeline.execution.operator_failure import blaming
from tests.unit.pipeline.sample_operators import TotalChars


def work(error: BaseException) -> None:
    with blaming(TotalChars(), lambda error: f"failed: {type(error).__name__}"):
        raise error


@pytest.mark.parametrize("error", [ValueError("secret"), SystemExit(0), StopIteration(), BaseException()])
def test_what_else_an_operator_raises_is_its_failure(error: BaseException) -> None:
    with pytest.raises(OperatorError) as caught:
        work(error)
    assert str(caught.value) == f"operator total_chars: failed: {type(error).__name__}"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        OperatorError("as it says"),
        FallBackNeeded("total_chars", "why"),
        StorageError("no such file"),
        OSError(28, "No space left on device"),
        MemoryError(),
        KeyboardInterrupt(),
    ],
)
def test_errors_of_ours_and_what_the_system_refuses_pass(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught:
        work(error)
    assert caught.value is error


def test_rows_that_nobody_reads_to_their_end_are_no_failure() -> None:
    def rows() -> Generator[int, None, None]:
        with blaming(TotalChars(), lambda _: "failed"):
            yield 1

    given = rows()
    assert next(given) == 1
    given.close()
