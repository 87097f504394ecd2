"""Seeds: so many documents of the most frequent domains, whatever the order of the rows."""

from collections import Counter

import pyarrow as pa
import pytest

from operators.preselect.seed_documents import SeedDocuments, host_of
from pipeline.errors import OperatorError
from tests.unit.operators.preselect.views import View, column_of

URLS = [f"https://{host}/{n}" for n in range(12) for host in ("a.example", "b.example")] + [
    "https://c.example/",
    "http://c.example/2",
    "https://d.example:80/",
    "no address",
    "http://[broken",
    None,
]


def parts(batch_rows: int = 1000, **fields: object) -> list[str | None]:
    view = View({"url": pa.array(URLS, pa.large_string())}, batch_rows)
    return view.of_base(column_of(SeedDocuments(**fields), view))


def seeds(found: list[str | None]) -> Counter[str]:
    return Counter(host_of(url) for url, part in zip(URLS, found, strict=True) if part == "seeds" and url)


def test_so_many_of_the_most_frequent_domains() -> None:
    found = parts(num_domains=3, documents_per_domain=5)
    assert seeds(found) == {"a.example": 5, "b.example": 5, "c.example": 2}
    assert set(found) == {"seeds", "pool"}
    assert found[-3:] == ["pool"] * 3, "documents without a host are no seeds"


def test_of_equal_domains_the_first_by_name() -> None:
    assert seeds(parts(num_domains=1, documents_per_domain=3)) == {"a.example": 3}


def test_batches_change_nothing_and_the_seed_does() -> None:
    whole = parts(num_domains=2, documents_per_domain=4)
    assert parts(1, num_domains=2, documents_per_domain=4) == whole
    assert parts(num_domains=2, documents_per_domain=4, seed=2) != whole


def test_a_column_of_domains() -> None:
    view = View({"source": pa.array(["x", "y", "x"], pa.string())})
    found = view.of_base(column_of(SeedDocuments(column="source", num_domains=1), view))
    assert found == ["seeds", "pool", "seeds"]


def test_a_pool_without_domains_is_refused() -> None:
    view = View({"url": pa.array([None, "x"], pa.large_string())})
    with pytest.raises(OperatorError, match="expected rows with a domain in 'url'; found none"):
        column_of(SeedDocuments(), view)
