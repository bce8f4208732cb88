"""Output on a terminal: a progress bar, or plain lines where there is no terminal, and tables of figures."""

import errno
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from mtlkit.figures import AVERAGE, Figure, summary_of
from mtlkit.redaction import redacted
from mtlkit.text import on_one_line

if TYPE_CHECKING:
    from mtlkit.runs import Profile
    from mtlkit.runs.inspection import Inspection
    from mtlkit.tables import Table as TextTable
    from mtlkit.training import EpochEnd, Step

# A user's `[b]` and `:smile:` are text, in cells and titles as well.
messages = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
WIDTH = None if sys.stdout and sys.stdout.isatty() else 140
results = Console(highlight=False, soft_wrap=True, markup=False, emoji=False, width=WIDTH)
wide = Console(highlight=False, soft_wrap=True, markup=False, emoji=False, width=10_000, color_system=None)
REFRESH_SECONDS = 0.5
LINE_SECONDS = 30.0


def say(line: str) -> None:
    """Prints a line about the work in progress to standard error, unless its terminal has been closed."""
    with _unless_closed():
        messages.print(shown(line))


@contextmanager
def _unless_closed() -> Iterator[None]:
    """Ignores that the terminal of standard error has been closed, which is no reason for the work to fail."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise


def show(line: str) -> None:
    """Prints a line of a result to standard output."""
    results.print(shown(line))


def shown(text: str) -> str:
    """A line or a cell as it is printed: it stays on one line, moves no cursor, and has no passwords.

    Labels, names and paths may come from a stranger's archive or run. Whatever is printed goes through here.
    """
    return on_one_line(redacted(text))


@final
class ConsoleListener:
    """Shows a run's progress: a line per epoch, and within an epoch a bar on a terminal, or else occasional lines."""

    def __init__(self) -> None:
        self.epochs = 0
        self.started = time.monotonic()
        self.shown = self.started
        self.bar: Progress | None = None
        self.bar_task = TaskID(0)

    def stage(self, name: str | None, epochs: int) -> None:
        """Prints which stage begins, if there are several."""
        self.epochs = epochs
        if name is not None:
            say(f"stage {name}")

    def step(self, step: "Step") -> None:
        """Moves the bar or prints a line. Losses are not read at every step, since this waits for the device."""
        now = time.monotonic()
        if now - self.shown < (REFRESH_SECONDS if messages.is_terminal else LINE_SECONDS):
            return
        self.shown = now
        task, loss = step.losses[-1]
        label = f"epoch {step.epoch}/{self.epochs}  {task} loss {float(loss):.3f}"
        if not messages.is_terminal:
            say(f"{label}  step {step.step_in_epoch:,} of {step.steps_per_epoch:,}")
            return
        if self.bar is None:
            self.bar = _new_bar()
            self.bar_task = self.bar.add_task("", total=step.steps_per_epoch)
            with _unless_closed():
                self.bar.start()
        self.bar.update(self.bar_task, completed=step.step_in_epoch, description=shown(label))

    def epoch(self, end: "EpochEnd") -> None:
        """Prints the epoch's line."""
        self._stop_bar()
        loss = sum(end.losses.values()) / max(1, len(end.losses))
        shares = {name.replace("_", " "): share for name, share in end.shares.items()}
        figures = {**_averages(end.dev, "dev"), **_averages(end.test, "test"), **shares}
        scores = "  ".join(f"{name} {value:.2%}" for name, value in figures.items())
        seconds = time.monotonic() - self.started
        self.started = time.monotonic()
        mark = "  *" if end.improved else ""
        say(f"epoch {end.epoch}/{self.epochs}  loss {loss:.4f}  {scores}  {seconds:.0f} s{mark}")

    def close(self) -> None:
        """Removes the bar."""
        self._stop_bar()

    def _stop_bar(self) -> None:
        if self.bar is not None:
            with _unless_closed():
                self.bar.stop()
            self.bar = None


def show_figures(figures: Mapping[str, float], title: str) -> None:
    """Prints figures, given by name, to standard output as a table in percent, with a row for each task."""
    if not figures:
        return
    from mtlkit.runs import score_table

    found = score_table(figures, title)
    table = _table(found.header, 1, found.title)
    for row in found.rows:
        table.add_row(*(shown(cell.text) for cell in row))
    results.print(table)


