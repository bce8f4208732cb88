"""What the terminal shows is what the user wrote."""

import pytest
import torch

from mtlkit.cli import console
from mtlkit.cli.console import ConsoleListener, say, show_figures, show_rows
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
