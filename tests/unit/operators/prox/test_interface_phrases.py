import pytest

from operators.prox.interface_phrases import COPYRIGHT_SIGNS, INTERFACE_PHRASES, MENU_WORDS, NOTICES


@pytest.mark.parametrize("phrases", [INTERFACE_PHRASES, MENU_WORDS, NOTICES, COPYRIGHT_SIGNS])
def test_phrases_can_be_found(phrases):
    """Lines are compared in small letters, without whitespace around them."""
    assert all(phrase == phrase.lower().strip() for phrase in phrases)
    assert len(set(phrases)) == len(phrases)


def test_a_phrase_is_evidence_of_a_menu_anyhow():
    assert not set(INTERFACE_PHRASES) & set(MENU_WORDS)
