"""What was read and computed: texts that were left out, padding, words, time."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.figure import Figure

from mtlkit.report.analysis.facts import duration, items, seconds_of, texts
from mtlkit.report.charts.drawing import label, mark, name_rows
from mtlkit.report.charts.theme import ACCENT, INK, MUTED
from mtlkit.report.evidence import Evidence
from mtlkit.report.parts import Cell, Chart, Section, Table


def section(evidence: Evidence) -> Section | None:
    """Padding, work and texts that were left out; None where neither texts nor work were recorded."""
    by_stage = _by_stage(evidence.log)
    worked = {name: lines for name, lines in by_stage.items() if any(line.get("work") for line in lines)}
    parts: list[Chart | Table] = []
    if worked:
        parts += [_chart(worked), _work(worked)]
    if left_out := _left_out(evidence):
        parts.append(left_out)
    if odd := _odd(evidence.log, (evidence.metrics or {}).get("notes", [])):
        parts.append(odd)
    return Section("work", "Work", _lead(evidence, worked), parts) if parts else None


def _lead(evidence: Evidence, worked: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    lead = (
        "Texts of like length are put into one batch, and shorter ones are filled up; what was filled up was computed "
        "in vain."
    )
    if texts(evidence):
        lead += (
            " Texts that were left out are counted with the reason."
            if _left_out(evidence)
            else " No text was left out."
        )
    seconds = seconds_of(evidence)
    words = sum(_sums(lines).get("tokens", 0) for lines in worked.values())
    if seconds and words:
        lead += (
            f" From beginning to end the run took {duration(evidence)}, which is {words / seconds:,.0f} words of "
            "training a second, reading, scoring and pauses included."
        )
    return lead


def _chart(worked: Mapping[str, Sequence[Mapping[str, Any]]]) -> Chart:
    shares = {name: _padding(_sums(lines)) for name, lines in worked.items()}
    return Chart(
        name="padding",
        title="Padding",
        caption="Of all places in batches of training, those with words and, hatched, those that were filled up.",
        data=Table(("stage", "padding"), tuple((name, share) for name, share in shares.items())),
        draw=partial(_draw, shares),
        height=0.8 + 0.3 * len(shares),
    )


def _draw(shares: Mapping[str, float], figure: Figure) -> None:
    axes = figure.add_subplot()
    names = list(shares)
    for place, name in enumerate(names):
        padding = 100 * shares[name]
        (words,) = axes.barh(place, 100 - padding, height=0.55, color=ACCENT)
        (filled,) = axes.barh(
            place, padding, height=0.55, left=100 - padding, fill=False, edgecolor=MUTED, hatch="////"
        )
        mark(words, f"{name}: {100 - padding:.1f} % words")
        mark(filled, f"{name}: {padding:.1f} % padding")
    name_rows(axes, list(map(label, names)), color=INK)
    axes.set_xlim(0, 100)
    axes.set_xlabel("percent of places")


def _work(worked: Mapping[str, Sequence[Mapping[str, Any]]]) -> Table:
    """A table of the work of each stage."""
    names = list(dict.fromkeys(name for lines in worked.values() for line in lines for name in line.get("work", {})))
    rows = []
    for stage, lines in worked.items():
        sums = _sums(lines)
        padding = f"{100 * _padding(sums):.1f} %"
        rows.append((stage, len(lines), padding, *(sums.get(name) for name in names)))
    titles = (NAMES.get(name, name.replace("_", " ")) for name in names)
    return Table(("stage", "epochs", "padding", *titles), tuple(rows), "Counted over training")


NAMES = {
    "tokens": "words",
    "padded_tokens": "words with padding",
    "module_passes": "passes through modules",
    "separate_module_passes": "passes if each path ran alone",
    "split_batches": "batches in parts, for lack of memory",
}


def _left_out(evidence: Evidence) -> Table | None:
    """A table with a row for each task and split of which texts were left out."""
    rows: list[tuple[Cell, ...]] = []
    for task, splits in texts(evidence).items():
        for split, counts in splits.items():
            if counts["used"] < counts["read"]:
                reasons = "; ".join(f"{number:,} {reason}" for reason, number in counts["skipped"].items())
                rows.append((task, split, counts["read"], counts["used"], reasons))
    return Table(("task", "split", "texts read", "used", "left out"), tuple(rows), "Texts left out") if rows else None


def _odd(log: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> Table | None:
    """A table of steps that were skipped, of parameters without gradients, and of scores that did not move."""
    rows: list[tuple[Cell, ...]] = []
    for line in log:
        when = f"{line.get('stage', '')} epoch {line['epoch']}".strip()
        reason = "was left out: its loss or gradient is not finite"
        rows += [(when, f"step {each.get('step')} {reason}") for each in line.get("skipped", [])]
        if idle := line.get("idle"):
            rows.append((when, f"no gradient reached {', '.join(map(str, idle))}"))
        rows += [(when, note) for note in line.get("notes", [])]
    rows += [("end", note) for note in notes]
    return Table(("when", "what"), tuple(rows), "Worth a look") if rows else None


def _by_stage(log: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    stages: dict[str, list[Mapping[str, Any]]] = {}
    for line in log:
        stages.setdefault(str(line.get("stage", "training")), []).append(line)
    return stages


def _sums(lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {"tokens": 0, "padded_tokens": 0}
    for line in lines:
        for name, count in items(line.get("work")):
            sums[name] = sums.get(name, 0) + int(count)
    return sums


def _padding(sums: Mapping[str, int]) -> float:
    """The share of places in batches that were filled up."""
    return 1 - sums["tokens"] / sums["padded_tokens"] if sums["padded_tokens"] else 0.0
