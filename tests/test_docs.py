"""The prose is held to the code: what it names exists, what it shows works, what is generated is current."""

import ast
import importlib.util
import json
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer
from registrable import Registrable

import mtlkit
from mtlkit.cli.app import app
from mtlkit.config import Component, evaluate_file, interfaces, validate
from mtlkit.experiment import SECTIONS, load_experiment
from mtlkit.runs.checks import check_experiment
from mtlkit.testing import check_component

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "experiments/**/*.md", "benchmarks/*.md", "plugins/*/*.md")
    for path in ROOT.glob(pattern)
)
REGISTERED = sorted(
    (kind, name)
    for kind, interface in interfaces().items()
    if interface.__module__.startswith("mtlkit.")
    for name in interface.list_available()
    if interface.by_name(name).__module__.startswith("mtlkit.")
)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), re.MULTILINE | re.DOTALL)


def communicator_of_the_readme() -> str:
    (code,) = (block for block in blocks("README.md", "python") if "@mtlkit.Communicator.register" in block)
    return code


def commands(page: Path) -> list[str]:
    """Lines of code that begin with `mtlkit` or `make`: indented, or between backticks; pipes and comments cut off."""
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    indented = re.findall(r"^    (?:\$ )?(?:.*\| |.*&& )?((?:mtlkit|make) .*)$", text, re.MULTILINE)
    quoted = re.findall(r"`((?:mtlkit|make) [^`]+)`", text)
    return [re.split(r"\s(?:#|>|\|)\s|\s{3,}|;", command)[0] for command in [*indented, *quoted]]


@pytest.fixture(scope="module")
def make_reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")  # for docstrings.py, as where the script is run
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["reference", "cli", "python"])
def test_generated_pages_are_current(make_reference: ModuleType, page: str) -> None:
    made = {"reference": make_reference.reference, "cli": make_reference.cli, "python": make_reference.python}[page]()
    assert text_of(f"docs/{page}.md") == made, "run: python docs/make_reference.py"


def test_each_verb_has_functions_in_python(make_reference: ModuleType) -> None:
    group: Any = typer.main.get_command(app)
    assert make_reference.VERBS.keys() == {path for path, _ in make_reference.verbs(group, "")}
    for functions in make_reference.VERBS.values():
        names = [name for name in re.findall(r"`([\w.]+)`", functions) if name.startswith("mtlkit.")]
        assert names
        for name in names:
            assert not name.startswith("mtlkit.cli") and pkgutil.resolve_name(name) is not None


@pytest.mark.parametrize(("kind", "name"), REGISTERED)
def test_every_registered_name_is_documented(kind: str, name: str) -> None:
    section = re.search(rf"^## {kind}$(.*?)(?=^## |\Z)", text_of("docs/reference.md"), re.MULTILINE | re.DOTALL)
    assert section is not None
    assert f"\n### {name}\n" in section[1]


def test_generated_pages_hold_nothing_of_plugins(make_reference: ModuleType) -> None:
    with registered("only_here", communicator_of_the_readme().replace("dot_product", "only_here")):
        assert "only_here" not in make_reference.reference()


def test_experiment_of_the_readme_is_valid(tmp_path: Path) -> None:
    (experiment,) = blocks("README.md", "jsonnet")
    assert len(experiment.splitlines()) == 12
    file = tmp_path / "my.jsonnet"
    file.write_text(experiment, encoding="utf-8")
    loaded = load_experiment(file)
    check_experiment(loaded.experiment, str(file))
    assert list(loaded.experiment.tasks) == ["editorial", "movie", "product", "tweet"]


def test_plugin_of_the_readme_can_be_used(tmp_path: Path) -> None:
    """In the README's own experiment."""
    code = communicator_of_the_readme()
    assert len(code.splitlines()) == 15
    experiment = tmp_path / "my.jsonnet"
    experiment.write_text(blocks("README.md", "jsonnet")[0], encoding="utf-8")
    with registered("dot_product", code):
        loaded = load_experiment(experiment, overrides=["model.sharing.communicator.type=dot_product"])
        check_experiment(loaded.experiment, "my.jsonnet")


SNIPPETS = [
    (page, kind, name, block)
    for page in ("README.md", "docs/write-a-plugin.md")
    for block in blocks(page, "python")
    for kind, name in re.findall(r"^@mtlkit\.(\w+)\.register\(\"(\w+)\"\)", block, re.MULTILINE)
]


