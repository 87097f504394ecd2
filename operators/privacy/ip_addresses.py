"""Finds public IP addresses, of both versions, in their usual spelling."""

from typing import Final

import numpy as np
import numpy.typing as npt

from operators.privacy.byte_classes import (
    ALNUM,
    DIGIT,
    HEX,
    LETTER,
    LOWER,
    Span,
    WordSet,
    holds,
    is_in,
    word_before,
)
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

Networks = npt.NDArray[np.uint32]  # (N, 2) first and last address

NOT_PUBLIC: Final = (
    (0x00000000, 0x00FFFFFF),  # 0.0.0.0/8, this network
    (0x0A000000, 0x0AFFFFFF),  # 10.0.0.0/8, private
    (0x64400000, 0x647FFFFF),  # 100.64.0.0/10, shared by customers of a provider
    (0x7F000000, 0x7FFFFFFF),  # 127.0.0.0/8, loopback
    (0xA9FE0000, 0xA9FEFFFF),  # 169.254.0.0/16, link-local
    (0xAC100000, 0xAC1FFFFF),  # 172.16.0.0/12, private
    (0xC0000000, 0xC00000FF),  # 192.0.0.0/24, protocol assignments
    (0xC0000200, 0xC00002FF),  # 192.0.2.0/24, documentation
    (0xC0A80000, 0xC0A8FFFF),  # 192.168.0.0/16, private
    (0xC6120000, 0xC613FFFF),  # 198.18.0.0/15, benchmarks
    (0xC6336400, 0xC63364FF),  # 198.51.100.0/24, documentation
    (0xCB007100, 0xCB0071FF),  # 203.0.113.0/24, documentation
    (0xE0000000, 0xFFFFFFFF),  # 224.0.0.0/4 multicast, 240.0.0.0/4 reserved, broadcast
)
"""IANA IPv4 Special-Purpose Address Registry, and multicast (RFC 5771): first and last addresses."""

VERSION_WORDS: Final = (
    "v", "ver", "vers", "version", "versions", "rev", "revision", "release", "released", "build", "firmware", "kernel",
    "driver", "patch", "update", "upgrade", "upgraded", "section", "sections", "sec", "chapter", "clause", "paragraph",
    "figure", "fig", "table", "appendix", "annex", "item", "step", "rfc", "oid", "bios", "software", "sdk", "plugin",
)  # fmt: skip
"""After these words four numbers with dots are no address."""

MIN_LARGEST: Final = 10
"""Four numbers below ten are sections or versions. The few addresses of this form that are in use are public resolvers
such as 1.1.1.1, nobody's own."""


def networks_not_public() -> Networks:
    """NOT_PUBLIC as an array."""
    return np.array(NOT_PUBLIC, np.uint32)


@borrowing_kernel
def match_ipv4(
    data: Bytes, floor: np.uintp, start: np.uintp, end: np.uintp, classes: Bytes, not_public: Networks, words: WordSet
) -> Span:
    """The public address that begins with the digit `start`, whose neighbour before is no digit."""
    nothing = np.uintp(0), np.uintp(0)
    stop, address, largest = _parse_ipv4(data, start, end, classes)
    if stop == np.uintp(0) or largest < np.uint32(MIN_LARGEST):
        return nothing
    if not _stands_alone(data, floor, start, stop, end, classes):
        return nothing
    for n in range(not_public.shape[0]):
        if not_public[n, 0] <= address <= not_public[n, 1]:
            return nothing
    begin, behind = word_before(data, floor, start, classes)
    if behind > begin and holds(words, data, begin, behind):
        return nothing
    return start, stop


@borrowing_kernel
def _parse_ipv4(data: Bytes, start: np.uintp, end: np.uintp, classes: Bytes) -> tuple[np.uintp, np.uint32, np.uint32]:
    """Where four numbers with dots end (0 if they are none), the address, and the largest of them."""
    nothing = np.uintp(0), np.uint32(0), np.uint32(0)
    i = start
    address = np.uint32(0)
    largest = np.uint32(0)
    for part in range(4):
        value = np.uint32(0)
        first = i
        while i < end and i - first < np.uintp(4) and is_in(data, i, DIGIT, classes):
            value = value * np.uint32(10) + np.uint32(data[i] - np.uint8(ord("0")))
            i += np.uintp(1)
        num_digits = i - first
        has_zero_before = num_digits > np.uintp(1) and data[first] == np.uint8(ord("0"))
        if num_digits == np.uintp(0) or value > np.uint32(255) or has_zero_before:
            return nothing
        address = (address << np.uint32(8)) | value
        largest = max(largest, value)
        if part < 3:
            if i >= end or data[i] != np.uint8(ord(".")):
                return nothing
            i += np.uintp(1)
    return i, address, largest


