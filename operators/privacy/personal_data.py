"""Finds personal data and secrets in a batch of texts: one scan, with a closer look where a byte gives reason to.

The scan stops at `@`, at digits, at colons between hexadecimal digits and at a few bytes that prefixes of secrets hold.
All else costs one look into a table of 256 bytes. Every look around such a byte is bounded or ends at the next one, so
the time is linear in the text, whatever it holds.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from operators.privacy.byte_classes import DIGIT, HEX, UPPER, Span, WordSet, byte_classes, is_in, word_set
from operators.privacy.card_numbers import IDENTIFIER_WORDS, Schemes, card_schemes, match_card
from operators.privacy.email_addresses import EXAMPLE, NOBODY, match_email, top_level_domains
from operators.privacy.ibans import iban_lengths, match_iban
from operators.privacy.ip_addresses import VERSION_WORDS, Networks, match_ipv4, match_ipv6, networks_not_public
from operators.privacy.phone_numbers import CUE_WORDS, calling_codes, match_phone
from operators.privacy.secret_keys import TokenForms, match_secret, stop_bytes, token_forms
from pipeline.kernel import Bytes, Offsets, borrowing_kernel, inline_kernel

Kind = Literal["email", "ip_address", "iban", "card", "secret", "phone"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
EMAIL, IP_ADDRESS, IBAN, CARD, SECRET, PHONE = range(len(KINDS))

AT_SIGN: Final = 1
NUMBER: Final = 2
COLON: Final = 3
MARK: Final = 4
"""Why the scan stops at a byte."""


class Knowledge(NamedTuple):
    """All tables that the kernels look into."""

    stops: Bytes  # (256,) why to stop at a byte; 0 for most
    wanted: npt.NDArray[np.bool_]  # (K,) by kind
    classes: Bytes  # (256,)
    domains: WordSet
    examples: WordSet
    nobody: WordSet
    not_public: Networks
    versions: WordSet
    lengths: Bytes  # (676,) of account numbers by country
    schemes: Schemes
    identifiers: WordSet
    codes: Bytes  # (1000,)
    cues: WordSet
    forms: TokenForms


class Spans(NamedTuple):
    """What was found in D documents: S spans, in the order of the text."""

    starts: npt.NDArray[np.int64]  # (S,) into the bytes of the batch
    stops: npt.NDArray[np.int64]  # (S,)
    kinds: npt.NDArray[np.uint8]  # (S,)


@lru_cache(maxsize=8)
def knowledge(kinds: Collection[Kind]) -> Knowledge:
    """The tables for a search of these kinds. Shared: read them only."""
    wanted = np.array([kind in kinds for kind in KINDS])
    stops = np.zeros(256, np.uint8)
    if wanted[SECRET]:
        stops[np.frombuffer(stop_bytes(), np.uint8)] = MARK
    if wanted[EMAIL]:
        stops[ord("@")] = AT_SIGN
    if wanted[[IP_ADDRESS, IBAN, CARD, PHONE]].any():
        stops[ord("0") : ord("9") + 1] = NUMBER
    if wanted[IP_ADDRESS]:
        stops[ord(":")] = COLON
    return Knowledge(
        stops=stops,
        wanted=wanted,
        classes=byte_classes(),
        domains=top_level_domains(),
        examples=word_set(EXAMPLE),
        nobody=word_set(NOBODY),
        not_public=networks_not_public(),
        versions=word_set(VERSION_WORDS),
        lengths=iban_lengths(),
        schemes=card_schemes(),
        identifiers=word_set(IDENTIFIER_WORDS),
        codes=calling_codes(),
        cues=word_set(CUE_WORDS),
        forms=token_forms(),
    )


def find_personal_data(data: Bytes, offsets: Offsets, known: Knowledge) -> tuple[Spans, npt.NDArray[np.int64]]:
    """The spans of D documents, and the (D + 1,) bounds of each document's spans."""
    bounds = np.zeros(len(offsets), np.int64)
    capacity = len(offsets) + 64
    while True:
        spans = Spans(np.empty(capacity, np.int64), np.empty(capacity, np.int64), np.empty(capacity, np.uint8))
        num_spans = int(_find(data, offsets, known, spans, bounds))
        if num_spans <= capacity:
            return Spans(spans.starts[:num_spans], spans.stops[:num_spans], spans.kinds[:num_spans]), bounds
        capacity = num_spans


