"""What a run was trained and scored on, and in what two runs differ so that their figures do not compare.

Seeds, schemes and other settings are what runs are compared for. That they had other texts is not: the difference of
their figures would pass for a gain. A run of an older version does not record all of this. What is not known is neither
equal nor different.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, final

Place: TypeAlias = tuple[str, str]
"""A task and a split."""
LIMIT, NORMALIZATION = "limit", "normalization"
RECORDED = ("texts", "identities")
"""The entries of `meta.json` about the texts of each split: their numbers, and their digests."""
NOT_NORMALIZED = "none"
"""The normal form of runs whose experiment does not say one: they were made before the setting existed."""
TOKENIZER = "tokenizer"
"""The one setting of a reader that decides how a text is read, and not which texts are."""
SHOWN = 3
"""The largest number of differences that a sentence names."""
REMEDY = "compare runs on the same data, or give --anyway to compare these all the same"
RESPLIT_DEFAULTS = {"keep_together": False, "drawn_as": None}
"""The values of the settings that were added to `resplit`, with which runs that lack them were drawn."""
DROPS = ("drop_test_texts", "drop_dev_texts")


@final
@dataclass(frozen=True)
class SplitBasis:
    """The texts of one split of a task, as far as they are known."""

    texts: str | None = None
    """A digest of the texts that were used, in their order."""
    targets: str | None = None
    """A digest of their targets."""
    used: int | None = None
    """The number of texts that were used."""
    files: tuple[str, ...] | None = None
    """The SHA-256 of each file that the texts are from."""
    chosen_by: Mapping[str, Any] | None = None
    """The settings that decide which texts of the files are used, by name."""


@final
@dataclass(frozen=True)
class Basis:
    """What a run was trained and scored on, as far as it is known."""

    settings: Mapping[str, Any]
    """`limit` and `normalization`; what is not known is missing."""
    data: Mapping[str, str]
    """sha256 of each data file, by the file's name, or by its path where two have the same name."""
    splits: Mapping[Place, SplitBasis]
    metrics: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """The settings of each metric that the experiment names, by task and type."""

    def split(self, task: str, split: str) -> SplitBasis:
        """What is known of a split; nothing for one that is not recorded."""
        return self.splits.get((task, split), SplitBasis())


def basis_of(meta: Mapping[str, Any], resolved: Mapping[str, Any] | None) -> Basis:
    """Collects what is known of a run.

    Args:
        meta: its `meta.json`, or that of its archive, or a result that docs/results/collect.py kept.
        resolved: its experiment with every default filled in, as JSON; None if it is not known.
    """
    settings = {LIMIT: meta[LIMIT]} if LIMIT in meta else {}
    if resolved is not None:
        settings[NORMALIZATION] = resolved.get(NORMALIZATION) or NOT_NORMALIZED
    elif NORMALIZATION in meta:
        settings[NORMALIZATION] = meta[NORMALIZATION]
    tasks, data = _object(_at(resolved, "tasks")), _object(meta.get("data"))
    counts, identities = (_object(meta.get(name)) for name in RECORDED)
    splits = {
        (task, split): SplitBasis(
            texts=_string(_at(identities, task, split, "texts")),
            targets=_string(_at(identities, task, split, "targets")),
            used=_number(_at(counts, task, split, "used")),
            files=_files(_object(tasks.get(task)), split, data),
            chosen_by=_chosen_by(resolved, task, split),
        )
        for task in {**tasks, **counts, **identities}
        for split in ("train", "dev", "test")
    }
    metrics = {task: _by_type(_at(tasks, task, "metrics")) for task in tasks}
    return Basis(settings, digests_by_name(data), splits, metrics)


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


def digests_by_name(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests of data files, by file name, or by path where two files have the same name."""
    names = [Path(file).name for file in digests]
    return {
        name if names.count(name) == 1 else file: digest
        for name, (file, digest) in zip(names, digests.items(), strict=True)
    }


def _first_of(differing: Sequence[str]) -> str:
    more = len(differing) - SHOWN
    return ", ".join(differing[:SHOWN]) + (f" and {more} more" if more > 0 else "")


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


def _by_type(metrics: Any) -> dict[str, Mapping[str, Any]]:
    found = [metric for metric in metrics if isinstance(metric, Mapping)] if isinstance(metrics, list) else []
    return {str(metric.get("type")): metric for metric in found}


def _contradict(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a setting that both have differs. One that only a newer version has is at its default in the other."""
    return any(one[name] != other[name] for name in one.keys() & other.keys())


def _have_as_many(one: SplitBasis, other: SplitBasis) -> bool:
    return one.used is not None and one.used == other.used


def _both(one: object, other: object) -> bool:
    return one is not None and other is not None


def _files(task: Mapping[str, Any], split: str, data: Mapping[str, str]) -> tuple[str, ...] | None:
    """The digests of the files of a split; None where the task does not say which of the data files these are."""
    if not isinstance(task.get(split), str) and task.get("resplit") is None:
        return None
    resplit = task.get("resplit")
    pooled = () if resplit is None else ("train", "dev") if _at(resplit, "test") is None else ("train", "dev", "test")
    sources = [task.get(each) for each in (pooled if split in pooled else (split,))]
    found = [data.get(str(Path(source))) for source in sources if isinstance(source, str)]
    return None if None in found else tuple(digest for digest in found if digest is not None)


def _chosen_by(resolved: Mapping[str, Any] | None, task: str, split: str) -> Mapping[str, Any] | None:
    settings = _at(resolved, "tasks", task)
    if resolved is None or settings is None:
        return None
    reader = {name: value for name, value in _object(_at(settings, "reader")).items() if name != TOKENIZER}
    drops = {name: resolved.get(name, False) for name in DROPS} if split == "train" else {}
    resplit = _at(settings, "resplit")
    if isinstance(resplit, Mapping):  # of an older version, which did not have all settings of a draw
        resplit = {**RESPLIT_DEFAULTS, **resplit}
    return {"reader": reader, "resplit": resplit, **drops}


def _at(value: Any, *path: str) -> Any:
    """What lies at a path through JSON objects; None where there is nothing."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _setting(name: str) -> str:
    return f"--{name}" if name == LIMIT else name


def _value(value: Any) -> str:
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
