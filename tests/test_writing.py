"""Files are opened for writing in one place, which follows no link: no module has a way of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mtlkit

ROOT = Path(mtlkit.__file__).parent
THE_PLACE = "files/opening.py"
METHODS = {
    *("write_text", "write_bytes", "touch", "symlink_to", "hardlink_to", "savefig", "print_figure"),
    *("export_chrome_trace", "fdopen"),
    *("copyfile", "copy", "copy2", "copytree", "move", "save_file", "savez", "tofile", "NamedTemporaryFile", "mkstemp"),
    *("SummaryWriter", "JournalFileBackend", "FileHandler"),
}
"""Functions and methods that open a file for writing, by their last name. Those of dicts and tensors are no matter of
modules: see `QUALIFIED`."""
QUALIFIED = {"torch.save", "np.save", "numpy.save", "json.dump", "pickle.dump", "os.link", "os.symlink", "os.truncate"}
"""Those whose last name is also that of something else."""
SHUTIL = {"copyfile", "copy", "copy2", "copytree", "move"}
FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_TRUNC"}
ALLOWED = {
    ("archive/component_files.py", "shutil.move"): "from one temporary folder of ours into another",
    ("cli/app.py", "os.open"): "the null device",
    ("config/jsonnet_child.py", "os.fdopen"): "standard output, which the parent has opened",
    ("data/download_by_pip.py", "write_bytes"): "a program that cannot import mtlkit; into a temporary folder of ours",
    ("data/corpus_cache.py", "np.save"): "into an open file",
    ("files/outputs.py", "os.open"): "a pipe or device that the user has named",
    ("files/outputs.py", "open"): "the descriptor of a pipe or device that the user has named",
    ("files/replacing.py", "os.link"): "a second name for a file of ours, which follows no link",
    ("process/pool.py", "os.fdopen"): "standard output, which the parent has opened",
    ("report/charts/drawing.py", "print_figure"): "into memory",
    ("runs/profile.py", "export_chrome_trace"): "the path of `new_path`, in a folder of ours",
    ("sweeps/journal.py", "JournalFileBackend"): "Optuna opens it by itself; checked before",
    ("testing/training.py", "torch.save"): "into memory",
    ("training/checkpoints.py", "torch.save"): "into an open file",
    ("training/loggers.py", "SummaryWriter"): "TensorBoard opens its files by itself; their folder is checked before",
    ("training/weights.py", "save_file"): "the path of `new_path`, in a folder of ours",
}
"""Why a call is allowed, by the file and the call."""


def writes(source: str) -> Iterator[str]:
    """Yields the name of each call that opens a file for writing, or may do so."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        last = name.rpartition(".")[2]
        if name == "os.open":
            if any(isinstance(each, ast.Attribute) and each.attr in FLAGS for each in ast.walk(node)):
                yield name
        elif last == "open":
            if opens_to_write(node, is_method="." in name):
                yield last if name != "tarfile.open" else name
        elif name in QUALIFIED or (last in SHUTIL and name == f"shutil.{last}"):
            yield name
        elif last in METHODS - SHUTIL:
            yield name if name == "os.fdopen" else last


def opens_to_write(call: ast.Call, is_method: bool) -> bool:
    """Whether a call of `open` names a mode that writes, or one that is not known."""
    if ast.unparse(call.func) == "tarfile.open" and any(each.arg == "fileobj" for each in call.keywords):
        return False  # into an open file, or out of one
    place = 0 if is_method and ast.unparse(call.func) not in ("tarfile.open", "gzip.open", "io.open") else 1
    mode = next((each.value for each in call.keywords if each.arg == "mode"), None)
    mode = mode or (call.args[place] if len(call.args) > place else None)
    if mode is None or (is_method and not isinstance(mode, ast.Constant)):
        return False  # for reading, or a method of another kind, such as that of an archive
    return not isinstance(mode, ast.Constant) or bool(set("wax+") & set(str(mode.value)) and len(str(mode.value)) < 4)


FOUND = [
    (file.relative_to(ROOT).as_posix(), call)
    for file in sorted(ROOT.rglob("*.py"))
    for call in writes(file.read_text(encoding="utf-8"))
]


def test_files_are_opened_for_writing_in_one_place() -> None:
    elsewhere = {each for each in FOUND if each[0] != THE_PLACE}
    assert elsewhere - ALLOWED.keys() == set(), "open it by mtlkit.files, or say in ALLOWED why not"
    assert ALLOWED.keys() - elsewhere == set(), "remove what no module calls any more"
    assert (THE_PLACE, "open") in FOUND


@pytest.mark.parametrize(
    "source",
    [
        'open("x", "w")',
        'open("x", mode="a")',
        "open(path, how)",
        'path.open("wb")',
        'path.open("rb+")',
        'path.open("x", encoding="utf-8")',
        'io.open(path, "w")',
        'gzip.open(path, "wb")',
        'tarfile.open(path, "w")',
        "path.write_text(text)",
        "Path(x).write_bytes(b'')",
        "path.touch()",
        "os.open(path, os.O_RDWR)",
        "os.open(path, flags | os.O_CREAT)",
        'os.fdopen(1, "w")',
        "torch.save(state, path)",
        "np.save(path, array)",
        "json.dump(value, file)",
        "shutil.copyfile(a, b)",
        "figure.savefig(path)",
        "canvas.print_figure(path)",
        "save_file(tensors, path)",
        "path.symlink_to(other)",
        "os.link(a, b)",
        "tempfile.NamedTemporaryFile()",
    ],
)
def test_every_way_to_write_is_seen(source: str) -> None:
    assert list(writes(source))


@pytest.mark.parametrize(
    "source",
    ['open("x")', 'path.open("rb")', "path.open()", "os.open(path, os.O_RDONLY)", "archive.open(names[0])", "a.copy()"],
)
def test_what_reads_is_not_taken_for_writing(source: str) -> None:
    assert list(writes(source)) == []
