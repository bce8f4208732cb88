"""An archive in Python: `mtlkit.load_archive("runs/ic_mtl").explain("A quiet film.", task="movie")`."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

import torch

from mtlkit.archive import Archive, open_archive
from mtlkit.config import names_argument, path_argument, say_argument
from mtlkit.errors import ConfigError
from mtlkit.kernels.postponing import Postponed
from mtlkit.kernels.workers import prepare_threads
from mtlkit.plugins import load_plugins
from mtlkit.runs.directory import archive_path
from mtlkit.runs.explain import explain
from mtlkit.runs.precision import compute_in, precision_argument
from mtlkit.runs.predict import predict_inputs
from mtlkit.sharing.explanations import Explanation
from mtlkit.training.devices import as_device
from mtlkit.types import Say, silent


@final
class LoadedArchive:
    """A trained model that answers in memory: its weights are loaded, and its file is not needed any more.

    Several threads may use it at once. Its answers do not depend on torch's global settings, which it leaves unchanged.
    """

    def __init__(self, archive: Archive) -> None:
        """Loads the model of an archive that is still open."""
        self._archive = archive
        self.tasks = list(archive.experiment.tasks)
        for task in self.tasks:
            archive.model_for(task)
        prepare_threads(archive.experiment.trainer.threads, archive.device)

    def __repr__(self) -> str:
        return f"<archive {self._archive.path}: {', '.join(self.tasks)}>"

    def predict(self, texts: Iterable[str | Mapping[str, object]], task: str | None = None) -> list[dict[str, Any]]:
        """Answers raw texts.

        Args:
            texts: the texts, each a string or a JSON object such as `{"id": 7, "text": "A quiet film."}` with the
                fields that the task's reader reads. The other fields come back in the record.
            task: the task whose head answers; None for all tasks, which then answer each text in turn.

        Returns:
            The records of `mtlkit predict`, one for each text and task; a text that cannot be answered has an `error`.

        Raises:
            ConfigError: there is no such task, `texts` is a single text or not an iterable, or one of them is neither a
                string nor a mapping.
        """
        inputs = [(_text(each, f"text {number}"), f"text {number}") for number, each in enumerate(_several(texts), 1)]
        return list(predict_inputs(self._archive, inputs, self.tasks if task is None else [self._known(task)]))

    def explain(self, text: str | Mapping[str, object], task: str) -> Explanation:
        """Answers a text and explains what was shared between tasks to reach the answer.

        Args:
            text: the text, a string or a JSON object with the fields that the task's reader reads.
            task: the task whose head answers.

        Raises:
            ConfigError: there is no such task, the text is neither a string nor a mapping, or the sharing scheme does
                not report what it shares.
            DataError: the task's reader cannot read the text.
        """
        return explain(self._archive, [_text(text, "the text")], self._known(task))[0]

    def _known(self, task: str) -> str:
        if task not in self.tasks:
            raise ConfigError(f"there is no task '{task}'; the archive's tasks are {', '.join(self.tasks)}")
        return task


def _several(texts: Any) -> Iterable[Any]:
    if isinstance(texts, str | bytes | Mapping):  # iterables of letters, of numbers and of the names of fields
        raise ConfigError("predict takes many texts; give a list, such as [text]")
    if not isinstance(texts, Iterable):
        raise ConfigError(f"texts is not a list but of type {type(texts).__name__}; give a list, such as [text]")
    return texts


def _text(text: Any, what: str) -> str | Mapping[str, object]:
    if not isinstance(text, str | Mapping):
        remedy = 'give one text as a string, or as a dict such as {"text": ...}'
        raise ConfigError(f"{what} is not a string but of type {type(text).__name__}; {remedy}")
    if isinstance(text, Mapping) and (odd := [name for name in text if not isinstance(name, str)]):
        raise ConfigError(f"{what} has a field {odd[0]!r}, whose name is not a string; give a dict of JSON")
    return text


def predict(
    archive: str | os.PathLike[str],
    texts: Iterable[str | Mapping[str, object]],
    task: str | None = None,
    *,
    device: torch.device | str = "auto",
    include_packages: Sequence[str] = (),
    precision: str | None = None,
    say: Say = silent,
) -> list[dict[str, Any]]:
    """Loads an archive and answers raw texts; `load_archive` keeps it loaded for more than one call.

    Args:
        archive: an archive.tar.gz, the directory of a run, or a `Run`.
        texts: the texts, each a string or a JSON object; see `LoadedArchive.predict`.
        task: the task whose head answers; None for all tasks, which then answer each text in turn.
        device: auto, cpu, cuda, cuda:N, or a `torch.device`.
        include_packages: modules or .py files with components, as for `--include-package`.
        precision: what is computed in, fp32 or bf16; None for the precision of training.
        say: receives a line about another precision, and before compiled kernels are built; `print` prints it.

    Returns:
        The records of `mtlkit predict`, one for each text and task; a text that cannot be answered has an `error`.

    Raises:
        ArchiveError: the archive is missing or damaged.
        ConfigError: there is no such task or device, or a text is neither a string nor a mapping.
    """
    several = _several(texts)
    return load_archive(archive, device, include_packages, precision=precision, say=say).predict(several, task)


def load_archive(
    path: str | os.PathLike[str],
    device: torch.device | str = "cpu",
    include_packages: Sequence[str] = (),
    *,
    precision: str | None = None,
    say: Say = silent,
) -> LoadedArchive:
    """Loads an archive, to predict and explain with its model.

    Nothing is compiled for a few texts. On a CPU whose cache has no compiled kernels for this machine, where nothing
    was trained yet, texts are answered without them until building them would have paid (some 2 s of processor time);
    the call that comes then waits 5 to 15 s for it.

    Args:
        path: the archive.tar.gz of a run, the run's directory, or a `Run`.
        device: the device of the model: auto, cpu, cuda, cuda:N, or a `torch.device`.
        include_packages: modules or .py files with components, as for `--include-package`.
        precision: what is computed in, fp32 or bf16; None for the precision of training.
        say: receives a line about another precision, and before compiled kernels are built; `print` prints it.

    Raises:
        ArchiveError: the file is missing, damaged, of a newer format, or not an archive.
        ConfigError: the archive's experiment names components that are not installed, there is no such device or
            precision, or an argument has a wrong type.
    """
    file, where = archive_path(path_argument(path, "path")), as_device(device)
    plugins = load_plugins(names_argument(include_packages, "include_packages"))
    say, wanted = say_argument(say), precision_argument(precision)
    with open_archive(file, where, plugins, Postponed(say)) as archive:
        if (computed := compute_in(wanted, archive, say)) is not None:
            say(computed)
        return LoadedArchive(archive)