@borrowing_kernel
def _stands_alone(data: Bytes, floor: np.uintp, start: np.uintp, stop: np.uintp, end: np.uintp, classes: Bytes) -> bool:
    """Whether four numbers are not part of a longer number, a name or a version such as `app/1.2.3.40-beta`."""
    if start > floor:
        before = data[start - np.uintp(1)]
        if (
            is_in(data, start - np.uintp(1), ALNUM, classes)
            or before == np.uint8(ord("."))
            or before == np.uint8(ord("_"))
        ):
            return False
        if start - floor > np.uintp(1):
            is_tied = before == np.uint8(ord("/")) and is_in(data, start - np.uintp(2), ALNUM, classes)
            is_tied |= before == np.uint8(ord("-")) and is_in(data, start - np.uintp(2), LETTER, classes)
            if is_tied:
                return False
    if stop == end:
        return True
    after = data[stop]
    if is_in(data, stop, ALNUM, classes) or after == np.uint8(ord("_")) or after == np.uint8(ord("@")):
        return False
    follows = stop + np.uintp(1)
    if follows >= end:
        return True
    if after == np.uint8(ord(".")):
        return bool(not is_in(data, follows, DIGIT | LOWER, classes))
    if after == np.uint8(ord("-")) and is_in(data, follows, ALNUM, classes):
        other, _, _ = _parse_ipv4(data, follows, end, classes)  # a range of two addresses
        return bool(other != np.uintp(0))
    return True


MIN_GROUPS: Final = 3
"""Groups that an abbreviated address must have: `2000::3` is a slice in Python more often than an address."""


@borrowing_kernel
def match_ipv6(data: Bytes, floor: np.uintp, colon: np.uintp, end: np.uintp, classes: Bytes) -> Span:
    """The public address whose first group ends at `colon`.

    Public addresses are those of 2000::/3 (RFC 4291 and the IANA registry of global unicast addresses), so the first
    group always has four digits, and scopes such as `std::a` are none.
    """
    nothing = np.uintp(0), np.uintp(0)
    if colon - floor < np.uintp(4) or colon + np.uintp(1) >= end:
        return nothing
    start = colon - np.uintp(4)
    if data[start] != np.uint8(ord("2")) and data[start] != np.uint8(ord("3")):
        return nothing
    if start > floor and _goes_on(data, start - np.uintp(1), classes):
        return nothing
    first, second, stop, num_groups, is_short = _parse_ipv6(data, start, end, classes)
    is_whole = num_groups == np.uintp(8) and not is_short
    is_abbreviated = is_short and np.uintp(MIN_GROUPS) <= num_groups < np.uintp(8)
    if not (is_whole or is_abbreviated) or (stop < end and _goes_on(data, stop, classes)):
        return nothing
    return (start, stop) if _is_public(first, second) else nothing


@borrowing_kernel
def _parse_ipv6(
    data: Bytes, start: np.uintp, end: np.uintp, classes: Bytes
) -> tuple[np.uint32, np.uint32, np.uintp, np.uintp, bool]:
    """First and second group, the end, how many groups are spelled, and whether `::` stands for some."""
    first = np.uint32(0)
    second = np.uint32(0)
    num_groups = np.uintp(0)
    short_after = np.uintp(0)
    is_short = False
    i = start
    stop = start
    while num_groups < np.uintp(8):
        value = np.uint32(0)
        begin = i
        while i < end and i - begin < np.uintp(4) and is_in(data, i, HEX, classes):
            value = (value << np.uint32(4)) | _hex_value(data[i])
            i += np.uintp(1)
        if i == begin:
            break
        if num_groups == np.uintp(0):
            first = value
        elif num_groups == np.uintp(1) and not is_short:
            second = value
        num_groups += np.uintp(1)
        stop = i
        if i >= end or data[i] != np.uint8(ord(":")):
            break
        i += np.uintp(1)
        if i < end and data[i] == np.uint8(ord(":")) and not is_short:
            is_short = True
            short_after = num_groups
            i += np.uintp(1)
    if is_short and short_after == num_groups:
        stop += np.uintp(2)  # `::` at the end
    return first, second, stop, num_groups, is_short


@borrowing_kernel
def _is_public(first: np.uint32, second: np.uint32) -> bool:
    """Whether an address of 2000::/3 is somebody's, by its first two groups.

    Not public are 2001::/23 (protocols), 2001:db8::/32 and 3fff::/20 (documentation) and 2002::/16 (6to4), by the IANA
    IPv6 Special-Purpose Address Registry.
    """
    if first == np.uint32(0x2001):
        return bool(second >= np.uint32(0x0200) and second != np.uint32(0x0DB8))
    if first == np.uint32(0x3FFF):
        return bool(second >= np.uint32(0x1000))
    return bool(first != np.uint32(0x2002))


@inline_kernel
def _goes_on(data: Bytes, i: np.uintp, classes: Bytes) -> bool:
    """Whether byte `i` would be part of the same name or number."""
    return bool(is_in(data, i, ALNUM, classes) or data[i] == np.uint8(ord(":")) or data[i] == np.uint8(ord("_")))


@inline_kernel
def _hex_value(byte: np.uint8) -> np.uint32:
    """The value of a hexadecimal digit."""
    digit = np.uint32(byte & np.uint8(0x0F))
    return digit if byte <= np.uint8(ord("9")) else digit + np.uint32(9)
