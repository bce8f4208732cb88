"""What do both directions of a BiLSTM cost as one operation, against two `torch.nn.LSTM`: half a minute.

A forward and a backward pass to the inputs and every weight, as encoders run them in a training step: rows of nine
tenths of T words to T, zeros at padding, the second direction from each row's own end. Against torch's own in the same
place (`plain`), and against two calls of it that read whole rows from left to right and no more (`two calls`). Before
anything is timed, both must have come to the same. The floor is all products of both directions, without padding, at
the best rate of products.
"""

from collections.abc import Callable

import torch
from floors import lstm_flops, over_floor, product_rate
from measuring import Row, at_least, command_line, interleaved, untargeted, write_result
from torch import Tensor, nn

from mtlkit.kernels.lstm.both_ways import both_ways, plain_both_ways

CASES = [(32, 25, 100, 1.25), (32, 130, 100, None), (8, 130, 200, None)]
"""Rows, steps, size, target."""


class LstmProblem:
    """Both networks and a batch for them."""

    def __init__(self, num_rows: int, num_steps: int, size: int) -> None:
        torch.manual_seed(0)
        self.lstms = [nn.LSTM(size, size, batch_first=True) for _ in range(2)]
        self.inputs_BTE = torch.randn(num_rows, num_steps, size, requires_grad=True)
        lengths_B = torch.randint(num_steps * 9 // 10, num_steps + 1, (num_rows,))
        lengths_B[0] = num_steps
        self.mask_BT = torch.arange(num_steps) < lengths_B.unsqueeze(1)
        self.slopes_BTD = torch.randn(num_rows, num_steps, 2 * size)
        self.leaves = [self.inputs_BTE, *(parameter for lstm in self.lstms for parameter in lstm.parameters())]
        self.case = f"B={num_rows} T={num_steps} H={size}"

    def run(self, run: Callable[[nn.LSTM, nn.LSTM, Tensor, Tensor], Tensor]) -> tuple[Tensor, ...]:
        """States and all gradients."""
        states_BTD = run(*self.lstms, self.inputs_BTE, self.mask_BT)
        return states_BTD, *torch.autograd.grad(states_BTD, self.leaves, self.slopes_BTD)

    def two_calls(self) -> tuple[Tensor, ...]:
        """Torch's LSTM twice, without reversal, concatenation or mask."""
        states = [lstm(self.inputs_BTE)[0] for lstm in self.lstms]
        return torch.autograd.grad(states, self.leaves, [each.contiguous() for each in self.slopes_BTD.chunk(2, dim=2)])


def measure(size: tuple[int, int, int], target: float | None, rounds: int) -> tuple[list[Row], dict[str, object]]:
    """One size."""
    problem = LstmProblem(*size)
    for found, expected in zip(problem.run(both_ways), problem.run(plain_both_ways), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * float(expected.detach().abs().max()))
    timings = interleaved(
        {
            "mtlkit": lambda: problem.run(both_ways),
            "plain": lambda: problem.run(plain_both_ways),
            "two_calls": problem.two_calls,
        },
        rounds,
    )
    over_plain, over_calls = timings.ratio("plain", "mtlkit"), timings.ratio("two_calls", "mtlkit")
    what = "both directions of a BiLSTM as one operation against"
    first = f"{what} torch.nn.LSTM in the same place"
    row = at_least(first, problem.case, over_plain, target) if target else untargeted(first, problem.case, over_plain)
    flops = 2 * lstm_flops(problem.mask_BT.sum(1).tolist(), size[2], size[2])
    rows = [
        over_floor(row, timings.median("mtlkit"), flops / product_rate()),
        untargeted(f"{what} two calls of torch.nn.LSTM alone", problem.case, over_calls),
    ]
    return rows, {"case": problem.case, "milliseconds": timings.milliseconds()}


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "lstm", rounds=11)
    found = [measure((rows, steps, size), target, arguments.rounds) for rows, steps, size, target in CASES]
    write_result(arguments, [row for rows, _ in found for row in rows], cases=[details for _, details in found])


if __name__ == "__main__":
    main()
