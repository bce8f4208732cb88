"""Third-party components: packages with an entry point in the group `mtlkit.plugins`, and modules and files given by
name.

A plugin that cannot be imported is remembered, and named in the error when a component is not found.
"""

import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from mtlkit.errors import PluginError

GROUP = "mtlkit.plugins"
INCLUDED = "included"
"""Shown as the version of plugins that were included by name, which have none."""
WHATEVER_IS_RAISED = (Exception, SystemExit)
"""The exceptions caught when a plugin is imported: a third-party module may raise anything, and some call `sys.exit()`.
"""


@dataclass(frozen=True)
class Plugin:
    """A plugin, installed or included by name, and the result of importing it."""

    name: str
    package: str
    version: str
    module: str
    error: str | None = None


def load_plugins(include: Sequence[str] = ()) -> list[Plugin]:
    """Imports all installed plugins, then each of `include`: the name of a module or the path of a `.py` file.

    Returns:
        The plugins in that order.

    Raises:
        PluginError: something in `include` cannot be imported. Installed plugins do not raise; see `Plugin.error`.
    """
    found = [_load(entry) for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)]
    return found + [_include(name) for name in include]


def failures(plugins: Sequence[Plugin]) -> list[str]:
    """Returns a line for each plugin that failed to import, to be added to the error for an unknown component."""
    return [f"plugin {plugin.package} failed to import: {plugin.error}" for plugin in plugins if plugin.error]


def _load(entry: EntryPoint) -> Plugin:
    package = entry.dist.name if entry.dist else entry.name
    version = entry.dist.version if entry.dist else "unknown"
    try:
        entry.load()
    except WHATEVER_IS_RAISED as error:
        return Plugin(entry.name, package, version, entry.value, f"{type(error).__name__}: {error}")
    return Plugin(entry.name, package, version, entry.value)


def _include(name: str) -> Plugin:
    try:
        if name.endswith(".py"):
            _import_file(Path(name))
        else:
            _import_module(name)
    except WHATEVER_IS_RAISED as error:
        reason = (
            "no such file; check the path"
            if isinstance(error, FileNotFoundError)
            else f"{type(error).__name__}: {error}"
        )
        raise PluginError(f"--include-package {name}: cannot be imported: {reason}") from error
    return Plugin(name, name, INCLUDED, name)


def _import_module(name: str) -> None:
    """Imports a module from where Python looks, or else from the current folder.

    The folder goes to the end of the path, and only for a module that is found nowhere else. Otherwise a `rich.py` that
    lies there would be run in place of the installed package.
    """
    top = name.partition(".")[0]
    if top not in sys.modules and importlib.util.find_spec(top) is None:
        here = os.getcwd()
        if importlib.machinery.PathFinder.find_spec(top, [here]) is not None:
            sys.path.append(here)
    importlib.import_module(name)


def _import_file(path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(path)
    # Not the stem alone: a file may be called as a module that is loaded already, such as `token.py`.
    name = f"{path.stem}_{hashlib.sha256(bytes(path.resolve())).hexdigest()[:8]}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
