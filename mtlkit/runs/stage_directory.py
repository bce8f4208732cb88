"""The files of one stage of a run: its checkpoints, the paths that it has derived, and its outcome."""

from pathlib import Path
from typing import Any, final

from mtlkit.archive.packing import as_json
from mtlkit.experiment import TaskPaths
from mtlkit.files import make_folder, write_atomically
from mtlkit.runs.documents import StageOutcome, damaged, read_document, read_object


@final
class StageDirectory:
    """The files of one stage of a run.

    Args:
        path: the stage's folder, which does not have to exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.paths = path / "paths.json"
        self.outcome = self.checkpoints / "outcome.json"

    def read_paths(self) -> TaskPaths | None:
        """The paths that the stage has derived, if it has. Raises RunError if their file is damaged."""
        if not self.paths.exists():
            return None
        found = read_object(self.paths)
        for task, path in found.items():
            if not isinstance(path, list) or any(type(module) is not int for module in path):
                raise damaged(self.paths, f"the path of {task} is not a list of whole numbers")
        return {task: tuple(path) for task, path in found.items()}

    def write_paths(self, paths: TaskPaths) -> None:
        """Writes the paths, so that the stage has the same ones when it is resumed."""
        make_folder(self.path)
        write_atomically(self.paths, as_json(paths))

    def read_outcome(self) -> dict[str, Any] | None:
        """The outcome that `write_outcome` wrote, if the stage is done. Raises RunError if the file is damaged."""
        return read_document(self.outcome, StageOutcome) if self.outcome.exists() else None

    def write_outcome(self, outcome: dict[str, Any]) -> None:
        """Writes the outcome, which marks the stage as done."""
        write_atomically(self.outcome, as_json(outcome))
