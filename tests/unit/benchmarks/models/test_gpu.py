"""The benchmark of GPUs on small models and a CPU: what it counts, and that it runs."""

import numpy as np
import pytest

from benchmarks.models import gpu
from benchmarks.models.gpu import Work, encoder_rate, gpu_figures, peak_of, prefill_rate, random_documents, rates
from operators.models.settings import ModelSettings

ON_CPU = ModelSettings(device="cpu")
SMALL = {
    "vocab_size": 100,
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 16,
}


def test_the_share_of_the_peak_counts_two_operations_for_each_weight_and_token():
    found = rates(Work(documents=10, tokens=1000, weights=500), seconds=0.5, peak=4e6)
    assert (found["documents_per_s"], found["tokens_per_s"], found["share_of_peak"]) == (20, 2000, 0.5)
    assert rates(Work(1, 1, 1), 1, None)["share_of_peak"] is None


@pytest.mark.parametrize(("card", "peak"), [("NVIDIA H200", 989e12), ("NVIDIA A100-SXM4-80GB", 312e12), ("Riva", None)])
def test_peaks_go_by_the_name_of_the_card(card, peak):
    assert peak_of(card) == peak


def test_documents_are_the_same_each_time_and_as_long_as_pages():
    documents = random_documents(2000, 50)
    assert all((one == two).all() for one, two in zip(documents, random_documents(2000, 50), strict=True))
    assert 450 < np.median([ids.size for ids in documents]) < 650
    assert max(ids.max() for ids in documents) < 50


def test_weights_that_are_only_looked_up_do_not_count(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="needs the extra models")
    monkeypatch.setattr(gpu, "ROUNDS", 1)
    documents = [np.arange(30, dtype=np.uint32), np.arange(3, dtype=np.uint32)]
    found = encoder_rate(tmp_path / "encoder", {**SMALL, "num_labels": 1}, documents, ON_CPU, 1e12)
    assert (found["documents"], found["tokens"]) == (2, 16 + 3)
    causal = {**SMALL, "bos_token_id": 0}
    untied = prefill_rate(tmp_path / "untied", {**causal, "tie_word_embeddings": False}, documents, ON_CPU, 1e12)
    tied = prefill_rate(tmp_path / "tied", {**causal, "tie_word_embeddings": True}, documents, ON_CPU, 1e12)
    assert untied["tokens"] == tied["tokens"] == 33
    assert untied["weights"] == tied["weights"]


def test_without_a_gpu_the_reason_is_said(monkeypatch, capsys):
    torch = pytest.importorskip("torch", reason="needs the extra models")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert not list(gpu_figures())
    assert capsys.readouterr().out == "gpu: skipped; expected a GPU that torch sees; found none\n"
