"""Freed memory: kept where glibc allocates, left to the environment and to other allocators where they decide."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mtlkit.process import freed_memory
from mtlkit.process.freed_memory import LARGEST_IN_HEAP, MOST_KEPT, VARIABLES, allocator, keep_freed_memory

on_glibc = pytest.mark.skipif(freed_memory._glibc() is None, reason="needs glibc")
REPORT = "from mtlkit.process.freed_memory import *; print(allocator()); print(keep_freed_memory()); print(allocator())"
FAULTS = """
import resource
from mtlkit.process.freed_memory import keep_freed_memory
{call}
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step():  # as a step of training does: many blocks at once, all of them freed at its end
    return len([bytearray(2**20) for _ in range(64)])
step()
before = faults()
for _ in range(10):
    step()
print(faults() - before)
"""


def said_by(code: str, **variables: str) -> list[str]:
    """What a process of its own prints, without settings for the allocator but those given here."""
    kept = {name: value for name, value in os.environ.items() if name not in (*VARIABLES, "GLIBC_TUNABLES")}
    environment = {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **variables}
    command = [sys.executable, "-c", code]
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout.splitlines()


@pytest.fixture
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process one in which nothing has been set, neither here nor by the environment."""
    monkeypatch.setattr(freed_memory, "_has_set", False)
    for name in (*VARIABLES, "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)


@on_glibc
def test_pages_of_freed_memory_are_taken_once() -> None:
    found, kept = (int(said_by(FAULTS.format(call=call))[0]) for call in ("", "assert keep_freed_memory()"))
    pages = 10 * 64 * 2**20 // os.sysconf("SC_PAGESIZE")
    assert found > pages / 2, "otherwise there is nothing to gain"
    assert kept < pages / 20


@on_glibc
def test_what_was_set_is_said() -> None:
    before, has_set, after = said_by(REPORT)
    assert before.startswith("glibc 2.") and before.endswith(", as found") and has_set == "True"
    assert after == before.replace("as found", "keeps up to 2 GiB of freed memory")


@on_glibc
@pytest.mark.parametrize(
    ("name", "value", "decides"),
    [
        *((name, "1000000", name) for name in VARIABLES),
        (
            "GLIBC_TUNABLES",
            "glibc.malloc.arena_max=2:glibc.malloc.trim_threshold=1000000",
            "glibc.malloc.trim_threshold",
        ),
        ("GLIBC_TUNABLES", "glibc.malloc.mmap_max=0", "glibc.malloc.mmap_max"),
    ],
)
def test_settings_of_the_environment_are_respected(name: str, value: str, decides: str) -> None:
    before, has_set, after = said_by(REPORT, **{name: value})
    assert has_set == "False" and before == after and after.endswith(f", as found, with {decides}")


@on_glibc
@pytest.mark.parametrize(
    ("name", "value"), [("MALLOC_ARENA_MAX", "2"), ("GLIBC_TUNABLES", "glibc.malloc.arena_max=2"), (VARIABLES[0], "")]
)
def test_settings_about_other_things_do_not_matter(name: str, value: str) -> None:
    assert said_by(REPORT, **{name: value})[1] == "True"


@on_glibc
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_an_allocator_that_is_preloaded_is_left_alone(tmp_path: Path) -> None:
    source, library = tmp_path / "other.c", tmp_path / "libother.so"
    source.write_text(
        "#include <stddef.h>\n"
        "extern void *__libc_malloc(size_t);\n"
        "void *malloc(size_t size) { return __libc_malloc(size); }\n"
        "int mallopt(int parameter, int value) { __builtin_trap(); }\n"
    )
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    assert said_by(REPORT, LD_PRELOAD=str(library)) == ["libother.so, as found", "False", "libother.so, as found"]


@pytest.mark.usefixtures("unset")
def test_with_another_c_library_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(os, "confstr", unknown, raising=False)
    assert not keep_freed_memory()
    assert allocator() == f"the allocator of {platform.system()}, as found"
    monkeypatch.delattr(os, "confstr")
    assert not keep_freed_memory()


@on_glibc
@pytest.mark.usefixtures("unset")
@pytest.mark.parametrize("works", [True, False])
def test_it_is_said_whether_the_library_has_taken_it(monkeypatch: pytest.MonkeyPatch, works: bool) -> None:
    asked: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda parameter, value: asked.append((parameter, value)) or int(works))
    monkeypatch.setattr(freed_memory, "_other_allocator", lambda: None)
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: library)
    assert keep_freed_memory() == works
    assert allocator().endswith("keeps up to 2 GiB of freed memory" if works else ", as found")
    assert asked[0] == (-1, MOST_KEPT) and asked[1:] == ([(-3, LARGEST_IN_HEAP)] if works else [])