@borrowing_kernel
def _find(data: Bytes, offsets: Offsets, known: Knowledge, spans: Spans, bounds: npt.NDArray[np.int64]) -> np.int64:
    """Writes as many spans as there is room for, and the bounds; returns how many there are."""
    num_spans = np.int64(0)
    room = np.int64(spans.starts.shape[0])
    for d in range(offsets.shape[0] - 1):
        i = np.uintp(offsets[d])
        end = np.uintp(offsets[d + 1])
        floor = i
        while i < end:
            reason = known.stops[data[i]]
            if reason == np.uint8(0):
                i += np.uintp(1)
                continue
            start, stop, kind = _look(data, floor, i, end, reason, known)
            if stop == np.uintp(0):
                i = _behind(data, i, end, reason, known.classes)
                continue
            if num_spans < room:
                spans.starts[num_spans] = np.int64(start)
                spans.stops[num_spans] = np.int64(stop)
                spans.kinds[num_spans] = kind
            num_spans += np.int64(1)
            i = stop
            floor = stop
        bounds[d + 1] = num_spans
    return num_spans


@borrowing_kernel
def _behind(data: Bytes, i: np.uintp, end: np.uintp, reason: np.uint8, classes: Bytes) -> np.uintp:
    """Where the scan goes on if there was nothing at `i`: behind the digits, or the hyphens, that stand together."""
    after = i + np.uintp(1)
    if reason == np.uint8(NUMBER):
        while after < end and is_in(data, after, DIGIT, classes):
            after += np.uintp(1)
    elif data[i] == np.uint8(ord("-")):
        while after < end and data[after] == np.uint8(ord("-")):
            after += np.uintp(1)
    return after


@borrowing_kernel
def _look(
    data: Bytes, floor: np.uintp, i: np.uintp, end: np.uintp, reason: np.uint8, known: Knowledge
) -> tuple[np.uintp, np.uintp, np.uint8]:
    """The span for which byte `i` gives reason, and its kind; a stop of 0 where there is none."""
    classes = known.classes
    if reason == np.uint8(AT_SIGN):
        start, stop = match_email(data, floor, i, end, classes, known.domains, known.examples, known.nobody)
        return start, stop, np.uint8(EMAIL)
    if reason == np.uint8(COLON):
        start, stop = _look_at_colon(data, floor, i, end, known)
        return start, stop, np.uint8(IP_ADDRESS)
    if reason == np.uint8(MARK):
        start, stop = match_secret(data, floor, i, end, classes, known.forms)
        return start, stop, np.uint8(SECRET)
    return _look_at_number(data, floor, i, end, known)


@borrowing_kernel
def _look_at_colon(data: Bytes, floor: np.uintp, i: np.uintp, end: np.uintp, known: Knowledge) -> Span:
    """An address whose first group ends here; cheap where this is a colon as in prose."""
    if i == floor or not is_in(data, i - np.uintp(1), HEX, known.classes):
        return np.uintp(0), np.uintp(0)
    return match_ipv6(data, floor, i, end, known.classes)


@inline_kernel
def _follows_country(data: Bytes, floor: np.uintp, i: np.uintp, classes: Bytes) -> bool:
    """Whether two capital letters stand before `i`."""
    return bool(
        i - floor >= np.uintp(2)
        and is_in(data, i - np.uintp(1), UPPER, classes)
        and is_in(data, i - np.uintp(2), UPPER, classes)
    )


@borrowing_kernel
def _look_at_number(
    data: Bytes, floor: np.uintp, i: np.uintp, end: np.uintp, known: Knowledge
) -> tuple[np.uintp, np.uintp, np.uint8]:
    """What begins with the digits at `i`. The kinds exclude one another but for phones, which come last."""
    classes = known.classes
    wanted = known.wanted
    if wanted[IBAN] and _follows_country(data, floor, i, classes):
        start, stop = match_iban(data, floor, i - np.uintp(2), end, classes, known.lengths)
        if stop != np.uintp(0):
            return start, stop, np.uint8(IBAN)
    if wanted[IP_ADDRESS]:
        start, stop = match_ipv4(data, floor, i, end, classes, known.not_public, known.versions)
        if stop != np.uintp(0):
            return start, stop, np.uint8(IP_ADDRESS)
    if wanted[CARD]:
        start, stop = match_card(data, floor, i, end, classes, known.schemes, known.identifiers)
        if stop != np.uintp(0):
            return start, stop, np.uint8(CARD)
    if wanted[PHONE]:
        start, stop = match_phone(data, floor, i, end, classes, known.codes, known.cues, known.identifiers)
        if stop != np.uintp(0):
            return start, stop, np.uint8(PHONE)
    return np.uintp(0), np.uintp(0), np.uint8(0)
