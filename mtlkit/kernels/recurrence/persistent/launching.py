"""LSTM' with additive attention on a CUDA device by two Triton kernels, in each of which all steps run.

Names follow attentive_recurrence.py.
"""

from typing import Any, final

import torch
import triton
from torch import Tensor

from mtlkit.kernels.recurrence.attentive_recurrence import Slopes, Steps, Weights
from mtlkit.kernels.recurrence.persistent.backward import run_backward
from mtlkit.kernels.recurrence.persistent.forward import run_forward
from mtlkit.kernels.recurrence.persistent.tiles import PHASES

ROWS = 16
"""The rows of a batch that a group of programs computes, which is the least that products are efficient for."""
MOST_PROGRAMS = 32
"""The programs of a group: more of them would wait for each other longer than they compute."""
WARPS = 8


@final
class PersistentRecurrence:
    """Runs on a CUDA device, and on a CPU in Triton's interpreter, in float32 and float64.

    Args:
        programs: the number of programs that compute a group of rows together; None for as many as the device runs at
            once, up to `MOST_PROGRAMS`, or one in the interpreter.
        phase_by_phase: whether each phase is a launch of its own, between which nobody has to wait. It is slow, and is
            how tests run several programs in the interpreter, one after the other.
    """

    name = "triton"

    def __init__(self, programs: int | None = None, phase_by_phase: bool = False) -> None:
        self._programs = programs
        self._phase_by_phase = phase_by_phase

    def padded(self, steps: int) -> int:
        return steps

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
        steps = Steps.empty(projected_TBP, keys, sources, weights)
        padding = keys if padding_BN is None else padding_BN.contiguous().view(torch.uint8)
        self._launch(
            run_forward,
            (projected_TBP.contiguous(), keys, sources, padding, *weights, *steps[:-1]),
            steps,
            sources,
            padding_BN is not None,
        )
        return steps

    def backward(
        self, gradient_TBD: Tensor, sources: Tensor, weights: Weights, steps: Steps, reciprocal: bool
    ) -> Slopes:
        assert not reciprocal
        of_cells_BD = torch.zeros_like(steps.cells_SBD[0])
        slopes = Slopes(
            torch.empty_like(steps.activations_TBP),
            torch.empty_like(steps.fused_TBF),
            torch.empty_like(steps.messages_TBM),
            torch.zeros_like(steps.keys) if sources.dim() == 3 else torch.empty_like(steps.keys),
            steps.keys.new_zeros(steps.keys.shape[0], steps.keys.shape[-1]),
        )
        self._launch(
            run_backward,
            (gradient_TBD.contiguous(), steps.keys, sources, *weights, *steps[1:-1], of_cells_BD, *slopes),
            steps,
            sources,
            False,
        )
        return slopes._replace(score_A=slopes.score_A.sum(dim=0))

    def _launch(self, kernel: Any, tensors: tuple[Tensor, ...], steps: Steps, sources: Tensor, is_padded: bool) -> None:
        """Runs all phases of a kernel for all groups of rows."""
        assert all(tensor.is_contiguous() for tensor in tensors)
        (length, batch, num_sources), dim = steps.weights_TBN.shape, steps.cells_SBD.shape[-1]
        groups, processors = triton.cdiv(batch, ROWS), _processors(steps.keys.device)
        programs = self._programs or max(1, min(MOST_PROGRAMS, processors // groups))
        arrived = torch.zeros(groups, dtype=torch.int32, device=steps.keys.device)
        settings = settings_of(
            steps.keys.dtype,
            dim,
            steps.keys.shape[-1],
            sources.shape[-1],
            is_shared=sources.dim() == 3,
            is_padded=is_padded,
            programs=programs,
        )
        settings = {name: value for name, value in settings.items() if name in kernel.arg_names}
        at_once, phases = max(1, processors // programs), PHASES * length
        for group in range(0, groups, at_once):
            grid = (programs, min(at_once, groups - group))
            for first, last in self._parts(phases):
                kernel[grid](
                    arrived, first, last, group, length, batch, num_sources, *tensors, **settings,
                    num_warps=WARPS, launch_cooperative_grid=last - first > 1 and programs > 1,
                )  # fmt: skip

    def _parts(self, phases: int) -> list[tuple[int, int]]:
        """Returns the first phase of each launch, and the one after its last."""
        return [(phase, phase + 1) for phase in range(phases)] if self._phase_by_phase else [(0, phases)]


def settings_of(
    dtype: torch.dtype, dim: int, attention: int, message: int, *, is_shared: bool, is_padded: bool, programs: int
) -> dict[str, int]:
    """Returns what the kernels are compiled for: sizes, the kind of sources, and the tiles of a program.

    Args:
        dtype: the precision.
        dim: the size D of states.
        attention: the size A of the scorer.
        message: the size M of sources.
        is_shared: whether all steps read the same sources.
        is_padded: whether some sources must not be read.
        programs: the number of programs that compute a group of rows together.
    """
    return {
        "DIM": dim,
        "ATTENTION": attention,
        "MESSAGE": message,
        "SHARED": is_shared,
        "PADDED": is_padded,
        "PHASES": PHASES,
        "PROGRAMS": programs,
        "ROWS": ROWS,
        "COLUMNS": 16,
        "INNER": 64 if dtype == torch.float32 else 32,
        "SOURCES": 16,
        "DIM_BLOCK": triton.next_power_of_2(dim),
        "ATTENTION_BLOCK": triton.next_power_of_2(attention),
        "MESSAGE_BLOCK": triton.next_power_of_2(message),
    }


def _processors(device: torch.device) -> int:
    """Returns how many programs run at once."""
    return torch.cuda.get_device_properties(device).multi_processor_count if device.type == "cuda" else 1
