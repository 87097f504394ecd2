"""What an operator raises outside any single row becomes an error of its own, which stops the step."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.errors import NO_OPERATORS_FAULT, OperatorError
from pipeline.operator import Operator


@contextmanager
def blaming(operator: Operator, how: Callable[[BaseException], str]) -> Iterator[None]:
    """Around the work of an operator: what it raises is an OperatorError, whose message ends with `how` it failed.

    What the system refuses, and memory that it does not give, pass: the worker tells them as what they are.
    """
    try:
        yield
    except (*NO_OPERATORS_FAULT, OSError, MemoryError):
        raise
    except BaseException as error:
        raise OperatorError(f"operator {operator.name}: {how(error)}") from error
