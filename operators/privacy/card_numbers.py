"""Finds numbers of payment cards: known prefixes and lengths, and a right check digit."""

from typing import Final

import numpy as np
import numpy.typing as npt

from operators.privacy.byte_classes import ALNUM, DIGIT, Span, WordSet, holds, is_in, word_before
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

Schemes = npt.NDArray[np.uint32]  # (N, 4) first and last six-digit prefix, shortest and longest number

CARD_SCHEMES: Final = (
    (400000, 499999, 16, 16),  # Visa; 13 digits are no longer issued, and are the length of article numbers
    (222100, 272099, 16, 16),  # Mastercard
    (510000, 559999, 16, 16),  # Mastercard
    (340000, 349999, 15, 15),  # American Express
    (370000, 379999, 15, 15),  # American Express
    (300000, 305999, 14, 14),  # Diners Club
    (309500, 309599, 14, 14),  # Diners Club
    (360000, 369999, 14, 14),  # Diners Club
    (380000, 399999, 14, 14),  # Diners Club
    (601100, 601199, 16, 19),  # Discover
    (644000, 659999, 16, 19),  # Discover
    (352800, 358999, 16, 19),  # JCB
    (620000, 629999, 16, 19),  # UnionPay
)
"""Issuer identification numbers (ISO/IEC 7812-1) of the large schemes, as the schemes publish their ranges."""

MIN_CARD_DIGITS: Final = 14
MAX_CARD_DIGITS: Final = 19

IDENTIFIER_WORDS: Final = (
    "order", "orders", "invoice", "tracking", "shipment", "parcel", "serial", "sku", "isbn", "issn", "ean", "gtin",
    "upc", "imei", "doi", "pmid", "orcid", "commit", "build", "ticket", "case", "reference", "ref", "id", "timestamp",
    "transaction", "hash", "part", "model", "patent", "rfc", "version",
)  # fmt: skip
"""After these words a number with the form of a card's, or of a phone's, is another one's."""


def card_schemes() -> Schemes:
    """CARD_SCHEMES as an array."""
    return np.array(CARD_SCHEMES, np.uint32)


@borrowing_kernel
def match_card(
    data: Bytes, floor: np.uintp, start: np.uintp, end: np.uintp, classes: Bytes, schemes: Schemes, words: WordSet
) -> Span:
    """The card number that begins with the digit `start`, whose neighbour before is no digit.

    Its digits stand together or, parted by single spaces or hyphens, in the groups that are printed on cards.
    """
    nothing = np.uintp(0), np.uintp(0)
    stop, num_digits = _card_digits(data, start, end, classes)
    if stop == np.uintp(0) or not _is_free(data, floor, start, stop, end, classes):
        return nothing
    prefix = np.uint32(0)
    i = start
    seen = np.uintp(0)
    while seen < np.uintp(6):
        if is_in(data, i, DIGIT, classes):
            prefix = prefix * np.uint32(10) + np.uint32(data[i] - np.uint8(ord("0")))
            seen += np.uintp(1)
        i += np.uintp(1)
    if not _is_issued(prefix, np.uint32(num_digits), schemes) or not luhn_holds(data, start, stop, classes):
        return nothing
    begin, behind = word_before(data, floor, start, classes)
    if behind > begin and holds(words, data, begin, behind):
        return nothing
    return start, stop


