"""The verbs that inspect without computing: check, components, schema and plugins."""

import inspect
import json
from typing import TYPE_CHECKING, Annotated

import typer

from mtlkit.cli.experiment_source import ExperimentSource, Include, takes_experiment
from mtlkit.cli.libraries import load_libraries
from mtlkit.cli.options import Limit, torch_device

if TYPE_CHECKING:
    from mtlkit.config import Spec

Kind = Annotated[str | None, typer.Argument(help="Kind of component, such as encoder, or section, such as trainer.")]
Name = Annotated[str | None, typer.Argument(help="Registered name, such as lstm.")]


@takes_experiment
def check(
    source: ExperimentSource,
    data: Annotated[
        bool, typer.Option("--data", help="Also read the data and show each task's path, shapes, parameters, memory.")
    ] = False,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print the experiment with every default filled in: > full.json.")
    ] = False,
    limit: Limit = None,
    device: Annotated[str | None, typer.Option(help="With --data: cpu (the default), cuda, auto ...")] = None,
) -> None:
    """Find everything that can be wrong with an experiment before any data are read."""
    from mtlkit.errors import ConfigError

    if not data and (limit, device) != (None, None):
        raise ConfigError(f"{'--device' if limit is None else '--limit'} is about data: give --data as well")
    loaded = source.load()
    from mtlkit.cli.console import say, show_inspection
    from mtlkit.runs.checks import check_experiment
    from mtlkit.runs.inspection import inspect_experiment

    if data:
        show_inspection(inspect_experiment(loaded, torch_device(device or "cpu"), limit=limit, say=say))
    else:
        check_experiment(loaded.experiment, str(loaded.file))
    if resolved:
        print(json.dumps(loaded.experiment.to_json(), indent=2))
    count = len(loaded.experiment.tasks)
    say(f"{loaded.file}: ok, {count} task{'' if count == 1 else 's'}")


def components(kind: Kind = None, name: Name = None, include_package: Include = []) -> None:
    """List components; of one KIND, or the settings of one NAME or of a section of an experiment."""
    load_libraries()
    from mtlkit.cli.console import results
    from mtlkit.config import interfaces, nearest, summary
    from mtlkit.errors import ConfigError
    from mtlkit.experiment import SECTIONS
    from mtlkit.plugins import failures, load_plugins

    plugins = load_plugins(include_package)
    kinds = interfaces()
    if kind in SECTIONS and name is None:
        results.print(f"{kind}: {summary(SECTIONS[kind])}", markup=False)
        _show_settings(SECTIONS[kind])
        return
    if kind is not None and kind not in kinds:
        hint = nearest(kind, [*kinds, *SECTIONS])
        raise ConfigError(
            f"no kind of component '{kind}'{hint} (kinds: {', '.join(kinds)}; sections: {', '.join(SECTIONS)})"
        )
    if kind is None or name is None:
        for key in kinds if kind is None else [kind]:
            results.print(key, style="bold")
            for known in kinds[key].list_available():
                results.print(f"  {known:<22} {summary(kinds[key].by_name(known))}", markup=False)
        return
    try:
        component = kinds[kind].by_name(name)
    except LookupError as error:
        raise ConfigError(str(error), *failures(plugins)) from None
    results.print(f"{kind} {name}  ({component.__module__}.{component.__qualname__})\n", style="bold", markup=False)
    results.print(inspect.cleandoc(component.__doc__ or ""), markup=False)
    _show_settings(component.settings)


def schema(include_package: Include = []) -> None:
    """Print the JSON Schema of experiments, installed plugins included, for editors."""
    load_libraries()
    from mtlkit.config import json_schema
    from mtlkit.experiment import Experiment
    from mtlkit.plugins import load_plugins

    load_plugins(include_package)
    print(json.dumps(json_schema(Experiment), indent=2))


def plugins() -> None:
    """List installed plugins and whether they could be imported."""
    from mtlkit.cli.console import show
    from mtlkit.plugins import GROUP, load_plugins

    found = load_plugins()
    for plugin in found:
        state = f"failed to import: {plugin.error}" if plugin.error else "ok"
        show(f"{plugin.name}  {plugin.package} {plugin.version}  {plugin.module}  {state}")
    if not found:
        show(f"no plugin is installed; a package brings one by an entry point in the group {GROUP}")


def _show_settings(section: "type[Spec]") -> None:
    from mtlkit.cli.console import results
    from mtlkit.config import settings_of

    results.print("\nsettings", style="bold")
    for setting in settings_of(section):
        default = "must be given" if setting.default is None else f"default {setting.default}"
        meaning = f"  {setting.meaning}" if setting.meaning else ""
        results.print(f"  {setting.name}: {setting.kind}; {default}{meaning}", markup=False)
