"""Checkpoints: whole or not there, the newest two, and back to the same bits."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mtlkit.errors import RunError
from mtlkit.files import file_sha256
from mtlkit.training import Checkpoints

CPU = torch.device("cpu")


def model(value: float) -> Any:
    linear = nn.Linear(2, 2)
    nn.init.constant_(linear.weight, value)
    return linear


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")


def load(checkpoints: Checkpoints) -> tuple[float, dict[str, Any] | None, list[str]]:
    """A weight, the state, and what was said."""
    lines: list[str] = []
    restored = model(0.0)
    state = checkpoints.load(restored, CPU, lines.append)
    return restored.weight[0, 0].item(), state, lines


def test_what_is_saved_comes_back(checkpoints: Checkpoints) -> None:
    state = {"epoch": 3, "nested": {"tensor": torch.arange(3), "list": [1, 0.5, "x", None, True]}}
    checkpoints.save(7, model(1.5), state)
    weight, loaded, said = load(checkpoints)
    assert (weight, said) == (1.5, [])
    assert loaded is not None
    assert loaded["epoch"] == 3 and loaded["nested"]["list"] == [1, 0.5, "x", None, True]
    assert torch.equal(loaded["nested"]["tensor"], torch.arange(3))


def test_tensors_that_lie_in_one_piece_are_kept_apart(checkpoints: Checkpoints) -> None:
    """As on a GPU, where cuDNN lays out all matrices of an LSTM one after the other."""
    piece = torch.arange(6.0)
    network = nn.Linear(2, 2)
    network.weight.data, network.bias.data = piece[:4].view(2, 2), piece[4:]
    checkpoints.save(1, network, {})
    assert load(checkpoints)[0] == 0.0
    restored = nn.Linear(2, 2)
    checkpoints.load(restored, CPU)
    assert restored.weight.tolist() == [[0.0, 1.0], [2.0, 3.0]] and restored.bias.tolist() == [4.0, 5.0]


def test_there_may_be_none(checkpoints: Checkpoints) -> None:
    assert load(checkpoints) == (0.0, None, [])


def test_the_newest_two_are_kept(checkpoints: Checkpoints) -> None:
    for step in (5, 10, 100, 20000):
        checkpoints.save(step, model(step), {"step": step})
    assert sorted(path.name for path in checkpoints.folder.iterdir()) == ["step-00000100", "step-00020000"]
    weight, state, _ = load(checkpoints)
    assert (weight, state) == (20000.0, {"step": 20000})


def test_a_step_may_be_saved_again(checkpoints: Checkpoints) -> None:
    checkpoints.save(5, model(1), {"try": 1})
    checkpoints.save(5, model(2), {"try": 2})
    assert load(checkpoints)[:2] == (2.0, {"try": 2})


@pytest.mark.parametrize("file", ["model.safetensors", "state.pt", "files.json"])
@pytest.mark.parametrize("damage", ["cut", "emptied", "removed", "scribbled", "unreadable"])
def test_a_damaged_checkpoint_is_passed_over(checkpoints: Checkpoints, file: str, damage: str) -> None:
    checkpoints.save(1, model(1), {"step": 1})
    path = checkpoints.save(2, model(2), {"step": 2}) / file
    content = path.read_bytes()
    if damage in ("removed", "unreadable"):
        path.unlink()
    if damage == "unreadable":
        path.mkdir()
    elif damage != "removed":
        path.write_bytes({"cut": content[:-1], "emptied": b"", "scribbled": b"\xff" * len(content)}[damage])
    weight, state, said = load(checkpoints)
    assert (weight, state) == (1.0, {"step": 1})
    assert len(said) == 1
    assert said[0].startswith(f"{path.parent}: damaged (")


def test_if_all_are_damaged_it_is_an_error(checkpoints: Checkpoints) -> None:
    for step in (1, 2):
        (checkpoints.save(step, model(step), {}) / "state.pt").unlink()
    with pytest.raises(RunError, match="every checkpoint is damaged; start over with --force"):
        load(checkpoints)


def test_a_half_written_checkpoint_is_none(checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints.save(1, model(1), {"step": 1})

    def killed(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.save(2, model(2), {"step": 2})
    assert load(checkpoints) == (1.0, {"step": 1}, [])


def test_a_damaged_newest_leaves_the_model_as_the_one_before(checkpoints: Checkpoints) -> None:
    """Weights of one checkpoint and the state of another would be nobody's."""
    checkpoints.save(1, model(1), {"step": 1})
    path = checkpoints.save(2, model(2), {"step": 2})
    (path / "state.pt").write_bytes((path / "state.pt").read_bytes()[::-1])
    assert load(checkpoints)[:2] == (1.0, {"step": 1})