def show_side_by_side(figures: Mapping[str, Mapping[str, float]], title: str) -> None:
    """Prints the figures of each archive, given by name, to standard output in percent, with a column per archive."""
    by_task: dict[str, dict[Figure, None]] = {}  # in the order in which tasks and metrics are first met
    for figure in (Figure.parse(name) for each in figures.values() for name in each):
        by_task.setdefault(figure.task, {})[figure] = None
    if AVERAGE in by_task:
        by_task[AVERAGE] = by_task.pop(AVERAGE)
    sections = {}
    for task, of_task in by_task.items():
        values = {figure: [each.get(str(figure)) for each in figures.values()] for figure in of_task}
        sections[task] = [
            (figure.label, *("" if value is None else f"{value:.2%}" for value in row))
            for figure, row in values.items()
        ]
    show_sections(("task", "metric", *figures), sections, title, justify="right")


def show_sections(
    header: Sequence[str],
    sections: Mapping[str, Sequence[Sequence[str]]],
    title: str | None = None,
    justify: Literal["left", "right"] = "left",
) -> None:
    """Prints rows in sections to standard output; a section is named once, in the first column."""
    table = _table(header, 2, title, justify, overflow="fold")
    for section, rows in sections.items():
        for number, row in enumerate(rows):
            table.add_row("" if number else shown(section), *map(shown, row), end_section=number == len(rows) - 1)
    results.print(table)


def show_rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table of text to standard output."""
    table = Table(*map(shown, header))
    for row in rows:
        table.add_row(*map(shown, row))
    results.print(table)


def table_text(table: "TextTable", to_file: bool) -> str:
    """The text of a table: for a terminal with bold cells and at its width, for a file plain and at full width."""
    console = wide if to_file or not results.is_terminal else results
    drawn = _table(table.header, 1, table.title, overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(shown(cell.text), style="bold" if cell.best else "") for cell in row))
    with console.capture() as captured:
        console.print(drawn)
    return captured.get()


def show_inspection(inspection: "Inspection") -> None:
    """Prints the facts about the model that `check --data` and `train --dry-run` report."""
    header = ("task", "texts " + "/".join(inspection.tasks[0].sizes), "parameters", "shared", "private")
    rows = []
    for task in inspection.tasks:
        counts = (task.parameters, task.shared_parameters, task.private_parameters)
        sizes = "/".join(f"{size:,}" for size in task.sizes.values())
        rows.append((task.name, sizes, *(f"{count:,}" for count in counts)))
    show_rows(header, rows)
    for task in inspection.tasks:
        path = " -> ".join(f"{part.name} {part.shape}".strip() for part in task.path)
        show(f"path of {task.name}: {path}")
    show(f"parameters: {inspection.parameters:,}; one epoch: {inspection.steps_per_epoch:,} steps")
    show(
        f"memory estimate for training: {inspection.memory_bytes / 2**20:,.0f} MiB "
        f"(weights, gradients and optimiser {inspection.state_bytes / 2**20:,.0f}, "
        f"activations of the longest batch {inspection.activation_bytes / 2**20:,.0f})"
    )


def show_profile(profile: "Profile", directory: Path) -> None:
    """Prints how the time of a stage was spent."""
    rows = [
        (name, f"{seconds:.2f}", f"{profile.shares[name]:.1%}")
        for name, seconds in sorted(profile.seconds.items(), key=lambda item: -item[1])
    ]
    show_rows((profile.stage or "section", "seconds", "share"), rows)
    show(
        f"{profile.steps:,} steps, {profile.tokens_per_second:,.0f} words a second of training, "
        f"{profile.padding:.1%} of batches padding"
    )
    if profile.trace:
        show(f"trace: {directory / profile.trace}")


def _table(
    header: Sequence[str],
    names: int,
    title: str | None,
    justify: Literal["left", "right"] = "right",
    overflow: Literal["fold", "ellipsis"] = "ellipsis",
) -> Table:
    """An empty table, whose first columns, `names` in number, name the rows."""
    table = Table(*map(shown, header[:names]), title=title and shown(title), title_justify="left")
    for name in header[names:]:
        table.add_column(shown(name), justify=justify, overflow=overflow)
    return table


def _averages(figures: Mapping[str, float], split: str) -> dict[str, float]:
    return {f"{split} {name}": value for name, value in summary_of(figures).items()}


def _new_bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=messages, transient=True)
