"""A trained model's kernels are built once they pay, and not before."""

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from mtlkit.kernels import choice
from mtlkit.kernels.compiling import compiler, library
from mtlkit.kernels.compiling.compiler import BuildError, build, find
from mtlkit.kernels.compute import Compute
from mtlkit.kernels.lstm.both_ways import both_ways
from mtlkit.kernels.postponing import MOST_SECONDS, Postponed
from mtlkit.training import precision
from mtlkit.training.precision import autocast

CPU = torch.device("cpu")
needs_compiler = pytest.mark.skipif(
    not any(compiler.find_program(name) for name in compiler.COMPILERS), reason="there is no C++ compiler"
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An empty cache, and a list of the libraries that were asked for, none of which is had."""
    asked: list[str] = []
    monkeypatch.setattr(choice, "needs_building", lambda source: source not in asked)
    for name in ("recurrence", "lstm"):
        failed = lambda *_, name=name: asked.append(f"{name}.cpp") or BuildError("this is a test")  # noqa: E731
        monkeypatch.setattr(choice, f"compiled_{name}", failed)
    return asked


def test_what_each_library_would_have_saved_is_counted_by_itself() -> None:
    postponed = Postponed()
    assert not postponed.pays("lstm.cpp", MOST_SECONDS) and not postponed.pays("recurrence.cpp", MOST_SECONDS)
    assert postponed.pays("lstm.cpp", 0.01)
    assert not postponed.pays("recurrence.cpp", 0.0)


def test_at_once_it_pays_whatever_it_saves() -> None:
    assert Postponed(at_once=True).pays("lstm.cpp", 0.0)


def test_it_is_asked_for_when_it_pays_and_from_then_on(asked: list[str]) -> None:
    compute = Compute(postponed=Postponed())
    for _ in range(4):
        recurrence = choice.recurrence_for(CPU, compute, MOST_SECONDS / 4)
        assert recurrence is not None and recurrence.name == "pure" and not asked
    choice.recurrence_for(CPU, compute, MOST_SECONDS / 4)
    choice.recurrence_for(CPU, compute, 0.0)
    assert asked == ["recurrence.cpp"] * 2


def test_archives_that_are_open_together_count_together(asked: list[str]) -> None:
    postponed = Postponed()
    for _ in range(3):
        choice.lstm_for(CPU, Compute(postponed=postponed), 0.4 * MOST_SECONDS)
    assert asked == ["lstm.cpp"]


def test_nothing_is_postponed_where_kernels_were_chosen_or_a_model_is_trained(asked: list[str]) -> None:
    choice.lstm_for(CPU, Compute("pure", postponed=Postponed()), 100)
    assert not asked
    choice.recurrence_for(CPU, Compute(), 0.0)
    assert asked == ["recurrence.cpp"]


def test_what_could_not_use_a_library_builds_none(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Autocast runs torch's own LSTM, however many words there are."""
    monkeypatch.setattr(precision, "has_lstm_in_bfloat16", lambda: False)  # without oneDNN on every processor
    lstms, mask_BT = [nn.LSTM(2, 2, batch_first=True) for _ in range(2)], torch.ones(1, 3, dtype=torch.bool)
    compute = Compute(postponed=Postponed())
    compute.postponed.pays("lstm.cpp", MOST_SECONDS)  # the next one that saves anything would build
    with autocast(torch.device("cpu"), "bf16"):
        both_ways(*lstms, torch.zeros(1, 3, 2), mask_BT, compute)
    assert not asked
    both_ways(*lstms, torch.zeros(1, 3, 2), mask_BT, compute)
    assert asked == ["lstm.cpp"]


@needs_compiler
def test_building_is_said_before_it_begins_and_only_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, told = tmp_path / "answer.cpp", list[str]()
    source.write_text('extern "C" int answer() { return 42; }')
    really = compiler._compile
    monkeypatch.setattr(compiler, "_compile", lambda *given: (told.append("compiled"), really(*given)))
    assert find(source, tmp_path / "cache") is None
    built = build(source, tmp_path / "cache", told.append)
    assert build(source, tmp_path / "cache", told.append) == find(source, tmp_path / "cache") == built
    sentence, then = told
    assert sentence.startswith("building the compiled answer for this machine") and f"{tmp_path / 'cache'}" in sentence
    assert then == "compiled"


@needs_compiler
def test_the_cache_is_searched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    for name, empty in (("_libraries", {}), ("_missing", set())):
        monkeypatch.setattr(library, name, empty)
    searched: list[Path] = []
    monkeypatch.setattr(library, "find", lambda source, folder: searched.append(source))
    assert library.needs_building("lstm.cpp") and library.needs_building("lstm.cpp") and len(searched) == 1


def test_without_a_compiler_nothing_needs_building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(library, "_libraries", {})
    monkeypatch.setattr(library, "_missing", set())
    assert not library.needs_building("lstm.cpp")
    assert "there is no C++ compiler" in str(library.library_of("lstm.cpp"))
