"""Killed and gone on with is the same, to the last bit; `make soak` has this at length."""

import json
from pathlib import Path
from typing import Any

import pytest

import mtlkit
from tests.soak.counts import Counts
from tests.soak.kills import differing, soak
from tests.soak.run import LOSSES, is_survived, table
from tests.soak.systems import write_systems


def test_killed_runs_come_to_the_same_bits() -> None:
    counts = soak(0, seed=5, kills=6, systems=3)
    assert not counts.failures, counts.failures
    assert counts.tried == counts.survived >= 6
    assert is_survived(counts)


DEFAULTS = {"joint", "mean", "round_robin"}
"""What most of the systems have without saying so."""


def types_in(value: Any) -> set[str]:
    """Every component's name in an experiment."""
    if isinstance(value, list):
        return {name for item in value for name in types_in(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["type"]} if isinstance(value.get("type"), str) else set()
    return own.union(*map(types_in, value.values()))


@pytest.mark.parametrize(
    "interface",
    [
        mtlkit.SharingScheme,
        mtlkit.UpdateStrategy,
        mtlkit.ModelSelection,
        mtlkit.TaskSampler,
        mtlkit.Optimizer,
        mtlkit.Record,
    ],
)
def test_the_systems_have_every_component(interface: Any, tmp_path: Path) -> None:
    found: set[str] = set()
    systems = write_systems(tmp_path).values()
    found = set().union(*(types_in(json.loads(file.read_text())) for file in systems), DEFAULTS)
    ours = {name for name in interface.list_available() if interface.by_name(name).__module__.startswith("mtlkit.")}
    assert ours <= found


def test_a_difference_is_seen(tmp_path: Path) -> None:
    for name, content in {"left": "1", "right": "2"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "metrics.json").write_text(content)
        (tmp_path / name / "meta.json").write_text(content)
    (tmp_path / "right" / "more").write_text("")
    assert differing(tmp_path / "left", tmp_path / "left") == []
    assert differing(tmp_path / "left", tmp_path / "right") == ["metrics.json differs", "more differs"]


def test_what_was_not_survived_fails_the_soak() -> None:
    assert is_survived(Counts(tried=2, survived=2))
    assert not is_survived(Counts())
    for lost in LOSSES:
        assert not is_survived(Counts(tried=2, survived=2, **{lost: 1}))
    assert table({"kills": Counts(tried=1234)}).splitlines()[1].split() == ["kills", "1,234", *"00000000"]
