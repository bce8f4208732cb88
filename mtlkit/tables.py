"""Plain tables, and their output as Markdown, LaTeX and HTML."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from statistics import fmean, stdev
from typing import Self

from mtlkit.text import visible

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
LATEX_HEAD = "% needs \\usepackage{booktabs}"
MARKDOWN = {"|": r"\|", "*": r"\*", "_": r"\_", "<": "&lt;", "\\": r"\\"}
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Beginnings of cells that spreadsheets compute, or skip to find such a one."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Cell:
    """One cell of a table."""

    text: str
    best: bool = False
    """Whether the cell is the best of its column, or of its row in tables that compare systems side by side."""


@dataclass(frozen=True)
class Table:
    """A header and rows. The first column names the rows; the others hold figures."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @classmethod
    def of(cls, title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Self:
        """Creates a table of plain text without marked cells."""
        return cls(title, header, [[Cell(text) for text in row] for row in rows])

    def html(self) -> str:
        """Returns the table as HTML, for notebooks."""
        head = "".join(f"<th>{_html(name)}</th>" for name in self.header)
        body = "".join(f"<tr>{''.join(map(_in_html, row))}</tr>" for row in self.rows)
        caption = f"<caption>{_html(self.title)}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def spread(values: Sequence[float]) -> str:
    """Formats the mean ± sample standard deviation of fractions in percent. A single value is shown without a
    deviation.
    """
    percent = [100 * value for value in values]
    return f"{fmean(percent):.2f}" + (f" ± {stdev(percent):.2f}" if len(percent) > 1 else "")


def mark_best(means: Sequence[float | None]) -> list[bool]:
    """Returns which means are the highest when shown in percent with two decimals. Marks none if there is only one."""
    shown = [None if mean is None else round(100 * mean, 2) for mean in means]
    known = [mean for mean in shown if mean is not None]
    return [len(known) > 1 and mean == max(known) for mean in shown]


def markdown(tables: Iterable[Table], notes: Sequence[str]) -> str:
    """Formats tables as Markdown, each below its title, followed by the notes. Pipes and asterisks in names are
    escaped.
    """
    return "\n\n".join([*map(_markdown, tables), *(_escaped(note, MARKDOWN) for note in notes)]) + "\n"


def latex(tables: Iterable[Table], notes: Sequence[str]) -> str:
    """Formats tables as LaTeX for the booktabs package. The notes become comments."""
    head = [LATEX_HEAD, *(f"% {visible(note)}" for note in notes)]
    return "\n".join([*head, *(line for table in tables for line in _latex(table))]) + "\n"


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Formats rows as CSV, where numbers keep all of their digits and None is an empty cell.

    A text that a spreadsheet would take for a formula, as a task named `-1+2` or a word `=A1`, has an apostrophe before
    it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_in_csv(name) for name in header])
    writer.writerows([_in_csv(cell) for cell in row] for row in rows)
    return text.getvalue()


def _in_csv(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    is_formula = cell.startswith(FORMULA) and not NUMBER.fullmatch(cell)
    return f"'{visible(cell)}" if is_formula else visible(cell)


def markdown_lines(table: Table) -> list[str]:
    """Returns the lines of one table without its title."""
    rows = [[_in_markdown(cell) for cell in row] for row in table.rows]
    header = [_escaped(name, MARKDOWN) for name in table.header]
    rule = ["---", *["---:"] * (len(header) - 1)]
    return [f"| {' | '.join(row)} |" for row in (header, rule, *rows)]


def _markdown(table: Table) -> str:
    return "\n".join([f"**{_escaped(table.title, MARKDOWN)}**", "", *markdown_lines(table)])


def _in_markdown(cell: Cell) -> str:
    text = _escaped(cell.text, MARKDOWN)
    return f"**{text}**" if cell.best else text


def _in_html(cell: Cell) -> str:
    text = _html(cell.text)
    return f"<td>{f'<b>{text}</b>' if cell.best else text}</td>"


def _html(text: str) -> str:
    return escape(visible(text))


def _latex(table: Table) -> Iterator[str]:
    yield r"\begin{table}"
    yield rf"\caption{{{_escaped(table.title, LATEX)}}}"
    yield r"\centering"
    yield rf"\begin{{tabular}}{{l{'r' * (len(table.header) - 1)}}}"
    yield r"\toprule"
    yield _latex_row([_escaped(name, LATEX) for name in table.header])
    yield r"\midrule"
    for row in table.rows:
        yield _latex_row([_in_latex(cell) for cell in row])
    yield r"\bottomrule"
    yield r"\end{tabular}"
    yield r"\end{table}"


def _latex_row(cells: Sequence[str]) -> str:
    # A bracket after \\ would be read as its argument.
    return " & ".join(f"{{{cell}}}" if cell.startswith("[") else cell for cell in cells) + r" \\"


def _in_latex(cell: Cell) -> str:
    text = re.sub(r"(^|[ \[])-(?=\d)", r"\1$-$", _escaped(cell.text, LATEX))  # a minus sign is not a hyphen
    return rf"\textbf{{{text}}}" if cell.best else text


def _escaped(text: str, replacements: dict[str, str]) -> str:
    pattern = "[" + re.escape("".join(replacements)) + "]"
    return re.sub(pattern, lambda found: replacements[found[0]], visible(text.replace("\n", " ")))
