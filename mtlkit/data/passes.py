"""One way through a file for several readers: each line is read and parsed once for all of them."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeAlias, TypeVar, final

from mtlkit.data.corpus import Corpus, CorpusBuilder
from mtlkit.data.instance import Instance, Skipped, StructuralRows, TargetKind

File = TypeVar("File")
Item = TypeVar("Item")
Text: TypeAlias = Instance | Skipped | StructuralRows
PORTION = 256
"""The number of items that one reader takes before it is the turn of the next."""


@final
@dataclass(frozen=True)
class FilePass(Generic[File, Item]):
    """How a reader goes through a file, so that readers whose passes have equal keys can do it together.

    `key` says which file it is and how it is parsed; passes with equal keys give equal items. `begin` opens the file
    and returns what is known of it as a whole, which all readers are given, and its items. `texts` makes the reader's
    texts of both; it must leave the items as they are, and take them one by one.
    """

    key: tuple[Hashable, ...]
    begin: Callable[[], tuple[File, Iterator[Item]]]
    texts: Callable[[File, Iterator[Item]], Iterator[Text]]

    def alone(self) -> Iterator[Text]:
        """Yields the texts of this reader alone."""
        yield from self.texts(*self.begin())


def read_together(passes: Sequence[tuple[FilePass[Any, Any], TargetKind]]) -> list[Corpus | Exception]:
    """Builds the corpora of several readers in one pass through their file, of which only a few portions are held at
    a time.

    Args:
        passes: passes with equal keys, each with the kind of its targets.

    Returns:
        For each pass the corpus, or what it raised; an error of one reader does not keep the others from reading on.
    """
    try:
        file, items = passes[0][0].begin()
    except Exception as error:
        return [error for _ in passes]
    portions = _Portions(items)
    participants = [_Participant(each, file, portions, kind) for each, kind in passes]
    reading, number = participants, 0
    while reading:
        reading = [each for each in reading if each.takes(number)]
        portions.drop(number)
        number += 1
    return [each.result for each in participants]


@final
class _Portions(Generic[Item]):
    """The items of a file by the portion. A portion is kept until it is dropped."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._kept: dict[int, list[Item]] = {}
        self._num_read = 0
        self.error: Exception | None = None
        """What was raised after the last item."""

    def take(self, number: int) -> list[Item]:
        """Returns a portion, which is empty at the end."""
        while self._num_read <= number and self.error is None:
            portion: list[Item] = []
            try:
                portion.extend(islice(self._items, PORTION))
            except Exception as error:  # with the items before it in the portion
                self.error = error
            self._kept[self._num_read] = portion
            self._num_read += 1
            if not portion:
                break
        return self._kept.get(number, [])

    def drop(self, number: int) -> None:
        """Forgets a portion that all readers have taken."""
        self._kept.pop(number, None)


@final
class _Participant:
    """One reader on its way through the file."""

    def __init__(self, given: FilePass[Any, Any], file: Any, portions: _Portions[Any], kind: TargetKind) -> None:
        self._portions = portions
        self._portion = 0
        self._builder = CorpusBuilder(kind)
        self._texts = given.texts(file, self._items())
        self.result: Corpus | Exception

    def takes(self, number: int) -> bool:
        """Takes all items of a portion. Returns False at the end or after an error, with the `result` set."""
        if self._portion > number:  # a reader that leaves out many items may be ahead
            return True
        try:
            # A reader can be stopped only where it yields a text, and may have taken items of the next portion for it.
            # These are there for the others all the same, since a portion is dropped only after everybody's turn.
            for text in self._texts:
                self._builder.add(text)
                if self._portion > number:
                    return True
            self.result = self._builder.corpus()
        except MemoryError:
            raise
        except Exception as error:
            self.result = error
        return False

    def _items(self) -> Iterator[Any]:
        while portion := self._portions.take(self._portion):
            yield from portion
            self._portion += 1
        if self._portions.error is not None:
            raise self._portions.error
