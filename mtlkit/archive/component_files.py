"""Files of an experiment's components, such as a tokenizer's, in a run directory and in an archive.

    files/PLACE=TYPE/NAME       such as files/tasks.books.reader.tokenizer=pieces/vocabulary.txt

A component writes them when a run begins, before training: small ones in `Component.save_files`, and frozen weights,
NAME.safetensors, in `Component.save_frozen`. It is built with them from then on. members.py limits their number and
size, both when an archive is written and when it is read.
"""

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import final

from torch import nn

from mtlkit.archive.fitting import forms_in
from mtlkit.archive.members import FILES, FileCounts, damaged, largest_size
from mtlkit.archive.refusals import reading
from mtlkit.config import Component, Lazy, SavedFiles, fault_of_files, parts_by_place, with_parts
from mtlkit.config.own_files import OF_WEIGHTS
from mtlkit.data import build_part_of_reader
from mtlkit.errors import ArchiveError, ComponentError
from mtlkit.experiment import Experiment
from mtlkit.files import file_sha256, give_name, new_folder
from mtlkit.files.ownership import folder_of_temporary_files

SHARING = "model.sharing"
"""The place of the sharing scheme in an experiment, unless it belongs to a stage."""


def saving_parts(experiment: Experiment, sharing: str = SHARING) -> dict[str, Lazy[Component]]:
    """Returns the parts of an experiment that save files, by the name of their folder.

    Args:
        experiment: the experiment of an archive, or that of one stage of a run.
        sharing: the place of its sharing scheme in the run's experiment, which determines folder names in a run.
    """
    parts = parts_by_place(experiment)
    return {_folder(place, part, sharing): part for place, part in parts if part.component.saves_files}


def components_of_tasks(experiment: Experiment) -> dict[str, Component]:
    """Builds the readers and tokenizers that save files, and returns them by the name of their folder."""
    return {
        name: build_part_of_reader(part, experiment.normalization)
        for name, part in saving_parts(experiment).items()
        if name.startswith("tasks.")
    }


def components_of_model(model: nn.Module, experiment: Experiment, sharing: str = SHARING) -> dict[str, Component]:
    """Returns the parts of a model that save files, by the name of their folder. Of equal parts, such as one per task,
    only one is returned.

    Args:
        model: the model built from `experiment`.
        experiment: the experiment, which gives the places of the parts.
        sharing: as in `saving_parts`.

    Raises:
        ComponentError: such a part was created by another component and has no place in the experiment.
    """
    names = {id(part): name for name, part in saving_parts(experiment, sharing).items()}
    found: dict[str, Component] = {}
    for module in model.modules():
        if isinstance(module, Component) and module.saves_files:
            if id(module.built_from) not in names:
                raise ComponentError(
                    f"{_class(module)} saves files, but is not a part of the experiment; build it from a Lazy setting"
                )
            found.setdefault(names[id(module.built_from)], module)
    return found


def save_files(folder: Path, components: Mapping[str, Component]) -> None:
    """Lets components write their files into folders with these names below `folder`, except for folders that exist.

    Raises:
        ComponentError: a component writes no file, or one that is not allowed in an archive.
    """
    for name, component in components.items():
        if not (folder / name).is_dir():
            with new_folder(folder / name) as fresh:
                component.save_files(fresh)
                component.save_frozen(fresh)
                if fault := _fault(name, fresh):
                    raise ComponentError(f"{_class(component)}: save_files {fault}")
                _keep_once(fresh, folder)


def _keep_once(fresh: Path, folder: Path) -> None:
    """Makes frozen weights that another component has saved already another name of that file, such as those of two
    parts with one encoder.

    Args:
        fresh: what has just been saved.
        folder: the folder of all components' files.
    """
    for file in fresh.glob(f"*{OF_WEIGHTS}"):
        size = file.stat().st_size
        for known in sorted(folder.glob(f"[!.]*/*{OF_WEIGHTS}")):
            if known.stat().st_size == size and file_sha256(known) == file_sha256(file):
                give_name(known, file)
                break


def with_saved_files(experiment: Experiment, folder: Path, sharing: str = SHARING) -> Experiment:
    """Returns the experiment with the files that its components have saved below `folder`, if any.

    Args:
        experiment: the experiment of a run, or of one stage.
        folder: the folder of the run's files.
        sharing: as in `saving_parts`.
    """

    def change(place: str, part: Lazy[Component]) -> Lazy[Component]:
        path = folder / _folder(place, part, sharing)
        if not (part.component.saves_files and path.is_dir()):
            return part
        return Lazy(part.component, part.settings, SavedFiles(path))

    return with_parts(experiment, change)


def saved_members(experiment: Experiment) -> dict[str, Path]:
    """Returns the files that an experiment's components are built with, as members of its archive.

    Raises:
        ArchiveError: together they are too many or too large.
    """
    members: dict[str, Path] = {}
    counts = FileCounts()
    for name, part in saving_parts(experiment).items():
        for file in sorted(part.files.folder.iterdir()) if part.files is not None else ():
            member = f"{FILES}/{name}/{file.name}"
            if excess := counts.excess(member, file.stat().st_size):
                raise ArchiveError(f"{file}: the file of a component {excess}; let components save less")
            members[member] = file
    return members


def with_files_of_archive(path: Path, experiment: Experiment, folder: Path) -> Experiment:
    """Returns the experiment of an archive with the files of its components, which are kept as long as it is in use.

    A component that saves files cannot be built if the archive contains none for it.

    Args:
        path: the archive.
        experiment: the experiment of the archive.
        folder: the unpacked members, whose folder of files is moved elsewhere.

    Raises:
        ArchiveError: there are files that belong to none of its components, or weights that are no tensors.
    """
    unpacked, parts = folder / FILES, saving_parts(experiment)
    names = [each.name for each in sorted(unpacked.iterdir())] if unpacked.is_dir() else []
    if unasked := next((name for name in names if name not in parts), None):
        raise damaged(path, f"{FILES}/{unasked}", "none of the experiment's components saves files there")
    for file in sorted(unpacked.glob(f"*/*{OF_WEIGHTS}")):
        with reading(path, folder, file.relative_to(folder).as_posix()) as weights:
            forms_in(weights)
    if not parts:
        return experiment
    held = _HeldFolder()
    if names:
        shutil.move(unpacked, held.path / FILES)

    def change(place: str, part: Lazy[Component]) -> Lazy[Component]:
        if not part.component.saves_files:
            return part
        return Lazy(part.component, part.settings, SavedFiles(held.path / FILES / _folder(place, part), held))

    return with_parts(experiment, change)


@final
class _HeldFolder:
    """A temporary folder that is deleted together with this object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="mtlkit-", dir=folder_of_temporary_files()))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def _folder(place: str, part: Lazy[Component], sharing: str = SHARING) -> str:
    """Returns the folder name of a part. It includes the type, so that a component never receives the files of another
    one that was in its place before.
    """
    if place.startswith(SHARING):
        place = sharing + place.removeprefix(SHARING)
    return f"{place}={part.type}"


def _fault(name: str, folder: Path) -> str | None:
    """Returns what is wrong with the files that a component wrote, as the end of a sentence, or None."""
    if fault := fault_of_files(folder):
        return fault
    members = [f"{FILES}/{name}/{file.name}" for file in sorted(folder.iterdir())]
    odd = next((member for member in members if largest_size(member) is None), None)
    return None if odd is None else f"writes what would be {odd!r} in an archive, which is too long or has odd letters"


def _class(component: Component) -> str:
    return f"{type(component).__module__}.{type(component).__qualname__}"
