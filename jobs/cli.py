"""The command line: corpusmill run, plan, validate, status, explain, attribution, whatif, clean, schema.

Numbers go to stdout, progress and errors to stderr. Exit code 0: all that was asked for is committed; 1: a run failed,
with what, where and how to go on; 2: a wrong recipe or option; 130 and 143: interrupted and terminated.

What one command alone needs is imported in it: a small run is over in a few seconds, and imports are half of them.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.text import Text

from jobs.defect import as_defect
from jobs.progress import show_progress
from jobs.status import print_status, run_status
from jobs.summary import print_summary
from jobs.terminal import PlainConsole, printable
from jobs.termination import INTERRUPTED, ends_by_signal
from operators.catalogue import catalogue
from pipeline.errors import PipelineError, PlanError, SchemaError
from pipeline.execution.allocators import give_freed_memory_back
from pipeline.execution.memory_budget import MEGABYTE, is_tight, share_of_machine, within
from pipeline.execution.prepare import PreparedRecipe, prepare
from pipeline.execution.process_memory import out_of_memory
from pipeline.execution.run_folder import only_driver
from pipeline.execution.work import Execution
from pipeline.io.store import Place, place_of, store_at
from pipeline.io.system_errors import storage_error
from pipeline.plan.logical import Recipe
from pipeline.recipe import load_recipe, recipe_json_schema
from pipeline.recorded_run import RecordedRun, load_run
from pipeline.report.fate import Fate, FateEvent, find_fates
from pipeline.report.lineage import Lineage, TokenOwner
from pipeline.run import open_runner, run_prepared

app = typer.Typer(
    name="corpusmill",
    help="Turns raw documents into training-ready token shards.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

RecipeArgument = Annotated[Path, typer.Argument(help="Recipe file (YAML).", show_default=False)]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Output folder of a run, or its s3:// URL.", show_default=False)
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override a field, e.g. documents.gopher_quality.min_words=30."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


@app.command()
def run(  # noqa: PLR0913, PLR0917 -- a parameter for each option
    recipe: RecipeArgument,
    output: Annotated[
        str | None, typer.Option(help="Output folder, or s3://BUCKET/PREFIX.  [default: runs/<recipe name>]")
    ] = None,
    runner: Annotated[str, typer.Option(help="ray or local.")] = "ray",
    workers: Annotated[int | None, typer.Option(help="Actors at most.  [default: one per CPU]")] = None,
    address: Annotated[str | None, typer.Option(help="Ray cluster to join, e.g. auto.")] = None,
    batch_rows: Annotated[int, typer.Option(help="Documents that pass through operators together.", min=1)] = 2048,
    memory_per_worker: Annotated[
        int | None,
        typer.Option(metavar="MB", help="What each worker stays within.  [default: its share of the machine]"),
    ] = None,
    set_: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a recipe: does what is missing, and goes on from where a killed run stopped."""
    with ends_by_signal():
        prepared = _prepare(recipe, set_)
        folder = place_of(output or f"runs/{prepared.recipe.name}")
        execution = _execution(batch_rows, memory_per_worker, _workers_here(runner, workers, address))
        chosen = open_runner(runner, workers, address)  # type: ignore[arg-type]
        with _stdout_kept_clean():
            try:
                with show_progress() as watch:
                    done = run_prepared(prepared, folder, chosen, execution, watch)
            finally:
                chosen.close()
    if as_json:
        told = {"output": str(done.output), "seconds": round(done.seconds, 3), "memory": asdict(done.memory)}
        _print_json({**told, **done.funnel.to_json()})
    else:
        print_summary(done, prepared.recipe, PlainConsole())


@app.command()
def plan(
    recipe: RecipeArgument,
    output: Annotated[str | None, typer.Option(help="Output folder, to see what is already built.")] = None,
    workers: Annotated[int | None, typer.Option(help="Actors at most.  [default: one per CPU of this machine]")] = None,
    sample: Annotated[bool, typer.Option(help="Estimate time, disk and memory by building samples elsewhere.")] = True,
    set_: SetOption = None,
) -> None:
    """Print steps, stages, actors, what is built already, and an estimate; writes nothing into the output folder."""
    from pipeline.report.estimate import describe_estimate, estimate_cost  # noqa: PLC0415 -- see above
    from pipeline.report.preview import built_steps, preview_plan  # noqa: PLC0415 -- see above

    prepared = _prepare(recipe, set_)
    folder = place_of(output or f"runs/{prepared.recipe.name}")
    actors = workers or os.cpu_count() or 1
    for line in preview_plan(prepared, folder, workers=actors):
        print(printable(line))  # noqa: T201 - the command's output
    if sample:
        built = built_steps(prepared, folder)
        try:
            lines = ["estimate: nothing is left to build"]
            if built != prepared.steps.keys():
                lines = list(describe_estimate(estimate_cost(prepared, built), actors))
        except PipelineError as error:  # the head of an input may hold nothing that a later step can work on
            lines = [f"estimate: none; a sample of the input's head could not be built: {error}"]
        for line in ("", *lines):
            print(printable(line))  # noqa: T201 - the command's output


