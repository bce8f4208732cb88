"""The processes that train one run together, as a value that is handed down; one process is the plain case of it.

    ranks = model.compute.ranks
    own = batch.shared_by(ranks)             # this process's texts of the batch
    losses = ranks.sum([share * loss(own)])  # the loss of the whole batch, the same in every process

Every process runs the same program on the same data and draws the same plan from the seed. They therefore reach each
call of a method below together and in the same order; none may be left out by one process alone.

Shapes: N processes, B texts of a batch, R of them in one process's share, D size of a state.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, final

from torch import Tensor, nn

Value = TypeVar("Value")


class ProcessLostError(RuntimeError):
    """Another process of the run has ended, hangs or cannot be reached, so that this one cannot go on."""


class Ranks(ABC):
    """The N processes of a run, seen from one of them.

    Attributes:
        rank: the number of this process, from 0.
        size: N.
    """

    rank: int = 0
    size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and prints."""
        return self.rank == 0

    @abstractmethod
    def first(self, action: Callable[[], Value]) -> Value:
        """Calls `action` in the first process, and returns its value in all of them when it is done.

        An error of `action` is raised in the first process, and ends the others with a `ProcessLostError`.
        """

    def first_then_all(self, action: Callable[[], Value]) -> Value:
        """Calls `action` in every process, in the first one before the others, such as to fill a cache that these then
        read."""
        values: list[Value] = []
        self.first(lambda: values.append(action()))
        return values[0] if self.is_first else action()

    @abstractmethod
    def sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Adds up tensors of one type, place by place, over all processes; without gradients."""

    @abstractmethod
    def sum_with_gradients(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Adds up tensors of one type and shape like `sum`, but in the exchange of the next `sum_gradients`.

        Returns:
            Tensors that are NaN until then, if there are several processes.
        """

    @abstractmethod
    def sum_gradients(
        self, parameters: Iterable[nn.Parameter], sound: Tensor, tables: Sequence[nn.Parameter] = ()
    ) -> Tensor:
        """Adds up the gradients of some parameters over all processes, in place.

        Args:
            parameters: the same ones in every process. Those without a gradient in all processes are left alone; what
                only some processes have used, as where it depends on the texts, counts zero in the others.
            sound: a boolean scalar, on the device of the gradients.
            tables: parameters of which only those rows are exchanged that some process has read, where their gradients
                are sparse. They are dense afterwards.

        Returns:
            Whether it is true in every process.
        """

    @abstractmethod
    def least(self, number: int) -> int:
        """The smallest of all processes' numbers."""

    @abstractmethod
    def gather(self, value: Value) -> list[Value]:
        """Every process's value, in the order of the processes."""

    @abstractmethod
    def assemble(self, states_RD: Tensor, rows_R: Tensor, size: int) -> Tensor:
        """Puts the rows that each process has into one tensor (B, D) that all of them have, with gradients.

        Args:
            states_RD: this process's rows.
            rows_R: their places in the whole, which no other process has.
            size: B.

        Each process is expected to compute the same function of the result and to count 1/N of it: the gradient of a
        row is the sum of what it is in every process.
        """

    @abstractmethod
    def trade(self, rows: Tensor, sent: list[int], received: list[int]) -> Tensor:
        """Sends some rows to each process, with gradients.

        Args:
            rows: (sum of `sent`, ...), first those for the first process.
            sent: how many rows each process is sent.
            received: how many each process sends here.

        Returns:
            The rows (sum of `received`, ...) that were sent here, first those of the first process.
        """

    @abstractmethod
    def collect(self, tensor: Tensor) -> list[Tensor]:
        """Every process's tensor, in the first process; an empty list in the others. All have one shape and type."""

    @abstractmethod
    def share_out(self, modules: Sequence[nn.Module]) -> None:
        """Lets each process keep only some rows of each parameter of some modules, by `fully_shard` of torch. One
        process keeps all.

        A module has whole parameters while it is run, forwards or backwards, and takes their gradients to the processes
        that keep them, as sums. `shared_parameters` finds what each process has.

        Args:
            modules: inner ones before those that contain them. All processes must run the same ones in the same order.
        """

    @abstractmethod
    def agreed_signal(self, received: int | None) -> int | None:
        """A signal that some process has received, the same one in all of them; None where none has."""

    @abstractmethod
    def signal_of_steps(self, received: int | None) -> int | None:
        """Like `agreed_signal`, but without an exchange of its own: returns what was known when gradients were added up
        last, and hands over what this process has received to the next time."""

    @abstractmethod
    def other_draws(self) -> AbstractContextManager[None]:
        """Swaps the random numbers of PyTorch inside the block.

        All processes draw the same numbers, such as paths through a pool, but in such a block each draws its own, such
        as dropout of its own texts. A block inside the block draws the same ones again.
        """

    @abstractmethod
    def seed_own(self, seed: int) -> None:
        """Begins the numbers that each process draws for itself, given the seed of the run or stage."""

    @abstractmethod
    def own_state(self) -> dict[str, Any]:
        """Where the processes are in the numbers that each draws for itself; empty for one process."""

    @abstractmethod
    def load_own_state(self, state: dict[str, Any]) -> None:
        """Restores what `own_state` returned, if it was for as many processes as there are now."""


@final
class OneProcess(Ranks):
    """A run of one process, where nothing has to be exchanged."""

    def first(self, action: Callable[[], Value]) -> Value:
        return action()

    def sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        return list(tensors)

    def sum_with_gradients(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        return list(tensors)

    def sum_gradients(
        self, parameters: Iterable[nn.Parameter], sound: Tensor, tables: Sequence[nn.Parameter] = ()
    ) -> Tensor:
        return sound

    def least(self, number: int) -> int:
        return number

    def gather(self, value: Value) -> list[Value]:
        return [value]

    def assemble(self, states_RD: Tensor, rows_R: Tensor, size: int) -> Tensor:
        return states_RD

    def trade(self, rows: Tensor, sent: list[int], received: list[int]) -> Tensor:
        return rows

    def collect(self, tensor: Tensor) -> list[Tensor]:
        return [tensor]

    def share_out(self, modules: Sequence[nn.Module]) -> None:
        """There is nobody to share with."""

    def agreed_signal(self, received: int | None) -> int | None:
        return received

    def signal_of_steps(self, received: int | None) -> int | None:
        return received

    def other_draws(self) -> AbstractContextManager[None]:
        return nullcontext()

    def seed_own(self, seed: int) -> None:
        """Nothing is drawn apart from what all draw."""

    def own_state(self) -> dict[str, Any]:
        return {}

    def load_own_state(self, state: dict[str, Any]) -> None:
        """There is no such state."""


ONE = OneProcess()


@final
@dataclass(frozen=True)
class Share:
    """Which texts of a batch one process counts."""

    ranks: Ranks
    size: int
    """The number B of texts in the whole batch."""
    rows_R: Tensor
    """The places of the process's texts in it, int64 on the CPU. With fewer texts than processes, a process without one
    computes a text of another's, so that it takes part in all exchanges, and has no row here."""

    def of_whole(self, states_RD: Tensor) -> Tensor:
        """The states (B, D) of all texts of the batch, given those of the texts that this process computes."""
        return self.ranks.assemble(states_RD[: len(self.rows_R)], self.rows_R, self.size)
