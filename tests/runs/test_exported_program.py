"""Exported programs against the models that they were traced from, in float64, on batches of other sizes."""

import io
from itertools import cycle

import pytest
import torch
from pydantic import TypeAdapter

import mtlkit
from mtlkit.config import Lazy
from mtlkit.data import Batch, Text, Vocabulary
from mtlkit.embedders import Embedder
from mtlkit.errors import ConfigError
from mtlkit.heads import Head
from mtlkit.kernels.compute import Compute, hand_down
from mtlkit.model import MultiTaskModel
from mtlkit.runs.exported_program import check_program, exported_program
from mtlkit.sharing import SharingScheme
from mtlkit.sharing.communicators import Communicator
from mtlkit.sharing.communicators.communicator import Message
from tests.test_contracts import COMPONENTS, TASKS
from tests.training.shared_runs import ByFirstWord

TASK = TASKS[1]
WORDS = ["a", "bc", "def", "ghij", "a-long-and-unknown-word"]
VOCABULARY = Vocabulary.of(WORDS[:4], "abcdefghij", {task: ["B-x", "I-x", "O"] for task in TASKS})
UNSEEN = ([1], [3, 11, 1, 5], [2, 2, 2], [23])
"""The lengths of the texts of batches; programs are traced with others."""
EMBED_WORDS = {"type": "words", "dim": 6}
OF_WHICH_ONE_WILL_DO = (
    "adversarial_shared_private",
    "cross_stitch",
    "parallel_shared_private",
    "stacked_shared_private",
)
ALL_SCHEMES = COMPONENTS[mtlkit.SharingScheme]
NUMBERS = {scheme["type"]: number for number, scheme in enumerate(ALL_SCHEMES)}
SCHEMES = [
    scheme
    for number, scheme in enumerate(ALL_SCHEMES)
    if scheme["type"] not in OF_WHICH_ONE_WILL_DO or number == NUMBERS[scheme["type"]]
]
ENCODERS = [
    {"type": "fully_shared", "encoder": each}
    for each in COMPONENTS[mtlkit.Encoder]
    if each["type"] not in ("lstm", "bilstm")
]
# Of the other parts, each scheme gets the next: there are 7 embedders and 8 heads, so that they meet in all ways.
ROWS = [
    *zip(SCHEMES, cycle(COMPONENTS[mtlkit.Embedder]), cycle(COMPONENTS[mtlkit.Head]), strict=False),
    *zip(ENCODERS, cycle([EMBED_WORDS]), cycle(COMPONENTS[mtlkit.Head]), strict=False),
]


def build(kind, settings, **runtime):
    return TypeAdapter(Lazy[kind]).validate_python(settings).build(**runtime)


def model_of(scheme, embedder=EMBED_WORDS, head=None):
    torch.manual_seed(0)
    if "transformer" in str(scheme):  # whose states have the size of its input
        embedder = EMBED_WORDS
    embedding = build(Embedder, embedder, vocabulary=VOCABULARY, vectors=None, fresh=True, tasks=list(TASKS))
    if scheme["type"] == "pool":  # whose modules need states of the size of their input
        scheme = {**scheme, "module": {"type": "lstm", "hidden_dim": embedding.output_dim}}
    sharing = build(SharingScheme, scheme, input_dim=embedding.output_dim, tasks=list(TASKS))
    labels = {task: VOCABULARY.labels(task) for task in TASKS}
    made = {
        task: build(Head, head or {"type": "classifier"}, input_dim=sharing.output_dim, labels=labels[task])
        for task in TASKS
    }
    model = MultiTaskModel({"shared": embedding}, sharing, made, dict.fromkeys(TASKS, 1.0)).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    for part in model.modules():
        if isinstance(part, torch.nn.Embedding):
            part.weight.data[0] = 0  # padding
    hand_down(model, Compute("pure"))
    return model


def text_of(model, lengths):
    mask_BT = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    forms_BT = torch.randint(len(WORDS), mask_BT.shape, generator=torch.Generator().manual_seed(sum(lengths)))
    columns = {}
    for name, table in model.embedder(TASK).tables(WORDS).items():
        column = torch.from_numpy(table).long()[forms_BT]
        columns[name] = column * (mask_BT if column.dim() == 2 else mask_BT.unsqueeze(-1))
    return Text(mask_BT, columns)


