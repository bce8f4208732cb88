"""Whether a trained model's compiled kernels are worth building: for a few texts that takes longer than it saves.

The decision follows from the shapes of what was computed alone, so that it is the same in every run; see
docs/decisions/0015-kernels.md for the measurements behind the numbers.
"""

from collections import defaultdict
from typing import final

from mtlkit.types import Say, silent

MOST_SECONDS = 2.0
"""The estimated processor time that may be lost without a library before it is built, which takes 5 to 8 s. It is lower
than that because a library stays in the cache, where all later runs find it.
"""


@final
class Postponed:
    """Compiled kernels that are built once they pay.

    Several threads may use it at once. Sums are not locked: a batch that is not counted delays a library by as much.

    Args:
        say: receives a line before a library is built.
        at_once: whether they are built when they are first needed, since they will pay.
    """

    def __init__(self, say: Say = silent, at_once: bool = False) -> None:
        self.say = say
        self._at_once = at_once
        self._lost: defaultdict[str, float] = defaultdict(float)

    def pays(self, source: str, seconds: float) -> bool:
        """Counts processor time that a library would save now, and returns whether building it has become worth it.

        Args:
            source: the file that the library is compiled from.
            seconds: the estimated time.
        """
        self._lost[source] += seconds
        return self._at_once or self._lost[source] > MOST_SECONDS


def seconds_of_recurrence(steps: int, pairs: int) -> float:
    """Estimates the processor time that `compiled` saves over `pure` in a forward pass of message passing.

    Args:
        steps: the number of time steps, each of which costs as much for one text as for many.
        pairs: the number of sources that all words of the batch read in total.
    """
    return 70e-6 * steps + 0.28e-6 * pairs


def seconds_of_lstm(steps: int, words: int) -> float:
    """Estimates the processor time that `compiled` saves over torch's own LSTM in a forward pass in both directions.

    Args:
        steps: the number of time steps.
        words: the number of words of the batch, padding included.
    """
    return 5e-6 * steps + 2.5e-6 * words
