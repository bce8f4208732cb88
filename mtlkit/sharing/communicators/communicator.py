"""The interface of communicators.

Shapes: B batch, T time steps, N sources, E input size, D state size, M message size.
"""

from abc import abstractmethod
from collections.abc import Sequence
from inspect import signature
from typing import Any, ClassVar, Literal, NamedTuple, Self, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtlkit.config import Component
from mtlkit.errors import ComponentError
from mtlkit.kernels.compute import Operation
from mtlkit.kernels.recurrence.attentive_recurrence import Recurrence
from mtlkit.kernels.recurrence.message_passing import FusionWeights

Memory: TypeAlias = Any
"""Whatever `prepare` returns. It is passed to `step` unchanged."""


class Message(NamedTuple):
    """The message that a network reads at one step."""

    content_BM: Tensor
    """The message itself."""
    weights_BN: Tensor
    """How much of each source is in the message, not negative. Traces and reports show these weights."""

    def without_weights(self) -> "Message":
        """A copy of this message with empty weights (B, 0), where nobody asks for them and they are large."""
        # A view would keep all of them.
        return self._replace(weights_BN=self.weights_BN[:, :0].clone())


class Messages(NamedTuple):
    """The messages that a network reads at all steps."""

    contents_BTM: Tensor
    """The messages themselves."""
    weights_BTN: Tensor
    """How much of each source is in each message, not negative; (B, T, 0) if they were not asked for."""


