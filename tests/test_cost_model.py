"""The formulas of the cost model against what PyTorch counts, and against what two processes exchange."""
# ruff: noqa: E402  # benchmarks/ is no package, and is found only once it is on the path

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mtlkit.process import exchanged
from mtlkit.process.ranks import Ranks
from mtlkit.training.shared_tables import SMALLEST

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.append(str(BENCHMARKS))

from cluster_costs import MODEL, Repeated, epoch_of, most_ranks_for_rows, rows_bytes
from cost_model import ALONE, TOGETHER, amounts, exchange_seconds, fitted, link_of
from cost_model import SIZES as SIZES_EXCHANGED
from shared_step import in_processes, num_read, step_of
from step_costs import (
    NUMBER,
    SMALLEST_TABLE,
    Link,
    Setting,
    all_reduce_seconds,
    bucket_sizes,
    gradient_sizes,
    message_bytes,
    ring_seconds,
    step_flops,
    tree_seconds,
)

SIZES: dict[str, Any] = {
    "num_tasks": 3,
    "num_words": 5,
    "num_texts": 4,
    "input_dim": 11,
    "hidden_dim": 13,
    "num_rows": 17,
    "num_labels": 7,
}
SETTINGS = [Setting(scheme, **SIZES) for scheme in ("shared", "indirect", "direct")]  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # which `flags` sets as well
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_flops_are_those_that_pytorch_counts(setting: Setting) -> None:
    step = step_of(setting, kernels="plain")
    # oneDNN computes an LSTM as one operation, of which PyTorch knows no FLOP.
    with torch.backends.mkldnn.flags(enabled=False), FlopCounterMode(display=False) as counter:
        step()
    assert step_flops(setting) == counter.get_total_flops()


def test_two_ranks_exchange_the_messages_of_the_formula() -> None:
    settings = [*SETTINGS, replace(SETTINGS[1], num_rows=SMALLEST_TABLE // SIZES["input_dim"] + 1)]
    expected = [message_bytes(setting, 2, num_read(setting)) for setting in settings]
    assert in_processes(bytes_of_messages, settings) == [expected, expected]
    assert all(len(messages) == 2 for messages in expected)
    assert expected[1][1] > SIZES["num_rows"] * SIZES["input_dim"] * NUMBER, "a small table is exchanged whole"
    assert expected[-1][1] < SMALLEST_TABLE * NUMBER, "a large one by rows"
    assert SMALLEST["cpu"] == SMALLEST_TABLE and message_bytes(SETTINGS[0], 1) == []


def bytes_of_messages(group: Ranks, settings: list[Setting]) -> list[list[int]]:
    """Counts, in one of the processes, the bytes of each all-reduce of a step."""
    reduce, found = dist.all_reduce, []

    def counted(tensor: torch.Tensor, *arguments: Any, **options: Any) -> Any:
        found[-1].append(tensor.nbytes)
        return reduce(tensor, *arguments, **options)

    dist.all_reduce = counted
    for setting in settings:
        step = step_of(setting, group, kernels="plain")
        found.append([])
        step()
    dist.all_reduce = reduce
    return found


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("largest", [100, 700, 2**24])
def test_buckets_are_those_of_the_exchange(setting: Setting, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchanged, "LARGEST_BUCKET", largest)
    sizes = gradient_sizes(setting)
    cut = exchanged.buckets([nn.Parameter(torch.empty(size)) for size in sizes])
    assert bucket_sizes(sizes, largest) == [sum(each.numel() for each in bucket) for bucket in cut]


def test_an_all_reduce_takes_its_hops_and_its_bytes() -> None:
    link = Link(hop_seconds=1e-3, bytes_per_second=1e6)
    assert ring_seconds(1000, 1, link) == tree_seconds(1000, 1, link) == 0
    assert ring_seconds(1000, 2, link) == pytest.approx(2e-3 + 1e-3)
    assert ring_seconds(1000, 4, link) == pytest.approx(6e-3 + 1.5e-3)
    assert tree_seconds(1000, 4, link) == pytest.approx(4e-3 + 2e-3)
    assert all_reduce_seconds(1000, 1000, link) == tree_seconds(1000, 1000, link)  # few bytes: hops count
    assert all_reduce_seconds(1e9, 4, link) == ring_seconds(1e9, 4, link)


def test_a_fit_finds_what_the_seconds_were_made_of() -> None:
    made_of = [2e-10, 3e-9, 1e-4, 0.0, 5e-4]
    rows = [amounts(setting) for setting in ALONE]
    seconds = [sum(one * each for one, each in zip(made_of, row, strict=True)) for row in rows]
    assert fitted(rows, seconds) == pytest.approx(made_of)


def test_a_step_is_predicted_for_sizes_that_were_not_fitted() -> None:
    assert not {str(replace(each, num_texts=each.num_texts // 2)) for each in TOGETHER} & set(map(str, ALONE))
    link = Link(hop_seconds=1e-4, bytes_per_second=1e9)
    expected = sum(2e-4 + size / 1e9 for size in message_bytes(TOGETHER[0], 2, num_read(TOGETHER[0])))
    assert exchange_seconds(TOGETHER[0], 2, link) == pytest.approx(expected)
    exchanges = [4e-4 + (4 * (size + 1) + 2) / 1e9 for size in SIZES_EXCHANGED]
    assert link_of(exchanges) == Link(pytest.approx(1e-4), pytest.approx(1e9))


def test_gathered_rows_pay_until_they_are_as_many_bytes_as_the_table() -> None:
    def gathered_less_dense(number: int) -> float:
        setting = replace(MODEL, num_texts=number * MODEL.num_texts)
        dense = 2 * 4 * setting.num_rows * setting.input_dim
        return number * rows_bytes(setting, number) - dense

    most = most_ranks_for_rows(MODEL)
    assert gathered_less_dense(most) <= 0 < gathered_less_dense(most + 1)


def test_more_ranks_share_what_can_be_shared() -> None:
    repeated = Repeated(digest_bytes=1e9, answer_seconds=1e-5, answer_bytes=20)
    one, eight = (epoch_of(replace(MODEL, num_texts=number * 64), number, repeated) for number in (1, 8))
    assert (one.exchange, one.digest) == (0, 0) and eight.exchange > 0
    assert eight.products == pytest.approx(one.products / 8, rel=1e-3) and eight.checkpoint == one.checkpoint
    assert eight.total < one.total < 8 * eight.total


def test_the_page_says_what_the_formulas_give() -> None:
    page = (BENCHMARKS.parent / "docs" / "scale.md").read_text(encoding="utf-8")
    step = replace(MODEL, num_texts=512)
    found = message_bytes(step, 8)
    assert f"{step_flops(step, 8) / 1e9:.0f} GFLOP" in page and f"{len(found)} all-reduces" in page
    assert f"{sum(found) / 1e6:.0f} MB, of which {max(found) / 1e6:.0f} MB" in page
