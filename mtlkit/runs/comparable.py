"""Known differences between two runs for which their figures do not compare, and the sentences that say so.

Seeds, schemes and other settings are what runs are compared for. That they had other texts is not: the difference of
their figures would pass for a gain. What a run of an older version did not record is neither equal nor different.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mtlkit.runs.basis import LIMIT, NORMALIZATION, Basis, Place, SplitBasis
from mtlkit.text import printable
from mtlkit.training import Predictions

SHOWN = 3
"""The largest number of differences that a sentence names."""
REMEDY = "compare runs on the same data, or give --anyway to compare these all the same"


def differences_of_bases(one: Basis, other: Basis, places: Sequence[Place]) -> Iterator[str]:
    """Yields what two runs are known to differ in so that their figures do not compare.

    Args:
        one: what a run was trained and scored on.
        other: the same of another run.
        places: the splits whose texts count.
    """
    pairs = {place: (one.split(*place), other.split(*place)) for place in places}
    for name, of_one in one.settings.items():
        of_other = other.settings.get(name, of_one)
        # A limit that has left out no text of either run has changed nothing.
        is_idle = name == LIMIT and all(_have_as_many(*pair) for pair in pairs.values())
        if of_other != of_one and not is_idle:
            yield f"{_setting(name)} ({_value(of_one)} against {_value(of_other)})"
    for place, pair in pairs.items():
        if found := _difference(*pair, *place):
            yield found
    if any(each.files is None and each.texts is None for pair in pairs.values() for each in pair):
        # Nothing says which file is which, but files of one name should have one content.
        shared = one.data.keys() & other.data.keys()
        yield from (f"the file {name}" for name in sorted(shared) if one.data[name] != other.data[name])


def differences_of_metrics(one: Basis, other: Basis, tasks: Iterable[str]) -> Iterator[str]:
    """Yields the metrics that the experiments of two runs give different settings, or other metrics in their place."""
    for task in tasks:
        left, right = one.metrics.get(task), other.metrics.get(task)
        if not left or not right:
            continue
        common = left.keys() & right.keys()
        if not common or any(_contradict(left[kind], right[kind]) for kind in common):
            yield f"the metrics of {task}"


def difference_of_answers(one: Predictions, other: Predictions, task: str, split: str) -> str:
    """How the texts that two runs have answered differ, given that they do."""
    numbers = len(one.gold), len(other.gold)
    if numbers[0] != numbers[1]:
        return f"the {split} texts of {task} ({numbers[0]:,} against {numbers[1]:,})"
    return (
        f"the {split} targets of {task}" if one.texts == other.texts else f"the {split} texts of {task} or their order"
    )


def unknown_of_bases(one: Basis, other: Basis, places: Sequence[Place]) -> Iterator[str]:
    """Yields what two runs may differ in, since at least one of them did not record it.

    The arguments are those of `differences_of_bases`, which has found no difference.
    """
    for name in (NORMALIZATION, LIMIT):
        if not (name in one.settings and name in other.settings):
            yield _setting(name)
    same_limit = LIMIT in one.settings and LIMIT in other.settings and one.settings[LIMIT] == other.settings[LIMIT]
    same_files = bool(one.data) and one.data == other.data
    by_split: dict[str, list[str]] = {}
    for task, split in places:
        if not _are_same(one.split(task, split), other.split(task, split), same_limit, same_files):
            by_split.setdefault(split, []).append(task)
    yield from (f"the {split} texts of {', '.join(tasks)}" for split, tasks in by_split.items())


def do_not_compare(one: object, other: object, differing: Iterable[str]) -> str:
    """The sentence about two runs, given by name, that are known to differ; it names the first few differences."""
    return f"{one} and {other}: do not compare, since they differ in {_first_of(list(dict.fromkeys(differing)))}"


def may_not_compare(one: object, other: object, lacking: Iterable[str]) -> str:
    """The sentence about two runs, given by name, of which at least one did not record something."""
    return f"{one} and {other}: it is not recorded whether they differ in {_first_of(list(lacking))}"


def of_neither_experiment(name: object, basis: Basis) -> str | None:
    """The sentence about a run, given by name, that was resumed in spite of changes; None for any other."""
    if not basis.changes:
        return None
    return f"{name}: was resumed after changes, so it is the result of neither experiment: {_first_of(basis.changes)}"


def _first_of(differing: Sequence[str]) -> str:
    more = len(differing) - SHOWN
    return ", ".join(map(printable, differing[:SHOWN])) + (f" and {more} more" if more > 0 else "")


def _difference(one: SplitBasis, other: SplitBasis, task: str, split: str) -> str | None:
    """What of a split is known to differ; None if nothing is."""
    texts, counted = f"the {split} texts of {task}", _counted(one, other)
    if _both(one.texts, other.texts):
        if one.texts != other.texts:
            return f"{texts}{counted or ' or their order'}"
        if _both(one.targets, other.targets) and one.targets != other.targets:
            return f"the {split} targets of {task}"
        return None
    if counted:
        return f"{texts}{counted}"
    if (one.texts is None) != (other.texts is None) and (one.has_structure or other.has_structure):
        # Versions that did not record the texts read rows of structure, such as multiword tokens, as words.
        return f"{texts} (an older mtlkit read rows that are not words)"
    if _both(one.files, other.files) and one.files != other.files:
        return f"the {split} data of {task}"
    if one.chosen_by and other.chosen_by and one.chosen_by["resplit"] != other.chosen_by["resplit"]:
        return f"{texts}, drawn by another resplit"
    return None


def _counted(one: SplitBasis, other: SplitBasis) -> str:
    """The numbers of texts in brackets if they are known to differ."""
    if one.used is None or other.used is None or one.used == other.used:
        return ""
    return f" ({one.used:,} against {other.used:,})"


def _are_same(one: SplitBasis, other: SplitBasis, same_limit: bool, same_files: bool) -> bool:
    """Whether the texts of a split are known to be the same, unless they are known to differ."""
    if _both(one.texts, other.texts):
        return True
    from_same = one.files == other.files if _both(one.files, other.files) else same_files
    return from_same and (same_limit or _have_as_many(one, other)) and one.chosen_by == other.chosen_by


def _contradict(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a setting that both have differs. One that only a newer version has is at its default in the other."""
    return any(one[name] != other[name] for name in one.keys() & other.keys())


def _have_as_many(one: SplitBasis, other: SplitBasis) -> bool:
    return one.used is not None and one.used == other.used


def _both(one: object, other: object) -> bool:
    return one is not None and other is not None


def _setting(name: str) -> str:
    return f"--{name}" if name == LIMIT else name


def _value(value: Any) -> str:
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
