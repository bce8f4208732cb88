"""A C++ file of this folder as a library with a plain C interface, which makes it independent of torch's version.

Each library exports `forward_float`, `forward_double`, `backward_float` and `backward_double`, which take a structure
of numbers and pointers and possibly flags, and `shares_rows`.
"""

import ctypes
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor

from mtlkit.files import cache_folder
from mtlkit.files.ownership import check_ownership, opened_folder, own_folder
from mtlkit.kernels.compiling.compiler import BuildError, build, find
from mtlkit.types import Say, silent

TYPES = {torch.float32: "float", torch.float64: "double"}


@final
class CompiledLibrary:
    """A library that is compiled on first use (5 to 8 s, once per machine). It has no state, so several threads may
    call it at once.

    Args:
        source: the name of the file.
        say: receives a line if it is to be compiled.

    Raises:
        BuildError: there is no compiler, it fails, or the result cannot be loaded.
        DataError: somebody else can change the cache.
    """

    def __init__(self, source: str, say: Say = silent) -> None:
        path = build(_file(source), _folder(), say)
        try:
            self._library = load(path)
            self._shares_rows = bool(self._library.shares_rows())
        except (OSError, AttributeError) as error:
            raise BuildError(f"the compiled library cannot be loaded: {error}") from None

    def tiles(self, batch: int, threads: int | None) -> int:
        """Returns the number of parts into which the rows of a batch are divided. `threads` is None for torch's number
        of threads.
        """
        number = torch.get_num_threads() if threads is None else threads
        return max(min(number, batch), 1) if self._shares_rows else 1

    def call(
        self,
        name: str,
        dtype: torch.dtype,
        structure: type[ctypes.Structure],
        tensors: Mapping[str, Tensor | None],
        numbers: Mapping[str, int],
        *flags: bool,
    ) -> None:
        """Calls the function for this dtype. Fields that are not given are 0 or null.

        The library receives raw addresses and checks nothing. Callers must keep every tensor alive until the call
        returns (ctypes lets other Python threads run meanwhile), and ensure the right types and contiguity.
        """
        values: dict[str, Any] = {
            field: None if tensor is None else tensor.data_ptr() for field, tensor in tensors.items()
        }
        function = getattr(self._library, f"{name}_{TYPES[dtype]}")
        function(ctypes.byref(structure(**values, **numbers)), *map(ctypes.c_bool, flags))


def _file(source: str) -> Path:
    return Path(__file__).with_name(source)


def _folder() -> Path:
    """Returns the folder of libraries in the cache, which is checked. Raises BuildError if it cannot be used."""
    try:
        return own_folder(cache_folder()) / "kernels"
    except OSError as error:
        raise BuildError(f"{cache_folder()} cannot be used ({error.strerror})") from None


def load(library: Path) -> ctypes.CDLL:
    """Loads a library of the cache, and no other file that takes its place meanwhile.

    Raises:
        DataError: somebody else can change it.
        OSError: it is missing, or no library.
    """
    with opened_folder(library.parent) as folder:
        check_ownership(folder / library.name)
        return ctypes.CDLL(str(folder / library.name))


_libraries: dict[str, CompiledLibrary | BuildError] = {}
_missing: set[str] = set()
"""The C++ files whose libraries were looked for in the cache and not found."""
_building = threading.Lock()


def needs_building(source: str) -> bool:
    """Returns whether `library_of` would have to compile a C++ file of this folder. The cache is searched once.

    Raises:
        DataError: somebody else can change the cache.
    """
    with _building:
        if source in _libraries:
            return False
        if source not in _missing:
            try:
                found = find(_file(source), _folder())
            except BuildError:
                return False  # nothing can be compiled, and `library_of` says why
            if found is not None:
                return False
            _missing.add(source)
        return True


def library_of(source: str, say: Say = silent) -> CompiledLibrary | BuildError:
    """Returns the process's library compiled from a C++ file of this folder, or the error that explains why there is
    none.

    The result is remembered either way, so that a machine without a compiler does not search for one at every batch.

    Args:
        source: the name of the file.
        say: receives a line if it is to be compiled.

    Raises:
        DataError: somebody else can change the cache.
    """
    with _building:  # threads that need it at the same time wait for one of them
        if source not in _libraries:
            try:
                _libraries[source] = CompiledLibrary(source, say)
            except BuildError as error:
                _libraries[source] = error
        return _libraries[source]
