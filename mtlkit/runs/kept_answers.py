"""Where `evaluate` may write answers: onto no data, and into a run's own folder only the answers to its own data."""

from pathlib import Path

from mtlkit.archive import Archive
from mtlkit.errors import ConfigError
from mtlkit.files import Inputs, Output, check_is_no_input
from mtlkit.runs.data_to_score import Wanted
from mtlkit.runs.directory import RunDirectory, archive_path
from mtlkit.runs.known_texts import first_other_texts
from mtlkit.runs.older_outputs import is_answers
from mtlkit.runs.outputs import check_is_older
from mtlkit.runs.predictions import predicted_tasks


def check_outputs(
    reads: Inputs, split: str, predictions: Path | None, output: Output | None, *, is_own: bool = False
) -> None:
    """Makes sure that what is written takes the place of no file that is read, and that no link is in its way.

    Args:
        reads: what is read, by what a user knows it as.
        split: the split that is scored.
        predictions: the folder that answers are written to.
        output: the file that figures are written to.
        is_own: whether that folder is the one in which the archive's run keeps its own answers.

    Raises:
        ConfigError: it does, a file that is no older output is in the way, or the folder of the split is a link.
    """
    if output is not None and not output.is_stream:
        check_is_no_input(output.path, output.given, reads)
    if predictions is not None:
        if (folder := predictions / split).is_symlink():
            raise ConfigError(
                f"--predictions {predictions}: {folder} is a symbolic link, which is not followed; give another folder"
            )
        for file in predicted_tasks(predictions, split).values():
            given = f"--predictions {predictions}: {file.relative_to(predictions)}"
            check_is_no_input(file, given, reads)
            if not is_own:  # what is damaged there is written again
                check_is_older(file, given, is_answers)


def keep_own_answers(archive: Path, predictions: Path, wanted: Wanted) -> None:
    """Makes sure that a run's own predictions are not overwritten by answers to other texts, as far as options tell."""
    run = RunDirectory(archive_path(archive).resolve().parent)
    if wanted.file is not None or wanted.files:  # a folder may have its own data, which are compared later
        raise ConfigError(f"--predictions {predictions}: keeps the run's answers to its own data; give another folder")
    if wanted.precision is not None:
        raise ConfigError(
            f"--predictions {predictions}: keeps the run's answers in its own precision; leave --precision out"
        )
    if (own := run.read_meta().get("limit")) != wanted.limit:
        remedy = "leave --limit out" if own is None else f"give --limit {own}"
        raise ConfigError(f"--predictions {predictions}: keeps answers to as many texts as the run had; {remedy}")


def is_own_folder(archive: Path, predictions: Path) -> bool:
    """Whether a folder is the one in which the archive's run keeps its own predictions."""
    run = RunDirectory(archive_path(archive).resolve().parent)
    return run.is_run and predictions.resolve() == run.predictions


def check_own_texts(archive: Archive, predictions: Path, wanted: Wanted) -> None:
    """Makes sure that a run's own predictions are not overwritten by answers to data that have changed since."""
    if (changed := first_other_texts(archive, wanted)) is not None:
        raise ConfigError(
            f"--predictions {predictions}: keeps the run's answers to its own data, and {changed}; give another folder"
        )
