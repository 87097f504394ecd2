"""Questions to an artifact's Parquet files, in SQL."""

from collections.abc import Sequence
from typing import Any

from pipeline.io.scratch import local_copies


def query_files(sql: str, paths: Sequence[str], *parameters: object) -> list[tuple[Any, ...]]:  # Any: DuckDB values
    """The rows of a query, in which `$1` is the list of the files and `$2` and on are the other parameters.

    `list_position($1, filename) - 1` is the place of a row's file in `paths`.
    """
    import duckdb  # noqa: PLC0415 - slow to import, and only questions to files need it

    with duckdb.connect() as connection:
        rows: list[tuple[Any, ...]] = connection.execute(sql, [local_copies(paths), *parameters]).fetchall()
        return rows
