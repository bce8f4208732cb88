"""Sections on mixtures: how much tasks take of each other's states, layer by layer, and how that went over training."""

from collections.abc import Mapping, Sequence

from mtlkit.report.charts.grid import grid_chart
from mtlkit.report.charts.over_training import by_epoch, most_moved, over_training
from mtlkit.report.evidence import Epoch, Evidence, of_kind, summaries_by_epoch
from mtlkit.report.parts import Chart, Part, Section
from mtlkit.report.templating import sentences, titled
from mtlkit.sharing.summaries import MixtureSummary

MOST_LAYERS = 6
MOST_PAIRS = 12


def section(evidence: Evidence) -> Section | None:
    """The coefficients of each layer and their course; None where no task has a mixture."""
    mixtures = of_kind(evidence.summaries, MixtureSummary)
    if not mixtures:
        return None
    layers = max(len(mixture.weights_LK) for mixture in mixtures.values())
    parts: list[Part] = [_layer(mixtures, layer) for layer in range(min(layers, MOST_LAYERS))]
    return Section("mixtures", "Mixtures", sentences("mixtures"), parts + _course(evidence.course))


def _layer(mixtures: Mapping[str, MixtureSummary], layer: int) -> Chart:
    sources = list(dict.fromkeys(source for mixture in mixtures.values() for source in mixture.tasks))
    taken = [
        dict(zip(mixture.tasks, mixture.weights_LK[layer], strict=True)) if layer < len(mixture.weights_LK) else {}
        for mixture in mixtures.values()
    ]
    name, title, caption = titled("mixture-layer", layer=layer + 1)
    return grid_chart(
        f"{name}-{layer + 1}",
        title,
        caption,
        list(mixtures),
        sources,
        [[row.get(source) for source in sources] for row in taken],
        heads=("task", "source", "coefficient"),
        columns_are="task takes of …",
        sentence="{} takes of {}: {:.2f}".format,
        largest=max(abs(number) for mixture in mixtures.values() for row in mixture.weights_LK for number in row),
    )


def _course(course: Sequence[Epoch]) -> list[Part]:
    """Charts of the means over layers; none where there are fewer than two epochs."""
    found = list(summaries_by_epoch(course, MixtureSummary))
    if len(found) < 2:
        return []
    epochs = [epoch for epoch, _ in found]
    pairs = by_epoch(
        [
            ((task, source), sum(row[column] for row in mixture.weights_LK) / (len(mixture.weights_LK) or 1))
            for task, mixture in mixtures.items()
            for column, source in enumerate(mixture.tasks)
        ]
        for _, mixtures in found
    )
    own = {task: line for (task, source), line in pairs.items() if task == source}
    others = {pair: line for pair, line in pairs.items() if pair[0] != pair[1]}
    moved, left_out = most_moved(others, MOST_PAIRS)
    taken = {f"{task} ← {source}": line for (task, source), line in moved.items()}
    named = titled("mixture-others", left_out=left_out)
    return [
        over_training(*titled("mixture-own"), epochs, own, number="own coefficient"),
        over_training(*named, epochs, taken, number="coefficient", heads="pair"),
    ]
