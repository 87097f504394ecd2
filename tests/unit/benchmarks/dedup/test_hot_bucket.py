import numpy as np
import pyarrow as pa

from benchmarks.dedup.hot_bucket import HOT_SHARE, draw_documents
from operators.dedup.minhash import MinHashSignature
from operators.dedup.signature import BUCKET_VALUE, BUCKETS, values_of_column
from pipeline.document import TEXT, TEXT_TYPE
from tests.unit.benchmarks.dedup.small_prose import small_prose

NUM_DOCUMENTS = 500


def largest_buckets(*, shared):
    """Documents in the largest bucket of each band."""
    prose = small_prose()
    texts = prose.texts(draw_documents(prose, NUM_DOCUMENTS, shared=shared)).cast(TEXT_TYPE)
    batch = pa.record_batch({TEXT: texts})
    buckets, _ = values_of_column(MinHashSignature().open()(batch).column(BUCKETS), BUCKET_VALUE)
    return [int(np.unique(band, return_counts=True)[1].max()) for band in buckets.T]


def test_a_fifth_of_the_documents_share_the_first_bucket_and_no_other():
    first, *others = largest_buckets(shared=True)
    hot = NUM_DOCUMENTS * HOT_SHARE
    assert 0.95 * hot <= first <= hot
    assert max(others) < 0.05 * hot


def test_the_twin_has_no_hot_bucket():
    assert max(largest_buckets(shared=False)) < 5
