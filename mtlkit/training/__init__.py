"""Training: the generic trainer and its interchangeable parts."""

from mtlkit.training.checkpoints import NO_FIT, Checkpoints
from mtlkit.training.derivations import PathDerivation
from mtlkit.training.evaluation import (
    DecodedBatch,
    EvaluationTask,
    as_target,
    decisions_of_split,
    decoded_batches,
    evaluate,
    predict_split,
    predictions_of,
)
from mtlkit.training.events import EpochEnd, Step
from mtlkit.training.loggers import Logger
from mtlkit.training.movement import one_label
from mtlkit.training.optimization import Optimization
from mtlkit.training.optimizers import Optimizer
from mtlkit.training.parameter_groups import group_parameters
from mtlkit.training.parameters import UnfreezeSettings, Unfreezing, freeze, named, parameters_by_role
from mtlkit.training.predictions import Predictions
from mtlkit.training.process import compute_as, computing_as, threads_as_before
from mtlkit.training.random_state import seed_all
from mtlkit.training.recording import build_records
from mtlkit.training.records import Record
from mtlkit.training.samplers import TaskSampler
from mtlkit.training.schedules import Schedule
from mtlkit.training.selection import ModelSelection
from mtlkit.training.settings import StageSettings, TrainerSettings
from mtlkit.training.timing import section
from mtlkit.training.trainer import Trainer
from mtlkit.training.update_strategies import SearchStrategy, UpdateStrategy
from mtlkit.training.weights import load_weights, taken_over

__all__ = [
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
    "Unfreezing",
    "UnfreezeSettings",
    "UpdateStrategy",
    "as_target",
    "build_records",
    "compute_as",
    "computing_as",
    "threads_as_before",
    "decisions_of_split",
    "decoded_batches",
    "evaluate",
    "load_weights",
    "one_label",
    "predict_split",
    "predictions_of",
    "section",
    "seed_all",
    "freeze",
    "group_parameters",
    "named",
    "parameters_by_role",
    "SearchStrategy",
    "taken_over",
]
