"""What `planted_table.py` writes of its measurements: accuracies, and how often each claim of the papers holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log
from statistics import fmean
from typing import Any, final

Record = Mapping[str, Any]
ALONE = ("alone1", "alone2")
CLUSTERS = ("a1", "a2", "a3", "b1", "b2", "b3")
LISTENING = ("direct", "direct_per_task")
SHARING = (*LISTENING, "direct_known", "pool", "pool_baseline", "pool_known")

UNIFORM = log(6) + log(7)
"""Nats of a uniform policy: six modules, then these or Stop."""

HEADER = """# Planted structure

Written by `{command}` from [runs.json](runs.json), which contains every run.
There are five seeds, each with its own world of [planted.jsonnet](../../../experiments/planted.jsonnet): its own
lexicons, sentences and initial parameters. All systems have the same LSTMs, trainer and epochs; dev data select the
epoch, test data nothing. Settings were chosen in world 101, where test figures were looked at too. An earlier design
(20 words, 30 epochs) had run on seeds 1 and 2 and shown that full sharing costs little; those runs were dropped. So it
is a property of this world that full sharing costs something, and not evidence for the papers. A dash marks a run that
is missing.
Commit {commit}, {processor}, {threads} thread, Python {python}, torch {torch}; {minutes:.0f} minutes of CPU time.
"""


@final
@dataclass(frozen=True)
class Claim:
    """A figure for each seed, and when it speaks for the claim."""

    text: str
    figure: Callable[["Seed"], float]
    above: float = 0.0
    form: str = "{:+.1f}"

    def row(self, seeds: Sequence["Seed"]) -> str:
        """A line of the table; a seed whose run is missing has no figure."""
        figures = [self._figure(seed) for seed in seeds]
        found = [figure for figure in figures if figure is not None]
        holds = f"{sum(figure > self.above for figure in found)} of {len(found)}" if found else "-"
        means = fmean(found) if found else None
        shown = ["-" if figure is None else self.form.format(figure) for figure in (*figures, means)]
        return f"| {' | '.join([self.text, *shown])} | {holds} |"

    def _figure(self, seed: "Seed") -> float | None:
        try:
            return self.figure(seed)
        except KeyError:
            return None


@final
class Seed:
    """The runs of one seed."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.whole = {record["system"]: record for record in records if not record["pair"]}
        self.pair = {record["system"]: record for record in records if record["pair"]}

    def accuracy(self, system: str, tasks: Sequence[str]) -> float:
        """Mean test accuracy of a system over tasks, in percent."""
        return 100 * fmean(self.whole[system]["test"][task] for task in tasks)

    def loss(self, system: str) -> float:
        """Points that the tasks without relatives lose against each task for itself: negative transfer."""
        return self.accuracy("private", ALONE) - self.accuracy(system, ALONE)

    def gain(self, system: str) -> float:
        """Points that the tasks of the clusters gain."""
        return self.accuracy(system, CLUSTERS) - self.accuracy("private", CLUSTERS)

    def gain_from_low(self, system: str) -> float:
        """Points that `high` gains where `low` is the only other task."""
        return 100 * (self.pair[system]["test"]["high"] - self.pair["private"]["test"]["high"])

    def concentration(self, system: str) -> float:
        """How much more weight senders of a task's own rule have than if all were heard alike: 1 is alike."""
        rules, heard = self.whole[system]["rules"], self.whole[system]["heard"]
        ratios = []
        for task, weights in heard.items():
            related = [weights[sender] for sender in weights if rules[sender] == rules[task]]
            if related:
                ratios.append(fmean(related) * len(weights))
        return fmean(ratios)

    def ranking(self, system: str) -> float:
        """Share of the squared deviations from equal weights that a sender has with all receivers alike."""
        heard = self.whole[system]["heard"]
        deviations = {
            sender: [weights[sender] - 1 / len(weights) for weights in heard.values() if sender in weights]
            for sender in heard
        }
        alike = sum(len(each) * fmean(each) ** 2 for each in deviations.values())
        return alike / sum(deviation**2 for each in deviations.values() for deviation in each)

    def decided(self, system: str) -> float:
        """1 for a policy that always takes the same path, 0 for a uniform one; mean over tasks."""
        return 1 - fmean(self.whole[system]["entropies"].values()) / UNIFORM

    def overlap(self, system: str, *, related: bool) -> float:
        """Mean over pairs of tasks of the share that both paths have of the modules on either (Jaccard)."""
        rules, paths = self.whole[system]["rules"], self.whole[system]["paths"]
        pairs = [pair for pair in combinations(paths, 2) if (rules[pair[0]] == rules[pair[1]]) == related]
        return fmean(
            len(set(paths[one]) & set(paths[other])) / len(set(paths[one]) | set(paths[other])) for one, other in pairs
        )


