"""How other programs are started, so that the current folder has no say in what they run.

Archives and experiments arrive in folders, and people work in those folders. A program that is started there must not
pick up a `pip.py`, a `c++` or a header that lies beside them.
"""

import os
import shutil
import sys


def python_command(*arguments: str) -> list[str]:
    """The command that runs this Python with these arguments, without the current folder on its path of imports."""
    return [sys.executable, "-P", *arguments]


def child_environment() -> dict[str, str]:
    """The environment for a child: that of this process, without the empty entries of search paths.

    Python, compilers and the linker take an empty entry for the current folder. It is mostly there by mistake, as of
    `PYTHONPATH=$PYTHONPATH:/more` where PYTHONPATH was not set. A folder that is named in full stays.
    """
    found = dict(os.environ)
    for name in SEARCH_PATHS:
        if name in found:
            found[name] = os.pathsep.join(entry for entry in found[name].split(os.pathsep) if entry)
            if not found[name]:
                del found[name]
    return found


SEARCH_PATHS = (
    *("PYTHONPATH", "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH"),
)
"""Environment variables that are lists of folders."""


def find_program(name: str) -> str | None:
    """The path of a program in a folder of PATH that is named in full; None if there is none.

    Folders such as `.` would find whatever lies in the current one.
    """
    folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder)]
    # Windows would look in the current folder first if it were given the name alone.
    found = (shutil.which(os.path.join(folder, name)) for folder in folders)
    return next((path for path in found if path is not None), None)
