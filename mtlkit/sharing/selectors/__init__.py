"""Pool selectors: which modules of a pool the texts of a task go through, and in which order."""

from mtlkit.sharing.selectors.controller import Controller
from mtlkit.sharing.selectors.fixed import FixedPaths
from mtlkit.sharing.selectors.path_rules import PathRules
from mtlkit.sharing.selectors.pool_selector import ModulePath, Paths, PoolSelector
from mtlkit.sharing.selectors.random import RandomPaths
from mtlkit.sharing.selectors.uniform_then_greedy import UniformThenGreedy

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
