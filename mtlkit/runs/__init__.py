"""What verbs do: train, transfer, evaluate, predict and explain, each told as the story of the data's way."""

from mtlkit.runs.baseline import baseline_figures
from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.evaluate import Evaluation, Wanted, evaluate_archive, scored_tasks, tasks_to_score, worthless
from mtlkit.runs.explain import explain
from mtlkit.runs.finiteness import watching
from mtlkit.runs.interrupts import Interrupted, Interrupts
from mtlkit.runs.loaded_archive import LoadedArchive, load_archive
from mtlkit.runs.predict import predict
from mtlkit.runs.profile import Profile, Profiler
from mtlkit.runs.stage import Listener
from mtlkit.runs.train import RunResult, TrainOptions, train
from mtlkit.runs.transfer import (
    FoldOptions,
    Job,
    TransferSettings,
    TransferTable,
    about,
    fold_of,
    run_jobs,
    train_folds,
    transfer_table,
)

__all__ = [
    "FoldOptions",
    "Evaluation",
    "Interrupted",
    "Job",
    "Interrupts",
    "Listener",
    "LoadedArchive",
    "Profile",
    "Profiler",
    "RunDirectory",
    "RunResult",
    "TrainOptions",
    "TransferSettings",
    "TransferTable",
    "about",
    "baseline_figures",
    "Wanted",
    "evaluate_archive",
    "explain",
    "fold_of",
    "load_archive",
    "predict",
    "run_jobs",
    "scored_tasks",
    "tasks_to_score",
    "train",
    "train_folds",
    "watching",
    "worthless",
    "transfer_table",
]
