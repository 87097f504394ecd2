"""Names that nanoGPT reads."""

from operators.formats.nanogpt import NanoGpt


def test_one_shard_is_the_file_that_the_trainer_reads():
    assert NanoGpt().dataset_name(0, 1, "tokens.bin") == "train.bin"
    assert NanoGpt(split="val").dataset_name(0, 1, "tokens.bin") == "val.bin"


def test_several_shards_are_its_parts_in_order():
    names = [NanoGpt().dataset_name(shard, 12, "tokens.bin") for shard in range(12)]
    assert names == sorted(names)
    assert names[11] == "train_00011.bin"
