"""The argument and options by which every verb that reads an experiment is told which one."""

import functools
import inspect
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mtlkit.config import Variables
    from mtlkit.experiment import LoadedExperiment
    from mtlkit.plugins import Plugin

Include = Annotated[
    list[str], typer.Option("--include-package", metavar="NAME", help="Import a module or .py file with components.")
]


Override = Annotated[
    list[str],
    typer.Option("-o", "--override", metavar="PATH=JSON", help="Replace a setting: -o model.dropout=0.1, -o a.0.b=1."),
]
Var = Annotated[list[str], typer.Option("--var", metavar="K=JSON", help="Jsonnet variable (std.extVar), typed.")]
Str = Annotated[list[str], typer.Option("--str", metavar="K=TEXT", help="Jsonnet variable that is text.")]
Tla = Annotated[
    list[str], typer.Option("--tla", metavar="K=JSON", help="Argument of a file that is a function, typed.")
]
TlaStr = Annotated[list[str], typer.Option("--tla-str", metavar="K=TEXT", help="Such an argument that is text.")]
NOTHING: Any = ()
"""Default of options that may be given several times; a dataclass takes no list."""


@dataclass(frozen=True)
class ExperimentSource:
    """An experiment file and all that changes what it says; each field is an option of the command line."""

    experiment: Annotated[Path, typer.Argument(help="Experiment file, .jsonnet or .json.", metavar="EXPERIMENT")]
    override: Override = NOTHING
    var: Var = NOTHING
    str_: Str = NOTHING
    tla: Tla = NOTHING
    tla_str: TlaStr = NOTHING
    include_package: Include = NOTHING

    def load(self) -> "tuple[LoadedExperiment, list[Plugin]]":
        """The experiment, and the plugins; where components are missing, plugins that failed are named as well."""
        from mtlkit.errors import UnknownComponentError
        from mtlkit.experiment import load_experiment
        from mtlkit.plugins import failures

        plugins = self.plugins()
        try:
            return load_experiment(self.experiment, self.variables(), self.override), plugins
        except UnknownComponentError as error:
            raise UnknownComponentError(f"{error}{failures(plugins)}") from None

    def arguments(self) -> list[str]:
        """The same as words of a command line."""
        options = {
            "--override": self.override,
            "--var": self.var,
            "--str": self.str_,
            "--tla": self.tla,
            "--tla-str": self.tla_str,
            "--include-package": self.include_package,
        }
        given = [word for option, values in options.items() for value in values for word in (option, value)]
        return [str(self.experiment), *given]

    def plugins(self) -> "list[Plugin]":
        """Imports the plugins, once."""
        from mtlkit.plugins import load_plugins

        return load_plugins(self.include_package)

    def with_options(self, options: Sequence[tuple[str, str]]) -> "ExperimentSource":
        """The same with some of `-o`, `--tla` and `--tla-str` more, each with what follows it."""

        def more(option: str) -> list[str]:
            return [value for given, value in options if given == option]

        return replace(
            self,
            override=[*self.override, *more("-o")],
            tla=[*self.tla, *more("--tla")],
            tla_str=[*self.tla_str, *more("--tla-str")],
        )

    def variables(self) -> "Variables":
        """The variables of a Jsonnet file, as code. `data` comes from MTLKIT_DATA where nothing gives it."""
        from mtlkit.config import Variables

        folder = os.environ.get("MTLKIT_DATA")
        return Variables(
            external={**_code("--var", self.var), **_text("--str", self.str_)},
            arguments={**_code("--tla", self.tla), **_text("--tla-str", self.tla_str)},
            defaults={"data": json.dumps(folder)} if folder else {},
        )


def takes_experiment(verb: Callable[..., None]) -> Callable[..., None]:
    """Gives a verb the fields of `ExperimentSource` as options, in place of its parameter `source`."""
    file, *options = inspect.signature(ExperimentSource).parameters.values()
    own = [parameter for name, parameter in inspect.signature(verb).parameters.items() if name != "source"]
    parameters = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in (file, *own, *options)]

    @functools.wraps(verb)
    def with_source(**given: Any) -> None:
        source = {option.name: given.pop(option.name) for option in (file, *options)}
        verb(source=ExperimentSource(**source), **given)

    with_source.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
    with_source.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_source


def _code(option: str, assignments: list[str]) -> dict[str, str]:
    from mtlkit.config import parse_assignment
    from mtlkit.errors import ConfigError

    found = {}
    for assignment in assignments:
        name, value = parse_assignment(assignment, option)
        try:
            json.loads(value)
        except ValueError:
            text = {"--var": "--str", "--tla": "--tla-str"}[option]
            remedy = f"for text use {text} {assignment}"
            raise ConfigError(f"{option} {assignment}: '{value}' is not JSON; {remedy}") from None
        found[name] = value
    return found


def _text(option: str, assignments: list[str]) -> dict[str, str]:
    from mtlkit.config import parse_assignment

    return {name: json.dumps(value) for name, value in (parse_assignment(item, option) for item in assignments)}
