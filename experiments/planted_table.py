"""The table of planted structure: `python experiments/planted_table.py` trains, measures and writes it.

Every system of `planted.jsonnet` is trained with five seeds, each of them another world, and the claims of both papers
are checked on relations that are known. `docs/results/planted/` gets the measurements and the table. A run that has
been finished is not repeated unless its experiment has changed. `--only SEED ...` trains some seeds and writes nothing,
so that several processes can share the work;
`--finished` writes the table of the runs that there are.
"""

import argparse
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from planted_claims import page

from mtlkit.archive import Archive, open_archive
from mtlkit.data import TaskSplit
from mtlkit.experiment import LoadedExperiment, load_experiment, load_split
from mtlkit.figures import AVERAGE, Figure
from mtlkit.files import write_atomically
from mtlkit.runs import train
from mtlkit.sharing import SearchableScheme, WordTrace

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results" / "planted"
SEEDS = (1, 2, 3, 4, 5)
PAIR = ("low", "high")
RUNS: tuple[tuple[str, tuple[str, ...] | None], ...] = (
    *((name, None) for name in ("private", "fully_shared", "hierarchical", "direct", "pool", "pool_known")),
    *((name, PAIR) for name in ("private", "fully_shared", "hierarchical", "direct")),
    *((name, None) for name in ("pool_baseline", "direct_per_task", "direct_known")),
)
"""Systems, and the tasks that they are trained on if not on all; the claims come first, and then what explains them."""
Record = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "planted", help="where runs go")
    parser.add_argument("--only", type=int, nargs="+", choices=SEEDS, help="train these seeds, and write nothing")
    parser.add_argument("--finished", action="store_true", help="train nothing, and write what is finished")
    given = parser.parse_args()
    records = [
        measured(system, seed, only, given.runs)
        for seed in given.only or SEEDS
        for system, only in RUNS
        if not given.finished or figures_of(system, seed, only, given.runs).is_file()
    ]
    if not given.only:
        RESULTS.mkdir(exist_ok=True)
        result = {**circumstances(given.runs), "records": records}
        write_atomically(RESULTS / "runs.json", (json.dumps(result, indent=1) + "\n").encode())
        write_atomically(RESULTS / "README.md", page(result).encode())


def figures_of(system: str, seed: int, only: tuple[str, ...] | None, runs: Path) -> Path:
    """The file of a finished run's figures, beside the run's directory."""
    return runs / f"{'-'.join([system, *(only or ())])}-{seed}.json"


def measured(system: str, seed: int, only: tuple[str, ...] | None, runs: Path) -> Record:
    """Trains a system, unless that has been done, and says what came of it."""
    arguments = {"sharing": system, "seed": seed} | ({"only": only} if only else {})
    loaded = load_experiment(ROOT / "experiments" / "planted.jsonnet", arguments=arguments)
    digest = hashlib.sha256(json.dumps(loaded.experiment.to_json()).encode()).hexdigest()
    figures = figures_of(system, seed, only, runs)
    directory = figures.with_suffix("")
    if not figures.is_file() or json.loads(figures.read_text())["experiment"] != digest:
        print(directory.name, file=sys.stderr, flush=True)
        trained = {"experiment": digest, **train_once(loaded, directory)}
        write_atomically(figures, json.dumps(trained).encode())
    record = {
        "system": system,
        "seed": seed,
        "pair": only is not None,
        "rules": {name: task.reader.to_json()["rule"] for name, task in loaded.experiment.tasks.items()},
        **json.loads(figures.read_text()),
    }
    with open_archive(directory / "archive.tar.gz", torch.device("cpu")) as archive:
        return record | structure(archive)


def train_once(loaded: LoadedExperiment, directory: Path) -> Record:
    """Trains in place of whatever lies there; CPU seconds and accuracies."""
    start = time.process_time()
    result = train(loaded, directory, device="cpu", force=directory.exists())
    return {
        "cpu_seconds": round(time.process_time() - start, 1),
        "dev": accuracies(result.metrics["dev"]),
        "test": accuracies(result.metrics["test"]),
    }


def accuracies(figures: dict[str, float]) -> dict[str, float]:
    """The accuracy of each task, over texts, or over words where it tags them."""
    found = ((Figure.parse(name), value) for name, value in figures.items())
    return {
        figure.task: value
        for figure, value in found
        if figure.metric in ("accuracy", "token_accuracy") and not figure.clean and figure.task != AVERAGE
    }


def structure(archive: Archive) -> dict[str, Any]:
    """What a trained model shows of the tasks' relations: weights of messages, or paths."""
    tasks = list(archive.experiment.tasks)
    sharing = archive.model_for(tasks[0]).sharing
    if isinstance(sharing, SearchableScheme):
        paths = {task: list(sharing.selector.best(task)) for task in tasks}
        return {"paths": paths, "entropies": {task: entropy(sharing, task) for task in tasks}}
    found = {task: heard(archive, task) for task in tasks}
    return {"heard": found} if any(found.values()) else {}


@torch.no_grad()
def entropy(scheme: SearchableScheme, task: str) -> float:
    """How undecided the policy is, in nats, over 200 of its paths."""
    torch.manual_seed(0)
    return float(scheme.eval().sample(task, 200).entropies_N.mean())


@torch.no_grad()
def heard(archive: Archive, task: str) -> dict[str, float]:
    """Sender -> its mean weight over all words of the task's dev texts."""
    split = TaskSplit(
        task,
        load_split(task, archive.experiment.tasks[task], "dev", normalization=archive.experiment.normalization),
        archive.vocabulary,
    )
    text = split.batch(torch.arange(len(split))).text
    trace = archive.model_for(task).eval()(text, task, with_trace=True).trace
    if not isinstance(trace, WordTrace) or trace.senders is None:
        return {}
    means = trace.weights_BTN[text.mask_BT].mean(dim=0).tolist()
    return dict(zip(trace.senders, means, strict=True))


def circumstances(runs: Path) -> dict[str, Any]:
    """Command, commit and machine, as the first run has them."""
    meta = json.loads((runs / f"private-{SEEDS[0]}" / "meta.json").read_text())
    kept = ("mtlkit", "python", "torch", "processor", "threads", "git")
    return {"command": "python experiments/planted_table.py", **{key: meta[key] for key in kept}}


if __name__ == "__main__":
    main()
