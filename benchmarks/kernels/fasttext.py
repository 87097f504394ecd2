"""Speed of fastText inference beside the `fasttext` package: `python -m benchmarks.kernels.fasttext > fasttext.json`.

Two models: the language model that comes with the project over whole texts, and a classifier of word bigrams with 100
columns and two million buckets, 0.8 GB, whose weights are drawn from a seed. One thread, time of the process's CPU,
medians of rounds in which both tools take the same texts in turn. MB are 10^6 bytes of UTF-8. Each round has other
texts. They are gone through twice: `fresh` is the first time, when most of what the kernel remembers of words and rows
is not there yet; the other figures are of the second time, as deep in a build, where rows have been met before.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import fasttext
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import zstandard

from operators.fasttext.classifier import Classifier
from operators.fasttext.train_fasttext import zeroed_allocations
from pipeline.kernel import text_buffers

ROOT: Final = Path(__file__).parents[2]
TEXTS: Final = ROOT / ".." / "shared" / "data" / "text"
FOLDERS: Final = ("msdocs_en", "peps", "lctt_linuxcn", "cppdocs_ko", "php_docs", "tldr_pages", "code_repos")
LANGUAGE_MODEL: Final = ROOT / "operators" / "language" / "lid.176.ftz"
ROUNDS: Final = 9
ROUND_BYTES: Final = 4_000_000
COLUMNS: Final = 100
BUCKETS: Final = 2_000_000


def documents(folder: str) -> Iterator[str]:
    """The texts of a folder."""
    for path in sorted((TEXTS / folder).glob("*.jsonl.zst")):
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"]


def rounds() -> list[list[str]]:
    """Texts of every folder, about as many bytes of each, other ones each round."""
    sources = [documents(folder) for folder in FOLDERS]
    found: list[list[str]] = []
    for _ in range(ROUNDS + 1):
        texts: list[str] = []
        for source in sources:
            num_bytes = 0
            while num_bytes < ROUND_BYTES // len(FOLDERS):
                text = next(source, None)
                if text is None:
                    break
                texts.append(text)
                num_bytes += len(text.encode())
        found.append(texts)
    return found


def quality_model(texts: list[str], folder: Path) -> Path:
    """A classifier of the words of `texts`, with weights drawn from a seed in every row."""
    lines = folder / "lines.txt"
    with lines.open("w", encoding="utf-8") as out:
        for number, text in enumerate(texts):
            out.write(f"__label__{number % 2} {' '.join(text.split())}\n")
    with zeroed_allocations():
        model = fasttext.train_supervised(
            str(lines), dim=COLUMNS, bucket=BUCKETS, wordNgrams=2, minCount=1, epoch=1, thread=1, verbose=0
        )
    generator = np.random.default_rng(1)
    shapes = model.get_input_matrix().shape, model.get_output_matrix().shape
    weights = [generator.standard_normal(shape, dtype=np.float32) * np.float32(0.1) for shape in shapes]
    model.set_matrices(*weights)
    model.save_model(str(folder / "quality.bin"))
    return folder / "quality.bin"


def seconds_of(function: Callable[[], object]) -> float:
    """CPU-seconds of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def compare(path: Path, texts: list[list[str]]) -> dict[str, float]:
    """MB a CPU-second of both, and how many times faster the kernel is."""
    classifier, package = Classifier(path), fasttext.load_model(str(path))
    fresh = one_pass(classifier, package, texts)
    return one_pass(classifier, package, texts) | {"speedup_fresh": fresh["speedup"]}


def one_pass(classifier: Classifier, package: Any, texts: list[list[str]]) -> dict[str, float]:  # Any: untyped
    """The figures of all rounds but the first, which warms up."""
    ours, theirs = [], []
    for part in texts:
        data, offsets = text_buffers(pa.array(part, pa.large_string()))
        lines = [text.replace("\n", " ") for text in part]
        megabytes = float(offsets[-1] - offsets[0]) / 1e6
        ours.append(seconds_of(lambda d=data, o=offsets: predict(classifier, d, o)) / megabytes)  # type: ignore[misc]
        theirs.append(seconds_of(lambda part=lines: [package.predict(line) for line in part]) / megabytes)  # type: ignore[misc]
    speed, package_speed = (1 / statistics.median(values[1:]) for values in (ours, theirs))
    return {
        "mb_per_s": round(speed, 1),
        "package_mb_per_s": round(package_speed, 1),
        "speedup": round(statistics.median(b / a for a, b in list(zip(ours, theirs, strict=True))[1:]), 2),
    }


def predict(classifier: Classifier, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64]) -> None:
    """The best label of every text."""
    classifier.best(data, offsets[:-1].copy(), offsets[1:].copy(), 1)


def main() -> None:
    """Writes the figures as JSON."""
    missing = [folder for folder in FOLDERS if not (TEXTS / folder).is_dir()]
    if missing:
        raise SystemExit(f"benchmark fasttext: expected texts in {TEXTS}; found no {missing}")
    texts = rounds()
    language = compare(LANGUAGE_MODEL, texts)
    with tempfile.TemporaryDirectory() as folder:
        path = quality_model([text for part in texts[: ROUNDS // 2] for text in part], Path(folder))
        quality = compare(path, texts)
        num_bytes = path.stat().st_size
    figures = {
        **{f"fasttext_{name}_lid": value for name, value in language.items()},
        **{f"fasttext_{name}_quality": value for name, value in quality.items()},
        "quality_model_bytes": num_bytes,
    }
    json.dump(figures, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
