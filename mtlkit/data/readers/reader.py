"""The interface of dataset readers."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from mtlkit.config import Component
from mtlkit.data.instance import Instance, Skipped, TargetKind


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
    def read(self, source: str) -> Iterator[Instance | Skipped]:
        """Yields the instances lazily, in the order of the file, and a `Skipped` for each text that is deliberately
        left out.

        Raises:
            DataError: the first error in the data, in the form `FILE:LINE: what; remedy`.
        """

    @abstractmethod
    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        """Creates one instance from raw text or from a JSON object, for prediction. A target is optional.

        Raises:
            DataError: the input is invalid; the message has the form `what; remedy`, without a place.
        """
