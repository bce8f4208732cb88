"""Plugins, installed and included by name."""

import sys
from importlib.metadata import EntryPoint

import pytest

import mtlkit.plugins
from mtlkit.errors import PluginError
from mtlkit.plugins import failures, load_plugins
from mtlkit.runs.provenance import provenance


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch):
    monkeypatch.setattr(mtlkit.plugins, "entry_points", lambda group: [])
    monkeypatch.setattr(sys, "modules", dict(sys.modules))


@pytest.fixture
def imported(monkeypatch):
    """What the files of a test tell when they are imported."""
    told = []
    monkeypatch.setattr(sys, "imported", told, raising=False)
    return told


def test_files_called_as_modules_that_are_loaded(tmp_path, imported):
    import token

    files = [tmp_path / "token.py", tmp_path / "model.py", tmp_path / "deeper" / "model.py"]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text("import sys\nsys.imported.append(__file__)\n")
    load_plugins([str(file) for file in files])
    assert imported == [str(file) for file in files]
    assert sys.modules["token"] is token


def test_a_file_is_imported_once(tmp_path, imported, monkeypatch):
    (tmp_path / "mine.py").write_text("import sys\nsys.imported.append(__name__)\n")
    monkeypatch.chdir(tmp_path)
    load_plugins(["mine.py", str(tmp_path / "mine.py")])
    load_plugins(["./mine.py"])
    assert len(imported) == 1


@pytest.mark.parametrize("ending", ["raise SystemExit(0)", "raise ValueError('no')", "import mtlkit_no_such_module"])
def test_an_included_file_that_fails(tmp_path, ending):
    (tmp_path / "mine.py").write_text(ending)
    with pytest.raises(PluginError, match=r"--include-package .*mine\.py: cannot be imported: \w+"):
        load_plugins([str(tmp_path / "mine.py")])


def test_an_installed_plugin_that_exits(tmp_path, monkeypatch):
    (tmp_path / "mtlkit_test_exits.py").write_text("raise SystemExit(0)")
    monkeypatch.syspath_prepend(tmp_path)
    entry = EntryPoint("exits", "mtlkit_test_exits", "mtlkit.plugins")
    monkeypatch.setattr(mtlkit.plugins, "entry_points", lambda group: [entry])
    assert failures(load_plugins()) == ["plugin exits failed to import: SystemExit: 0"]


@pytest.fixture
def here(tmp_path, monkeypatch, imported):
    """The current folder, which is not on the path: two modules of its own, and one called as an installed one."""
    (tmp_path / "mtlkit_test_mine.py").write_text("import sys, rich\nsys.imported.append(rich.__file__)\n")
    (tmp_path / "rich.py").write_text("import sys\nsys.imported.append('the canary')\n")
    (tmp_path / "mtlkit_test_beside.py").write_text("")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    monkeypatch.chdir(tmp_path)
    return str(tmp_path)


@pytest.mark.parametrize("name", ["json", "rich", "rich.table", "mtlkit.heads"])
def test_an_installed_name_does_not_add_the_current_folder(here, name, imported):
    sys.modules.pop("rich", None)
    load_plugins([name])
    assert here not in sys.path and "" not in sys.path and imported == []


def test_a_module_of_the_current_folder_is_imported_and_shadows_nothing(here, imported):
    sys.modules.pop("rich", None)
    load_plugins(["mtlkit_test_mine"])
    load_plugins(["mtlkit_test_beside"])
    assert len(imported) == 1 and not imported[0].startswith(here)
    assert "" not in sys.path and sys.path.index(here) == len(sys.path) - 1


def test_a_name_that_is_nowhere_does_not_add_the_current_folder(here):
    with pytest.raises(PluginError, match="No module named 'mtlkit_no_such_module'"):
        load_plugins(["mtlkit_no_such_module"])
    assert here not in sys.path


def test_what_was_included_is_recorded(tmp_path):
    file = str(tmp_path / "mine.py")
    (tmp_path / "mine.py").write_text("")
    assert provenance(load_plugins([file, "json"]))["plugins"] == {file: "included", "json": "included"}
