"""The shape of the code: rooms, floors, cycles, and how files, imports, comments and bodies are spread. Takes seconds.

    python benchmarks/house.py                        # the files as they are now
    python benchmarks/house.py --rev 6d8d64e HEAD     # commits side by side

These are signs, not limits: a comment that says nothing, or a file merged against its sense, makes the house worse.
Needs nothing but git and the standard library. What each row counts:

- room: a folder of the package `mtlkit`, at any depth, that holds Python files.
- floor: the package is built of its top-level modules and packages, and one stands above those that it imports; the
  number of floors is the number of them in the longest chain. Imports inside functions and for type checkers count.
- entry: a module, or a folder with Python files, directly in `mtlkit`.
- import, comment: lines of import statements, and lines with a comment, as shares of the lines that are not blank.
- body: the lines of a function less its signature and docstring.
- riddle: a public docstring that begins as if one had read something before it, such as "The same" or "Of the table".
"""

import argparse
import ast
import io
import subprocess
import sys
import tarfile
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parent.parent
PACKAGE = "mtlkit"
FOLDERS = (f"{PACKAGE}/", "plugins/", "")
"""What is counted separately; the last is the whole repository."""
SHORT = 45
RIDDLES = (
    *("and ", "as ", "at ", "but ", "by ", "for ", "from ", "here ", "in ", "its ", "itself ", "less ", "more "),
    *("of ", "on ", "or ", "over ", "so ", "than ", "that ", "the same", "theirs", "then ", "these ", "they "),
    *("this ", "those ", "told ", "too ", "whoever ", "whose ", "with ", "without "),
)
"""How a docstring begins, in small letters, that needs what stands before it; a sign, with exceptions both ways."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function
Graph = dict[str, set[str]]
Row = tuple[str, str]


@dataclass(frozen=True)
class Source:
    """One Python file."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the file."""
        return ast.parse(self.text, self.path)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the file."""
        return self.text.splitlines()

    def import_lines(self) -> int:
        """Lines of import statements."""
        imports = (node for node in ast.walk(self.tree) if isinstance(node, ast.Import | ast.ImportFrom))
        return sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in imports)

    def comment_lines(self) -> int:
        """Lines on which a comment stands, by itself or after code."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return len({token.start[0] for token in tokens if token.type == tokenize.COMMENT})

    def bodies(self) -> list[int]:
        """The length of each function's body, docstring apart; one line for a body that is nothing else."""
        functions = (node for node in ast.walk(self.tree) if isinstance(node, Function))
        return [_body_lines(function) for function in functions]

    def riddles(self) -> list[str]:
        """The places of public docstrings that begin outside themselves, with their first lines."""
        found = []
        for name, docstring in _public_docstrings(self.tree, ""):
            first = docstring.lower()
            if first.startswith(RIDDLES):
                found.append(f"{self.path}: {name or 'the module'}: {docstring.splitlines()[0]}")
        return found


def _body_lines(function: Function) -> int:
    rest = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (rest[-1].end_lineno or rest[-1].lineno) - rest[0].lineno + 1 if rest else 1


def _public_docstrings(node: Documented, inside: str) -> Iterator[tuple[str, str]]:
    """The docstrings of a module, class or function and of the public ones in it, by their dotted names."""
    docstring = ast.get_docstring(node)
    if docstring is not None:
        yield inside, docstring
    if isinstance(node, Function):
        return
    for child in node.body:
        if isinstance(child, ast.ClassDef | Function) and not child.name.startswith("_"):
            yield from _public_docstrings(child, f"{inside}.{child.name}".lstrip("."))


def now() -> list[Source]:
    """The files of the working tree, without those that git ignores."""
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py").decode().split("\0")
    paths = sorted({path for path in listed if path and (ROOT / path).is_file()})
    return [Source(path, (ROOT / path).read_text(encoding="utf-8")) for path in paths]


