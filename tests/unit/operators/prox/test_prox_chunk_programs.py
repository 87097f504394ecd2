import pyarrow as pa
import pytest

from operators.models.generation import Finish
from operators.prox import prox_chunk_programs
from operators.prox.prox_chunk_programs import ProxChunkPrograms
from pipeline.document import TEXT_TYPE
from pipeline.operator import FileRef
from tests.unit.operators.models.tiny_models import ON_CPU, byte_tokenizer, pinned, write_tiny_llama
from tests.unit.operators.prox.scripted import Scripted, written


@pytest.fixture
def operator(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    byte_tokenizer().save(str(folder / "tokenizer.json"))

    def make(**fields):
        made = ProxChunkPrograms(model=pinned(folder), **fields)
        return made.with_files(lambda file: file.pin(file.locate(tmp_path)) if isinstance(file, FileRef) else file)

    return make


def programs_of(operator, *texts):
    columns = operator.open()(pa.record_batch({"text": pa.array(texts, TEXT_TYPE)}))
    assert columns.schema == operator.adds()
    return columns["prox_programs"].to_pylist()


def test_each_chunk_has_its_program(operator, monkeypatch):
    generator = Scripted(written("untouch_doc()"), written("remove_lines(start=1, end", Finish.LENGTH))
    monkeypatch.setattr(prox_chunk_programs, "load_generator", lambda *_: generator)
    found = programs_of(operator(max_chunk_tokens=16), "one line\nanother\nlast", "", "x")
    assert [[(entry["first_line"], entry["last_line"]) for entry in row] for row in found] == [
        [(0, 0), (1, 1), (2, 2)],
        [],
        [(0, 0)],
    ]
    assert found[0][0] == {"first_line": 0, "last_line": 0, "program": "untouch_doc()", "is_cut": False}
    assert found[0][1] == {"first_line": 1, "last_line": 1, "program": "remove_lines(start=1, end", "is_cut": True}
    shown = [byte_tokenizer().decode(prompt, skip_special_tokens=False) for prompt in generator.prompts]
    assert shown[1] == "<s>[doc]\n[001]another\n[/doc]"
    assert generator.max_tokens == 256


def test_chunks_of_words(operator, monkeypatch):
    monkeypatch.setattr(prox_chunk_programs, "load_generator", lambda *_: Scripted(written("keep_chunk()")))
    found = programs_of(operator(max_chunk_tokens=4, chunk_unit="words"), "a b\nc d\ne")
    assert [(entry["first_line"], entry["last_line"]) for entry in found[0]] == [(0, 1), (2, 2)]


def test_prompts_beyond_the_model_have_empty_programs(operator, monkeypatch):
    monkeypatch.setattr(prox_chunk_programs, "load_generator", lambda *_: Scripted(written("x"), context=20))
    assert [row[0]["program"] for row in programs_of(operator(), "a long text of a line", "")[:1]] == [""]


def test_a_model_writes_them(tmp_path, operator):
    pytest.importorskip("torch")
    write_tiny_llama(tmp_path / "model", max_position_embeddings=128)
    made = operator(settings=ON_CPU, max_program_tokens=4)
    texts = ["one line\nanother", "", "third é"]
    found = programs_of(made, *texts)
    assert [len(row) for row in found] == [1, 0, 1]
    assert found[2] == programs_of(made, "third é")[0]
