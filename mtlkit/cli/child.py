"""`python -P child.py PARENT ARGUMENTS`: runs `mtlkit ARGUMENTS` as a child of the process with id PARENT.

A parent that is killed cannot pass a signal on. On Linux its children are then sent SIGTERM, so that training ends
with a checkpoint instead of continuing unnoticed; on other systems they run to their end.

It is a script and not a module for `-m`, since the child's path of imports need not lead to this mtlkit: `python -m
mtlkit` in a checkout finds it in the current folder, which is on no path here, and another one may be installed.
In place of a verb, ARGUMENTS may begin with `answering`, which no user starts; see runs/answering.py.
"""

import ctypes
import os
import signal
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

SET_PARENT_DEATH_SIGNAL = 1
"""The option PR_SET_PDEATHSIG of `prctl`, for which the parent is the thread that started this process."""


def end_with_parent(parent: int) -> None:
    """Asks the system to send SIGTERM to this process when its parent, the process with id `parent`, ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before the request
        sys.exit(128 + signal.SIGTERM)


def use_this_package() -> None:
    """Makes the package that this file belongs to the one that `import mtlkit` gives."""
    folder = Path(__file__).resolve().parents[1]
    spec = spec_from_file_location("mtlkit", folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None and spec.loader is not None, "a .py file always has a loader"
    sys.modules["mtlkit"] = package = module_from_spec(spec)
    spec.loader.exec_module(package)


if __name__ == "__main__":
    end_with_parent(int(sys.argv.pop(1)))
    use_this_package()
    if sys.argv[1:2] == ["answering"]:
        from mtlkit.runs.answering import main
    else:
        from mtlkit.cli import main
    main()
