"""`mtlkit report` on the command line."""

import shutil
import sys

import pytest

from mtlkit.cli import main
from mtlkit.report import requirements


@pytest.fixture
def call(monkeypatch, capsys):
    """Gives `mtlkit report` these arguments; the exit code, and what stood on standard error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["mtlkit", "report", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, capsys.readouterr().err

    return run


@pytest.fixture
def run(trained, tmp_path):
    """A run of its own."""
    return shutil.copytree(trained("direct").path, tmp_path / "run")


def test_a_page_lies_in_the_run_and_can_be_made_again(call, run, trained):
    code, said = call(run, "--baseline", trained("fully_shared").path, "--limit", 4)
    assert code == 0, said
    last = said.splitlines()[-1]
    assert last.startswith(f"report: {(run / 'report.html').resolve()} (") and "scoring books" in said
    content = (run / "report.html").read_text(encoding="utf-8")
    assert content.startswith("<!doctype html>") and "fully_shared, test" in content
    code, said = call(run, "--task", "films", "--split", "dev")
    assert code == 0 and "scoring books" not in said and "scoring films" in said


def test_what_is_no_report_is_not_written_over(call, run, tmp_path):
    mine = tmp_path / "mine.html"
    mine.write_text("<p>my own page</p>")
    code, said = call(run, "-o", mine)
    assert (
        code == 2
        and said.count("\n") == 1
        and "is there already and is no older output of this command; give another file" in said
    )
    assert mine.read_text() == "<p>my own page</p>"


def test_a_page_of_an_archive_lies_beside_it_and_figures_take_the_place_of_older_figures_only(call, run, tmp_path):
    archive = shutil.copy(run / "archive.tar.gz", tmp_path / "mine.tar.gz")
    figures = tmp_path / "new" / "figures"
    code, said = call(archive, "--figures", figures, "--task", "films")
    assert code == 0 and "an archive alone" in said, said
    assert (tmp_path / "mine.report.html").exists()
    assert {file.suffix for file in figures.iterdir()} == {".svg", ".pdf", ".csv"}
    assert call(archive, "--figures", figures, "--task", "films")[0] == 0
    (tmp_path / "scores.csv").write_text("my own")
    code, said = call(run, "--figures", tmp_path)
    assert code == 2 and "holds other files than figures of mtlkit; give a new folder" in said
    assert (tmp_path / "scores.csv").read_text() == "my own"


def test_a_missing_library_is_told_with_what_brings_it(call, run, monkeypatch):
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name == "matplotlib" else name)
    code, said = call(run)
    assert (code, said) == (2, "a report needs Matplotlib; pip install 'mtlkit[report]'\n")


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["--task", "plays"], "no task 'plays' in the archive"),
        (["--split", "third"], "there is no split third; use train, dev, test"),
        (["--data", "nowhere"], "--data nowhere: no such folder; give a folder, or TASK=FILE"),
        (["--data", "books=nowhere.tsv"], "no file nowhere.tsv; say where it is"),
        (["-o", "nowhere/page.html"], "--output nowhere/page.html: there is no folder"),
        (["-o", "page.pdf"], "--output page.pdf: the report is a page of HTML; give a name that ends in .html"),
        (["-o", "page"], "give a name that ends in .html"),
        (["--figures", __file__], "cannot be written to; give a folder of yours"),
        (["--figures", f"{__file__}/figures"], "cannot be written to; give a folder of yours"),
    ],
)
def test_mistakes_end_in_a_sentence(call, run, arguments, problem):
    code, said = call(run, *arguments)
    assert code == 2 and problem in said.splitlines()[-1]
    assert not (run / "report.html").exists()
