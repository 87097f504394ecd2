"""A set of phrases, found in UTF-8 text in one pass: the automaton of Aho and Corasick (1975) over bytes.

Letters are: S states.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from operators.text.characters import Classes, decode
from operators.text.regex_classes import WORD
from pipeline.kernel import Bytes, kernel

NUM_BYTES = 256


class PhraseAutomaton(NamedTuple):
    """Tables of the automaton. State 0 is where no phrase has begun."""

    next_state: npt.NDArray[np.uint32]  # (S, 256)
    phrase_bytes: npt.NDArray[np.uint32]  # (S,) of the longest phrase that ends at the state; 0 where none does
    shorter: npt.NDArray[np.uint32]  # (S,) the state of the next shorter phrase that ends here too; 0 where none does


def phrase_automaton(phrases: Iterable[str]) -> PhraseAutomaton:
    """The automaton of these phrases, none of which is empty."""
    children: list[dict[int, int]] = [{}]
    lengths = [0]
    for phrase in sorted(set(phrases)):
        state = 0
        for byte in phrase.encode():
            if byte not in children[state]:
                children[state][byte] = len(children)
                children.append({})
                lengths.append(0)
            state = children[state][byte]
        lengths[state] = len(phrase.encode())
    next_state = np.zeros((len(children), NUM_BYTES), np.uint32)
    shorter = np.zeros(len(children), np.uint32)
    suffix = [0] * len(children)
    waiting = deque([0])
    while waiting:
        state = waiting.popleft()
        if state:
            next_state[state] = next_state[suffix[state]]
        for byte, child in children[state].items():
            suffix[child] = int(next_state[suffix[state], byte]) if state else 0
            shorter[child] = suffix[child] if lengths[suffix[child]] else shorter[suffix[child]]
            waiting.append(child)
        for byte, child in children[state].items():
            next_state[state, byte] = child
    longest = np.array([length or lengths[shorter[state]] for state, length in enumerate(lengths)], np.uint32)
    own = np.array(lengths, np.uint32)
    # a state without a phrase of its own stands for the next shorter one
    shorter = np.where(own > 0, shorter, shorter[shorter]).astype(np.uint32)
    return PhraseAutomaton(next_state, longest, shorter)


@kernel
def _is_apart(data: Bytes, begin: np.uintp, end: np.uintp, first: np.uintp, after: np.uintp, classes: Classes) -> bool:
    r"""Whether no character of `\w` stands beside `data[first:after]`, of the text `data[begin:end]`."""
    if after < end:
        code_point, _ = decode(data, after)
        if classes[code_point] & np.uint8(WORD):
            return False
    if first == begin:
        return True
    before = first - np.uintp(1)
    while data[before] & np.uint8(0xC0) == np.uint8(0x80):
        before -= np.uintp(1)
    code_point, _ = decode(data, before)
    return not classes[code_point] & np.uint8(WORD)


@kernel
def count_phrases(
    data: Bytes, begin: np.uintp, end: np.uintp, automaton: PhraseAutomaton, classes: Classes, must_be_apart: bool
) -> np.int64:
    r"""Places in `data[begin:end]` where phrases end; if they must be apart, no `\w` stands beside them."""
    num_places = np.int64(0)
    state = np.uint32(0)
    for i in range(begin, end):
        state = automaton.next_state[np.uintp(state), np.uintp(data[np.uintp(i)])]
        found = state
        while automaton.phrase_bytes[np.uintp(found)] > np.uint32(0):
            after = np.uintp(i) + np.uintp(1)
            first = after - np.uintp(automaton.phrase_bytes[np.uintp(found)])
            if not must_be_apart or _is_apart(data, begin, end, first, after, classes):
                num_places += np.int64(1)
                break
            found = automaton.shorter[np.uintp(found)]
    return num_places
