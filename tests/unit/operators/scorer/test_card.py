"""The page says what the numbers are."""

from operators.scorer.card import card_text

CARD = {
    "model": {"file": "model.bin", "content": "abc"},
    "score": "quality",
    "training": {"num_positive": 12000, "num_negative": 9},
    "held_out": {"num_positive": 3, "num_negative": 2, "num_unscored": 0},
    "area_under_curve": 0.91234,
    "calibration_error": 0.05,
    "calibration": [{"from": 0.0, "num_documents": 0}, {"from": 0.1, "num_documents": 5, "mean_score": 0.15}],
    "top": [{"share": 0.1, "positive_fraction": 0.75}],
}


def test_the_page():
    page = card_text(CARD)
    assert "Learnt from 12,000 positive and 9 negative documents; judged by 3 and 2 that were held out.\n" in page
    assert "- Area under the ROC curve: 0.9123\n" in page
    assert "| from | num documents | mean score |\n|---:|---:|---:|\n| 0 | 0 |  |\n| 0.1 | 5 | 0.15 |\n" in page
    assert "more had no score" not in page
    unscored = {**CARD, "held_out": {**CARD["held_out"], "num_unscored": 4}}
    assert "held out, 4 more had no score.\n" in card_text(unscored)
