"""Finds the files that Jsonnet imports: only in the experiment's tree and mtlkit's library, and keeps their text."""

import codecs
import os
from pathlib import Path

from mtlkit.config.near_files import near_file
from mtlkit.text import on_one_line, printable

LIBRARY = Path(__file__).parent.parent / "library"
MOST_BYTES = 2**26
"""The most bytes that an experiment file may have, and that all its imports may have together."""
LONGEST_NAME = 200
"""The most letters of a name that are shown where it cannot be one."""


class TooLarge(RuntimeError):
    """A file has more bytes than may be read of it."""


def experiment_root(path: Path) -> Path:
    """Returns the folder that the imports of a file must stay in."""
    folder = path.resolve().parent
    named = [parent for parent in (folder, *folder.parents) if parent.name == "experiments"]
    return named[-1] if named else folder


def read_source(path: Path, longest: int = MOST_BYTES) -> bytes:
    """Reads a file that belongs to an experiment, without the byte order mark that editors on Windows begin it with.

    The mark is not part of the text, and Jsonnet rejects it.

    Raises:
        OSError: it cannot be read.
        TooLarge: it has more than `longest` bytes.
    """
    with path.open("rb") as file:
        content = file.read(longest + 1)
    if len(content) > longest:
        raise TooLarge(f"experiments have at most {MOST_BYTES >> 20} MiB; keep data in files that a reader opens")
    return content.removeprefix(codecs.BOM_UTF8)


class Importer:
    """Resolves, restricts and records the imports of an experiment file. `sources` has the text of each file, by its
    path relative to the root.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sources: dict[str, str] = {}
        self._folders: dict[str, Path] = {}
        self._bytes_left = MOST_BYTES

    def shown(self, path: Path) -> str:
        """Returns the name of a file for Jsonnet, which shows it in messages and takes only UTF-8."""
        try:
            str(path).encode()
        except UnicodeEncodeError:  # bytes of another encoding
            name = on_one_line(str(path))
            self._folders[os.path.dirname(name)] = path.parent
            return name
        return str(path)

    def __call__(self, folder: str, name: str) -> tuple[str, bytes]:
        """Returns the shown name and the content of the file `name` that a file in `folder` imports.

        Raises:
            RuntimeError: it may not be imported, or cannot be read.
        """
        try:
            base, path = self._place(folder, name)
        except (OSError, ValueError) as error:  # the latter for a name with a NUL character
            reason = error.strerror if isinstance(error, OSError) else error
            raise RuntimeError(
                f"import '{printable(name, LONGEST_NAME)}': is no path ({reason}); check the path"
            ) from None
        if not path.is_relative_to(base):
            raise RuntimeError(f"import '{name}' leaves the experiment's folder tree ({base}); copy the file into it")
        if not path.is_file():
            near = near_file(path, lambda other: other.is_file() and other.is_relative_to(base))
            raise RuntimeError(f"import '{name}': no file {path}{near or '; check the path'}")
        content = self._content(path, name)
        prefix = "mtlkit/" if base == LIBRARY else ""
        self.sources[prefix + path.relative_to(base).as_posix()] = content.decode("utf-8", errors="replace")
        # Named as the user would name it: relative to the current folder.
        return self.shown(Path(os.path.relpath(path)) if path.is_relative_to(Path.cwd()) else path), content

    def _place(self, folder: str, name: str) -> tuple[Path, Path]:
        """The folder that an import must stay in, and the path of what it names, which can be looked for."""
        if name.startswith("mtlkit/"):
            base, path = LIBRARY, LIBRARY / name.removeprefix("mtlkit/")
        else:
            base, path = self.root, self._folders.get(os.path.dirname(folder), Path(folder)) / name
        path = path.resolve()
        path.is_file()  # raises OSError for a name that is too long
        if path.is_relative_to(LIBRARY):  # the library's files import each other
            base = LIBRARY
        return base, path

    def _content(self, path: Path, name: str) -> bytes:
        try:
            content = read_source(path, self._bytes_left)
        except OSError as error:
            raise RuntimeError(f"import '{name}': {path} cannot be read ({error.strerror}); make it readable") from None
        except TooLarge as error:
            raise RuntimeError(f"import '{name}': {path} is too large: {error}") from None
        self._bytes_left -= len(content)
        return content
