"""The outputs of verbs: files that take the place of no input and of no file of a run."""

from collections.abc import Sequence
from pathlib import Path

from mtlkit.errors import ConfigError
from mtlkit.files import Inputs, Output, open_regular, output_file, output_folder
from mtlkit.on_disk.runs import REPORT
from mtlkit.runs.directory import RunDirectory, archive_path
from mtlkit.runs.made_files import is_made_by_a_run
from mtlkit.runs.older_outputs import IsOlder


def output_of_verb(path: Path, inputs: Inputs, is_older: IsOlder, option: str = "--output") -> Output:
    """Finds out, before the work begins, whether a verb can write a file.

    Args:
        path: the file as the user gives it.
        inputs: what the verb reads, as far as it is known.
        is_older: recognises an older output of the verb, the only kind of file that it replaces; an empty one is always
            replaced.
        option: the option by which the file is given.

    Raises:
        ConfigError: it cannot be written, or is an input, a file of a run, a symbolic link, or any other file that is
            no older output of the verb.
    """
    output = output_file(path, option, inputs)
    if not output.is_stream:
        check_belongs_to_no_run(output.path, output.given)
        check_is_older(output.path, output.given, is_older)
    return output


def check_is_older(file: Path, given: str, is_older: IsOlder) -> None:
    """Makes sure that a file is not there, is empty, or is an older output, so that writing it loses no other file.

    Args:
        file: its path.
        given: the option and its value, for the message.
        is_older: recognises an older output.

    Raises:
        ConfigError: it is some other file, or cannot be read.
    """
    try:
        with open_regular(file) as content:
            is_replaced = not content.peek(1) or is_older(content)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"{given}: is there, and cannot be read ({error.strerror}); give another file") from None
    if not is_replaced:
        raise ConfigError(f"{given}: is there already and is no older output of this command; give another file")


def folder_of_verb(path: Path, option: str) -> Path:
    """Finds out, before the work begins, whether a verb can write files into a folder. Creates nothing.

    Args:
        path: the folder as the user gives it.
        option: the option by which it is given.

    Raises:
        ConfigError: it cannot be written to, or is a symbolic link.
    """
    if path.is_symlink():
        raise ConfigError(f"{option} {path}: is a symbolic link, which is not followed; name the folder it leads to")
    return output_folder(path, option)


def archives_given(archives: Sequence[Path], metavar: str = "ARCHIVE", packages: Sequence[str] = ()) -> Inputs:
    """What a verb reads, as far as the command line names it.

    Args:
        archives: archives, or the directories of runs.
        metavar: how the help of the verb calls them.
        packages: the values of `--include-package`, some of which may be files.
    """
    return {
        **{f"{metavar} {path}": archive_path(path) if path.is_dir() else path for path in archives},
        **{f"--include-package {package}": Path(package) for package in packages if package.endswith(".py")},
    }


def check_belongs_to_no_run(path: Path, given: str) -> None:
    """Makes sure that what is written takes the place of nothing that a run has made.

    Args:
        path: the resolved path of a file or folder.
        given: the option and its value, for the message.

    Raises:
        ConfigError: it has the place of a file or folder of a run.
    """
    for folder in path.parents:
        place = path.relative_to(folder).as_posix()
        # `report` writes that one by default.
        if place != REPORT and is_made_by_a_run(place) and RunDirectory(folder).is_run:
            raise ConfigError(f"{given}: belongs to the run in {folder}; give another path")
