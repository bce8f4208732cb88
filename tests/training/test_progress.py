"""What a trainer counts, and that the checkpoints of older versions, which hold it key by key, are read."""

from collections import Counter

import pytest
import torch

from mtlkit.training.progress import Progress
from tests.training.states import through_a_file
from tests.training.test_trainer import ends, new_model, trainer, weights

OLD_KEYS = {
    *("epoch", "step", "step_in_epoch", "best", "stalled_epochs", "loss_sums", "loss_counts", "work"),
    *("streams", "dev_streams", "optimizer", "update", "random"),
}
"""The keys of the first version's checkpoints; `soundness`, `movement`, `trained` and `idle` came later."""

CPU = torch.device("cpu")


def test_a_state_holds_what_was_counted_and_does_not_change_afterwards() -> None:
    progress = Progress()
    progress.add_step([("a", torch.tensor(2.0)), ("b", torch.tensor(1.0))], {"tokens": 7}, finite_only=False)
    state = progress.state_dict()
    progress.add_step([("a", torch.tensor(4.0))], {"tokens": 1}, finite_only=False)
    assert (state["step"], state["loss_counts"], state["work"]) == (1, {"a": 1, "b": 1}, {"tokens": 7})
    again = Progress.of_state(through_a_file(state), CPU)
    assert again == Progress.of_state(state, CPU) and isinstance(again.work, Counter)
    assert progress.mean_losses([]) == {"a": 3.0, "b": 1.0}
    assert again.mean_losses([]) == {"a": 2.0, "b": 1.0}


def test_losses_that_are_not_finite_are_left_out_of_the_mean() -> None:
    progress = Progress()
    for value in (2.0, float("nan"), 4.0, float("inf")):
        progress.add_step([("a", torch.tensor(value))], {}, finite_only=True)
    assert progress.mean_losses(["a", "a"]) == {"a": 3.0}
    assert progress.mean_losses(["a"] * 4) == {}


def test_the_end_of_an_epoch_judges_scores_and_begins_anew() -> None:
    progress = Progress()
    progress.add_step([("a", torch.tensor(2.0))], {"tokens": 1}, finite_only=False)
    assert progress.end_epoch({"model": 0.5}) == ["model"]
    assert (progress.epoch, progress.step, progress.step_in_epoch, progress.work) == (1, 1, 0, Counter())
    assert progress.end_epoch({"model": 0.5}) == [] and progress.stalled_epochs == 1
    assert progress.end_epoch({"model": float("nan")}) == [] and progress.stalled_epochs == 2
    assert progress.end_epoch({}) == [] and progress.stalled_epochs == 0  # without dev data nothing can stall
    assert progress.end_epoch({"model": 0.6}) == ["model"] and progress.best == {"model": 0.6}


def test_a_score_that_is_not_a_number_is_never_the_best() -> None:
    progress = Progress()
    assert progress.end_epoch({"model": float("nan")}) == [] and progress.best == {}


def test_a_checkpoint_of_the_first_version_is_resumed_to_the_same_bits() -> None:
    whole = trainer()
    events = whole.events()
    for _ in range(5):
        next(events)
    state = through_a_file(whole.state())
    assert state.keys() - OLD_KEYS == {"soundness", "movement", "trained", "idle"}
    old = {name: state[name] for name in OLD_KEYS}
    old["optimizer"] = {name: old["optimizer"][name] for name in ("state", "param_groups")}
    tensors = weights(whole.model)
    rest = [end.to_json() for end in ends(list(events))]
    model = new_model()
    model.load_state_dict(tensors)
    resumed = trainer(model)
    resumed.load_state(old)
    assert [end.to_json() for end in ends(list(resumed.events()))] == rest
    for name, tensor in weights(whole.model).items():
        assert torch.equal(tensor, model.state_dict()[name])


@pytest.mark.parametrize("missing", sorted(OLD_KEYS))
def test_a_state_without_a_part_is_refused(missing: str) -> None:
    state = trainer().state()
    del state[missing]
    with pytest.raises(LookupError):
        trainer().load_state(state)
