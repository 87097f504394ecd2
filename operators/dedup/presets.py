"""Published settings of MinHash deduplication by name, and how a name and explicit settings become one value.

Similarities, not signatures, can be compared with the published pipelines: every preset hashes with our own functions,
and `differs` says what else is not as published.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from operators.dedup.settings import MinHashSettings
from operators.dedup.shingles import Unit
from operators.text.normalized_characters import Normalization


class PresetName(StrEnum):
    """Pipelines whose settings are published."""

    FINEWEB = "fineweb"
    OLMO3 = "olmo3"
    CURATOR = "curator"
    SLIMPAJAMA = "slimpajama"
    MAP_NEO = "map_neo"
    REFINEDWEB = "refinedweb"


class Preset(BaseModel):
    """Published settings, where they are published, and what is not as there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: MinHashSettings
    source: str
    differs: str
    published_tokenizer: str | None = None
    """The tokenizer whose tokens shingles are made of there. Here that takes a `tokenizer`; without one, of words."""


_WORDS_FOR_TOKENS: Final = "shingles of words unless a tokenizer is given"

PRESETS: Final[Mapping[PresetName, Preset]] = {
    PresetName.FINEWEB: Preset(
        settings=MinHashSettings(),
        source="datatrove 0.10, examples/fineweb.py and pipeline/dedup/minhash.py; arXiv 2406.17557",
        differs="words end at white space and punctuation, not where a language's tokenizer ends them; short "
        "documents have a signature",
    ),
    PresetName.OLMO3: Preset(
        settings=MinHashSettings(num_bands=26, rows_per_band=11, normalization=Normalization.LOWERCASE),
        source="duplodocus, example of its README",
        differs=f"{_WORDS_FOR_TOKENS}; texts beyond 500,000 characters are read whole",
        published_tokenizer="cl100k",
    ),
    PresetName.CURATOR: Preset(
        settings=MinHashSettings(
            num_bands=20, rows_per_band=13, ngram=24, unit=Unit.CHARACTER, normalization=Normalization.NONE
        ),
        source="NeMo Curator, stages/deduplication/fuzzy/workflow.py and minhash.py",
        differs="nothing but the hash functions",
    ),
    PresetName.SLIMPAJAMA: Preset(
        settings=MinHashSettings(
            num_bands=9, rows_per_band=13, ngram=13, unit=Unit.CHARACTER, normalization=Normalization.LOWERCASE
        ),
        source="modelzoo, nlp/slimpajama/dedup/to_hash.py; bands are datasketch's choice for threshold 0.8",
        differs="the 117 values that make bands, not all 128; texts are not brought to NFC first",
    ),
    PresetName.MAP_NEO: Preset(
        settings=MinHashSettings(
            num_bands=9, rows_per_band=13, ngram=13, unit=Unit.CHARACTER, normalization=Normalization.NONE
        ),
        source="MAP-NEO, chinese_data_clean_pipeline, generate_minhash.py; bands as for slimpajama",
        differs="the 117 values that make bands, not all 128",
    ),
    PresetName.REFINEDWEB: Preset(
        settings=MinHashSettings(num_bands=450, rows_per_band=20),
        source="RefinedWeb, arXiv 2306.01116",
        differs=f"{_WORDS_FOR_TOKENS}; normalisation is datatrove's",
        published_tokenizer="GPT-2",
    ),
}


def settings_of(
    preset: PresetName | str | None = None,
    explicit: Mapping[str, Any] | None = None,  # Any: fields are validated by the model
) -> MinHashSettings:
    """The settings of a preset and those given explicitly; None in `explicit` counts as not given.

    A seed, and a tokenizer where the published pipeline has one, complete a preset. Any other setting that is given
    beside it must be equal to its own.

    Raises:
        ValueError: there is no such preset or setting, or one contradicts the preset.
    """
    given = {name: value for name, value in (explicit or {}).items() if value is not None}
    if preset is None:
        return MinHashSettings(**given)
    known = _preset(preset)
    published = dict(known.settings)
    if known.published_tokenizer is not None and "tokenizer" in given:
        published |= {"unit": Unit.TOKEN, "tokenizer": given["tokenizer"]}
    del published["seed"]
    for name in sorted(given.keys() & published.keys()):
        if given[name] != published[name]:
            raise ValueError(
                f"preset {str(preset)!r}: expected {name} {_shown(published[name])}, as published; found "
                f"{name} {_shown(given[name])}; leave out one of {name} and preset"
            )
    return MinHashSettings(**published | given)


def preset_like(settings: MinHashSettings) -> PresetName | None:
    """The preset that these settings are, whatever their seed and tokenizer."""
    for name, preset in PRESETS.items():
        as_published = preset.published_tokenizer is not None and settings.unit is Unit.TOKEN
        unit = Unit.TOKEN if as_published else preset.settings.unit
        like = {"seed": settings.seed, "tokenizer": settings.tokenizer, "unit": unit}
        if preset.settings.model_copy(update=like) == settings:
            return name
    return None


def preset_notes(settings: MinHashSettings) -> tuple[str, ...]:
    """The preset that these settings are, where it was published and what differs: a line, or none."""
    name = preset_like(settings)
    if name is None:
        return ()
    preset = PRESETS[name]
    return (f"settings of preset {name} ({preset.source}); differs: {preset.differs}",)


def _preset(name: PresetName | str) -> Preset:
    if name not in set(PresetName):
        raise ValueError(f"preset: expected one of {[str(known) for known in PresetName]}; found {str(name)!r}")
    return PRESETS[PresetName(name)]


def _shown(value: object) -> str:
    return repr(str(value)) if isinstance(value, str) else str(value)
