"""The plot of packed rows as SVG: two charts of bars, in whole numbers, so that equal figures give equal bytes."""

from collections.abc import Mapping, Sequence
from typing import Final

from operators.pack.packing_statistics import FILL_BUCKETS, PackingFigures

WIDTH: Final = 720
CHART_HEIGHT: Final = 180
MARGIN: Final = 40
BAR_COLOR: Final = "#4878a8"

Bars = Sequence[tuple[str, int]]


def packing_plot(figures: PackingFigures) -> str:
    """Rows by the documents that they hold, and by how full they are."""
    fill = [(f"{(n + 1) * 100 // FILL_BUCKETS} %", rows) for n, rows in enumerate(figures["rows_by_fill"])]
    padding = f"{figures['padding_fraction']:.3%} of {figures['rows']:,} rows is padding"
    height = 2 * (CHART_HEIGHT + 2 * MARGIN)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        *_chart("Rows by the number of their documents", _grouped(figures["rows_by_documents"]), MARGIN),
        *_chart(f"Rows by the share that is filled; {padding}", fill, CHART_HEIGHT + 3 * MARGIN),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grouped(rows_by_documents: Mapping[str, int]) -> Bars:
    """Up to eight documents each number by itself, beyond by powers of two."""
    groups: dict[tuple[int, int], int] = {}
    for spelled, rows in rows_by_documents.items():
        number = int(spelled)
        first = number if number <= 8 else 1 << (number - 1).bit_length() - 1
        group = (number, number) if number <= 8 else (first + 1, 2 * first)
        groups[group] = groups.get(group, 0) + rows
    return [(str(a) if a == b else f"{a}-{b}", rows) for (a, b), rows in sorted(groups.items())]


def _chart(title: str, bars: Bars, top: int) -> list[str]:
    """One chart: its title, and a bar for each label with its number above it."""
    most = max((rows for _, rows in bars), default=0)
    step = (WIDTH - 2 * MARGIN) // max(1, len(bars))
    bottom = top + CHART_HEIGHT
    parts = [
        f'<text x="{MARGIN}" y="{top - 22}" font-size="14">{title}</text>',
        f'<line x1="{MARGIN}" y1="{bottom}" x2="{WIDTH - MARGIN}" y2="{bottom}" stroke="black"/>',
    ]
    for n, (label, rows) in enumerate(bars):
        left, height = MARGIN + n * step, rows * CHART_HEIGHT // max(1, most)
        middle = left + step // 2
        parts += [
            f'<rect x="{left + 2}" y="{bottom - height}" width="{step - 4}" height="{height}" fill="{BAR_COLOR}"/>',
            f'<text x="{middle}" y="{bottom - height - 3}" text-anchor="middle" font-size="8">{rows}</text>',
            f'<text x="{middle}" y="{bottom + 14}" text-anchor="middle">{label}</text>',
        ]
    return parts
