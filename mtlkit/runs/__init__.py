"""The verbs: train, evaluate, predict. Each reads as the story of the data's way through mtlkit."""

from mtlkit.runs.directory import RunDirectory
from mtlkit.runs.evaluate import Evaluation, Wanted, evaluate_archive, tasks_to_score
from mtlkit.runs.interrupts import Interrupted
from mtlkit.runs.predict import predict
from mtlkit.runs.profile import Profile, Profiler
from mtlkit.runs.stage_run import Listener
from mtlkit.runs.train import RunResult, TrainOptions, train

__all__ = [
    "Evaluation",
    "Interrupted",
    "Listener",
    "Profile",
    "Profiler",
    "RunDirectory",
    "RunResult",
    "TrainOptions",
    "Wanted",
    "evaluate_archive",
    "predict",
    "tasks_to_score",
    "train",
]
