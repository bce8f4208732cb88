"""Training: the generic trainer and its swappable parts."""

from mtlkit.training.checkpoints import NO_FIT, Checkpoints
from mtlkit.training.derivations import PathDerivation
from mtlkit.training.evaluation import (
    AVERAGE,
    DecodedBatch,
    EvaluationTask,
    as_target,
    counted_figure,
    decisions_of_split,
    decoded_batches,
    evaluate,
    figures_of,
    predict_split,
    predictions_of,
    with_averages,
)
from mtlkit.training.events import EpochEnd, Step
from mtlkit.training.loggers import Logger
from mtlkit.training.optimization import Optimization
from mtlkit.training.optimizers import Optimizer
from mtlkit.training.parameters import freeze
from mtlkit.training.predictions import CLEAN, CLEAN_SHARE, Predictions
from mtlkit.training.process import compute_as, computing_as
from mtlkit.training.random_state import seed_all
from mtlkit.training.recording import build_records
from mtlkit.training.records import Record
from mtlkit.training.samplers import TaskSampler
from mtlkit.training.schedules import Schedule
from mtlkit.training.selection import ModelSelection
from mtlkit.training.settings import StageSettings, TrainerSettings
from mtlkit.training.trainer import Trainer
from mtlkit.training.update_strategies import UpdateStrategy
from mtlkit.training.weights import load_weights, taken_over

__all__ = [
    "AVERAGE",
    "CLEAN",
    "CLEAN_SHARE",
    "Checkpoints",
    "DecodedBatch",
    "EpochEnd",
    "EvaluationTask",
    "Logger",
    "NO_FIT",
    "ModelSelection",
    "Optimization",
    "Optimizer",
    "Predictions",
    "PathDerivation",
    "Record",
    "Schedule",
    "StageSettings",
    "Step",
    "TaskSampler",
    "Trainer",
    "TrainerSettings",
    "UpdateStrategy",
    "as_target",
    "build_records",
    "compute_as",
    "computing_as",
    "counted_figure",
    "decisions_of_split",
    "decoded_batches",
    "evaluate",
    "figures_of",
    "load_weights",
    "predict_split",
    "predictions_of",
    "seed_all",
    "freeze",
    "taken_over",
    "with_averages",
]