@borrowing_kernel
def _card_digits(data: Bytes, start: np.uintp, end: np.uintp, classes: Bytes) -> tuple[np.uintp, np.uintp]:
    """Where 14 to 19 digits end, and how many they are; (0, 0) if they are otherwise many, or otherwise grouped."""
    nothing = np.uintp(0), np.uintp(0)
    i = start
    groups = np.uint64(0)  # a hexadecimal digit for the length of each
    num_digits = np.uintp(0)
    separator = np.uint8(0)
    while True:
        first = i
        while i < end and i - first < np.uintp(20) and is_in(data, i, DIGIT, classes):
            i += np.uintp(1)
        length = i - first
        if groups == np.uint64(0) and length >= np.uintp(MIN_CARD_DIGITS):
            return (i, length) if length <= np.uintp(MAX_CARD_DIGITS) else nothing
        if length > np.uintp(6) or length < np.uintp(3):
            return nothing
        groups = (groups << np.uint64(4)) | np.uint64(length)
        num_digits += length
        if _is_printed(groups, data, i, end, separator, classes):
            return i, num_digits
        if i + np.uintp(1) >= end or not is_in(data, i + np.uintp(1), DIGIT, classes) or groups > np.uint64(0xFFFF):
            return nothing
        if separator == np.uint8(0):
            separator = data[i]
            if separator != np.uint8(ord(" ")) and separator != np.uint8(ord("-")):
                return nothing
        elif data[i] != separator:
            return nothing
        i += np.uintp(1)


@inline_kernel
def _is_printed(
    groups: np.uint64, data: Bytes, i: np.uintp, end: np.uintp, separator: np.uint8, classes: Bytes
) -> bool:
    """Whether these are the groups of a whole card: 4-6-5, 4-6-4, 4-4-4-4 or, if it goes on, 4-4-4-4-3."""
    is_four = groups == np.uint64(0x4444)
    if is_four and i + np.uintp(3) < end and data[i] == separator:
        goes_on = is_in(data, i + np.uintp(1), DIGIT, classes) and is_in(data, i + np.uintp(2), DIGIT, classes)
        goes_on &= is_in(data, i + np.uintp(3), DIGIT, classes)
        is_four = not goes_on
    return bool(is_four or groups == np.uint64(0x465) or groups == np.uint64(0x464) or groups == np.uint64(0x44443))


@borrowing_kernel
def _is_free(data: Bytes, floor: np.uintp, start: np.uintp, stop: np.uintp, end: np.uintp, classes: Bytes) -> bool:
    """Whether the digits are no part of a longer number, a name or a fraction."""
    if start > floor:
        before = data[start - np.uintp(1)]
        if is_in(data, start - np.uintp(1), ALNUM, classes) or _joins(before) or before == np.uint8(ord("+")):
            return False
        is_spaced = before == np.uint8(ord(" ")) and start - floor > np.uintp(1)
        if is_spaced and is_in(data, start - np.uintp(2), DIGIT, classes):
            return False
    if stop == end:
        return True
    if is_in(data, stop, ALNUM, classes) or data[stop] == np.uint8(ord("@")) or data[stop] == np.uint8(ord("_")):
        return False
    is_joined = _joins(data[stop]) and stop + np.uintp(1) < end
    return bool(not (is_joined and is_in(data, stop + np.uintp(1), DIGIT, classes)))


@inline_kernel
def _joins(byte: np.uint8) -> bool:
    """Whether a byte between digits makes one number, or one name, of them."""
    return bool(
        byte == np.uint8(ord("."))
        or byte == np.uint8(ord(","))
        or byte == np.uint8(ord("-"))
        or byte == np.uint8(ord("_"))
    )


@inline_kernel
def _is_issued(prefix: np.uint32, num_digits: np.uint32, schemes: Schemes) -> bool:
    for n in range(schemes.shape[0]):
        if schemes[n, 0] <= prefix <= schemes[n, 1] and schemes[n, 2] <= num_digits <= schemes[n, 3]:
            return True
    return False


@borrowing_kernel
def luhn_holds(data: Bytes, start: np.uintp, stop: np.uintp, classes: Bytes) -> bool:
    """Whether the digits of `data[start:stop]` end in the right check digit (ISO/IEC 7812-1, annex B)."""
    total = np.uint32(0)
    is_doubled = False
    i = stop
    while i > start:
        i -= np.uintp(1)
        if is_in(data, i, DIGIT, classes):
            value = np.uint32(data[i] - np.uint8(ord("0")))
            if is_doubled:
                value += value
                value = value - np.uint32(9) if value > np.uint32(9) else value
            total += value
            is_doubled = not is_doubled
    return bool(total % np.uint32(10) == np.uint32(0))
