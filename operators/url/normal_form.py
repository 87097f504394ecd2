"""One spelling for the many of a URL, so that addresses and entries of lists can be compared.

Scheme, user, port, fragment, a leading `www.` and slashes at the end go. The host is in lower case and, where it is not
ASCII, in the form of the DNS (IDNA 2003, as Python's codec has it). Path and query stay as they are.
"""

import re
from collections.abc import Iterator
from typing import Final

_SCHEME: Final = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")
_HOST_END: Final = re.compile(r"[/?#\\]")
_PORT: Final = re.compile(r":\d*$")
_BETWEEN_WORDS: Final = re.compile(r"[^a-z0-9]+")


def split_url(url: str) -> tuple[str, str]:
    """Host and the rest of a URL, both in normal form; a URL may lack its scheme."""
    rest = _SCHEME.sub("", url.strip(), count=1)
    found = _HOST_END.search(rest)
    authority, tail = (rest, "") if found is None else (rest[: found.start()], rest[found.start() :])
    tail = tail.partition("#")[0].rstrip("/")
    return normal_host(authority), tail


def normal_host(authority: str) -> str:
    """The host of `user@host:port`, in normal form; an address in brackets keeps them."""
    host = _PORT.sub("", authority.rpartition("@")[2]).lower().rstrip(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:  # no host of the DNS, so no list can have it
            return host
    return host.removeprefix("www.")


def parent_domains(host: str) -> Iterator[str]:
    """The host itself, and every domain above it."""
    while host:
        yield host
        host = host.partition(".")[2]


def words_of(url: str) -> list[str]:
    """The runs of ASCII letters and digits, in lower case."""
    return [word for word in _BETWEEN_WORDS.split(url.lower()) if word]


def normal_word(word: str) -> str:
    """An entry of a list of words: its ASCII letters and digits alone, in lower case."""
    return _BETWEEN_WORDS.sub("", word.lower())
