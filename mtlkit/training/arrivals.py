"""Values that are read when they have come from the device, so that no step waits for one."""

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar, final

import torch
from torch import Tensor

About = TypeVar("About")


@final
class Arrivals(Generic[About]):
    """A queue of small tensors on their way to the CPU, each with what it is about.

    From a GPU they are copied in the background and come some steps later; from a CPU they are there at once.
    """

    def __init__(self) -> None:
        self._on_the_way: deque[tuple[About, Tensor, torch.cuda.Event | None]] = deque()

    def send(self, about: About, value: Tensor) -> None:
        """Begins to copy a value, which must not be changed afterwards."""
        if value.device.type != "cuda":
            self._on_the_way.append((about, value, None))
            return
        here = torch.empty(value.shape, dtype=value.dtype, pin_memory=True)
        here.copy_(value, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]  # untyped in torch
        event.record(torch.cuda.current_stream(value.device))
        self._on_the_way.append((about, here, event))

    def arrived(self, *, wait: bool = False) -> Iterator[tuple[About, Tensor]]:
        """Those that have come, in the order in which they were sent; with `wait`, all that were sent."""
        while self._on_the_way:
            about, value, event = self._on_the_way[0]
            if event is not None and wait:
                event.synchronize()
            elif event is not None and not event.query():  # type: ignore[no-untyped-call]  # untyped in torch
                return
            self._on_the_way.popleft()
            yield about, value
