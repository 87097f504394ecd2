"""Finds phone numbers by the ways in which they are written.

A number without a country code looks like many others, so it must either be grouped as the numbers of a country are, or
stand behind a word such as "phone".
"""

from typing import Final

import numpy as np

from operators.privacy.byte_classes import ALNUM, DIGIT, Span, WordSet, holds, is_in, word_before
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

MIN_INTERNATIONAL_DIGITS: Final = 8
MIN_DIGITS: Final = 7
MAX_DIGITS: Final = 15
"""E.164, section 6.1, with the country code. The shortest numbers are a choice: shorter ones are mostly others."""
MAX_GROUPS: Final = 7

CALLING_CODES: Final = (
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 "
    "84 86 90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 "
    "236 237 238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 "
    "264 265 266 267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 "
    "376 377 378 380 381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 "
    "593 594 595 596 597 598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 "
    "692 800 808 850 852 853 855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 "
    "972 973 974 975 976 977 979 992 993 994 995 996 998 "
)
"""Country codes that are assigned: ITU-T, list of E.164 country codes."""

CUE_WORDS: Final = (
    "tel", "telephone", "phone", "phones", "fon", "telefon", "telefono", "telefone", "cell", "cellphone", "mobile",
    "mobil", "handy", "portable", "fax", "call", "whatsapp", "sms", "hotline", "dial", "contact", "ring", "ph", "mob",
)  # fmt: skip
"""Words behind which digits are a phone number."""


def calling_codes() -> Bytes:
    """Which of 0 to 999 are assigned codes, (1000,) uint8."""
    codes = np.zeros(1000, np.uint8)
    codes[np.array(CALLING_CODES.split(), np.int64)] = 1
    return codes


@borrowing_kernel
def match_phone(
    data: Bytes,
    floor: np.uintp,
    digit: np.uintp,
    end: np.uintp,
    classes: Bytes,
    codes: Bytes,
    cues: WordSet,
    identifiers: WordSet,
) -> Span:
    """The phone number of which `digit` is the first digit; its neighbour before is no digit.

    A plus sign and an opening bracket before it belong to it.
    """
    nothing = np.uintp(0), np.uintp(0)
    start = digit
    has_plus = bool(start > floor and data[start - np.uintp(1)] == np.uint8(ord("+")))
    start -= np.uintp(has_plus)
    has_bracket = bool(start > floor and data[start - np.uintp(1)] == np.uint8(ord("(")))
    stop, groups, num_digits, separator = _groups(data, digit, end, classes, has_bracket)
    if has_bracket and stop == np.uintp(0):  # the bracket is around it, or not its own
        has_bracket = False
        stop, groups, num_digits, separator = _groups(data, digit, end, classes, has_bracket)
    start -= np.uintp(has_bracket)
    if start > floor and _is_tied_before(data, floor, start, classes, has_plus or has_bracket):
        return nothing
    if stop == np.uintp(0) or not np.uintp(MIN_DIGITS) <= num_digits <= np.uintp(MAX_DIGITS):
        return nothing
    begin, behind = word_before(data, floor, start, classes)
    if behind > begin and holds(identifiers, data, begin, behind):
        return nothing
    if has_plus or (data[digit] == np.uint8(ord("0")) and data[digit + np.uintp(1)] == np.uint8(ord("0"))):
        first = digit if has_plus else digit + np.uintp(2)
        is_long = num_digits >= np.uintp(MIN_INTERNATIONAL_DIGITS)
        is_phone = is_long and (has_plus or groups > np.uint64(15)) and _has_code(data, first, end, classes, codes)
    else:
        is_phone = _is_national(data, digit, groups, num_digits, separator, has_bracket)
        is_phone |= behind > begin and holds(cues, data, begin, behind)
    return (start, stop) if is_phone else nothing


@borrowing_kernel
def _groups(
    data: Bytes,
    digit: np.uintp,
    end: np.uintp,
    classes: Bytes,
    has_bracket: bool,
) -> tuple[np.uintp, np.uint64, np.uintp, np.uint8]:
    """Where the digits end, the lengths of their groups as hexadecimal digits, their sum, and the last separator.

    Groups are parted by one of ` -./`, or by a bracket with a space or without. (0, 0, 0, 0) where the digits are part
    of a longer number or of a name.
    """
    nothing = np.uintp(0), np.uint64(0), np.uintp(0), np.uint8(0)
    groups = np.uint64(0)
    num_digits = np.uintp(0)
    separator = np.uint8(0)
    is_open = has_bracket
    i = digit
    while True:
        first = i
        while i < end and i - first <= np.uintp(MAX_DIGITS) and is_in(data, i, DIGIT, classes):
            i += np.uintp(1)
        num_digits += i - first
        groups = (groups << np.uint64(4)) | np.uint64(i - first)
        if num_digits > np.uintp(MAX_DIGITS) or groups >> np.uint64(4 * MAX_GROUPS) != np.uint64(0):
            return nothing
        following = i
        opens = is_open  # whether a bracket is open in front of the next group
        if following < end and opens and data[following] == np.uint8(ord(")")):
            opens = False
            following += np.uintp(1)
        if following < end and _is_separator(data[following]):
            separator = data[following]
            following += np.uintp(1)
        if following < end and not opens and data[following] == np.uint8(ord("(")) and following > i:
            opens = True
            following += np.uintp(1)
        if following == i or following >= end or not is_in(data, following, DIGIT, classes):
            break
        i = following
        is_open = opens
    if is_open or (i < end and _is_tied_behind(data, i, end, classes)):
        return nothing
    return i, groups, num_digits, separator


