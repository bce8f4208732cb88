"""The learned pool selector, trained by REINFORCE.

Shapes: N paths, T steps, A actions (the modules, and Stop as the last one), K tasks, S embedding size, H state size.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, final

import torch
from torch import Tensor, nn

from mtlkit.config import Runtime
from mtlkit.sharing.selectors.path_rules import PathRules
from mtlkit.sharing.selectors.pool_selector import ModulePath, Paths, PoolSelector
from mtlkit.types import Fraction, PositiveInt

State = tuple[Tensor, Tensor] | None
Choose = Callable[[int, Tensor, Tensor], Tensor]
"""(step, policy (N, A), uniform distribution over legal actions (N, A)) -> the actions (N,) of the step."""


class Walk(NamedTuple):
    """N paths action by action.

    The log-probabilities are of the actions taken, under the policy and under the uniform distribution over legal ones;
    the entropies are the policy's. Steps after Stop have 0 in all three.
    """

    actions_NT: Tensor
    log_policy_NT: Tensor
    log_uniform_NT: Tensor
    entropies_NT: Tensor


@final
@PoolSelector.register("controller")
class Controller(PoolSelector):
    """An LSTM that reads a task's embedding and then emits modules until Stop (Chen et al. 2018, eqs. 1-3).

    Evaluation uses the greedy path, the most probable action at each step. REINFORCE trains it, in an update strategy.

    hidden_dim: H, size of the LSTM's state (printed).
    embedding_dim: S, size of the embeddings of tasks (printed) and of actions.
    exploration: how often an action is drawn uniformly from the legal ones instead of from the policy (printed: 0.2);
        in training mode only.
    explore: whether to decide that for each `action`, or once for a whole path, `structure`; the paper leaves it open.
    importance: whether to weight a path by policy / distribution that it was drawn from. The paper has no such
        correction: the log-probability is that of the actions taken, whether or not they were exploration.
    input: what the LSTM reads. `task_first`: the task's embedding, then the embedding of the previous action.
        `task_concat_action`: both at every step. The paper only describes the first step.
    allow_empty: whether a path may stop before its first module.
    allow_repeat: whether a path may take a module twice.
    """

    def __init__(
        self,
        hidden_dim: PositiveInt = 50,
        embedding_dim: PositiveInt = 15,
        exploration: Fraction = 0.2,
        explore: Literal["action", "structure"] = "action",
        importance: bool = False,
        input: Literal["task_first", "task_concat_action"] = "task_first",
        allow_empty: bool = False,
        allow_repeat: bool = True,
        *,
        num_modules: Runtime[int],
        max_length: Runtime[int],
        tasks: Runtime[list[str]],
    ) -> None:
        super().__init__()
        self.rules = PathRules(num_modules, max_length, allow_empty, allow_repeat)
        self.exploration = exploration
        self.explore = explore
        self.importance = importance
        self.concatenates = input == "task_concat_action"
        self.tasks = list(tasks)
        self.task_embeddings = nn.Embedding(len(tasks), embedding_dim)
        # The last row is Stop's, which also stands for the action before the first.
        self.action_embeddings = nn.Embedding(num_modules + 1, embedding_dim)
        self.recurrence = nn.LSTMCell(2 * embedding_dim if self.concatenates else embedding_dim, hidden_dim)
        self.output = nn.Linear(hidden_dim, num_modules + 1)

    def sample(self, task: str, num_samples: int) -> Paths:
        return self.draw(task, num_samples, self.exploration if self.training else 0.0)

    def draw(self, task: str, num_samples: int, exploration: float) -> Paths:
        """Draws N paths. `exploration` is the probability of a uniform choice: 0 is the policy itself, 1 uniform."""
        rates_N1 = self.output.weight.new_full((num_samples, 1), exploration)
        if self.explore == "structure":
            rates_N1 = torch.bernoulli(rates_N1)

        def choose(step: int, policy_NA: Tensor, uniform_NA: Tensor) -> Tensor:
            return torch.multinomial(torch.lerp(policy_NA, uniform_NA, rates_N1), 1).squeeze(1)

        walk = self._walk(task, num_samples, choose)
        return self._paths(walk, exploration)

    def score(self, task: str, paths: Sequence[ModulePath]) -> Paths:
        """The log-probabilities and entropies of given paths, which must be legal."""
        actions_NT = self.rules.actions(paths, self._device)
        return self._paths(self._walk(task, len(paths), lambda step, *_: actions_NT[:, step]), exploration=0.0)

    @torch.no_grad()
    def best(self, task: str) -> ModulePath:
        walk = self._walk(task, 1, lambda step, policy_NA, _: policy_NA.argmax(dim=1))
        return self.rules.paths(walk.actions_NT)[0]

    def policy(self, task: str, path: ModulePath) -> Tensor:
        actions_NT = self.rules.actions([path], self._device)
        steps: list[Tensor] = []

        def follow(step: int, policy_NA: Tensor, uniform_NA: Tensor) -> Tensor:
            steps.append(policy_NA[0])
            return actions_NT[:, step]

        self._walk(task, 1, follow)
        return torch.stack(steps[: self.rules.num_steps(path)])

    def embedding(self, task: str) -> Tensor:
        """The learned embedding (S,) of the task, which its LSTM reads first."""
        return self.task_embeddings.weight[self.tasks.index(task)]

    @property
    def _device(self) -> torch.device:
        return self.output.weight.device

    def _walk(self, task: str, num_paths: int, choose: Choose) -> Walk:
        task_NS = self.task_embeddings.weight[self.tasks.index(task)].expand(num_paths, -1)
        actions_NT = torch.zeros(num_paths, 0, dtype=torch.int64, device=self._device)
        state: State = None
        steps = []
        # In full precision: a path must not depend on the precision that the modules run in.
        with torch.autocast(self._device.type, enabled=False):
            for step in range(self.rules.max_length):
                state = self.recurrence(self._input(task_NS, actions_NT), state)
                legal_NA = self.rules.legal(actions_NT)
                logits_NA = self.output(state[0]).masked_fill(~legal_NA, -torch.inf)
                log_policy_NA = logits_NA.log_softmax(dim=1)
                policy_NA = log_policy_NA.exp()
                uniform_NA = legal_NA.to(policy_NA) / legal_NA.sum(dim=1, keepdim=True)
                actions_N1 = choose(step, policy_NA.detach(), uniform_NA).unsqueeze(1)
                # An illegal action's 0 log 0 is 0, and so is its gradient: -inf must not enter the product. After Stop
                # only Stop is legal, with probability 1, so such steps add 0 to log-probabilities and entropies.
                entropies_N1 = -(policy_NA * log_policy_NA.masked_fill(~legal_NA, 0.0)).sum(dim=1, keepdim=True)
                taken = (log_policy_NA.gather(1, actions_N1), uniform_NA.gather(1, actions_N1).log())
                steps.append((actions_N1, *taken, entropies_N1))
                actions_NT = torch.cat([actions_NT, actions_N1], dim=1)
        return Walk(*(torch.cat(columns, dim=1) for columns in zip(*steps, strict=True)))

    def _input(self, task_NS: Tensor, actions_NT: Tensor) -> Tensor:
        is_first = actions_NT.shape[1] == 0
        if is_first and not self.concatenates:
            return task_NS
        previous_N = actions_NT.new_full((len(actions_NT),), self.rules.stop) if is_first else actions_NT[:, -1]
        previous_NS: Tensor = self.action_embeddings(previous_N)
        return torch.cat([task_NS, previous_NS], dim=1) if self.concatenates else previous_NS

    def _paths(self, walk: Walk, exploration: float) -> Paths:
        log_probs_N = walk.log_policy_NT.sum(dim=1)
        ratios_N = self._ratios(walk, exploration) if self.importance else torch.ones_like(log_probs_N)
        return Paths(self.rules.paths(walk.actions_NT), log_probs_N, walk.entropies_NT.sum(dim=1), ratios_N.detach())

    def _ratios(self, walk: Walk, exploration: float) -> Tensor:
        """Policy / distribution that the path was drawn from: a mixture at every step, or a mixture of whole paths."""
        policy, uniform = walk.log_policy_NT, walk.log_uniform_NT
        if self.explore == "structure":
            policy, uniform = policy.sum(dim=1, keepdim=True), uniform.sum(dim=1, keepdim=True)
        drawn_NT = torch.lerp(policy.exp(), uniform.exp(), exploration).log()
        return (policy - drawn_NT).sum(dim=1).exp()
