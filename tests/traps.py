"""A folder as a stranger would prepare it: a file for each module that may be looked for, telling when it is run."""

import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path

STDLIB = frozenset(name for name in sys.stdlib_module_names if name.isidentifier())
INSTALLED = frozenset(name for name in packages_distributions() if name.isidentifier() and name[0] != "_") - {"mtlkit"}
"""Less those that `.pth` files import while Python starts, such as `_distutils_hack`."""
MISSING = frozenset({"sitecustomize", "usercustomize", "tensorflow", "pandas", "mtlkit_evil"}) - INSTALLED
"""Modules that something tries to import although they need not exist."""
CANARY = "import os\nos.close(os.open({told!r}, os.O_CREAT | os.O_WRONLY))\nos._exit(77)\n"
ENTRY_POINTS = "[mtlkit.plugins]\nevil = mtlkit_evil\n[pydantic]\nevil = mtlkit_evil\n"


def of_python_itself() -> set[str]:
    """What `python -m` imports with the current folder first on the path, before it runs the module."""
    code = "import importlib.util, runpy, sys; print(*sys.modules)"
    command = [sys.executable, "-P", "-c", code]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


class Trap:
    """The folder, and the names of what has been run in it.

    Args:
        folder: the folder to prepare, which exists.
        told: an empty folder in which each canary leaves a file of its name.
        names: the modules that are imitated.
    """

    def __init__(self, folder: Path, told: Path, names: Iterable[str] = STDLIB | INSTALLED | MISSING) -> None:
        self.folder, self.told = folder, told
        for name in names:
            (folder / f"{name}.py").write_text(CANARY.format(told=str(told / name)))
        package = folder / "mtlkit_evil-1.0.dist-info"
        package.mkdir()
        (package / "METADATA").write_text("Metadata-Version: 2.1\nName: mtlkit-evil\nVersion: 1.0\n")
        (package / "entry_points.txt").write_text(ENTRY_POINTS)
        (folder / "matplotlibrc").write_bytes(b"backend: module://mtlkit_evil\n\xff\xfe\n")

    @property
    def ran(self) -> set[str]:
        """The modules that were run."""
        return {path.name for path in self.told.iterdir()}
