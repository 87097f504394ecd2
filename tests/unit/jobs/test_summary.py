"""What a run prints at its end."""

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

from jobs.summary import print_summary
from jobs.terminal import PlainConsole
from operators.pack.packing_report import PACKING_FILE, PACKING_PLOT_FILE
from operators.pack.packing_statistics import PackingStatistics
from pipeline.artifact import Fallback
from pipeline.execution.prepare import PreparedRecipe
from pipeline.recorded_run import MemoryUse
from pipeline.run import Run, run_recipe
from tests.corpus import write_files
from tests.small import small, small_files


def printed(run: Run, prepared: PreparedRecipe) -> list[str]:
    stream = StringIO()
    print_summary(run, prepared.recipe, PlainConsole(file=stream, width=200))
    return stream.getvalue().splitlines()


def test_the_whole_summary(prepared: PreparedRecipe, finished: Run):
    lines = printed(finished, prepared)
    assert "documents: 6 in, 2 kept, 4 dropped, 0 quarantined; damaged files: 0" in lines
    assert "3 documents that went:" not in lines
    assert "2 documents that went:" in lines
    table = [[cell.strip() for cell in line.split("│")] for line in lines if "│" in line]
    assert ["documents", "gopher_quality", "too_few_words", "-2", "33.3%"] in table
    assert ["exact", "drop_duplicates", "exact_duplicate", "-1", "16.7%"] in table
    assert ["near", "drop_near_duplicates", "near_duplicate", "-1", "16.7%"] in table
    assert any(line.startswith("the first window of packed has ") for line in lines)
    assert any(line.startswith("tokens: ") and line.endswith("of the windows is padding") for line in lines)
    assert f"output: {finished.output}" in lines
    (report,) = (line for line in lines if line.startswith("report: "))
    assert Path(report.removeprefix("report: ")).read_text().startswith("# Near-duplicates\n")


def test_a_duplicate_and_its_survivor_are_shown_where_they_differ(prepared: PreparedRecipe, finished: Run):
    lines = printed(finished, prepared)
    place = next(number for number, line in enumerate(lines) if "near_duplicate:" in line)
    removed, stays, kept = lines[place + 1 : place + 4]
    assert stays.startswith("    stays, for it: ")
    assert {removed[-9:], kept[-9:]} == {"r the end", "er an end"}
    assert "It is told" not in removed


def test_cached_steps_are_named(prepared: PreparedRecipe, finished: Run):
    lines = printed(replace(finished, cached_steps=("documents", "exact")), prepared)
    assert any(line.endswith(f"(2 of {len(finished.manifests)} steps were already built)") for line in lines)


def test_a_fallback_is_a_warning(prepared: PreparedRecipe, finished: Run):
    fallback = Fallback("tokenize", {"engine": "quick"}, {"engine": "sound"}, "other ids")
    first = replace(finished.manifests["documents"], fallbacks=(fallback,))
    lines = printed(replace(finished, manifests={**finished.manifests, "documents": first}), prepared)
    assert "warning: documents: tokenize fell back (engine 'quick' -> 'sound'): other ids" in lines
    assert not any(line.startswith("warning") for line in printed(finished, prepared))


def test_memory_is_told_beside_its_budget(prepared: PreparedRecipe, finished: Run):
    assert finished.memory.peak_worker_bytes > 50_000_000  # the driver, here
    within = replace(finished, memory=MemoryUse(600_000_000, 590_000_000, 180_000_000))
    assert "memory: 590 MB of 600 MB for a worker at most, 180 MB for the driver" in printed(within, prepared)
    beyond = printed(replace(finished, memory=MemoryUse(600_000_000, 1_610_000_000, 180_000_000)), prepared)
    (warning,) = (line for line in beyond if line.startswith("warning: memory: "))
    assert "expected workers within 600 MB; found 1,610 MB" in warning
    nothing_done = replace(finished, memory=MemoryUse(600_000_000, 0, 180_000_000))
    assert not any(line.startswith("memory") for line in printed(nothing_done, prepared))


def test_what_a_terminal_would_obey_is_not_printed(prepared: PreparedRecipe, finished: Run):
    first = finished.manifests["documents"]
    shards = tuple(
        replace(shard, examples=tuple({**found, "text": "\x1b[2Jcleared"} for found in shard.examples))
        for shard in first.shards
    )
    run = replace(finished, manifests={**finished.manifests, "documents": replace(first, shards=shards)})
    lines = printed(run, prepared)
    assert any("[2Jcleared" in line for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_a_report_on_packing_is_a_line_and_its_plot(prepared: PreparedRecipe, finished: Run, tmp_path: Path):
    figures = {
        **PackingStatistics(8).figures(),
        "rows": 1200,
        "documents": 3000,
        "padding_fraction": 0.0125,
        "splits": 7,
    }
    figures["documents_per_row"] = {"mean": 2.5, "min": 1, "median": 2, "max": 9}
    (tmp_path / "packing.json").write_text(json.dumps(figures))
    (tmp_path / "packing.svg").write_text("<svg/>")
    model = finished.manifests["vocabulary"]
    files = {
        name: replace(model.shards[0].files["tokenizer.json"], name=name) for name in (PACKING_FILE, PACKING_PLOT_FILE)
    }
    report = replace(model, folder=tmp_path, shards=(replace(model.shards[0], files=files),))
    lines = printed(replace(finished, manifests={"packing": report, **finished.manifests}), prepared)
    expected = (
        "packing: 1,200 rows of 3,000 documents, 2.5 a row, 9 at most; 1.250% padding, 7 splits, 0 tokens truncated"
    )
    assert expected in lines
    assert f"report: {tmp_path / 'packing.svg'}" in lines


def test_datasets_of_trainers_are_named(tmp_path: Path):
    run = run_recipe(small(), tmp_path / "out", directory=write_files(tmp_path / "in", small_files()))
    stream = StringIO()
    print_summary(run, small(), PlainConsole(file=stream, width=200))
    manifest = run.manifests["files"]
    tokens = manifest.total("conserved_out")
    files = len(manifest.shards) + 1
    folder = manifest.folder / "dataset"
    lines = stream.getvalue().splitlines()
    assert f"dataset: {folder}: {files} files of text_files, {tokens:,} tokens" in lines
    assert f"last artifact: {folder}" in lines
    assert run.funnel.tokens_in == 0, "nothing was packed"
    assert run.funnel.rows_in == run.funnel.rows_kept + run.funnel.rows_dropped + run.funnel.rows_quarantined
