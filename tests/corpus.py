"""A small corpus, the same in every run: four languages, exact and near duplicates, bad rows, every input format.

`write_corpus` leaves three folders: `web` and `reference` (JSONL: plain, gzip, zstd) and `archive` (Parquet).
"""

import gzip
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

SEED: Final = 20
BAD_LINES: Final = (
    b'{"id": "bad-utf8", "text": "\xff\xfe broken bytes"}',
    b'{"id": "bad-json", "text": "cut off',
    b'{"id": "bad-missing", "title": "a record without its text"}',
    b'{"id": "bad-null", "text": null}',
    b'{"id": "bad-type", "text": 17}',
    b'["an array", "where an object should be"]',
)
BAD_REASONS: Final = ("invalid_utf8", "invalid_json", "no_text", "null_text", "wrong_type", "not_an_object")
"""Why each of BAD_LINES is no document."""

_SENTENCES: Final = {
    "en": (
        "The {a} {n} of the {m} was found to be {b}, and nobody had expected that.",
        "When the {n} came to the {m}, we saw how {a} and {b} it had become.",
        "You have to look at the {a} {n} with care before the {m} is ready.",
        "In the spring they carried a {b} {m} through the {n} that everyone called {a}.",
        "There is no reason to be {b} about the {n}, said the {m}, for it is only {a}.",
        "Most of what we know about the {m} comes from a {a} {n} and its {b} owner.",
    ),
    "de": (
        "Der Bericht über {n} und {m} war ziemlich {a}, aber niemand hat ihn gelesen.",
        "Wir haben gestern {n} gesehen, und danach schien uns {m} noch mehr {b} als sonst.",
        "Wenn man {m} lange genug betrachtet, wird {n} wirklich {a} und manchmal auch {b}.",
    ),
    "fr": (
        "Nous avons regardé {n} pendant une heure, et cela nous semblait plutôt {a}.",
        "La question de {m} reste {b}, mais il faut bien que quelqu'un parle de {n}.",
        "Quand on arrive au village, {n} est toujours plus {a} que {m} au printemps.",
    ),
    "es": (
        "El informe sobre {n} y {m} era bastante {a}, pero nadie lo había leído todavía.",
        "Cuando llegamos al pueblo, {n} nos pareció mucho más {b} que {m} en otoño.",
        "Hay que mirar {m} con cuidado, porque {n} puede ser {a} o incluso {b}.",
    ),
}
_NOUNS: Final = {
    "en": "river machine letter harbour garden theory library kitchen engine valley window market bridge forest clock "
    "teacher painting ladder mountain village journal orchard compass lantern meadow furnace cellar island quarry "
    "saddle violin cabinet anchor chimney basket mirror feather pillow hammer candle ferry tunnel barn glacier",
    "de": "Wasser Brot Gras Papier Eisen Holz Wetter Licht Leder Silber Kupfer Obst Gemüse Geschirr Getreide Gebäck",
    "fr": "la rivière|le moulin|la lettre|le jardin|la cuisine|le marché|la fenêtre|le pont|la forêt|le village",
    "es": "el río|el molino|la carta|el jardín|la cocina|el mercado|la ventana|el puente|el bosque|la bodega|la isla",
}
_ADJECTIVES: Final = {
    "en": "quiet narrow yellow ancient hollow gentle bitter distant crooked polished heavy shallow wooden frozen "
    "bright careful dusty foreign golden humble innocent jagged lively obscure patient rough secret tender",
    "de": "ruhig schmal alt bitter schwer flach hell fremd golden rau zart hohl fern krumm leer kalt",
    "fr": "calme étroit ancien amer lourd clair étrange doré rude tendre creux lointain vide froid",
    "es": "tranquilo estrecho antiguo amargo pesado claro extraño dorado rudo tierno hueco lejano vacío frío",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One document of the corpus."""

    id: str
    text: str
    license: str | None = None

    def line(self) -> bytes:
        """The record as JSON, without a line end."""
        fields = {"id": self.id, "text": self.text, "year": 1990 + len(self.text) % 30}
        if self.license is not None:
            fields["license"] = self.license
        return json.dumps(fields, ensure_ascii=False).encode()


def make_text(draw: random.Random, language: str, num_sentences: int) -> str:
    """Sentences that a language model takes for `language`, in paragraphs of four."""
    separator = "|" if "|" in _NOUNS[language] else " "
    nouns, adjectives = _NOUNS[language].split(separator), _ADJECTIVES[language].split(" ")
    sentences = []
    for _ in range(num_sentences):
        (n, m), (a, b) = draw.sample(nouns, 2), draw.sample(adjectives, 2)
        sentences.append(draw.choice(_SENTENCES[language]).format(n=n, m=m, a=a, b=b))
    paragraphs = [" ".join(sentences[start : start + 4]) for start in range(0, num_sentences, 4)]
    return "\n".join(paragraphs)


def make_records(draw: random.Random, prefix: str, num_records: int) -> list[Record]:
    """Documents: five in eight English; some copies, some with one sentence more, some too short to be kept."""
    records: list[Record] = []
    for number in range(num_records):
        kind = draw.random()
        if records and kind < 0.08:
            text = draw.choice(records).text
        elif records and kind < 0.16:
            text = draw.choice(records).text + "\nOne more line was added to this copy of the page."
        elif kind < 0.2:
            text = make_text(draw, "en", 1)
        else:
            language = draw.choice(["en"] * 5 + ["de", "fr", "es"])
            text = make_text(draw, language, draw.randrange(10, 22))
        records.append(Record(f"{prefix}-{number}", text, draw.choice([None, "cc0", "cc-by"])))
    return records


def jsonl(lines: Sequence[bytes]) -> bytes:
    """Lines as a file, ending in a line end."""
    return b"".join(line + b"\n" for line in lines)


def zstd(data: bytes, frame_bytes: int = 1 << 14) -> bytes:
    """Compressed as frames of `frame_bytes` each, so that a truncated file still gives its first frames."""
    compressor = zstandard.ZstdCompressor()
    return b"".join(compressor.compress(data[at : at + frame_bytes]) for at in range(0, len(data), frame_bytes))


def parquet(records: Sequence[Record]) -> bytes:
    """Records as a Parquet file of several row groups."""
    table = pa.table({"id": [record.id for record in records], "text": [record.text for record in records]})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=24)
    return sink.getvalue().to_pybytes()


def corpus_files() -> dict[str, bytes]:
    """The corpus: relative path -> content."""
    draw = random.Random(SEED)
    shared = make_records(draw, "shared", 40)

    def lines(prefix: str, num_records: int) -> list[bytes]:
        """Half of the files' copies are of documents in other files."""
        return [record.line() for record in [*make_records(draw, prefix, num_records), *draw.sample(shared, 8)]]

    with_bad = lines("d", 50)
    for place, bad in enumerate(BAD_LINES):
        with_bad.insert(7 * place, bad)
    return {
        "web/a.jsonl": jsonl(lines("a", 140)),
        "web/b.jsonl.gz": gzip.compress(jsonl(lines("b", 60)), mtime=0),
        "web/c.jsonl.zst": zstd(jsonl(lines("c", 60))),
        "web/d.jsonl": jsonl(with_bad),
        "web/more/e.jsonl": jsonl(lines("e", 30)),
        "reference/f.jsonl.gz": gzip.compress(jsonl(lines("f", 70)), mtime=0),
        "reference/g.jsonl": jsonl(lines("g", 40)),
        "archive/h.parquet": parquet(make_records(draw, "h", 60)),
        "archive/i.parquet": parquet(make_records(draw, "i", 40)),
    }


def write_files(root: Path, files: dict[str, bytes]) -> Path:
    """Writes files in the order given, and returns `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def write_corpus(root: Path, *, newest_first: bool = False) -> Path:
    """Writes the corpus; `newest_first` creates the files in the opposite order."""
    files = corpus_files()
    return write_files(root, dict(reversed(files.items())) if newest_first else files)
