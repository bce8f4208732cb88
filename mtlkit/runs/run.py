"""A finished run in Python: `mtlkit.train("my.jsonnet").predict(["A quiet film."], task="movie")`."""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, final

import torch

from mtlkit.config import path_argument
from mtlkit.errors import RunError
from mtlkit.figures import summary_of
from mtlkit.runs.data_to_score import OtherData
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.evaluate import Evaluation, evaluate
from mtlkit.runs.loaded_archive import LoadedArchive, load_archive
from mtlkit.runs.profile import Profile
from mtlkit.runs.scoring import score_table
from mtlkit.sharing.explanations import Explanation
from mtlkit.types import Say, silent


@final
class Run:
    """A finished run. It can be passed wherever the path of a run is expected.

    Args:
        directory: the run's directory.
        device: the device on which `evaluate`, `predict` and `explain` compute: auto, cpu, cuda, cuda:N, or a
            `torch.device`.
        profiles: the profile of each stage, if the run was trained with `profile`.

    Raises:
        RunError: the directory is not that of a finished run.
        ConfigError: `directory` is not a path.
    """

    def __init__(
        self, directory: str | Path, device: torch.device | str = "auto", profiles: Sequence[Profile] = ()
    ) -> None:
        self.directory = path_argument(directory, "directory")
        self.device = device
        self.profiles = list(profiles)
        self._files = RunDirectory(self.directory)
        if not self._files.is_finished:
            what = (
                "its run is not finished; resume it" if self._files.is_run else "holds no run; give a run's directory"
            )
            raise RunError(f"{directory}: {what}")

    def __repr__(self) -> str:
        name, value = next(iter(summary_of(self.metrics["test"]).items()), ("", 0.0))
        return f"<run {self.directory}{f': test {name} {value:.2%}' if name else ''}>"

    def __fspath__(self) -> str:
        """The run's directory, so that a run can be passed wherever the path of one is expected."""
        return os.fspath(self.directory)

    def _repr_html_(self) -> str:
        """The test figures as a table, for notebooks."""
        return f"<p><code>{escape(str(self.directory))}</code></p>{score_table(self.metrics['test'], 'test').html()}"

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        """The content of `metrics.json`: figures by name (`task/metric`) under `dev` and `test`, as shares of 1."""
        return self._files.read_metrics()

    @property
    def archive(self) -> Path:
        """The path of the run's archive.tar.gz, which can be copied elsewhere and does not need the directory."""
        return self._files.archive

    def evaluate(
        self,
        split: str = "test",
        *,
        tasks: Sequence[str] = (),
        data: OtherData = None,
        limit: int | None = None,
        batch_size: int | None = None,
        say: Say = silent,
    ) -> Evaluation:
        """Scores the run's model on a split, or on other data; see `mtlkit.evaluate`."""
        return evaluate(
            self.directory,
            split,
            tasks=tasks,
            data=data,
            limit=limit,
            batch_size=batch_size,
            device=self.device,
            say=say,
        )

    def predict(self, texts: Iterable[str | Mapping[str, object]], task: str | None = None) -> list[dict[str, Any]]:
        """Answers raw texts with the records of `mtlkit predict`; see `LoadedArchive.predict`."""
        return self._loaded.predict(texts, task)

    def explain(self, text: str | Mapping[str, object], task: str) -> Explanation:
        """Answers a text and explains what was shared to reach the answer; see `LoadedArchive.explain`."""
        return self._loaded.explain(text, task)

    @cached_property
    def _loaded(self) -> LoadedArchive:
        return load_archive(self.directory, self.device)
