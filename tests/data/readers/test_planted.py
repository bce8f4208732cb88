import re
from collections import Counter
from itertools import islice

import pytest

from mtlkit.config import Lazy
from mtlkit.data import Instance, PlantedReader, audit, load_corpus
from mtlkit.data.readers.planted import NEGATORS, lexicon
from mtlkit.errors import DataError

SPLITS = ("train", "dev", "test")
PINNED = [
    Instance(("w22", "w30", "w13", "w24", "w17", "w28", "w0", "w3", "not", "w34"), "negative"),
    Instance(("w35", "never", "not", "w3", "w17", "w17"), "positive"),
]


def test_the_same_sentences_for_ever():
    """Pinned: results of experiments hang on them."""
    assert list(PlantedReader("a").read("train:2")) == PINNED
    assert list(PlantedReader("a").read("train:2")) == PINNED


def test_fewer_sentences_are_the_first_of_more():
    reader = PlantedReader("a")
    assert list(reader.read("dev:300"))[:40] == list(reader.read("dev:40"))
    sizes = {split: len(list(reader.read(split))) for split in SPLITS}
    assert sizes == {"train": 200, "dev": 100, "test": 500}


def test_what_makes_other_sentences_and_what_makes_other_rules():
    words, rules = [f"w{number}" for number in range(40)], ("0/a", "0/b", "1/a")
    assert len({str(lexicon(words, rule)) for rule in rules}) == 3
    readers = [PlantedReader("a"), PlantedReader("b"), PlantedReader("a", sample=1), PlantedReader("a", seed=1)]
    assert len({next(reader.read("train")).words for reader in readers}) == 4
    texts = [instance.words for instance in readers[0].read("train")]
    tags = [[reader.tags(words) for words in texts] for reader in readers]
    assert tags[0] == tags[2] and tags[1] != tags[0] != tags[3]


def test_no_sentence_is_in_two_splits_of_one_world():
    """Five words make repetitions likely; even so, all test texts are clean."""
    tasks = {
        f"{rule}{sample}": Lazy.of(PlantedReader, rule=rule, sample=sample, num_words=5)
        for rule in "ab"
        for sample in (0, 1)
    }
    corpora = {
        task: {split: load_corpus(reader, f"{split}:2000", cache=None) for split in SPLITS}
        for task, reader in tasks.items()
    }
    report = audit(corpora)
    assert report.total.clean == report.total.sizes["test"] == 8000
    assert report.total.repeats["train"] > 0


def test_two_in_five_words_are_good_and_as_many_are_bad():
    words = [f"w{number}" for number in range(40)]
    meanings = lexicon(words, "any")
    assert list(meanings) != words and Counter(meanings.values()) == {"+": 16, "-": 16, "o": 8}


def test_rules_are_independent():
    """Of the words that one rule calls good, another calls two in five good and two in five bad, give or take."""
    words = [f"w{number}" for number in range(4000)]
    first, second = lexicon(words, "0/a"), lexicon(words, "0/b")
    shares = Counter(second[word] for word in words if first[word] == "+")
    assert all(abs(shares[tag] / 1600 - share) < 0.05 for tag, share in {"+": 0.4, "-": 0.4, "o": 0.2}.items())


def test_a_negator_turns_the_word_after_it():
    reader = PlantedReader("a")
    meanings = lexicon([f"w{number}" for number in range(40)], "0/a")
    good, bad, empty = (next(word for word in meanings if meanings[word] == tag) for tag in "+-o")
    assert reader.tags((good, "not", good, bad)) == ("+", "o", "-", "-")
    assert reader.tags(("never", bad, "not", empty, "not", "never", good)) == ("o", "+", "o", "o", "o", "o", "-")
    assert reader.tags(("new", "not", "new")) == ("o", "o", "o")


def test_a_label_follows_from_the_tags_of_its_sentence():
    labels, tags = (PlantedReader("a", target=target).read("test") for target in ("label", "tags"))
    for label, tagged in zip(labels, tags, strict=True):
        assert label.words == tagged.words
        counts = Counter(tagged.target)
        assert label.target == ("positive" if counts["+"] > counts["-"] else "negative") and counts["+"] != counts["-"]


def test_labels_are_balanced_and_words_are_those_announced():
    instances = list(PlantedReader("a", num_words=10).read("train:4000"))
    positive = sum(instance.target == "positive" for instance in instances) / 4000
    assert abs(positive - 0.5) < 0.03
    assert {len(instance.words) for instance in instances} == set(range(5, 13))
    assert {word for instance in instances for word in instance.words} == {f"w{n}" for n in range(10)} | set(NEGATORS)


def test_no_word_alone_decides():
    """Under a rule the best single word is a weak sign, so that several have to be read."""
    instances = list(PlantedReader("a").read("train:4000"))
    sides: dict[str, Counter[str]] = {}
    for instance in instances:
        for word in set(instance.words):
            sides.setdefault(word, Counter())[str(instance.target)] += 1
    assert max(max(side.values()) / side.total() for side in sides.values()) < 0.8


def test_the_target_decides_the_kind_of_task():
    assert PlantedReader("a").target_kind == "label"
    assert PlantedReader("a", target="tags").target_kind == "tags"


@pytest.mark.parametrize(
    "source", ["valid", "train:", "train:0", "train:-1", "train:1e3", "train:100001", "train:٣", "", "a.tsv"]
)
def test_an_unknown_source_is_told(source):
    message = f"no split of a planted task: '{source}'; write train, dev, test, with at most 100,000 sentences after"
    for method in (PlantedReader("a").files, PlantedReader("a").read):
        with pytest.raises(DataError, match=re.escape(message)):
            method(source)


def test_needs_no_file_and_is_cached_by_its_settings(tmp_path):
    assert PlantedReader("a").files("train") == []
    for rule in "ab":
        lazy = Lazy.of(PlantedReader, rule=rule)
        first, again = (load_corpus(lazy, "dev:30", cache=tmp_path) for _ in range(2))
        words = [first.forms[token] for token in first.tokens]
        assert words == [again.forms[token] for token in again.tokens]
        assert words == [word for instance in lazy.build().read("dev:30") for word in instance.words]
    assert len(list((tmp_path / "corpora").iterdir())) == 2


def test_texts_to_predict():
    assert PlantedReader("a").parse("w1 not w2") == Instance(("w1", "not", "w2"))
    assert PlantedReader("a").parse({"words": ["w1"], "label": "positive"}) == Instance(("w1",), "positive")
    tagged = {"words": ["not", "w1"], "tags": ["o", "-"]}
    assert PlantedReader("a", target="tags").parse(tagged) == Instance(("not", "w1"), ("o", "-"))


def test_a_stream_does_not_end_before_its_size():
    assert sum(1 for _ in islice(PlantedReader("a", num_words=5).read("test:3000"), 5000)) == 3000
