"""What tables are made of, and the arguments by which experiments take the settings of a paper.

The arguments of a row are those of `mtlkit train`: `--tla-str` chooses among what an experiment file offers, and `-o`
overrides a single setting.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class TableRow:
    """A row: `paper` is its average in a paper, in percent."""

    name: str
    title: str
    file: str
    arguments: tuple[str, ...] = ()
    paper: str = "-"


@dataclass(frozen=True)
class PaperTable:
    """Rows that share tasks and trainer."""

    title: str
    metric: str
    """What is averaged over the tasks, and shown for each."""
    systems: tuple[TableRow, ...]
    metrics: Mapping[str, str] = field(default_factory=dict)
    """By task, what is shown in place of averages, where the tasks' metrics differ."""
    figure: str = ""
    """A figure of the table beside its page."""


COMMON = ("--tla-str", "preset=common")
LIU = ("--tla-str", "preset=paper")
CHEN = ("--tla-str", "preset=chen")
