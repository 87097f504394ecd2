"""Stop words in a document's words, by their hashes, in one pass over the words.

Letters are: D documents, K stop words, T slots.
"""

from itertools import product
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.whitespace_words import Words, word_hashes
from pipeline.kernel import borrowing_kernel

Counts = npt.NDArray[np.int64]

MAX_CASED_FORMS: Final = 4096
"""Of one word. A word of 12 letters has as many; no language's stop words are longer."""
NO_WORD: Final = -1
HIGH_BITS: Final = 40
"""Word hashes are products, whose high bits are the mixed ones."""


class StopWords(NamedTuple):
    """A hash table of stop words, in all their forms."""

    keys: npt.NDArray[np.uint64]  # (T,)
    ordinals: npt.NDArray[np.int32]  # (T,) the stop word of which the key is a form; NO_WORD where the slot is empty
    as_written: npt.NDArray[np.bool_]  # (T,) whether the form is the stop word itself
    last_found: npt.NDArray[np.int64]  # (K,) scratch: the last document in which the stop word was found


class StopWordCounts(NamedTuple):
    """(D,) each."""

    num_distinct_stop_words: Counts
    """Stop words that occur, as written."""
    num_stop_words: Counts
    """Words of the text that are stop words, as written."""
    num_cased_stop_words: Counts
    """Words of the text that are spellings of stop words in upper and lower case letters, as far as in the table."""


def check_stop_words(words: tuple[str, ...], *, may_be_none: bool = False) -> tuple[str, ...]:
    """The same words, if they can be the stop words of a rule; `may_be_none`: where there need not be any.

    Raises:
        ValueError: there is none, or one holds whitespace or nothing, or stands twice.
    """
    if not words and not may_be_none:
        raise ValueError("stop_words: expected words; found none; min_stop_words: null turns the rule off")
    for word in words:
        if word.split() != [word]:
            raise ValueError(f"stop_words: expected words without whitespace; found {word!r}; no text can hold it")
    if len(set(words)) != len(words):
        raise ValueError(f"stop_words: expected distinct words; found repetitions among {len(words)} words")
    return words


def cased_forms(word: str) -> tuple[str, ...]:
    """Every spelling of `word` in upper and lower case letters, itself first.

    Raises:
        ValueError: there are more than MAX_CASED_FORMS.
    """
    choices = [
        [form for form in dict.fromkeys((letter, letter.lower(), letter.upper())) if form.lower() == letter.lower()]
        for letter in word
    ]
    if np.prod([len(choice) for choice in choices]) > MAX_CASED_FORMS:
        raise ValueError(
            f"stop_words: expected words with at most {MAX_CASED_FORMS} spellings in upper and lower case; "
            f"found {word!r}; leave it out"
        )
    return tuple(map("".join, product(*choices)))


def stop_word_table(words: tuple[str, ...], *, any_case: bool) -> StopWords:
    """The table of `words`, with their other spellings in upper and lower case if `any_case`."""
    forms: dict[str, tuple[int, bool]] = {word: (ordinal, True) for ordinal, word in enumerate(words)}
    if any_case:
        for ordinal, word in enumerate(words):
            for form in cased_forms(word):
                forms.setdefault(form, (ordinal, False))
    num_slots = 1 << (2 * len(forms) + 15).bit_length()
    table = StopWords(
        keys=np.zeros(num_slots, np.uint64),
        ordinals=np.full(num_slots, NO_WORD, np.int32),
        as_written=np.zeros(num_slots, np.bool_),
        last_found=np.full(len(words), -1, np.int64),
    )
    for key, (ordinal, as_written) in zip(word_hashes(tuple(forms)), forms.values(), strict=True):
        slot = int(key >> np.uint64(HIGH_BITS)) & (num_slots - 1)
        while table.ordinals[slot] != NO_WORD:
            slot = (slot + 1) & (num_slots - 1)
        table.keys[slot] = key
        table.ordinals[slot] = ordinal
        table.as_written[slot] = as_written
    return table


@borrowing_kernel
def count_stop_words(words: Words, num_words: np.uintp, table: StopWords, d: np.uintp, counts: StopWordCounts) -> None:
    """Counts the stop words of document `d`; `last_found` holds no later one's number."""
    mask = np.uintp(table.keys.shape[0] - 1)
    num_distinct = np.int64(0)
    num_as_written = np.int64(0)
    num_cased = np.int64(0)
    for w in range(num_words):
        key = words.hashes[np.uintp(w)]
        slot = np.uintp(key >> np.uint64(HIGH_BITS)) & mask
        while table.ordinals[slot] != np.int32(NO_WORD) and table.keys[slot] != key:
            slot = (slot + np.uintp(1)) & mask
        ordinal = table.ordinals[slot]
        if ordinal == np.int32(NO_WORD):
            continue
        num_cased += np.int64(1)
        if table.as_written[slot]:
            num_as_written += np.int64(1)
            if table.last_found[np.uintp(ordinal)] != np.int64(d):
                table.last_found[np.uintp(ordinal)] = np.int64(d)
                num_distinct += np.int64(1)
    counts.num_distinct_stop_words[d] = num_distinct
    counts.num_stop_words[d] = num_as_written
    counts.num_cased_stop_words[d] = num_cased
