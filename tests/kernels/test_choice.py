"""What runs is what was chosen, or the best there is."""

from collections.abc import Iterator

import pytest
import torch

from mtlkit.errors import ConfigError
from mtlkit.kernels import choice
from mtlkit.kernels.choice import (
    kernels_in_use,
    lstm_for,
    lstms_in_use,
    prefer_kernels,
    recurrence_for,
    set_kernels,
    why_not_compiled,
)
from mtlkit.kernels.compiling.compiler import BuildError

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def chosen() -> Iterator[None]:
    yield
    set_kernels("auto")


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "compiled_recurrence", lambda: BuildError("there is no C++ compiler"))


def test_plain_is_step_by_step() -> None:
    set_kernels("plain")
    assert recurrence_for(CPU) is None and kernels_in_use(CPU) == "plain"
    set_kernels("pure")
    assert kernels_in_use(CPU) == "pure"


@pytest.mark.usefixtures("without_compiler")
def test_without_a_compiler() -> None:
    assert kernels_in_use(CPU) == "pure"
    assert why_not_compiled(CPU) == "no compiled kernels, since there is no C++ compiler: training is slower"
    set_kernels("compiled")
    with pytest.raises(ConfigError, match=r"trainer.kernels: .* there is no C\+\+ compiler; use 'auto' or 'pure'"):
        recurrence_for(CPU)
    prefer_kernels("compiled")
    assert kernels_in_use(CPU) == "pure"


def test_the_two_libraries_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """One may be there without the other, such as after a disk was full."""
    monkeypatch.setattr(choice, "compiled_lstm", lambda: BuildError("the disk is full"))
    set_kernels("auto")
    assert lstm_for(CPU) is None and lstms_in_use(CPU) == "pure"
    assert why_not_compiled(CPU, lstms=True) == "no compiled kernels, since the disk is full: training is slower"
    set_kernels("plain")
    assert lstms_in_use(CPU) == "plain"
    set_kernels("compiled")
    with pytest.raises(ConfigError, match="the disk is full; use 'auto' or 'pure'"):
        lstms_in_use(CPU)


def test_compiled_kernels_are_for_a_cpu() -> None:
    assert why_not_compiled(torch.device("meta")) is None
    assert kernels_in_use(torch.device("meta")) == "pure"
    set_kernels("compiled")
    with pytest.raises(ConfigError, match="they run on a CPU only"):
        recurrence_for(torch.device("meta"))


def test_graphs_are_for_a_gpu() -> None:
    assert kernels_in_use(torch.device("cuda")) == "graphs"
    set_kernels("graphs")
    with pytest.raises(ConfigError, match="on CUDA devices only"):
        recurrence_for(CPU)
    prefer_kernels("graphs")
    assert kernels_in_use(CPU) in ("compiled", "pure")