@borrowing_kernel
def _has_code(data: Bytes, first: np.uintp, end: np.uintp, classes: Bytes, codes: Bytes) -> bool:
    """Whether the digits from `first` begin with an assigned country code."""
    value = np.uintp(0)
    for k in range(3):
        i = first + np.uintp(k)
        if i >= end or not is_in(data, i, DIGIT, classes):
            return False
        value = value * np.uintp(10) + np.uintp(data[i] - np.uint8(ord("0")))
        if codes[value]:
            return bool(value != np.uintp(0))
        if value == np.uintp(0):
            return False
    return False


@borrowing_kernel
def _is_national(
    data: Bytes,
    digit: np.uintp,
    groups: np.uint64,
    num_digits: np.uintp,
    separator: np.uint8,
    has_bracket: bool,
) -> bool:
    """Whether the groups are those of a national number.

    3-3-4 in North America, where area and exchange begin with 2 to 9 (the North American Numbering Plan), also behind
    a 1; 3-4-4 of Chinese mobile numbers; and a trunk prefix 0: five pairs as in France, or an area code of three to
    five digits and two groups, or one, as in Germany and Britain.
    """
    lead = data[digit]
    is_large = lead >= np.uint8(ord("2"))
    if groups == np.uint64(0x334):
        return bool(is_large)
    if groups == np.uint64(0x1334):
        return bool(lead == np.uint8(ord("1")))
    if groups == np.uint64(0x344):
        second = data[digit + np.uintp(1)]
        if lead == np.uint8(ord("1")):
            return bool(second >= np.uint8(ord("3")))
    if lead != np.uint8(ord("0")):
        return False
    if groups == np.uint64(0x22222):
        return True
    is_right_length = np.uintp(9) <= num_digits <= np.uintp(12)
    if not is_right_length or separator == np.uint8(ord(".")):
        return False
    if groups <= np.uint64(0xFF):  # two groups
        return bool(
            np.uint64(3) <= groups >> np.uint64(4) <= np.uint64(5)
            and (has_bracket or separator != np.uint8(ord("-")) or num_digits >= np.uintp(10))
        )
    return bool(np.uint64(0x300) <= groups <= np.uint64(0x5FF))


@inline_kernel
def _is_separator(byte: np.uint8) -> bool:
    return bool(
        byte == np.uint8(ord(" "))
        or byte == np.uint8(ord("-"))
        or byte == np.uint8(ord("."))
        or byte == np.uint8(ord("/"))
    )


@borrowing_kernel
def _is_tied_before(data: Bytes, floor: np.uintp, start: np.uintp, classes: Bytes, is_marked: bool) -> bool:
    """Whether what stands before makes one number or one name of it; a plus sign or a bracket marks a beginning."""
    before = data[start - np.uintp(1)]
    if is_in(data, start - np.uintp(1), ALNUM, classes):
        return True
    for sign in (95, 35, 36, 64, 38, 43, 42, 94, 92):  # _ # $ @ & + * ^ and a backslash
        if before == np.uint8(sign):
            return True
    is_number = start - floor > np.uintp(1) and is_in(data, start - np.uintp(2), ALNUM, classes)
    is_joined = before == np.uint8(ord("-")) or before == np.uint8(ord("/")) or before == np.uint8(ord("."))
    is_joined |= before == np.uint8(ord(",")) or before == np.uint8(ord("="))
    is_digit = start - floor > np.uintp(1) and is_in(data, start - np.uintp(2), DIGIT, classes)
    is_spaced = before == np.uint8(ord(" ")) or before == np.uint8(ord(":"))
    return bool((is_joined and is_number) or (is_spaced and is_digit and not is_marked))


@borrowing_kernel
def _is_tied_behind(data: Bytes, i: np.uintp, end: np.uintp, classes: Bytes) -> bool:
    """Whether what follows makes one number or one name of it."""
    if is_in(data, i, ALNUM, classes):
        return True
    for sign in (95, 37, 64, 36, 61, 42, 94):  # _ % @ $ = * ^
        if data[i] == np.uint8(sign):
            return True
    is_joined = data[i] == np.uint8(ord(",")) or data[i] == np.uint8(ord(".")) or data[i] == np.uint8(ord("-"))
    is_joined |= data[i] == np.uint8(ord(":")) or data[i] == np.uint8(ord("/"))
    return bool(is_joined and i + np.uintp(1) < end and is_in(data, i + np.uintp(1), ALNUM, classes))
