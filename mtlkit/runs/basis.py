"""What a run was trained and scored on, as far as its files say. A run of an older version records less."""

from collections import Counter
from collections.abc import Mapping, Sequence
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
NOTE = "resumed_anyway"
"""The entry of `meta.json` about changes that the user has accepted when the run was resumed."""
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
    has_structure: bool = False
    """Whether the files have rows that are known to belong to no text."""
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
    changes: Sequence[str] = ()
    """What changed while the run was trained, since it was resumed anyway."""

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
            has_structure=bool(_at(counts, task, split, "structure")),
            files=_files(_object(tasks.get(task)), split, data),
            chosen_by=_chosen_by(resolved, task, split),
        )
        for task in {**tasks, **counts, **identities}
        for split in ("train", "dev", "test")
    }
    metrics = {task: _by_type(_at(tasks, task, "metrics")) for task in tasks}
    return Basis(settings, digests_by_name(data), splits, metrics, _changes(meta.get(NOTE)))


def digests_by_name(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests of data files, by file name, or by path where two files have the same name."""
    names = [Path(file).name for file in digests]
    counts = Counter(names)  # a stranger's run may name very many files
    return {
        name if counts[name] == 1 else file: digest for name, (file, digest) in zip(names, digests.items(), strict=True)
    }


def _changes(notes: Any) -> list[str]:
    found = [_at(note, "changes") for note in notes] if isinstance(notes, list) else []
    return [str(change) for changes in found if isinstance(changes, list) for change in changes]


def _by_type(metrics: Any) -> dict[str, Mapping[str, Any]]:
    found = [metric for metric in metrics if isinstance(metric, Mapping)] if isinstance(metrics, list) else []
    return {str(metric.get("type")): metric for metric in found}


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
