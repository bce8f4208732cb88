"""Runs that nobody has trained: the files by which they are compared."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtlkit.config import Lazy
from mtlkit.figures import with_averages
from mtlkit.metrics import Accuracy
from mtlkit.runs.directory import KIND
from mtlkit.runs.predictions import write_predictions
from mtlkit.training import Predictions

GOLD = ["x", "y", "x", "y", "x", "y", "x", "y", "x", "y"]


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
        **meta: Any,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        predictions = [
            Predictions(task, texts, answers(marks), GOLD, [Lazy.of(Accuracy)], np.array(clean.get(task, [True] * 10)))
            for task, marks in right.items()
        ]
        figures: dict[str, float] = {}
        for each in predictions:
            figures.update(each.figures())
            figures[f"{each.task}/majority"] = 0.5
        metrics = {"epochs": 3, "dev": {}, "test": with_averages(figures)}
        about = {"kind": KIND, "seed": seed, "limit": None, "data": {"/here/a.tsv": "1"}, **meta}
        (folder / "meta.json").write_text(json.dumps(about))
        (folder / "metrics.json").write_text(json.dumps(metrics))
        resolved = {"seed": seed, "model": settings or name.rsplit("-", 1)[0]}
        (folder / "experiment.resolved.json").write_text(json.dumps(resolved))
        if kept:
            write_predictions(folder / "predictions", {"test": predictions})
        return folder

    return make
