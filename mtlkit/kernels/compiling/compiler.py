"""Compiles a C++ file into a library for this machine, once, and caches it."""

import hashlib
import platform
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from mtlkit.files import file_sha256, held_lock, write_atomically
from mtlkit.files.ownership import OWN_FILE, OWN_FOLDER, check_ownership, own_folder, temporary_folder
from mtlkit.process.children import child_environment, find_program
from mtlkit.types import Say, silent

COMPILERS = ("c++", "g++", "clang++")
FLAGS = (
    *("-std=c++17", "-O3", "-fPIC", "-shared", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"),
    *("-fno-signed-zeros", "-fassociative-math", "-freciprocal-math"),
)
"""Sums may be reordered. -ffast-math is avoided: a library linked with it changes how the whole process rounds."""
MACHINE = {"x86_64": ["-march=native", "-mprefer-vector-width=512"], "arm64": ["-mcpu=native"]}
PARALLEL = (["-fopenmp"], ["-fopenmp-simd"])
"""Alternatives of which the first that compiles is used; the second has no threads."""


class BuildError(Exception):
    """Raised if a library is not available. The message gives the reason, as the end of a sentence."""


class _Plan(NamedTuple):
    """How a library is compiled, and where it belongs."""

    compiler: str
    flags: list[str]
    library: Path


def find(source: Path, folder: Path) -> Path | None:
    """Returns the intact library that `folder` has for a C++ file, this compiler and this processor, if any.

    Raises:
        BuildError: there is no compiler, so that none could be built either.
        DataError: somebody else can change the folder, the library or its digest.
    """
    try:
        own_folder(folder)
        library = _plan(source, folder).library
        return library if _is_whole(library) else None
    except OSError as error:
        raise BuildError(f"{folder} cannot be used ({error.strerror})") from None


def build(source: Path, folder: Path, say: Say = silent) -> Path:
    """Returns the library compiled from a C++ file, and compiles it unless `folder` has an intact one for this source,
    compiler and processor.

    If several processes need the same library at the same time, one compiles it and the others wait. No process sees a
    partly written file.

    Args:
        source: the file.
        folder: where libraries are kept.
        say: receives a line if the library is to be compiled, before that begins.

    Raises:
        BuildError: there is no compiler, or it fails.
        DataError: somebody else can change the folder, the library or its digest.
    """
    try:
        own_folder(folder)
        compiler, flags, library = _plan(source, folder)
        if not _is_whole(library):
            say(f"building the compiled {source.stem} for this machine, once: some 5 to 15 s; {folder} keeps it")
            with held_lock(folder / f".{library.name}.lock"):
                if not _is_whole(library):
                    _compile(compiler, flags, source, library)
                    write_atomically(_digest_file(library), file_sha256(library).encode(), mode=OWN_FILE)
    except OSError as error:
        raise BuildError(f"{folder} cannot be used ({error.strerror})") from None
    return library


def _plan(source: Path, folder: Path) -> _Plan:
    """Raises BuildError if there is no compiler."""
    compiler = next((found for name in COMPILERS if (found := find_program(name))), None)
    if compiler is None or sys.platform == "win32":
        raise BuildError("there is no C++ compiler (c++, g++ or clang++)")
    flags = [*FLAGS, *MACHINE.get(platform.machine(), ["-march=native"])]
    return _Plan(compiler, flags, folder / f"{source.stem}-{_key(source, compiler, flags)}.so")


def _is_whole(library: Path) -> bool:
    """Returns whether the library is present and unchanged since it was compiled. Loading a damaged library could crash
    the process; the digest beside it protects from damage, and the owner and mode of both from other users.
    """
    digest = _digest_file(library)
    if not library.exists() or not digest.exists():
        return False
    check_ownership(library, digest)
    return digest.read_bytes() == file_sha256(library).encode()


def _digest_file(library: Path) -> Path:
    return library.with_suffix(".sha256")


def _key(source: Path, compiler: str, flags: list[str]) -> str:
    """Returns a digest of everything that the library depends on, including the processor, since a home folder may be
    shared by machines of several kinds.
    """
    version = _run([compiler, "--version"]).stdout
    texts = [path.read_text(encoding="utf-8") for path in (source, *sorted(source.parent.glob("*.hpp")))]
    parts = [*texts, version, *flags, platform.machine(), *_processor()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _processor() -> list[str]:
    """Returns the model and the features of the first processor, if the system reports them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return [platform.processor()]
    first = lines[: lines.index("")] if "" in lines else lines
    return [line for line in first if line.split("\t")[0].strip(" :") in ("model", "model name", "flags", "Features")]


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, env=child_environment())


def _compile(compiler: str, flags: list[str], source: Path, library: Path) -> None:
    with temporary_folder() as folder:
        for more in PARALLEL:
            compiled = folder / library.name
            command = [compiler, *flags, *more, str(source), "-o", str(compiled)]
            done = _run(command)
            if done.returncode == 0:
                write_atomically(library, compiled.read_bytes(), mode=OWN_FOLDER)
                return
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise BuildError(f"{compiler} fails on {source.name}: {last}")
