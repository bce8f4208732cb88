"""What the C library does with memory that is freed: returns it to the kernel, or keeps it for what comes next.

A training step frees nearly all memory that it took, and the next step takes as much again. By default glibc returns
freed memory to the kernel soon, and for each page of it that is taken again the kernel is entered and zeroes the page.
`docs/decisions/0028-freed-memory.md` says why the commands change this, and why nothing else in mtlkit does.
"""

import ctypes
import os
import platform

MOST_KEPT = 2**31 - 1
"""The largest number of freed bytes that are kept at the end of the heap; the largest that `mallopt` takes."""
LARGEST_IN_HEAP, LARGEST_IN_OLDER_HEAPS = 2**26, 2**25
"""The size in bytes from which a block is mapped by itself, and returned as soon as it is freed; and the largest such
size that older versions of glibc take. In the heap, larger blocks would leave gaps into which the next do not fit: with
1 GiB, texts of 30,000 words no longer fitted into memory that is enough for them now."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of `mallopt`, from malloc.h."""
AS_FOUND = "as found"
VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_MAX_")
TUNABLES = tuple(f"glibc.malloc.{name}" for name in ("trim_threshold", "mmap_threshold", "top_pad", "mmap_max"))
"""The settings of the environment that decide the same, and that are respected."""

_has_set = False
"""Whether the thresholds of this process have been set. They belong to the process as well, and cannot be read back."""


class _Place(ctypes.Structure):
    """`Dl_info` of dlfcn.h: the file that an address is in."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


def keep_freed_memory() -> bool:
    """Has glibc keep up to 2 GiB of memory that is freed, from now on and for the whole process.

    Training on a CPU then spends less time in the kernel, since a step need not take again what the step before it has
    returned. Results do not depend on it. The commands `mtlkit train`, `evaluate` and the like call it; functions such
    as `mtlkit.train` do not, since the setting affects everything else in the process and cannot be undone. Call it
    before them in a process of your own.

    Returns:
        Whether it has an effect: false, and nothing is changed, where memory is not allocated by glibc, such as on
        macOS, on Windows, with musl, or with jemalloc preloaded; and where the environment has settings of its own
        (`MALLOC_TRIM_THRESHOLD_`, `MALLOC_MMAP_THRESHOLD_`, `MALLOC_TOP_PAD_`, `MALLOC_MMAP_MAX_`, or the same in
        `GLIBC_TUNABLES`).
    """
    global _has_set
    if not _has_set and _own_settings() is None and _other_allocator() is None:
        library = ctypes.CDLL(None)
        _has_set = bool(library.mallopt(M_TRIM_THRESHOLD, MOST_KEPT)) and any(
            library.mallopt(M_MMAP_THRESHOLD, size) for size in (LARGEST_IN_HEAP, LARGEST_IN_OLDER_HEAPS)
        )
    return _has_set


def allocator() -> str:
    """Which library allocates memory, and what it does with freed memory, such as `glibc 2.36, keeps up to 2 GiB of
    freed memory`; `as found` where mtlkit has set nothing."""
    if (other := _other_allocator()) is not None:
        return f"{other}, {AS_FOUND}"
    if _has_set:
        what = "keeps up to 2 GiB of freed memory"
    else:
        own = _own_settings()
        what = AS_FOUND if own is None else f"{AS_FOUND}, with {own}"
    return f"{_glibc()}, {what}"


def _own_settings() -> str | None:
    """The first setting of the environment that decides about freed memory, or None."""
    if found := [name for name in VARIABLES if os.environ.get(name)]:
        return found[0]
    names = [each.partition("=")[0] for each in os.environ.get("GLIBC_TUNABLES", "").split(":")]
    return next((name for name in names if name in TUNABLES), None)


def _other_allocator() -> str | None:
    """What allocates memory in place of glibc, or None if glibc does."""
    if _glibc() is None:
        return f"the allocator of {platform.system()}"
    library = ctypes.CDLL(None)
    try:
        allocating, of_glibc = (_place(library, name) for name in ("malloc", "gnu_get_libc_version"))
    except AttributeError:  # linked without these names, as a static Python may be
        return "an unknown allocator"
    return None if allocating.base == of_glibc.base else os.path.basename(os.fsdecode(allocating.file or b"a library"))


def _glibc() -> str | None:
    """The name and version of glibc, or None with another C library."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):  # on Windows; with another library
        return None


def _place(library: ctypes.CDLL, function: str) -> _Place:
    """Where the function is that calls by this name reach, which may be in a library that was loaded before glibc."""
    place = _Place()
    library.dladdr(ctypes.cast(getattr(library, function), ctypes.c_void_p), ctypes.byref(place))
    return place
