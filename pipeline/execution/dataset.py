"""The dataset of a step that writes a trainer's format: what its shards left, under the names that trainers read.

The driver makes it when all shards are committed, by hard links, so that it takes no room and no time. It is the same
every time it is made: what an earlier attempt left is replaced or swept.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import xxhash

from pipeline.artifact import DATASET, FILES, DatasetFile, ShardRecord
from pipeline.errors import OperatorError
from pipeline.execution.commit import StepFolder
from pipeline.execution.faults import reach
from pipeline.format_writer import PART_NAME, FormatWriter, Part, PartFile


def make_dataset(folder: StepFolder, writer: FormatWriter, records: Sequence[ShardRecord]) -> tuple[DatasetFile, ...]:
    """Links the files of all shards and writes those over all of them; returns every one.

    Raises:
        OperatorError: the writer gives two files one name, or one that leads out of the dataset.
    """
    parts = [_part(folder, writer, record, len(records)) for record in records]
    index = writer.index(parts)
    _check_names(folder.step, writer, [file.dataset_name for part in parts for file in part.files] + list(index))
    return (*_linked(folder, parts, records), *_written(folder, index))


def _part(folder: StepFolder, writer: FormatWriter, record: ShardRecord, num_shards: int) -> Part:
    facts: Mapping[str, object] = {}
    files = []
    for role, file in record.files.items():
        name = role.removeprefix(FILES)
        if not role.startswith(FILES):
            continue
        if name == PART_NAME:
            facts = json.loads((folder.path / file.name).read_bytes())
            continue
        files.append(PartFile(name, writer.dataset_name(record.index, num_shards, name), file.num_bytes, file.digest))
    return Part(record.index, tuple(files), record.counts["rows_written"], record.counts["conserved_out"], facts)


def _check_names(step: str, writer: FormatWriter, names: Sequence[str]) -> None:
    odd = sorted({name for name in names if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts})
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if odd or twice:
        raise OperatorError(
            f"step {step}, operator {writer.name}: expected relative names, each of one file; found {odd or twice}"
        )


def _linked(folder: StepFolder, parts: Sequence[Part], records: Sequence[ShardRecord]) -> Iterator[DatasetFile]:
    for part, record in zip(parts, records, strict=True):
        for file in part.files:
            name = f"{DATASET}/{file.dataset_name}"
            folder.link(folder.path / record.files[FILES + file.name].name, name)
            reach("dataset.linked")
            yield DatasetFile(name, file.num_bytes, file.digest, part.shard)


def _written(folder: StepFolder, index: Mapping[str, bytes]) -> Iterator[DatasetFile]:
    for path, data in sorted(index.items()):
        name = f"{DATASET}/{path}"
        folder.write(data, name)
        yield DatasetFile(name, len(data), xxhash.xxh3_64_hexdigest(data), None)
