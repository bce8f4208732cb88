"""The verb `diff`, which reports how two runs or archives differ."""

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mtlkit.cli.libraries import load_libraries

if TYPE_CHECKING:
    from mtlkit.comparison.differences import ComparedFact

RunOrArchive = Annotated[Path, typer.Argument(help="Directory of a run, or an archive.", metavar="RUN")]
Format = Literal["terminal", "json"]
MOST_SHOWN = 1_000
"""The number of facts of a section that a terminal is shown; a stranger's run may have any number."""


def diff(
    left: RunOrArchive,
    right: RunOrArchive,
    everything: Annotated[bool, typer.Option("--all", help="Also show what is the same.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="terminal or json.")] = "terminal",
) -> None:
    """Tell what two runs or archives differ in: settings, arguments, data, versions, machine, scores.

    The exit code is 0 where they are the same but for when and where they ran, and 1 where they differ.
    """
    from mtlkit.on_disk.archives import check_archive_unless_folder

    for path in (left, right):
        check_archive_unless_folder(path)
    load_libraries()
    from mtlkit.cli.console import say
    from mtlkit.comparison.differences import SCORES, compare_facts, facts_of

    facts = {path: facts_of(path) for path in (left, right)}
    for path in facts:
        if not facts[path][SCORES]:
            say(f"{path}: keeps no scores, as a finished run's directory does; they are not compared")
    rows = compare_facts(facts[left], facts[right])
    differing = [row for row in rows if row.differs]
    shown = rows if everything else differing
    if format_ == "json":
        sections = groupby(shown, lambda row: row.section)
        print(
            json.dumps(
                {section: {row.name: dict(row.values) for row in found} for section, found in sections}, indent=2
            )
        )
    elif shown:
        _show(shown, left, right)
    if differing:
        raise typer.Exit(1)
    say(f"{left} and {right}: no differences")


def _show(rows: "Sequence[ComparedFact]", left: Path, right: Path) -> None:
    from mtlkit.cli.console import show_sections

    sections = {}
    for section, found in groupby(rows, lambda row: row.section):
        facts = list(found)
        sections[section] = [
            (row.name, *(_text(row, side) for side in ("left", "right"))) for row in facts[:MOST_SHOWN]
        ]
        if len(facts) > MOST_SHOWN:
            sections[section].append((f"and {len(facts) - MOST_SHOWN:,} more, which --format json has", "", ""))
    show_sections(("", "", str(left), str(right)), sections)


def _text(row: "ComparedFact", side: str) -> str:
    """A value as text: shares in percent, unless that hides the difference, and digests shortened."""
    from mtlkit.comparison.differences import SCORES

    if side not in row.values:
        return ""
    value: Any = row.values[side]
    if row.section == "data":
        return str(value)[:12]
    if row.section == SCORES and isinstance(value, float):
        percent = [f"{each:.2%}" for each in row.values.values()]
        return repr(value) if row.differs and len(set(percent)) == 1 < len(percent) else f"{value:.2%}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
