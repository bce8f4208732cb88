"""Which paths are legal, against all that can be written down."""

from itertools import product

import pytest
import torch

from mtlkit.sharing.selectors import ModulePath, PathRules


def legal_paths(rules: PathRules) -> set[ModulePath]:
    """The legal paths by their definition: at most so long, not empty and without repeats unless allowed."""
    lengths = range(0 if rules.allow_empty else 1, rules.max_length + 1)
    every = [path for length in lengths for path in product(range(rules.num_modules), repeat=length)]
    return {path for path in every if rules.allow_repeat or len(set(path)) == len(path)}


@pytest.mark.parametrize("allow_empty", [False, True])
@pytest.mark.parametrize("allow_repeat", [False, True])
@pytest.mark.parametrize(("num_modules", "max_length"), [(1, 1), (1, 3), (2, 3), (3, 2)])
def test_every_legal_path_is_reached_and_no_other(
    num_modules: int, max_length: int, allow_empty: bool, allow_repeat: bool
) -> None:
    """Walks the whole tree of legal actions; the probabilities of uniform choices along it sum to one."""
    rules = PathRules(num_modules, max_length, allow_empty, allow_repeat)
    tree = {(): 1.0}
    for _ in range(max_length):
        grown: dict[tuple[int, ...], float] = {}
        for actions, probability in tree.items():
            (legal,) = rules.legal(torch.tensor([actions], dtype=torch.int64)).tolist()
            for action in range(num_modules + 1):
                if legal[action]:
                    grown[*actions, action] = probability / sum(legal)
        tree = grown
    found = rules.paths(torch.tensor(list(tree)))
    assert len(found) == len(set(found)), "a path is one sequence of actions"
    assert set(found) == legal_paths(rules)
    assert sum(tree.values()) == pytest.approx(1.0)
    assert rules.paths(rules.actions(found)) == found


def test_uniform_choices_know_their_probability() -> None:
    torch.manual_seed(0)
    rules = PathRules(num_modules=2, max_length=2)
    actions_NT, log_probs_N = rules.uniform(4000)
    paths = rules.paths(actions_NT)
    # Stop is not a first action; the second is one of three.
    for path, expected in {(0,): 1 / 6, (1, 0): 1 / 6, (1,): 1 / 6}.items():
        places = [place for place, found in enumerate(paths) if found == path]
        assert log_probs_N[places[0]].exp().item() == pytest.approx(expected)
        assert len(places) / 4000 == pytest.approx(expected, abs=4 * (expected / 4000) ** 0.5)
