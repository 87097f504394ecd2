"""NeMo Curator in one process, without Ray: language ID and its English heuristic filters. Usage: IN OUT.

Its stages are driven by hand (setup, then process for each file), which leaves out what its cluster costs. The filters
are those of the configuration that it ships, heuristic_filter_english_pipeline.yaml. Environment: LID_MODEL.
"""

import importlib
import os
import sys
from pathlib import Path

import nemo_curator
import pandas as pd
import yaml
from nemo_curator.stages.text.filters import ScoreFilter
from nemo_curator.stages.text.filters.fasttext import FastTextLangId
from nemo_curator.tasks import DocumentBatch

CONFIG = "config/text/heuristic_filter_english_pipeline.yaml"


def built(node: object) -> object:
    """What a node of the configuration stands for: an instance where it names a class."""
    if isinstance(node, dict) and "_target_" in node:
        module, name = node["_target_"].rsplit(".", 1)
        fields = {key: built(value) for key, value in node.items() if key != "_target_"}
        return getattr(importlib.import_module(module), name)(**fields)
    return node


def main(source: Path, target: Path) -> None:
    """All filters over every file."""
    text = (Path(nemo_curator.__file__).parent / CONFIG).read_text()
    for name, value in (("text_field", "text"), ("input_path", str(source)), ("output_path", str(target))):
        text = text.replace("${" + name + "}", value)
    stages = [stage for stage in yaml.safe_load(text)["stages"] if "ScoreFilter" in stage["_target_"]]
    filters = [FastTextLangId(model_path=os.environ["LID_MODEL"], min_langid_score=0.65)]
    chain = ScoreFilter(filter_obj=filters + [built(stage["filter_obj"]) for stage in stages], text_field="text")
    chain.setup(None)
    target.mkdir(parents=True)
    for path in sorted(source.glob("*.parquet")):
        left = chain.process(DocumentBatch(dataset_name="docs", data=pd.read_parquet(path)))
        if left is not None:
            left.to_pandas().to_parquet(target / path.name, compression="zstd")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
