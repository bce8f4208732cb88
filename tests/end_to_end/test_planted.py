"""Tasks with known relations: systems learn the rules, and what is measured of them is what is there."""

import json
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from mtlkit.archive import open_archive

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
RULES = {"a1": "a", "a2": "a", "b": "b"}


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleType]:
    """The two scripts, imported as they import each other."""
    monkeypatch.syspath_prepend(str(EXPERIMENTS))
    names = ("planted_table", "planted_claims")
    modules = tuple(import_module(name) for name in names)
    for name in names:
        sys.modules.pop(name)
    return modules  # type: ignore[return-value]


def train(run: Any, folder: Path, tasks: list[str], *options: str) -> dict[str, Any]:
    """Trains some tasks of `planted.jsonnet` on an easier world of ten words; its final figures."""
    only = json.dumps(tasks)
    easier = [word for task in tasks for word in ("-o", f"tasks.{task}.reader.num_words=10")]
    result = run("train", EXPERIMENTS / "planted.jsonnet", "-s", folder, "--tla", f"only={only}", *easier, *options)
    assert result.returncode == 0, result.stderr
    figures: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return figures


def test_message_passing_learns_the_rules_and_its_weights_are_measured(run, tmp_path, scripts) -> None:
    """Two tasks of one rule and one of another, 200 sentences each: far better than guessing, which gives a half."""
    table, claims = scripts
    tasks = ["a1", "a2", "b1"]
    larger = [word for task in tasks for word in ("-o", f'tasks.{task}.train="train:200"')]
    figures = train(run, tmp_path / "run", tasks, *larger, "-o", "trainer.epochs=8")
    assert min(figures["test"][f"{task}/accuracy"] for task in tasks) > 0.75
    with open_archive(tmp_path / "run" / "archive.tar.gz", torch.device("cpu")) as archive:
        heard = table.structure(archive)["heard"]
    assert {task: sorted(weights) for task, weights in heard.items()} == {
        task: [sender for sender in tasks if sender != task] for task in tasks
    }
    assert all(sum(weights.values()) == pytest.approx(1, abs=1e-5) for weights in heard.values())
    rules = {"a1": "a", "a2": "a", "b1": "b"}
    seed = claims.Seed([{"system": "direct", "pair": False, "rules": rules, "heard": heard}])
    assert seed.concentration("direct") == pytest.approx(heard["a1"]["a2"] + heard["a2"]["a1"])


def test_a_pool_along_the_known_paths_learns_them_too(run, tmp_path, scripts) -> None:
    """`low` and `high` share a module; what is measured are the paths that the experiment names."""
    table, _ = scripts
    figures = train(run, tmp_path / "run", ["high", "low"], "--tla-str", "sharing=pool_known")
    assert figures["test"]["low/token_accuracy"] > 0.9 and figures["test"]["high/accuracy"] > 0.75
    assert table.accuracies(figures["test"]) == {
        "high": figures["test"]["high/accuracy"],
        "low": figures["test"]["low/token_accuracy"],
    }
    with open_archive(tmp_path / "run" / "archive.tar.gz", torch.device("cpu")) as archive:
        found = table.structure(archive)
    assert found == {"paths": {"high": [2], "low": [2]}, "entropies": {"high": 0, "low": 0}}


def test_a_source_that_is_none_is_told_with_its_place(run) -> None:
    result = run("check", EXPERIMENTS / "planted.jsonnet", "-o", 'tasks.high.dev="valid:3"')
    assert result.returncode == 2
    assert "planted.jsonnet: tasks.high.dev: no split of a planted task: 'valid:3'; write train, dev, test" in (
        result.stderr
    )
    result = run("check", EXPERIMENTS / "planted.jsonnet", "-o", "tasks.a1.reader.num_words=4")
    assert result.returncode == 2
    assert "planted.jsonnet: tasks.a1.reader.num_words: should be greater than or equal to 5" in result.stderr


def test_weights_heard_are_compared_with_equal_ones(scripts) -> None:
    _, claims = scripts
    alike = {task: {sender: 0.5 for sender in RULES if sender != task} for task in RULES}
    known = {"a1": {"a2": 1.0, "b": 0.0}, "a2": {"a1": 1.0, "b": 0.0}, "b": {"a1": 0.9, "a2": 0.1}}
    for heard, concentration in ((alike, 1.0), (known, 2.0)):
        seed = claims.Seed([{"system": "direct", "pair": False, "rules": RULES, "heard": heard}])
        assert seed.concentration("direct") == concentration  # `b` has no relative and does not count


def test_a_ranking_of_senders_is_told_from_a_choice_of_relatives(scripts) -> None:
    """Everybody hears `c` most, and nobody else more than another; or each hears one other, and all are heard alike."""
    _, claims = scripts
    popular = {"a": {"b": 0.2, "c": 0.8}, "b": {"a": 0.2, "c": 0.8}, "c": {"a": 0.5, "b": 0.5}}
    ring = {"a": {"b": 1.0, "c": 0.0}, "b": {"a": 0.0, "c": 1.0}, "c": {"a": 1.0, "b": 0.0}}
    shares = [
        claims.Seed([{"system": "direct", "pair": False, "heard": heard}]).ranking("direct")
        for heard in (popular, ring)
    ]
    assert shares == [pytest.approx((2 * 0.3**2 + 2 * 2 * 0.15**2) / (4 * 0.3**2)), 0]


def test_a_uniform_policy_has_not_decided(scripts) -> None:
    _, claims = scripts
    for share in (0, 0.5, 1):
        entropies = {"a": share * claims.UNIFORM, "b": share * claims.UNIFORM}
        seed = claims.Seed([{"system": "pool", "pair": False, "entropies": entropies}])
        assert seed.decided("pool") == pytest.approx(1 - share)


def test_a_seed_without_a_run_has_no_figure(scripts) -> None:
    _, claims = scripts
    seeds = [claims.Seed([]), claims.Seed([{"system": "x", "pair": False, "entropies": {"a": 0.0}}])]
    assert claims.Claim("`x`", lambda seed: seed.decided("x")).row(seeds) == "| `x` | - | +1.0 | +1.0 | 1 of 1 |"


def test_paths_are_compared_module_by_module(scripts) -> None:
    _, claims = scripts
    paths = {"a1": [0, 1], "a2": [1, 1], "b": [2, 0]}
    seed = claims.Seed([{"system": "pool", "pair": False, "rules": RULES, "paths": paths}])
    assert seed.overlap("pool", related=True) == 1 / 2
    assert seed.overlap("pool", related=False) == (1 / 3 + 0) / 2


def test_a_claim_is_counted_where_its_figure_is_above_the_bound(scripts) -> None:
    _, claims = scripts
    claim = claims.Claim("`x`", lambda seed: seed, above=1.0, form="{:.1f}")
    assert claim.row([0.5, 1.0, 1.5]) == "| `x` | 0.5 | 1.0 | 1.5 | 1.0 | 1 of 3 |"
