"""The rules for legal paths through a pool.

Shapes: N paths, T steps taken so far, A actions: a number for each module, and Stop as the last one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import final

import torch
from torch import Tensor

from mtlkit.sharing.selectors.pool_selector import ModulePath


@final
@dataclass(frozen=True)
class PathRules:
    """Which actions are legal: a path takes one module after another until it takes Stop or has `max_length` modules.

    Chen et al. 2018 print none of these rules. Without a cap, uniform choices among 20 modules and Stop would stack 20
    modules on average; an immediate Stop leaves the embeddings as they are; the paper has repeats ("self-loops").
    """

    num_modules: int
    max_length: int
    allow_empty: bool = False
    allow_repeat: bool = True

    @property
    def stop(self) -> int:
        """The action that ends a path. After it, no other action is legal."""
        return self.num_modules

    def legal(self, actions_NT: Tensor) -> Tensor:
        """Which actions are legal next, (N, A), given the actions taken so far."""
        num_paths, num_taken = actions_NT.shape
        legal_NA = torch.ones(num_paths, self.num_modules + 1, dtype=torch.bool, device=actions_NT.device)
        if num_taken == 0:
            legal_NA[:, self.stop] = self.allow_empty
            return legal_NA
        if not self.allow_repeat:
            legal_NA.scatter_(1, actions_NT, False)
        # Ended paths continue with Stop up to the full length, so that all rows have the same number of actions. It is
        # allowed last, since the line on repeats forbids a Stop that was taken.
        legal_NA[:, : self.stop] &= (actions_NT[:, -1:] != self.stop).expand(-1, self.num_modules)
        legal_NA[:, self.stop] = True
        return legal_NA

    def uniform(self, num_paths: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
        """Draws N paths, each action uniformly from the legal ones: actions (N, T) and log-probabilities (N,)."""
        actions_NT = torch.zeros(num_paths, 0, dtype=torch.int64, device=device)
        log_probs_N = torch.zeros(num_paths, device=device)
        for _ in range(self.max_length):
            legal_NA = self.legal(actions_NT)
            actions_NT = torch.cat([actions_NT, torch.multinomial(legal_NA.float(), 1)], dim=1)
            log_probs_N = log_probs_N - legal_NA.sum(dim=1).log()
        return actions_NT, log_probs_N

    def paths(self, actions_NT: Tensor) -> list[ModulePath]:
        """The path of each row: its modules before Stop."""
        return [tuple(takewhile(lambda action: action != self.stop, row)) for row in actions_NT.tolist()]

    def num_steps(self, path: ModulePath) -> int:
        """The number of actions of a path, including its Stop if it has one."""
        return min(len(path) + 1, self.max_length)

    def actions(self, paths: Sequence[ModulePath], device: torch.device | None = None) -> Tensor:
        """The actions (N, max_length) of whole paths, padded with Stop."""
        rows = [[*path, *[self.stop] * (self.max_length - len(path))] for path in paths]
        return torch.tensor(rows, dtype=torch.int64, device=device)
