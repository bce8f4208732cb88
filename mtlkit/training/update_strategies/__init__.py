"""Update strategies: how parameters change."""

from mtlkit.training.update_strategies.joint import Joint
from mtlkit.training.update_strategies.update_strategy import StepResult, UpdateStrategy

__all__ = ["UpdateStrategy", "Joint", "StepResult"]
