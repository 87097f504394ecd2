"""Personal data that nobody has, and what looks like it, drawn from a seed and put into lines of real prose.

The prose is that of the quickstart (Python Enhancement Proposals, public domain), of lines that hold no `@`.
"""
# ruff: noqa: E501 -- tables of forms, one a line

import base64
import gzip
import json
import random
import string
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[4]
PROSE = ROOT / "jobs" / "recipes" / "quickstart" / "peps.jsonl.gz"
NUM_EACH = 400


@dataclass(frozen=True)
class Planted:
    """A line with a value in it; `kind` is None for a decoy."""

    before: str
    value: str
    after: str
    kind: str | None

    @property
    def text(self):
        return self.before + self.value + self.after


def planted(kind):
    """Lines that hold data of the kind."""
    draw = random.Random(f"planted {kind}")
    return [_placed(draw, VALUES[kind](draw), kind) for _ in range(NUM_EACH)]


def decoys():
    """Lines that hold what looks like data, each sort as often as each kind of data."""
    draw = random.Random("decoys")
    return [_placed(draw, decoy(draw), None, plain=True) for decoy in DECOYS for _ in range(NUM_EACH // 4)]


def lines():
    """Lines of prose, in a fixed order."""
    with gzip.open(PROSE, "rt", encoding="utf-8") as file:
        texts = [json.loads(record)["text"] for record in file]
    return [line for text in texts for line in text.split("\n") if line.count(" ") > 6 and "@" not in line]


_LINES = lines()
_AROUND = (
    (" ", " "), (" ", ", "), (" (", ") "), (": ", ". "), (' "', '" '), (" <", "> "), ("\n", "\n"), (" '", "' "),
    (" is ", " and "), (" \u201c", "\u201d "), ("\u3001", "\u3002"), ("\t", "\t"), (" ", "; "), (" [", "] "),
)  # fmt: skip


def _placed(draw, value, kind, *, plain=False):
    line = draw.choice(_LINES)
    words = line.split(" ")
    at = draw.randrange(1, len(words))
    left, right = (" ", " ") if plain else draw.choice(_AROUND)
    before, after = " ".join(words[:at]), " ".join(words[at:])
    if before[-1:].isdigit():
        before += " by"
    if after[:1].isdigit():
        after = "of " + after
    cue = draw.choice(("", "", " tel", " Phone")) if kind == "phone" else ""
    return Planted(before + cue + left, value, right + after, kind)


def _digits(draw, num, first="0123456789"):
    return draw.choice(first) + "".join(draw.choices(string.digits, k=num - 1))


def _name(draw, least=3, most=9):
    return "".join(draw.choices(string.ascii_lowercase, k=draw.randint(least, most)))


def _email(draw):
    local = draw.choice((
        lambda: _name(draw), lambda: f"{_name(draw)}.{_name(draw)}", lambda: f"{_name(draw)}{_digits(draw, 3)}",
        lambda: f"{_name(draw)}+{_name(draw)}", lambda: f"{_name(draw).title()}_{_name(draw).title()}",
        lambda: _digits(draw, 9), lambda: f"{_name(draw)}-{_name(draw)}",
    ))()  # fmt: skip
    domain = draw.choice(
        ("gmail.com", "qq.com", "web.de", "mail.co.uk", "uni-bonn.de", "cs.mit.edu", "posteo.net", "163.com")
    )
    return f"{local}@{domain}"


def _ipv4(draw):
    while True:
        parts = [draw.randint(1, 223), *(draw.randint(0, 255) for _ in range(3))]
        if parts[0] not in (10, 100, 127, 169, 172, 192, 198, 203) and max(parts) >= 10:
            return ".".join(map(str, parts))


def _ip_address(draw):
    if draw.random() < 0.6:
        return _ipv4(draw)
    head = f"{draw.choice('2')}{draw.choice('468a')}{draw.randrange(256):02x}"
    groups = [head, *(f"{draw.randrange(1, 65536):x}" for _ in range(7))]
    if draw.random() < 0.6:
        keep = draw.randint(2, 4)
        return ":".join(groups[:keep]) + "::" + ":".join(groups[-draw.randint(1, 3) :])
    return ":".join(groups)


def _luhn(digits):
    doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(reversed(digits))]
    return str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)


def _card(draw):
    prefix, length = draw.choice(
        (
            ("4", 16),
            ("51", 16),
            ("55", 16),
            ("2345", 16),
            ("34", 15),
            ("37", 15),
            ("6011", 16),
            ("3530", 16),
            ("62", 16),
            ("36", 14),
        )
    )
    digits = prefix + "".join(draw.choices(string.digits, k=length - len(prefix) - 1))
    digits += _luhn(digits)
    shape = {16: (4, 4, 4, 4), 15: (4, 6, 5), 14: (4, 6, 4)}[length]
    separator = draw.choice(("", "", " ", "-"))
    groups, at = [], 0
    for size in shape:
        groups.append(digits[at : at + size])
        at += size
    return separator.join(groups)


