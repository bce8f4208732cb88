"""The files that a command reads, by what a user knows them as: nothing is written onto them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mtlkit.archive import Archive
from mtlkit.data import build_reader
from mtlkit.errors import MtlkitError
from mtlkit.experiment import LoadedExperiment, TaskSettings
from mtlkit.files import Inputs


def read_by_experiment(loaded: LoadedExperiment) -> Inputs:
    """The files that training an experiment reads: its own, data, vectors and archives."""
    experiment = loaded.experiment
    found = {"the experiment": loaded.file}
    for name, task in experiment.tasks.items():
        reader = build_reader(task.reader, experiment.normalization)
        for split, source in task.sources().items():
            found |= _by_number(f"tasks.{name}.{split}", reader.files(source))
    if experiment.vocabulary.pretrained is not None:
        found["vocabulary.pretrained"] = experiment.vocabulary.pretrained
    return found | _by_number("model.pretrained", [entry.archive for entry in experiment.model.pretrained])


def data_scored(archive: Archive, tasks: Mapping[str, TaskSettings]) -> Inputs:
    """The data files of the tasks that are scored."""
    found: dict[str, Path] = {}
    for name, settings in tasks.items():
        reader = archive.reader_for(name)
        for source in settings.sources().values():
            try:
                found |= _by_number(f"data of {name}", reader.files(source))
            except MtlkitError:  # of a split that is not scored
                continue
    return found


def _by_number(name: str, files: Sequence[Path]) -> dict[str, Path]:
    """Files under one name, which has a number if there are several."""
    return {name if number == 0 else f"{name} ({number + 1})": file for number, file in enumerate(files)}
