import pyarrow as pa
import pytest

from operators.prox import prox_doc_programs
from operators.prox.prox_doc_programs import ProxDocPrograms
from pipeline.document import TEXT_TYPE
from pipeline.operator import FileRef
from tests.unit.operators.models.tiny_models import ON_CPU, byte_tokenizer, pinned, write_tiny_llama
from tests.unit.operators.prox.scripted import Scripted, written


@pytest.fixture
def operator(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    byte_tokenizer().save(str(folder / "tokenizer.json"))
    (tmp_path / "prompt.txt").write_text("<s>Judge {text} now:")

    def make(**fields):
        made = ProxDocPrograms(**{"model": pinned(folder), "prompt": "prompt.txt", **fields})
        return made.with_files(lambda file: file.pin(file.locate(tmp_path)) if isinstance(file, FileRef) else file)

    return make


def programs_of(operator, *texts):
    columns = operator.open()(pa.record_batch({"text": pa.array(texts, TEXT_TYPE)}))
    assert columns.schema == operator.adds()
    return columns["prox_doc_program"].to_pylist()


def shown_to(generator):
    return [byte_tokenizer().decode(prompt, skip_special_tokens=False) for prompt in generator.prompts]


def test_the_likelier_answer(operator, monkeypatch):
    generator = Scripted(0, 1)
    monkeypatch.setattr(prox_doc_programs, "load_generator", lambda *_: generator)
    assert programs_of(operator(), "a", "", "b") == ["drop_doc()", None, "keep_doc()"]
    assert shown_to(generator) == ["<s>Judge a now:", "<s>Judge b now:"]


def test_a_free_answer_is_kept_as_it_is(operator, monkeypatch):
    generator = Scripted(written(" I drop it"))
    monkeypatch.setattr(prox_doc_programs, "load_generator", lambda *_: generator)
    assert programs_of(operator(answer="free"), "a") == [" I drop it"]


@pytest.mark.parametrize(
    ("over_length", "shown"), [("text", "<s>Judge abcdefgh now:"), ("prompt", "<s>Judge abcdefghijklm")]
)
def test_long_documents_are_cut(operator, monkeypatch, over_length, shown):
    generator = Scripted(1)
    monkeypatch.setattr(prox_doc_programs, "load_generator", lambda *_: generator)
    programs_of(operator(max_prompt_tokens=20, over_length=over_length), "abcdefghijklmnopqrstuvwxyz")
    assert shown_to(generator) == [shown]


def test_prompts_beyond_the_model_have_no_program(operator, monkeypatch):
    monkeypatch.setattr(prox_doc_programs, "load_generator", lambda *_: Scripted(1, context=10))
    assert programs_of(operator(), "a long text") == [None]


def test_the_templates_that_come_along_have_a_place_for_the_text(operator, monkeypatch):
    monkeypatch.setattr(prox_doc_programs, "load_generator", lambda *_: Scripted(1))
    for name in ("doc_llama2", "doc_chatml"):
        assert programs_of(operator(prompt=f"package:operators.prox/prompts/{name}.txt"), "a") == ["keep_doc()"]


def test_a_model_answers(tmp_path, operator):
    pytest.importorskip("torch")
    write_tiny_llama(tmp_path / "model", max_position_embeddings=128)
    found = programs_of(operator(settings=ON_CPU), "one", "", "two é")
    assert found[1] is None
    assert {found[0], found[2]} <= {"drop_doc()", "keep_doc()"}
