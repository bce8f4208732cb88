"""An archive is written."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import save

from mtlkit.archive.members import EXPERIMENT, META, SEEN, VOCABULARY
from mtlkit.archive.packing import as_json, pack
from mtlkit.experiment import Experiment


def write_archive(
    path: Path,
    experiment: Experiment,
    vocabulary: Path,
    weights: Mapping[str, Path],
    seen: NDArray[Any],
    meta: Mapping[str, Any],
) -> None:
    """Writes an archive, whole or not at all. Equal content gives equal bytes.

    Raises:
        ArchiveError: it is too large for anyone to unpack.
    """
    files = sorted(file for file in vocabulary.rglob("*") if file.is_file())
    members: dict[str, Path | bytes] = {
        EXPERIMENT: as_json(experiment.to_json()),
        META: as_json(meta),
        SEEN: save({"digests": seen}),
        **{f"{VOCABULARY}/{file.relative_to(vocabulary).as_posix()}": file for file in files},
        **{f"weights/{name}.safetensors": file for name, file in sorted(weights.items())},
    }
    pack(path, members, meta.get("plugins", {}))