def _iban(draw):
    country, form = draw.choice(
        (
            ("DE", "d" * 18),
            ("GB", "AAAA" + "d" * 14),
            ("FR", "d" * 23),
            ("NL", "AAAA" + "d" * 10),
            ("ES", "d" * 20),
            ("NO", "d" * 11),
            ("MT", "AAAA" + "d" * 23),
            ("CH", "d" * 17),
            ("IT", "A" + "d" * 22),
        )
    )
    account = "".join(draw.choice(string.ascii_uppercase if sign == "A" else string.digits) for sign in form)
    number = int("".join(str(int(sign, 36)) for sign in account + country + "00"))
    whole = f"{country}{98 - number % 97:02d}{account}"
    if draw.random() < 0.5:
        return whole
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def _random(draw, signs, num):
    return "".join(draw.choices(signs, k=num - 2)) + draw.choice(string.ascii_letters) + draw.choice(string.digits)


_ALNUM = string.ascii_letters + string.digits
_BASE64URL = _ALNUM + "-_"


def _jwt(draw):
    parts = [
        json.dumps({"alg": "HS256", "typ": "JWT"}),
        json.dumps({"sub": _digits(draw, 10), "iat": draw.randrange(2**31)}),
    ]
    encoded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, _random(draw, _BASE64URL, 43)])


def _pem(draw):
    label = draw.choice(("RSA ", "", "EC ", "OPENSSH "))
    body = "\n".join(_random(draw, _ALNUM + "+/", 64) for _ in range(draw.randint(3, 12)))
    return f"-----BEGIN {label}PRIVATE KEY-----\n{body}\n-----END {label}PRIVATE KEY-----"


def _secret(draw):
    return draw.choice((
        lambda: draw.choice(("AKIA", "ASIA")) + _random(draw, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16).upper(),
        lambda: f"gh{draw.choice('pousr')}_{_random(draw, _ALNUM, 36)}",
        lambda: f"github_pat_{_random(draw, _ALNUM, 22)}_{_random(draw, _ALNUM, 59)}",
        lambda: f"glpat-{_random(draw, _BASE64URL, 20)}",
        lambda: f"xoxb-{_digits(draw, 12)}-{_digits(draw, 12)}-{_random(draw, _ALNUM, 24)}",
        lambda: f"{draw.choice(('sk', 'rk'))}_live_{_random(draw, _ALNUM, 24)}",
        lambda: f"AIza{_random(draw, _BASE64URL, 35)}",
        lambda: _jwt(draw),
        lambda: _pem(draw),
    ))()  # fmt: skip


def _phone(draw):
    def us():
        return f"{_digits(draw, 3, '23456789')}", f"{_digits(draw, 3, '23456789')}", _digits(draw, 4)

    area, exchange, line = us()
    return draw.choice((
        lambda: f"+49 30 {_digits(draw, 7)}", lambda: f"+44 20 {_digits(draw, 4)} {_digits(draw, 4)}",
        lambda: f"+1-{area}-{exchange}-{line}", lambda: f"+1 ({area}) {exchange}-{line}", lambda: f"+{86}{_digits(draw, 11, '1')}",
        lambda: f"({area}) {exchange}-{line}", lambda: f"{area}-{exchange}-{line}", lambda: f"{area}.{exchange}.{line}",
        lambda: "0" + " ".join([_digits(draw, 1, "1234567"), *(_digits(draw, 2) for _ in range(4))]),
        lambda: f"020 {_digits(draw, 4)} {_digits(draw, 4)}", lambda: f"0{_digits(draw, 3, '1234567')}/{_digits(draw, 6)}",
        lambda: f"0{_digits(draw, 3, '1234567')} {_digits(draw, 7)}", lambda: f"13{_digits(draw, 1)} {_digits(draw, 4)} {_digits(draw, 4)}",
        lambda: f"0049 {_digits(draw, 3, '123456789')} {_digits(draw, 6)}", lambda: f"+33 (0)1 {_digits(draw, 2)} {_digits(draw, 2)} {_digits(draw, 2)} {_digits(draw, 2)}",
    ))()  # fmt: skip


VALUES = {"email": _email, "ip_address": _ip_address, "iban": _iban, "card": _card, "secret": _secret, "phone": _phone}


def _isbn(draw):
    return f"ISBN {draw.choice(('978', '979'))}-{_digits(draw, 1)}-{_digits(draw, 2)}-{_digits(draw, 6)}-{_digits(draw, 1)}"


