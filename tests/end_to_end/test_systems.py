"""Every system that can be composed trains, is evaluated and predicts, on real text cut down to seconds."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mtlkit.sharing import SharingScheme

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
DOMAINS = ["movie", "product", "editorial", "tweet"]
LIMIT = ("--limit", "100")
FAST = {"type": "adam", "lr": 0.01}
STAGES = ("stages.0.trainer", "stages.1.trainer")


def lstm(hidden_dim: int = 16) -> dict[str, Any]:
    return {"type": "lstm", "hidden_dim": hidden_dim}


BILSTM = {"type": "bilstm", "hidden_dim": 8}


def message_passing(communicator: str) -> dict[str, Any]:
    return {"type": "message_passing", "hidden_dim": 16, "communicator": {"type": communicator}}


LAYERS = {"type": "layer", "layer": {"type": "transformer_layer", "heads": 2}}
SYSTEMS: dict[str, dict[str, Any]] = {
    "lstm": {"type": "private", "encoder": lstm()},
    "bilstm": {"type": "private", "encoder": BILSTM},
    "stacked_lstm": {"type": "private", "encoder": {"type": "stacked", "layers": [lstm(), lstm()]}},
    "mt_cnn": {"type": "private", "encoder": {"type": "cnn", "filters": 16}},
    "fs": {"type": "fully_shared", "encoder": lstm()},
    "ssp": {"type": "stacked_shared_private", "encoder": BILSTM},
    "psp": {"type": "parallel_shared_private", "encoder": BILSTM},
    "sp": {"type": "parallel_shared_private", "encoder": lstm()},
    "asp": {"type": "adversarial_shared_private", "encoder": lstm()},
    "cs": {"type": "cross_stitch", "encoder": BILSTM},
    "hierarchical": {
        "type": "hierarchical",
        "layers": [lstm(), lstm()],
        "depths": {"movie": 1, "product": 1, "editorial": 2, "tweet": 2},
    },
    "dc": message_passing("direct"),
    "ic": message_passing("indirect"),
    "dc_layers": {"type": "message_passing", "communicator": {"type": "direct"}, "reader": LAYERS},
    "ic_layers": {"type": "message_passing", "communicator": {"type": "indirect"}, "reader": LAYERS, "speaker": BILSTM},
    "nas_pool": {"type": "pool", "module": BILSTM, "num_modules": 3, "max_length": 2},
}
ALONE = ("lstm", "bilstm", "stacked_lstm")
"""Share nothing, not even the embedder."""


def update_strategy(system: str) -> dict[str, Any]:
    """A pool's controller learns by searching; everything else is trained jointly."""
    return {"type": "accumulated", "num_samples": 2} if system == "nas_pool" else {"type": "joint"}


def losses(directory: Path) -> dict[str | None, list[float]]:
    """The training loss of each epoch, a mean over the tasks; by stage, where there are any."""
    epochs: dict[str | None, list[float]] = {}
    for record in map(json.loads, (directory / "metrics.jsonl").read_text().splitlines()):
        if loss := record.get("train"):
            epochs.setdefault(record.get("stage"), []).append(sum(loss.values()) / len(loss))
    return epochs


def words(overrides: dict[str, Any]) -> list[str]:
    """Overrides as the command line takes them."""
    return [word for name, value in overrides.items() for word in ("-o", f"{name}={json.dumps(value)}")]


def train_and_evaluate(
    run: Callable[..., Any], directory: Path, *arguments: str | Path, trainers: Sequence[str] = ("trainer",)
) -> None:
    """Two epochs of each trainer with falling loss; the archive gives the run's own figures."""
    epochs = words({f"{trainer}.epochs": 2 for trainer in trainers})
    trained = run("train", *arguments, "-s", directory, *LIMIT, *epochs)
    assert trained.returncode == 0, trained.stderr
    falling = [second < first for first, second in losses(directory).values()]
    assert falling == [True for _ in trainers]
    archive, figures = directory / "archive.tar.gz", directory.with_suffix(".json")
    evaluated = run("evaluate", archive, *LIMIT, "--output", figures)
    assert evaluated.returncode == 0, evaluated.stderr
    found = json.loads(figures.read_text())
    found.pop("notes", None)  # of labels that so few training texts lack
    assert found == json.loads((directory / "metrics.json").read_text())["test"]


def predicted(run: Callable[..., Any], directory: Path, task: str, text: str) -> Any:
    """The archive's answer."""
    answer = run("predict", directory / "archive.tar.gz", "--task", task, "-", text=f"{text}\n")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.mark.parametrize("system", SYSTEMS)
