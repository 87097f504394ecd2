"""Settings in words: all that decides a signature is in them."""

import pytest

from operators.dedup.index_settings import spelled_settings, with_tokenizer
from operators.dedup.minhash import MinHashSignature
from pipeline.operator import FileRef


def test_defaults_are_spelled_out() -> None:
    assert spelled_settings(MinHashSignature()) == (
        "ngram=5 unit=word normalization=datatrove num_bands=14 rows_per_band=8 seed=1 signature_version=3 "
        "shingle_hash_version=1"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"ngram": 4},
        {"unit": "character"},
        {"normalization": "none"},
        {"num_bands": 3},
        {"rows_per_band": 3},
        {"seed": 2},
    ],
)
def test_every_setting_shows(changed: dict[str, int | str]) -> None:
    assert spelled_settings(MinHashSignature.model_validate(changed)) != spelled_settings(MinHashSignature())


def test_of_a_tokenizer_the_content_counts_and_not_the_place() -> None:
    here, there, other = (
        FileRef(uri=uri, path=uri, digest=digest) for uri, digest in (("a", "d1"), ("b", "d1"), ("a", "d2"))
    )
    spelled = [
        with_tokenizer(spelled_settings(MinHashSignature(unit="token", tokenizer=file)), file)
        for file in (here, there, other)
    ]
    assert spelled[0] == spelled[1] != spelled[2]
    assert spelled[0].endswith(" tokenizer=d1")
