"""The page says the numbers."""

import numpy as np

from operators.dedup.calibration import Banding, Measured, calibration
from operators.dedup.cluster_statistics import ClusterStatistics
from operators.dedup.report_text import report_text


def test_an_empty_report_is_a_page():
    text = report_text({**ClusterStatistics().to_json(), "without_signature": 1234})
    assert text.startswith("# Near-duplicates\n")
    assert "they stay | 1,234 |" in text
    assert "The largest is" not in text


def test_tenths_without_pairs_are_left_blank():
    found = calibration(Measured(np.array([0.9]), np.array([0.8]), np.array([3])), Banding(14, 8), 0.85)
    page = {**ClusterStatistics().to_json(), "without_signature": 0}
    text = report_text({**page, "calibration": {"candidates": 5, "sampled": 1, **found}})
    assert "| 0.8 to 0.9 | 0 |  |  |  |  |  |  |  |  |\n" in text
    assert "| 0.9 to 1.0 | 1 | 0.9000 | 0.8000 | -0.1000 |" in text
    assert "0 reach 0.85 by their estimate and not exactly, 1 exactly and not by their estimate." in text
