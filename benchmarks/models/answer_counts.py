"""Counts what a model answered, from the rows that a run left; an answer that is neither right nor flagged ends it.

Knows no model and no run: rows are dictionaries, as Parquet gives them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from operators.dataman.criteria import CRITERIA, DOMAINS
from operators.prox.model_programs import is_readable

RATED: Final = {"ok", "truncated"}
FLAGS: Final = {"low_mass", "malformed", "empty", "overlong"}
DOC_PROGRAMS: Final = {"drop_doc()", "keep_doc()"}

_CALL: Final = re.compile(
    r"(?:remove_lines|normalize|keep_chunk|keep_doc|keep_all|untouch_doc|skip_chunk)[ \t]*\(.*\).*"
)
"""What a line of a program looks like at least, if it can be read."""

Row = Mapping[str, Any]  # Any: values of Parquet columns


class Ratings(NamedTuple):
    """Documents by whether they are rated."""

    ok: int
    flagged: int


@dataclass(frozen=True, slots=True)
class Programs:
    """Programs by whether they can be read; all others are flagged."""

    parsable: int
    total: int

    @property
    def share(self) -> float:
        """Of all, those that can be read."""
        return self.parsable / self.total

    def __add__(self, other: "Programs") -> "Programs":
        return Programs(self.parsable + other.parsable, self.total + other.total)


def count_ratings(rows: Iterable[Row]) -> Ratings:
    """Documents that have all their ratings, and documents that have none and a status that says why.

    Raises:
        ValueError: a document has other ratings than its status promises.
    """
    ok = flagged = 0
    for place, row in enumerate(rows):
        status = row["dataman_status"]
        ratings = [row[f"dataman_{name}"] for name in CRITERIA]
        domain = row["dataman_domain"]
        if status in RATED and all(rating in range(1, 6) for rating in ratings) and domain in DOMAINS.values():
            ok += 1
        elif status in FLAGS and domain is None and all(rating is None for rating in ratings):
            flagged += 1
        else:
            raise ValueError(
                f"row {place}: expected ratings from 1 to 5 and a domain, or none and a flag; found status {status!r}, "
                f"ratings {ratings}, domain {domain!r}"
            )
    return Ratings(ok, flagged)


def count_doc_programs(programs: Sequence[str | None]) -> Programs:
    """Programs for whole documents.

    Raises:
        ValueError: there is one that is neither answer; null says that the prompt was too long.
    """
    for place, program in enumerate(programs):
        if program is not None and program not in DOC_PROGRAMS:
            raise ValueError(
                f"row {place}: expected {sorted(DOC_PROGRAMS)} or null; found another program of {len(program)} "
                "characters"
            )
    return Programs(sum(program is not None for program in programs), len(programs))


def count_chunk_programs(documents: Sequence[Sequence[Row]], num_errors: Sequence[int]) -> Programs:
    """Programs for chunks. What cannot be read is flagged: it is empty, it was cut, or its errors are counted.

    Args:
        documents: the column `prox_programs`.
        num_errors: the column `prox_num_errors`, of all programs of a document.

    Raises:
        ValueError: a program with a line that is no call counts as readable, or one that cannot be read has no flag.
    """
    parsable = total = 0
    for place, (entries, errors) in enumerate(zip(documents, num_errors, strict=True)):
        programs = [entry["program"] for entry in entries]
        readable = [is_readable(program) for program in programs]
        broken = sum(not is_one and not _is_flagged(entry) for is_one, entry in zip(readable, entries, strict=True))
        if any(is_one and not _has_calls_alone(program) for is_one, program in zip(readable, programs, strict=True)):
            raise ValueError(f"row {place}: expected calls in programs without errors; found another line")
        if broken > errors:
            raise ValueError(f"row {place}: expected {broken} errors at least; found {errors} counted")
        parsable += sum(readable)
        total += len(programs)
    return Programs(parsable, total)


def _is_flagged(entry: Row) -> bool:
    return bool(entry["is_cut"]) or not entry["program"].strip()


def _has_calls_alone(program: str) -> bool:
    lines = [line.strip() for line in program.split("\n")]
    return all(_CALL.fullmatch(line) for line in lines if line and not line.startswith(("#", "```")))
