"""The report on near-duplicate removal as Markdown: the numbers of report.json, and what they say."""

from collections.abc import Iterable

from operators.dedup.cluster_statistics import Json


def report_text(report: Json) -> str:
    """The page."""
    parts = [_outcome(report), _sizes(report), _distances(report), _buckets(report)]
    if "calibration" in report:
        parts.append(_calibration(report["calibration"]))
    return "# Near-duplicates\n\n" + "\n\n".join(parts) + "\n"


def _outcome(report: Json) -> str:
    rows = (
        ("documents", report["documents"]),
        ("without a signature: no unit is left of them, and they stay", report["without_signature"]),
        ("in clusters", report["in_clusters"]),
        ("clusters", report["clusters"]),
        ("removed", report["removed"]),
        (
            "kept, since they resemble nothing that stays; `verify: off` would remove them",
            report["kept_by_verification"],
        ),
    )
    return _table(("", "number"), ((name, f"{number:,}") for name, number in rows))


def _sizes(report: Json) -> str:
    rows = (
        (f"{entry['from']:,} to {entry['to']:,}", f"{entry['clusters']:,}", f"{entry['documents']:,}")
        for entry in report["cluster_sizes"]
    )
    return "## Sizes of clusters\n\n" + _table(("documents of a cluster", "clusters", "documents"), rows)


def _distances(report: Json) -> str:
    largest = report["largest_distance"]
    text = (
        "## Distances\n\nFrom the first document of the cluster to each of the others: 1 - the estimated similarity. "
        "Jaccard distance is a metric, so no two documents of a cluster are further apart than twice the largest "
        "distance from its first, and some are as far apart as that.\n\n"
    )
    rows = ((_range(entry), f"{entry['documents']:,}") for entry in report["distances"])
    end = "" if largest is None else f"\n\nThe largest is {largest:.3f}."
    return text + _table(("distance", "documents"), rows) + end


def _buckets(report: Json) -> str:
    text = (
        "## Largest buckets\n\nThe largest bucket of each of the clusters that have the largest ones, and a document "
        "in it.\n\n"
    )
    rows = ((f"{entry['documents']:,}", f"`{entry['doc_id']}`") for entry in report["largest_buckets"])
    return text + _table(("documents", "doc_id"), rows)


def _calibration(found: Json) -> str:
    text = (
        f"## Calibration\n\n{found['pairs']:,} pairs of a document and a candidate, of {found['candidates']:,}, with "
        "their exact Jaccard similarity J. They share a bucket, so all that is expected here is expected of pairs that "
        "do: of B bands of r values B J^r / (1 - (1 - J^r)^B) are shared, and estimates are above J by the expected "
        f"bias. The expected RMSE is that of all pairs, sqrt(J (1 - J) / {found['values']}); where few pairs of a "
        "similarity meet, those that do err by more.\n\n"
    )
    header = (
        "J", "pairs", "mean J", "mean estimate", "bias", "expected", "RMSE", "expected", "shared bands", "expected"
    )  # fmt: skip
    entries = [(_range(tenth), tenth) for tenth in found["tenths"]] + [("all", found)]
    rows = (
        (
            name,
            f"{entry['pairs']:,}",
            *(_number(entry[key], ".4f") for key in ("exact", "estimated")),
            *(_number(entry[key], "+.4f") for key in ("bias", "expected_bias")),
            *(_number(entry[key], ".4f") for key in ("rmse", "expected_rmse")),
            *(_number(entry[key], ".2f") for key in ("shared_bands", "expected_shared_bands")),
        )
        for name, entry in entries
    )
    return text + _table(header, rows) + _threshold(found)


def _threshold(found: Json) -> str:
    if "verify_at" not in found:
        return ""
    return (
        f"\n\nOf {found['pairs']:,} pairs {found['above_by_estimate_alone']:,} reach {found['verify_at']} by their "
        f"estimate and not exactly, {found['above_exactly_alone']:,} exactly and not by their estimate."
    )


def _range(entry: Json) -> str:
    return f"{entry['from']:.1f} to {entry['to']:.1f}"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    lines = [header, ("---", *("---:" for _ in header[1:])), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
