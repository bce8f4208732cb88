"""A communicator that gates every other task's state.

Shapes: B batch, T steps, N senders, E input size, D state size.
"""

from torch import Tensor, nn

import mtlkit


@mtlkit.Communicator.register("gated")
class GatedCommunicator(mtlkit.Communicator):
    """Sums the other tasks' states, each weighted by its own sigmoid gate; in `direct` they compete through a softmax.

    sharpness: factor of the scores; the larger it is, the closer the gates are to 0 or 1.
    """

    sources = "tasks"

    def __init__(
        self, sharpness: mtlkit.PositiveFloat = 1.0, *, input_dim: mtlkit.Runtime[int], state_dim: mtlkit.Runtime[int]
    ) -> None:
        super().__init__()
        self.sharpness = sharpness
        self.from_input = nn.Linear(input_dim, 1)
        self.from_state = nn.Linear(state_dim, 1, bias=False)
        self.from_source = nn.Linear(state_dim, 1, bias=False)

    def prepare(self, inputs_BTE: Tensor, sources: Tensor, mask_BT: Tensor) -> list[tuple[Tensor, Tensor]]:
        scores_BTN = self.from_input(inputs_BTE) + self.from_source(sources).squeeze(-1)
        return list(zip(scores_BTN.unbind(1), sources.unbind(1), strict=True))

    def step(self, time: int, previous_BD: Tensor, memory: list[tuple[Tensor, Tensor]]) -> mtlkit.Message:
        scores_BN, states_BND = memory[time]
        gates_BN = (self.sharpness * (scores_BN + self.from_state(previous_BD))).sigmoid()
        return mtlkit.Message((gates_BN.unsqueeze(-1) * states_BND).sum(dim=1), gates_BN)
