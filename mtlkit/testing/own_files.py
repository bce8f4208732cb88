"""Checks of components that save files."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from mtlkit.config import Component, Lazy, SavedFiles, fault_of_files
from mtlkit.data import DatasetReader, Tokenizer
from mtlkit.embedders import Embedder
from mtlkit.files.ownership import temporary_folder
from mtlkit.testing.columns import FORMS
from mtlkit.testing.data import TEXT, TEXTS
from mtlkit.testing.modules import runtime
from mtlkit.testing.promises import doing, promise
from mtlkit.testing.samples import SENTENCES, sample, text_of


def check_own_files(lazy: Lazy[Any]) -> None:
    """Checks that the saved files are allowed in an archive, and that an instance built with them behaves the same."""
    with temporary_folder() as temporary:
        first, second = Path(temporary, "first"), Path(temporary, "second")
        with doing("when it is built"):
            original = _built(lazy)
        before = _saved(original, first)
        with doing("when it is built with the files that it has saved"):
            copy = _built(Lazy(lazy.component, lazy.settings, SavedFiles(first)))
        if isinstance(original, nn.Module) and isinstance(copy, nn.Module):
            with doing("when weights are loaded into an instance with its files"):
                copy.load_state_dict(original.state_dict())
        same = _saved(copy, second) == before
        promise(same, "an instance that is built with its files saves others; it has to save them as they are")
        with doing("when it is used with the files that it has saved"):
            promise(_answers(copy) == _answers(original), "an instance that is built with the files is another one")
        promise(_contents(first) == before, "it changes the files that it is given")


def _built(lazy: Lazy[Any]) -> Component:
    component: Component = lazy.build(**runtime(lazy))
    return component.double().eval() if isinstance(component, nn.Module) else component


def _saved(component: Component, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    with doing("asked to save its files"):
        component.save_files(folder)
        component.save_frozen(folder)
    fault = fault_of_files(folder)
    promise(fault is None, f"its save_files {fault}")
    return _contents(folder)


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@torch.no_grad()
def _answers(component: Any) -> list[Any]:
    """Returns the outputs of a component for samples, as plain values."""
    if isinstance(component, Tokenizer):
        return [component.tokenize(text) for text in TEXTS]
    if isinstance(component, DatasetReader):
        return [component.parse(TEXT)]
    if isinstance(component, Embedder):
        tables = {name: table.tolist() for name, table in component.tables(FORMS).items()}
        return [tables, component(text_of(SENTENCES, component.tables)).tolist()]
    given = sample()
    return [component(given.states_BTE, given.mask_BT).tolist()]
