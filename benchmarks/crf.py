"""What the CRF costs against pytorch-crf, from the same parameters, emissions and masks: 10 seconds.

Likelihood: the log-likelihood of a batch and its gradient to the emissions and every parameter. Decoding: Viterbi, up
to label ids in lists, which is where pytorch-crf ends. Lengths are random, from half of T to T. Before anything is
timed, both must have come to the same.

Floors: for every word one product of a row's scores with the transitions, forward, backward and for the marginals, at
the rate of one such product for all words, and a copy of each label's score; for decoding, whose comparisons are no
product, a copy of a number for each pair of labels of each word.
"""

from collections.abc import Callable

import torch
from floors import copy_rate, over_floor, product_rate
from measuring import Row, at_least, command_line, interleaved, write_result
from torch import Tensor
from torchcrf import CRF

from mtlkit.kernels.crf.likelihood import log_likelihood, reference_partition
from mtlkit.kernels.crf.reference import viterbi

NUM_LABELS = 23
LIKELIHOODS = [(32, 25, 3.0), (32, 100, 5.0)]
"""Rows, steps, target."""
DECODING = (64, 100, 2.0)


class CrfProblem:
    """A field as it is in training, and a batch for it."""

    def __init__(self, num_rows: int, num_steps: int) -> None:
        torch.manual_seed(0)
        self.crf = CRF(NUM_LABELS, batch_first=True)
        self.emissions_BTL = torch.randn(num_rows, num_steps, NUM_LABELS, requires_grad=True)
        lengths_B = torch.randint(num_steps // 2, num_steps + 1, (num_rows,))
        lengths_B[0] = num_steps
        self.mask_BT = torch.arange(num_steps) < lengths_B.unsqueeze(1)
        self.labels_BT = torch.randint(NUM_LABELS, (num_rows, num_steps))
        self.scores = (self.crf.start_transitions, self.crf.transitions, self.crf.end_transitions)
        self.case = f"B={num_rows} T={num_steps}, {NUM_LABELS} labels"

    def gradients(self, likelihood: Callable[[], Tensor]) -> tuple[Tensor, ...]:
        """Gradients of the summed log-likelihood: of the emissions and of the scores of the CRF."""
        return torch.autograd.grad(likelihood().sum(), [self.emissions_BTL, *self.scores])

    def mtlkit(self) -> Tensor:
        """(B,) by mtlkit."""
        return log_likelihood(self.emissions_BTL, self.labels_BT, self.mask_BT, *self.scores)

    def pytorch_crf(self) -> Tensor:
        """(B,) by pytorch-crf."""
        found: Tensor = self.crf(self.emissions_BTL, self.labels_BT, mask=self.mask_BT, reduction="none")
        return found

    def reference(self) -> Tensor:
        """(B,) minus the logarithm of the sum over all sequences, by the recursion that autograd differentiates."""
        return -reference_partition(self.emissions_BTL, self.mask_BT, *self.scores)

    def decode(self) -> list[list[int]]:
        """The best sequences according to mtlkit, -1 at padding."""
        found: list[list[int]] = viterbi(self.emissions_BTL, self.mask_BT, *self.scores).tolist()
        return found

    def decode_with_pytorch_crf(self) -> list[list[int]]:
        """The best sequences according to pytorch-crf, each in its own length."""
        with torch.no_grad():
            found: list[list[int]] = self.crf.decode(self.emissions_BTL, mask=self.mask_BT)
        return found


def likelihood(num_rows: int, num_steps: int, target: float, rounds: int) -> tuple[Row, dict[str, object]]:
    """Log-likelihood and gradient of one size."""
    problem = CrfProblem(num_rows, num_steps)
    torch.testing.assert_close(problem.mtlkit(), problem.pytorch_crf(), rtol=1e-4, atol=1e-3)
    gradients = [problem.gradients(each) for each in (problem.mtlkit, problem.pytorch_crf)]
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)
    timings = interleaved(
        {
            "mtlkit": lambda: problem.gradients(problem.mtlkit),
            "pytorch_crf": lambda: problem.gradients(problem.pytorch_crf),
            "reference": lambda: problem.gradients(problem.reference),
        },
        rounds,
    )
    row = at_least(
        "CRF log-likelihood + gradient against pytorch-crf",
        problem.case,
        timings.ratio("pytorch_crf", "mtlkit"),
        target,
    )
    words = int(problem.mask_BT.sum())
    products = 3 * 2 * words * NUM_LABELS**2 / product_rate(words, NUM_LABELS, NUM_LABELS)
    least = products + 8 * words * NUM_LABELS / copy_rate()
    row = over_floor(row, timings.median("mtlkit"), least)
    return row, {"case": problem.case, "milliseconds": timings.milliseconds()}


def decoding(num_rows: int, num_steps: int, target: float, rounds: int) -> tuple[Row, dict[str, object]]:
    """Viterbi of one size."""
    problem = CrfProblem(num_rows, num_steps)
    found, expected = problem.decode(), problem.decode_with_pytorch_crf()
    assert [[label for label in row if label >= 0] for row in found] == expected, "they decode differently"
    timings = interleaved({"mtlkit": problem.decode, "pytorch_crf": problem.decode_with_pytorch_crf}, rounds)
    row = at_least("CRF decoding against pytorch-crf", problem.case, timings.ratio("pytorch_crf", "mtlkit"), target)
    pairs = int(problem.mask_BT.sum()) * NUM_LABELS**2
    row = over_floor(row, timings.median("mtlkit"), 8 * pairs / copy_rate())
    return row, {"case": problem.case, "milliseconds": timings.milliseconds()}


def main() -> None:
    """Measures and writes the result."""
    arguments = command_line(__doc__, "crf", rounds=9)
    found = [likelihood(*case, arguments.rounds) for case in LIKELIHOODS]
    found.append(decoding(*DECODING, arguments.rounds))
    write_result(arguments, [row for row, _ in found], cases=[details for _, details in found])


if __name__ == "__main__":
    main()
