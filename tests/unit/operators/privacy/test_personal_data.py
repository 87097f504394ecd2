"""Single forms of each kind, right and nearly right."""

import pyarrow as pa
import pytest

from operators.privacy.ibans import IBAN_LENGTHS
from operators.privacy.personal_data import KINDS
from operators.privacy.pii import Pii

PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----"


def replaced(kind, text):
    operator = Pii(kinds=(kind,), **{kind: ("*",)})
    batch = pa.record_batch([pa.array([text], pa.large_string())], schema=operator.requires())
    return operator.open()(batch).columns["text"][0].as_py()


FOUND = {
    "email": {
        "write bob@web.de.": "write *.",
        "mailto:o'neil@mail.co.uk?x": "mailto:*?x",
        "'bob@web.de'": "'*'",
        "müller@bücher.de": "*",
        "问bob@qq.com好": "问*好",
        "bob@web.de.The end": "*.The end",
        "a@xn--bcher-kva.de": "*",
        "x" * 64 + "@web.de": "*",
        "a..b@web.de": "a..*",
    },
    "iban": {"(GB82WEST12345698765432)": "(*)", "DE89 3704 0044 0532 0130 00 is": "* is"},
    "card": {
        "4111111111111111": "*",
        "4111-1111-1111-1111.": "*.",
        "3782 822463 10005": "*",
        "5555 5555 5555 4444 12/29": "* 12/29",
        "6200 0000 0000 0000 125": "*",
    },
    "secret": {
        PEM: "*",
        f"{PEM}\n{PEM}": "*\n*",
        "key=AKIAQ3EXAMPLE7654321;": "key=*;",
        "AIza" + "a1" * 17 + "b": "*",
    },
    "phone": {
        "+49 (0)30 1234567.": "*.",
        "(+49 30 1234567)": "(*)",
        "(415) 555-2671": "*",
        "1-415-555-2671": "*",
        "tel. 5552671": "tel. *",
        "tel:+14155552671": "tel:*",
    },
}
NOT_FOUND = {
    "email": (
        "bob@web", "bob@web.notatld", "@bob", "bob@", "a@b@web.de@", "x" * 65 + "@web.de", "bob.@web.de", "bob@-web.de",
        "bob@example.com", "git@github.com:a/b", "@bob@mastodon.social", "bob@web..de", "bob@1.2.3",
    ),
    "iban": (
        "GB82WEST12345698765431", "GB82WEST1234569876543", "GB82WEST123456987654321", "XX82WEST12345698765432",
        "xGB82WEST12345698765432", "DE89 3704 00440532 0130 00", "de89370400440532013000",
    ),
    "card": (
        "4111111111111112", "41111111111111111", "0.4111111111111111", "4111111111111111.5", "9111111111111111",
        "4111 1111 11111111", "4111 1111-1111 1111", "4111 1111 1111 1111 1111", "x4111111111111111", "411111111111111",
        "order 4111111111111111", "4111111111111111@web",
    ),
    "secret": (
        PEM.replace("PRIVATE", "PUBLIC"), PEM.replace("END", "FIN"), PEM[:40], "AKIAQ3EXAMPLE765432",
        "AKIAQ3EXAMPLE76543210",
        "xAKIAQ3EXAMPLE7654321", "ghp_" + "a" * 36, "eyJhbGciOiJIUzI1NiJ9.abc.def", "sk_live_short1",
    ),
    "phone": (
        "415-555-267", "115-555-2671", "+999 30 1234567", "+49 30 12", "1234567", "2026-11-23", "978-3-16-148410-0",
        "0000-0002-1825-0097", "$415-555-2671", "415-555-2671-8", "415-555-2671%", "order 415-555-2671",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts])
def test_what_is_found(kind, text):
    assert replaced(kind, text) == FOUND[kind][text]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in NOT_FOUND.items() for text in texts])
def test_what_is_not_found(kind, text):
    assert replaced(kind, text) == text


def test_all_kinds_have_cases():
    assert set(FOUND) | {"ip_address"} == set(KINDS)
    assert all(country.isupper() and 15 <= length <= 33 for country, length in IBAN_LENGTHS.items())
