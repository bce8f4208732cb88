"""Imports point down only: a module may import from its own package and from the layers below."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import mtlkit

ROOT = Path(mtlkit.__file__).parent
LAYERS = [
    {"figures", "process", "redaction", "text", "types"},
    {"errors", "tables"},
    {"config", "files", "plugins"},
    {"data", "initializers", "kernels", "on_disk"},
    {"embedders", "encoders", "heads", "metrics"},
    {"sharing"},
    {"model"},
    {"training"},
    {"experiment", "testing"},
    {"archive"},
    {"runs"},
    {"comparison", "sweeps"},
    {"report"},
    {"cli"},
    {"__main__"},
]
"""From the ground up. Packages of one layer do not import each other, so that each can be read without the others."""
LAYER_OF = {package: number for number, layer in enumerate(LAYERS) for package in layer}
OPTUNA = ("distributions", "exceptions", "samplers", "storages", "storages.journal", "trial")
LEARNING = ("sklearn.decomposition", "sklearn.manifold")
OPTIONAL = {
    "spacy",
    "torch.utils.tensorboard",
    "jsonschema",
    "optuna",
    *(f"optuna.{part}" for part in OPTUNA),
    *LEARNING,
    "sqlalchemy",
    "sqlalchemy.exc",
    "mtlkit.process.fully_sharded",  # imports 600 modules of torch, for 1.5 s
    "mtlkit.kernels.recurrence.persistent.launching",  # Triton decorates kernels when their module is imported
}
"""Libraries that may be missing or slow to import, so that they are imported where they are used."""
NAMELESS = {"utils", "util", "common", "core", "helpers", "misc"}


class Import(NamedTuple):
    target: str
    line: int
    inside_function: bool


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix("__init__").removesuffix(".")


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}
"""Without the leading `mtlkit.`; the package itself is ''."""


@cache
def imports(module: str) -> list[Import]:
    return list(_imports(ast.parse(MODULES[module].read_text(encoding="utf-8")), inside=False))


def _imports(node: ast.AST, inside: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, inside) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0 and child.module, "imports are absolute"
            for alias in child.names:  # `from package import module` imports the module
                whole = f"{child.module}.{alias.name}"
                is_module = whole.removeprefix("mtlkit.") in MODULES
                yield Import(whole if is_module else child.module, child.lineno, inside)
        else:
            yield from _imports(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))


def own(module: str) -> list[tuple[str, int]]:
    """The modules of mtlkit that a module imports, also those that only type checkers see."""
    mine = [found for found in imports(module) if found.target.split(".")[0] == "mtlkit"]
    return [(found.target.removeprefix("mtlkit").removeprefix("."), found.line) for found in mine]


def allowed(module: str, target: str) -> bool:
    package, other = module.split(".")[0], target.split(".")[0]
    if package == other or target == "":
        return True
    return LAYER_OF[other] < LAYER_OF[package]


@pytest.mark.parametrize("module", [module for module in MODULES if module])  # the package itself is a list of names
def test_imports_point_down(module: str) -> None:
    assert module.split(".")[0] in LAYER_OF, f"{module} is in no layer; say in LAYERS where it belongs"
    for target, line in own(module):
        assert allowed(module, target), f"{MODULES[module]}:{line}: mtlkit.{module} must not import mtlkit.{target}"


@pytest.mark.parametrize("module", MODULES)
def test_imports_stand_at_the_top(module: str) -> None:
    if module.split(".")[0] == "cli":
        return
    hidden = [found for found in imports(module) if found.inside_function and found.target not in OPTIONAL]
    assert not hidden, f"{MODULES[module]}: imports inside functions: {hidden}"


def test_there_is_no_import_cycle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, f"an import cycle: {' -> '.join((*path[path.index(module) :], module))}"
        if module not in done:
            for target, _ in own(module):
                if target:
                    visit(target, (*path, module))
            done.add(module)

    for module in MODULES:
        if module:
            visit(module, ())


def test_every_name_says_something() -> None:
    assert not [module for module in MODULES if NAMELESS & set(module.split("."))]


SAME_NAME = {
    "Stage": "a stage of a run in runs/stage.py, and what a curve of the report shows of it",
    "Steps": "what both fused recurrences, of kernels/lstm and kernels/recurrence, save for their backward pass",
    "Table": "rows under a header, as text in tables.py and as a part of a page in report/parts.py",
    "Wanted": "what is asked for: of an evaluation in runs, which gradients in kernels/lstm",
    "Weights": "the parameters of both fused recurrences, of kernels/lstm and kernels/recurrence",
}
"""Public classes that may share a name, and what the name means in each of their files."""


def test_a_public_class_name_means_one_thing() -> None:
    """Whoever reads `Scores` in a signature must not have to look which of three it is."""
    places: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(module)
    twice = {name: modules for name, modules in places.items() if len(modules) > 1}
    assert {name: modules for name, modules in twice.items() if name not in SAME_NAME} == {}
    assert twice.keys() >= SAME_NAME.keys(), "remove what is no longer defined twice"
