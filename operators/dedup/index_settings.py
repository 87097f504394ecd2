"""How signatures were made, in words that an index keeps and a later build compares."""

from operators.dedup.minhash import MinHashSignature
from operators.dedup.shingles import SHINGLE_HASH_VERSION
from pipeline.operator import FileRef


def spelled_settings(signature: MinHashSignature) -> str:
    """All that decides a signature's values but the tokenizer's content, such as `num_bands=14 ... seed=1`.

    A tokenizer's content is known when a plan is prepared: `with_tokenizer` adds it on the worker.
    """
    fields = signature.model_dump(mode="json", exclude={"tokenizer"})
    versions = {"signature_version": signature.version, "shingle_hash_version": SHINGLE_HASH_VERSION}
    return " ".join(f"{name}={value}" for name, value in (fields | versions).items())


def with_tokenizer(settings: str, tokenizer: FileRef | None) -> str:
    """Settings, and the content of the tokenizer where there is one."""
    return settings if tokenizer is None else f"{settings} tokenizer={tokenizer.digest}"