@pytest.mark.parametrize(("page", "kind", "name", "code"), SNIPPETS, ids=lambda value: value.split("\n")[0])
def test_components_in_prose_keep_their_promises(page: str, kind: str, name: str, code: str) -> None:
    with registered(name, code):
        check_component(getattr(mtlkit, kind), {"type": name})


def test_there_are_components_in_prose() -> None:
    assert {name for _, _, name, _ in SNIPPETS} == {"dot_product", "endings", "exact_match", "letters", "shapes"}


def test_experiments_in_prose_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("hotels", "restaurants"):
        for split in ("train", "dev", "test"):
            (tmp_path / "data" / f"{name}.{split}.tsv").write_text("good\tfine words\n", encoding="utf-8")
    for split in ("train", "dev", "test"):
        (tmp_path / "data" / f"{split}.txt.gz").touch()
    for page in ("docs/quickstart.md", "docs/configuration.md"):
        experiment, *sections = blocks(page, "jsonnet")
        file = tmp_path / "experiment.jsonnet"
        file.write_text(experiment, encoding="utf-8")
        check_experiment(load_experiment(file).experiment, page)
        for section in sections:
            file.write_text(f"{{ {section} }}", encoding="utf-8")
            ((name, value),) = evaluate_file(file).value.items()
            for entry in value if isinstance(value, list) else [value]:
                validate(SECTIONS[name], entry, page)


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), f"{target}: no such file"
        assert linked.resolve().is_relative_to(ROOT), f"{target}: leaves the project"
        if anchor:
            assert anchor in anchors(linked), f"{target}: no such heading"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_commands_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z][\w-]*):", text_of("Makefile"), re.MULTILINE)
    for command in commands(page):
        program, *words = command.split()
        if program == "make":
            assert words[0] in targets, f"`{command}`: no such target"
        else:
            check_command(command, words)


def check_command(command: str, words: list[str]) -> None:
    verb: Any = typer.main.get_command(app)
    while words and hasattr(verb, "commands"):
        name = words.pop(0)
        if name.isupper() or name == "--help":
            return
        assert name in verb.commands, f"`{command}`: no verb {name}"
        verb = verb.commands[name]
    options = {option for parameter in verb.params for option in parameter.opts} | {"--help"}
    for word in words:
        if re.fullmatch(r"-\w|--\w[\w-]*", word):
            assert word in options, f"`{command}`: no option {word}"


def test_files_named_in_the_code_exist() -> None:
    sources = [ROOT / "Makefile", ROOT / "pyproject.toml", *(ROOT / "mtlkit").rglob("*.py")]
    for source in sources:
        for named in re.findall(r"\b(?:docs|benchmarks|experiments)/[\w./-]+\.(?:md|py|jsonnet)", source.read_text()):
            assert (ROOT / named).is_file(), f"{source.relative_to(ROOT)} names {named}"


def test_every_decision_is_numbered_in_order() -> None:
    files = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    for number, file in enumerate(files, 1):
        assert file.startswith(f"{number:04}-")
        assert text_of(f"docs/decisions/{file}").startswith(f"# {number}. ")


@contextmanager
def registered(name: str, code: str) -> Iterator[None]:
    """Registers the components of `code`, as `--include-package FILE` does, and takes `name` back afterwards."""
    before = {interface: set(interface.list_available()) for interface in interfaces().values()}
    namespace: dict[str, Any] = {"__name__": f"in_prose_{name}", "mtlkit": mtlkit}
    try:
        exec(compile(textwrap.dedent(code), f"<{name}>", "exec"), namespace)
        yield
    finally:
        for interface, known in before.items():
            for added in set(interface.list_available()) - known:
                forget(interface, added)


def forget(interface: type[Component], name: str) -> None:
    """registrable has no way to do this."""
    del Registrable._registry[interface][name]


@pytest.mark.parametrize("name", ["reliability", "security"])
def test_promises_name_tests_that_exist(name: str) -> None:
    page = text_of(f"docs/{name}.md")
    named = set(re.findall(r"((?:plugins/[\w-]+/)?tests/[\w/]+(?:\.py)?)", page)) | set(
        re.findall(r"`(test_\w+)\.py", page)
    )
    sources = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("plugins/*/tests/*.py")]
    files = {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in sources}
    code = "\n".join(files.values())
    for path in named:
        assert path in files or (ROOT / path).is_dir() or any(file.endswith(f"/{path}.py") for file in files), path
    functions = set(re.findall(r"\b(test_\w+)(?!\w|\.py)", re.sub(r"tests/[\w/]+\.py|test_\w+\.py", "", page)))
    assert functions
    for function in functions:
        assert re.search(rf"def {function}\b", code), function


