"""Finds the e-mail address around an `@`."""

from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np

from operators.privacy.byte_classes import ALNUM, LABEL, LOCAL, Span, WordSet, holds, is_in, word_set
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

MAX_LOCAL_BYTES: Final = 64
"""RFC 5321, section 4.5.3.1.1."""
MAX_DOMAIN_BYTES: Final = 255
"""RFC 5321, section 4.5.3.1.2."""

LATIN_FIRST: Final = 0xC3
LATIN_LAST: Final = 0xC9
"""Lead bytes of U+00C0 to U+027F, letters with diacritics. Letters of other scripts end an address: text in scripts
without spaces stands right beside it."""

EXAMPLE: Final = ("example",)
"""example.com, .net, .org and others: domains for documentation (RFC 2606, section 3), so nobody's address."""
NOBODY: Final = ("git", "hg", "svn")
"""Accounts that addresses of repositories name, as in `git@github.com:owner/repository`."""

TLD_FILE: Final = "top_level_domains.txt"


@lru_cache(maxsize=1)
def top_level_domains() -> WordSet:
    """The root zone's names."""
    lines = files(__package__).joinpath(TLD_FILE).read_text(encoding="ascii").splitlines()
    return word_set(line for line in lines if not line.startswith("#"))


@borrowing_kernel
def match_email(
    data: Bytes,
    floor: np.uintp,
    at: np.uintp,
    end: np.uintp,
    classes: Bytes,
    domains: WordSet,
    examples: WordSet,
    nobody: WordSet,
) -> Span:
    """The address whose `@` is byte `at`, between `floor` and `end`.

    Its domain has two labels or more and ends in a name of the root zone.
    """
    nothing = np.uintp(0), np.uintp(0)
    start = _local_start(data, floor, at, classes)
    if start == at or at - start > np.uintp(MAX_LOCAL_BYTES) or data[at - np.uintp(1)] == np.uint8(ord(".")):
        return nothing
    if start > floor and data[start - np.uintp(1)] == np.uint8(ord("@")):
        return nothing  # @name@server, a handle
    stop = _domain_end(data, at + np.uintp(1), end, classes, domains, examples)
    if stop == np.uintp(0) or (stop < end and data[stop] == np.uint8(ord("@"))) or holds(nobody, data, start, at):
        return nothing
    return start, stop


@borrowing_kernel
def _local_start(data: Bytes, floor: np.uintp, at: np.uintp, classes: Bytes) -> np.uintp:
    """Where the part before the `@` begins; looks at a few bytes more than it may have."""
    start = at
    while start > floor and at - start <= np.uintp(MAX_LOCAL_BYTES):
        byte = data[start - np.uintp(1)]
        if byte == np.uint8(ord(".")) and data[start] == np.uint8(ord(".")):
            break
        if is_in(data, start - np.uintp(1), LOCAL, classes):
            start -= np.uintp(1)
        elif start - floor >= np.uintp(2) and _is_latin(data, start - np.uintp(2)):
            start -= np.uintp(2)
        else:
            break
    # a quotation mark, a bullet or a sign before an address is none of it
    while start < at and data[start] < np.uint8(0x80) and not is_in(data, start, ALNUM, classes):
        if data[start] == np.uint8(ord("_")):
            break
        start += np.uintp(1)
    return start


@borrowing_kernel
def _domain_end(
    data: Bytes, begin: np.uintp, end: np.uintp, classes: Bytes, domains: WordSet, examples: WordSet
) -> np.uintp:
    """Where the longest domain that begins at `begin` ends; 0 where there is none, or one for examples."""
    limit = min(end, begin + np.uintp(MAX_DOMAIN_BYTES))
    found = np.uintp(0)
    label = begin
    is_example = False
    num_labels = np.uintp(0)
    while label < limit and data[label] != np.uint8(ord("-")):
        stop = label
        while stop < limit:
            if is_in(data, stop, LABEL, classes):
                stop += np.uintp(1)
            elif stop + np.uintp(1) < limit and _is_latin(data, stop):
                stop += np.uintp(2)
            else:
                break
        last = stop
        while last > label and data[last - np.uintp(1)] == np.uint8(ord("-")):
            last -= np.uintp(1)
        if last == label:
            break
        if num_labels > np.uintp(0) and holds(domains, data, label, last):
            found = np.uintp(0) if is_example else last
        num_labels += np.uintp(1)
        is_example = holds(examples, data, label, last)
        if last != stop or stop >= limit or data[stop] != np.uint8(ord(".")):
            break
        label = stop + np.uintp(1)
    return found


@inline_kernel
def _is_latin(data: Bytes, i: np.uintp) -> bool:
    """Whether a letter of LATIN_FIRST to LATIN_LAST begins at byte `i`."""
    return bool(data[i] >= np.uint8(LATIN_FIRST) and data[i] <= np.uint8(LATIN_LAST))
