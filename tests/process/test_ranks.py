"""The plain case of several processes, and which texts of a batch each of them has."""

import pytest
import torch

from mtlkit.data import Batch, Corpus, Instance, TaskSplit
from mtlkit.process.ranks import ONE, OneProcess, Ranks
from mtlkit.testing import TASKS
from mtlkit.testing.samples import LABELS, sample_vocabulary


def of(rank: int, size: int) -> Ranks:
    """A process among several, of which nothing is exchanged."""
    ranks = OneProcess()
    ranks.rank, ranks.size = rank, size
    return ranks


def batch(num_texts: int) -> Batch:
    texts = [("a", "warm", "film")[: 1 + number % 3] for number in range(num_texts)]
    corpus = Corpus.from_instances([Instance(words, LABELS[len(words) - 1]) for words in texts], "label")
    return TaskSplit(TASKS[0], corpus, sample_vocabulary()).batch(torch.arange(num_texts))


@pytest.mark.parametrize(("num_texts", "size"), [(7, 2), (7, 3), (6, 3), (3, 3), (5, 5)])
def test_every_text_is_of_one_process(num_texts: int, size: int) -> None:
    whole = batch(num_texts)
    shares = [whole.shared_by(of(rank, size)) for rank in range(size)]
    assert torch.cat([each.indices_B for each in shares]).sort().values.equal(whole.indices_B)
    assert max(each.size for each in shares) - min(each.size for each in shares) <= 1
    for each in shares:
        assert each.share is not None and each.share.size == num_texts
        assert each.share.rows_R.equal(each.indices_B)
        assert each.targets is not None and whole.targets is not None
        assert each.targets.equal(whole.targets[each.indices_B])
        assert each.text.mask_BT.equal(whole.text.mask_BT[each.indices_B])
        assert each.text.words_BT.equal(whole.text.words_BT[each.indices_B])


@pytest.mark.parametrize(("rank", "num_texts"), [(2, 2), (3, 2), (3, 1)])
def test_a_process_without_a_text_computes_one_and_counts_none(rank: int, num_texts: int) -> None:
    share = batch(num_texts).shared_by(of(rank, 4))
    assert share.size == 1 and share.indices_B.tolist() == [0]
    assert share.share is not None and len(share.share.rows_R) == 0


def test_a_share_still_knows_which_words_are_the_same() -> None:
    calls: list[int] = []

    def vectors_of(column_WC: torch.Tensor) -> torch.Tensor:
        calls.append(len(column_WC))
        return column_WC.unsqueeze(-1).float()

    share = batch(6).shared_by(of(0, 2))
    share.text.once_per_form("words", torch.nn.Identity(), vectors_of)
    assert calls == [len({"a", "warm", "film", "padding"})], "six words and padding, each form once"


def test_one_process_has_the_whole_batch() -> None:
    whole = batch(3)
    assert whole.shared_by(ONE) is whole


def test_one_process_exchanges_nothing() -> None:
    total, states_BD = torch.ones(3), torch.ones(2, 3)
    assert ONE.sum([total])[0] is total and ONE.sum([]) == []
    assert ONE.assemble(states_BD, torch.arange(2), 2) is states_BD
    assert ONE.first(lambda: 7) == 7 and ONE.first_then_all(lambda: 8) == 8
    assert ONE.gather("a") == ["a"] and ONE.least(3) == 3
    assert ONE.agreed_signal(15) == 15 and ONE.agreed_signal(None) is None
    assert ONE.own_state() == {}
    ONE.load_own_state({"draws": []})
    before = torch.get_rng_state()
    with ONE.other_draws():
        ONE.seed_own(3)
        assert torch.get_rng_state().equal(before)
