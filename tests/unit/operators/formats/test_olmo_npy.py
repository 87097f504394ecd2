"""Who is who in a file of ids for OLMo."""

import gzip

from operators.formats.olmo_npy import OlmoNpy
from tests.unit.operators.formats.streams import packed, store, write


def lines(files):
    return gzip.decompress(files["tokens.csv.gz"].read_bytes()).decode().splitlines()


def test_a_line_for_each_document_that_has_tokens(tmp_path):
    batch = store(source='a "b", c')
    files = write(OlmoNpy(), [batch.slice(0, 2), batch.slice(2)], tmp_path / "shard")
    assert lines(files) == [
        f'0,3,"{"00" * 16}","a ""b"", c",0',
        f'3,5,"{"02" * 16}","a ""b"", c",2',
        f'5,9,"{"03" * 16}","a ""b"", c",3',
    ]


def test_the_gzip_header_has_no_time_and_no_name(tmp_path):
    files = write(OlmoNpy(), [store()], tmp_path / "shard")
    flags, time = files["tokens.csv.gz"].read_bytes()[3], files["tokens.csv.gz"].read_bytes()[4:8]
    assert (flags, time) == (0, bytes(4))


def test_a_source_may_have_any_name(tmp_path):
    files = write(OlmoNpy(), [store(source='one\n"two",3')], tmp_path / "shard")
    assert len(lines(files)) == 6
    assert OlmoNpy().tokens_in(tmp_path / "shard") == 9


def test_batches_do_not_reach_the_compressed_bytes(tmp_path):
    batch = store([[number % 7] * (1 + number % 3) for number in range(40_000)])
    whole = write(OlmoNpy(), [batch], tmp_path / "whole")["tokens.csv.gz"].read_bytes()
    cut = [batch.slice(start, 37) for start in range(0, batch.num_rows, 37)]
    assert len(gzip.decompress(whole)) > 1 << 20
    assert write(OlmoNpy(), cut, tmp_path / "cut")["tokens.csv.gz"].read_bytes() == whole


def test_packed_rows_have_neither_id_nor_source(tmp_path):
    files = write(OlmoNpy(flatten=True), [packed([[5, 6], [7, 0]], [2, 1])], tmp_path / "shard")
    assert lines(files) == ['0,2,"","",0', '2,3,"","",1']


def test_data_and_lines_lie_side_by_side():
    names = [OlmoNpy().dataset_name(12, 99, file) for file in ("tokens.npy", "tokens.csv.gz")]
    assert names == ["tokens_00012.npy", "tokens_00012.csv.gz"]
