import pytest

from operators.dedup.buckets import collision_probability
from operators.dedup.minhash import MinHashSignature
from operators.dedup.presets import PRESETS, PresetName, preset_like, preset_notes, settings_of
from operators.dedup.settings import MinHashSettings


@pytest.mark.parametrize(
    ("preset", "num_permutations", "at_70", "at_80"),
    [
        # The probabilities that published comparisons give for these settings.
        ("fineweb", 112, 0.565, 0.924),
        ("olmo3", 286, 0.405, 0.903),
        ("curator", 260, 0.177, 0.677),
        ("slimpajama", 117, 0.084, 0.399),
        ("map_neo", 117, 0.084, 0.399),
        ("refinedweb", 9000, 0.302, 0.995),
    ],
)
def test_bands_are_the_published_ones(preset, num_permutations, at_70, at_80):
    settings = settings_of(preset)
    assert settings.num_bands * settings.rows_per_band == num_permutations
    for jaccard, probability in ((0.7, at_70), (0.8, at_80)):
        found = collision_probability(jaccard, settings.num_bands, settings.rows_per_band)
        assert found == pytest.approx(probability, abs=0.0006)


@pytest.mark.parametrize(
    ("preset", "shingle"),
    [
        ("fineweb", (5, "word", "datatrove")),
        ("olmo3", (5, "word", "lowercase")),
        ("curator", (24, "character", "none")),
        ("slimpajama", (13, "character", "lowercase")),
        ("map_neo", (13, "character", "none")),
        ("refinedweb", (5, "word", "datatrove")),
    ],
)
def test_shingles_are_the_published_ones(preset, shingle):
    settings = settings_of(preset)
    assert (settings.ngram, settings.unit, settings.normalization) == shingle


def test_every_preset_is_there_and_says_what_differs():
    assert set(PRESETS) == set(PresetName)
    for preset in PRESETS.values():
        assert preset.source
        assert preset.differs


def test_defaults_are_fineweb():
    assert settings_of() == settings_of("fineweb") == MinHashSettings()


def test_without_preset_settings_are_what_is_given():
    assert settings_of(None, {"ngram": 7, "seed": None}) == MinHashSettings(ngram=7)


def test_a_setting_that_contradicts_the_preset_is_refused_by_both_names():
    with pytest.raises(ValueError, match="preset 'curator': expected num_bands 20, as published; found num_bands 14"):
        settings_of("curator", {"num_bands": 14})
    with pytest.raises(ValueError, match="'fineweb': expected unit 'word', as published; found unit 'character'"):
        settings_of("fineweb", {"unit": "character"})


def test_equal_settings_and_a_seed_complete_a_preset():
    assert settings_of("curator", {"num_bands": 20, "unit": "character", "seed": 9}) == settings_of(
        "curator"
    ).model_copy(update={"seed": 9})


def test_a_tokenizer_makes_tokens_of_presets_that_are_of_tokens():
    settings = settings_of("olmo3", {"tokenizer": "cl100k.json"})
    assert (settings.unit, settings.tokenizer.uri, settings.num_bands) == ("token", "cl100k.json", 26)
    assert settings_of("olmo3", {"tokenizer": "cl100k.json", "unit": "token"}) == settings
    with pytest.raises(ValueError, match=r"expected tokenizer None, as published; found tokenizer 'a\.json'"):
        settings_of("fineweb", {"tokenizer": "a.json"})


def test_refuses_unknown_names():
    with pytest.raises(ValueError, match=r"preset: expected one of .*'fineweb'.*; found 'dolma'"):
        settings_of("dolma")
    with pytest.raises(ValueError, match="num_rows"):
        settings_of("fineweb", {"num_rows": 3})


@pytest.mark.parametrize("preset", PresetName)
def test_settings_know_their_preset(preset):
    assert preset_like(settings_of(preset, {"seed": 5})) is preset
    (note,) = preset_notes(settings_of(preset))
    assert note.startswith(f"settings of preset {preset} (")
    assert PRESETS[preset].differs in note


def test_settings_with_tokens_know_their_preset():
    assert preset_like(settings_of("refinedweb", {"tokenizer": "gpt2.json"})) is PresetName.REFINEDWEB


def test_other_settings_have_no_preset():
    assert preset_like(MinHashSettings(ngram=6)) is None
    assert preset_notes(MinHashSettings(ngram=6)) == ()


@pytest.mark.parametrize("preset", PresetName)
def test_the_operator_takes_them(preset):
    operator = MinHashSignature(**dict(settings_of(preset)))
    assert operator.adds().field("minhash_buckets").type.byte_width == 8 * operator.num_bands
