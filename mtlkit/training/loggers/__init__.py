"""Loggers: where the course of training goes."""

from mtlkit.training.loggers.logger import Logger
from mtlkit.training.loggers.tensorboard import TensorBoardLogger

__all__ = ["Logger", "TensorBoardLogger"]
