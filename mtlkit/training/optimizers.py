"""Optimizers: settings of PyTorch's own, for all parameters alike or in groups chosen by name."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

import torch
from torch import nn

from mtlkit.config import Component
from mtlkit.training.parameter_groups import ParameterGroup, group_parameters
from mtlkit.training.without_compiler import without_compiler
from mtlkit.types import NonNegativeFloat, PositiveFloat, Probability

Parameters = Iterable[nn.Parameter] | Iterable[dict[str, Any]]
"""What PyTorch's optimizers take: parameters, or groups of them as `{"params": [...], "lr": ...}`."""


class Optimizer(Component):
    """Settings of an optimizer; `create` makes PyTorch's own, fused where PyTorch has a fused form.

    A fused optimizer saves 85 % of the step on a large embedding (docs/performance.md says how this was measured).
    """

    groups: Sequence[ParameterGroup] = ()
    """Settings of some parameters, by patterns of their names. An optimizer without such a setting has none."""

    @abstractmethod
    def create(self, parameters: Parameters) -> torch.optim.Optimizer:
        """PyTorch's optimizer over parameters, or over groups of them with settings of their own."""

    def create_over(self, named: Mapping[str, nn.Parameter]) -> torch.optim.Optimizer:
        """PyTorch's optimizer over parameters, in the groups that `groups` makes of their names.

        Parameters of no group come first, under the optimizer's own settings, then the groups in their order. Within a
        group the order of `named` stays; it is by this order alone that the state of a checkpoint finds its parameter.

        Args:
            named: the parameters to train, by their names in the model.

        Raises:
            ConfigError: a group has no parameter. The message begins with its place under the optimizer.
        """
        if not self.groups:
            return self.create(list(named.values()))
        members = group_parameters(named, self.groups)
        options: list[dict[str, Any]] = [{}, *(self.options_of(group) for group in self.groups)]
        return self.create(
            [{"params": list(some.values()), **own} for some, own in zip(members, options, strict=True) if some]
        )

    def leaves_rows_without_gradient(self, group: Mapping[str, Any]) -> bool:
        """Whether rows of a parameter whose gradient has always been zero stay as they are, to the bit, and make no
        difference to other rows. Such rows of word tables are then kept out of the steps.

        Args:
            group: a parameter group of PyTorch's optimizer, with its settings.
        """
        del group
        return False

    def options_of(self, group: ParameterGroup) -> dict[str, Any]:
        """The settings of a group as PyTorch names them; for an optimizer that names one otherwise."""
        return group.overrides()


def _decays_nothing(group: Mapping[str, Any]) -> bool:
    """Without decay, all that these optimizers keep of a row is zero as long as its gradient is, and so is its step."""
    return bool(group["weight_decay"] == 0)


class AdadeltaGroup(ParameterGroup):
    """Settings of `adadelta` for some parameters."""

    lr: PositiveFloat | None = None
    """Learning rate."""
    rho: Probability | None = None
    """Decay of the mean of squared gradients."""
    eps: PositiveFloat | None = None
    """Added under both roots."""
    weight_decay: NonNegativeFloat | None = None
    """Factor of the l2 penalty."""


@final
@Optimizer.register("adadelta")
class Adadelta(Optimizer):
    """AdaDelta (Zeiler 2012), the optimizer of Liu et al. 2019. They print no settings; these are the usual values.

    Args:
        lr: learning rate.
        rho: decay of the mean of squared gradients.
        eps: added under both roots.
        weight_decay: factor of the l2 penalty.
        groups: other settings for some parameters.
    """

    def __init__(
        self,
        lr: PositiveFloat = 1.0,
        rho: Probability = 0.95,
        eps: PositiveFloat = 1e-6,
        weight_decay: NonNegativeFloat = 0.0,
        groups: list[AdadeltaGroup] = [],
    ) -> None:
        self.lr = lr
        self.rho = rho
        self.eps = eps
        self.weight_decay = weight_decay
        self.groups = groups

    def leaves_rows_without_gradient(self, group: Mapping[str, Any]) -> bool:
        return _decays_nothing(group)

    def create(self, parameters: Parameters) -> torch.optim.Optimizer:
        # PyTorch has no fused AdaDelta.
        return without_compiler(torch.optim.Adadelta)(
            parameters, lr=self.lr, rho=self.rho, eps=self.eps, weight_decay=self.weight_decay
        )


