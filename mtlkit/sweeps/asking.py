"""Plans a sweep from the options of a command line."""

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
    """Plans a sweep of an experiment; its directory is not looked at yet.

    Args:
        load: loads the experiment with further options.
        grid: `NAME=V1,V2`: values of an argument of the file, or of a setting.
        ranges: `NAME=LOW:HIGH` or `NAME=LOW:HIGH:log`, to draw `trials` points from.
        trials: the number of points to draw from ranges.
        seeds: the number of seeds of each point, or the seeds themselves, as in `13,14,15`.
        arguments: the top-level arguments that the experiment's file takes.
        given: names of arguments and settings that already have a value.
        directory: the directory of the runs; None for `runs/<experiment's name>-sweep`.
        limit: the largest number of texts of each split, for a trial; None for all.

    Raises:
        ConfigError: the options contradict each other or have a wrong value, or the experiment is wrong.
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
