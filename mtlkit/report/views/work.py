"""What was read and computed: texts that were left out, padding, words, time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, final

from matplotlib.figure import Figure

from mtlkit.report.analysis.facts import duration, items, seconds_of, texts
from mtlkit.report.charts.drawing import label, mark, name_rows
from mtlkit.report.charts.theme import ACCENT, INK, MUTED
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Cell, Chart, Part, Section, Table
from mtlkit.report.templating import sentences, titled

NAMES = {
    "tokens": "words",
    "padded_tokens": "words with padding",
    "module_passes": "passes through modules",
    "separate_module_passes": "passes if each path ran alone",
    "split_batches": "batches in parts, for lack of memory",
}


@final
@dataclass(frozen=True)
class Stage:
    """What was counted over a stage of training."""

    name: str
    epochs: int
    work: Counter[str]

    @property
    def padding(self) -> float:
        """The share of places in batches that were filled up."""
        return 1 - self.work["tokens"] / self.work["padded_tokens"] if self.work["padded_tokens"] else 0.0


def section(evidence: Evidence) -> Section | None:
    """Padding, work and texts that were left out; None where neither texts nor work were recorded."""
    stages = _stages(evidence.log)
    parts: list[Part] = [_chart(stages), _work(stages)] if stages else []
    left_out = _left_out(evidence)
    parts += left_out + _odd(evidence.log, (evidence.metrics or {}).get("notes", []))
    said = sentences(
        "work",
        are_counted=bool(texts(evidence)),
        are_left_out=bool(left_out),
        words=sum(stage.work["tokens"] for stage in stages),
        seconds=seconds_of(evidence),
        duration=duration(evidence),
    )
    return Section("work", "Work", said, parts) if parts else None


def _stages(log: Sequence[Mapping[str, Any]]) -> list[Stage]:
    """The stages in which work was counted."""
    epochs: Counter[str] = Counter()
    work: dict[str, Counter[str]] = {}
    for line in log:
        name = str(line.get("stage", "training"))
        epochs[name] += 1
        work.setdefault(name, Counter()).update({kind: int(count) for kind, count in items(line.get("work"))})
    return [Stage(name, epochs[name], counted) for name, counted in work.items() if counted]


def _chart(stages: Sequence[Stage]) -> Chart:
    data = Table(("stage", "padding"), tuple((stage.name, stage.padding) for stage in stages))
    return Chart(*titled("padding"), data, partial(_draw, stages), height=0.8 + 0.3 * len(stages))


def _draw(stages: Sequence[Stage], figure: Figure) -> None:
    axes = figure.add_subplot()
    for place, stage in enumerate(stages):
        padding = 100 * stage.padding
        (words,) = axes.barh(place, 100 - padding, height=0.55, color=ACCENT)
        (filled,) = axes.barh(
            place, padding, height=0.55, left=100 - padding, fill=False, edgecolor=MUTED, hatch="////"
        )
        mark(words, f"{stage.name}: {100 - padding:.1f} % words")
        mark(filled, f"{stage.name}: {padding:.1f} % padding")
    name_rows(axes, [label(stage.name) for stage in stages], color=INK)
    axes.set_xlim(0, 100)
    axes.set_xlabel("percent of places")


def _work(stages: Sequence[Stage]) -> Table:
    """A table of the work of each stage."""
    names = dict.fromkeys(chain.from_iterable(stage.work for stage in stages))
    titles = (NAMES.get(name, name.replace("_", " ")) for name in names)
    rows = tuple(
        (stage.name, stage.epochs, f"{100 * stage.padding:.1f} %", *map(stage.work.get, names)) for stage in stages
    )
    return Table(("stage", "epochs", "padding", *titles), rows, "Counted over training")


def _left_out(evidence: Evidence) -> list[Part]:
    """A table with a row for each task and split of which texts were left out; empty where there are none."""
    rows: list[tuple[Cell, ...]] = []
    for task, splits in texts(evidence).items():
        for split, counts in splits.items():
            if counts["used"] < counts["read"]:
                reasons = "; ".join(f"{number:,} {reason}" for reason, number in counts["skipped"].items())
                rows.append((task, split, counts["read"], counts["used"], reasons))
    return [Table(("task", "split", "texts read", "used", "left out"), tuple(rows), "Texts left out")] if rows else []


def _odd(log: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> list[Part]:
    """A table of steps that were skipped, of parameters without gradients, and of scores that did not move; empty where
    there is nothing of it."""
    rows: list[tuple[Cell, ...]] = []
    for line in log:
        when = f"{line.get('stage', '')} epoch {line['epoch']}".strip()
        reason = "was left out: its loss or gradient is not finite"
        rows += [(when, f"step {each.get('step')} {reason}") for each in line.get("skipped", [])]
        if idle := line.get("idle"):
            rows.append((when, f"no gradient reached {', '.join(map(str, idle))}"))
        rows += [(when, note) for note in line.get("notes", [])]
    rows += [("end", note) for note in notes]
    return [Table(("when", "what"), tuple(rows), "Worth a look")] if rows else []