class AdamGroup(ParameterGroup):
    """Settings of `adam` or `adamw` for some parameters."""

    lr: PositiveFloat | None = None
    """Learning rate."""
    beta1: Probability | None = None
    """Decay of the mean of gradients."""
    beta2: Probability | None = None
    """Decay of the mean of squared gradients."""
    eps: PositiveFloat | None = None
    """Added to the denominator."""
    weight_decay: NonNegativeFloat | None = None
    """Weight decay, of the optimizer's kind."""


class _AdamFamily(Optimizer):
    """What `adam` and `adamw` have in common: all but where weight decay enters."""

    def __init__(
        self,
        lr: PositiveFloat,
        beta1: Probability,
        beta2: Probability,
        eps: PositiveFloat,
        weight_decay: NonNegativeFloat,
        groups: list[AdamGroup],
    ) -> None:
        self.betas = (beta1, beta2)
        self.groups = groups
        self.options: dict[str, Any] = {"lr": lr, "betas": self.betas, "eps": eps, "weight_decay": weight_decay}

    def leaves_rows_without_gradient(self, group: Mapping[str, Any]) -> bool:
        return _decays_nothing(group)

    def options_of(self, group: ParameterGroup) -> dict[str, Any]:
        options = group.overrides()
        betas = options.pop("beta1", self.betas[0]), options.pop("beta2", self.betas[1])
        return {**options, "betas": betas}


@final
@Optimizer.register("adam")
class Adam(_AdamFamily):
    """Adam (Kingma and Ba 2015); weight decay is added to the gradient, as an l2 penalty.

    Args:
        lr: learning rate.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of squared gradients.
        eps: added to the denominator.
        weight_decay: factor of the l2 penalty.
        groups: other settings for some parameters.
    """

    def __init__(
        self,
        lr: PositiveFloat = 1e-3,
        beta1: Probability = 0.9,
        beta2: Probability = 0.999,
        eps: PositiveFloat = 1e-8,
        weight_decay: NonNegativeFloat = 0.0,
        groups: list[AdamGroup] = [],
    ) -> None:
        super().__init__(lr, beta1, beta2, eps, weight_decay, groups)

    def create(self, parameters: Parameters) -> torch.optim.Optimizer:
        return without_compiler(torch.optim.Adam)(parameters, **self.options, fused=True)


@final
@Optimizer.register("adamw")
class AdamW(_AdamFamily):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    Args:
        lr: learning rate.
        beta1: decay of the mean of gradients.
        beta2: decay of the mean of squared gradients.
        eps: added to the denominator.
        weight_decay: share of each weight taken away per step, times the learning rate.
        groups: other settings for some parameters.
    """

    def __init__(
        self,
        lr: PositiveFloat = 1e-3,
        beta1: Probability = 0.9,
        beta2: Probability = 0.999,
        eps: PositiveFloat = 1e-8,
        weight_decay: NonNegativeFloat = 0.01,
        groups: list[AdamGroup] = [],
    ) -> None:
        super().__init__(lr, beta1, beta2, eps, weight_decay, groups)

    def create(self, parameters: Parameters) -> torch.optim.Optimizer:
        return without_compiler(torch.optim.AdamW)(parameters, **self.options, fused=True)


class SGDGroup(ParameterGroup):
    """Settings of `sgd` for some parameters."""

    lr: PositiveFloat | None = None
    """Learning rate."""
    momentum: Probability | None = None
    """Decay of the running mean of gradients."""
    weight_decay: NonNegativeFloat | None = None
    """Factor of the l2 penalty."""


@final
@Optimizer.register("sgd")
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

    Args:
        lr: learning rate.
        momentum: decay of the running mean of gradients; 0 is plain descent.
        weight_decay: factor of the l2 penalty.
        groups: other settings for some parameters.
    """

    def __init__(
        self,
        lr: PositiveFloat = 0.1,
        momentum: Probability = 0.0,
        weight_decay: NonNegativeFloat = 0.0,
        groups: list[SGDGroup] = [],
    ) -> None:
        self.lr = lr
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.groups = groups

    def leaves_rows_without_gradient(self, group: Mapping[str, Any]) -> bool:
        return _decays_nothing(group)

    def create(self, parameters: Parameters) -> torch.optim.Optimizer:
        # The fused form fails where momentum begins later for some parameters, as for those of a task's own.
        with_momentum = self.momentum or any(group.overrides().get("momentum") for group in self.groups)
        fused = None if with_momentum else True
        return without_compiler(torch.optim.SGD)(
            parameters, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay, fused=fused
        )
