"""Which addresses are public, and what stands around one."""

import ipaddress
import random

import pyarrow as pa
import pytest

from operators.privacy.ip_addresses import MIN_LARGEST, NOT_PUBLIC
from operators.privacy.pii import Pii

PUBLIC = "81.2.69.142"


def found(texts):
    batch = pa.record_batch([pa.array(texts, pa.large_string())], schema=Pii().requires())
    return Pii(kinds=("ip_address",)).open()(batch).edited.tolist()


def test_public_is_what_python_calls_global():
    draw = random.Random(5)
    edges = [number + step for pair in NOT_PUBLIC for number in pair for step in (-1, 0, 1)]
    numbers = [n for n in edges if 0 <= n < 2**32] + [draw.randrange(2**32) for _ in range(2000)]
    younger = 0xC0000000  # 192.0.0.0/24: Pythons differ in how much of it is global
    addresses = [ipaddress.IPv4Address(number) for number in numbers if number >> 8 != younger >> 8]
    expected = [
        address.is_global and not address.is_multicast and max(address.packed) >= MIN_LARGEST for address in addresses
    ]
    assert found(list(map(str, addresses))) == expected
    assert {True, False} == set(expected)


def test_public_is_what_python_calls_global_in_version_six():
    draw = random.Random(6)
    heads = (0x2001, 0x2002, 0x2003, 0x2A00, 0x3FFE, 0x3FFF)
    seconds = (0x0, 0x1FF, 0x200, 0xDB7, 0xDB8, 0xDB9, 0xFFF, 0x1000, 0xFFFF)
    groups = [[head, second, *(draw.randrange(1, 2**16) for _ in range(6))] for head in heads for second in seconds]
    addresses = [ipaddress.IPv6Address(b"".join(group.to_bytes(2) for group in one)) for one in groups]
    documentation = ipaddress.IPv6Network("3fff::/20")  # RFC 9637, younger than some Pythons
    relayed = ipaddress.IPv6Network("2002::/16")
    expected = [one.is_global and one not in documentation and one not in relayed for one in addresses]
    assert found([address.exploded.lstrip("0") for address in addresses]) == expected
    assert found([str(address) for address in addresses]) == expected


@pytest.mark.parametrize(
    "around", ["{}", "({})", "{}.", "{}, so", "http://{}/x", "{}:80", "{}/24", "ip={}", '"{}"', "于{}。"]
)
def test_an_address_stands_alone(around):
    assert found([around.format(PUBLIC)]) == [True]
    assert found([around.format("2a00:1450:4001:81b::200e").replace(":80", "")]) == [True]


@pytest.mark.parametrize(
    "around",
    [
        "{}.5",
        "5.{}",
        "v{}",
        "version {}",
        "Version: {}",
        "app/{}",
        "name-{}",
        "{}-rc1",
        "{}_1",
        "_{}",
        "{}.el7",
        "{}a",
        "Section {}",
    ],
)
def test_a_part_of_something_else_is_none(around):
    assert found([around.format(PUBLIC)]) == [False]


@pytest.mark.parametrize("text", ["81.2.69", "81.2.69.256", "81.02.69.142", "81..69.142", "2a00::1", "2a00:1450:4001:81b", "2001:4860:4860::8888:", "a2001:4860:4860::8888", "2001:4860:4860:1:2:3:4:5:6"])  # fmt: skip  # noqa: E501
def test_what_is_no_address(text):
    assert found([text]) == [False]
