"""All operators and composites by their stable names. Recipes, tests and the generated documentation start here."""

from typing import Final

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
from operators.dedup.index_entry import IndexEntry
from operators.dedup.large_star import LargeStar
from operators.dedup.line_rows import LineRows
from operators.dedup.minhash import MinHashSignature
from operators.dedup.plant_canaries import PlantCanaries
from operators.dedup.remove_lines import RemoveLines
from operators.dedup.remove_repeated_lines import RemoveRepeatedLines
from operators.dedup.sample_pairs import SamplePairs
from operators.dedup.sampled_sets import SampledSets
from operators.dedup.shingle_sets import ShingleSets
from operators.dedup.small_star import SmallStar
from operators.dedup.star_edges import StarEdges
from operators.dedup.steps import exact_deduplication, line_deduplication, minhash_deduplication
from operators.fasttext.fasttext_score import FastTextScore
from operators.fasttext.train_fasttext import TrainFastText
from operators.language.language_filter import LanguageFilter
from operators.language.language_id import LanguageId
from operators.language.language_id_paragraphs import LanguageIdParagraphs
from operators.ngram.ngram_loss import NgramLoss
from operators.ngram.train_ngram import TrainNgram
from operators.pack.best_fit import BestFit
from operators.pack.concat_and_chunk import ConcatAndChunk
from operators.perplexity.kenlm_perplexity import KenlmPerplexity
from operators.perplexity.perplexity_bucket import PerplexityBucket
from operators.perplexity.perplexity_cutoffs import PerplexityCutoffs
from operators.perplexity.perplexity_filter import PerplexityFilter
from operators.perplexity.steps import perplexity_buckets
from operators.privacy.pii import Pii
from operators.prox.prox_drop import ProxDrop
from operators.prox.prox_execute import ProxExecute
from operators.prox.prox_outcome import ProxOutcome
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
from operators.select.score_filter import ScoreFilter
from operators.select.share_threshold import ShareThreshold
from operators.select.source_priority import SourcePriority
from operators.select.steps import select_by_share
from operators.select.text_length import TextLength
from operators.text.text_statistics import TextStatistics
from operators.tokenize.tokenizer import Tokenize
from operators.tokenize.train_tokenizer import TrainTokenizer
from operators.url.url_filter import UrlFilter
from pipeline.operator import Operator
from pipeline.recipe import Catalogue

OPERATORS: Final[tuple[type[Operator], ...]] = (
    LanguageId,
    LanguageIdParagraphs,
    LanguageFilter,
    C4Lines,
    C4Quality,
    C4Paragraphs,
    C4BadWords,
    RefinedWebQuality,
    RefinedWebLines,
    FullWidthToHalfWidth,
    MapNeoLinks,
    MapNeoLines,
    MapNeoQuality,
    SimilarLines,
    MadladSentences,
    TextStatistics,
    GopherQuality,
    GopherRepetition,
    FineWebQuality,
    FineWeb2Quality,
    DolmaGopher,
    FastTextScore,
    ScoreFilter,
    ShareThreshold,
    SourcePriority,
    TextLength,
    UrlFilter,
    Pii,
    KenlmPerplexity,
    PerplexityFilter,
    PerplexityCutoffs,
    PerplexityBucket,
    ProxOutcome,
    ProxDrop,
    ProxExecute,
    ContentHash,
    DropDuplicates,
    MinHashSignature,
    ShingleSets,
    BandRows,
    StarEdges,
    ConnectedComponents,
    EdgeForest,
    LargeStar,
    SmallStar,
    ClusterSizes,
    ChooseSurvivors,
    SamplePairs,
    SampledSets,
    DedupReport,
    LineRows,
    DecideLines,
    GatherLines,
    RemoveLines,
    DropEmptied,
    RemoveRepeatedLines,
    FtfyRepair,
    UnicodeNormalization,
    ControlCharacters,
    SymbolLines,
    DropNearDuplicates,
    IndexEntry,
    IndexCheck,
    IndexChanges,
    CanaryChoice,
    PlantCanaries,
    CanaryReport,
    Tokenize,
    ConcatAndChunk,
    BestFit,
    TrainTokenizer,
    TrainFastText,
    TrainNgram,
    NgramLoss,
)

COMPOSITES: Final = (
    exact_deduplication,
    minhash_deduplication,
    line_deduplication,
    select_by_share,
    perplexity_buckets,
)


def catalogue() -> Catalogue:
    """What recipes may name."""
    return Catalogue(
        operators={operator.name: operator for operator in OPERATORS},
        composites={function.__name__: function for function in COMPOSITES},
    )
