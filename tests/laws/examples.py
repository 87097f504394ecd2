"""One example of every operator in the catalogue, and rows that any of them can read.

The laws and the golden digests go over this table; an operator that is missing from it fails a test.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash

from operators.dataman.annotate_ratings import DataManRatings
from operators.dedup.band_rows import BandRows
from operators.dedup.canary_choice import CanaryChoice
from operators.dedup.canary_report import CanaryReport
from operators.dedup.choose_survivors import ChooseSurvivors
from operators.dedup.cluster_sizes import ClusterSizes
from operators.dedup.components import ConnectedComponents
from operators.dedup.content_hash import ContentHash
from operators.dedup.decide_lines import DecideLines
from operators.dedup.dedup_report import DedupReport
from operators.dedup.drop_duplicates import DropDuplicates
from operators.dedup.drop_emptied import DropEmptied
from operators.dedup.drop_near_duplicates import DropNearDuplicates
from operators.dedup.edge_forest import EdgeForest
from operators.dedup.gather_lines import GatherLines
from operators.dedup.index_changes import IndexChanges
from operators.dedup.index_check import IndexCheck
from operators.dedup.index_entry import GENERATION, GENERATION_TYPE, SETTINGS, IndexEntry
from operators.dedup.large_star import LargeStar
from operators.dedup.line_rows import LineRows
from operators.dedup.minhash import MinHashSignature
from operators.dedup.plant_canaries import PlantCanaries
from operators.dedup.remove_lines import RemoveLines
from operators.dedup.remove_repeated_lines import RemoveRepeatedLines
from operators.dedup.sample_pairs import SamplePairs
from operators.dedup.sampled_sets import SampledSets
from operators.dedup.shingle_sets import ShingleSets
from operators.dedup.signature import BUCKET_VALUE, SIGNATURE_VALUE, buckets_type, signature_type
from operators.dedup.small_star import SmallStar
from operators.dedup.star_edges import EDGE_SCHEMA, StarEdges
from operators.fasttext.fasttext_score import FastTextScore
from operators.fasttext.train_fasttext import TrainFastText
from operators.formats.datatrove_ds import DatatroveDs
from operators.formats.litdata import LitData
from operators.formats.litgpt import LitGpt
from operators.formats.llm_c import LlmC
from operators.formats.mds import Mds
from operators.formats.megatron import Megatron
from operators.formats.nanogpt import NanoGpt
from operators.formats.olmo_npy import OlmoNpy
from operators.formats.parquet_rows import ParquetRows
from operators.language.language_filter import LanguageFilter
from operators.language.language_id import LanguageId
from operators.language.language_id_paragraphs import LanguageIdParagraphs
from operators.mix.cluster_copies import ClusterCopies
from operators.mix.drop_unchosen import DropUnchosen
from operators.mix.mix_budgets import MixBudgets
from operators.mix.mix_repetitions import MixRepetitions
from operators.mix.ordered_rows import OrderedRows
from operators.mix.repeat_rows import RepeatRows
from operators.mix.shuffle_key import ShuffleKey
from operators.mix.split import Split
from operators.mix.subset_cuts import SubsetCuts
from operators.mix.subset_rows import SubsetRows
from operators.models.language_model_loss import LanguageModelLoss
from operators.models.sentence_embedding import SentenceEmbedding
from operators.models.sequence_classifier import SequenceClassifier
from operators.ngram.ngram_loss import NgramLoss
from operators.ngram.train_ngram import TrainNgram
from operators.pack.best_fit import BestFit
from operators.pack.concat_and_chunk import ConcatAndChunk
from operators.pack.first_fit import FirstFit
from operators.pack.length_sorted_greedy import LengthSortedGreedy
from operators.pack.packed_table import list_type
from operators.pack.packing_report import PackingReport
from operators.perplexity.kenlm_perplexity import KenlmPerplexity
from operators.perplexity.perplexity_bucket import PerplexityBucket
from operators.perplexity.perplexity_cutoffs import PerplexityCutoffs
from operators.perplexity.perplexity_filter import PerplexityFilter
from operators.preselect.loss_ladder import LossLadder
from operators.preselect.predictive_strength import PredictiveStrength
from operators.preselect.seed_documents import SeedDocuments
from operators.preselect.strength_classes import StrengthClasses
from operators.privacy.pii import Pii
from operators.prox.programs import DOC_PROGRAM, DOC_PROGRAM_TYPE, PROGRAMS, PROGRAMS_TYPE
from operators.prox.prox_chunk_programs import ProxChunkPrograms
from operators.prox.prox_doc_programs import ProxDocPrograms
from operators.prox.prox_drop import ProxDrop
from operators.prox.prox_execute import ProxExecute
from operators.prox.prox_outcome import ProxOutcome
from operators.prox.prox_rule_programs import ProxRulePrograms
from operators.quality.c4_bad_words import C4BadWords
from operators.quality.c4_lines import C4Lines
from operators.quality.c4_paragraphs import C4Paragraphs
from operators.quality.c4_quality import C4Quality
from operators.quality.dolma_gopher import DolmaGopher
from operators.quality.fineweb2_quality import FineWeb2Quality
from operators.quality.fineweb_quality import FineWebQuality
from operators.quality.full_width_to_half_width import FullWidthToHalfWidth
from operators.quality.gopher_quality import GopherQuality
from operators.quality.gopher_repetition import GopherRepetition
from operators.quality.madlad_sentences import MadladSentences
from operators.quality.map_neo_lines import MapNeoLines
from operators.quality.map_neo_links import MapNeoLinks
from operators.quality.map_neo_quality import MapNeoQuality
from operators.quality.refinedweb_lines import RefinedWebLines
from operators.quality.refinedweb_quality import RefinedWebQuality
from operators.quality.similar_lines import SimilarLines
from operators.repair.control_characters import ControlCharacters
from operators.repair.ftfy_repair import FtfyRepair
from operators.repair.symbol_lines import SymbolLines
from operators.repair.unicode_normalization import UnicodeNormalization
from operators.scorer.judge_scorer import JudgeScorer
from operators.scorer.label_documents import LabelDocuments
from operators.scorer.linear_score import LinearScore
from operators.scorer.train_linear import TrainLinear
from operators.select.combine_scores import CombineScores
from operators.select.quota_cutoffs import QuotaCutoffs
from operators.select.quota_filter import QuotaFilter
from operators.select.quota_repetitions import QuotaRepetitions
from operators.select.rank_bucket import RankBucket
from operators.select.rank_cutoffs import RankCutoffs
from operators.select.score_filter import ScoreFilter
from operators.select.share_threshold import ShareThreshold
from operators.select.source_priority import SourcePriority
from operators.select.text_length import TextLength
from operators.select.value_filter import ValueFilter
from operators.text.statistics import STATISTICS
from operators.text.text_statistics import TextStatistics
from operators.tokenize.tokenizer import Tokenize
from operators.tokenize.train_tokenizer import TrainTokenizer
from operators.url.url_filter import UrlFilter
from pipeline.document import DOC_ID_TYPE, POSITION_TYPE, TEXT_TYPE, IdHasher, position
from pipeline.operator import Operator, TaskInputs
from tests.laws.models import Models

PROSE = (
    "The committee met to discuss the plan that the members have with them, and it was to be the last of the year. "
    "It is said that those who have come early should be given the first places of the hall. "
)

TEXTS = (
    PROSE,
    PROSE * 3,
    "",
    " \n\t\u3000",
    PROSE.replace("committee", "council"),
    "Der Ausschuss trat zusammen, um den Plan zu besprechen, den die Mitglieder mit sich führten. " * 2,
    "委员会开会讨论了成员们带来的计划\uff0c这是今年的最后一次会议。",
    "- one\n- two\n- three ...\n# # #\n- four",
    "cafe\u0301 nai\u0308ve \u0e01\u0e38 \u05d0\u05b8 e\u0301\u0323",
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "a\0b\0\0c </s> __label__1 <|endoftext|>",
    "long " * 300,
    "x" * 3000,
    PROSE,
    "The plan.\n\nThe plan.\n\nThe plan.\n\nThe plan.",
    "-5.25 1,000 ½ Ⅷ İSTANBUL ΣΊΣΥΦΟΣ straße",
)
"""Fixed rows: what filters keep and what they drop, copies, near copies, and what breaks careless code."""

PIECES = (
    "", " ", "\n", "\t", "\u3000", "\0", "a", "the ", "of ", "and that ", "word ", "plan. ", "- ", "...", "#", "\u2026",
    "e\u0301", "\u0301", "中", "文字", "한글", "\U0001f600", "\U0001f468\u200d\U0001f469", "</s>", "__label__1 ",
    "<|endoftext|>", "İ", "ς", "\u202e", "\ufeff", "\u0378", "a" * 300, " " * 300, "ha " * 100, PROSE, "bob@web.de ",
    "81.2.69.142 ",
)  # fmt: skip
"""What hypothesis joins texts from."""

NUM_BANDS, ROWS_PER_BAND = 4, 2
NUM_SHARDS = 2
DOC_PROGRAMS = (None, "keep_doc()", "drop_doc()")
_SETTINGS = "seed=1"


@dataclass(frozen=True, slots=True)
class Example:
    """An operator, and the key that its exchange would have."""

    operator: Operator
    key: str | None = None


def examples(models: Models) -> dict[str, Example]:
    """THE table: every operator of the catalogue by name."""
    quotas = {"cells": ("source",), "scores": ("quality_score",), "min_score": 0.1}
    banding = {"num_bands": NUM_BANDS, "rows_per_band": ROWS_PER_BAND}
    prox = {"model": models.causal, "prompt": models.prompt, "settings": {"device": "cpu"}}
    entries = (
        Example(LanguageId(model=models.language)),
        Example(LanguageIdParagraphs(model=models.language)),
        Example(LanguageFilter(languages=("en", "de"), min_score=0.5)),
        Example(C4Lines(require_terminal_punctuation=False)),
        Example(C4Quality(min_sentences=2)),
        Example(
            C4BadWords(
                lists=({"language": "en", "file": models.bad_words},), language="en", max_bad_words=1, keep_fraction=0.3
            )
        ),
        Example(C4Paragraphs(min_paragraph_chars=50, min_paragraphs=1)),
        Example(RefinedWebQuality()),
        Example(RefinedWebLines()),
        Example(FullWidthToHalfWidth()),
        Example(MapNeoLinks()),
        Example(MapNeoLines(min_words=2, bad_words=models.domains)),
        Example(MapNeoQuality(min_chars=20)),
        Example(SimilarLines()),
        Example(MadladSentences(min_sentences=2)),
        Example(TextStatistics(statistics=tuple(STATISTICS), stop_words=("the", "of"), word_unit="treebank")),
        Example(GopherQuality(min_words=5)),
        Example(GopherRepetition()),
        Example(FineWebQuality(min_terminal_line_fraction=None)),
        Example(FineWeb2Quality(min_words=3, max_mean_word_chars=7, min_stop_words=0, min_terminal_line_fraction=None)),
        Example(DolmaGopher(min_words=5)),
        Example(FastTextScore(model=models.classifier)),
        Example(ScoreFilter(column="quality_score", min_score=0.3)),
        Example(ShareThreshold(column="quality_score", share=0.5)),
        Example(RankCutoffs(columns=("quality_score", "perplexity"))),
        Example(RankBucket(columns=("quality_score", "perplexity"), cutoffs=models.rank_cutoffs)),
        Example(QuotaCutoffs(**quotas, weight="num_chars", share=0.5)),
        Example(QuotaFilter(**quotas, quotas=models.quotas)),
        Example(QuotaRepetitions(**quotas, quotas=models.quotas)),
        Example(CombineScores(columns=("quality_score", {"column": "num_chars", "type": "int64"}))),
        Example(SourcePriority(sources=("book",))),
        Example(TextLength(unit="characters")),
        Example(UrlFilter(domains=(models.domains,), soft_words=(models.domains,))),
        Example(Pii()),
        Example(KenlmPerplexity(models={"en": models.ngrams, "de": models.ngrams})),
        Example(PerplexityFilter(max_perplexity={"en": 500}, min_perplexity={"de": 300})),
        Example(PerplexityCutoffs()),
        Example(PerplexityBucket(cutoffs=models.cutoffs)),
        Example(ProxRulePrograms(interface_phrases=("one",), notices=("plan",))),
        Example(ProxDocPrograms(**prox, max_prompt_tokens=40)),
        Example(ProxChunkPrograms(**prox, max_chunk_tokens=40, max_program_tokens=2)),
        Example(ProxOutcome()),
        Example(ProxDrop(execution={"min_words": 2})),
        Example(ProxExecute()),
        Example(LanguageModelLoss(model=models.causal, settings={"device": "cpu"}, window=48, stride=16)),
        Example(SequenceClassifier(model=models.encoder, settings={"device": "cpu"}, int_range=(-1, 1))),
        Example(SentenceEmbedding(model=models.encoder, settings={"device": "cpu"}, dimensions=16)),
        Example(
            DataManRatings(
                model=models.causal, settings={"device": "cpu"}, prompt=models.prompt, max_tokens=20, min_mass=0.0025
            )
        ),
        Example(ContentHash()),
        Example(DropDuplicates(), key="content_hash"),
        Example(MinHashSignature(**banding, ngram=2)),
        Example(ShingleSets(ngram=2)),
        Example(BandRows(num_bands=NUM_BANDS)),
        Example(StarEdges(), key="bucket"),
        Example(ConnectedComponents()),
        Example(EdgeForest()),
        Example(LargeStar(), key="node"),
        Example(SmallStar(), key="node"),
        Example(ClusterSizes(), key="node"),
        Example(LineRows(min_words=1)),
        Example(DecideLines(), key="line"),
        Example(GatherLines(), key="position"),
        Example(RemoveLines()),
        Example(DropEmptied()),
        Example(RemoveRepeatedLines(min_words=2)),
        Example(FtfyRepair()),
        Example(UnicodeNormalization()),
        Example(ControlCharacters()),
        Example(SymbolLines()),
        Example(ChooseSurvivors(**banding, hubs=2, verify_at=0.5), key="cluster"),
        Example(SamplePairs(num_pairs=4)),
        Example(SampledSets(ngram=2, pairs=models.pairs)),
        Example(DedupReport(**banding)),
        Example(DropNearDuplicates(verify_at=0.5)),
        Example(IndexEntry(settings=_SETTINGS, generation=2)),
        Example(IndexCheck(settings=_SETTINGS)),
        Example(IndexChanges()),
        Example(CanaryChoice(num_canaries=100)),
        Example(PlantCanaries(choice=models.canaries, **banding, ngram=2)),
        Example(CanaryReport(**banding, min_canaries=1_000_000)),
        Example(Tokenize(tokenizer=models.tokenizer)),
        Example(ConcatAndChunk(window=16, pad_token=7)),
        Example(BestFit(window=16)),
        Example(FirstFit(window=16, long_documents="truncate")),
        Example(LengthSortedGreedy(window=16, min_piece=4, boundaries="cu_seqlens")),
        Example(PackingReport(capacity=8)),
        Example(Megatron(vocab_size=65_500)),
        Example(DatatroveDs(token_type="uint32")),
        Example(OlmoNpy(token_type="uint32")),
        Example(NanoGpt(split="val")),
        Example(LlmC()),
        Example(LitGpt(block_size=3, blocks_per_file=2, pad_token=7)),
        Example(LitData(block_size=3, blocks_per_file=2)),
        Example(Mds(columns=("doc_id", "tokens"), max_file_bytes=1 << 12)),
        Example(ParquetRows(columns=("doc_id", "tokens", "source"))),
        Example(TrainTokenizer(vocab_size=300)),
        Example(LabelDocuments(names="source", positive=("web",), negative=("book",), held_out=0.5)),
        Example(TrainLinear(embedding="features", dimensions=3)),
        Example(LinearScore(embedding="features", dimensions=3, model=models.linear)),
        Example(JudgeScorer(model=models.domains, score="quality_score", reference="similarity")),
        Example(TrainFastText(positive=("web",), negative=("book",), dim=4, bucket=100, epoch=2)),
        Example(TrainNgram(tokenizer=models.tokenizer, order=3)),
        Example(NgramLoss(model=models.token_ngrams, orders=(1, 3))),
        Example(LossLadder(losses=("worse_nats", "better_nats"), bytes_column="num_bytes")),
        Example(SeedDocuments(num_domains=1, documents_per_domain=3)),
        Example(PredictiveStrength(losses=("worse_nats", "better_nats"))),
        Example(StrengthClasses(min_positive=0.5)),
        Example(ValueFilter(column="language", values=("en", "zh"))),
        Example(DropUnchosen()),
        Example(ClusterCopies()),
        Example(MixBudgets(parts={"web": {"epochs": 1.5}}, others={"weight": 1}, budget=2000, copies="copies")),
        Example(MixRepetitions(copies="copies", mix=models.mix)),
        Example(RepeatRows(column="copies")),
        Example(ShuffleKey()),
        Example(OrderedRows(key="node"), key="node"),
        Example(SubsetCuts(num_epochs=3, share=0.4)),
        Example(SubsetRows(num_epochs=3, subsets=models.subsets)),
        Example(Split(held_out=({"name": "validation", "share": 0.2}, {"name": "test", "share": 0.3}))),
    )
    return {entry.operator.name: entry for entry in entries}


def view(texts: tuple[str, ...] | list[str]) -> pa.RecordBatch:
    """One row a text, with every column that any operator of the table reads. Columns follow from the text alone."""
    hasher = IdHasher("laws", "texts")
    letters = [[ord(letter) % 300 for letter in text[:20]] for text in texts]
    columns = {
        "doc_id": pa.array([hasher.at(index) for index in range(len(texts))], DOC_ID_TYPE),
        "input_id": pa.array([None] * len(texts), pa.large_string()),
        "source": pa.array([("web", "book")[_hash(text) % 2] for text in texts], pa.string()),
        "text": pa.array(texts, TEXT_TYPE),
        "language": pa.array([("en", "de", "zh", None)[_hash(text) % 4] for text in texts], pa.large_string()),
        "url": pa.array(_urls(texts), pa.large_string()),
        "language_score": pa.array([_hash(text) % 100 / 100 for text in texts], pa.float32()),
        "quality_score": pa.array([_score(text) for text in texts], pa.float32()),
        "perplexity": pa.array([None if len(text) < 2 else _hash(text) % 1000 + 0.5 for text in texts], pa.float32()),
        "num_chars": pa.array(list(map(len, texts)), pa.int64()),
        "num_bytes": pa.array([len(text.encode()) for text in texts], pa.int64()),
        "worse_nats": pa.array(
            [None if not text else 2.0 * len(text) + _hash(text) % 7 for text in texts], pa.float64()
        ),
        "better_nats": pa.array(
            [None if not text else 1.5 * len(text) + _hash(text) % 9 for text in texts], pa.float64()
        ),
        "predictive_strength": pa.array([_score(text) for text in texts], pa.float32()),
        "content_hash": pa.array([xxhash.xxh3_128_digest(text.encode()) for text in texts], pa.binary(16)),
        "minhash_buckets": pa.array(
            [_values(text, NUM_BANDS, BUCKET_VALUE) for text in texts], buckets_type(NUM_BANDS)
        ),
        "minhash": pa.array(
            [_values(text, NUM_BANDS * ROWS_PER_BAND, SIGNATURE_VALUE) for text in texts],
            signature_type(NUM_BANDS * ROWS_PER_BAND),
        ),
        "bucket": pa.array([_hash(text[:1]) for text in texts], pa.uint64()),
        "line": pa.array([_hash(text[:1]) for text in texts], pa.uint64()),
        "ordinal": pa.array([len(text) % 5 for text in texts], pa.uint32()),
        "count": pa.array([_hash(text) % 3 for text in texts], pa.uint32()),
        "repeated_lines": pa.array([_some_lines(text) for text in texts], pa.list_(pa.uint32())),
        DOC_PROGRAM: pa.array([DOC_PROGRAMS[_hash(text) % 3] for text in texts], DOC_PROGRAM_TYPE),
        PROGRAMS: pa.array([_programs(text) for text in texts], PROGRAMS_TYPE),
        "survivor": pa.array([_survivor(text) for text in texts], pa.binary(16)),
        "similarity": pa.array([_score(text) for text in texts], pa.float32()),
        "document": pa.array([_hash(text[:3]) % 8 for text in texts], pa.uint64()),
        "hub": pa.array([_hash(text[:1]) % 8 for text in texts], pa.uint64()),
        "node": pa.array([8 + _hash(text[:2]) % 4 for text in texts], pa.uint64()),
        "neighbour": pa.array([_hash(text) % 16 for text in texts], pa.uint64()),
        "changed": pa.array([len(text) % 3 == 0 for text in texts], pa.bool_()),
        "cluster": pa.array([_hash(text[:1]) % 4 or None for text in texts], pa.uint64()),
        "cluster_size": pa.array([_hash(text) % 4 or None for text in texts], pa.uint32()),
        "cluster_id": pa.array([_survivor(text[:1]) for text in texts], pa.binary(16)),
        "generation": pa.array([_hash(text[:2]) % 3 or None for text in texts], pa.uint32()),
        "known_survivor": pa.array([_survivor(text[:2]) for text in texts], pa.binary(16)),
        "known_cluster_id": pa.array([_survivor(text[:3]) for text in texts], pa.binary(16)),
        "known_cluster_size": pa.array([_hash(text) % 3 or None for text in texts], pa.uint32()),
        "original": pa.array([_survivor(text[:4]) for text in texts], pa.binary(16)),
        "jaccard": pa.array([_hash(text) % 101 / 100 for text in texts], pa.float64()),
        "distance": pa.array([_score(text) for text in texts], pa.float32()),
        "candidate": pa.array([_hash(text) % 4 or None for text in texts], POSITION_TYPE),
        "candidate_similarity": pa.array([_hash(text) % 9 / 8 for text in texts], pa.float32()),
        "bucket_size": pa.array([_hash(text) % 4 or None for text in texts], pa.uint32()),
        "tokens": pa.array(letters, pa.large_list(pa.uint32())),
        "num_tokens": pa.array(list(map(len, letters)), pa.int64()),
        "doc_ids": pa.array(
            [[hasher.at(index)] * (1 + index % 3) for index in range(len(texts))], list_type(DOC_ID_TYPE)
        ),
        "num_continued": pa.array([_hash(text) % 2 for text in texts], pa.int64()),
        "num_truncated": pa.array([_hash(text) % 3 for text in texts], pa.int64()),
        "features": pa.array(
            [[len(text) % 7 / 7, _score(text) or 0.0, 1.0] if text else None for text in texts],
            pa.list_(pa.float32(), 3),
        ),
        "label": pa.array([_label(text) for text in texts], pa.large_string()),
        "training_label": pa.array([_label(text) if len(text) % 3 else None for text in texts], pa.large_string()),
        "repetitions": pa.array([(0, 1, 2, None)[_hash(text) % 4] for text in texts], pa.int32()),
        "copies": pa.array([_hash(text) % 3 + 1 for text in texts], pa.int32()),
        "position": pa.array([position(0, index) for index in range(len(texts))], POSITION_TYPE),
    }
    required = {
        "changed",
        "count",
        "doc_id",
        "doc_ids",
        "num_continued",
        "num_truncated",
        "document",
        "hub",
        "line",
        "neighbour",
        "node",
        "num_chars",
        "num_tokens",
        "ordinal",
        "position",
        "source",
        "text",
        "tokens",
        "jaccard",
    }
    fields = [pa.field(name, array.type, nullable=name not in required) for name, array in columns.items()]
    return pa.RecordBatch.from_arrays(list(columns.values()), schema=pa.schema(fields))


def _label(text: str) -> str | None:
    return ("positive", "negative", None)[_hash(text) % 3]


def exchanged(batch: pa.RecordBatch, key: str) -> pa.RecordBatch:
    """The rows as an exchange by `key` would hand them over, all in one partition."""
    batch = batch.filter(batch[key].is_valid())
    return batch.sort_by([(key, "ascending"), ("position", "ascending")])


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a view for a task, cut into batches at `cuts`."""

    batch: pa.RecordBatch
    cuts: tuple[int, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        return self.batch.schema

    def batches(self, columns: tuple[str, ...] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
        wanted = self.batch if columns is None else self.batch.select(list(columns))
        for part in cut(wanted, self.cuts):
            yield 0, part


def cut(batch: pa.RecordBatch, cuts: tuple[int, ...]) -> list[pa.RecordBatch]:
    """The batch in pieces that end at `cuts`; empty pieces included."""
    bounds = [0, *sorted(min(place, batch.num_rows) for place in cuts), batch.num_rows]
    return [batch.slice(start, end - start) for start, end in pairwise(bounds)]


def task_inputs(batch: pa.RecordBatch, folder: Path, cuts: tuple[int, ...] = ()) -> TaskInputs:
    """The view as a task's rows, and as its one table edges between rows of equal bucket, as an index too."""
    half = batch.num_rows // NUM_SHARDS
    places = [position(0, row) if row < half else position(1, row - half) for row in range(batch.num_rows)]
    first: dict[int, int] = {}
    edges = [
        {"document": place, "hub": hub, GENERATION: 0, SETTINGS: _SETTINGS}
        for bucket, place in zip(batch["bucket"].to_pylist(), places, strict=True)
        if (hub := first.setdefault(bucket, place)) != place
    ]
    schema = pa.schema([*EDGE_SCHEMA, pa.field(GENERATION, GENERATION_TYPE), pa.field(SETTINGS, pa.string())])
    table = Rows(pa.RecordBatch.from_pylist(edges, schema), cuts)
    field = batch.schema.get_field_index("position")
    placed = batch.set_column(field, batch.schema.field(field), pa.array(places, POSITION_TYPE))
    return TaskInputs(Rows(placed, cuts), {"edges": table}, (half, batch.num_rows - half), folder)


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())


def _some_lines(text: str) -> list[int] | None:
    """Ordinals of lines that could go: some of those that are there, or null. A blank text has lost some."""
    ordinals = [number for number in range(text.rstrip("\n").count("\n") + 1) if (_hash(text) + number) % 3]
    return ordinals if text and (_hash(text) % 2 or text.isspace()) else None


def _programs(text: str) -> list[dict[str, Any]] | None:  # Any: values of a row
    """Programs for some texts: one that removes lines, one that replaces a word, one that holds errors."""
    if _hash(text) % 4 == 0:
        return None
    last = text.count("\n")
    removal = f"remove_lines({last // 2}, {last})"
    program = (removal, "normalize('the ', '')", "nonsense\nremove_lines(")[_hash(text) % 3]
    return [{"first_line": 0, "last_line": last, "program": program, "is_cut": last % 2 == 1}]


def _score(text: str) -> float | None:
    score = _hash(text) % 101 / 100
    return None if score > 0.95 else score


def _urls(texts: tuple[str, ...] | list[str]) -> list[str | None]:
    hosts = ("fine.example", "blocked.example", "www.blocked.example:80")
    return [f"https://{hosts[_hash(text) % 3]}/{_hash(text)}" if _hash(text) % 5 else None for text in texts]


def _survivor(text: str) -> bytes | None:
    return None if _hash(text) % 2 else xxhash.xxh3_128_digest(text.encode())


def _values(text: str, num: int, dtype: np.dtype[Any]) -> bytes | None:  # Any: a number's
    """Texts that begin alike share values; a text without a first word has none."""
    if not text.strip():
        return None
    values = [xxhash.xxh32_intdigest(text[: 4 + 3 * k].encode(), k) & 0xFFFF for k in range(num)]
    return np.array(values, dtype).tobytes()
