from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.report.file_query import query_files


def test_rows_name_the_place_of_their_file(tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("b.parquet", "a.parquet")]
    for number, path in enumerate(paths):
        pq.write_table(pa.table({"x": [number, 7]}), path)
    found = query_files(
        "select list_position($1, filename) - 1, x from read_parquet($1, filename=true) where x < $2 order by 1",
        paths,
        7,
    )
    assert found == [(0, 0), (1, 1)]
