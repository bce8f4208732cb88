"""A task's way through a model, as a program of PyTorch that runs without mtlkit.

Shapes: B texts, T words, C integers of a word.
"""

import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from copy import deepcopy
from traceback import walk_tb
from typing import final

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.fx import GraphModule

from mtlkit.data import Batch, Text
from mtlkit.errors import ConfigError
from mtlkit.heads import Decoded
from mtlkit.kernels.compute import TRACEABLE, hand_down
from mtlkit.kernels.scans.networks import with_scans
from mtlkit.model import MultiTaskModel
from mtlkit.sharing import SearchableScheme
from mtlkit.training.devices import is_out_of_memory

MOST_DIFFERING = 0.01
"""The share of labels that may differ from the model's own: two scores can be so close that rounding decides."""
ROUNDING = 1e-4
"""By how much a confidence may differ in float32."""


def exported_program(model: MultiTaskModel, text: Text, task: str) -> ExportedProgram:
    """Traces how a model answers texts of a task; see docs/decisions/0032-exported-programs.md.

    Args:
        model: on a CPU, in evaluation mode. It stays as it is.
        text: two or more texts, of two or more words, to trace with.
        task: the task whose head answers.

    Returns:
        A program (mask_BT, columns) -> `{"ids": ..., "confidence": ...}`, the fields of `Decoded` that the head gives,
        for any number of texts and words from 1 on. It holds only what the task needs of the weights.

    Raises:
        ConfigError: a part of the model cannot be traced for texts of all sizes.
    """
    traced = deepcopy(model).requires_grad_(False)
    hand_down(traced, TRACEABLE)
    columns = dict(text.columns)
    texts, words = Dim("texts", min=1), Dim("words", min=1)
    by_word = {0: texts, 1: words}
    # An embedder may rely on the width of a column, so that torch is to find out whether it can vary.
    of_columns = {name: {**by_word, 2: Dim.AUTO} if each.dim() == 3 else by_word for name, each in columns.items()}
    answering, shapes = _Answering(with_scans(traced), task), {"mask_BT": by_word, "columns": of_columns}
    try:
        with torch.no_grad(), _quiet():
            program = torch.export.export(answering, (text.mask_BT, columns), dynamic_shapes=shapes, strict=False)
    except Exception as error:  # whatever the tracer raises, or a component that it runs
        if is_out_of_memory(error):
            raise
        raise ConfigError(
            f"task '{task}' cannot be exported: {_part_in(error, traced)} goes another way for each length or content "
            f"of a text ({_first_line(error)}); answer with mtlkit predict"
        ) from error
    _keep_what_is_used(program)
    return program


def check_program(program: ExportedProgram, model: MultiTaskModel, texts: Sequence[Text], task: str) -> None:
    """Makes sure that a program answers texts as the model that it was traced from.

    Raises:
        ConfigError: it does not.
    """
    run, differing, number = program.module(), 0, 0
    for text in texts:
        size = " by ".join(map(str, text.mask_BT.shape))
        with torch.no_grad():
            expected = model.decode(Batch(task, text, None, torch.arange(len(text.mask_BT))))
            try:
                found = run(text.mask_BT, dict(text.columns))
            except (AssertionError, RuntimeError) as error:  # of what was assumed when it was traced
                raise ConfigError(
                    f"task '{task}' cannot be exported: the program cannot answer a batch of {size} words "
                    f"({_first_line(error)}); answer with mtlkit predict"
                ) from error
        differing += int((found["ids"] != expected.ids).sum())
        number += expected.ids.numel()
        if not _is_as_sure(found.get("confidence"), expected) or differing > MOST_DIFFERING * number:
            raise ConfigError(
                f"task '{task}' cannot be exported: a batch of {size} words is answered otherwise by the program than "
                "by the model, a part of which must depend on more than its inputs; answer with mtlkit predict"
            )


def _is_as_sure(confidence_B: Tensor | None, expected: Decoded) -> bool:
    if confidence_B is None or expected.confidence_B is None:
        return confidence_B is expected.confidence_B
    return torch.allclose(confidence_B, expected.confidence_B, rtol=ROUNDING, atol=ROUNDING, equal_nan=True)


@final
class _Answering(nn.Module):
    """All of the model, as one function of what a batch holds."""

    def __init__(self, model: MultiTaskModel, task: str) -> None:
        super().__init__()
        self.model = model
        self.task = task
        # Found before the tracing, which cannot follow what weights decide.
        self.path = model.sharing.best(task) if isinstance(model.sharing, SearchableScheme) else None

    def forward(self, mask_BT: Tensor, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
        states_BTD = self.model(Text(mask_BT, columns), self.task, path=self.path).states_BTD
        decoded = self.model.head(self.task).decode(states_BTD, mask_BT)
        confidence = {} if decoded.confidence_B is None else {"confidence": decoded.confidence_B}
        return {"ids": decoded.ids, **confidence}


def _keep_what_is_used(program: ExportedProgram) -> None:
    """Empties the weights that no operation reads, such as those of other tasks, and forgets where the code lay."""
    signature = program.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    for node in program.graph.nodes:
        name = names.get(node.name)
        if node.op == "placeholder" and not node.users and name in program.state_dict:
            weight = program.state_dict[name]
            program.state_dict[name] = nn.Parameter(weight.new_empty(0), requires_grad=False)
    for part in program.graph_module.modules():
        for node in part.graph.nodes if isinstance(part, GraphModule) else ():
            node.meta.pop("stack_trace", None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps torch from printing pages of what it had traced before an error, and guesses at what the error is about."""
    guessing = logging.getLogger("torch.fx.experimental.symbolic_shapes")
    level = guessing.level
    guessing.setLevel(logging.ERROR)
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        guessing.setLevel(level)


def _part_in(error: Exception, model: nn.Module) -> str:
    """The name of the innermost part of a model in which an error was raised."""
    names = {id(module): name for name, module in model.named_modules() if name}
    running = [id(frame.f_locals.get("self")) for frame, _ in walk_tb(error.__traceback__)]
    return next((names[each] for each in reversed(running) if each in names), "a part of its model")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0].rstrip('. ')}"
