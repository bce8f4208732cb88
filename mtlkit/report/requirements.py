"""The libraries that reports need, which `mtlkit[report]` installs; this module imports none of them."""

from contextlib import chdir
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from mtlkit.errors import ConfigError

NEEDED = {"jinja2": "Jinja2", "matplotlib": "Matplotlib", "sklearn": "scikit-learn"}
"""The names of the libraries, by those of their modules."""


def check_installed() -> None:
    """Makes sure that the libraries are installed.

    Raises:
        ConfigError: some are not.
    """
    if missing := [name for module, name in NEEDED.items() if find_spec(module) is None]:
        raise ConfigError(f"a report needs {', '.join(missing)}; pip install 'mtlkit[report]'")


def load_matplotlib() -> None:
    """Imports matplotlib from another folder than the current one.

    When it is imported, matplotlib reads a file `matplotlibrc` of the current folder before anything that the user has
    set up, and such a file may have come with a stranger's run.
    """
    with chdir(Path(__file__).parent):
        import_module("matplotlib")
