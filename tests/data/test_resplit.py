"""Splits that are redrawn: every text once, the same for the same seed, other ones for another task or seed."""

import re
from typing import Any

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


def drawn(seed: int = 0, task: str = "books", **sizes: Any) -> dict[str, list[str]]:
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


def test_a_train_file_is_enough() -> None:
    settings = ResplitSettings(dev=6, test=4)
    parts = resplit({"train": FILES["train"]}, settings, "books")
    assert [len(parts[split]) for split in ("train", "dev", "test")] == [10, 6, 4]
    assert sorted(word for part in parts.values() for word in words(part)) == sorted(words(FILES["train"]))


def test_a_dev_file_may_be_missing_where_there_is_a_test_file() -> None:
    parts = resplit({"train": FILES["train"], "test": FILES["test"]}, ResplitSettings(dev=6, test=4), "books")
    drawn = sorted(word for part in parts.values() for word in words(part))
    assert drawn == sorted(words(FILES["train"]) + words(FILES["test"]))


def test_the_draw_is_that_of_earlier_versions() -> None:
    """An archive does not hold its splits but draws them again, so they must never change."""
    parts = drawn(dev=3, test=2)
    assert parts["dev"] == ["word5", "word6", "word30"]
    assert parts["test"] == ["word21", "word23"]


REPEATED = Corpus.joined([corpus(0, 20), corpus(0, 5), corpus(0, 5), corpus(20, 4)])
"""24 distinct texts, five of them three times."""


def test_copies_are_kept_together() -> None:
    for seed in range(20):
        settings = ResplitSettings(dev=9, test=7, seed=seed, keep_together=True)
        parts = {split: words(part) for split, part in resplit({"train": REPEATED}, settings, "books").items()}
        assert [len(part) for part in parts.values()] == [18, 9, 7]
        sets = [set(part) for part in parts.values()]
        assert sum(map(len, sets)) == len(set().union(*sets)) == 24


def test_without_copies_keeping_them_together_changes_nothing() -> None:
    for seed in range(5):
        for sizes in ({"dev": 6}, {"dev": 6, "test": 4}):
            assert drawn(seed, keep_together=True, **sizes) == drawn(seed, **sizes)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("sizes", "asked"), [({"dev": 5}, 5), ({"dev": 4, "test": 5}, 9)])
def test_numbers_that_copies_cannot_add_up_to_are_refused_with_some_that_they_can(
    seed: int, sizes: dict[str, int], asked: int
) -> None:
    threes = Corpus.joined([corpus(0, 6)] * 3)
    with pytest.raises(DataError, match=r"keep_together: texts with all their copies do not add up to") as refused:
        resplit({"train": threes}, ResplitSettings(**sizes, seed=seed, keep_together=True), "books")
    remedy = re.search(r"; ask for (.*)", str(refused.value))
    assert remedy
    found = {split: int(size) for split, size in (part.split(": ") for part in remedy[1].split(", "))}
    parts = resplit({"train": threes}, ResplitSettings(**found, seed=seed, keep_together=True), "books")
    assert {split: len(parts[split]) for split in found} == found
    assert asked - 3 * len(found) < sum(found.values()) < asked


def test_a_number_smaller_than_any_group_of_copies_is_refused() -> None:
    with pytest.raises(DataError, match=r"do not add up to 2 dev; ask for more, or remove copies from the files"):
        resplit({"train": Corpus.joined([corpus(0, 6)] * 3)}, ResplitSettings(dev=2, keep_together=True), "books")


def test_a_name_in_place_of_the_tasks_decides() -> None:
    assert drawn(dev=6, task="films", drawn_as="books") == drawn(dev=6, task="books") != drawn(dev=6, task="films")


def test_something_must_be_left_to_train_on() -> None:
    with pytest.raises(DataError, match="32 of 32 texts are asked for, and training needs some; ask for less"):
        drawn(dev=20, test=12)