def claims() -> dict[str, list[Claim]]:
    """The claims, by heading; every figure is such that more speaks for the claim."""
    pools = ("pool", "pool_baseline")
    return {
        "Alpha concentrates on related tasks: weight of related senders, 1 if all senders are weighted equally": [
            Claim(f"`{name}`", lambda seed, name=name: seed.concentration(name), above=1.0, form="{:.2f}")
            for name in LISTENING
        ],
        "Why not: all receivers rank senders alike (share of the spread of weights due to this ranking)": [
            Claim(f"`{name}`", lambda seed, name=name: seed.ranking(name), above=0.5, form="{:.2f}")
            for name in LISTENING
        ],
        "Related tasks have overlapping paths, unrelated ones do not: overlap of related minus that of unrelated": [
            Claim(
                f"`{name}`",
                lambda seed, name=name: seed.overlap(name, related=True) - seed.overlap(name, related=False),
                form="{:+.2f}",
            )
            for name in pools
        ],
        "Unrelated tasks have disjoint paths: 1 minus their overlap; more than 0.9 counts as disjoint": [
            Claim(f"`{name}`", lambda seed, name=name: 1 - seed.overlap(name, related=False), 0.9, "{:.2f}")
            for name in pools
        ],
        "Has the controller decided? 1 if it always takes the same path, 0 if uniform; more than 0.5 counts as yes": [
            Claim(f"`{name}`", lambda seed, name=name: seed.decided(name), above=0.5, form="{:.2f}") for name in pools
        ],
        "Full sharing harms tasks without relatives: points lost against `private`": [
            Claim("`fully_shared`", lambda seed: seed.loss("fully_shared"))
        ],
        "Negative transfer shrinks: points lost by full sharing minus points lost here, tasks without relatives": [
            Claim(f"`{name}`", lambda seed, name=name: seed.loss("fully_shared") - seed.loss(name)) for name in SHARING
        ],
        "Related tasks help each other: points gained by the clusters against `private`": [
            Claim(f"`{name}`", lambda seed, name=name: seed.gain(name)) for name in ("fully_shared", *SHARING)
        ],
        "`high` gains from `low`, these two trained together: points gained against `private`": [
            Claim(f"`{name}`", lambda seed, name=name: seed.gain_from_low(name))
            for name in ("fully_shared", "hierarchical", "direct")
        ],
    }


def page(result: Mapping[str, Any]) -> str:
    """The page, in Markdown."""
    records = result["records"]
    numbers = sorted({record["seed"] for record in records})
    seeds = [Seed([record for record in records if record["seed"] == number]) for number in numbers]
    minutes = sum(record["cpu_seconds"] for record in records) / 60
    header = HEADER.format(**{**result, "commit": result["git"]["commit"][:12], "minutes": minutes})
    return "\n".join([header, *accuracies(seeds), *checks(seeds, numbers)]) + "\n"


def accuracies(seeds: Sequence[Seed]) -> list[str]:
    """Test accuracy of each system, mean over the seeds that have it."""
    groups = {"clusters": CLUSTERS, "high": ("high",), "low (words)": ("low",), "alone": ALONE}
    lines = ["## Test accuracy, mean over seeds", "", f"| system | {' | '.join(groups)} | seeds | CPU s per run |"]
    lines.append("| --- |" + " ---: |" * (len(groups) + 2))
    for system in dict.fromkeys(system for seed in seeds for system in seed.whole):
        trained = [seed for seed in seeds if system in seed.whole]
        means = [f"{fmean(seed.accuracy(system, tasks) for seed in trained):.1f}" for tasks in groups.values()]
        seconds = fmean(seed.whole[system]["cpu_seconds"] for seed in trained)
        lines.append(f"| `{system}` | {' | '.join(means)} | {len(trained)} | {seconds:.0f} |")
    return [*lines, ""]


def checks(seeds: Sequence[Seed], numbers: Sequence[int]) -> list[str]:
    """Each claim with its figure for each seed."""
    lines = ["## Claims", ""]
    for heading, rows in claims().items():
        columns = " | ".join(f"seed {number}" for number in numbers)
        lines += [f"### {heading}", "", f"| system | {columns} | mean | holds |"]
        lines += ["| --- |" + " ---: |" * (len(numbers) + 2), *(claim.row(seeds) for claim in rows), ""]
    return lines[:-1]
