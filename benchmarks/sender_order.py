"""Why several LSTMs do not run as one recurrence on a CPU: the order of their products decides. Half a minute.

K networks of size D advance T steps over a batch of B rows. Each step of each network is one product with weights of
its own, (B, D) by (D, 4D). All orders below do the same products, with the same calls on the same addresses, so they
differ only in how often the weights of a network are fetched from further away than the last private cache:

    T steps     a network after the other: once for a network; no order can do with less
    16, 4 steps 16 or 4 steps of a network, then as many of the next: T/16 or T/4 times
    1 step      a step of all networks, then the next step: T times; what one batched recurrence does

Rows have the time of an order over that of the first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from measuring import Timings, command_line, interleaved, untargeted, write_result

NETWORKS, STEPS = 16, 64
RUNS = (STEPS, 16, 4, 1)
"""How many steps of a network follow each other."""


@dataclass(frozen=True)
class OrderCase:
    """One size."""

    batch: int
    dim: int

    @property
    def name(self) -> str:
        """The name of the order in tables."""
        return f"{NETWORKS} networks, B={self.batch}, size {self.dim}"

    @property
    def work(self) -> dict[str, float]:
        """What the products of one step of one network need."""
        return {"kibibytes of weights": 16 * self.dim**2 / 1024, "megaflop": 8 * self.batch * self.dim**2 / 1e6}


CASES = [OrderCase(batch, dim) for dim in (100, 200) for batch in (8, 64)]


def orders(case: OrderCase) -> dict[str, Callable[[], object]]:
    """Functions that do all products, by how many steps of a network follow each other."""
    torch.manual_seed(0)
    weights_KDG = torch.randn(NETWORKS, case.dim, 4 * case.dim)
    states_KBD = torch.randn(NETWORKS, case.batch, case.dim)
    gates_KBG = torch.empty(NETWORKS, case.batch, 4 * case.dim)
    networks = list(zip(states_KBD, weights_KDG, gates_KBG, strict=True))

    def run(steps: int) -> None:
        for _ in range(STEPS // steps):
            for state_BD, weight_DG, gate_BG in networks:
                for _ in range(steps):
                    torch.mm(state_BD, weight_DG, out=gate_BG)

    return {str(steps): partial(run, steps) for steps in RUNS}


def rates(case: OrderCase, times: Timings) -> dict[str, dict[str, float]]:
    """Returns, for each order, floating-point operations and bytes of weights a second, in 1e9."""
    products = NETWORKS * STEPS
    return {
        steps: {
            "gigaflop a second": products * case.work["megaflop"] / 1e3 / times.median(steps),
            "gigabytes of weights a second": products
            * case.work["kibibytes of weights"]
            * 1024
            / 1e9
            / times.median(steps),
        }
        for steps in times.seconds
    }


def main() -> None:
    """Measures every case and writes the result."""
    arguments = command_line(__doc__, "sender_order", rounds=9)
    with torch.no_grad():
        found = {case: interleaved(orders(case), arguments.rounds) for case in CASES}
    rows = [
        untargeted(f"products of a network, by {steps} of the {STEPS} steps, over all at once", case.name, ratio)
        for case, times in found.items()
        for steps in map(str, RUNS[1:])
        if (ratio := times.ratio(steps, str(STEPS)))
    ]
    details = {case.name: {"work": case.work, "rates": rates(case, times)} for case, times in found.items()}
    write_result(arguments, rows, cases=details)


if __name__ == "__main__":
    main()
