"""Replacement of personal data and secrets by placeholders."""

from typing import ClassVar, Final, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from operators.privacy.personal_data import KINDS, Kind, find_personal_data, knowledge
from operators.privacy.replaced_text import placeholder_table, replace_spans
from operators.text.characters import document_text
from pipeline.document import TEXT, TEXT_TYPE
from pipeline.operator import Edits, Transform, TransformFunction

TYPED: Final[dict[Kind, tuple[str, ...]]] = {
    "email": ("[EMAIL]",),
    "ip_address": ("[IP_ADDRESS]",),
    "iban": ("[IBAN]",),
    "card": ("[CARD_NUMBER]",),
    "secret": ("[SECRET]",),
    "phone": ("[PHONE_NUMBER]",),
}
"""Placeholders that say what stood there."""

FINEWEB: Final[dict[Kind, tuple[str, ...]]] = {
    "email": ("email@example.com", "firstname.lastname@example.org"),
    "ip_address": (
        "22.214.171.124",
        "126.96.36.199",
        "188.8.131.52",
        "184.108.40.206",
        "220.127.116.11",
        "18.104.22.168",
    ),
}
"""FineWeb's placeholders, which look like data: addresses that answered nobody when they were drawn."""


class Pii(Transform):
    """Replaces e-mail and IP addresses, account and card numbers, access keys and phone numbers by placeholders.

    - `email`: a part before the `@` that mailbox providers hand out, and a domain that ends in a name of the DNS root
      zone. Left alone: example.com and the like, handles such as `@name@server`, and `git@`.
    - `ip_address`: IPv4 and IPv6 addresses in their usual spelling that are public. Left alone: private, shared,
      loopback, link-local, multicast, reserved and documentation ranges; four numbers below ten, which are versions or
      sections, or famous resolvers; versions by the word before or a name around them.
    - `iban`: the length of its country, and check digits that are right; together or in groups of four.
    - `card`: 14 to 19 digits, together or in the groups that cards have, with a prefix and length of a large scheme,
      and a right check digit. Left alone: behind words such as "order" and "ISBN".
    - `secret`: AWS, GitHub, GitLab, Slack, Stripe and Google tokens by their prefix and form, JSON web tokens, and
      private keys in PEM armour.
    - `phone`, off by default: international numbers with an assigned country code; national ones in the groups of North
      America, China, France, Germany and Britain; others behind words such as "phone".

    Columns:
        Reads and replaces `text` (large_string). No byte outside of what is found changes. An edit's value is the
        number of replacements of its kind.

    Determinism:
        EXACT. Placeholders follow from the document alone.

    Raises:
        ValidationError: at construction, without kinds, or with placeholders for a kind that is not looked for.

    Source:
        FineWeb replaces e-mail addresses and public IPv4 addresses (Penedo et al. 2024, arXiv 2406.17557, section 3.7,
        datatrove 0.10.1 `PIIFormatter`). Here both must look less like something else, placeholders do not depend on
        the documents before, and the other kinds are added.

    Cost:
        One pass over the bytes, at some hundred MB/s on prose, whatever the text holds; a copy of batches in which
        something is replaced.
    """

    name: ClassVar[str] = "pii"

    kinds: tuple[Kind, ...] = Field(default=("email", "ip_address", "iban", "card", "secret"), min_length=1)
    """What is looked for."""
    placeholders: Literal["typed", "fineweb"] = "typed"
    """`typed`: `[EMAIL]`, `[IP_ADDRESS]`, `[IBAN]`, `[CARD_NUMBER]`, `[SECRET]`, `[PHONE_NUMBER]`. `fineweb`: FineWeb's
    two addresses `email@example.com` and `firstname.lastname@example.org`, and its six IP addresses; typed for kinds
    that FineWeb does not replace."""
    email: tuple[str, ...] | None = None
    """Placeholders of your own: a document's first address gets the first, its second the second, and so on in a
    circle. The same holds for the kinds below."""
    ip_address: tuple[str, ...] | None = None
    iban: tuple[str, ...] | None = None
    card: tuple[str, ...] | None = None
    secret: tuple[str, ...] | None = None
    phone: tuple[str, ...] | None = None

    @field_validator("kinds")
    @classmethod
    def _distinct(cls, value: tuple[Kind, ...]) -> tuple[Kind, ...]:
        if len(set(value)) != len(value):
            raise ValueError(f"kinds: expected each once; found {list(value)}")
        return value

    @field_validator(*KINDS)
    @classmethod
    def _some(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and not value:
            raise ValueError("placeholders of a kind: expected one or more, or null; found none; leave out the kind")
        return value

    @model_validator(mode="after")
    def _wanted_kinds(self) -> Self:
        unused = [kind for kind in KINDS if getattr(self, kind) is not None and kind not in self.kinds]
        if unused:
            raise ValueError(
                f"placeholders: expected for kinds that are looked for, {list(self.kinds)}; found {unused}"
            )
        return self

    def requires(self) -> pa.Schema:
        """The text."""
        return pa.schema([pa.field(TEXT, TEXT_TYPE, nullable=False)])

    def rules(self) -> tuple[str, ...]:
        """The kinds."""
        return KINDS

    def replaces(self) -> tuple[str, ...]:
        """The text."""
        return (TEXT,)

    def open(self) -> TransformFunction:
        """Makes the tables."""
        known = knowledge(self.kinds)
        table = placeholder_table([self._placeholders(kind) for kind in KINDS])

        def replace(batch: pa.RecordBatch) -> Edits:
            text = batch.column(TEXT)
            data, offsets = document_text(text)
            spans, bounds = find_personal_data(data, offsets, known)
            sizes = np.zeros((batch.num_rows, len(KINDS)), np.float64)
            if len(spans.starts):
                replaced, counts = replace_spans(data, offsets, spans, bounds, table)
                text = replaced
                sizes = counts.astype(np.float64)
            return Edits(pa.record_batch([text], schema=pa.schema([batch.schema.field(TEXT)])), sizes)

        return replace

    def _placeholders(self, kind: Kind) -> tuple[str, ...]:
        own: tuple[str, ...] | None = getattr(self, kind)
        published = FINEWEB if self.placeholders == "fineweb" else TYPED
        return published.get(kind, TYPED[kind]) if own is None else own
