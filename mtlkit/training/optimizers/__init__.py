"""Optimisers."""

from mtlkit.training.optimizers.adadelta import Adadelta
from mtlkit.training.optimizers.adam import Adam
from mtlkit.training.optimizers.adamw import AdamW
from mtlkit.training.optimizers.optimizer import Optimizer
from mtlkit.training.optimizers.sgd import SGD

__all__ = ["Optimizer", "Adadelta", "Adam", "AdamW", "SGD"]
