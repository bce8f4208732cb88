"""Tables of FDU-MTL that ask why: controls of IC-MTL, and hypotheses about DC-MTL.

All systems have the common trainer unless a row says otherwise, so that a difference has one cause.
"""

import json
from collections.abc import Iterable

from table_rows import COMMON, LIU, PaperTable, TableRow

ATTENTION = ("--tla-str", "pool=attention")


def _set(**settings: str) -> tuple[str, ...]:
    """Overrides in the scheme; `__` stands for a dot."""
    return tuple(
        word for name, value in settings.items() for word in ("-o", f"model.sharing.{name.replace('__', '.')}={value}")
    )


def _control(name: str, title: str, file: str, *arguments: str) -> TableRow:
    return TableRow(name, title, f"fdu/{file}.jsonnet", (*COMMON, *arguments))


# Nothing but the words is shared, in one trainer: unlike with `single`, all tasks keep the same epoch.
OWN_NETWORKS = ("-o", "model.share_embedder=true", "-o", "trainer.selection.type=mean")
OWN_MAILBOX = _set(mailbox="per_task", share="per_task")
ALIGNED = _set(communicator__type="aligned")

FDU_CONTROLS = PaperTable(
    "FDU-MTL: is the gain of IC-MTL communication, or attention over positions? One trainer for all systems",
    "accuracy",
    (
        _control("fs", "FS-MTL", "fs"),
        _control("fs-attention", "FS-MTL, heads with attention", "fs", *ATTENTION),
        _control("psp", "PSP-MTL", "psp"),
        _control("psp-attention", "PSP-MTL, heads with attention", "psp", *ATTENTION),
        _control("asp-attention", "ASP-MTL, heads with attention", "asp", *ATTENTION),
        _control("own", "an LSTM per task over the same words", "single", *OWN_NETWORKS),
        _control("own-attention", "the same, heads with attention", "single", *OWN_NETWORKS, *ATTENTION),
        _control("ic", "IC-MTL", "ic"),
        _control("ic-attention", "IC-MTL, heads with attention", "ic", *ATTENTION),
        _control("ic-own_mailbox", "IC-MTL, a mailbox per task", "ic", *_set(mailbox="per_task")),
        _control("ic-own_all", "IC-MTL, mailbox, scorer and gate per task: only words shared", "ic", *OWN_MAILBOX),
        _control("ic-aligned", "IC-MTL, reads the mailbox's current position only", "ic", *ALIGNED),
        _control("ic-aligned_own", "the same, with mailbox and gate per task", "ic", *ALIGNED, *OWN_MAILBOX),
        _control("dc", "DC-MTL", "dc"),
        _control("dc-attention", "DC-MTL, heads with attention", "dc", *ATTENTION),
        _control("dc-all_positions", "DC-MTL, reads all positions", "dc", *_set(communicator__positions="all")),
    ),
)


def _begin(pattern: str, alike: bool = False, **initializer: str | float) -> tuple[str, ...]:
    """Parameters of this name begin by an initialiser; with `alike`, those of all tasks with the same values."""
    rule = {"pattern": pattern, "initializer": initializer, "alike": alike}
    return ("-o", f"model.initializers={json.dumps([rule])}")


def _diagnosis() -> Iterable[TableRow]:
    """One hypothesis at a time about why DC-MTL falls short of its paper; the trainer is otherwise that of all."""
    hypotheses: dict[str, tuple[str, tuple[str, ...]]] = {
        "as_all": ("the common trainer", ()),
        "shared_speaker": ("one LSTM speaks for all tasks, with an output per task", _set(speakers="shared")),
        "own_speakers": ("senders are LSTMs beside the tasks' own", _set(speaker__type="lstm")),
        "detached": ("detached senders", _set(detach_senders="true")),
        "include_self": ("hears its own LSTM too", _set(communicator__include_self="true")),
        "all_positions": ("reads all positions of its senders", _set(communicator__positions="all")),
        "told": ("a scorer that is told who speaks and who listens", _set(communicator__task_embeddings="true")),
        "scorer_per_task": ("scorer and gate per task", _set(share="per_task")),
        "alike": ("LSTMs begin alike", _begin("task_lstms", alike=True, type="uniform", bound=0.1)),
        "orthogonal": ("recurrences begin orthogonal", _begin("task_lstms.*weight_hh", type="orthogonal")),
        "loud": ("messages begin three times as large", _begin("gate.fusion", type="uniform", bound=0.3)),
        "soft": ("messages begin a third as large", _begin("gate.fusion", type="uniform", bound=0.033)),
        "gate_open": ("gates begin open", _set(gate_bias="2")),
        "gate_closed": ("gates begin closed", _set(gate_bias="-2")),
        "message_dropout": ("dropout of 0.3 of the messages", _set(message_dropout="0.3")),
        "variational": ("dropout of words' units for whole texts", ("-o", "model.embedder.dropout_over=text")),
        "attention": ("heads with attention", ATTENTION),
        "max": ("heads with max pooling", ("--tla-str", "pool=max")),
        "adadelta": ("AdaDelta", ("-o", 'trainer.optimizer={"type": "adadelta"}')),
        "hidden_200": ("200 units", _set(hidden_dim="200")),
        "batch_8": ("batches of 8", ("-o", "trainer.batch_size=8")),
        "patience_6": ("24 epochs, patience of 6", ("-o", "trainer.patience=6", "-o", "trainer.epochs=24")),
    }
    for name, (title, arguments) in hypotheses.items():
        yield _control(name, f"DC-MTL: {title}", "dc", *arguments)
    yield TableRow("paper", "DC-MTL: Liu's settings in full", "fdu/dc.jsonnet", LIU, "87.5 (Liu)")


FDU_DIAGNOSIS = PaperTable(
    "FDU-MTL: why DC-MTL falls short of its paper; dev alone judges", "accuracy", tuple(_diagnosis())
)
