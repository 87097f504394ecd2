"""Models and lists that examples of operators read."""

from dataclasses import dataclass

import xxhash

from operators.dedup.canary_choice import CHOICE_FILE
from operators.dedup.sample_pairs import PAIRS_FILE
from operators.fasttext.train_fasttext import MODEL_FILE
from operators.mix.mix_pool import MIX_FILE
from operators.mix.subset_pool import SUBSETS_FILE
from operators.ngram.model_file import NGRAM_FILE
from operators.perplexity.kenlm_perplexity import LanguageModel
from operators.perplexity.perplexity_cutoffs import CUTOFFS_FILE
from operators.scorer.train_linear import LINEAR_FILE
from operators.select.quota_pool import QUOTAS_FILE
from operators.select.rank_cutoffs import RANK_CUTOFFS_FILE
from operators.tokenize.train_tokenizer import TOKENIZER_FILE
from pipeline.folder_ref import FolderRef
from pipeline.operator import FileRef

DOMAINS_FILE = "domains.txt"
BAD_WORDS_FILE = "bad_words.txt"
CAUSAL_FOLDER = "causal"
ENCODER_FOLDER = "encoder"
PROMPT_FILE = "prompt.txt"
NGRAM_FILES = ("ngrams.arpa", "ngrams.model")


@dataclass(frozen=True, slots=True)
class Models:
    """Files that operators read."""

    language: FileRef
    classifier: FileRef
    tokenizer: FileRef
    canaries: FileRef
    pairs: FileRef
    domains: FileRef
    bad_words: FileRef
    cutoffs: FileRef
    rank_cutoffs: FileRef
    quotas: FileRef
    mix: FileRef
    subsets: FileRef
    linear: FileRef
    ngrams: LanguageModel
    token_ngrams: FileRef
    causal: FolderRef
    encoder: FolderRef
    prompt: FileRef


def unread_models() -> Models:
    """Pinned references to files that nobody reads: enough for identities."""

    def unread(name: str) -> FileRef:
        return FileRef(uri=name, path=name, digest=xxhash.xxh3_128_hexdigest(name.encode()))

    arpa, sentencepiece = map(unread, NGRAM_FILES)
    return Models(
        language=unread("lid.ftz"),
        classifier=unread(MODEL_FILE),
        tokenizer=unread(TOKENIZER_FILE),
        canaries=unread(CHOICE_FILE),
        pairs=unread(PAIRS_FILE),
        domains=unread(DOMAINS_FILE),
        bad_words=unread(BAD_WORDS_FILE),
        cutoffs=unread(CUTOFFS_FILE),
        rank_cutoffs=unread(RANK_CUTOFFS_FILE),
        quotas=unread(QUOTAS_FILE),
        mix=unread(MIX_FILE),
        subsets=unread(SUBSETS_FILE),
        linear=unread(LINEAR_FILE),
        ngrams=LanguageModel(model=arpa, sentencepiece=sentencepiece),
        token_ngrams=unread(NGRAM_FILE),
        causal=FolderRef(uri=CAUSAL_FOLDER, path=CAUSAL_FOLDER, digest="0" * 32),
        encoder=FolderRef(uri=ENCODER_FOLDER, path=ENCODER_FOLDER, digest="0" * 32),
        prompt=unread(PROMPT_FILE),
    )
