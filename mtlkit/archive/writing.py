"""Writing of archives."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import save

from mtlkit.archive.documents import parse_json
from mtlkit.archive.members import EXPERIMENT, META, SEEN, VOCABULARY
from mtlkit.archive.packing import KEPT, as_json, pack
from mtlkit.data.limits import MAX_ALL_LABELS, MAX_LABELS
from mtlkit.errors import ArchiveError
from mtlkit.experiment import Experiment


def write_archive(
    path: Path,
    experiment: Experiment,
    vocabulary: Path,
    weights: Mapping[str, Path],
    seen: NDArray[Any],
    meta: Mapping[str, Any],
    files: Mapping[str, Path] = MappingProxyType({}),
) -> str:
    """Writes an archive atomically. Equal content gives equal bytes.

    Args:
        path: the file to write.
        experiment: the experiment that was trained.
        vocabulary: the folder that the vocabulary was saved in.
        weights: the file of each set of weights, by name.
        seen: digests of the train and dev texts.
        meta: the provenance of the archive.
        files: the files that components have saved, by member name.

    Returns:
        What the archive is known by, for `remember`.

    Raises:
        ArchiveError: the archive could not be opened, for example because it would be too large or too deeply nested.
    """
    words = sorted(file for file in vocabulary.rglob("*") if file.is_file())
    documents = {EXPERIMENT: as_json(experiment.to_json()), META: as_json(meta)}
    _check(path, documents, [file for file in words if file.name.startswith("labels.")])
    members: dict[str, Path | bytes] = {
        **documents,
        SEEN: save({"digests": seen}),
        **{f"{VOCABULARY}/{file.relative_to(vocabulary).as_posix()}": file for file in words},
        **dict(sorted(files.items())),
        **{f"weights/{name}.safetensors": file for name, file in sorted(weights.items())},
    }
    return pack(path, members, meta.get("plugins", {}))


def _check(path: Path, documents: Mapping[str, bytes], labels: Iterable[Path]) -> None:
    """Applies the limits that are enforced when an archive is read."""
    for name, content in documents.items():
        try:
            parse_json(content)
        except ValueError as error:
            raise ArchiveError(f"{path}: not written, since {name} is {error}; {KEPT}") from None
    total = 0
    for file in labels:
        total += (count := file.read_bytes().count(b"\n"))
        if count > MAX_LABELS or total > MAX_ALL_LABELS:
            most = f"has {count} labels and may have {MAX_LABELS} in an archive"
            if count <= MAX_LABELS:
                most = f"makes {total} labels of all tasks, and an archive may have {MAX_ALL_LABELS}"
            raise ArchiveError(f"{path}: not written, since {VOCABULARY}/{file.name} {most}; {KEPT}")
