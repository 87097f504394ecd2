"""All operators and composites by name, and where each is. Recipes, tests and the generated documentation start here.

What a recipe does not name is not imported: loading every operator takes a second and more, a small recipe needs ten.
"""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, Final, TypeVar

from pipeline.operator import Operator
from pipeline.recipe import Catalogue, Composite

T = TypeVar("T", bound=Callable[..., Any])  # Any: composites take what they like


class Named(Mapping[str, T]):
    """Classes or functions of `operators` by name; each is imported when it is first asked for."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """`places`: for each name `MODULE:ATTRIBUTE`, the module without the package's name."""
        self._places = places

    def __getitem__(self, name: str) -> T:
        """Imports its module."""
        module, _, attribute = self._places[name].partition(":")
        found: T = getattr(import_module(f"operators.{module}"), attribute)
        return found

    def __contains__(self, name: object) -> bool:
        """Imports nothing."""
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of the documentation."""
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


OPERATORS: Final[Named[type[Operator]]] = Named(
    {
        "language_id": "language.language_id:LanguageId",
        "language_id_paragraphs": "language.language_id_paragraphs:LanguageIdParagraphs",
        "language_filter": "language.language_filter:LanguageFilter",
        "c4_lines": "quality.c4_lines:C4Lines",
        "c4_quality": "quality.c4_quality:C4Quality",
        "c4_paragraphs": "quality.c4_paragraphs:C4Paragraphs",
        "c4_bad_words": "quality.c4_bad_words:C4BadWords",
        "refinedweb_quality": "quality.refinedweb_quality:RefinedWebQuality",
        "refinedweb_lines": "quality.refinedweb_lines:RefinedWebLines",
        "full_width_to_half_width": "quality.full_width_to_half_width:FullWidthToHalfWidth",
        "map_neo_links": "quality.map_neo_links:MapNeoLinks",
        "map_neo_lines": "quality.map_neo_lines:MapNeoLines",
        "map_neo_quality": "quality.map_neo_quality:MapNeoQuality",
        "similar_lines": "quality.similar_lines:SimilarLines",
        "madlad_sentences": "quality.madlad_sentences:MadladSentences",
        "text_statistics": "text.text_statistics:TextStatistics",
        "gopher_quality": "quality.gopher_quality:GopherQuality",
        "gopher_repetition": "quality.gopher_repetition:GopherRepetition",
        "fineweb_quality": "quality.fineweb_quality:FineWebQuality",
        "fineweb2_quality": "quality.fineweb2_quality:FineWeb2Quality",
        "dolma_gopher": "quality.dolma_gopher:DolmaGopher",
        "fasttext_score": "fasttext.fasttext_score:FastTextScore",
        "score_filter": "select.score_filter:ScoreFilter",
        "share_threshold": "select.share_threshold:ShareThreshold",
        "rank_cutoffs": "select.rank_cutoffs:RankCutoffs",
        "rank_bucket": "select.rank_bucket:RankBucket",
        "combine_scores": "select.combine_scores:CombineScores",
        "quota_cutoffs": "select.quota_cutoffs:QuotaCutoffs",
        "quota_filter": "select.quota_filter:QuotaFilter",
        "quota_repetitions": "select.quota_repetitions:QuotaRepetitions",
        "source_priority": "select.source_priority:SourcePriority",
        "text_length": "select.text_length:TextLength",
        "url_filter": "url.url_filter:UrlFilter",
        "pii": "privacy.pii:Pii",
        "kenlm_perplexity": "perplexity.kenlm_perplexity:KenlmPerplexity",
        "perplexity_filter": "perplexity.perplexity_filter:PerplexityFilter",
        "perplexity_cutoffs": "perplexity.perplexity_cutoffs:PerplexityCutoffs",
        "perplexity_bucket": "perplexity.perplexity_bucket:PerplexityBucket",
        "prox_rule_programs": "prox.prox_rule_programs:ProxRulePrograms",
        "prox_doc_programs": "prox.prox_doc_programs:ProxDocPrograms",
        "prox_chunk_programs": "prox.prox_chunk_programs:ProxChunkPrograms",
        "prox_outcome": "prox.prox_outcome:ProxOutcome",
        "prox_drop": "prox.prox_drop:ProxDrop",
        "prox_execute": "prox.prox_execute:ProxExecute",
        "language_model_loss": "models.language_model_loss:LanguageModelLoss",
        "sequence_classifier": "models.sequence_classifier:SequenceClassifier",
        "sentence_embedding": "models.sentence_embedding:SentenceEmbedding",
        "dataman_ratings": "dataman.annotate_ratings:DataManRatings",
        "content_hash": "dedup.content_hash:ContentHash",
        "drop_duplicates": "dedup.drop_duplicates:DropDuplicates",
        "minhash_signature": "dedup.minhash:MinHashSignature",
        "shingle_sets": "dedup.shingle_sets:ShingleSets",
        "band_rows": "dedup.band_rows:BandRows",
        "star_edges": "dedup.star_edges:StarEdges",
        "connected_components": "dedup.components:ConnectedComponents",
        "edge_forest": "dedup.edge_forest:EdgeForest",
        "large_star": "dedup.large_star:LargeStar",
        "small_star": "dedup.small_star:SmallStar",
        "cluster_sizes": "dedup.cluster_sizes:ClusterSizes",
        "choose_survivors": "dedup.choose_survivors:ChooseSurvivors",
        "sample_pairs": "dedup.sample_pairs:SamplePairs",
        "sampled_sets": "dedup.sampled_sets:SampledSets",
        "dedup_report": "dedup.dedup_report:DedupReport",
        "line_rows": "dedup.line_rows:LineRows",
        "decide_lines": "dedup.decide_lines:DecideLines",
        "gather_lines": "dedup.gather_lines:GatherLines",
        "remove_lines": "dedup.remove_lines:RemoveLines",
        "drop_emptied": "dedup.drop_emptied:DropEmptied",
        "remove_repeated_lines": "dedup.remove_repeated_lines:RemoveRepeatedLines",
        "ftfy_repair": "repair.ftfy_repair:FtfyRepair",
        "unicode_normalization": "repair.unicode_normalization:UnicodeNormalization",
        "control_characters": "repair.control_characters:ControlCharacters",
        "symbol_lines": "repair.symbol_lines:SymbolLines",
        "drop_near_duplicates": "dedup.drop_near_duplicates:DropNearDuplicates",
        "index_entry": "dedup.index_entry:IndexEntry",
        "index_check": "dedup.index_check:IndexCheck",
        "index_changes": "dedup.index_changes:IndexChanges",
        "canary_choice": "dedup.canary_choice:CanaryChoice",
        "plant_canaries": "dedup.plant_canaries:PlantCanaries",
        "canary_report": "dedup.canary_report:CanaryReport",
        "tokenize": "tokenize.tokenizer:Tokenize",
        "concat_and_chunk": "pack.concat_and_chunk:ConcatAndChunk",
        "best_fit": "pack.best_fit:BestFit",
        "first_fit": "pack.first_fit:FirstFit",
        "length_sorted_greedy": "pack.length_sorted_greedy:LengthSortedGreedy",
        "packing_report": "pack.packing_report:PackingReport",
        "megatron": "formats.megatron:Megatron",
        "datatrove_ds": "formats.datatrove_ds:DatatroveDs",
        "olmo_npy": "formats.olmo_npy:OlmoNpy",
        "nanogpt": "formats.nanogpt:NanoGpt",
        "llm_c": "formats.llm_c:LlmC",
        "litgpt": "formats.litgpt:LitGpt",
        "litdata": "formats.litdata:LitData",
        "mds": "formats.mds:Mds",
        "parquet_rows": "formats.parquet_rows:ParquetRows",
        "train_tokenizer": "tokenize.train_tokenizer:TrainTokenizer",
        "train_fasttext": "fasttext.train_fasttext:TrainFastText",
        "label_documents": "scorer.label_documents:LabelDocuments",
        "train_linear": "scorer.train_linear:TrainLinear",
        "linear_score": "scorer.linear_score:LinearScore",
        "judge_scorer": "scorer.judge_scorer:JudgeScorer",
        "train_ngram": "ngram.train_ngram:TrainNgram",
        "ngram_loss": "ngram.ngram_loss:NgramLoss",
        "loss_ladder": "preselect.loss_ladder:LossLadder",
        "seed_documents": "preselect.seed_documents:SeedDocuments",
        "predictive_strength": "preselect.predictive_strength:PredictiveStrength",
        "strength_classes": "preselect.strength_classes:StrengthClasses",
        "value_filter": "select.value_filter:ValueFilter",
        "drop_unchosen": "mix.drop_unchosen:DropUnchosen",
        "cluster_copies": "mix.cluster_copies:ClusterCopies",
        "mix_budgets": "mix.mix_budgets:MixBudgets",
        "mix_repetitions": "mix.mix_repetitions:MixRepetitions",
        "repeat_rows": "mix.repeat_rows:RepeatRows",
        "split": "mix.split:Split",
        "shuffle_key": "mix.shuffle_key:ShuffleKey",
        "ordered_rows": "mix.ordered_rows:OrderedRows",
        "subset_cuts": "mix.subset_cuts:SubsetCuts",
        "subset_rows": "mix.subset_rows:SubsetRows",
    }
)

COMPOSITES: Final[Named[Composite]] = Named(
    {
        "exact_deduplication": "dedup.steps:exact_deduplication",
        "minhash_deduplication": "dedup.steps:minhash_deduplication",
        "line_deduplication": "dedup.steps:line_deduplication",
        "select_by_share": "select.steps:select_by_share",
        "rank_bucket_ensemble": "select.steps:rank_bucket_ensemble",
        "select_by_quota": "select.steps:select_by_quota",
        "mix": "mix.steps:mix",
        "shuffle": "mix.steps:shuffle",
        "random_subsets": "mix.steps:random_subsets",
        "train_fasttext_scorer": "scorer.steps:train_fasttext_scorer",
        "perplexity_buckets": "perplexity.steps:perplexity_buckets",
        "seeds_apart": "preselect.steps:seeds_apart",
        "preselect": "preselect.steps:preselect",
        "fineweb_edu": "models.steps:fineweb_edu",
    }
)


def catalogue() -> Catalogue:
    """What recipes may name."""
    return Catalogue(OPERATORS, COMPOSITES)
