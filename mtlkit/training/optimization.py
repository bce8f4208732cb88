"""Changing parameters: backward passes, gradient clipping, optimizer steps and the learning rate."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn

from mtlkit.errors import ConfigError
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.training.shards import Shards, SharedRows
from mtlkit.training.shared_tables import SharedTables
from mtlkit.training.timing import section
from mtlkit.training.unmet_rows import UnmetRows

SETTINGS = "settings"


@final
class Optimization:
    """An optimiser over some parameters, with gradient clipping.

    A step is unsound where a loss or the norm of the gradients is not finite. On a CPU such a step is not taken. On a
    GPU that would mean waiting for the norm, so the step is taken there, and with `undoes` the device itself reverts
    it.

    Args:
        optimizer: over `parameters`.
        parameters: those whose joint gradient norm is clipped.
        gradient_clip: largest l2 norm of all gradients together; None clips nothing.
        undoes: whether no unsound step may leave a trace on a GPU either. It costs a copy of what a step changes.
        splits: whether a batch that does not fit the memory is taken in parts.
        unmet: rows of word tables that the optimizer is spared; None if there are none.
        ranks: the processes that each add a share of the gradients; one, if all add the same.
        tables: tables of which only the rows that were read are added up.
        shards: tables and parameters whose rows these processes share out; None if there are none.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        parameters: Iterable[nn.Parameter],
        gradient_clip: float | None,
        *,
        undoes: bool = False,
        splits: bool = False,
        unmet: UnmetRows | None = None,
        ranks: Ranks = ONE,
        tables: SharedTables | None = None,
        shards: Shards | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.unmet = UnmetRows(optimizer, {}, lambda group: False) if unmet is None else unmet
        self.parameters = list(parameters)
        self.gradient_clip = gradient_clip
        self.undoes = undoes
        self.splits = splits
        self.ranks = ranks
        self.tables = SharedTables() if tables is None else tables
        self.shards = Shards() if shards is None else shards
        self._in_all = [each for each in self.parameters if each not in self.shards]
        self._in_shards = [each for each in self.parameters if each in self.shards]
        self.num_split = 0
        """How many batches have been split so far because memory ran out."""
        self.base_rates = [float(group["lr"]) for group in optimizer.param_groups]
        self.idle = list(self.parameters)
        """The parameters that have had no gradient yet."""
        self._this_step: Tensor | None = None
        self._so_far: Tensor | None = None
        self._settings = [_settings(group) for group in optimizer.param_groups]

    def set_rate(self, factor: float) -> None:
        """Sets the learning rate to a factor of the optimiser's own."""
        for group, rate in zip(self.optimizer.param_groups, self.base_rates, strict=True):
            group["lr"] = rate * factor

    def state_dict(self) -> dict[str, Any]:
        """The optimiser's state, with the settings that it began with, and without what `table_rows` has."""
        state = self.shards.without_rows(self.optimizer, self.unmet.state_dict())
        return {**state, SETTINGS: self._settings}

    def table_rows(self) -> dict[str, SharedRows]:
        """What the optimiser keeps of rows that processes share out, of which each process has others."""
        return self.shards.rows(self.optimizer, self.unmet.state_dict()) if self.shards else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores a state with all rows. Settings that have been changed since it was saved keep their new
        values.

        Raises:
            ValueError: it is the state of another kind of optimiser, or for other parameters.
        """
        before = state.get(SETTINGS, self._settings)  # checkpoints of older versions have none
        if [group.keys() for group in before] != [group.keys() for group in self._settings]:
            raise ValueError("the state is one of another optimiser")

        def keep_changes() -> None:
            for group, then, now in zip(self.optimizer.param_groups, before, self._settings, strict=True):
                group.update({name: value for name, value in now.items() if then[name] != value})

        plain = {name: state[name] for name in ("state", "param_groups")}
        self.unmet.load_state_dict(self.shards.own_rows(self.optimizer, plain), keep_changes)

    def backward(self, loss: Tensor) -> None:
        """Adds the gradients of `loss`. Raises ConfigError where it depends on nothing that is trained."""
        if not loss.requires_grad:
            raise ConfigError(
                "trainer.frozen: leaves nothing to train on the way of a task's batch; freeze less, or leave the task "
                "out"
            )
        with section("backward"):
            loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
        self._this_step = _both(self._this_step, is_finite(loss.detach()))

    def forget(self) -> None:
        """Forgets the gradients added so far."""
        self.optimizer.zero_grad(set_to_none=True)
        self.shards.forget_gradients()
        self._this_step = None

    def apply(self) -> None:
        """Clips the gradients added so far in all processes, takes one step, if it is sound, and forgets them."""
        with section("optimiser"):
            self.shards.take_gradients()
            if self._this_step is not None:
                self._this_step = self.ranks.sum_gradients(self._in_all, self._this_step, self.tables.weights)
            sound = _both(self._this_step, is_finite(self._clip()))
            self._so_far = _both(self._so_far, sound)
            self.idle = [parameter for parameter in self.idle if parameter.grad is None]
            if sound.device.type != "cpu":
                self._step_undone_unless(sound) if self.undoes else self.optimizer.step()
            elif sound:
                self.optimizer.step()
            self.forget()

    def soundness(self) -> Tensor:
        """Whether all steps since the last call were sound: a boolean scalar on the device."""
        sound, self._so_far = self._so_far, None
        return torch.ones((), dtype=torch.bool, device=self.parameters[0].device) if sound is None else sound

    def _clip(self) -> Tensor:
        """The norm of the gradients before they were clipped."""
        if self.gradient_clip is not None and not self.shards:
            return nn.utils.clip_grad_norm_(self.parameters, self.gradient_clip)
        norm = _norm_of(self._in_all)
        if self.shards:
            # Squares of the norms of all shards, in float64 so that none is lost to overflow.
            own = _norm_of(self._in_shards).to(norm.device).double()
            (squares,) = self.ranks.sum([own.square()])
            norm = (norm.double().square() + squares).sqrt().to(norm.dtype)
        if self.gradient_clip is not None:
            nn.utils.clip_grads_with_norm_(self.parameters, self.gradient_clip, norm)
        return norm

    @torch.no_grad()
    def _step_undone_unless(self, sound: Tensor) -> None:
        """Takes a step; where it is unsound, parameters and the optimiser's tensors are as before. Nothing waits.

        What an optimiser counts on the CPU, such as the steps of the forms that are not fused, counts on.
        """
        changed = [parameter for parameter in self.parameters if parameter.grad is not None]
        for parameter in changed:
            assert parameter.grad is not None
            parameter.grad = torch.where(sound, parameter.grad, 0)
        before = {id(tensor): tensor.clone() for tensor in (*changed, *self._memory(changed))}
        self.optimizer.step()
        for tensor in (*changed, *self._memory(changed)):
            # What the step itself has begun, it has begun from zero.
            tensor.copy_(torch.where(sound, tensor, before.get(id(tensor), torch.zeros_like(tensor))))

    def _memory(self, parameters: Iterable[nn.Parameter]) -> list[Tensor]:
        """The tensors that the optimiser keeps of some parameters, where these are."""
        state = self.optimizer.state
        kept = [(parameter, value) for parameter in parameters for value in state.get(parameter, {}).values()]
        return [value for parameter, value in kept if isinstance(value, Tensor) and value.device == parameter.device]


def _norm_of(parameters: Iterable[nn.Parameter]) -> Tensor:
    return nn.utils.get_total_norm([each.grad for each in parameters if each.grad is not None])


def is_finite(number: Tensor) -> Tensor:
    """Whether a scalar is neither NaN nor infinite; half as many operations as `isfinite` has."""
    return number.abs() < math.inf


def _both(first: Tensor | None, second: Tensor) -> Tensor:
    return second if first is None else first & second


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}
