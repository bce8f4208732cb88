"""The Triton kernels against the literal equations, on a GPU or else in Triton's interpreter.

`pip install triton` is all that they need. Triton must be told to interpret before it is imported: that is done here,
when pytest collects the tests.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mtlkit.errors import ConfigError
from mtlkit.kernels.choice import kernels_in_use, recurrence_for, uses_graphs
from mtlkit.kernels.compute import Compute
from mtlkit.kernels.recurrence.attentive_recurrence import Recurrence
from tests.kernels.test_attentive_lstm import Case, Size, assert_equal

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CUDA = torch.device("cuda")
if DEVICE == "cpu" and "triton" not in sys.modules:
    os.environ.setdefault("TRITON_INTERPRET", "1")
with_triton = pytest.mark.skipif(find_spec("triton") is None, reason="there is no Triton; pip install triton")
interpreted = pytest.mark.skipif(DEVICE == "cuda", reason="the interpreter is for machines without a CUDA device")
both_sources = pytest.mark.parametrize("direct", [False, True], ids=["indirect", "direct"])
SIZES = [Size(1, 1, 1, 1, 1, 1), Size(3, 4, 2, 5, 6, 4), Size(2, 1, 17, 3, 5, 7), Size(17, 2, 3, 4, 18, 5)]
"""One step; sizes that are no powers of two; more sources and more rows than a tile has; a last tile that is not
full."""


def persistent(**settings: Any) -> Recurrence:
    from mtlkit.kernels.recurrence.persistent.launching import PersistentRecurrence

    return PersistentRecurrence(**settings)


def moved(case: Case) -> Case:
    return case.moved_to(DEVICE) if DEVICE == "cuda" else case


@with_triton
@pytest.mark.slow(seconds=25)
@both_sources
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_states_weights_and_gradients_are_those_of_the_equations(direct: bool, size: Size) -> None:
    assert_equal(moved(Case.random(size, direct)), persistent())


@with_triton
@both_sources
def test_programs_share_columns_and_rows(direct: bool) -> None:
    """In phases of their own, which the interpreter runs program after program."""
    assert_equal(moved(Case.random(Size(17, 2, 3, 4, 18, 5), direct)), persistent(programs=3, phase_by_phase=True))


@with_triton
def test_a_source_in_the_middle_may_be_padding() -> None:
    case = Case.random(Size(1, 20, 1, 3, 4, 3), direct=False)
    # Nothing of the whole first tile is read, so that the largest score is not known yet when the second begins.
    case.mask_BT = (torch.arange(20) == 17) | (torch.arange(20) == 19)
    case.mask_BT = case.mask_BT.unsqueeze(0)
    case = moved(case)
    with torch.no_grad():
        states_BTD, weights_BTN = case.fused(persistent())
        expected_BTD, expected_BTN = case.reference()
    torch.testing.assert_close(states_BTD, expected_BTD)
    torch.testing.assert_close(weights_BTN, expected_BTN)


@with_triton
@both_sources
@pytest.mark.parametrize("scale", [1.0, 150.0])
def test_single_precision_is_near(direct: bool, scale: float) -> None:
    case, exact = (Case.random(SIZES[1], direct, 1.0, dtype) for dtype in (torch.float32, torch.float64))
    exact.lstm.load_state_dict(case.lstm.state_dict())
    with torch.no_grad():
        for leaf, single in zip(exact.leaves, case.leaves, strict=True):
            leaf.copy_(single)
        for each in (exact, case):
            each.scorer.from_source_AM.mul_(scale)
            each.scorer.from_input_AE.mul_(scale)
    case, exact = moved(case), moved(exact)
    states_BTD, expected_BTD = case.fused(persistent())[0], exact.reference()[0]
    torch.testing.assert_close(states_BTD.double(), expected_BTD, rtol=0, atol=1e-5 * scale**0.5)
    gradients, expected = case.gradients(states_BTD), exact.gradients(expected_BTD)
    assert all(gradient.isfinite().all() for gradient in gradients)
    if scale == 1:
        for gradient, other in zip(gradients, expected, strict=True):
            assert (gradient - other).abs().max() < 1e-5 * max(other.abs().max(), 1)


class InProcesses:
    """Runs the programs of an interpreted kernel at the same time, each in a process of its own."""

    def __init__(self, kernel: Any) -> None:
        self._kernel, self.arg_names = kernel, kernel.arg_names
        self.launches = 0

    def __getitem__(self, grid: tuple[int, int]) -> Callable[..., None]:
        return partial(self._run, grid)

    def _run(self, grid: tuple[int, int], *arguments: Any, **settings: Any) -> None:
        self.launches += 1
        shared = [one.clone().share_memory_() if isinstance(one, Tensor) else one for one in arguments]
        fork = multiprocessing.get_context("fork")
        programs = [
            fork.Process(target=self._program, args=(number, grid, shared, settings)) for number in range(grid[0])
        ]
        for program in programs:
            program.start()
        for program in programs:
            program.join(250)
        codes = [program.exitcode for program in programs]
        for program in programs:
            program.kill()
        assert codes == [0] * grid[0]
        for argument, result in zip(arguments, shared, strict=True):
            if isinstance(argument, Tensor):
                argument.data.copy_(result)  # unseen by autograd, which takes weights that are written for changed

    def _program(self, number: int, grid: tuple[int, int], shared: list[Any], settings: dict[str, Any]) -> None:
        from triton.runtime import interpreter

        builder = interpreter.interpreter_builder
        builder.set_grid_idx = lambda x, y, z: setattr(builder, "grid_idx", (x + number, y, z))
        # The tensors are shared, so there is nothing to copy back; others may still write to them.
        interpreter.GridExecutor._restore_args_dev = lambda *_: None
        self._kernel[(1, grid[1])](*shared, **settings)


@with_triton
@interpreted
@both_sources
@pytest.mark.timeout(900)
def test_programs_wait_for_each_other(direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """All phases in one launch, of programs that run at the same time."""
    from mtlkit.kernels.recurrence.persistent import launching

    kernels = [InProcesses(launching.run_forward), InProcesses(launching.run_backward)]
    monkeypatch.setattr(launching, "run_forward", kernels[0])
    monkeypatch.setattr(launching, "run_backward", kernels[1])
    assert_equal(Case.random(Size(3, 2, 2, 4, 18, 5), direct), persistent(programs=3))
    assert [kernel.launches for kernel in kernels] == [1, 1]


@with_triton
@pytest.mark.slow(seconds=40)
@pytest.mark.timeout(900)
def test_they_compile_for_a_gpu() -> None:
    """What can be interpreted need not be Triton's language. The compiler needs no GPU."""
    script = Path(__file__).parents[2] / "benchmarks" / "persistent_binaries.py"
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("float32") == done.stdout.count("float64") == 4


def test_triton_is_for_a_gpu() -> None:
    triton = Compute("triton")
    with pytest.raises(ConfigError, match="there are Triton kernels on CUDA devices only; use 'auto'"):
        recurrence_for(torch.device("cpu"), triton)
    assert kernels_in_use(torch.device("cpu"), triton.anywhere()) in ("compiled", "pure")
    assert uses_graphs(CUDA, triton)  # several networks at once have no kernel of their own


def test_only_who_asks_for_it_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels_in_use(CUDA) == "graphs"
    if find_spec("triton") is not None:
        assert kernels_in_use(CUDA, Compute("triton")) == "triton"
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, "mtlkit.kernels.recurrence.persistent.launching", raising=False)
    with pytest.raises(ConfigError, match="'triton' needs the package triton; install it, or use 'auto'"):
        recurrence_for(CUDA, Compute("triton"))