@app.command()
def validate(recipe: RecipeArgument, set_: SetOption = None) -> None:
    """Check a recipe and its inputs without running anything."""
    prepared = _prepare(recipe, set_)
    files = sum(len(files) for files in prepared.files.values())
    print(f"{recipe}: {len(prepared.steps)} steps over {files} input files fit together")  # noqa: T201 - the command's output


@app.command()
def status(run_folder: RunArgument, as_json: JsonOption = False) -> None:
    """What of a run is done, at work or failed. Needs no Ray."""
    found = run_status(load_run(place_of(run_folder)))
    if as_json:
        _print_json(asdict(found))
    else:
        print_status(found, PlainConsole())


@app.command()
def explain(
    run_folder: RunArgument,
    document: Annotated[
        str | None, typer.Argument(metavar="[DOC]", help="doc_id, or the input's own id.", show_default=False)
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="STEP:SHARD:TOKEN", help="The document whose token this is.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Everything that happened to one document: rule, value, threshold, survivor, and where its tokens lie."""
    recorded = load_run(place_of(run_folder))
    if (document is None) == (at is None):
        raise PlanError("explain: expected either DOC or --at STEP:SHARD:TOKEN; found both or none; give one")
    owner = None if at is None else _owner(recorded, at)
    doc_id = document if owner is None else owner.doc_id
    assert doc_id is not None
    fates = find_fates(recorded, doc_id, catalogue())
    if as_json:
        told = [asdict(fate) for fate in fates]
        _print_json(told if owner is None else {"owner": asdict(owner), "fates": told})
        return
    if owner is not None:
        PlainConsole().print(f"{at}: {owner}", soft_wrap=True, highlight=False)
    for fate in fates:
        _print_fate(fate, PlainConsole())


@app.command()
def attribution(
    run_folder: RunArgument,
    step: Annotated[str | None, typer.Argument(metavar="STEP", help="Default: all that keep values.")] = None,
    rules: Annotated[bool, typer.Option("--rules", help="Overlap between rules, not only between filters.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What each rule removes, alone and beside the others, in steps with `attribution: true`."""
    from jobs.judged import print_attribution  # noqa: PLC0415 -- see above
    from pipeline.report.attribution import attribute  # noqa: PLC0415 -- see above
    from pipeline.report.judged_steps import how_to_get_values, judged_steps  # noqa: PLC0415 -- see above

    recorded = load_run(place_of(run_folder))
    judged = judged_steps(recorded, catalogue())
    if step is not None and step not in judged:
        raise PlanError(
            f"attribution: step {step!r} keeps no values; {how_to_get_values(recorded, [step])}; steps with values: "
            f"{list(judged)}"
        )
    if not judged:
        told = how_to_get_values(recorded, [one.step for one in recorded.steps])
        raise PlanError(f"attribution: no step of this run keeps values; {told}")
    found = [attribute(one) for name, one in judged.items() if step in (None, name)]
    if as_json:
        _print_json([one.to_json() for one in found])
        return
    for one in found:
        print_attribution(one, PlainConsole(), rules=rules)


@app.command()
def whatif(
    run_folder: RunArgument,
    settings: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH=VALUE...", help="Limits, e.g. documents.gopher_quality.min_words=30.", show_default=False
        ),
    ],
    examples: Annotated[int, typer.Option(help="Documents to name of those that change sides.", min=0)] = 5,
    as_json: JsonOption = False,
) -> None:
    """What steps with `attribution: true` would keep with other limits, without running them."""
    from jobs.judged import print_answer  # noqa: PLC0415 -- see above
    from pipeline.report.whatif import what_if  # noqa: PLC0415 -- see above

    answers = what_if(load_run(place_of(run_folder)), catalogue(), settings, num_examples=examples)
    if as_json:
        _print_json([{**asdict(answer), "is_exact": answer.is_exact} for answer in answers])
        return
    for answer in answers:
        print_answer(answer, PlainConsole())


@app.command()
def clean(run_folder: RunArgument) -> None:
    """Remove artifacts that the recipe, as it was last run, no longer names; work on unfinished steps stays."""
    output = load_run(place_of(run_folder)).output  # where there is no run, no lock is left
    with only_driver(output):
        found = load_run(output)  # as the last driver left it
        named = {output / step.folder for step in found.steps if step.folder is not None}
        unfinished = {step.step for step in found.steps if step.folder is None}
        folders: list[Place] = sorted((output / "steps").iterdir())
        for folder in folders:
            if folder not in named and folder.name.rpartition("-")[0] not in unfinished:
                store_at(output).remove_folder(folder)
                print(f"removed {folder}")  # noqa: T201 - the command's output


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    _print_json(recipe_json_schema(catalogue()))


def main() -> NoReturn:
    """The `corpusmill` command."""
    try:
        app(standalone_mode=True)
    except (PlanError, SchemaError) as error:
        _fail(error, 2)
    except PipelineError as error:
        _fail(error, 1)
    except BrokenPipeError:  # whoever reads our output has seen enough, as in `corpusmill status RUN | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is still buffered goes nowhere, without a second error
        raise SystemExit(1) from None
    except OSError as error:
        _fail(storage_error("command", error), 1)
    except MemoryError as error:
        _fail(out_of_memory("command", error, None), 1)
    except KeyboardInterrupt:
        print("corpusmill: interrupted; committed work stays, run again to go on", file=sys.stderr)  # noqa: T201
        raise SystemExit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - a defect of ours; a traceback helps nobody who did not write the code
        _fail(as_defect(error), 1)
    raise SystemExit(0)


def _fail(error: PipelineError, code: int) -> NoReturn:
    with suppress(OSError):  # where nothing can be told any more, the exit code still tells
        print(printable(f"corpusmill: {error}"), file=sys.stderr)  # noqa: T201 - the command's output
        for note in getattr(error, "__notes__", ()):
            print(printable(f"  in {note}"), file=sys.stderr)  # noqa: T201 - the command's output
    raise SystemExit(code)


def _load(recipe: Path, overrides: list[str] | None) -> Recipe:
    return load_recipe(recipe, catalogue(), overrides or ())


def _prepare(recipe: Path, overrides: list[str] | None) -> PreparedRecipe:
    loaded = _load(recipe, overrides)
    try:
        return prepare(loaded, recipe.parent)
    except PipelineError as error:
        error.add_note(f"recipe {recipe}")
        raise


def _workers_here(runner: str, workers: int | None, address: str | None) -> int | None:
    """How many workers share this machine; None where they are on a cluster that exists."""
    if runner == "local":
        return 1
    return None if address or os.environ.get("RAY_ADDRESS") else workers or os.cpu_count() or 1


def _execution(batch_rows: int, memory_mb: int | None, workers_here: int | None) -> Execution:
    """Settings for the memory that a worker may have, as it was stated or as the machine has it."""
    if memory_mb is None and workers_here is None:
        return Execution(batch_rows=batch_rows)
    memory = share_of_machine(workers_here or 1) if memory_mb is None else memory_mb * MEGABYTE
    if is_tight(memory):
        give_freed_memory_back()  # Ray's workers on this machine inherit it
    return within(memory, batch_rows)


def _owner(run: RecordedRun, at: str) -> TokenOwner:
    """Whose the token is that `STEP:SHARD:TOKEN` names."""
    step, *numbers = at.rsplit(":", 2)
    if len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
        raise PlanError(f"--at: expected STEP:SHARD:TOKEN with two numbers, such as tokens:3:120; found {at!r}")
    return Lineage(run.steps, run.manifests()).owner(step, *map(int, numbers))


def _print_json(data: object) -> None:
    print(json.dumps(data, indent=1, ensure_ascii=False))  # noqa: T201 - the command's output


def _print_fate(fate: Fate, console: PlainConsole) -> None:
    name = f" ({fate.input_id})" if fate.input_id else ""
    title = Text.assemble(printable(f"document {fate.doc_id}{name}: "), (fate.verdict, "bold"))
    console.print(title, soft_wrap=True, highlight=False)
    for event in fate.events:
        console.print(f"  {event.step}: {_describe(event)}", soft_wrap=True, highlight=False)
    if fate.text is not None:
        console.print("  text: " + " ".join(fate.text.split()), style="dim", soft_wrap=True)


def _describe(event: FateEvent) -> str:
    parts = [event.action]
    if event.operator:
        parts.append(f"by {event.operator}, rule {event.rule}")
    if event.value is not None:
        parts.append(f"value {event.value:.6g}")
    if event.threshold is not None:
        parts.append(f"threshold {event.threshold:.6g}")
    if event.survivor is not None:
        parts.append(
            f"survivor {event.survivor}" + (f" ({event.survivor_input_id})" if event.survivor_input_id else "")
        )
    if event.detail:
        parts.append(event.detail)
    return ", ".join(parts)


@contextmanager
def _stdout_kept_clean() -> Iterator[None]:
    """Sends file descriptor 1 to stderr: Ray's daemons write reports to the driver's stdout whatever one asks."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
