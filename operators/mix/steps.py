"""Mixing as steps of a recipe: functions from names and settings to tuples of steps."""

from typing import Literal

from operators.mix.drop_unchosen import DropUnchosen
from operators.mix.mix_budgets import MixBudgets
from operators.mix.mix_parts import MixPart
from operators.mix.mix_pool import MIX_FILE, CountColumn
from operators.mix.mix_repetitions import MixRepetitions
from operators.mix.ordered_rows import OrderedRows
from operators.mix.shuffle_key import SHUFFLE_KEY, ShuffleKey
from operators.mix.subset_cuts import SubsetCuts
from operators.mix.subset_pool import SUBSETS_FILE
from operators.mix.subset_rows import EPOCH, SubsetRows
from operators.select.named_columns import CellColumn
from pipeline.document import DOC_ID, SOURCE
from pipeline.operator import FileRef
from pipeline.plan.logical import ArtifactKind, Exchange, SortKey, Step, View


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


def shuffle(
    name: str,
    *,
    view: View,
    of: Literal["documents", "windows"] = "documents",
    seed: int = 1,
    columns: tuple[str, ...] | None = None,
) -> tuple[Step, ...]:
    """Steps that write the rows of `view` in a random order: `<name>.keys` (columns: shuffle_key), and `<name>`.

    All shards of `<name>` together are one order, the same for any number of workers. Rows travel as they are, so
    shuffle token ids, not texts.

    Args:
        name: The last step's name.
        view: A base of documents, such as a token store, or of packed rows.
        of: `documents`, whose order their ids decide; or `windows`, packed rows, whose order their places decide.
        seed: Of the order.
        columns: What is written; all columns of the view unless set.
    """
    keys = f"{name}.keys"
    ties = (SortKey(column=DOC_ID),) if of == "documents" else ()
    nodes = (Exchange(key=SHUFFLE_KEY, sort=ties, placement="range"), OrderedRows())
    write = ArtifactKind.DOCUMENTS if of == "documents" else ArtifactKind.TABLE
    return (
        Step(name=keys, view=view, nodes=(ShuffleKey(of=of, seed=seed),), write=ArtifactKind.COLUMNS),
        Step(name=name, view=view.binding(keys), nodes=nodes, write=write, columns=columns),
    )


def random_subsets(
    name: str,
    *,
    view: View,
    num_epochs: int,
    budget: int | None = None,
    share: float | None = None,
    size: str = "num_tokens",
    seed: int = 1,
) -> tuple[Step, ...]:
    """Steps that list a fresh random subset of `view` for each epoch, without a copy of anything.

    They leave `<name>.cuts` (a model: how much each epoch got) and `<name>` (a table: epoch, shard and row in the base,
    doc_id, and the size), which has the epochs one behind the other and each in a random order. The arguments are the
    fields of `subset_cuts`.
    """
    finder = SubsetCuts(num_epochs=num_epochs, budget=budget, share=share, size=size, seed=seed)
    cuts = f"{name}.cuts"
    lister = SubsetRows(**finder.settings(), subsets=FileRef(uri=f"step:{cuts}/{SUBSETS_FILE}"))
    ties = (SortKey(column=EPOCH), SortKey(column=DOC_ID))
    nodes = (lister, Exchange(key=SHUFFLE_KEY, sort=ties, placement="range"), OrderedRows())
    return (
        Step(name=cuts, view=view, nodes=(finder,), write=ArtifactKind.MODEL),
        Step(name=name, view=view, nodes=nodes, write=ArtifactKind.TABLE),
    )
