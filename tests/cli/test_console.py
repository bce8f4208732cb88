"""What the terminal shows is what the user wrote."""

import pytest
import torch

from mtlkit.cli import console
from mtlkit.cli.console import (
    ConsoleListener,
    say,
    show,
    show_figures,
    show_rows,
    show_sections,
    show_side_by_side,
    table_text,
)
from mtlkit.tables import Cell, Table
from mtlkit.training import Step

ODD = ["[/b]", "[red]", ":smile:", "[link=x]"]


def test_labels_are_no_markup(capsys):
    show_rows(ODD, [ODD[::-1]])
    show_figures({f"{name}/accuracy": 0.5 for name in ["a", *ODD]}, "[/b][red]")
    say(" ".join(ODD))
    shown = capsys.readouterr()
    for name in ODD:
        assert shown.out.count(name) >= 3 and name in shown.err
    assert "[/b][red]" in shown.out


def test_nothing_that_is_shown_acts_on_the_terminal_or_breaks_a_line(capsys):
    name = "a\x1b[2J\x9b\u202e\nall is well\x85\u2028\r"
    say(name)
    show(name)
    show_rows([name], [[name]])
    show_figures({"books/accuracy": 0.5}, name)
    show_side_by_side({name: {"books/accuracy": 0.5}}, name)
    show_sections((name, "", name), {name: [(name, name)]}, name)
    print(table_text(Table(name, [name, name], [[Cell(name), Cell(name)]]), to_file=True))
    said = "".join(capsys.readouterr())
    assert not set("\x1b\x9b\u202e\x85\u2028\r") & set(said)
    assert not [line for line in said.split("\n") if line.startswith("all is well")]
    assert said.count(r"\x1b[2J") >= 10


def test_no_password_is_shown(capsys):
    url = "mysql://me:hunter2@host/db"
    say(f"cannot reach {url}")
    show(f"best: {url}")
    show_rows(["url"], [[url]])
    said = "".join(capsys.readouterr())
    assert said.count("mysql://me:***@host/db") == 3 and "hunter2" not in said


@pytest.mark.parametrize("seconds_per_step", [1, 45])
def test_without_a_terminal_there_is_a_line_every_half_minute(capsys, monkeypatch, seconds_per_step):
    now = 1000.0
    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    listener = ConsoleListener()
    listener.stage(None, epochs=3)
    for number in range(1, 101):
        now += seconds_per_step
        listener.step(Step(1, number, number, 2000, [("books", torch.tensor(0.25)), ("films", torch.tensor(0.5))]))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == (3 if seconds_per_step == 1 else 100)
    assert lines[0] == f"epoch 1/3  films loss 0.500  step {30 if seconds_per_step == 1 else 1} of 2,000"
