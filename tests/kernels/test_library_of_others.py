"""A compiled library that somebody else could have put in the cache is never loaded: it would run in this process."""

import ctypes
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlkit.errors import DataError
from mtlkit.files import file_sha256
from mtlkit.kernels.compiling import compiler, library
from mtlkit.kernels.compiling.compiler import build
from mtlkit.kernels.compiling.library import load
from mtlkit.process.children import find_program

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or not any(find_program(name) for name in compiler.COMPILERS),
    reason="there is no C++ compiler",
)
CANARY = """
#include <cstdio>
__attribute__((constructor)) static void sing() { if (FILE *file = std::fopen("%s", "w")) std::fclose(file); }
"""


@pytest.fixture
def built(tmp_path: Path) -> Path:
    source = tmp_path / "answer.cpp"
    source.write_text('extern "C" int answer() { return 42; }')
    return build(source, tmp_path / "cache")


@pytest.fixture
def song(tmp_path: Path, built: Path) -> Path:
    """Replaces the library, with its digest beside it, by one that writes this file when it is loaded."""
    song, source = tmp_path / "song", tmp_path / "canary.cpp"
    source.write_text(CANARY % song)
    flags = ["-shared", "-fPIC", str(source), "-o", str(built)]
    subprocess.run([next(filter(None, map(find_program, compiler.COMPILERS))), *flags], check=True)
    built.chmod(0o700)
    built.with_suffix(".sha256").write_text(file_sha256(built))
    return song


def opened(path: Path) -> None:
    path.chmod(0o777)


def given_away(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 65534, -1)


@pytest.mark.parametrize("change", [opened, given_away])
@pytest.mark.parametrize("place", [lambda built: built, lambda built: built.parent, lambda built: built.parent.parent])
def test_a_library_that_others_could_replace_is_not_loaded(
    built: Path, song: Path, tmp_path: Path, change: Callable[[Path], None], place: Callable[[Path], Path]
) -> None:
    where = place(built)
    if where == tmp_path and change is given_away:
        pytest.skip("who owns a folder above cannot put a folder of ours there")
    change(where)
    for use in (lambda: load(built), lambda: load(build(tmp_path / "answer.cpp", built.parent))):
        with pytest.raises(DataError, match=rf"^{where}: .*set MTLKIT_CACHE to a folder of your own"):
            use()
    assert not song.exists()


def test_a_digest_that_others_can_write_proves_nothing(built: Path, song: Path, tmp_path: Path) -> None:
    built.with_suffix(".sha256").chmod(0o666)
    with pytest.raises(DataError, match=r"\.sha256: other users can write to it"):
        build(tmp_path / "answer.cpp", built.parent)
    assert not song.exists()


def test_the_canary_is_alive(built: Path, song: Path) -> None:
    load(built)
    assert song.exists()


def test_a_cache_that_others_can_write_to_gives_no_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    monkeypatch.setenv("MTLKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(library, "_libraries", {})
    with pytest.raises(DataError, match=f"^{tmp_path / 'cache'}: other users can write to it"):
        library.library_of("lstm.cpp")
    assert not list((tmp_path / "cache").iterdir())


def test_nobody_else_can_change_what_is_built_whatever_the_umask(tmp_path: Path) -> None:
    source = tmp_path / "answer.cpp"
    source.write_text('extern "C" int answer() { return 42; }')
    before = os.umask(0)
    try:
        built = build(source, tmp_path / "cache")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) & 0o022 for path in (built, built.with_suffix(".sha256"))} == {0}
    assert stat.S_IMODE(built.parent.stat().st_mode) == 0o700
    assert isinstance(load(build(source, tmp_path / "cache")), ctypes.CDLL)
