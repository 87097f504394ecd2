import pyarrow as pa
import pytest

from operators.select.source_priority import SourcePriority


def ranked(names, **fields):
    batch = pa.record_batch({"source": pa.array(names, pa.string())})
    return SourcePriority(**fields).open()(batch).column("source_priority").to_pylist()


def test_the_first_of_the_list_is_0_and_others_come_last():
    assert ranked(["web", "wiki", "books", "mail"], sources=("wiki", "books")) == [2, 0, 1, 2]


def test_a_slice_is_ranked_like_the_whole():
    batch = pa.record_batch({"source": pa.array(["a", "b", "a"], pa.string())})
    assert SourcePriority(sources=("b",)).open()(batch.slice(1)).column(0).to_pylist() == [0, 1]


@pytest.mark.parametrize("sources", [(), ("web", "web")])
def test_refuses_sources_without_an_order(sources):
    with pytest.raises(ValueError, match="sources"):
        SourcePriority(sources=sources)
