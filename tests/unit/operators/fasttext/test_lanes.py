import numpy as np

from operators.fasttext.lanes import NUM_LANES, add_lanes, load_float, load_lanes, store_lanes
from operators.text.prefetch import prefetch
from pipeline.kernel import kernel


@kernel
def add_at(data, place, total, column):
    prefetch(data, place)
    store_lanes(add_lanes(load_lanes(total, column), load_lanes(data, place)), total, column)
    return load_float(data, place)


def test_eight_floats_are_added_wherever_they_lie():
    floats = np.arange(20, dtype=np.float32)
    for shift in range(4):
        data = np.frombuffer(bytes(shift) + floats.tobytes(), np.uint8)
        total = np.full(12, 100, np.float32)
        assert add_at(data, np.uintp(shift + 4 * 3), total, np.uintp(2)) == 3
        assert total.tolist() == [100, 100, *(100 + floats[3 : 3 + NUM_LANES]), 100, 100]
