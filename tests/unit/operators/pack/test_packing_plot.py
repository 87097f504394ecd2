"""The plot: well-formed, with a bar for every count."""

from xml.etree import ElementTree as ET

from operators.pack.packing_plot import CHART_HEIGHT, packing_plot
from operators.pack.packing_statistics import FILL_BUCKETS, PackingStatistics

SVG = "{http://www.w3.org/2000/svg}"


def test_bars_are_as_high_as_the_counts() -> None:
    figures = PackingStatistics(10).figures()
    figures |= {"rows": 7, "rows_by_documents": {"1": 4, "2": 1, "9": 1, "16": 1}, "padding_fraction": 0.25}
    root = ET.fromstring(packing_plot(figures))
    bars = [int(bar.get("height", "")) for bar in root.iter(f"{SVG}rect")][1:]
    assert bars == [CHART_HEIGHT, CHART_HEIGHT // 4, CHART_HEIGHT // 2, *[0] * FILL_BUCKETS]
    said = [text.text for text in root.iter(f"{SVG}text")]
    assert {"1", "2", "9-16", "100 %"} <= set(said)
    assert any("25.000% of 7 rows is padding" in (text or "") for text in said)


def test_nothing_packed_is_a_plot_too() -> None:
    assert ET.fromstring(packing_plot(PackingStatistics(10).figures())) is not None
