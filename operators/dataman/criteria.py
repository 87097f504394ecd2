"""What DataMan's models answer: fourteen criteria, fifteen domains, three modes. Knows no model and no prompt."""

from typing import Final, Literal

import pyarrow as pa

Mode = Literal["all_rating", "score_only", "domain_only"]
"""What is asked: the domain and all ratings, the overall score alone, the domain alone."""

CRITERIA: Final = (
    "accuracy",
    "coherence",
    "language_consistency",
    "semantic_density",
    "knowledge_novelty",
    "topic_focus",
    "creativity",
    "professionalism",
    "style_consistency",
    "grammatical_diversity",
    "structural_standardization",
    "originality",
    "sensitivity",
    "overall_score",
)
"""In the order of the answer's lines. Of each, more is better."""
RATINGS: Final = ("1", "2", "3", "4", "5")
DOMAINS: Final = {
    "A": "Medicine",
    "B": "Finance",
    "C": "Law",
    "D": "Education",
    "E": "Technology",
    "F": "Entertainment",
    "G": "Mathematics",
    "H": "Coding",
    "I": "Government",
    "J": "Culture",
    "K": "Transportation",
    "L": "Retail E-commerce",
    "M": "Telecommunication",
    "N": "Agriculture",
    "O": "Other",
}
"""By the letter that stands for them in an answer."""

DOMAIN: Final = "domain"
LINES: Final[dict[Mode, tuple[str, ...]]] = {
    "all_rating": (DOMAIN, *CRITERIA),
    "score_only": ("overall_score",),
    "domain_only": (DOMAIN,),
}
"""What each line of an answer says."""

PREFIX: Final = "dataman_"
STATUS: Final = "dataman_status"
MIN_MASS: Final = "dataman_min_mass"
RATING_TYPE: Final = pa.int8()
DOMAIN_TYPE: Final = pa.string()


def choices_of(line: str) -> tuple[str, ...]:
    """What may stand in a line of an answer."""
    return tuple(DOMAINS) if line == DOMAIN else RATINGS


def rating_fields(mode: Mode) -> tuple[pa.Field, ...]:
    """The columns of an answer's lines."""
    return tuple(pa.field(f"{PREFIX}{line}", DOMAIN_TYPE if line == DOMAIN else RATING_TYPE) for line in LINES[mode])
