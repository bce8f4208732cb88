"""Puts the rows of all results, and the curves, into docs/performance.md: `python benchmarks/render.py`.

What stands between the two markers there is made from `results/*.json` alone, so making it again changes nothing. A
result without rows is named below the table. The tables of the cost model go to docs/scale.md, between such markers.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
PAGE = FOLDER.parent / "docs" / "performance.md"
COST_PAGE = PAGE.with_name("scale.md")
BEGIN, END = "<!-- made by benchmarks/render.py: begin -->", "<!-- made by benchmarks/render.py: end -->"
ORDER = (
    "recurrence",
    "lstm",
    "senders",
    "crf",
    "tagger",
    "against_peers",
    "pool",
    "bucketing",
    "characters",
    "word_tables",
    "freed_memory",
    "pretrained",
    "pretrained_peers",
    "reading_ahead",
    "startup",
    "one_file",
    "scaling",
    "records",
    "experiments",
    "report",
    "gpu",
)
"""Results in the order of the table; others follow by name."""
COLUMNS = ("what", "case", "target", "reached", "verdict", "floor")

Result = Mapping[str, Any]


def results(folder: Path) -> dict[str, Result]:
    """The results by the name of their script; those named after a moment, such as `x-before`, are left out."""
    names = sorted(file.stem for file in folder.glob("*.json") if "-" not in file.stem)
    names.sort(key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    return {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in names}


def table(found: Mapping[str, Result]) -> str:
    """The table in Markdown, and below it on what machine each script ran."""
    lines = ["| what | case | target | reached | | over the floor | script |", "|---|---|---|---|---|---|---|"]
    for name, result in found.items():
        for row in result.get("rows", ()):
            cells = [str(row.get(column, "")).replace("|", "\\|") for column in COLUMNS]
            lines.append(f"| {' | '.join(cells)} | {name} |")
    machines: dict[str, list[str]] = {}
    for name, result in found.items():
        if "rows" in result:
            machines.setdefault(describe(result["machine"]), []).append(name)
    lines += ["", *(f"Measured on {machine}: {', '.join(names)}." for machine, names in machines.items())]
    if others := [name for name, result in found.items() if "rows" not in result]:
        lines.append(f"Without rows: {', '.join(others)}.")
    return "\n".join(lines)


CURVE = """```mermaid
xychart-beta
    title "{title}"
    x-axis "{size}" [{sizes}]
    y-axis "milliseconds per step" 0 --> {top:.0f}
    line [{milliseconds}]
```"""


def curves(found: Mapping[str, Result]) -> str:
    """A drawing of each curve, for viewers of Markdown that know Mermaid; the others show its points."""
    drawings = []
    for result in found.values():
        for curve in result.get("curves", ()):
            name, size = curve["curve"].rsplit(", ", 1)
            points = {number: time["median"] for number, time in curve["milliseconds"].items()}
            drawings.append(
                CURVE.format(
                    title=f"{name} ({curve['rest']})",
                    size=size,
                    sizes=", ".join(points),
                    top=1.1 * max(points.values()),
                    milliseconds=", ".join(f"{time:.4g}" for time in points.values()),
                )
            )
    return "\n\n".join(drawings)


def describe(machine: Mapping[str, Any]) -> str:
    """What the figures depend on, in a line."""
    parts = [
        machine.get("accelerator"),
        f"{machine['processor']}, {machine['cores']} cores",
        machine.get("vectors"),
        f"torch {machine['torch']}",
    ]
    return ", ".join(part for part in parts if part) + f", {machine['made'][:10]}"


def rendered(page: str, found: Mapping[str, Result]) -> str:
    """The page with table and curves between its markers."""
    return between_markers(page, "\n\n".join(filter(None, (table(found), curves(found)))), PAGE)


def between_markers(page: str, made: str, file: Path) -> str:
    """The page with what was made between its markers.

    Raises:
        SystemExit: the page has no markers.
    """
    if BEGIN not in page or END not in page:
        raise SystemExit(f"{file}: lacks the lines {BEGIN} and {END}")
    before, rest = page.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{made}\n{END}{rest.split(END, 1)[1]}"


def printed(found: Mapping[str, Result]) -> str:
    """The table for a terminal, columns aligned."""
    rows = [
        [str(row.get(column, "")) for column in COLUMNS] for result in found.values() for row in result.get("rows", ())
    ]
    return "\n".join(_aligned([list(COLUMNS), *rows]))


def _aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def main() -> None:
    """Prints the table and writes the pages."""
    found = results(FOLDER / "results")
    print(printed(found))
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    costs = between_markers(COST_PAGE.read_text(encoding="utf-8"), found["cost_model"]["page"], COST_PAGE)
    COST_PAGE.write_text(costs, encoding="utf-8")
    print(f"wrote {PAGE} and {COST_PAGE}", file=sys.stderr)


if __name__ == "__main__":
    main()
