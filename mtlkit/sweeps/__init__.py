"""Sweeps: an experiment at many points, each under several seeds, worked on by any number of processes."""

from mtlkit.sweeps.asking import plan_sweep
from mtlkit.sweeps.axes import (
    Axis,
    Grid,
    Option,
    Range,
    axes_of,
    find_axis,
    parse_grid,
    parse_range,
    parse_seeds,
    refuse_repeated,
)
from mtlkit.sweeps.claims import shared
from mtlkit.sweeps.database import reaching
from mtlkit.sweeps.points import Point
from mtlkit.sweeps.record import check_joins, identity_of, join
from mtlkit.sweeps.report import Report, report
from mtlkit.sweeps.study import SamplerName, check_optuna, check_storage, open_trials
from mtlkit.sweeps.sweep import Sweep, SweepRun
from mtlkit.sweeps.trials import GridTrials, Trials
from mtlkit.sweeps.worker import work

__all__ = [
    "Axis",
    "Grid",
    "GridTrials",
    "Option",
    "Point",
    "Range",
    "Report",
    "SamplerName",
    "Sweep",
    "SweepRun",
    "Trials",
    "axes_of",
    "check_joins",
    "check_optuna",
    "check_storage",
    "find_axis",
    "identity_of",
    "join",
    "open_trials",
    "parse_grid",
    "parse_range",
    "parse_seeds",
    "plan_sweep",
    "reaching",
    "refuse_repeated",
    "report",
    "shared",
    "work",
]