def rows_of_security(heading: str) -> list[list[str]]:
    """The cells of the rows below tables with this heading."""
    tables = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text_of("docs/security.md"), re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split("|")] for table in tables for row in table.splitlines()]


def test_every_line_about_security_names_a_test() -> None:
    rows = rows_of_security("What could happen")
    assert len(rows) > 30
    path = r"(?:plugins/[\w-]+/)?tests/[\w/]+\.py"
    for what, happens, test in rows:
        assert what and happens and re.fullmatch(rf"`{path}(::test_\w+)?`(, `{path}(::test_\w+)?`)*", test)
        for file, function in re.findall(rf"`({path})::(\w+)`", test):
            assert re.search(rf"def {function}\b", text_of(file)), f"{file}: no {function}"


def test_limits_are_those_of_the_code() -> None:
    units = {"": 1, " s": 1, " MiB": 2**20, " GiB": 2**30}
    rows = rows_of_security("What | Limit")
    assert len(rows) > 20
    for what, limit, name in rows:
        number, unit = re.fullmatch(r"([\d,]+)( \w+)?", limit).groups(default="")  # type: ignore[union-attr]
        module, *attributes = re.match(r"`([a-z_.]+)\.([A-Z]\w*)(?:\.(\w+))?`", name).groups()  # type: ignore[union-attr]
        value: Any = importlib.import_module(module)
        for attribute in filter(None, attributes):
            value = getattr(value, attribute)
        assert value == int(number.replace(",", "")) * units[unit], what


def test_the_quickstart_counts_kinds_right() -> None:
    assert f"each of the {len(interfaces())} kinds" in text_of("docs/quickstart.md")


def sections_of_reports() -> list[str]:
    """The titles that a report may have, in its order: what the views name their sections, and the foot of the page."""
    report = ROOT / "mtlkit" / "report"
    listed = (report / "sections.py").read_text(encoding="utf-8")
    titles = []
    for view, function in re.findall(r"^    (\w+)\.(\w*section),$", listed, re.MULTILINE):
        code = ast.parse((report / "views" / f"{view}.py").read_text(encoding="utf-8"))
        (maker,) = [node for node in code.body if isinstance(node, ast.FunctionDef) and node.name == function]
        made = [node for node in ast.walk(maker) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Section"]
        titles += [title_in(code, call.args[1]) for call in made]
    page = (report / "templates" / "page.html").read_text(encoding="utf-8")
    return [*titles, *re.findall(r"<h2>(.*?)</h2>", page)]


def title_in(code: ast.Module, argument: ast.expr) -> str:
    """What is written there, or what the name that stands there is given."""
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    for node in code.body:
        if isinstance(node, ast.Assign):
            names, values = ast.unparse(node.targets[0]).strip("()").split(", "), ast.literal_eval(node.value)
            if ast.unparse(argument) in names:
                return str(values[names.index(ast.unparse(argument))] if len(names) > 1 else values)
    raise AssertionError(f"{ast.unparse(argument)} is given nowhere")


def test_every_section_of_a_report_is_explained_in_its_order() -> None:
    explained = re.search(r"^## How to read it$(.*?)^## ", text_of("docs/report.md"), re.MULTILINE | re.DOTALL)
    assert explained is not None
    named = re.findall(r"^\*\*(.+?)\.\*\* ", explained[1], re.MULTILINE)
    assert named == sections_of_reports()
    assert len(named) > 10


def test_sections_of_reports_that_other_pages_name_exist() -> None:
    """All that stands in quotation marks in a paragraph, or a row of a table, that leads to how reports are read."""
    titles = sections_of_reports()
    named = [
        (page, " ".join(title.split()))
        for page in PAGES
        for paragraph in re.split(r"\n\n|\n(?=\|)", page.read_text(encoding="utf-8"))
        if "report.md#how-to-read-it" in paragraph
        for title in re.findall(r"\"([^\"]+)\"", paragraph)
    ]
    assert named
    for page, title in named:
        assert title in titles, f"{page}: reports have no section {title}"


def test_the_gallery_quotes_what_was_counted():
    gallery = ROOT / "docs" / "gallery"
    counted = json.loads((gallery / "findings.json").read_text(encoding="utf-8"))
    page = (gallery / "README.md").read_text(encoding="utf-8")
    assert page == (gallery / "page.md").read_text(encoding="utf-8").format(**counted)
    shown = set(re.findall(r"\]\((\S+\.svg)\)", page))
    assert shown == {file.name for file in gallery.glob("*.svg")}
