"""Labels and probabilities of the language model beside the `fasttext` package's, over real texts.

`python -m benchmarks.conformance.fasttext_labels` reads all documents of ../shared/data/text, prints what it found as
JSON and fails if a label differs where the package's best two probabilities lie further apart than the tolerance.
"""

import json
import sys
from typing import Any, Final

import fasttext
import numpy as np
import pyarrow as pa

from benchmarks.kernels.fasttext import LANGUAGE_MODEL, TEXTS, documents
from operators.fasttext.classifier import Classifier
from pipeline.kernel import text_buffers

TOLERANCE: Final = 1e-5
BATCH: Final = 512


def compare(texts: list[str], classifier: Classifier, package: Any) -> tuple[list[dict[str, Any]], list[float]]:
    """The documents whose label differs, and how far the best probabilities of all are apart."""
    data, offsets = text_buffers(pa.array(texts, pa.large_string()))
    found = classifier.best(data, offsets[:-1].copy(), offsets[1:].copy(), 1)
    others, distances = [], []
    for row, text in enumerate(texts):
        best = package.predict(text.replace("\n", " ") + "\n", 2, 0.0, "strict") if text else []
        label = classifier.labels[found.labels[row, 0]] if found.labels[row, 0] >= 0 else None
        expected = best[0][1] if best else None
        if best:
            distances.append(abs(best[0][0] - float(found.probabilities[row, 0])))
        if label != expected:
            gap = best[0][0] - best[1][0] if len(best) > 1 else None
            others.append({"characters": len(text), "ours": label, "package": expected, "gap": gap})
    return others, distances


def main() -> int:
    """Compares every folder."""
    if not TEXTS.is_dir():
        raise SystemExit(f"conformance fasttext_labels: expected texts in {TEXTS}; found none")
    classifier, package = Classifier(LANGUAGE_MODEL), fasttext.load_model(str(LANGUAGE_MODEL)).f
    report: dict[str, Any] = {}
    differing: list[dict[str, Any]] = []
    for folder in sorted(path.name for path in TEXTS.iterdir() if path.is_dir()):
        texts = list(documents(folder))
        others: list[dict[str, Any]] = []
        distances: list[float] = []
        for start in range(0, len(texts), BATCH):
            more, further = compare(texts[start : start + BATCH], classifier, package)
            others += more
            distances += further
        report[folder] = {
            "documents": len(texts),
            "labels_that_differ": others,
            "probabilities_beyond_tolerance": int((np.array(distances) > TOLERANCE).sum()),
            "greatest_distance": max(distances, default=0.0),
        }
        differing += others
    json.dump(report, sys.stdout, indent=1)
    sys.stdout.write("\n")
    return int(any(entry["gap"] is None or entry["gap"] >= TOLERANCE for entry in differing))


if __name__ == "__main__":
    sys.exit(main())
