"""Stage descriptions and views for tests of what workers do."""

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.artifact import DATA, ViewShard
from pipeline.execution.commit import StepFolder
from pipeline.execution.work import Execution, StageSpec, Unit
from pipeline.io.shard_file import FileColumns
from pipeline.operator import Resources, labels_of
from pipeline.plan.logical import ArtifactKind, Layout
from pipeline.plan.stages import Stage
from tests.unit.pipeline.sample_operators import documents


def spec(root, operators, *, kind="documents", schema=None, execution=None, **fields):
    """A last stage that writes, unless fields say otherwise."""
    arguments = {
        "folder": StepFolder(root, "s", "0" * 32),
        "segment": 0,
        "stage": Stage(tuple(operators), labels_of([operator.title for operator in operators]), Resources()),
        "is_last": True,
        "partitioning": None,
        "kind": ArtifactKind(kind),
        "output_schema": pa.schema([]) if schema is None else schema,
        "layout": Layout(),
        "execution": execution or Execution(),
    }
    return StageSpec(**(arguments | fields))


def view_shard(path, texts, index=0, *, with_position=False):
    """A shard of documents on disk, as a view offers it."""
    batch = documents(texts)
    pq.write_table(pa.Table.from_batches([batch]), path)
    columns = tuple(batch.schema.names)
    return ViewShard(index, len(texts), (FileColumns(str(path), columns),), (), columns, with_position)


def unit(source, index=0, fingerprints=("f",)):
    return Unit(index, tuple(fingerprints), source)


def data_of(stage, record):
    return pq.read_table(stage.folder.path / record.files[DATA].name).to_pylist()


def listing(folder, names):
    """A file in `folder` that names exchange files beside it, as the driver leaves it."""
    path = folder / "files.txt"
    path.write_text("".join(f"{name}\n" for name in names))
    return str(path)
