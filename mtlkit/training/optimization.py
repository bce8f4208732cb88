"""What an update strategy does to parameters: backward passes, clipping, optimiser steps, the learning rate."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Literal, final

import torch
from torch import Tensor, nn

from mtlkit.errors import ConfigError
from mtlkit.training.timing import section

Precision = Literal["fp32", "bf16"]


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[None]:
    """Runs matrix products in bfloat16 where `precision` says so; parameters stay float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


SETTINGS = "settings"


@final
class Optimization:
    """An optimiser over some parameters, with gradient clipping.

    Args:
        optimizer: over `parameters`.
        parameters: those whose joint gradient norm is clipped.
        gradient_clip: largest l2 norm of all gradients together; None clips nothing.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, parameters: Iterable[nn.Parameter], gradient_clip: float | None
    ) -> None:
        self.optimizer = optimizer
        self.parameters = list(parameters)
        self.gradient_clip = gradient_clip
        self.base_rates = [float(group["lr"]) for group in optimizer.param_groups]
        self._settings = [_settings(group) for group in optimizer.param_groups]

    def set_rate(self, factor: float) -> None:
        """Sets the learning rate to a factor of the optimiser's own."""
        for group, rate in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = rate * factor

    def state_dict(self) -> dict[str, Any]:
        """The optimiser's state, with the settings that it began with."""
        return {**self.optimizer.state_dict(), SETTINGS: self._settings}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes it back. Settings that are others now than they were then stay as they are now.

        Raises:
            ValueError: it is the state of another kind of optimiser, or for other parameters.
        """
        before = state.get(SETTINGS, self._settings)  # checkpoints of older versions have none
        if [group.keys() for group in before] != [group.keys() for group in self._settings]:
            raise ValueError("the state is one of another optimiser")
        self.optimizer.load_state_dict({name: state[name] for name in ("state", "param_groups")})
        for group, then, now in zip(self.optimizer.param_groups, before, self._settings, strict=True):
            group.update({name: value for name, value in now.items() if then[name] != value})

    def backward(self, loss: Tensor) -> None:
        """Adds the gradients of `loss`. Raises ConfigError where it depends on nothing that is trained."""
        if not loss.requires_grad:
            raise ConfigError(
                "trainer.frozen: leaves nothing to train on the way of a task's batch; freeze less, or leave the task "
                "out"
            )
        with section("backward"):
            loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch

    def apply(self) -> None:
        """Clips the gradients added so far, takes one step and forgets them."""
        with section("optimiser"):
            if self.gradient_clip is not None:
                nn.utils.clip_grad_norm_(self.parameters, self.gradient_clip)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}
