"""Checkpoints: everything that a run needs to go on to the same bits.

    checkpoints/step-00001234/   model.safetensors, state.pt (optimiser, generators, positions; no pickled objects)
    checkpoints/best-NAME.safetensors

A folder is written under another name and renamed when it is whole, so a half-written one is never taken for one.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from mtlkit.errors import RunError
from mtlkit.files import file_sha256, new_folder
from mtlkit.training.weights import save_tensors

KEEP = 2


@final
class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: `checkpoints/` of the run directory; made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def exist(self) -> bool:
        """Whether there is any, be it damaged."""
        return bool(self._all())

    def save(self, step: int, model: nn.Module, state: dict[str, Any]) -> Path:
        """Writes the checkpoint of `step` and forgets all but the newest two. `state` is what `load` gives back: nested
        lists and dicts of tensors, numbers and strings."""
        target = self.folder / f"step-{step:08d}"
        with new_folder(target) as folder:
            save_tensors(folder / "model.safetensors", model.state_dict())
            torch.save(state, folder / "state.pt")
            (folder / "files.json").write_text(json.dumps(_digests(folder)))
        for old in self._all()[KEEP:]:
            shutil.rmtree(old)
        return target

    def load(self, model: nn.Module, device: torch.device, say: Callable[[str], None] = print) -> dict[str, Any] | None:
        """Loads the newest whole checkpoint into `model` and returns its state; None if there is none.

        A damaged one is passed over, and `say` is told.

        Raises:
            RunError: there are checkpoints, and all are damaged.
        """
        for folder in self._all():
            try:
                if json.loads((folder / "files.json").read_text()) != _digests(folder):
                    raise OSError("its files are not those that were written")
                state: dict[str, Any] = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
                model.load_state_dict(load_file(folder / "model.safetensors", device=str(device)))
            except (OSError, ValueError, RuntimeError, EOFError, UnpicklingError, SafetensorError) as error:
                say(f"{folder}: damaged ({str(error).splitlines()[0]}); going back to the checkpoint before it")
                continue
            return state
        if self._all():
            raise RunError(f"{self.folder}: every checkpoint is damaged; start anew with --force")
        return None

    def best(self, name: str) -> Path:
        """Where the best weights of the set `name` lie, or will."""
        return self.folder / f"best-{name}.safetensors"

    def _all(self) -> list[Path]:
        """Whole checkpoints, newest first."""
        return sorted(self.folder.glob("step-*"), reverse=True)


def _digests(folder: Path) -> dict[str, str]:
    return {file.name: file_sha256(file) for file in sorted(folder.iterdir()) if file.name != "files.json"}
