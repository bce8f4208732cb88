"""Pool selectors: which modules of a pool a task's texts go through, and in which order."""

from mtlkit.selectors.controller import Controller
from mtlkit.selectors.fixed import FixedPaths
from mtlkit.selectors.path_rules import PathRules
from mtlkit.selectors.pool_selector import ModulePath, Paths, PoolSelector
from mtlkit.selectors.random import RandomPaths
from mtlkit.selectors.uniform_then_greedy import UniformThenGreedy

__all__ = [
    "PoolSelector",
    "ModulePath",
    "PathRules",
    "Paths",
    "Controller",
    "FixedPaths",
    "RandomPaths",
    "UniformThenGreedy",
]
