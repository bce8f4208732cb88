"""The provenance of a run: versions, packages, git state, machine and command."""

import platform
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch

import mtlkit
from mtlkit.plugins import Plugin
from mtlkit.process.freed_memory import allocator
from mtlkit.redaction import redacted_command
from mtlkit.runs.git_state import git_state

NAME_OR_VERSION = re.compile(r"^(name|version):[ \t]*(.*?)[ \t]*$", re.MULTILINE | re.IGNORECASE)


def provenance(plugins: Sequence[Plugin]) -> dict[str, Any]:
    """The entries of `meta.json` about the software and the machine."""
    return {
        "mtlkit": mtlkit.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "platform": platform.platform(),
        "processor": _processor(),
        "allocator": allocator(),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "command": [word.encode(errors="backslashreplace").decode() for word in redacted_command(sys.argv)],
        "git": git_state(),
        "plugins": {plugin.package: plugin.version for plugin in plugins if not plugin.error},
        "packages": _packages(),
    }


def kernels_of(meta: Mapping[str, Any]) -> dict[str, str | None]:
    """The kernels that ran each operation of a run, by names such as `kernels of lstm`.

    A run of an older version recorded only which kernels were asked for: the single entry `kernels`.
    """
    ran = meta.get("ran")
    if isinstance(ran, dict) and all(isinstance(how, str) for how in ran.values()):
        return {f"kernels of {operation}": how for operation, how in ran.items()}
    asked = meta.get("kernels")
    return {"kernels": None if asked is None else str(asked)} if "kernels" in meta else {}


def _packages() -> dict[str, str]:
    """The version of each installed package, by name: of two with one name, the one that is imported."""
    found: dict[str, str] = {}
    for package in distributions():  # in the order of `sys.path`
        text = package.read_text("METADATA") or package.read_text("PKG-INFO") or package.read_text("") or ""
        # `package.metadata` would parse whole readmes, of hundreds of packages: for small runs, most of their time.
        fields = {key.lower(): value for key, value in NAME_OR_VERSION.findall(text.partition("\n\n")[0])}
        if "name" in fields:  # else what an interrupted installation has left
            found.setdefault(fields["name"], fields.get("version", ""))
    return dict(sorted(found.items()))


def _processor() -> str:
    """The processor's name, as far as the system reports one."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
