"""The plan of a transfer: its folds, the directory of their runs, and the baseline of their figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from mtlkit.errors import ConfigError
from mtlkit.experiment import LoadedExperiment
from mtlkit.on_disk.runs import RUNS
from mtlkit.runs.baseline import baseline_figures
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.transfer.table import TABLE_FILE, TransferTable, transfer_table
from mtlkit.runs.transfer.transfer import TransferSettings, about, fold_of


@final
@dataclass(frozen=True)
class TransferPlan:
    """The folds of an experiment, checked as far as they can be before any is trained."""

    loaded: LoadedExperiment
    folds: Mapping[str, LoadedExperiment]
    """The experiment of each fold, by the task that is left out."""
    directory: Path
    """The directory of all folds; each fold is a run in `directory/TASK`."""
    limit: int | None
    """The largest number of texts of each split; None for all."""
    baseline: Path | None
    figures: Mapping[str, float] | None
    """The test figures of the baseline by name; None without a baseline."""

    def run(self, task: str) -> RunDirectory:
        """The run directory of the fold that leaves out `task`."""
        return RunDirectory(self.directory / task)

    def table(self) -> TransferTable:
        """The table of the figures of all folds, which must be finished."""
        metrics = {task: self.run(task).read_metrics() for task in self.folds}
        return transfer_table(self.loaded.experiment, metrics, self.figures)

    def write(self, table: TransferTable) -> None:
        """Writes `transfer.json` and `transfer.md` into the directory."""
        table.write(self.directory, about(self.folds, self.limit, self.baseline))


def plan_transfer(
    loaded: LoadedExperiment,
    leave_out: str | None,
    settings: TransferSettings,
    *,
    directory: Path | None = None,
    limit: int | None = None,
    baseline: Path | None = None,
) -> TransferPlan:
    """Makes the folds of an experiment and checks them.

    Args:
        loaded: the experiment, without stages.
        leave_out: the task that is left out and then learned; None for one fold for each task.
        settings: how the shared layer is handed over.
        directory: the directory of the runs; None for `runs/transfer-<experiment's name>`.
        limit: the largest number of texts of each split, for a trial; None for all.
        baseline: a run, or a JSON file of test figures, against which gains are measured.

    Raises:
        ConfigError: no fold can be made of the experiment, the baseline does not compare, or the directory is a run.
    """
    tasks = list(loaded.experiment.tasks) if leave_out is None else [leave_out]
    folds = {task: fold_of(loaded, task, settings) for task in tasks}
    figures = None if baseline is None else baseline_figures(baseline, loaded.experiment, tasks, limit)
    directory = directory or Path(RUNS) / f"transfer-{loaded.name}"
    if baseline is not None:
        own = (*(directory / task for task in folds), directory / TABLE_FILE)
        if any(_is_within(baseline, place) for place in own):
            raise ConfigError(f"--baseline {baseline}: is itself written by this transfer; give a run elsewhere")
    if RunDirectory(directory).is_run:
        raise ConfigError(f"-s {directory}: is itself a run; give a directory for the runs of folds")
    return TransferPlan(loaded, folds, directory, limit, baseline, figures)


def _is_within(path: Path, place: Path) -> bool:
    """Whether a path is that of a file or folder, or of something in it, wherever links lead."""
    return path.resolve().is_relative_to(place.resolve())