class Communicator(nn.Module, Component, offers=("input_dim", "state_dim", "tasks")):
    """Decides what a task's network hears from the others at each time step (Liu et al. 2019, eqs. 3-8).

    The scheme `message_passing` owns the networks, and its reader runs them; a communicator owns only what selects and
    mixes their states, and works with every reader. A complete example:

        @Communicator.register("mean")
        class MeanCommunicator(Communicator):
            \"""The plain mean of the other tasks' states.\"""

            sources = "tasks"

            def prepare(self, inputs_BTE, sources_BTND, mask_BT):
                return sources_BTND.unbind(1)

            def step(self, time, previous_BD, memory):
                states_BND = memory[time]
                weights_BN = states_BND.new_full(states_BND.shape[:2], 1 / states_BND.shape[1])
                return Message(states_BND.mean(dim=1), weights_BN)

    A constructor may ask for the run-time values `input_dim` (E), `state_dim` (D) and `tasks` (all names).
    """

    sources: ClassVar[Literal["tasks", "shared"]]
    """'tasks': the states of the sending tasks over the same sentence, aligned in time. 'shared': all states of one
    network that the tasks share, the mailbox."""

    operations: ClassVar[tuple[Operation, ...]] = ()
    """The operations of its networks that `trainer.kernels` chooses an implementation of; found when a class is made:
    a recurrence if it has a `fused` form, and several networks at once if it reads those of other tasks."""

    fuses_gate_bias: ClassVar[bool] = False
    """Whether its `fused` form takes the bias of a gate, `gate_bias_D`; found when a class is made. With a bias, a
    communicator whose form does not is read step by step."""

    message_dim: int | None = None
    """The size M of messages; None for D, the size of the sources."""

    def __init__(self) -> None:
        super().__init__()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if getattr(cls, "sources", None) not in ("tasks", "shared"):
            raise ComponentError(f"{cls.__name__} must say sources = 'tasks' or sources = 'shared' in its class body")
        recurrence: tuple[Operation, ...] = () if cls.fused is Communicator.fused else ("recurrence",)
        cls.fuses_gate_bias = bool(recurrence) and "gate_bias_D" in signature(cls.fused).parameters
        cls.operations = (*recurrence, "networks") if cls.sources == "tasks" else recurrence

    def senders(self, tasks: Sequence[str]) -> dict[str, list[str]]:
        """The senders of each receiving task; only used with sources 'tasks'. Default: all other tasks."""
        return {receiver: [task for task in tasks if task != receiver] for receiver in tasks}

    def heard_by(self, task: str) -> Self:
        """Returns the communicator as a task hears it; its parameters are the same ones. Default: itself."""
        return self

    def num_weighed(self, sources: Tensor) -> int:
        """How many sources a step weighs, of which a `fused` form holds a weight for every step. Default: N.

        Args:
            sources: as for `prepare`.
        """
        return sources.shape[-2]

    @abstractmethod
    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> Memory:
        """Computes everything that does not depend on the recurrence; called once per batch.

        Args:
            inputs_BTE: the embedded sentences, which every network reads as well.
            sources: (B, T, N, D), the N senders in the order of `senders`; or (B, N, D), the N = T shared states.
            mask_BT: true at valid steps, a prefix of each row. Nothing computed from padding may reach valid steps.
        """

    @abstractmethod
    def step(self, time: int, previous_BD: Tensor, memory: Memory) -> Message:
        """The message at step `time`, given the state that the receiver asks with: in LSTM' its previous fused state
        (zeros at the first step), with the reader `layer` its own state of the same step.

        Split tensors into steps once, with `unbind` in `prepare`: indexing them by `time` makes the backward pass
        quadratic in T, since each index has a gradient of the whole tensor's size.
        """

    def read(self, states_BTD: Tensor, memory: Memory, *, with_weights: bool = True) -> Messages:
        """The messages of all steps at once, for receivers that know what they ask with before the first message.

        Default: every `step` in order. Override it where a few operations give the same for all steps.

        Args:
            states_BTD: the state that `step` would get as `previous_BD`, of every step. At padding it is arbitrary.
            memory: what `prepare` returned.
            with_weights: whether the weights are wanted. Without them the memory for N = T sources need not grow with
                the square of T.
        """
        contents_TBM, weights_TBN = [], []
        for time, state_BD in enumerate(states_BTD.unbind(1)):
            message = self.step(time, state_BD, memory)
            contents_TBM.append(message.content_BM)
            weights_TBN.append((message if with_weights else message.without_weights()).weights_BN)
        return Messages(torch.stack(contents_TBM, dim=1), torch.stack(weights_TBN, dim=1))

    def fused(
        self,
        inputs_BTE: Tensor,
        sources: Tensor,
        mask_BT: Tensor,
        lstm: nn.LSTM,
        fusion: FusionWeights,
        recurrence: Recurrence,
        gate_bias_D: Tensor | None = None,
    ) -> tuple[Tensor, Tensor] | None:
        """The receiver's whole recurrence at once, for communicators that have a faster form than `prepare` and `step`.

        It must give the same numbers. Default: None, there is no such form.

        Args:
            inputs_BTE, sources, mask_BT: as for `prepare`.
            lstm: the receiver's LSTM.
            fusion: the weights of its message gate.
            recurrence: runs the steps.
            gate_bias_D: the bias of the message gate, g_t = sigmoid(W_r r_t + W_c c_t + b). It is given only if there
                is one, and only to a form that has this parameter.

        Returns:
            The fused states (B, T, D) and the messages' weights (B, T, N), which need no gradient; or None.
        """
        return None

    def messages(
        self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor, states_BTD: Tensor, weights_BTN: Tensor
    ) -> Tensor:
        """The message at each step of a `fused` run, (B, T, M). Only traces need it.

        Default: `prepare` and `read` once more. Override it where one product gives the same, as for messages
        that are weighted means of their sources.

        Args:
            inputs_BTE, sources, mask_BT: the arguments of `fused`.
            states_BTD, weights_BTN: the result of `fused`.
        """
        previous_BTD = F.pad(states_BTD[:, :-1], (0, 0, 1, 0))
        memory = self.prepare(inputs_BTE, sources, mask_BT)
        return self.read(previous_BTD, memory, with_weights=False).contents_BTM