DECOYS = (
    lambda draw: f"version {draw.randint(0, 40)}.{draw.randint(0, 40)}.{draw.randint(0, 99)}.{draw.randint(0, 250)}",
    lambda draw: f"v{draw.randint(0, 40)}.{draw.randint(0, 40)}.{draw.randint(0, 99)}.{draw.randint(0, 250)}",
    lambda draw: f"Chrome/{draw.randint(10, 140)}.0.{draw.randint(0, 250)}.{draw.randint(0, 150)}",
    lambda draw: f"{_name(draw)}-{draw.randint(0, 9)}.{draw.randint(0, 40)}.{draw.randint(0, 99)}.{draw.randint(0, 9)}.tar.gz",
    lambda draw: f"section {draw.randint(1, 20)}.{draw.randint(1, 20)}.{draw.randint(1, 20)}.{draw.randint(1, 20)}",
    lambda draw: ".".join(str(draw.randint(0, 9)) for _ in range(4)),
    lambda draw: f"1.3.6.1.4.1.{draw.randint(1, 60000)}.{draw.randint(1, 9)}",
    lambda draw: draw.choice((f"10.{draw.randint(0, 255)}.0.1", f"192.168.{draw.randint(0, 255)}.7", "127.0.0.1", "203.0.113.77", "0.0.0.0")),
    lambda draw: draw.choice(("fe80::1ff:fe23:4567:890a", "2001:db8::8a2e:370:7334", "::1", "fd12:3456:789a:1::1")),
    lambda draw: f"{draw.choice(('std', 'ac', 'dead', 'face'))}::{draw.choice(('a', 'be', 'cafe', 'vector'))}",
    lambda draw: f"x[2000::{draw.randint(1, 9)}]",
    lambda draw: f"{draw.randint(10, 23)}:{draw.randint(10, 59)}:{draw.randint(10, 59)}",
    lambda draw: ":".join(f"{draw.randrange(256):02x}" for _ in range(6)),
    lambda draw: f"20{draw.randint(10, 30)}-{draw.randint(10, 12)}-{draw.randint(10, 28)}T{draw.randint(10, 23)}:30:00.{_digits(draw, 3)}",
    lambda draw: str(draw.randint(1_500_000_000, 1_900_000_000)),
    lambda draw: str(draw.randint(1_500_000_000_000_000, 1_900_000_000_000_000)),
    lambda draw: "".join(draw.choices("0123456789abcdef", k=draw.choice((32, 40, 64)))),
    _isbn,
    lambda draw: f"0000-000{draw.randint(1, 3)}-{_digits(draw, 4)}-{_digits(draw, 4)}",
    lambda draw: f"order {_digits(draw, 16, '456')}",
    lambda draw: f"Order #{_digits(draw, 12)}",
    lambda draw: f"#{''.join(draw.choices('0123456789abcdef', k=6))}",
    lambda draw: f"@{_name(draw)}",
    lambda draw: f"@{_name(draw)}/{_name(draw)}",
    lambda draw: f"{_name(draw)}@{draw.randint(0, 20)}.{draw.randint(0, 20)}.{draw.randint(0, 20)}",
    lambda draw: f"@{_name(draw)}@mastodon.social",
    lambda draw: f"git@github.com:{_name(draw)}/{_name(draw)}.git",
    lambda draw: f"{_name(draw)}@example.com",
    lambda draw: f"icon@{draw.choice('23')}x.png",
    lambda draw: f"root@{_name(draw)}:~#",
    lambda draw: f"0.{_digits(draw, 16)}",
    lambda draw: f"{_digits(draw, 1, '123456789')},{_digits(draw, 3)},{_digits(draw, 3)},{_digits(draw, 3)}",
    lambda draw: f"3.14159265358979 * {_digits(draw, 3)} + {_digits(draw, 4)}",
    lambda draw: f"4 {_digits(draw, 3)} {_digits(draw, 3)} {_digits(draw, 3)}",
    lambda draw: f"eyJ{_name(draw)}",
    lambda _: "ghp_" + "x" * 36,
    lambda _: "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----",
    lambda draw: f"DE00 {_digits(draw, 4)} {_digits(draw, 4)} {_digits(draw, 4)} {_digits(draw, 4)} {_digits(draw, 2)}",
    lambda draw: f"pages {_digits(draw, 3)}-{_digits(draw, 3)}",
    lambda draw: f"{draw.randint(1800, 1999)}-{draw.randint(2000, 2030)}",
    lambda draw: f"doi:10.{_digits(draw, 4)}/{_digits(draw, 7)}",
    lambda draw: f"arXiv:2{_digits(draw, 3)}.{_digits(draw, 5)}",
    lambda draw: f"{_digits(draw, 4, '1234567')}-{_digits(draw, 3)}X",
)  # fmt: skip
