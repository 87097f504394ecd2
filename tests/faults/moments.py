"""Moments of a build at which something may happen to it: every pass of a fault point, and what is drawn of them.

A build on the local runner passes the same points in the same order each time. So a moment is a point and a number, and
a copy of the output folder that is made there is what a process leaves that is killed there: nothing else writes.
"""

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.execution.build import build
from pipeline.execution.faults import FAULT_POINTS, watched
from pipeline.execution.local import LocalRunner
from pipeline.execution.prepare import prepare
from pipeline.execution.runner import Event
from pipeline.execution.work import Execution
from pipeline.plan.logical import Recipe

EXECUTIONS: Final = (
    Execution(),
    Execution(batch_rows=7),
    Execution(batch_rows=64, read_bytes=1 << 12, exchange_memory_bytes=1 << 12),
)
"""None of them may reach a byte; small budgets make exchanges spill."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The n-th time, from 1, that a build passes a fault point, and the step that it is at."""

    point: str
    number: int
    step: str

    def __str__(self) -> str:
        return f"{self.point}:{self.number}"


def walk(recipe: Recipe, inputs: Path, output: Path, visit: Callable[[Moment], None]) -> None:
    """Builds on the local runner and calls `visit` at every moment."""
    passes = dict.fromkeys(FAULT_POINTS, 0)
    step = [""]

    def watch(event: Event) -> None:
        step[0] = event.step or step[0]

    def reached(point: str) -> None:
        passes[point] += 1
        visit(Moment(point, passes[point], step[0]))

    with watched(reached):
        build(prepare(recipe, inputs), output, LocalRunner(), Execution(), watch)


def copies_at(moments: Sequence[Moment], recipe: Recipe, inputs: Path, folder: Path) -> dict[Moment, Path]:
    """For each moment the output folder as a process leaves it that is killed then."""
    wanted = set(moments)
    copies: dict[Moment, Path] = {}

    def visit(moment: Moment) -> None:
        if moment in wanted:
            copies[moment] = folder / str(moment).replace(":", "-")
            shutil.copytree(folder / "walked", copies[moment])

    walk(recipe, inputs, folder / "walked", visit)
    return copies


def drawn(moments: Sequence[Moment], seed: int, number: int) -> list[Moment]:
    """`number` different moments: first, middle and last of every point, then as many of each step as there are."""
    draw = random.Random(seed)
    passes = {point: [one for one in moments if one.point == point] for point in FAULT_POINTS}
    chosen = {one for found in passes.values() for one in (found[0], found[len(found) // 2], found[-1])}
    rest = {step: [one for one in moments if one.step == step and one not in chosen] for step in _steps(moments)}
    while len(chosen) < number and any(rest.values()):
        for found in rest.values():
            if found and len(chosen) < number:
                chosen.add(found.pop(draw.randrange(len(found))))
    ordered = sorted(chosen, key=moments.index)
    return ordered if len(ordered) <= number else sorted(draw.sample(ordered, number), key=moments.index)


def _steps(moments: Sequence[Moment]) -> list[str]:
    return list(dict.fromkeys(one.step for one in moments))
