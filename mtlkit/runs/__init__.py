"""The verbs: train, evaluate, predict. Each reads as the story of the data's way through mtlkit."""

from mtlkit.runs.directory import RunDirectory, differences
from mtlkit.runs.evaluate import evaluate_archive
from mtlkit.runs.interrupts import Interrupted, Interrupts
from mtlkit.runs.predict import predict
from mtlkit.runs.profile import Profile, Profiler
from mtlkit.runs.stage_run import Listener
from mtlkit.runs.train import RunResult, TrainOptions, train

__all__ = [
    "Interrupted",
    "Interrupts",
    "Listener",
    "Profile",
    "Profiler",
    "RunDirectory",
    "RunResult",
    "TrainOptions",
    "differences",
    "evaluate_archive",
    "predict",
    "train",
]
