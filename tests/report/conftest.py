"""Small runs of many schemes with their reports, and a browser to look at them."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from mtlkit.experiment import load_experiment
from mtlkit.files.ownership import own_folder
from mtlkit.plugins import Plugin
from mtlkit.report.page import page
from mtlkit.report.reading.sources import evidence_of, source_of
from mtlkit.report.sections import sections_of
from mtlkit.runs import Wanted, train
from tests.report.browser import Browser

ROOT = Path(__file__).parents[2]
GATED = ROOT / "plugins" / "mtlkit-gated" / "mtlkit_gated.py"
CPU = torch.device("cpu")
LSTM = {"type": "lstm", "hidden_dim": 8}
TASKS = ("books", "films", "meals")


def passing(**settings: Any) -> dict[str, Any]:
    """Message passing with these settings."""
    return {"type": "message_passing", "hidden_dim": 8, **settings}


SCHEMES: dict[str, dict[str, Any]] = {
    "single_task": {"type": "private", "encoder": LSTM},
    "fully_shared": {"type": "fully_shared", "encoder": LSTM},
    "direct": passing(communicator={"type": "direct"}),
    "indirect": passing(communicator={"type": "indirect"}),
    "bidirectional": passing(communicator={"type": "indirect"}, bidirectional=True),
    "gated": passing(communicator={"type": "gated"}),
    "cross_stitch": {"type": "cross_stitch", "encoder": LSTM},
    "adversarial": {"type": "adversarial_shared_private", "encoder": LSTM},
    "pool": {
        "type": "pool",
        "module": LSTM,
        "num_modules": 3,
        "max_length": 2,
        "selector": {"type": "controller", "allow_empty": True},
    },
}
"""What a report is made of, by name; the pool is trained in stages."""


@dataclass(frozen=True)
class Trained:
    """A run and the plugins that it needs."""

    path: Path
    plugins: list[Plugin]

    def report(self, limit: int | None = None) -> str:
        """The page."""
        evidence = evidence_of(source_of(self.path), Wanted(limit=limit), CPU, self.plugins)
        return page(evidence, sections_of(evidence))


@pytest.fixture(scope="session")
def session_folder(
    tmp_path_factory: pytest.TempPathFactory, compiled_kernels: Path, known_archives: Path
) -> Iterator[Path]:
    """A folder with a cache of its own, but for compiled kernels and for which archives were made here: the tests that
    run in this process later have the same cache.
    """
    folder = tmp_path_factory.mktemp("report")
    own_folder(folder / "cache")
    for kept in (compiled_kernels, known_archives):
        (folder / "cache" / kept.name).symlink_to(kept, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MTLKIT_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="session")
def trained(session_folder: Path, make_corpus: Callable[[Path, int, int], None]) -> Callable[[str], Trained]:
    """Trains a scheme on three tasks of generated text, once."""
    known: dict[str, Trained] = {}
    tasks = _tasks(session_folder, make_corpus)

    def run(scheme: str) -> Trained:
        if scheme not in known:
            file = session_folder / f"{scheme}.json"
            file.write_text(json.dumps(_experiment(tasks, scheme)))
            directory = session_folder / "runs" / scheme
            loaded = load_experiment(file, include_packages=[] if find_spec("mtlkit_gated") else [str(GATED)])
            train(loaded, directory, device=CPU)
            known[scheme] = Trained(directory, loaded.plugins)
        return known[scheme]

    return run


HOSTILE_WORDS = [
    "</script><script>window.stolen=1</script>",
    "<img/src=x/onerror=window.stolen=1>",
    "\u202eevil",
    "&lt;b",
]
HOSTILE_LABELS = ["<script>window.stolen=1</script>", '"onmouseover=window.stolen=1\u2066']


@pytest.fixture(scope="session")
def hostile_run(session_folder: Path) -> Callable[[str], Trained]:
    """Trains a scheme on texts and labels that would do harm to a page."""

    def write(path: Path, size: int, seed: int) -> None:
        lines = []
        for number in range(size):
            words = (HOSTILE_WORDS[(number + seed + place) % 4] for place in range(5))
            lines.append(f"{HOSTILE_LABELS[number % 2]}\t{' '.join(words)}\n")
        path.write_text("".join(lines), encoding="utf-8")

    def run(scheme: str) -> Trained:
        folder = session_folder / "hostile" / scheme
        folder.mkdir(parents=True)
        file = folder / "experiment.json"
        tasks = _tasks(folder, write)
        for task in tasks.values():
            task["reader"]["tokenizer"] = {"type": "whitespace"}
        file.write_text(json.dumps(_experiment(tasks, scheme)))
        train(file, folder / "run", device=CPU)
        return Trained(folder / "run", [])

    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, never one that is downloaded; screenshots go to build/report."""
    pytest.importorskip("selenium", reason="selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("there is no chromium with chromedriver; apt-get install chromium chromium-driver")
    os.environ["SE_OFFLINE"] = "true"
    opened = Browser(chromium, driver, ROOT / "build" / "report")
    yield opened
    opened.close()


def _tasks(folder: Path, make_corpus: Callable[[Path, int, int], None]) -> dict[str, Any]:
    tasks = {}
    for number, name in enumerate(TASKS):
        sources = {}
        for offset, (split, size) in enumerate({"train": 40, "dev": 20, "test": 20}.items()):
            file = folder / f"{name}.{split}.tsv"
            make_corpus(file, size, 10 * number + offset)
            sources[split] = str(file)
        tasks[name] = {"reader": {"type": "text_classification"}, "head": {"type": "classifier"}, **sources}
    return tasks


def _experiment(tasks: dict[str, Any], scheme: str) -> dict[str, Any]:
    model = {"embedder": {"type": "words", "dim": 8}, "sharing": SCHEMES[scheme]}
    trainer = {"epochs": 3, "batch_size": 8, "optimizer": {"type": "adam", "lr": 0.02}}
    if scheme != "pool":
        return {"tasks": tasks, "model": model, "trainer": trainer}
    search = {"type": "simultaneous_online", "num_samples": 2}
    stages = [
        {"name": "search", "trainer": {**trainer, "update_strategy": search}},
        {"name": "fine_tune", "derive": {"type": "greedy"}, "trainer": trainer},
    ]
    return {"tasks": tasks, "model": model, "stages": stages}
