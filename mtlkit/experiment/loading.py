"""Loads an experiment from a file or from plain Python values, and validates it."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from mtlkit.config import (
    Evaluated,
    Variables,
    apply_overrides,
    evaluate_experiment,
    jsonnet_variables,
    names_argument,
    path_argument,
    plain_value,
    too_deep,
    validate,
)
from mtlkit.errors import ConfigError, UnknownComponentError
from mtlkit.experiment.names import name_problems
from mtlkit.experiment.settings import Experiment
from mtlkit.on_disk.runs import name_of_experiment
from mtlkit.plugins import Plugin, failures, load_plugins

UNNAMED = "experiment"
"""Stands for the file name of an experiment that was given as a value."""

Overrides: TypeAlias = Sequence[str] | Mapping[str, Any]
"""Settings to replace: `["trainer.epochs=3"]` or `{"trainer.epochs": 3}`."""


@dataclass(frozen=True)
class LoadedExperiment:
    """A validated experiment, with the sources that it was loaded from."""

    experiment: Experiment
    file: Path
    """The experiment file, which messages name; `experiment` if the experiment was given as a value."""
    sources: dict[str, str]
    """The text of the experiment file, which comes first, and of all files that it imported, by path."""
    plugins: Sequence[Plugin] = ()
    """The plugins that were imported before it was validated."""

    @property
    def source(self) -> str:
        """The key of the experiment file itself in `sources`."""
        return next(iter(self.sources))

    @property
    def name(self) -> str:
        """The experiment's name, `fdu-ic` for `experiments/fdu/ic.jsonnet`."""
        return name_of_experiment(self.sources)


AnyExperiment: TypeAlias = str | Path | Mapping[str, Any] | LoadedExperiment
"""An experiment file, an experiment as plain Python values, or an experiment that has been loaded."""


def load_experiment(
    source: AnyExperiment,
    *,
    overrides: Overrides = (),
    variables: Mapping[str, Any] | None = None,
    arguments: Mapping[str, Any] | None = None,
    include_packages: Sequence[str] = (),
) -> LoadedExperiment:
    """Loads and validates an experiment. No data are read.

    Args:
        source: an experiment file (.jsonnet or .json), or the experiment itself as dicts, lists, strings, numbers and
            paths. One that is loaded already is returned as it is.
        overrides: settings to replace, as a list such as `["trainer.epochs=3"]` or a dict such as
            `{"trainer.epochs": 3}`.
        variables: values of the Jsonnet variables that the file reads with `std.extVar`. `data` defaults to the
            environment variable MTLKIT_DATA.
        arguments: top-level arguments of a file that evaluates to a function.
        include_packages: modules or .py files with components to import first, as for `--include-package`.

    Raises:
        ConfigError: the file, a setting, a name or an argument is wrong; the message lists every error, each with its
            place.
        PluginError: something in `include_packages` cannot be imported.
    """
    if isinstance(source, LoadedExperiment):
        if overrides or variables or arguments or include_packages:
            raise ConfigError(f"{source.file}: is loaded already; give overrides and the like to load_experiment")
        return source
    if not isinstance(source, str | os.PathLike | Mapping):
        raise ConfigError(f"experiment: is of type {type(source).__name__}; give a file, a dict or a loaded experiment")
    for name, values in (("variables", variables), ("arguments", arguments)):
        if values is not None and not (isinstance(values, Mapping) and all(isinstance(key, str) for key in values)):
            raise ConfigError(f"{name}: should be values by name (got {values!r}); give a dict with strings as keys")
    plugins = load_plugins(names_argument(include_packages, "include_packages"))
    given, replaced = jsonnet_variables(variables or {}, arguments or {}), _assignments(overrides)
    if isinstance(source, Mapping):
        return _of_value(source, given, replaced, plugins)
    file = path_argument(source, "experiment")
    return _loaded(file, evaluate_experiment(file, given, replaced), plugins)


def load_evaluated(file: Path, evaluated: Evaluated, include_packages: Sequence[str] = ()) -> LoadedExperiment:
    """Validates an experiment that has been evaluated, as `load_experiment` does.

    Args:
        file: the experiment file.
        evaluated: what `evaluate_experiment` has made of it.
        include_packages: as for `load_experiment`.

    Raises:
        ConfigError: a setting or a name is wrong; the message lists every error, each with its place.
        PluginError: something in `include_packages` cannot be imported.
    """
    return _loaded(file, evaluated, load_plugins(include_packages))


def _of_value(
    source: Mapping[str, Any], variables: Variables, overrides: list[str], plugins: Sequence[Plugin]
) -> LoadedExperiment:
    file = Path(UNNAMED)
    try:
        if variables.external or variables.arguments:
            raise ConfigError(f"{file}: variables and arguments are for Jsonnet files; put the values into the dict")
        value = plain_value(source, UNNAMED)
        sources = {f"{UNNAMED}.json": json.dumps(value, indent=2) + "\n"}
        evaluated = Evaluated(apply_overrides(value, overrides), sources)
    except RecursionError:
        raise too_deep(file) from None
    return _loaded(file, evaluated, plugins)


def _loaded(file: Path, evaluated: Evaluated, plugins: Sequence[Plugin]) -> LoadedExperiment:
    try:
        experiment = _validated(evaluated.value, str(file))
    except RecursionError:
        raise too_deep(file) from None
    except UnknownComponentError as error:
        raise UnknownComponentError(*error.args, *failures(plugins)) from None
    return LoadedExperiment(experiment, file, evaluated.sources, plugins)


def _validated(value: Any, file: str) -> Experiment:
    """The experiment that a JSON value describes. Raises ConfigError with every error, of names as well."""
    problems = [f"{file}: {problem}" for problem in name_problems(value)]
    try:
        experiment = validate(Experiment, value, file)
    except ConfigError as error:
        raise type(error)(*dict.fromkeys([*problems, *error.args])) from None
    if problems:
        raise ConfigError(*problems)
    return experiment


def _assignments(overrides: Overrides) -> list[str]:
    """The overrides as a list of assignments, `path=JSON`."""
    if isinstance(overrides, str):
        raise ConfigError("overrides takes several settings; give a list, such as ['trainer.epochs=3'], or a dict")
    if isinstance(overrides, Mapping):
        return [f"{path}={json.dumps(plain_value(value, 'overrides', path))}" for path, value in overrides.items()]
    return names_argument(overrides, "overrides", "settings")
