"""The argument and options that name the experiment, for all verbs that read one."""

import functools
import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mtlkit.cli.libraries import load_libraries

if TYPE_CHECKING:
    from mtlkit.config import Evaluated
    from mtlkit.experiment import LoadedExperiment

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
"""The default of options that may be given several times; a dataclass field cannot have a list as its default."""


@dataclass(frozen=True)
class ExperimentSource:
    """An experiment file and everything that changes its content; each field is an option of the command line."""

    experiment: Annotated[Path, typer.Argument(help="Experiment file, .jsonnet or .json.", metavar="EXPERIMENT")]
    override: Override = NOTHING
    var: Var = NOTHING
    str_: Str = NOTHING
    tla: Tla = NOTHING
    tla_str: TlaStr = NOTHING
    include_package: Include = NOTHING

    def evaluate(self) -> "Evaluated":
        """Evaluates the file with its variables and overrides, for which torch is not needed."""
        from mtlkit.config import evaluate_experiment, jsonnet_variables

        given = jsonnet_variables(self.variables(), self.top_level())
        return evaluate_experiment(self.experiment, given, self.override)

    def load(self, evaluated: "Evaluated | None" = None) -> "LoadedExperiment":
        """Loads the experiment as `mtlkit.load_experiment` does. Everything that is wrong with the file, the variables
        and the syntax of overrides is said before torch is imported.

        Args:
            evaluated: the return value of `evaluate`, if it has been called.
        """
        evaluated = evaluated or self.evaluate()
        load_libraries()
        from mtlkit.experiment import load_evaluated

        return load_evaluated(self.experiment, evaluated, self.include_package)

    def arguments(self) -> list[str]:
        """The command-line arguments that name this experiment."""
        options = {
            "-o": self.override,
            "--var": self.var,
            "--str": self.str_,
            "--tla": self.tla,
            "--tla-str": self.tla_str,
            "--include-package": self.include_package,
        }
        given = [word for option, values in options.items() for value in values for word in (option, value)]
        return [str(self.experiment), *given]

    def with_options(self, options: Sequence[tuple[str, str]]) -> "ExperimentSource":
        """A copy of this source with further options `-o`, `--tla` and `--tla-str`, each given with its value."""

        def more(option: str) -> list[str]:
            return [value for given, value in options if given == option]

        return replace(
            self,
            override=[*self.override, *more("-o")],
            tla=[*self.tla, *more("--tla")],
            tla_str=[*self.tla_str, *more("--tla-str")],
        )

    def file_arguments(self) -> list[str]:
        """The top-level arguments that the experiment file takes."""
        from mtlkit.config import jsonnet_variables, top_level_arguments

        return top_level_arguments(self.experiment, jsonnet_variables(self.variables(), self.top_level()))

    def given_names(self) -> list[str]:
        """The names of the arguments and settings to which options of the command line give a value."""
        return [item.partition("=")[0] for item in (*self.tla, *self.tla_str, *self.override)]

    def variables(self) -> dict[str, Any]:
        """The values of `--var` and `--str`, by name."""
        return {**_values("--var", self.var), **_texts("--str", self.str_)}

    def top_level(self) -> dict[str, Any]:
        """The values of `--tla` and `--tla-str`, by name."""
        return {**_values("--tla", self.tla), **_texts("--tla-str", self.tla_str)}


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


def _values(option: str, assignments: Sequence[str]) -> dict[str, Any]:
    from mtlkit.config import parse_assignment, parse_json
    from mtlkit.errors import ConfigError

    found = {}
    for assignment in assignments:
        name, value = parse_assignment(assignment, option)
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            text = {"--var": "--str", "--tla": "--tla-str"}[option]
            remedy = f"for text use {text} {assignment}"
            raise ConfigError(f"{option} {assignment}: '{value}' is not JSON; {remedy}") from None
        found[name] = parse_json(value, f"{option} {name}")
    return found


def _texts(option: str, assignments: Sequence[str]) -> dict[str, str]:
    from mtlkit.config import parse_assignment

    return dict(parse_assignment(item, option) for item in assignments)
