"""LSTM' with additive attention on a CUDA device: the loops of pure.py as CUDA graphs.

Names follow attentive_recurrence.py.
"""

from typing import final

from torch import Tensor

from mtlkit.kernels.recurrence.attentive_recurrence import Slopes, Steps, Weights
from mtlkit.kernels.recurrence.cuda_graphs import Captured, bucket
from mtlkit.kernels.recurrence.pure import PureRecurrence

_PURE = PureRecurrence()


def _forward(projected_TBP: Tensor, keys: Tensor, sources: Tensor, padding_BN: Tensor | None, *w: Tensor) -> Steps:
    return _PURE.forward(projected_TBP, keys, sources, padding_BN, Weights(*w), reciprocal=False)


def _backward(gradient_TBD: Tensor, sources: Tensor, *others: Tensor) -> Slopes:
    return _PURE.backward(gradient_TBD, sources, Weights(*others[:4]), Steps(*others[4:]), reciprocal=False)


@final
class GraphedRecurrence:
    """Runs on a CUDA device, in float32 and float64. The tanh is always computed directly, since checking the bounds of
    the exponential form would force a synchronisation.
    """

    name = "graphs"

    def __init__(self) -> None:
        self._forward, self._backward = Captured(_forward), Captured(_backward)

    def padded(self, steps: int) -> int:
        return bucket(steps)

    def prefers_exponentials(self, sources: Tensor) -> bool:
        return False

    def forward(
        self,
        projected_TBP: Tensor,
        keys: Tensor,
        sources: Tensor,
        padding_BN: Tensor | None,
        weights: Weights,
        reciprocal: bool,
    ) -> Steps:
        assert not reciprocal
        return Steps(*self._forward(projected_TBP, keys, sources, padding_BN, *weights))

    def backward(
        self, gradient_TBD: Tensor, sources: Tensor, weights: Weights, steps: Steps, reciprocal: bool
    ) -> Slopes:
        assert not reciprocal
        return Slopes(*self._backward(gradient_TBD, sources, *weights, *steps))
