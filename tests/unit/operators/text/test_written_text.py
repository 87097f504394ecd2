import numpy as np

from operators.text.written_text import written_text


def test_texts_stand_between_the_offsets():
    out = np.frombuffer("一二 three rest".encode(), np.uint8)
    texts = written_text(out, np.array([0, 6, 6, 12], np.int64))
    texts.validate(full=True)
    assert texts.to_pylist() == ["一二", "", " three"]
