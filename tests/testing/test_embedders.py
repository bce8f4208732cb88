"""What `check_component` says of embedders, their columns and their files that do not keep their promises."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import mtlkit
from mtlkit.config import Component, Lazy
from mtlkit.embedders import ConcatenatedEmbedder, WordEmbedder
from mtlkit.errors import ComponentError
from mtlkit.testing.samples import runtime_values, text_of

pytestmark = pytest.mark.usefixtures("registry")
Class = type[Component]
Verdict = Callable[[Class, Class], str]


class Lengths(mtlkit.Embedder):
    """A vector for the length of a word."""

    def __init__(self) -> None:
        super().__init__()
        self.output_dim = 3
        self.table = nn.Embedding(100, 3, padding_idx=0)

    def columns(self, forms: Sequence[str]) -> Mapping[str, Any]:
        return {"length": np.array([len(form) for form in forms])}

    def forward(self, text: mtlkit.Text) -> Tensor:
        vectors: Tensor = self.table(text.column("length"))
        return vectors


class Neighbours(Lengths):
    """Adds the vector of the word before."""

    def forward(self, text: mtlkit.Text) -> Tensor:
        vectors_BTE = super().forward(text)
        return (vectors_BTE + vectors_BTE.roll(1, dims=1)) * text.mask_BT.unsqueeze(-1)


class BeforeInText(Lengths):
    """Adds the vector of the word before, of the text only."""

    def forward(self, text: mtlkit.Text) -> Tensor:
        vectors_BTE = super().forward(text)
        before_BTE = torch.cat([torch.zeros_like(vectors_BTE[:, :1]), vectors_BTE[:, :-1]], dim=1)
        return (vectors_BTE + before_BTE) * text.mask_BT.unsqueeze(-1)


class Contextual(BeforeInText):
    """Says that it does so."""

    looks_at_neighbours = True


class ContextualOfPadding(Neighbours):
    """Lets what comes round from the end into the first word."""

    looks_at_neighbours = True


@pytest.mark.parametrize("embedder", [Lengths, Contextual])
def test_good_ones_pass(verdict: Verdict, embedder: Class) -> None:
    assert verdict(mtlkit.Embedder, embedder) == ""


def test_who_looks_at_neighbours_has_to_say_so(verdict: Verdict) -> None:
    assert verdict(mtlkit.Embedder, BeforeInText).startswith("the vector of a word depends on the words beside it; if")


def test_who_looks_at_neighbours_must_not_look_at_padding(verdict: Verdict) -> None:
    assert verdict(mtlkit.Embedder, ContextualOfPadding) == "more padding, or what stands in it, changes its outputs"


def embedder_of(columns: Callable[[Sequence[str]], object]) -> type[mtlkit.Embedder]:
    class Odd(Lengths):
        """Gives other columns."""

        def columns(self, forms: Sequence[str]) -> Mapping[str, Any]:
            return columns(forms)  # type: ignore[return-value]

    return Odd


def numbers(count: int, *shape: int) -> Any:
    return np.ones((count, *shape), np.int64)


ODD = {
    "Odd: `columns` gives something of type list, not arrays by name": lambda forms: [numbers(len(forms))],
    "Odd: `columns`: 'length' is of type list, not a NumPy array": lambda forms: {"length": [1] * len(forms)},
    "Odd: `columns`: 'length' is of float64": lambda forms: {"length": numbers(len(forms)) / 2},
    "Odd: `columns`: 'length' has the shape": lambda forms: {"length": numbers(len(forms), 2, 2)},
    "rows for": lambda forms: {"length": numbers(len(forms) + 1)},
    "holds -1; ids begin at 0": lambda forms: {"length": -numbers(len(forms))},
    "its columns are others the second time": lambda forms: {"length": np.random.randint(1, 10**9, len(forms))},
    "it gives the columns ['length', 'more'] at one time, ['length'] at another": lambda forms: {
        "length": numbers(len(forms)),
        **({"more": numbers(len(forms))} if len(forms) == 1 else {}),
    },
    "the row of a form depends on the other forms": lambda forms: {"length": np.arange(len(forms))},
    "asked for the columns of some forms it raises KeyError": lambda forms: {"length": [{}[form] for form in forms]},
}


@pytest.mark.parametrize("says", ODD)
def test_odd_columns_are_named(verdict: Verdict, says: str) -> None:
    assert says in verdict(mtlkit.Embedder, embedder_of(ODD[says]))


def test_a_column_that_it_did_not_ask_for_is_named(verdict: Verdict) -> None:
    class Forgetful(Lengths):
        """Reads words as well."""

        def forward(self, text: mtlkit.Text) -> Tensor:
            return super().forward(text) * text.words_BT.unsqueeze(-1)

    assert "reads the column 'words', and its method `columns` does not give it" in verdict(mtlkit.Embedder, Forgetful)


def test_an_embedder_without_columns_is_refused() -> None:
    with pytest.raises(ComponentError, match="Bare does not define columns, as Embedder asks"):

        @mtlkit.Embedder.register("bare")
        class Bare(mtlkit.Embedder):
            """Nothing."""

            def forward(self, text: mtlkit.Text) -> Tensor:
                raise NotImplementedError


def built(*parts: Lazy[mtlkit.Embedder]) -> mtlkit.Embedder:
    given = {name: runtime_values()[name] for name in ("vocabulary", "vectors", "fresh")}
    return Lazy.of(ConcatenatedEmbedder, embedders=list(parts)).build(**given)


def test_an_odd_part_of_a_concatenation_is_named_itself() -> None:
    mtlkit.Embedder.register("odd")(embedder_of(lambda forms: {"length": numbers(3)}))
    with pytest.raises(ComponentError, match="Odd: `columns`: 'length' has 3 rows for 1 forms"):
        built(Lazy.of(WordEmbedder, dim=2), Lazy.of(mtlkit.Embedder.by_name("odd"))).tables(["word"])


def test_two_embedders_may_give_different_columns_the_same_name() -> None:
    @mtlkit.Embedder.register("letters")
    class Letters(mtlkit.Embedder):
        """How often a `letter` stands in a word."""

        def __init__(self, letter: str) -> None:
            super().__init__()
            self.letter = letter
            self.output_dim = 1

        def columns(self, forms: Sequence[str]) -> Mapping[str, Any]:
            return {"count": np.array([form.count(self.letter) for form in forms])}

        def forward(self, text: mtlkit.Text) -> Tensor:
            return text.column("count").unsqueeze(-1).float()

    letters = [Lazy.of(Letters, letter=letter) for letter in "efe"]
    embedder = built(*letters[:2], Lazy.of(ConcatenatedEmbedder, embedders=letters[2:]))
    text = text_of(["never", "fun fee"], embedder.tables)
    assert embedder(text).tolist() == [[[2, 0, 2], [0, 0, 0]], [[0, 1, 0], [2, 1, 2]]]
    assert text.column("0.count") is text.column("2.0.count"), "equal columns are gathered once"


class Listing(Lengths):
    """Keeps a list."""

    def __init__(self, *, files: mtlkit.Runtime[Path | None]) -> None:
        super().__init__()
        self.known = ["film", "fun"] if files is None else (files / "known.txt").read_text().split()

    def save_files(self, folder: Path) -> None:
        (folder / "known.txt").write_text(" ".join(self.known))

    def columns(self, forms: Sequence[str]) -> Mapping[str, Any]:
        return {"length": np.array([1 + (form in self.known) for form in forms])}


class Nothing(Listing):
    """Saves nothing."""

    def save_files(self, folder: Path) -> None: ...


class Deaf(Listing):
    """Saves what it cannot read again."""

    def save_files(self, folder: Path) -> None:
        (folder / "known.json").write_text(" ".join(self.known))


class Turning(Listing):
    """Saves its list the other way round."""

    def save_files(self, folder: Path) -> None:
        (folder / "known.txt").write_text(" ".join(self.known[::-1]))


class Losing(Listing):
    """Reads half of what it has saved."""

    def __init__(self, *, files: mtlkit.Runtime[Path | None]) -> None:
        super().__init__(files=files)
        self.saved = list(self.known)
        if files is not None:
            del self.known[0]

    def save_files(self, folder: Path) -> None:
        (folder / "known.txt").write_text(" ".join(self.saved))


class Meddling(Listing):
    """Changes its folder."""

    def __init__(self, *, files: mtlkit.Runtime[Path | None]) -> None:
        super().__init__(files=files)
        if files is not None:
            (files / "seen").touch()


@pytest.mark.parametrize(
    ("embedder", "says"),
    [
        (Listing, ""),
        (Nothing, "its save_files writes no file; write at least one"),
        (Deaf, "when it is built with the files that it has saved it raises FileNotFoundError"),
        (Turning, "an instance that is built with its files saves others; it has to save them as they are"),
        (Losing, "an instance that is built with the files is another one"),
        (Meddling, "it changes the files that it is given"),
    ],
)
def test_files_are_held_to_their_promises(verdict: Verdict, embedder: Class, says: str) -> None:
    found = verdict(mtlkit.Embedder, embedder)
    assert found.startswith(says) and bool(found) == bool(says)
