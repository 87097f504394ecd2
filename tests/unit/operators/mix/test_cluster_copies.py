"""FineWeb-2's weights, and others."""

import pyarrow as pa
import pytest
from pydantic import ValidationError

from operators.mix.cluster_copies import ClusterCopies


def copies(operator, *sizes):
    return operator.open()(pa.record_batch({"cluster_size": pa.array(sizes, pa.uint32())})).column(0).to_pylist()


def test_published_weights():
    found = copies(ClusterCopies(), None, 0, 1, 2, 3, 4, 5, 99, 100, 999, 1000, (1 << 32) - 1)
    assert found == [1, 1, 1, 2, 3, 3, 5, 5, 8, 8, 1, 1]


def test_weights_of_ones_own():
    classes = ({"min_size": 1, "copies": 2}, {"min_size": 10, "copies": 0})
    assert copies(ClusterCopies(classes=classes), None, 9, 10) == [2, 2, 0]


@pytest.mark.parametrize("sizes", [(2,), (1, 1), (1, 5, 3), ()])
def test_classes_that_are_not_in_order_are_refused(sizes):
    with pytest.raises(ValidationError):
        ClusterCopies(classes=tuple({"min_size": size, "copies": 1} for size in sizes))
