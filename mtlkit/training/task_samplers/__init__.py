"""Task samplers: whose turn it is."""

from mtlkit.training.task_samplers.annealed import Annealed
from mtlkit.training.task_samplers.proportional import Proportional
from mtlkit.training.task_samplers.round_robin import RoundRobin
from mtlkit.training.task_samplers.task_sampler import TaskSampler
from mtlkit.training.task_samplers.uniform import Uniform

__all__ = ["TaskSampler", "Annealed", "Proportional", "RoundRobin", "Uniform"]
