"""Mixing as steps of a recipe: functions from names and settings to tuples of steps."""

from operators.mix.drop_unchosen import DropUnchosen
from operators.mix.mix_budgets import MixBudgets
from operators.mix.mix_parts import MixPart
from operators.mix.mix_pool import MIX_FILE, CountColumn
from operators.mix.mix_repetitions import MixRepetitions
from operators.select.named_columns import CellColumn
from pipeline.document import SOURCE
from pipeline.operator import FileRef
from pipeline.plan.logical import ArtifactKind, Step, View


def mix(  # noqa: PLR0913 -- the settings of one method, all with its defaults
    name: str,
    *,
    view: View,
    parts: dict[str, MixPart] | None = None,
    others: MixPart | None = None,
    budget: int | None = None,
    temperature: float | None = None,
    by: CellColumn | str = SOURCE,
    copies: CountColumn | None = None,
    size: str = "num_tokens",
    seed: int = 1,
) -> tuple[Step, ...]:
    """Steps that say how often each document of `view` is to be there for its part to have what is asked for.

    They leave `<name>.budgets` (a model: what every part has, was to have and gets, and a report of it),
    `<name>.repetitions` (columns: repetitions) and `<name>`, the removals of what is left out. Bind the last two where
    rows are written, and put `repeat_rows` there. No text is read. The arguments are the fields of `mix_budgets`.
    """
    finder = MixBudgets(
        parts=parts or {},
        others=others,
        budget=budget,
        temperature=temperature,
        by=CellColumn(column=by) if isinstance(by, str) else by,
        copies=copies,
        size=size,
        seed=seed,
    )
    budgets, repetitions = f"{name}.budgets", f"{name}.repetitions"
    apply = MixRepetitions(**finder.settings(), mix=FileRef(uri=f"step:{budgets}/{MIX_FILE}"))
    return (
        Step(name=budgets, view=view, nodes=(finder,), write=ArtifactKind.MODEL),
        Step(name=repetitions, view=view, nodes=(apply,), write=ArtifactKind.COLUMNS),
        Step(name=name, view=view.binding(repetitions), nodes=(DropUnchosen(),), write=ArtifactKind.REMOVALS),
    )
