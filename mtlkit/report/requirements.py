"""The libraries that reports need, which `mtlkit[report]` installs; this module imports none of them."""

from importlib.util import find_spec

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
