"""Several processes of one run, which exchange tensors by torch.distributed.

Shapes: N processes, B texts of a batch, R of them in one process's share, D size of a state.
"""

import base64
import hashlib
import math
import pickle
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, cast, final

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mtlkit.process.exchanged import Assembled, Traded, ask, draws, set_draws
from mtlkit.process.interrupts import code_of, signal_of
from mtlkit.process.ranks import ProcessLostError, Ranks, Value
from mtlkit.process.summed_gradients import Heading, Numbers, add_up

SHORTEST_PAUSE, LONGEST_PAUSE = 1e-3, 0.1
"""How many seconds pass between two looks at whether the first process is done: more and more."""
TELLING_SECONDS = 3.0
"""How long a process that has lost another one waits for that one to tell of its error."""
PARTING_SECONDS = 10.0
"""How long the first process waits for the others to know of an interrupt and of the checkpoint that it has written."""
BEATS = 10
"""How many signs of life the first process gives in the time after which it counts as lost."""


@final
class Group(Ranks):
    """The processes of a run that torch.distributed connects.

    The first process gives a sign of life at regular intervals, so that the others can wait for its work however long
    that takes, and still notice that it is stopped.

    Args:
        store: what all processes can write to and read, with a prefix of its own.
        rank: the number of this process.
        size: N.
        device: where the model is.
        seconds: how long an exchange may take before another process counts as lost.
        timed: makes a block in which the time of an exchange is counted.
    """

    def __init__(
        self,
        store: dist.distributed_c10d.Store,
        rank: int,
        size: int,
        device: torch.device,
        seconds: float,
        timed: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.rank = rank
        self.size = size
        self._store = store
        self._device = device
        self._seconds = seconds
        self._timed = timed
        self._num_first = 0
        self._draws = draws(device)
        self._received: int | None = None
        self._agreed: int | None = None
        self._waiting: list[Numbers] = []
        self._has_lost = False
        self._ended = threading.Event()
        if self.is_first:
            threading.Thread(target=self._beat, daemon=True).start()

    def close(self) -> None:
        """Ends the signs of life."""
        self._ended.set()

    def finish(self) -> None:
        """Waits until no process needs the connections of another one any more, nor the store that the first may hold.

        An exchange ends in one process before it ends in others, and gloo fails in those where a process then closes
        its connections, whomever they wait for.

        Raises:
            ProcessLostError: another process has not come here.
        """
        self.least(0)
        with self._exchanging():
            self._wait_for_all("finished", self._seconds)
        with suppress(RuntimeError):  # the first process may have closed the store as soon as it knew of all
            if self.is_first:
                self._wait_for_all("gone", TELLING_SECONDS)
            else:
                ask(lambda: int(self._store.add("gone", 1)), TELLING_SECONDS)

    def tell(self) -> bool:
        """Returns whether this process is the first one to ask, so that an error which ends all processes is told by
        one of them."""
        try:
            return ask(lambda: int(self._store.add("told", 1)), TELLING_SECONDS) == 1
        except RuntimeError:  # the store has ended, or hangs, with the process that holds it
            return True

    def is_told(self) -> bool:
        """Returns whether another process tells of its error, for which this one waits a little."""
        until = time.monotonic() + TELLING_SECONDS
        with suppress(RuntimeError):
            while time.monotonic() < until:
                if ask(lambda: int(self._store.add("told", 0)), TELLING_SECONDS) > 0:
                    return True
                time.sleep(LONGEST_PAUSE)
        return False

    def leave(self, seconds: float = TELLING_SECONDS) -> None:
        """Ends after an error or an interrupt. The first process, which may hold the store, waits up to so many seconds
        for the others to leave, or less if it has lost one of them."""
        until = time.monotonic() + (min(seconds, TELLING_SECONDS) if self._has_lost else seconds)
        with suppress(RuntimeError):
            left = ask(lambda: int(self._store.add("left", 1)), TELLING_SECONDS)
            while self.is_first and left < self.size and time.monotonic() < until:
                time.sleep(LONGEST_PAUSE)
                left = ask(lambda: int(self._store.add("left", 0)), TELLING_SECONDS)

    def first(self, action: Callable[[], Value]) -> Value:
        self._num_first += 1
        key = f"first/{self._num_first}"
        if not self.is_first:
            return cast(Value, self._awaited(key))
        try:
            value = action()
        except BaseException:
            with suppress(RuntimeError):
                ask(lambda: self._store.set(key, ""), TELLING_SECONDS)
            raise
        with self._exchanging():
            ask(lambda: self._store.set(key, base64.b64encode(pickle.dumps(value)).decode()), self._seconds)
        return value

    def sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        if not tensors:
            return []
        total = torch.stack([each.detach() for each in tensors])
        self._add_up(total)
        return list(total.unbind())

    def sum_with_gradients(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        own = torch.stack([each.detach() for each in tensors])
        totals = torch.full_like(own, math.nan)
        self._waiting.append(Numbers(own, totals))
        return list(totals.unbind())

    def sum_gradients(
        self, parameters: Iterable[nn.Parameter], sound: Tensor, tables: Sequence[nn.Parameter] = ()
    ) -> Tensor:
        heading = Heading(list(parameters), tables, code_of(self._received))
        with self._exchanging():
            dist.all_reduce(heading.bytes, op=dist.ReduceOp.MAX)
        self._agreed = signal_of(heading.signal)
        gradients, waiting, self._waiting = heading.summands(), self._waiting, []
        # Whether all is sound goes with the gradients, as losses do, so that it takes no exchange of its own.
        num_unsound = (~sound).to(gradients[-1].dtype if gradients else torch.float32)
        add_up([*gradients, Numbers(num_unsound, num_unsound), *waiting], self._add_up)
        return num_unsound == 0

    def least(self, number: int) -> int:
        value = torch.tensor(number, dtype=torch.int64)
        with self._exchanging():
            dist.all_reduce(value, op=dist.ReduceOp.MIN)
        return int(value)

    def gather(self, value: Value) -> list[Value]:
        values: list[Any] = [None] * self.size
        with self._exchanging():
            dist.all_gather_object(values, value)
        return values

    def assemble(self, states_RD: Tensor, rows_R: Tensor, size: int) -> Tensor:
        rows_R = rows_R.to(states_RD.device)
        return cast(Tensor, Assembled.apply(states_RD, rows_R, size, self._add_up))  # type: ignore[no-untyped-call]

    def trade(self, rows: Tensor, sent: list[int], received: list[int]) -> Tensor:
        return cast(Tensor, Traded.apply(rows, sent, received, self._trade))  # type: ignore[no-untyped-call]

    def collect(self, tensor: Tensor) -> list[Tensor]:
        found = [torch.empty_like(tensor) for _ in range(self.size)] if self.is_first else None
        with self._exchanging():
            dist.gather(tensor, found)
        return found or []

    def share_out(self, modules: Sequence[nn.Module]) -> None:
        from mtlkit.process.fully_sharded import share_out

        share_out(modules, self, self._device, self._exchanging)

    def agreed_signal(self, received: int | None) -> int | None:
        return signal_of(-self.least(-code_of(received)))

    def signal_of_steps(self, received: int | None) -> int | None:
        self._received = received
        return self._agreed

    @contextmanager
    def other_draws(self) -> Iterator[None]:
        self._swap_draws()
        try:
            yield
        finally:
            self._swap_draws()

    def seed_own(self, seed: int) -> None:
        digest = hashlib.sha256(f"{seed}/{self.rank}".encode()).digest()
        here = draws(self._device)
        torch.manual_seed(int.from_bytes(digest[:8]) >> 1)
        self._draws = draws(self._device)
        set_draws(here)

    def own_state(self) -> dict[str, Any]:
        return {"draws": self.gather(self._draws)}

    def load_own_state(self, state: dict[str, Any]) -> None:
        draws = state.get("draws", [])
        if len(draws) == self.size:
            self._draws = draws[self.rank]

    def _swap_draws(self) -> None:
        here = draws(self._device)
        set_draws(self._draws)
        self._draws = here

    def _awaited(self, key: str) -> Any:
        """What the first process has put under a key, once it is there."""

        def look() -> tuple[bytes | None, int]:
            return (self._store.get(key) if self._store.check([key]) else None), int(self._store.add("beats", 0))

        pause, known, since = SHORTEST_PAUSE, -1, time.monotonic()
        with self._exchanging():
            while True:
                value, beats = ask(look, self._seconds)
                if value is not None:
                    break
                if beats != known:
                    known, since = beats, time.monotonic()
                elif time.monotonic() - since > self._seconds:
                    raise RuntimeError("the first process gives no sign of life")
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        if not value:
            raise ProcessLostError("the first process has failed")
        return pickle.loads(base64.b64decode(value))

    def _wait_for_all(self, key: str, seconds: float) -> None:
        """Counts this process under a key, and waits until all are counted there.

        Raises:
            RuntimeError: they are not, within so many seconds.
        """
        until = time.monotonic() + seconds
        number = ask(lambda: int(self._store.add(key, 1)), seconds)
        while number < self.size:
            if time.monotonic() > until:
                raise RuntimeError(f"only {number} of {self.size} processes have come to the end")
            time.sleep(SHORTEST_PAUSE)
            number = ask(lambda: int(self._store.add(key, 0)), seconds)

    @contextmanager
    def _exchanging(self) -> Iterator[None]:
        """Turns an error of torch.distributed into one that says what it means: that another process is gone."""
        try:
            with self._timed():
                yield
        except ProcessLostError:
            raise
        except RuntimeError as error:
            self._has_lost = True
            raise ProcessLostError((str(error) or type(error).__name__).splitlines()[0]) from None

    def _trade(self, rows: Tensor, sent: list[int], received: list[int]) -> Tensor:
        found = rows.new_empty(sum(received), *rows.shape[1:])
        with self._exchanging():
            dist.all_to_all_single(found, rows.contiguous(), received, sent)
        return found

    def _add_up(self, tensor: Tensor) -> None:
        with self._exchanging():
            dist.all_reduce(tensor)

    def _beat(self) -> None:
        with suppress(RuntimeError):
            while not self._ended.wait(self._seconds / BEATS):
                self._store.add("beats", 1)
