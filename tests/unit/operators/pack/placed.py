"""Bins as lists."""

from operators.pack.token_buffer import Numbers


def groups(bins: tuple[Numbers, int]) -> list[list[int]]:
    """The pieces of each bin, in the order of their first pieces."""
    bin_of, num_bins = bins
    held: list[list[int]] = [[] for _ in range(num_bins)]
    for piece, number in enumerate(bin_of.tolist()):
        held[number].append(piece)
    assert all(held)
    return sorted(held)
