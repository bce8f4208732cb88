"""Libraries are built once, whole, and for one machine."""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mtlkit.kernels.compiling import compiler
from mtlkit.kernels.compiling.compiler import BuildError, build

pytestmark = pytest.mark.skipif(
    not any(compiler.find_program(name) for name in compiler.COMPILERS), reason="there is no C++ compiler"
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "answer.cpp"
    path.write_text('extern "C" int answer() { return 42; }')
    return path


def test_built_once_and_again_for_another_source(source: Path, tmp_path: Path) -> None:
    library = build(source, tmp_path / "cache")
    assert ctypes.CDLL(str(library)).answer() == 42
    written = library.stat().st_mtime_ns
    assert build(source, tmp_path / "cache") == library and library.stat().st_mtime_ns == written
    source.write_text('extern "C" int answer() { return 43; }')
    other = build(source, tmp_path / "cache")
    assert other != library and ctypes.CDLL(str(other)).answer() == 43


def test_built_again_for_another_header(source: Path, tmp_path: Path) -> None:
    header = tmp_path / "answer.hpp"
    header.write_text("const int number = 42;")
    source.write_text('#include "answer.hpp"\nextern "C" int answer() { return number; }')
    library = build(source, tmp_path / "cache")
    header.write_text("const int number = 43;")
    other = build(source, tmp_path / "cache")
    assert other != library and ctypes.CDLL(str(other)).answer() == 43


def test_another_processor_has_a_library_of_its_own(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = build(source, tmp_path / "cache")
    monkeypatch.setattr(compiler, "_processor", lambda: ["model name: another"])
    assert build(source, tmp_path / "cache") != library


def test_one_of_many_builds(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    really = compiler._compile
    monkeypatch.setattr(compiler, "_compile", lambda *arguments: (compiled.append(1), really(*arguments)))
    with ThreadPoolExecutor(4) as pool:
        libraries = set(pool.map(lambda _: build(source, tmp_path / "cache"), range(4)))
    assert len(libraries) == len(compiled) == 1
    assert [path.suffix for path in (tmp_path / "cache").iterdir()].count(".so") == 1


def test_what_does_not_build_is_told_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    source.write_text("int answer() { return nothing; }")
    with pytest.raises(BuildError, match=r"fails on answer\.cpp"):
        build(source, tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"]


def test_no_compiler_and_no_place(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BuildError, match="cannot be used"):
        build(source, source / "cache")
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(BuildError, match="there is no C"):
        build(source, tmp_path / "cache")


@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda content: content[:-1] + b"x"])
def test_a_damaged_library_is_built_anew(source: Path, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    library = build(source, tmp_path / "cache")
    library.write_bytes(damage(library.read_bytes()))
    assert build(source, tmp_path / "cache") == library
    assert ctypes.CDLL(str(library)).answer() == 42
    assert sorted(path.suffix for path in (tmp_path / "cache").iterdir()) == [".lock", ".sha256", ".so"]
