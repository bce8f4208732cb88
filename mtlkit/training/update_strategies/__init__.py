"""Update strategies: how parameters change."""

from mtlkit.training.update_strategies.accumulated import Accumulated
from mtlkit.training.update_strategies.alternating import Alternating
from mtlkit.training.update_strategies.joint import Joint
from mtlkit.training.update_strategies.search_strategy import SearchStrategy
from mtlkit.training.update_strategies.simultaneous_online import SimultaneousOnline
from mtlkit.training.update_strategies.update_strategy import StepResult, UpdateStrategy

__all__ = [
    "UpdateStrategy",
    "SearchStrategy",
    "Accumulated",
    "Alternating",
    "Joint",
    "SimultaneousOnline",
    "StepResult",
]