def test_texts(system: str, vader_corpora: Path, run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MTLKIT_CACHE", str(vader_corpora.parent))
    settings = {
        "model.sharing": SYSTEMS[system],
        "model.share_embedder": system not in ALONE,
        "model.embedder.dim": 16,
        "trainer.optimizer": FAST,
        "trainer.update_strategy": update_strategy(system),
        **{f"tasks.{domain}.head.pool": "mean" for domain in DOMAINS},
    }
    train_and_evaluate(run, tmp_path / "run", EXPERIMENTS / "ic_mtl.jsonnet", *words(settings))
    assert predicted(run, tmp_path / "run", "tweet", "What a lovely day :)")["label"] in ("positive", "negative")


def test_texts_in_stages(vader_corpora: Path, run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The pool as its file has it: a search, then the heads alone along the paths that it has found."""
    monkeypatch.setenv("MTLKIT_CACHE", str(vader_corpora.parent))
    settings = {
        "model.sharing.module.hidden_dim": 8,
        "model.embedder.dim": 16,
        **{f"{trainer}.optimizer": FAST for trainer in STAGES},
    }
    arguments = ("--tla", "num_modules=3", "--tla", "num_samples=2", *words(settings))
    train_and_evaluate(run, tmp_path / "run", EXPERIMENTS / "nas_pool.jsonnet", *arguments, trainers=STAGES)
    assert list(losses(tmp_path / "run")) == ["search", "fine_tune"]
    assert predicted(run, tmp_path / "run", "tweet", "What a lovely day :)")["label"] in ("positive", "negative")


@pytest.fixture(scope="module")
def conll2000(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The first 200 sentences of each split of CoNLL-2000."""
    folder = tmp_path_factory.mktemp("conll2000")
    sources = {"train": "train-8000", "dev": "dev", "test": "test"}
    for split, name in sources.items():
        with gzip.open(data_folder / "seqlab" / "conll2000" / f"{name}.txt.gz", "rt", encoding="utf-8") as file:
            sentences = file.read().split("\n\n")[:200]
        (folder / f"{split}.txt").write_text("\n\n".join(sentences) + "\n", encoding="utf-8")
    return {split: str(folder / f"{split}.txt") for split in sources}


def tagging(system: str, files: dict[str, str]) -> dict[str, Any]:
    """POS tags and chunks of the same sentences; where there are depths, POS tags lie below chunks."""
    sharing = SYSTEMS[system] | ({"depths": {"pos": 1, "chunk": 2}} if system == "hierarchical" else {})
    head = {"type": "crf_tagger"}
    tasks = {"pos": {"metrics": [{"type": "token_accuracy"}]}, "chunk": {}}
    for column, task in enumerate(tasks.values(), start=1):
        task.update({"reader": {"type": "columns", "words": 0, "tags": column}, "head": head, **files})
    return {
        "tasks": tasks,
        "model": {
            "embedder": {"type": "words", "dim": 16},
            "sharing": sharing,
            "share_embedder": system not in ALONE,
        },
        "trainer": {"batch_size": 16, "optimizer": FAST, "update_strategy": update_strategy(system)},
    }


@pytest.mark.parametrize("system", SYSTEMS)
def test_tags(system: str, conll2000: dict[str, str], run: Any, write: Any, tmp_path: Path) -> None:
    train_and_evaluate(run, tmp_path / "run", write(tagging(system, conll2000)))
    assert len(predicted(run, tmp_path / "run", "chunk", "He reckons so .")["tags"]) == 4


def test_tags_in_stages(conll2000: dict[str, str], run: Any, write: Any, tmp_path: Path) -> None:
    """A search by Algorithm 1, then the CRFs alone along the greedy paths."""
    experiment = tagging("nas_pool", conll2000)
    trainer = experiment.pop("trainer")
    search = trainer | {"update_strategy": {"type": "simultaneous_online", "num_samples": 2}}
    tune = trainer | {"update_strategy": {"type": "joint"}, "frozen": ["^embedders", "^sharing"]}
    experiment["stages"] = [
        {"name": "search", "trainer": search},
        {"name": "fine_tune", "derive": {"type": "greedy"}, "trainer": tune | {"selection": {"type": "per_task"}}},
    ]
    train_and_evaluate(run, tmp_path / "run", write(experiment), trainers=STAGES)
    assert len(predicted(run, tmp_path / "run", "chunk", "He reckons so .")["tags"]) == 4


def test_every_scheme_is_in_a_system() -> None:
    known = {name: SharingScheme.by_name(name).__module__ for name in SharingScheme.list_available()}
    own = {name for name, module in known.items() if module.startswith("mtlkit.")}
    assert {system["type"] for system in SYSTEMS.values()} == own
