"""URLs as `treebank` words know them: chunks that stay whole. The rule is spaCy's, matched in linear time."""

from typing import Final

import numpy as np

from operators.text.characters import DECIMAL, decode
from operators.text.treebank_affixes import FULL_STOP, HYPHEN, is_digit
from operators.text.treebank_rules import HOST, LOWER, SCHEME, Flags
from pipeline.kernel import Bytes, borrowing_kernel

COLON: Final = 0x3A
SLASH: Final = 0x2F
QUESTION_MARK: Final = 0x3F
HASH: Final = 0x23
AT: Final = 0x40
UNDERSCORE: Final = 0x5F

MAX_LABEL_CHARS: Final = 64
MIN_DOMAIN_CHARS: Final = 2
MAX_DOMAIN_CHARS: Final = 63
"""Of the last label."""
MAX_PORT_DIGITS: Final = 5
MAX_OCTET: Final = 255


@borrowing_kernel
def is_url(data: Bytes, begin: np.uintp, end: np.uintp, flags: Flags) -> bool:
    """Whether `data[begin:end]` is `[scheme://][anything@]host[:port][(/|?|#)anything]`."""
    i = begin
    num_chars = 0
    while i < end:
        code_point, width = decode(data, i)
        if not flags[code_point] & np.uint32(SCHEME):
            break
        i += width
        num_chars += 1
    authority = i + np.uintp(3)
    has_scheme = (
        num_chars >= 2
        and authority < end
        and data[i] == np.uint8(COLON)
        and data[i + np.uintp(1)] == np.uint8(SLASH)
        and data[i + np.uintp(2)] == np.uint8(SLASH)
    )
    if is_authority(data, begin, end, flags) or (has_scheme and is_authority(data, authority, end, flags)):
        return True
    # Hosts behind one @ and the next do not overlap, so that many of them take no longer than one.
    for k in range(begin + np.uintp(1), end):
        at = np.uintp(k)
        if data[at] == np.uint8(AT) and is_authority(data, at + np.uintp(1), end, flags):
            return True
    return False


@borrowing_kernel
def is_authority(data: Bytes, begin: np.uintp, end: np.uintp, flags: Flags) -> bool:
    """Whether `data[begin:end]` is `host[:port][(/|?|#)anything]`."""
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        if not flags[code_point] & np.uint32(HOST) and not is_joint(code_point):
            break
        i += width
    host_end = i
    if i < end and data[i] == np.uint8(COLON):
        i += np.uintp(1)
        num_digits = 0
        while i < end:
            code_point, width = decode(data, i)
            if not flags[code_point] & np.uint32(DECIMAL):
                break
            i += width
            num_digits += 1
        if num_digits < 2 or num_digits > MAX_PORT_DIGITS:
            return False
    if i < end:
        mark = data[i]
        if mark != np.uint8(SLASH) and mark != np.uint8(QUESTION_MARK) and mark != np.uint8(HASH):
            return False
    return is_domain(data, begin, host_end, flags) or is_public_address(data, begin, host_end)


@borrowing_kernel
def is_joint(code_point: np.uint32) -> bool:
    """Whether it may stand in a host, but not at the edge of a label."""
    is_mark = code_point == np.uint32(HYPHEN) or code_point == np.uint32(UNDERSCORE)
    return bool(is_mark or code_point == np.uint32(FULL_STOP))


@borrowing_kernel
def is_domain(data: Bytes, begin: np.uintp, end: np.uintp, flags: Flags) -> bool:
    """Whether labels, each before a full stop, and a top-level domain of small letters are all of it."""
    num_labels = 0
    num_chars = 0
    all_lower = True
    edges_hold = True  # of this label: neither its first nor its last character is - or _
    joint = False  # whether the character before is - or _
    i = begin
    while i < end:
        code_point, width = decode(data, i)
        i += width
        if code_point == np.uint32(FULL_STOP):
            if num_chars == 0 or num_chars > MAX_LABEL_CHARS or joint or not edges_hold:
                return False
            num_labels += 1
            num_chars = 0
            all_lower = True
            joint = False
            continue
        joint = is_joint(code_point)
        edges_hold = edges_hold and not (joint and num_chars == 0)
        all_lower = all_lower and flags[code_point] & np.uint32(LOWER) != 0
        num_chars += 1
    return num_labels > 0 and all_lower and MIN_DOMAIN_CHARS <= num_chars <= MAX_DOMAIN_CHARS


@borrowing_kernel
def is_public_address(data: Bytes, begin: np.uintp, end: np.uintp) -> bool:
    """Whether it is an IPv4 address outside of private, local, multicast and reserved networks."""
    first = second = value = np.int64(0)
    num_octets = 0
    num_digits = 0
    leads_with_zero = False
    for k in range(begin, end + np.uintp(1)):
        i = np.uintp(k)
        if i < end and is_digit(data[i]):
            if num_digits == 0:
                leads_with_zero = data[i] == np.uint8(0x30)
            value = value * 10 + np.int64(data[i]) - 0x30
            num_digits += 1
            if num_digits > 3:
                return False
            continue
        if (i < end and data[i] != np.uint8(FULL_STOP)) or num_digits == 0 or value > MAX_OCTET:
            return False
        # an outer octet is written without zeros before it, an inner one with at most two digits then
        if leads_with_zero and (num_octets in (0, 3) or num_digits == 3):
            return False
        if num_octets == 0:
            first = value
        elif num_octets == 1:
            second = value
        num_octets += 1
        value = np.int64(0) if i < end else value
        num_digits = 0
    if num_octets != 4 or not 1 <= first <= 223 or not 1 <= value <= 254:
        return False
    is_private = first == 10 or (first == 172 and 16 <= second <= 31) or (first == 192 and second == 168)
    return not (is_private or first == 127 or (first == 169 and second == 254))
