"""What the units of a step read: shards of sources, of views and of the tables behind them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipeline.appended import with_tables
from pipeline.artifact import Manifest, ViewShard, record_shards, view_shards
from pipeline.document import POSITION, TEXT
from pipeline.execution.prepare import PreparedRecipe
from pipeline.execution.work import BoundView, SourceShard, TaskSource
from pipeline.operator import columns_read
from pipeline.plan.checked_step import RECORD_COLUMNS, CheckedStep


@dataclass(frozen=True, slots=True)
class StepInputs:
    """A step with the artifacts that it reads."""

    prepared: PreparedRecipe
    checked: CheckedStep
    running: CheckedStep
    """What is carried out: the step, or what it has for inputs beyond its task's memory."""
    manifests: Mapping[str, Manifest]
    """Of every step and import that is there."""

    def num_view_shards(self) -> int:
        """Shards of the base or of the sources, and of the tables behind them."""
        step = self.checked.step
        behind = sum(len(table.shards) for table in self.tables_behind())
        if step.view.base is None:
            return len(self.prepared.input_shards(step)) + behind
        return len(self.manifests[step.view.base].shards) + behind

    def base_rows(self) -> tuple[int, ...]:
        """Rows of the base by shard, or records of the sources; then those of the tables behind."""
        view = self.checked.step.view
        own = self._reader.shard_records if view.base is None else self.manifests[view.base].shard_rows
        return (*own, *(rows for table in self.tables_behind() for rows in table.shard_rows))

    def tables_behind(self) -> list[Manifest]:
        """Tables whose rows the view shows behind its own."""
        return [self.manifests[name] for name in self.checked.step.view.against]

    def source_shards(self) -> tuple[SourceShard | ViewShard, ...]:
        """Shards of the sources' files, with what is bound beside them, and of the tables behind them."""
        step = self.checked.step
        shards = self.prepared.input_shards(step)
        sources = {name: self.prepared.recipe.sources[name] for name in step.view.sources}
        offered = self.prepared.schemas[step.view.sources[0]]
        read = set(self.checked.read_columns)
        if self.checked.is_first_reading:
            # Text is decoded for its checks anyway, and examples of what filters drop show it.
            schema = pa.schema([field for field in offered if field.name in read | {TEXT}])
            return tuple(SourceShard(shard, sources, schema) for shard in shards)
        schema = pa.schema([field for field in offered if field.name in read - RECORD_COLUMNS])
        records = [tuple(int(entry["num_records"]) for entry in shard.inputs) for shard in self._reader.shards]
        views = self.view()
        own = tuple(
            SourceShard(shard, sources, schema, BoundView(view, records[view.index]))
            for shard, view in zip(shards, views, strict=False)
        )
        return own + views[len(own) :]

    def view(self) -> tuple[ViewShard, ...]:
        """The view as far as artifacts hold it."""
        view = self.running.step.view
        bound = [self.manifests[name] for name in view.bound]
        columns, with_position = self.running.read_columns, self._needs_position()
        if view.base is None:
            shards = record_shards(self._reader, bound, columns, with_position=with_position)
        else:
            shards = view_shards(self.manifests[view.base], bound, columns, with_position=with_position)
        return with_tables(shards, self.tables_behind(), bound, self._absent()) if view.against else shards

    def task_source(self) -> TaskSource:
        """Everything that a task reads."""
        step = self.checked.step
        rows = None
        schema = pa.schema([])
        base_rows: tuple[int, ...] = ()
        if step.view.base is not None or step.view.sources:
            base_rows = self.base_rows()
            rows = self.view()
            wanted = set(self.checked.read_columns) | ({POSITION} if self._needs_position() else set())
            schema = pa.schema([field for field in self.checked.view_schema if field.name in wanted])
        tables = {}
        table_schemas = {}
        for name in step.tables:
            columns = self._columns(name)
            tables[name] = view_shards(self.manifests[name], (), columns.names, with_position=False)
            table_schemas[name] = columns
        return TaskSource(rows, schema, tables, table_schemas, base_rows)

    @property
    def _reader(self) -> Manifest:
        """The first reading of the step's sources."""
        assert self.checked.reader is not None
        return self.manifests[self.checked.reader]

    def _absent(self) -> list[pa.Field]:
        """Columns of the view that neither the base nor the sources have, nor anything bound: those of tables alone."""
        view = self.running.step.view
        origin = self.prepared.schemas[view.sources[0]].names if view.base is None else self._columns(view.base).names
        own = {*origin, *(name for step in view.bound for name in self._columns(step).names), POSITION}
        return [field for field in self.checked.view_schema if field.name not in own]

    def _columns(self, name: str) -> pa.Schema:
        """Columns of a step or an import."""
        return self.prepared.checked(name).output_schema

    def _needs_position(self) -> bool:
        required = [name for operator in self.running.step.operators for name in columns_read(operator).names]
        travelling = [name for schema in self.running.exchange_schemas for name in schema.names]
        return POSITION in self.running.view_schema.names and POSITION in (*required, *travelling)
