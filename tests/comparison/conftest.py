"""Runs that nobody has trained: the files by which they are compared."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtlkit.config import Lazy
from mtlkit.figures import with_averages
from mtlkit.metrics import Accuracy, Metric
from mtlkit.on_disk.runs import KIND
from mtlkit.runs.predictions import write_predictions
from mtlkit.training import Predictions

GOLD = ["x", "y", "x", "y", "x", "y", "x", "y", "x", "y"]

LACKING = object()
"""In the place of an entry of `meta.json`: there is none, as in a run of an older version."""


def answers(right: str) -> list[str]:
    """Answers to the texts: `+` for a right one."""
    return [gold if mark == "+" else "yx"["xy".index(gold)] for mark, gold in zip(right, GOLD, strict=True)]


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Writes a finished run of tasks of ten texts, of which these are right and these are clean."""

    def make(
        name: str,
        seed: int,
        right: Mapping[str, str],
        clean: Mapping[str, Sequence[bool]] = {},
        settings: Any = None,
        texts: str = "the texts",
        kept: bool = True,
        resolved: Mapping[str, Any] = {},
        metric: Lazy[Metric] = Lazy.of(Accuracy),
        about: Mapping[str, Any] = {},
        **meta: Any,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        predictions = [
            Predictions(task, texts, answers(marks), GOLD, [metric], np.array(clean.get(task, [True] * 10)))
            for task, marks in right.items()
        ]
        figures: dict[str, float] = {}
        for each in predictions:
            figures.update(each.figures())
            figures[f"{each.task}/majority"] = 0.5
        metrics = {"epochs": 3, "dev": {}, "test": with_averages(figures)}
        found = {"kind": KIND, "seed": seed, "limit": None, "data": {"/here/a.tsv": "1"}, **meta, **about}
        found = {key: value for key, value in found.items() if value is not LACKING}
        (folder / "meta.json").write_text(json.dumps(found))
        (folder / "metrics.json").write_text(json.dumps(metrics))
        experiment = {"seed": seed, "model": settings or name.rsplit("-", 1)[0], **resolved}
        (folder / "experiment.resolved.json").write_text(json.dumps(experiment))
        if kept:
            write_predictions(folder / "predictions", {"test": predictions})
        return folder

    return make
