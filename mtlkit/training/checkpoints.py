"""Checkpoints: everything that a run needs to continue to the same bits.

    checkpoints/step-00001234/   model.safetensors, state.pt (optimiser, generators, positions; no pickled objects),
                                 tables.safetensors (what the optimiser keeps of rows that processes share out),
                                 the best weights as they were then, and files.json, the sha256 of all of these
    checkpoints/best-NAME.safetensors

A folder is written under another name and renamed when it is complete, so that a half-written one is never read. The
best weights in it are hard links to the file beside it, where the file system has them, and take no extra space.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from types import MappingProxyType
from typing import IO, Any, cast, final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from mtlkit.errors import DataError, RunError
from mtlkit.files import (
    DigestingWriter,
    file_sha256,
    give_name,
    make_folder,
    new_folder,
    open_to_write,
    read_bounded,
    write_new,
)
from mtlkit.model import MultiTaskModel
from mtlkit.process.ranks import ONE, Ranks
from mtlkit.training.shards import SharedRows, with_rows
from mtlkit.training.weights import place_of_files, save_from_all, save_weights

KEEP = 2
STEP = re.compile(r"step-\d{8,}")
"""The names of the folders; a copy that a user has made beside them, such as `step-00000012-old`, is none."""
MODEL, TABLES, STATE, FILES = "model.safetensors", "tables.safetensors", "state.pt", "files.json"
BEST, ENDING = "best-", ".safetensors"
LARGEST_LIST = 16 * 2**20
"""The maximum number of bytes of `files.json`."""
DAMAGE = (OSError, DataError, ValueError, RuntimeError, EOFError, UnpicklingError, SafetensorError)
"""What reading a damaged checkpoint may raise; DataError comes from a file that cannot be read to its end."""
NO_FIT = "does not fit the experiment as it is now; undo the change, or start a new run with another -s DIR"


@final
class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: `checkpoints/` of the run directory; made if it is missing.
        ranks: the processes of the run. All of them call `save`, `save_best` and `load`, and the first one writes.
    """

    def __init__(self, folder: Path, *, ranks: Ranks = ONE) -> None:
        self.folder = folder
        self.ranks = ranks
        self.best_digests: dict[str, str] = {}
        """sha256 of each set of best weights as it was written, by name."""
        make_folder(folder)

    @property
    def exist(self) -> bool:
        """Whether there is a checkpoint, even a damaged one."""
        return bool(self._all())

    def save(
        self, step: int, model: nn.Module, state: dict[str, Any], rows: Mapping[str, SharedRows] = MappingProxyType({})
    ) -> Path:
        """Writes a checkpoint and deletes all but the newest two.

        Args:
            step: the step that it is taken after.
            model: whose weights are saved.
            state: what `load` will return: nested lists and dicts of tensors, numbers and strings.
            rows: what `load` will return whole under the key `tables`.

        Raises:
            OSError: it cannot be written; those that are there stay.
        """
        target = self.folder / f"step-{step:08d}"
        with new_folder(target) if self.ranks.is_first else nullcontext(target) as folder:
            save_from_all(folder / MODEL, with_rows(model, model.state_dict()), self.ranks)
            if rows:
                save_from_all(folder / TABLES, rows, self.ranks)
            self.ranks.first(partial(self._complete, folder, state))
        self.ranks.first(self._remove_old)
        return target

    def _complete(self, folder: Path, state: dict[str, Any]) -> None:
        """Writes what a folder with the weights lacks to be a checkpoint."""
        digests = _digests(folder)
        digests[STATE] = _save_state(folder / STATE, state)
        # The digest of the best weights is from when they were written, not of what is there now: a file that was
        # damaged since must not be recorded as whole.
        for name, digest in self.best_digests.items():
            give_name(self.best(name), folder / self.best(name).name)
            digests[self.best(name).name] = digest
        write_new(folder / FILES, json.dumps(digests).encode())

    def _remove_old(self) -> None:
        for old in self._all()[KEEP:]:  # only now, so that there is a whole checkpoint at every moment
            _remove(old)

    def load(self, model: nn.Module, device: torch.device, say: Callable[[str], None] = print) -> dict[str, Any] | None:
        """Loads the newest undamaged checkpoint into `model` and returns its state, or None if there is no checkpoint.

        The best weights are restored to what they were when it was written. Damaged checkpoints are skipped, with a
        line to `say`.

        Raises:
            RunError: there are checkpoints, and all are damaged, or the newest whole one is of another model.
        """
        for folder in self._all():
            try:
                digests = json.loads(read_bounded(folder / FILES, LARGEST_LIST))
                if digests != _digests(folder):
                    raise OSError("its files are not those that were written")
                # All is read before the model is changed: what turns out to be damaged leaves no trace in it.
                state: dict[str, Any] = torch.load(folder / STATE, map_location="cpu", weights_only=True)
                weights = load_file(folder / MODEL, device=str(place_of_files(model)))
                if (folder / TABLES).exists():
                    state["tables"] = load_file(folder / TABLES)
            except DAMAGE as error:
                reason = (str(error) or type(error).__name__).splitlines()[0]
                say(f"{folder}: damaged ({reason}); going back to the checkpoint before it")
                continue
            try:
                model.load_state_dict(weights)
            except RuntimeError as error:
                raise RunError(f"{folder}: {NO_FIT} ({str(error).splitlines()[-1].strip()})") from None
            if self.ranks.is_first:
                # A run that was killed in an epoch's end may have better weights than its newest checkpoint knows of.
                # The scores go back to the checkpoint's, so the weights must as well.
                best = {name: digests[file.name] for name, file in self._best_files(folder).items()}
                older = {name: file_sha256(file) for name, file in self._best_files(self.folder).items()}
                self.restore_best(best or older)  # checkpoints of older versions have none
            return state
        if self._all():
            raise RunError(f"{self.folder}: every checkpoint is damaged; start over with --force")
        return None

    def best(self, name: str) -> Path:
        """The path of the best weights of the set `name`, whether or not they have been written yet."""
        return self.folder / f"{BEST}{name}{ENDING}"

    def save_best(self, name: str, model: MultiTaskModel, tasks: Collection[str]) -> None:
        """Writes the weights that serve `tasks` as the best of the set `name`."""
        save_weights(self.best(name), model, tasks, self.ranks)
        self.ranks.first(partial(self._note_best, name))

    def _note_best(self, name: str) -> None:
        self.best_digests[name] = file_sha256(self.best(name))

    def restore_best(self, digests: Mapping[str, str]) -> None:
        """Verifies the best weights by their digests, and restores those that differ from a checkpoint.

        Args:
            digests: the `best_digests` of the time that is to be restored.

        Raises:
            RunError: no file has the digest.
        """
        for name, digest in digests.items():
            best = self.best(name)
            if _has(best, digest):
                continue
            whole = next((file for folder in self._all() if _has(file := folder / best.name, digest)), None)
            if whole is None:
                raise RunError(f"{best}: damaged, and no checkpoint has it whole; start over with --force")
            give_name(whole, best)
        self.best_digests = dict(digests)

    def _best_files(self, folder: Path) -> dict[str, Path]:
        """The files of best weights in a folder, by the names of their sets."""
        return {file.name[len(BEST) : -len(ENDING)]: file for file in folder.glob(f"{BEST}*{ENDING}")}

    def _all(self) -> list[Path]:
        """The folders of checkpoints, newest first; half-written ones have another name and are not among them."""
        return sorted((each for each in self.folder.glob("step-*") if STEP.fullmatch(each.name)), reverse=True)


def _remove(folder: Path) -> None:
    """Removes a checkpoint, but not what somebody else has put into its folder."""
    for file in folder.iterdir():
        if not file.is_dir() and (file.name in (STATE, FILES) or file.suffix == ENDING):
            file.unlink()
    with suppress(OSError):  # it is not empty
        folder.rmdir()


def _digests(folder: Path) -> dict[str, str]:
    return {file.name: file_sha256(file) for file in sorted(folder.iterdir()) if file.name != FILES}


def _save_state(path: Path, state: dict[str, Any]) -> str:
    """Writes a state and returns its sha256."""
    try:
        with open_to_write(path) as file:
            writer = DigestingWriter(file)
            torch.save(state, cast(IO[bytes], writer))  # it asks for no more than `write` and `flush`
            writer.finish()
            return writer.sha256
    except RuntimeError as error:
        if isinstance(error.__context__, OSError):  # PyTorch's writer hides what the system has said
            raise error.__context__ from None
        raise


def _has(file: Path, digest: str) -> bool:
    return file.is_file() and file_sha256(file) == digest
