"""Tensors are held to a model that takes no memory."""

import json

import pytest
import torch
from torch import nn

from mtlkit.archive import part_budget
from mtlkit.archive.fitting import Form, forms_of, misfit, outline
from mtlkit.config import validate
from mtlkit.data import Vocabulary
from mtlkit.experiment import Experiment, build_model
from tests.soak.tiny_archive import EXPERIMENT, POOL

VOCABULARY = Vocabulary.of(["a"], "a", {"books": ["x", "y"], "news": ["B-X", "I-X", "O"]})
LSTM = {"type": "lstm", "hidden_dim": 4}
SCHEMES = [
    {"type": "private", "encoder": {"type": "bilstm", "hidden_dim": 4}},
    {"type": "message_passing", "hidden_dim": 4, "communicator": {"type": "indirect"}, "bidirectional": True},
    {"type": "message_passing", "hidden_dim": 4, "communicator": {"type": "direct"}},
    {"type": "cross_stitch", "encoder": LSTM},
    {"type": "adversarial_shared_private", "encoder": {"type": "cnn", "filters": 4}},
    {"type": "hierarchical", "layers": [LSTM, LSTM], "depths": {"books": 2, "news": 1}},
    POOL,
    {**POOL, "selector": {"type": "controller"}},
    {**POOL, "selector": {"type": "uniform_then_greedy"}},
]
EMBEDDER = {
    "type": "concatenated",
    "embedders": [{"type": "words", "dim": 2}, {"type": "character_gru", "hidden_dim": 1}],
}


def experiment(sharing: dict[str, object], **embedder: object) -> Experiment:
    value = json.loads(json.dumps(EXPERIMENT))
    value["model"] |= {"sharing": sharing, "embedder": EMBEDDER | embedder}
    return validate(Experiment, value, "here")


@pytest.mark.parametrize("sharing", SCHEMES)
def test_an_outline_has_the_forms_of_the_model(sharing: dict[str, object]) -> None:
    wanted = forms_of(build_model(experiment(sharing), VOCABULARY, None).state_dict())
    state = torch.get_rng_state()
    model = outline(experiment(sharing), VOCABULARY)
    assert torch.equal(torch.get_rng_state(), state), "what is drawn afterwards is what would have been"
    assert misfit(forms_of(model.state_dict()), wanted) is None
    assert all(parameter.is_meta for parameter in model.parameters())


def test_an_outline_takes_no_memory_and_is_limited_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    large = experiment({"type": "fully_shared", "encoder": {"type": "lstm", "hidden_dim": 10**6}})
    assert sum(parameter.numel() for parameter in outline(large, VOCABULARY).parameters()) > 4 * 10**12
    monkeypatch.setattr(part_budget, "MAX_PARTS", 100)
    with pytest.raises(ValueError, match="more than 100 parts"):
        outline(experiment({"type": "cross_stitch", "encoder": LSTM, "layers": 9}), VOCABULARY)
    assert len(nn.ModuleList(nn.Linear(1, 1) for _ in range(101))) == 101, "nothing is counted afterwards"


def test_what_does_not_fit() -> None:
    wanted = {"a": Form("F32", (2, 3)), "b": Form("I64", (1,)), "rare": Form(None, ())}
    assert misfit(wanted, wanted) is None
    assert misfit({**wanted, "rare": Form("C64", ())}, wanted) is None
    assert misfit({}, wanted) == "a, b, rare are missing"
    assert misfit({**wanted, **{f"x{n}": Form("F32", ()) for n in range(5)}}, wanted) == (
        "x0, x1, x2 and 2 more are unknown to the model"
    )
    assert misfit({**wanted, "a": Form("F32", (3, 2))}, wanted) == (
        "size mismatch for a: F32 [3, 2], and the model has F32 [2, 3]"
    )
    assert misfit({**wanted, "b": Form("F32", (1,))}, wanted) is not None
