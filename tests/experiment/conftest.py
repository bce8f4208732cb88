"""A reader of tags without a setting for their scheme, as a plugin may have."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mtlkit.data import DatasetReader, Instance, Skipped, TargetKind


@DatasetReader.register("tags_without_scheme")
class TagsWithoutScheme(DatasetReader):
    """Lines of tags, whose words do not matter."""

    target_kind: TargetKind = "tags"

    def files(self, source: str) -> list[Path]:
        return [Path(source)]

    def read(self, source: str) -> Iterator[Instance | Skipped]:
        for line in Path(source).read_text().splitlines():
            yield Instance(("w",) * len(line.split()), tuple(line.split()))

    def parse(self, raw: str | Mapping[str, object]) -> Instance:
        raise NotImplementedError
