"""The models that examples of operators read, trained on the fixed rows or written by hand."""

from pathlib import Path

from operators.dedup.canary_choice import CHOICE_FILE
from operators.dedup.sample_pairs import PAIRS_FILE
from operators.fasttext.train_fasttext import MODEL_FILE
from operators.language.language_id import LanguageId
from operators.mix.mix_pool import MIX_FILE
from operators.mix.subset_pool import SUBSETS_FILE
from operators.ngram.model_file import NGRAM_FILE
from operators.ngram.train_ngram import TrainNgram
from operators.perplexity.kenlm_perplexity import LanguageModel
from operators.perplexity.perplexity_cutoffs import CUTOFFS_FILE
from operators.scorer.train_linear import LINEAR_FILE
from operators.select.quota_pool import QUOTAS_FILE
from operators.select.rank_cutoffs import RANK_CUTOFFS_FILE
from operators.tokenize.train_tokenizer import TOKENIZER_FILE
from pipeline.operator import FileRef
from tests.laws.examples import TEXTS, examples, task_inputs, view
from tests.laws.models import (
    BAD_WORDS_FILE,
    CAUSAL_FOLDER,
    DOMAINS_FILE,
    ENCODER_FOLDER,
    NGRAM_FILES,
    PROMPT_FILE,
    Models,
    unread_models,
)
from tests.perplexity_models import write_arpa, write_sentencepiece
from tests.unit.operators.models.tiny_models import pinned, write_tiny_bert, write_tiny_llama


def train_models(folder: Path) -> Models:
    """The language model that we ship, and what tasks make of the fixed rows."""
    entries = examples(unread_models())
    tasks = (
        "train_fasttext",
        "train_tokenizer",
        "canary_choice",
        "sample_pairs",
        "perplexity_cutoffs",
        "rank_cutoffs",
        "quota_cutoffs",
        "mix_budgets",
        "subset_cuts",
        "train_linear",
    )
    for name in tasks:
        list(entries[name].operator.open()(task_inputs(view(TEXTS), folder)))
    (folder / DOMAINS_FILE).write_text("blocked.example\n")
    (folder / PROMPT_FILE).write_text("<s>{text}</s>")
    (folder / BAD_WORDS_FILE).write_text("the\nthree\n")
    language = LanguageId().model
    write_arpa(folder / NGRAM_FILES[0])
    write_sentencepiece(folder / NGRAM_FILES[1])

    def left(name: str) -> FileRef:
        return FileRef(uri=name).pin(folder / name)

    arpa, sentencepiece = map(left, NGRAM_FILES)
    tokenizer = left(TOKENIZER_FILE)
    list(TrainNgram(tokenizer=tokenizer).open()(task_inputs(view(TEXTS), folder)))
    return Models(
        language=language.pin(language.locate(folder)),
        classifier=left(MODEL_FILE),
        tokenizer=tokenizer,
        canaries=left(CHOICE_FILE),
        pairs=left(PAIRS_FILE),
        domains=left(DOMAINS_FILE),
        bad_words=left(BAD_WORDS_FILE),
        cutoffs=left(CUTOFFS_FILE),
        rank_cutoffs=left(RANK_CUTOFFS_FILE),
        quotas=left(QUOTAS_FILE),
        mix=left(MIX_FILE),
        subsets=left(SUBSETS_FILE),
        linear=left(LINEAR_FILE),
        ngrams=LanguageModel(model=arpa, sentencepiece=sentencepiece),
        token_ngrams=left(NGRAM_FILE),
        causal=pinned(write_tiny_llama(folder / CAUSAL_FOLDER)),
        encoder=pinned(write_tiny_bert(folder / ENCODER_FOLDER)),
        prompt=left(PROMPT_FILE),
    )
