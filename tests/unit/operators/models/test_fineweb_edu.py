"""FineWeb-Edu's threshold on whole scores, as a threshold on stored ones."""

import numpy as np
import pytest

from operators.models.fineweb_edu import MIN_INT_SCORE, edu_classifier, lowest_score
from pipeline.folder_ref import FolderRef

MODEL = FolderRef(uri="hub:HuggingFaceFW/fineweb-edu-classifier@" + "0" * 40)


@pytest.mark.parametrize("whole", [1, 2, 3, 4, 5])
def test_the_threshold_parts_scores_as_whole_scores_do(whole):
    lowest = np.float32(lowest_score(whole))
    below = np.nextafter(lowest, np.float32(-np.inf))
    assert round(float(lowest)) == whole
    assert round(float(below)) == whole - 1


def test_three_is_more_than_two_and_a_half():
    assert lowest_score(MIN_INT_SCORE) == np.nextafter(np.float32(2.5), np.float32(3))
    assert lowest_score(4) == 3.5


def test_the_classifier_sees_the_first_512_tokens_and_has_scores_of_0_to_5():
    classifier = edu_classifier(MODEL)
    assert (classifier.max_tokens, classifier.over_length, classifier.int_range) == (512, "head", (0, 5))
    assert classifier.adds().names == ["edu_score", "edu_int_score"]
