"""Inference in bfloat16 over float32, and the same by int8 modules of torch.ao, which mtlkit does not offer: a minute.

Where the processor has no instructions for bfloat16, oneDNN emulates them; `ONEDNN_MAX_CPU_ISA=AVX512_CORE` measures
that on one that has them. Quality is that of a trained archive: `mtlkit evaluate ARCHIVE --precision bf16`.

The floor in bfloat16 is the same share of the time in float32 as a product takes in bfloat16 that has the batch's rows
and the weights of four gates: what could be gained if there were nothing but products. There is none where such
products take longer than in float32.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from floors import over_floor, product_rate
from measuring import Row, command_line, interleaved, untargeted, write_result
from torch import Tensor, nn

from mtlkit.config import Lazy
from mtlkit.encoders import BilstmEncoder
from mtlkit.sharing.communicators import DirectCommunicator, IndirectCommunicator
from mtlkit.sharing.message_passing import MessagePassing
from mtlkit.training.precision import autocast

DIM = 200
SHAPES = ((1, 20), (32, 20), (32, 60))
Way = Callable[[], Tensor]
TASKS = [f"task {number}" for number in range(16)]


def networks() -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Networks of one direction with 16 tasks, and a BiLSTM; each maps embedded words and their mask to states."""
    return {
        "indirect": partial(heard, message_passing(Lazy.of(IndirectCommunicator))),
        "direct K=16": partial(heard, message_passing(Lazy.of(DirectCommunicator))),
        "BiLSTM": BilstmEncoder(DIM, input_dim=DIM),
    }


def message_passing(communicator: Lazy[Any]) -> MessagePassing:
    """Networks that send to each other."""
    return MessagePassing(communicator, DIM, input_dim=DIM, tasks=TASKS)


def heard(network: MessagePassing, inputs_BTE: Tensor, mask_BT: Tensor) -> Tensor:
    """The states of the first task."""
    states_BTD: Tensor = network(inputs_BTE, mask_BT, TASKS[0]).states_BTD
    return states_BTD


def share_of_products(batch: int) -> float:
    """The time of a product in bfloat16, as a share of that in float32."""
    size = (batch, DIM, 4 * DIM)
    return product_rate(*size) / product_rate(*size, torch.bfloat16)


def in_bfloat16(function: Callable[[], Tensor]) -> Tensor:
    """What `precision: 'bf16'` computes."""
    with autocast(torch.device("cpu"), "bf16"):
        return function()


def int8_lstm(lstm: nn.LSTM) -> Callable[[Tensor], Any]:
    """A copy of an LSTM with weights in int8, whose inputs are rounded as they come in."""
    wrapped: Any = torch.ao.quantization.quantize_dynamic(nn.Sequential(lstm), {nn.LSTM}, torch.qint8)
    return cast(Callable[[Tensor], Any], wrapped[0])


def states_of(lstm: Callable[[Tensor], Any], inputs_BTE: Tensor) -> Tensor:
    """The states of an LSTM without its last ones."""
    states_BTD: Tensor = lstm(inputs_BTE)[0]
    return states_BTD


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "precision", rounds=2)
    warnings.simplefilter("ignore")  # torch.ao announces its successor
    torch.manual_seed(0)
    rows: list[Row] = []
    differences: dict[str, float] = {}

    def compare(what: str, case: str, exact: Way, rounded: Way, least: float | None = None) -> None:
        times = interleaved({"float32": exact, "rounded": rounded}, arguments.rounds)
        row = untargeted(f"{what} over float32, inference", case, times.ratio("rounded", "float32"))
        if least is not None:
            row = over_floor(row, times.median("rounded"), least * times.median("float32"))
        rows.append(row)
        differences[f"{what} {case}"] = round(float((exact() - rounded().float()).abs().max()), 4)

    with torch.inference_mode():
        for batch, length in SHAPES:
            share = share_of_products(batch)
            least = share if share < 1 else None
            inputs_BTE, mask_BT = torch.randn(batch, length, DIM), torch.ones(batch, length, dtype=torch.bool)
            for name, network in networks().items():
                exact = partial(network, inputs_BTE, mask_BT)
                compare("bfloat16", f"{name} B={batch} T={length}", exact, partial(in_bfloat16, exact), least)
            lstm = nn.LSTM(DIM, DIM, batch_first=True)
            ways = partial(states_of, lstm, inputs_BTE), partial(states_of, int8_lstm(lstm), inputs_BTE)
            compare("int8", f"`nn.LSTM` B={batch} T={length}", *ways)
    write_result(arguments, rows, largest_differences=differences)


if __name__ == "__main__":
    main()