def traced(model):
    return exported_program(model, text_of(model, [4, 7, 2]), TASK)


def saved_and_loaded(program):
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    return torch.export.load(file)


@pytest.mark.parametrize(
    ("scheme", "embedder", "head"),
    [pytest.param(*row, id=f"{row[0]['type']}-{number}") for number, row in enumerate(ROWS)],
)
def test_a_program_answers_as_its_model(scheme, embedder, head):
    model = model_of(scheme, embedder, head)
    program = traced(model)
    # Loading takes as long as tracing, and depends on the operations alone, which are those of the kind of scheme.
    first_of_kind = next(row for row in ROWS if row[0]["type"] == scheme["type"])
    run = (saved_and_loaded(program) if scheme is first_of_kind[0] else program).module()
    for lengths in UNSEEN:
        text = text_of(model, lengths)
        found = run(text.mask_BT, dict(text.columns))
        with torch.no_grad():
            expected = model.decode(Batch(TASK, text, None, torch.arange(len(lengths))))
        assert torch.equal(found["ids"], expected.ids)
        assert ("confidence" in found) == (expected.confidence_B is not None)
        if expected.confidence_B is not None:
            torch.testing.assert_close(found["confidence"], expected.confidence_B, rtol=1e-9, atol=1e-12)


def test_every_scheme_embedder_and_head_is_among_the_rows():
    known = {name: SharingScheme.by_name(name) for name in SharingScheme.list_available()}
    own = {name for name, scheme in known.items() if scheme.__module__.startswith("mtlkit.")}  # those of plugins aside
    assert {row[0]["type"] for row in ROWS} == own
    assert all(part in [row[1] for row in ROWS] for part in COMPONENTS[mtlkit.Embedder])
    assert all(part in [row[2] for row in ROWS] for part in COMPONENTS[mtlkit.Head])


def test_a_program_holds_no_weights_of_other_tasks_and_no_places_of_code():
    model = model_of({"type": "private", "encoder": {"type": "cnn", "filters": 3}})
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    program = traced(model)
    kept = {name.removeprefix("model.") for name, weight in program.state_dict.items() if weight.numel()}
    assert kept == {name for name in before if not any(f".{other}." in name for other in TASKS if other != TASK)}
    assert not any("stack_trace" in node.meta for node in program.graph.nodes)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


class StepByStep(Communicator):
    """The mean of the senders' states, without a fused form."""

    sources = "tasks"

    def prepare(self, inputs_BTE, sources, mask_BT):
        return sources.unbind(1)

    def step(self, time, previous_BD, memory):
        states_BND = memory[time]
        return Message(states_BND.mean(dim=1), states_BND.new_ones(states_BND.shape[:2]))


def test_what_loops_over_words_is_refused():
    model = model_of({"type": "message_passing", "communicator": {"type": "direct"}, "hidden_dim": 4})
    model.sharing.left_to_right.channels["shared"].communicator = StepByStep()
    with pytest.raises(ConfigError, match=f"task '{TASK}' cannot be exported.*answer with mtlkit predict"):
        traced(model)


def test_what_depends_on_words_is_refused_in_one_sentence(capfd):
    model = model_of({"type": "fully_shared", "encoder": {"type": "cnn", "filters": 3}})
    model.embedders["shared"] = ByFirstWord(model.embedders["shared"])
    with pytest.raises(ConfigError, match=r"cannot be exported: embedders\.shared goes another way for each"):
        traced(model)
    assert capfd.readouterr() == ("", "")


def test_a_program_that_answers_otherwise_is_refused():
    model = model_of({"type": "fully_shared", "encoder": {"type": "cnn", "filters": 3}})
    program = traced(model)
    texts = [text_of(model, lengths) for lengths in UNSEEN]
    check_program(program, model, texts, TASK)
    with torch.no_grad():
        model.head(TASK).output.bias += 1.0 * torch.arange(3)
    with pytest.raises(ConfigError, match="a batch of 1 by 1 words is answered otherwise"):
        check_program(program, model, texts, TASK)
