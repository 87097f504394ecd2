"""Texts with ProX programs, drawn by hypothesis, and what holds for the execution of any."""

from itertools import pairwise

from hypothesis import strategies as st

from operators.prox.execution_rules import ExecutionRules
from operators.prox.executor import MAX_GROWTH, execute
from operators.prox.programs import ChunkProgram

LINES = st.lists(st.sampled_from(["", "a b", "b, (c) = d", "menu", "x" * 9]), min_size=1, max_size=8).map("\n".join)
NUMBERS = st.integers(-2, 12) | st.sampled_from([10**6, 10**40])
STRINGS = st.sampled_from(["a", "b,", "(c)", " = ", " ", "", "x", "menu", "\\n", '\\"', "xxxxxxxxxxxx"])
CALLS = (
    st.builds("remove_lines(start={}, end={})".format, NUMBERS, NUMBERS)
    | st.builds('normalize(source_str="{}", target_str="{}")'.format, STRINGS, STRINGS)
    | st.sampled_from(["keep_chunk()", "untouch_doc()", "remove_lines(all=True)", "# no", "drop_doc()", "```"])
    | st.text(alphabet="remove_lines(normalize)=\"', 19\\", max_size=20)
)
PROGRAMS = st.lists(
    st.builds(lambda call, cut: call[: len(call) - cut], CALLS, st.sampled_from([0, 0, 0, 1, 3, 9])), max_size=6
).map("\n".join)


@st.composite
def programs_of(draw, text):
    """Programs for the chunks of a text, which may leave lines out."""
    last = text.count("\n")
    cuts = sorted(draw(st.sets(st.integers(0, last), min_size=1, max_size=4)))
    return [
        ChunkProgram(first, after - 1, draw(PROGRAMS), draw(st.booleans()))
        for first, after in pairwise([*cuts, last + 1])
    ]


def is_within(part, text):
    """Whether the lines of `part` stand in `text`, in this order."""
    lines = iter(text.split("\n"))
    return all(line in lines for line in part.split("\n"))


def check_execution(data):
    """Executes programs that hypothesis draws, and asserts that they do no more than they may."""
    text = data.draw(LINES)
    chunks = data.draw(programs_of(text))
    published = data.draw(st.booleans())
    rules = ExecutionRules(mode="published" if published else "strict")
    found = execute(text, chunks, rules)
    assert len(found.text) <= MAX_GROWTH * len(text)
    assert found.num_left == len(found.text.split())
    if not found.num_replaced:
        assert found.num_removed_lines == text.count("\n") + 1 or is_within(found.text, text)
        assert len(found.text) <= len(text)
    if not found.num_replaced and not found.num_removed_lines:
        assert found.text == text
    if not published:
        shown = {number for chunk in chunks for number in range(chunk.first_line, chunk.last_line + 1)}
        unshown = [line for number, line in enumerate(text.split("\n")) if number not in shown]
        if unshown:
            assert is_within("\n".join(unshown), found.text)
    assert found == execute(text, chunks, rules)
