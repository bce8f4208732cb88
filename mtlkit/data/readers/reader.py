"""The interface of dataset readers."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from mtlkit.config import Component
from mtlkit.data.formats import FileFormat
from mtlkit.data.instance import Instance, Skipped, StructuralRows, TargetKind
from mtlkit.data.passes import FilePass
from mtlkit.data.tag_schemes.schemes import SchemeSetting


class DatasetReader(Component, offers=("files", "normalization")):
    """Converts the files of one task, and texts from users, into instances.

    A `source` is what an experiment gives for a split: a path, or a name if the reader fetches its data itself.

    Run-time values of the constructor: `files` (Path or None), the folder with the files that the component has saved
    (see `Component`); `normalization` ("nfc", "nfkc" or "none"), the normal form of the experiment's texts. A reader
    that splits texts into words is to split them in this form, through `NormalizingTokenizer`. Words and targets that
    it gives are brought into the form in any case.
    """

    when_left_out = MappingProxyType({"normalization": "none"})

    fetches: ClassVar[bool] = False
    """Whether missing files are downloaded when they are first read."""

    renames_by: ClassVar[str | None] = None
    """The name of the setting that renames the labels in files, or None if labels are not renamed. The setting is a
    `dict[str, str] | None` that maps the labels in files to those of the task.
    """

    file_format: ClassVar[FileFormat | None] = None
    """The format of the files, if it is one that mtlkit recognises by the first lines of a file; None for any other. A
    file that looks like another format is then refused, and `mtlkit predict` reads a file of this format by
    `read_texts` instead of taking its lines for texts.
    """

    reads_pairs: ClassVar[bool] = False
    """Whether an instance holds the words of two texts, with `BETWEEN_TEXTS` of `mtlkit.data.instance` between them."""

    scheme: SchemeSetting = "auto"
    """The tag scheme of the files: a name such as `iob1`; `none` for tags that mark no spans; or `auto`, which
    recognises it from the tags. Readers that have a setting for it store the setting here.
    """

    @property
    @abstractmethod
    def target_kind(self) -> TargetKind:
        """The kind of target: 'label' for one string per text, 'tags' for one string per word."""

    @abstractmethod
    def files(self, source: str) -> list[Path]:
        """Returns the files that `source` refers to. They are hashed and checked for existence, and need not
        exist yet.
        """

    @abstractmethod
    def read(self, source: str) -> Iterator[Instance | Skipped | StructuralRows]:
        """Yields the instances lazily, in the order of the file, a `Skipped` for each text that is deliberately left
        out, and `StructuralRows` for rows that are counted but belong to no text.

        Raises:
            DataError: the first error in the data, in the form `FILE:LINE: what; remedy`.
        """

    def file_pass(self, source: str) -> FilePass[Any, Any] | None:
        """Returns how `read` goes through the file of a source, so that readers with equal passes do it together; None
        if the source is read by this reader alone. It opens nothing. Unless it is overridden, this is None.
        """
        return None

    def read_texts(self, source: str) -> Iterator[Instance | Skipped]:
        """Yields the same texts as `read` does, for prediction: a text without a target is not left out but has the
        target None, and so has one whose target is not valid for the task.

        Unless it is overridden, these are the texts that `read` yields.

        Raises:
            DataError: as for `read`.
        """
        return (each for each in self.read(source) if not isinstance(each, StructuralRows))

    @abstractmethod
    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        """Creates one instance from raw text or from a JSON object, for prediction. A target is optional.

        Raises:
            DataError: the input is invalid; the message has the form `what; remedy`, without a place.
        """

    def unused_fields(self, raw: Mapping[str, object]) -> dict[str, object]:
        """Returns the fields of a JSON object that `parse` does not read, such as an id. They come back with the answer
        to the text. Unless it is overridden, these are all fields.
        """
        return dict(raw)
