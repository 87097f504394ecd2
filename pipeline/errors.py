"""Every error that corpusmill raises on purpose.

    PipelineError
    ├── PlanError (ValueError)        a recipe or plan that cannot run; raised before any work
    ├── SchemaError (TypeError)       columns or types that do not fit
    ├── StorageError (OSError)        a path that cannot be read, listed or written
    ├── OperatorError                 an operator failed as a whole; the cause is chained
    ├── CommitError                   counts that do not add up, or two different results for one shard
    ├── BudgetError                   more bad rows or damaged files than the recipe allows
    ├── MemoryLimitError (MemoryError) the system gave a process no more memory
    ├── FallBackNeeded                an operator asks that its whole step be made with its fallback
    └── RunnerError                   the cluster could not carry the work out

A message says where, what was expected, what was found and what to do, in that order and in one line.
It never holds document text.
"""

from typing import Final


class PipelineError(Exception):
    """Anything that went wrong for a reason that corpusmill understands."""


class PlanError(PipelineError, ValueError):
    """The recipe or plan is wrong; nothing has run."""


class SchemaError(PipelineError, TypeError):
    """Columns are missing, clash, or have another type than declared."""


class StorageError(PipelineError, OSError):
    """A path cannot be listed, read or written."""


class OperatorError(PipelineError):
    """An operator failed outside any single row; the original error is the cause."""


class CommitError(PipelineError):
    """A result was refused: its counts do not add up, or another result is already committed."""


class BudgetError(PipelineError):
    """A step read more bad rows or damaged files than its error budget allows."""


class MemoryLimitError(PipelineError, MemoryError):
    """The system gave a process no more memory; what was done stays committed."""


class FallBackNeeded(PipelineError):  # noqa: N818 -- an operator asks for something; the driver grants it
    """An operator found out that its whole step must be made with `Operator.fallback()`; the driver sees to it.

    Args:
        operator: what plans and ledgers call it.
        reason: goes into the manifest, so it is the same whichever document made it known.
        detail: what was found, and where; for logs alone, so it may differ from run to run. No document text.
    """

    def __init__(self, operator: str, reason: str, detail: str = "") -> None:
        super().__init__(operator, reason, detail)  # an error travels between processes as its arguments
        self.operator = operator
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        found = f" ({self.detail})" if self.detail else ""
        return f"operator {self.operator}: asks for its fallback: {self.reason}{found}"


class RunnerError(PipelineError):
    """Work could not be carried out: actors kept dying, or the cluster cannot satisfy a request."""


NO_OPERATORS_FAULT: Final = (PipelineError, KeyboardInterrupt, GeneratorExit)
"""What passes through operators and is not their failure. All else is, `sys.exit` and the panics of extensions written
in Rust included, which are no `Exception`: they would end a run that is not done, with exit code 0 at worst."""
