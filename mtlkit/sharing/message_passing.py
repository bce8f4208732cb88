"""Sharing by messages between networks.

Shapes: B batch, T time steps, N sources, E input size, D output size.
"""

from typing import Literal, Self, final

import torch
from torch import Tensor

from mtlkit.config import Lazy, Runtime
from mtlkit.errors import ConfigError
from mtlkit.kernels.sequences import reverse_within_length, zero_padding
from mtlkit.sharing.communicators import Communicator
from mtlkit.sharing.one_way_network import Heard, OneWayNetwork
from mtlkit.sharing.scheme import Shared, SharedLayer, SharingScheme
from mtlkit.sharing.traces import WordTrace
from mtlkit.types import PositiveInt


@final
@SharingScheme.register("message_passing")
class MessagePassing(SharingScheme):
    """Each task has an LSTM of its own that reads a message at every step (Liu et al. 2019, eqs. 2-11).

    communicator: what is in the message; `direct` is DC-MTL, `indirect` is IC-MTL.
    hidden_dim: size of every LSTM's state.
    share: whether scorer and gate are one for all tasks, as the paper's superscripts say, or one per task.
    detach_senders: stop the gradient at the sending tasks' states, so that a batch trains only its own task's LSTM. The
        paper's footnote 1 leaves this open; detached senders learn slowly.
    bidirectional: a second complete network reads each sentence from its end, and the states are concatenated. The
        paper has one direction.

    Where we depart: parameters are initialised as PyTorch does, not from U[-0.1, 0.1].

    Raises:
        ConfigError: a task has no sender, or the communicator's edges name an unknown task.
    """

    def __init__(
        self,
        communicator: Lazy[Communicator],
        hidden_dim: PositiveInt = 100,
        share: Literal["shared", "per_task"] = "shared",
        detach_senders: bool = False,
        bidirectional: bool = False,
        *,
        input_dim: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()

        def build_network() -> OneWayNetwork:
            return OneWayNetwork(communicator, hidden_dim, share, detach_senders, input_dim=input_dim, tasks=tasks)

        self.left_to_right = build_network()
        self.right_to_left = build_network() if bidirectional else None
        self.output_dim = 2 * hidden_dim if bidirectional else hidden_dim

    def forward(self, states_BTE: Tensor, mask_BT: Tensor, task: str, *, with_trace: bool = False) -> Shared:
        heard: Heard = self.left_to_right(states_BTE, mask_BT, task, with_gates=with_trace)
        backward: Heard | None = None
        states_BTD = heard.states_BTD
        if self.right_to_left is not None:
            # Each row is reversed within its own length, so that padding stays on the right: a recurrence that began
            # with padding would carry it into every valid state.
            reversed_BTE = reverse_within_length(states_BTE, mask_BT)
            backward = self.right_to_left(reversed_BTE, mask_BT, task, with_gates=with_trace)
            states_BTD = torch.cat([states_BTD, reverse_within_length(backward.states_BTD, mask_BT)], dim=-1)
        trace = self._trace(task, heard, backward, mask_BT) if with_trace else None
        return Shared(zero_padding(states_BTD, mask_BT), trace=trace)

    @classmethod
    def shared_layer(cls, scheme: Lazy[Self]) -> SharedLayer:
        """The shared LSTM of indirect communication, with the scorer or with all that tasks share if asked for."""
        communicator, share = (getattr(scheme.settings, name) for name in ("communicator", "share"))
        if communicator.component.sources == "tasks":
            raise ConfigError(
                f"with the communicator '{communicator.type}', each LSTM belongs to a task, and none to all of them"
            )
        lstm = r"^sharing\.\w+\.shared_lstm\."
        scopes: dict[str, tuple[str, ...]] = {"lstm": (lstm,)}
        if share == "shared":
            scopes["attention"] = (lstm, r"^sharing\.\w+\.channels\.shared\.communicator\.")
            scopes["all_shared"] = (lstm, r"^sharing\.\w+\.channels\.")
        return SharedLayer(scopes, scheme)

    def _trace(self, task: str, heard: Heard, backward: Heard | None, mask_BT: Tensor) -> WordTrace:
        senders = self.left_to_right.senders
        names = None if senders is None else tuple(senders[task])
        if backward is None:
            return WordTrace(heard.weights_BTN, names, gates_BT=heard.gates_BT)
        assert backward.gates_BT is not None, "asked for with the trace"
        backward_BTN = reverse_within_length(backward.weights_BTN, mask_BT)
        if senders is None:
            # The sources are positions, which that network has counted from the end as well: reverse both axes.
            backward_BTN = reverse_within_length(backward_BTN.mT, mask_BT).mT
        backward_gates_BT = reverse_within_length(backward.gates_BT, mask_BT)
        return WordTrace(heard.weights_BTN, names, backward_BTN, heard.gates_BT, backward_gates_BT)