def at(revision: str) -> list[Source]:
    """The files of a commit, which is not checked out."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", revision))) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() and member.name.endswith(".py") else None
            if file is not None:
                found.append(Source(member.name, file.read().decode()))
    return found


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"git {arguments[0]}: {done.stderr.decode().strip()}")
    return done.stdout


def import_graph(sources: Sequence[Source]) -> Graph:
    """Which top-level modules and packages of mtlkit import which others of them."""
    own = [source for source in sources if source.path.startswith(f"{PACKAGE}/")]
    names = {_top(source.path) for source in own} - {"__init__"}
    graph: Graph = {name: set() for name in sorted(names)}
    for source in own:
        if (importer := _top(source.path)) in graph:
            graph[importer] |= {name for name in _imported(source.tree) if name in names and name != importer}
    return graph


def _top(path: str) -> str:
    return path.split("/")[1].removesuffix(".py")


def _imported(tree: ast.Module) -> Iterator[str]:
    """The top-level parts of mtlkit that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            whole = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in whole:
            package, _, rest = name.partition(".")
            if package == PACKAGE and rest:
                yield rest.split(".")[0]


def cycles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of more than one part that import each other, directly or through others."""
    reached = {name: _reachable(graph, name) for name in graph}
    groups = {frozenset({name, *(other for other in reached[name] if name in reached[other])}) for name in graph}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found


def longest_chain(graph: Mapping[str, set[str]]) -> list[str]:
    """The longest chain of parts, each of which imports the next; empty where a cycle has no end."""
    if cycles(graph):
        return []
    chains: dict[str, list[str]] = {}

    def chain(name: str) -> list[str]:
        if name not in chains:
            chains[name] = [name, *max((chain(other) for other in sorted(graph[name])), key=len, default=[])]
        return chains[name]

    return max(map(chain, sorted(graph)), key=len, default=[])


def house(sources: Sequence[Source]) -> list[Row]:
    """The rows about the package as a whole."""
    own = [source.path for source in sources if source.path.startswith(f"{PACKAGE}/")]
    graph = import_graph(sources)
    return [
        ("rooms", f"{len({path.rpartition('/')[0] for path in own})}"),
        ("floors", f"{len(longest_chain(graph))}"),
        ("cycles", f"{len(cycles(graph))}"),
        ("arrows between entries", f"{sum(map(len, graph.values()))}"),
        ("entries at the top", f"{len(graph)}"),
    ]


def spread(sources: Sequence[Source]) -> list[Row]:
    """The rows about some files."""
    lines = [len(source.lines) for source in sources]
    filled = sum(bool(line.strip()) for source in sources for line in source.lines)
    bodies = [length for source in sources for length in source.bodies()]
    longest = max(sources, key=lambda source: len(source.lines))
    return [
        ("files", f"{len(sources)}"),
        ("lines", f"{sum(lines):,}"),
        (f"files under {SHORT} lines", f"{sum(length < SHORT for length in lines) / len(lines):.1%}"),
        ("import lines", f"{sum(source.import_lines() for source in sources) / filled:.1%}"),
        ("comments", f"{sum(source.comment_lines() for source in sources) / filled:.1%}"),
        ("body, median / p90", f"{median(bodies):.0f} / {quantiles(bodies, n=10)[-1]:.0f}"),
        ("longest body", f"{max(bodies)}"),
        ("longest file", f"{len(longest.lines)} {longest.path}"),
        ("riddles", f"{sum(len(source.riddles()) for source in sources)}"),
    ]


def measured(sources: Sequence[Source]) -> dict[str, list[Row]]:
    """All rows, by what they are about."""
    found = {"the package": house(sources)}
    for folder in FOLDERS:
        if chosen := [source for source in sources if source.path.startswith(folder)]:
            found[folder or "whole repository"] = spread(chosen)
    return found


def table(columns: Mapping[str, Mapping[str, Sequence[Row]]]) -> str:
    """The rows of several states of the repository, side by side."""
    lines = []
    for section, rows in next(iter(columns.values())).items():
        cells = [["", *columns]] if not lines else []
        cells.append([section, *("" for _ in columns)])
        for name, _ in rows:
            cells.append([f"  {name}", *(dict(found.get(section, ())).get(name, "-") for found in columns.values())])
        lines += cells
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rev", nargs="+", metavar="REV", help="commits to read, instead of the files as they are")
    parser.add_argument("--riddles", action="store_true", help="list the docstrings that are counted as riddles")
    arguments = parser.parse_args()
    states = {revision: at(revision) for revision in arguments.rev} if arguments.rev else {"now": now()}
    print(table({name: measured(sources) for name, sources in states.items()}))
    for name, sources in states.items() if arguments.riddles else ():
        print(f"\n{name}:", *(riddle for source in sources for riddle in source.riddles()), sep="\n")


if __name__ == "__main__":
    main()
