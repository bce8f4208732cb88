"""The door through which every reader's texts pass, so that none forgets their normal form, or takes one for two."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, final

from mtlkit.config import Component, Lazy
from mtlkit.data.instance import BETWEEN_TEXTS, Instance, Skipped, StructuralRows, TargetKind, check_no_mark
from mtlkit.data.normalization import Normalization, Rest, normalized_instance, normalized_instances
from mtlkit.data.passes import FilePass
from mtlkit.data.readers.reader import DatasetReader
from mtlkit.errors import DataError


@final
class NormalizedReader(DatasetReader):
    """A reader with the words and targets of another one, in a normal form.

    Args:
        reader: the reader, built with the same normal form.
        normalization: the normal form.
    """

    def __init__(self, reader: DatasetReader, normalization: Normalization) -> None:
        self._reader = reader
        self._normalization = normalization
        self.scheme = reader.scheme
        # Variables of the class, of which each reader in here has its own.
        self.fetches = reader.fetches  # type: ignore[misc]
        self.renames_by = reader.renames_by  # type: ignore[misc]
        self.reads_pairs = reader.reads_pairs  # type: ignore[misc]
        self.file_format = reader.file_format  # type: ignore[misc]

    @property
    def target_kind(self) -> TargetKind:
        return self._reader.target_kind

    def files(self, source: str) -> list[Path]:
        return self._reader.files(source)

    def read(self, source: str) -> Iterator[Instance | Skipped | StructuralRows]:
        return self._passed(self._reader.read(source), source)

    def file_pass(self, source: str) -> FilePass[Any, Any] | None:
        found = self._reader.file_pass(source)
        if found is None:
            return None

        def texts(file: Any, items: Iterator[Any]) -> Iterator[Instance | Skipped | StructuralRows]:
            return self._passed(found.texts(file, items), source)

        return replace(found, texts=texts)

    def read_texts(self, source: str) -> Iterator[Instance | Skipped]:
        return self._passed(self._reader.read_texts(source), source)

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        instance = normalized_instance(self._reader.parse(raw), self._normalization)
        self._check_mark(instance)
        return instance

    def unused_fields(self, raw: Mapping[str, object]) -> dict[str, object]:
        return self._reader.unused_fields(raw)

    def _passed(self, texts: Iterator[Instance | Rest], source: str) -> Iterator[Instance | Rest]:
        """Yields what there is in its normal form. The first text is number 1 in errors; mtlkit's own readers have
        told the line before."""
        number = 0
        for each in normalized_instances(texts, self._normalization):
            if not isinstance(each, StructuralRows):
                number += 1
            if isinstance(each, Instance):
                try:
                    self._check_mark(each)
                except DataError as error:
                    raise DataError(f"{source}: text {number:,}: {error}") from None
            yield each

    def _check_mark(self, instance: Instance) -> None:
        if not self.reads_pairs:
            check_no_mark(instance.words)
        elif instance.words.count(BETWEEN_TEXTS) != 1:
            raise DataError(
                f"a pair with the word {BETWEEN_TEXTS} {instance.words.count(BETWEEN_TEXTS)} times, and once is due, "
                "between its texts; mend the reader"
            )


def build_reader(reader: Lazy[DatasetReader], normalization: Normalization) -> DatasetReader:
    """Builds a reader whose words and targets are in a normal form, whatever the reader itself does about it.

    Raises:
        MtlkitError: the reader cannot be built, such as for a library that is not installed.
    """
    return NormalizedReader(reader.build(normalization=normalization), normalization)


def build_part_of_reader(part: Lazy[Any], normalization: Normalization) -> Component:
    """Builds a reader or a part of one, such as its tokenizer, as it is; this is for the files that it saves."""
    offered = {"normalization": normalization} if issubclass(part.component, DatasetReader) else {}
    built: Component = part.build(**offered)
    return built
