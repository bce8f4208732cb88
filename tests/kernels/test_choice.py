"""What runs is what was chosen, or the best there is."""

import pytest
import torch

from mtlkit.errors import ConfigError
from mtlkit.kernels import choice
from mtlkit.kernels.choice import (
    kernels_in_use,
    lstm_for,
    lstms_in_use,
    recurrence_for,
    uses_graphs,
    why_not_compiled,
)
from mtlkit.kernels.compiling.compiler import BuildError
from mtlkit.kernels.compute import Compute, Kernels

CPU = torch.device("cpu")


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "compiled_recurrence", lambda *_: BuildError("there is no C++ compiler"))


def test_plain_is_step_by_step() -> None:
    plain = Compute("plain")
    assert recurrence_for(CPU, plain) is None and kernels_in_use(CPU, plain) == "plain"
    assert kernels_in_use(CPU, Compute("pure")) == "pure"


@pytest.mark.usefixtures("without_compiler")
def test_without_a_compiler() -> None:
    assert kernels_in_use(CPU) == "pure"
    assert why_not_compiled(CPU) == "no compiled kernels, since there is no C++ compiler: training is slower"
    compiled = Compute("compiled")
    with pytest.raises(ConfigError, match=r"trainer.kernels: .* there is no C\+\+ compiler; use 'auto' or 'pure'"):
        recurrence_for(CPU, compiled)
    assert kernels_in_use(CPU, compiled.anywhere()) == "pure"


def test_the_two_libraries_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """One may be there without the other, such as after a disk was full."""
    monkeypatch.setattr(choice, "compiled_lstm", lambda *_: BuildError("the disk is full"))
    assert lstm_for(CPU) is None and lstms_in_use(CPU) == "pure"
    assert why_not_compiled(CPU, lstms=True) == "no compiled kernels, since the disk is full: training is slower"
    assert lstms_in_use(CPU, Compute("plain")) == "plain"
    with pytest.raises(ConfigError, match="the disk is full; use 'auto' or 'pure'"):
        lstms_in_use(CPU, Compute("compiled"))


def test_compiled_kernels_are_for_a_cpu() -> None:
    assert why_not_compiled(torch.device("meta")) is None
    assert kernels_in_use(torch.device("meta")) == "pure"
    with pytest.raises(ConfigError, match="they run on a CPU only"):
        recurrence_for(torch.device("meta"), Compute("compiled"))


def test_graphs_are_for_a_gpu() -> None:
    cuda, graphs = torch.device("cuda"), Compute("graphs")
    assert kernels_in_use(cuda) == kernels_in_use(cuda, graphs) == "graphs"
    with pytest.raises(ConfigError, match="on CUDA devices only"):
        recurrence_for(CPU, graphs)
    assert kernels_in_use(CPU, graphs.anywhere()) in ("compiled", "pure")


@pytest.mark.parametrize(
    ("kernels", "expected"), [("auto", True), ("graphs", True), ("compiled", False), ("pure", False), ("plain", False)]
)
def test_networks_side_by_side_insist_on_nothing(kernels: Kernels, expected: bool) -> None:
    """They have no compiled form, so `compiled` asks for nothing of them, also on a GPU."""
    assert uses_graphs(torch.device("cuda"), Compute(kernels)) == expected
    assert not uses_graphs(CPU, Compute(kernels))
