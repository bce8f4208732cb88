"""Figures as CSV: a spreadsheet computes nothing that stands in them."""

import csv
import io

import pytest

from mtlkit.tables import Cell, Table, csv_text, latex, markdown

CELLS = {
    "=1+2": "'=1+2",
    "+1+2": "'+1+2",
    "-cmd|' /C calc'!A0": "'-cmd|' /C calc'!A0",
    "@SUM(1)": "'@SUM(1)",
    "\t=1": r"'\u0009=1",
    "\r=1": r"'\u000d=1",
    "\n=1": r"'\u000a=1",
    "＝1+2": "'＝1+2",
    "a\x1b[2J": r"a\u001b[2J",
    "-0.25": "-0.25",
    "+1e-05": "+1e-05",
    "good, fine": "good, fine",
}


@pytest.mark.parametrize(("cell", "shown"), CELLS.items())
def test_a_cell_is_no_formula(cell, shown):
    header, row = csv.reader(io.StringIO(csv_text([cell], [[cell]])))
    assert header == row == [shown]


def test_numbers_keep_their_digits():
    assert csv_text(["a", "b", "c"], [[-0.1 - 0.2, 3, None]]) == "a,b,c\n-0.30000000000000004,3,\n"


def test_names_act_in_no_table():
    """Neither on the terminal that shows a file of Markdown or LaTeX, nor by a line of its own."""
    name = "a\x1b[2J\u202eb\nc"
    table = Table(name, [name], [[Cell(name)]])
    for text in (markdown([table], [name]), latex([table], [name]), table.html()):
        assert not {"\x1b", "\u202e"} & set(text) and "\nc" not in text and text.count("u202e") >= 3
