"""Models of a few thousand random weights, with a tokenizer of bytes: they load like real ones, and fast."""

from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from operators.models.settings import ModelSettings
from pipeline.folder_ref import FolderRef

START, END, PAD, UNKNOWN = "<s>", "</s>", "[PAD]", "[UNK]"
SPECIAL = (START, END, PAD, UNKNOWN, "[CLS]", "[SEP]")
VOCABULARY = 256 + len(SPECIAL)
CONTEXT = 64
ON_CPU = ModelSettings(device="cpu")


def byte_tokenizer() -> Tokenizer:
    """A token for each byte of UTF-8, behind the special tokens."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    return tokenizer


def write_tiny_llama(folder: Path, seed: int = 0, **changes: object) -> Path:
    """A causal model of two layers. `changes` go into its configuration."""
    import torch  # noqa: PLC0415 -- an extra; who calls this has asked for it
    from transformers import LlamaConfig, LlamaForCausalLM  # noqa: PLC0415 -- as above

    torch.manual_seed(seed)
    settings = {
        "vocab_size": VOCABULARY,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "initializer_range": 0.5,  # so that predictions differ from chance
    }
    _save(LlamaForCausalLM(LlamaConfig(**{**settings, **changes})), folder)
    return folder


def write_tiny_bert(folder: Path, seed: int = 0, num_labels: int = 1, **changes: object) -> Path:
    """A sequence classifier of two layers; a regression for one label. `changes` go into its configuration."""
    import torch  # noqa: PLC0415 -- an extra; who calls this has asked for it
    from transformers import BertConfig, BertForSequenceClassification  # noqa: PLC0415 -- as above

    torch.manual_seed(seed)
    settings = {
        "vocab_size": VOCABULARY,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": CONTEXT,
        "pad_token_id": 2,
        "num_labels": num_labels,
        "initializer_range": 0.5,
    }
    _save(BertForSequenceClassification(BertConfig(**{**settings, **changes})), folder)
    return folder


def pinned(folder: Path) -> FolderRef:
    """A reference to the folder, as the driver hands it to workers."""
    return FolderRef(uri=folder.name).pin(folder)


def _save(model: object, folder: Path) -> None:
    from transformers.utils import logging  # noqa: PLC0415 -- as above

    logging.disable_progress_bar()
    model.save_pretrained(folder)  # type: ignore[attr-defined]
    byte_tokenizer().save(str(folder / "tokenizer.json"))
