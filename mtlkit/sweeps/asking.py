"""From what is asked for on a command line to a sweep."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mtlkit.errors import ConfigError
from mtlkit.runs import run_directory
from mtlkit.sweeps.axes import Axis, axes_of, parse_grid, parse_range, parse_seeds, refuse_repeated
from mtlkit.sweeps.points import points_of, refuse_alike
from mtlkit.sweeps.sweep import Load, Sweep


def plan_sweep(
    load: Load,
    *,
    grid: Sequence[str] = (),
    ranges: Sequence[str] = (),
    trials: int | None = None,
    seeds: str = "1",
    arguments: Sequence[str] = (),
    given: Sequence[str] = (),
    directory: Path | None = None,
    limit: int | None = None,
) -> Sweep:
    """A sweep of an experiment, before anything is known of its directory.

    Args:
        load: reads the experiment with some options more.
        grid: `NAME=V1,V2`: values of an argument of the file, or of a setting.
        ranges: `NAME=LOW:HIGH` or `NAME=LOW:HIGH:log`, to draw `trials` points from.
        trials: how many points.
        seeds: of each point: how many, or which, as in `13,14,15`.
        arguments: the top-level arguments that the experiment's file takes.
        given: names of arguments and settings that have their value already.
        directory: of the runs; `runs/<experiment's name>-sweep` where it is None.
        limit: at most so many texts of each split, for a trial.

    Raises:
        ConfigError: what is asked for makes no sense, or the experiment is wrong.
    """
    if bool(ranges) != bool(trials):
        raise ConfigError("--range and --trials go together: give the range, and how many points to draw from it")
    grids = tuple(parse_grid(each, arguments) for each in grid)
    drawn = tuple(parse_range(each, arguments) for each in ranges)
    refuse_repeated(axes_of(grids, drawn), given)
    refuse_alike(points_of(grids))
    seed_axis = Axis("seed", is_setting="seed" not in arguments)
    sweep = Sweep(Path(), grids, drawn, trials or 0, (), seed_axis, load, limit)
    loaded = sweep.experiment(sweep.some_point)
    default = run_directory(loaded)
    folder = directory or default.with_name(f"{default.name}-sweep")
    return replace(sweep, directory=folder, seeds=parse_seeds(seeds, loaded.experiment.seed))
