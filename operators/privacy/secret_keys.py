"""Finds access tokens and private keys that announce themselves by their form.

Passwords and other values without a form of their own are not looked for: what surrounds them in text and code says too
little to do it precisely.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.privacy.byte_classes import ALNUM, DIGIT, LETTER, TOKEN, UPPER, Span, is_in
from pipeline.kernel import Bytes, borrowing_kernel, inline_kernel

MAX_PREFIX: Final = 12

TOKEN_FORMS: Final = (
    # prefix, its byte at which the scan stops, class of the other characters, least and most of them
    ("AKIA", 1, UPPER | DIGIT, 16, 16),  # AWS, IAM identifiers: access keys
    ("ASIA", 1, UPPER | DIGIT, 16, 16),  # AWS: temporary access keys
    ("ghp_", 3, ALNUM, 36, 255),  # GitHub, token formats: personal, OAuth, user, server and refresh tokens
    ("gho_", 3, ALNUM, 36, 255),
    ("ghu_", 3, ALNUM, 36, 255),
    ("ghs_", 3, ALNUM, 36, 255),
    ("ghr_", 3, ALNUM, 36, 255),
    ("github_pat_", 6, TOKEN, 82, 255),  # GitHub: fine-grained tokens
    ("glpat-", 5, TOKEN, 20, 300),  # GitLab, token prefixes: personal access tokens
    ("xoxb-", 4, TOKEN, 20, 255),  # Slack, token types: bot, user, legacy and refresh tokens
    ("xoxp-", 4, TOKEN, 20, 255),
    ("xoxa-", 4, TOKEN, 20, 255),
    ("xoxr-", 4, TOKEN, 20, 255),
    ("xoxs-", 4, TOKEN, 20, 255),
    ("sk_live_", 2, ALNUM, 16, 255),  # Stripe, API keys: secret and restricted ones, live and for tests
    ("rk_live_", 2, ALNUM, 16, 255),
    ("sk_test_", 2, ALNUM, 16, 255),
    ("rk_test_", 2, ALNUM, 16, 255),
    ("AIza", 2, TOKEN, 35, 35),  # Google, API keys
)
"""Tokens by their prefix, as their issuers document them."""

JWT_PREFIX: Final = "eyJ"
"""Base64url of `{"`, with which the header and the claims of a JSON web token begin (RFC 7519)."""
MIN_JWT_PART: Final = 10

PEM_BEGIN: Final = b"-----BEGIN "
PEM_END: Final = b"-----END "
PEM_PRIVATE: Final = b"PRIVATE KEY"
MAX_PEM_LABEL: Final = 40
"""Labels of RFC 7468, OpenSSH and OpenPGP are shorter."""


class TokenForms(NamedTuple):
    """TOKEN_FORMS as arrays, and the fixed words of private keys."""

    prefixes: Bytes  # (T, MAX_PREFIX)
    lengths: npt.NDArray[np.uint32]  # (T, 4) bytes of the prefix, its byte to stop at, least and most that follow
    bodies: Bytes  # (T,) class bits of what follows
    pem_begin: Bytes
    pem_end: Bytes
    pem_private: Bytes


def token_forms() -> TokenForms:
    """The arrays."""
    prefixes = np.zeros((len(TOKEN_FORMS), MAX_PREFIX), np.uint8)
    lengths = np.zeros((len(TOKEN_FORMS), 4), np.uint32)
    for row, (prefix, place, _, least, most) in enumerate(TOKEN_FORMS):
        prefixes[row, : len(prefix)] = np.frombuffer(prefix.encode(), np.uint8)
        lengths[row] = len(prefix), place, least, most
    bodies = np.array([body for _, _, body, _, _ in TOKEN_FORMS], np.uint8)
    words = (np.frombuffer(word, np.uint8) for word in (PEM_BEGIN, PEM_END, PEM_PRIVATE))
    return TokenForms(prefixes, lengths, bodies, *words)


def stop_bytes() -> bytes:
    """The bytes at which a scan must look for a secret."""
    return bytes(sorted({ord(prefix[place]) for prefix, place, *_ in TOKEN_FORMS} | {ord("J"), ord("-")}))


@borrowing_kernel
def match_secret(data: Bytes, floor: np.uintp, i: np.uintp, end: np.uintp, classes: Bytes, forms: TokenForms) -> Span:
    """The secret of which byte `i` is the one to stop at: a token, or a private key that begins at `i`."""
    if data[i] == np.uint8(ord("J")):
        return _match_jwt(data, floor, i, end, classes)
    if data[i] == np.uint8(ord("-")) and (i == floor or data[i - np.uintp(1)] != np.uint8(ord("-"))):
        start, stop = _match_pem(data, i, end, forms)
        if stop != np.uintp(0):
            return start, stop
    for form in range(forms.bodies.shape[0]):
        if data[i] == forms.prefixes[form, forms.lengths[form, 1]]:
            start, stop = _match_token(data, floor, i, end, classes, forms, np.uintp(form))
            if stop != np.uintp(0):
                return start, stop
    return np.uintp(0), np.uintp(0)


@borrowing_kernel
def _match_token(
    data: Bytes, floor: np.uintp, i: np.uintp, end: np.uintp, classes: Bytes, forms: TokenForms, form: np.uintp
) -> Span:
    nothing = np.uintp(0), np.uintp(0)
    size = np.uintp(forms.lengths[form, 0])
    place = np.uintp(forms.lengths[form, 1])
    if i - floor < place:
        return nothing
    start = i - place
    if end - start < size or _is_within_name(data, floor, start, classes):
        return nothing
    for k in range(size):
        if data[start + np.uintp(k)] != forms.prefixes[form, k]:
            return nothing
    most = np.uintp(forms.lengths[form, 3])
    limit = min(end, start + size + most + np.uintp(1))
    stop, is_mixed = _run(data, start + size, limit, forms.bodies[form], classes)
    length = stop - start - size
    is_token = is_mixed and np.uintp(forms.lengths[form, 2]) <= length <= most
    return (start, stop) if is_token and not _is_name(data, stop, end, classes) else nothing


@borrowing_kernel
def _run(data: Bytes, begin: np.uintp, end: np.uintp, bits: np.uint8, classes: Bytes) -> tuple[np.uintp, bool]:
    """Where the characters of these classes end, and whether there are letters and digits among them."""
    stop = begin
    has_digit = False
    has_letter = False
    while stop < end and classes[data[stop]] & bits != np.uint8(0):
        has_digit |= is_in(data, stop, DIGIT, classes)
        has_letter |= is_in(data, stop, LETTER, classes)
        stop += np.uintp(1)
    return stop, has_digit and has_letter


@borrowing_kernel
def _match_jwt(data: Bytes, floor: np.uintp, i: np.uintp, end: np.uintp, classes: Bytes) -> Span:
    """Three parts with dots between them, of which the first two begin as JSON objects do."""
    nothing = np.uintp(0), np.uintp(0)
    if i - floor < np.uintp(2) or not _begins_object(data, i - np.uintp(2), end):
        return nothing
    start = i - np.uintp(2)
    if start > floor and is_in(data, start - np.uintp(1), TOKEN, classes):
        return nothing
    stop = start
    for part in range(3):
        begin = stop
        if part > 0:
            if begin >= end or data[begin] != np.uint8(ord(".")):
                return nothing
            begin += np.uintp(1)
        if part == 1 and not _begins_object(data, begin, end):
            return nothing
        stop, _ = _run(data, begin, end, np.uint8(TOKEN), classes)
        if stop - begin < np.uintp(MIN_JWT_PART):
            return nothing
    return start, stop


@inline_kernel
def _begins_object(data: Bytes, start: np.uintp, end: np.uintp) -> bool:
    """Whether JWT_PREFIX stands at `start`."""
    return bool(
        start + np.uintp(2) < end
        and data[start] == np.uint8(ord("e"))
        and data[start + np.uintp(1)] == np.uint8(ord("y"))
        and data[start + np.uintp(2)] == np.uint8(ord("J"))
    )


@borrowing_kernel
def _match_pem(data: Bytes, start: np.uintp, end: np.uintp, forms: TokenForms) -> Span:
    """A private key in the armour of RFC 7468, from its first hyphen to its last.

    Nothing but the first line and the last may hold five hyphens, so no byte is looked at for two keys.
    """
    nothing = np.uintp(0), np.uintp(0)
    if not _stands(forms.pem_begin, data, start, end):
        return nothing
    label = start + np.uintp(forms.pem_begin.shape[0])
    dashes = _next_dashes(data, label, min(end, label + np.uintp(MAX_PEM_LABEL)))
    if dashes == np.uintp(0):
        return nothing
    is_private = False
    for i in range(label, dashes):
        is_private |= _stands(forms.pem_private, data, np.uintp(i), dashes)
    if not is_private:
        return nothing
    last = _next_dashes(data, dashes + np.uintp(5), end)
    if last == np.uintp(0) or not _stands(forms.pem_end, data, last, end):
        return nothing
    label = last + np.uintp(forms.pem_end.shape[0])
    closing = _next_dashes(data, label, min(end, label + np.uintp(MAX_PEM_LABEL)))
    return (start, closing + np.uintp(5)) if closing != np.uintp(0) else nothing


@borrowing_kernel
def _next_dashes(data: Bytes, begin: np.uintp, end: np.uintp) -> np.uintp:
    """Where the first five hyphens in a row begin; 0 where there are none."""
    num_dashes = np.uintp(0)
    for k in range(begin, end):
        i = np.uintp(k)
        num_dashes = num_dashes + np.uintp(1) if data[i] == np.uint8(ord("-")) else np.uintp(0)
        if num_dashes == np.uintp(5):
            return i - np.uintp(4)
    return np.uintp(0)


@borrowing_kernel
def _stands(word: Bytes, data: Bytes, start: np.uintp, end: np.uintp) -> bool:
    """Whether `word` stands at `start`."""
    size = np.uintp(word.shape[0])
    if start >= end or end - start < size:
        return False
    for k in range(size):
        if data[start + np.uintp(k)] != word[k]:
            return False
    return True


@inline_kernel
def _is_within_name(data: Bytes, floor: np.uintp, start: np.uintp, classes: Bytes) -> bool:
    """Whether a letter, a digit or an underscore stands before `start`."""
    return bool(
        start > floor
        and (is_in(data, start - np.uintp(1), ALNUM, classes) or data[start - np.uintp(1)] == np.uint8(ord("_")))
    )


@inline_kernel
def _is_name(data: Bytes, i: np.uintp, end: np.uintp, classes: Bytes) -> bool:
    """Whether a letter, a digit or an underscore stands at `i`."""
    return bool(i < end and (is_in(data, i, ALNUM, classes) or data[i] == np.uint8(ord("_"))))
