"""What is so nearly alike that one should not make much of it, in words."""

from collections.abc import Iterable, Mapping

from mtlkit.sharing.summaries import Summary, WordSummary

NEARLY = 0.98
"""A spread above which words read nearly all alike: 1 is all alike."""
SLIGHT = 1.2
"""A lift below which a pair of words is next to nothing: 1 is all alike."""


def alike(summaries: Mapping[str, Summary]) -> str:
    """A sentence, with a space before it, on tasks whose words read nearly all alike; empty where there are none."""
    spreads = {task: summary.spread for task, summary in summaries.items() if isinstance(summary, WordSummary)}
    found = [task for task, spread in spreads.items() if spread > NEARLY]
    if not found:
        return ""
    whose = "the words of all tasks" if len(found) == len(spreads) else f"the words of {', '.join(found)}"
    return f" By their spread, above {NEARLY}, {whose} read nearly all alike."


def next_to_nothing(lifts: Iterable[float]) -> str:
    """A sentence, with a space before it, where no pair of words is read much more than all; else empty."""
    most = max(lifts, default=1.0)
    if most >= SLIGHT:
        return ""
    return f" Here all of them are next to nothing: the largest lift is {most:.2f}, and 1 is all words read alike."
