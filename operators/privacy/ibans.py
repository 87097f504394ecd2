"""Finds international bank account numbers (ISO 13616): a country's length, and the check digits."""

from typing import Final

import numpy as np

from operators.privacy.byte_classes import ALNUM, DIGIT, UPPER, Span, is_in
from pipeline.kernel import Bytes, borrowing_kernel

IBAN_LENGTHS: Final = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip
"""Characters of an account number by country: SWIFT, IBAN Registry, releases 97 to 99."""

NUM_COUNTRIES: Final = 26 * 26


def iban_lengths() -> Bytes:
    """IBAN_LENGTHS by 26 times the first letter plus the second, (676,) uint8; 0 where a country has none."""
    lengths = np.zeros(NUM_COUNTRIES, np.uint8)
    for country, length in IBAN_LENGTHS.items():
        lengths[26 * (ord(country[0]) - ord("A")) + ord(country[1]) - ord("A")] = length
    return lengths


@borrowing_kernel
def match_iban(data: Bytes, floor: np.uintp, start: np.uintp, end: np.uintp, classes: Bytes, lengths: Bytes) -> Span:
    """The account number that begins with the two capital letters at `start`, together or in groups of four."""
    nothing = np.uintp(0), np.uintp(0)
    if start > floor and (
        is_in(data, start - np.uintp(1), ALNUM, classes) or data[start - np.uintp(1)] == np.uint8(95)
    ):
        return nothing
    country = np.uintp(26) * np.uintp(data[start] - np.uint8(65)) + np.uintp(data[start + np.uintp(1)] - np.uint8(65))
    length = np.uintp(lengths[country])
    if length == np.uintp(0) or end - start < length:
        return nothing
    stop, remainder = _account(data, start, end, length, classes)
    if stop == np.uintp(0) or (stop < end and is_in(data, stop, ALNUM, classes)):
        return nothing
    for k in range(4):  # the country and the check digits count behind all else
        remainder = _appended(remainder, data[start + np.uintp(k)])
    return (start, stop) if remainder == np.uint32(1) else nothing


@borrowing_kernel
def _account(
    data: Bytes, start: np.uintp, end: np.uintp, length: np.uintp, classes: Bytes
) -> tuple[np.uintp, np.uint32]:
    """Where the number's `length` characters end, and the remainder by 97 of all but the first four; (0, 0) if not."""
    remainder = np.uint32(0)
    i = start
    is_grouped = start + np.uintp(4) < end and data[start + np.uintp(4)] == np.uint8(ord(" "))
    for k in range(length):
        if is_grouped and k > 0 and k % 4 == 0:
            if i >= end or data[i] != np.uint8(ord(" ")):
                return np.uintp(0), np.uint32(0)
            i += np.uintp(1)
        if i >= end or not is_in(data, i, DIGIT | UPPER, classes):
            return np.uintp(0), np.uint32(0)
        if k >= 4:
            remainder = _appended(remainder, data[i])
        i += np.uintp(1)
    return i, remainder


@borrowing_kernel
def _appended(remainder: np.uint32, byte: np.uint8) -> np.uint32:
    """The remainder by 97 with a digit, or a letter as 10 to 35, written behind it."""
    if byte <= np.uint8(ord("9")):
        return (remainder * np.uint32(10) + np.uint32(byte - np.uint8(ord("0")))) % np.uint32(97)
    return (remainder * np.uint32(100) + np.uint32(byte - np.uint8(ord("A"))) + np.uint32(10)) % np.uint32(97)
