"""The verbs that look and tell: check, components, schema, plugins."""

import inspect
import json
from typing import Annotated

import typer

from mtlkit.cli.experiment_source import ExperimentSource, Include, takes_experiment
from mtlkit.cli.options import Device, Limit, torch_device

Kind = Annotated[str | None, typer.Argument(help="Kind of component, such as encoder.")]
Name = Annotated[str | None, typer.Argument(help="Registered name, such as lstm.")]


@takes_experiment
def check(
    source: ExperimentSource,
    data: Annotated[
        bool, typer.Option("--data", help="Also read the data and show each task's path, shapes, parameters, memory.")
    ] = False,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print the experiment with every default filled in.")
    ] = False,
    limit: Limit = None,
    device: Device = "cpu",
) -> None:
    """Find everything that can be wrong with an experiment before any data are read."""
    from mtlkit.checks import check_experiment
    from mtlkit.cli.console import say, show_inspection
    from mtlkit.inspection import inspect_experiment

    loaded, _ = source.load()
    if data:
        show_inspection(inspect_experiment(loaded, torch_device(device), limit=limit, say=say))
    else:
        check_experiment(loaded.experiment, str(loaded.file))
    if resolved:
        print(json.dumps(loaded.experiment.to_json(), indent=2))
    say(f"{loaded.file}: ok, {len(loaded.experiment.tasks)} tasks")


def components(kind: Kind = None, name: Name = None, include_package: Include = []) -> None:
    """List components; of one KIND, or the settings of one NAME."""
    from mtlkit.cli.console import results
    from mtlkit.config import interfaces, settings_of, summary
    from mtlkit.errors import ConfigError
    from mtlkit.plugins import load_plugins

    _import_all()
    load_plugins(include_package)
    kinds = interfaces()
    if kind is not None and kind not in kinds:
        raise ConfigError(f"no kind of component '{kind}'; the kinds are {', '.join(kinds)}")
    if kind is None or name is None:
        for key in kinds if kind is None else [kind]:
            results.print(key, style="bold")
            for known in kinds[key].list_available():
                results.print(f"  {known:<22} {summary(kinds[key].by_name(known))}", markup=False)
        return
    try:
        component = kinds[kind].by_name(name)
    except LookupError as error:
        raise ConfigError(str(error)) from None
    results.print(f"{kind} {name}  ({component.__module__}.{component.__qualname__})\n", style="bold", markup=False)
    results.print(inspect.cleandoc(component.__doc__ or ""), markup=False)
    results.print("\nsettings", style="bold")
    for setting in settings_of(component.settings):
        default = "must be given" if setting.default is None else f"default {setting.default}"
        results.print(f"  {setting.name}: {setting.kind}; {default}", markup=False)


def schema(include_package: Include = []) -> None:
    """Print the JSON Schema of experiments, installed plugins included, for editors."""
    from mtlkit.config import json_schema
    from mtlkit.experiment import Experiment
    from mtlkit.plugins import load_plugins

    load_plugins(include_package)
    print(json.dumps(json_schema(Experiment), indent=2))


def plugins() -> None:
    """List installed plugins and whether they could be imported."""
    from mtlkit.cli.console import results
    from mtlkit.plugins import GROUP, load_plugins

    found = load_plugins()
    for plugin in found:
        state = f"failed to import: {plugin.error}" if plugin.error else "ok"
        results.print(f"{plugin.name}  {plugin.package} {plugin.version}  {plugin.module}  {state}", markup=False)
    if not found:
        results.print(f"no plugin is installed; a package brings one by an entry point in the group {GROUP}")


def _import_all() -> None:
    """The experiment imports every interface, and with it every built-in component."""
    import mtlkit.experiment  # noqa: F401
