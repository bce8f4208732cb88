"""Computing as a value: modules are handed it and say what ran."""

import torch
from torch import nn

from mtlkit.config import Lazy
from mtlkit.encoders import BilstmEncoder, LstmEncoder
from mtlkit.kernels.compute import AUTOMATIC, Compute, hand_down, together, what_ran
from mtlkit.sharing import CrossStitch, MessagePassing
from mtlkit.sharing.communicators import DirectCommunicator, IndirectCommunicator

TASKS = ["books", "films", "music"]
MASK_BT = torch.ones(2, 4, dtype=torch.bool)
INPUTS_BTE = torch.ones(2, 4, 3)


def test_it_reaches_every_part_and_leaves_others_alone() -> None:
    encoder, stranger = BilstmEncoder(2, input_dim=3), nn.Linear(3, 3)
    whole = nn.Sequential(stranger, nn.ModuleDict({"inner": encoder}))
    before = set(vars(stranger))
    hand_down(whole, Compute("pure", 2, 3))
    assert encoder.compute == Compute("pure", 2, 3)
    assert set(vars(stranger)) == before
    assert BilstmEncoder(2, input_dim=3).compute == AUTOMATIC, "no other module's"


def test_modules_say_what_ran() -> None:
    encoder = BilstmEncoder(2, input_dim=3)
    assert what_ran(encoder) == {}
    for kernels in ("pure", "plain"):
        hand_down(encoder, Compute(kernels))
        encoder(INPUTS_BTE, MASK_BT)
    assert what_ran(nn.ModuleList([encoder])) == {"lstm": "torch"}


def test_schemes_say_what_ran() -> None:
    direct = MessagePassing(Lazy.of(DirectCommunicator), 2, input_dim=3, tasks=TASKS)
    indirect = MessagePassing(Lazy.of(IndirectCommunicator), 2, bidirectional=True, input_dim=3, tasks=TASKS)
    stitched = CrossStitch(Lazy.of(LstmEncoder, hidden_dim=2), input_dim=3, tasks=TASKS)
    for scheme in (direct, indirect, stitched):
        hand_down(scheme, Compute("pure", network_threads=2))
        scheme(INPUTS_BTE, MASK_BT, "films")
    assert what_ran(direct) == {"networks": "in threads", "recurrence": "pure"}
    assert what_ran(indirect) == {"recurrence": "pure"}
    assert what_ran(stitched) == {"networks": "in threads"}
    hand_down(direct, Compute("plain"))
    direct(INPUTS_BTE, MASK_BT, "films")
    assert what_ran(direct) == {"networks": "in threads, one by one", "recurrence": "pure, step by step"}


def test_notes_go_on_from_what_was_written_down() -> None:
    first, second = BilstmEncoder(2, input_dim=3), BilstmEncoder(2, input_dim=3)
    first.note("lstm", "torch")
    first.note("lstm", "compiled")
    second.note_again(what_ran(first))
    second.note("networks", "graphs")
    assert what_ran(second) == {"lstm": "compiled, torch", "networks": "graphs"}
    assert together({"lstm": "torch"}, {}, what_ran(second)) == what_ran(second)


def test_communicators_have_the_operations_of_their_class() -> None:
    assert DirectCommunicator.operations == ("recurrence", "networks")
    assert IndirectCommunicator.operations == ("recurrence",)
    assert MessagePassing.operations == ()
