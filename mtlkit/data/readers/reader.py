"""The interface of dataset readers."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from mtlkit.config import Component
from mtlkit.data.instance import Instance, Skipped, TargetKind


class DatasetReader(Component, offers=("files",)):
    """Turns the files of one task into instances, and a user's text into one.

    A `source` is what an experiment writes for a split: a path, or a name where the reader fetches its data itself.

    Given at build: `files` (Path or None), the folder of what it has saved (see `Component`).
    """

    fetches: ClassVar[bool] = False
    """Whether files that are not there yet are fetched when they are first read."""

    renames_by: ClassVar[str | None] = None
    """Name of the setting that renames the labels of files, a `dict[str, str] | None` from their names there to those
    of the task; None for a reader that takes labels as they are."""

    @property
    @abstractmethod
    def target_kind(self) -> TargetKind:
        """'label': one string per text; 'tags': one string per word."""

    @abstractmethod
    def files(self, source: str) -> list[Path]:
        """The files that `source` stands for, to be hashed and looked for; they need not exist yet."""

    @abstractmethod
    def read(self, source: str) -> Iterator[Instance | Skipped]:
        """The instances in the order of the file; reads as it goes. What is left out on purpose is a `Skipped`.

        Raises:
            DataError: `FILE:LINE: what; remedy`, for the first thing that is wrong.
        """

    @abstractmethod
    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        """One instance from raw text or from a JSON object, for prediction: a target may be there, but need not.

        Raises:
            DataError: `what; remedy`, without a place.
        """
