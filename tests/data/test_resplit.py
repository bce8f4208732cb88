"""Splits drawn anew: every text once, the same for the same seed, other ones for another task or seed."""

import pytest

from mtlkit.data import Corpus, Instance, ResplitSettings, resplit
from mtlkit.errors import DataError


def corpus(first: int, size: int) -> Corpus:
    numbers = range(first, first + size)
    return Corpus.from_instances(
        (Instance((f"word{number}", "is", "told"), "even" if number % 2 == 0 else "odd") for number in numbers), "label"
    )


FILES = {"train": corpus(0, 20), "dev": corpus(20, 5), "test": corpus(25, 7)}


def words(found: Corpus) -> list[str]:
    return [found.instance(place).words[0] for place in range(len(found))]


def drawn(seed: int = 0, task: str = "books", **sizes: int) -> dict[str, list[str]]:
    settings = ResplitSettings(seed=seed, **sizes)
    parts = resplit({split: FILES[split] for split in settings.splits}, settings, task)
    return {split: words(part) for split, part in parts.items()}


def test_joined_corpora_keep_their_texts_and_targets() -> None:
    untold = Corpus.from_instances([Instance(("told",), None), Instance(("is", "new"), "odd")], "label")
    whole = Corpus.joined([FILES["dev"], untold, FILES["test"]])
    texts = [part.instance(place) for part in (FILES["dev"], untold, FILES["test"]) for place in range(len(part))]
    assert [whole.instance(place) for place in range(len(whole))] == texts
    assert whole.digests.tolist() == [
        digest for part in (FILES["dev"], untold, FILES["test"]) for digest in part.digests
    ]


def test_joined_tags_keep_their_places() -> None:
    parts = [Corpus.from_instances([Instance(("a", "b"), tags)], "tags") for tags in (("X", "O"), ("O", "Y"))]
    whole = Corpus.joined(parts)
    assert [whole.target(0), whole.target(1)] == [("X", "O"), ("O", "Y")]


def test_every_text_is_in_one_split() -> None:
    parts = drawn(dev=6, test=4)
    assert [len(parts[split]) for split in ("train", "dev", "test")] == [22, 6, 4]
    assert sorted(word for part in parts.values() for word in part) == sorted(
        word for file in FILES.values() for word in words(file)
    )


def test_the_test_file_may_stay_as_it_is() -> None:
    parts = drawn(dev=6)
    assert parts.keys() == {"train", "dev"}
    assert sorted(parts["train"] + parts["dev"]) == sorted(words(FILES["train"]) + words(FILES["dev"]))


def test_seed_and_task_decide() -> None:
    assert drawn(dev=6, test=4) == drawn(dev=6, test=4)
    assert drawn(dev=6, test=4) != drawn(dev=6, test=4, seed=1)
    assert drawn(dev=6, test=4) != drawn(dev=6, test=4, task="films")


def test_something_must_be_left_to_train_on() -> None:
    with pytest.raises(DataError, match="32 of 32 texts are asked for, and training needs some; ask for less"):
        drawn(dev=20, test=12)
