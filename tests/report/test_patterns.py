"""Pairs of words that are added up batch by batch, against a count of one occurrence after the other."""

from collections import defaultdict
from math import exp, log

import pytest
import torch

from mtlkit.report.analysis import patterns as mining
from mtlkit.report.analysis.patterns import PairSums
from mtlkit.report.templating import sentences
from mtlkit.report.views.patterns import motifs, varied

NAMES = ["movie", "boring", "would", "have", "the", ",", "never", "too"]


def texts(count, seed=0):
    """Random words, and weights that sum to 1 over a text."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        length = int(torch.randint(1, 16, (1,), generator=generator))
        words = torch.randint(0, len(NAMES), (length,), generator=generator)
        found.append((words, (2 * torch.randn(length, length, generator=generator)).softmax(dim=1)))
    return found


def batches(found, size):
    for start in range(0, len(found), size):
        some = found[start : start + size]
        longest = max(len(words) for words, _ in some)
        weights_BTN = torch.zeros(len(some), longest, longest)
        words_BT = torch.zeros(len(some), longest, dtype=torch.int64)
        mask_BT = torch.zeros(len(some), longest, dtype=torch.bool)
        for row, (words, weights) in enumerate(some):
            length = len(words)
            weights_BTN[row, :length, :length] = weights
            words_BT[row, :length] = words
            mask_BT[row, :length] = True
        yield weights_BTN, mask_BT, words_BT, torch.arange(start, start + len(some))


def mined(found, size=4):
    sums = PairSums(NAMES)
    for batch in batches(found, size):
        sums.add(*batch)
    return sums.patterns(len(found), lambda index: (index + 1, tuple(NAMES[word] for word in found[index][0])))


def usual_lifts(found):
    """The lift of each source for all words together, as mean logarithms."""
    taken = defaultdict(list)
    for words, weights in found:
        for place, received in enumerate(weights.sum(dim=0).tolist()):
            taken[NAMES[words[place]]].append(log(received))
    return {name: sum(logs) / len(logs) for name, logs in taken.items()}


def counted(found):
    """(word, source, reach) -> its occurrences: text, place, source, weight, lift."""
    pairs = defaultdict(list)
    for number, (words, weights) in enumerate(found):
        for place, row in enumerate(weights.tolist()):
            others = sorted((each for each in range(len(row)) if each != place), key=lambda each: -row[each])
            for source in others[:3]:
                far = abs(source - place)
                names = NAMES[words[place]], NAMES[words[source]]
                if "," not in names and not 3 < far < 6:
                    reach = "long" if far >= 6 else "short"
                    pairs[(*names, reach)].append((number, place, source, row[source], row[source] * len(row)))
    return pairs


@pytest.mark.parametrize("held", [mining.ROWS_HELD, 10])
def test_patterns_are_those_of_a_naive_count(monkeypatch, held):
    """However often equal pairs are added up on the way."""
    monkeypatch.setattr(mining, "ROWS_HELD", held)
    found = texts(60)
    pairs, usual = counted(found), usual_lifts(found)
    expected = {}
    for key, occurrences in pairs.items():
        logs = sum(log(lift) for *_, lift in occurrences)
        score = logs / (len(occurrences) + mining.DOUBT)
        if (
            len({number for number, *_ in occurrences}) >= 3
            and score > mining.NOISE
            and logs / len(occurrences) - mining.NOISE > usual[key[1]]
        ):
            expected[key] = score
    patterns = mined(found)
    assert len(patterns) > 20
    assert {(each.word, each.source, each.reach) for each in patterns} == set(expected)
    scores = [expected[each.word, each.source, each.reach] for each in patterns]
    assert scores == sorted(scores, reverse=True)
    for each in patterns:
        occurrences = pairs[each.word, each.source, each.reach]
        assert each.count == len({number for number, *_ in occurrences})
        assert each.usual == pytest.approx(exp(usual[each.source]), rel=1e-4)
        assert each.weight == pytest.approx(sum(weight for *_, weight, _ in occurrences) / len(occurrences))
        lifts = [log(lift) for *_, lift in occurrences]
        assert each.lift == pytest.approx(exp(sum(lifts) / len(lifts)), rel=1e-5)
        distances = [source - place for _, place, source, *_ in occurrences]
        assert each.distance == pytest.approx(sum(distances) / len(distances))
        number, place, source, *_ = max(occurrences, key=lambda one: one[3])
        assert (each.example.number, each.example.place, each.example.source) == (number + 1, place, source)
        assert (each.example.words[place], each.example.words[source]) == (each.word, each.source)


def test_what_everything_reads_is_no_pattern_of_its_readers():
    found = []
    for _ in range(6):
        words = torch.arange(12) % 4
        words[6] = NAMES.index("never")
        weights = torch.full((12, 12), 0.3 / 11)
        weights[:, 6] = 0.7
        found.append((words, weights))
    assert mined(found) == []


@pytest.mark.parametrize(("gap", "reach"), [(1, "short"), (3, "short"), (6, "long"), (4, None)])
def test_a_planted_pair_is_found(gap, reach):
    """`movie` reads `boring` where that stands so many words behind it, and everything else reads all alike."""
    found = []
    for _ in range(6):
        words = torch.full((12,), NAMES.index("the"))
        words[2], words[2 + gap] = NAMES.index("movie"), NAMES.index("boring")
        weights = torch.full((12, 12), 1 / 12)
        weights[2] = 0.3 / 11
        weights[2, 2 + gap] = 0.7
        found.append((words, weights))
    strong = [each for each in mined(found) if each.lift > 2]
    assert [(each.word, each.source, each.reach) for each in strong] == ([("movie", "boring", reach)] if reach else [])
    for each in strong:
        assert each.lift == pytest.approx(8.4) and each.count == 6 and each.distance == gap


def test_nothing_is_found_where_all_is_read_alike():
    assert mined([(words, torch.full_like(weights, 1 / len(words))) for words, weights in texts(30)]) == []


def test_a_list_varies_and_tasks_have_patterns_in_common():
    patterns = mined(texts(60))
    shown = varied(patterns, 10)
    assert shown[0] == patterns[0]
    for role in ("word", "source"):
        names = [getattr(each, role) for each in shown]
        assert max(map(names.count, names)) <= 2
    others = mined(texts(60, seed=1))
    common = {(each.word, each.source) for each in patterns if each.reach == "long"} & {
        (each.word, each.source) for each in others if each.reach == "long"
    }
    found = [each for each in motifs({"a": patterns, "b": others}) if each["reach"] == "far"]
    assert found and {(each["word"], each["source"]) for each in found} <= common
    assert all([task for task, _ in each["tasks"]] in (["a", "b"], ["b", "a"]) for each in found)
    assert motifs({"a": patterns}) == []


def test_words_that_read_at_random_have_lifts_above_one_as_the_page_says():
    generator = torch.Generator().manual_seed(0)
    sums = PairSums(NAMES)
    weights_BTN = (0.3 * torch.randn(64, 20, 20, generator=generator)).softmax(dim=2)
    words_BT = torch.randint(0, len(NAMES), (64, 20), generator=generator)
    sums.add(weights_BTN, torch.ones(64, 20, dtype=torch.bool), words_BT, torch.arange(64))
    found = sums.patterns(64, lambda index: (index + 1, ()))
    assert found and all(each.lift > 1.2 and 0.9 < each.usual < 1.1 for each in found)
    assert "even where words read at random" in sentences("patterns")