def test_state_is_data_only(checkpoints: Checkpoints) -> None:
    checkpoints.save(1, model(1), {"step": 1})
    checkpoints.save(2, model(2), {"code": Path("x")})
    weight, state, said = load(checkpoints)
    assert (weight, state, len(said)) == (1.0, {"step": 1}, 1)


@pytest.mark.parametrize("name", ["model.safetensors", "state.pt"])
def test_a_flipped_bit_is_seen(checkpoints: Checkpoints, name: str) -> None:
    checkpoints.save(5, model(1), {"step": 5})
    newest = checkpoints.save(6, model(2), {"step": 6}) / name
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    weight, state, said = load(checkpoints)
    assert (weight, state) == (1.0, {"step": 5})
    assert "damaged" in said[0]


class TwoTasks(nn.Linear):
    """The part of a multi-task model that saving its best weights needs."""

    def weights_of(self, tasks: Any) -> dict[str, torch.Tensor]:
        return dict(self.state_dict())


def save_best(checkpoints: Checkpoints, value: float) -> Path:
    network: Any = TwoTasks(1, 1)
    nn.init.constant_(network.weight, value)
    checkpoints.save_best("all", network, ["books"])
    return checkpoints.best("all")


def test_best_weights_go_back_with_the_checkpoint(checkpoints: Checkpoints) -> None:
    """An epoch's best weights may be written, and its checkpoint not."""
    best = save_best(checkpoints, 1.0)
    then = best.read_bytes()
    checkpoints.save(1, model(1), {})
    assert (checkpoints.folder / "step-00000001" / best.name).samefile(best)
    save_best(checkpoints, 2.0)
    assert best.read_bytes() != then
    again = Checkpoints(checkpoints.folder)
    load(again)
    assert best.read_bytes() == then
    assert again.best_digests == {"all": file_sha256(best)}


def test_best_weights_that_no_file_has_whole_are_an_error(checkpoints: Checkpoints) -> None:
    best = save_best(checkpoints, 1.0)
    checkpoints.save(1, model(1), {})
    best.write_bytes(best.read_bytes()[:-1])  # under both of its names
    with pytest.raises(RunError, match="damaged, and no checkpoint has it whole; start over with --force"):
        checkpoints.restore_best(checkpoints.best_digests)
    with pytest.raises(RunError, match="every checkpoint is damaged"):
        load(checkpoints)


def test_checkpoints_of_older_versions_know_no_best_weights(checkpoints: Checkpoints) -> None:
    checkpoints.save(1, model(1), {})
    save_best(checkpoints, 1.0)
    again = Checkpoints(checkpoints.folder)
    load(again)
    assert again.best_digests == checkpoints.best_digests


def test_a_checkpoint_of_another_model_is_no_damage(checkpoints: Checkpoints) -> None:
    checkpoints.save(1, model(1), {})
    with pytest.raises(RunError, match=r"step-00000001: does not fit the experiment as it is now.*size mismatch"):
        checkpoints.load(nn.Linear(3, 2), CPU)


def test_an_old_checkpoint_is_removed_without_what_others_have_put_there(checkpoints: Checkpoints) -> None:
    checkpoints.save(1, model(1.0), {})
    first = checkpoints.folder / "step-00000001"
    (first / "notes.txt").write_text("mine")
    first.with_name("step-00000001-old").mkdir()
    for step in (2, 3, 4):
        checkpoints.save(step, model(step), {})
    names = sorted(path.name for path in checkpoints.folder.iterdir())
    assert names == ["step-00000001", "step-00000001-old", "step-00000003", "step-00000004"]
    assert [path.name for path in first.iterdir()] == ["notes.txt"]
    assert load(checkpoints)[0] == 4.0
