"""Every case, by the sections of docs/hostile-input.md."""

from collections.abc import Mapping
from typing import Final

from tests.hostile import compressed, folders, json_lines, parquet_files
from tests.hostile.case import Case

SECTIONS: Final[Mapping[str, tuple[Case, ...]]] = {
    "Gzip": compressed.GZIP_CASES,
    "Zstandard": compressed.ZSTD_CASES,
    "Names that lie": compressed.NAME_CASES,
    "Bombs and long lines": compressed.BOMB_CASES,
    "Encodings and line ends": json_lines.ENCODING_CASES,
    "JSON": json_lines.SYNTAX_CASES,
    "Values": json_lines.VALUE_CASES,
    "Ids": json_lines.ID_CASES,
    "Parquet that is broken": parquet_files.BROKEN_CASES,
    "Parquet of every shape": parquet_files.SHAPE_CASES,
    "Schemas that change": parquet_files.SCHEMA_CASES,
    "Empty files and folders": folders.EMPTY_CASES,
    "Stray files and many files": folders.STRAY_CASES,
    "File names": folders.NAME_CASES,
    "Links, pipes and devices": folders.LINK_CASES,
    "Error budgets": json_lines.BUDGET_CASES,
}

CASES: Final = tuple(case for cases in SECTIONS.values() for case in cases)
