"""`diff`: what two runs or archives have in common, and where they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlkit.archive import read_documents
from mtlkit.config import flattened
from mtlkit.errors import RunError
from mtlkit.runs import RunDirectory
from mtlkit.runs.basis import digests_by_name
from mtlkit.runs.provenance import kernels_of

Facts = dict[str, dict[str, Any]]
"""Facts about one run or archive, by section and name."""

SCORES = "scores"
WHEN = "when"
"""The section of facts that differ between any two runs, and therefore do not count as differences."""
ABOUT_VERSIONS = ("mtlkit", "python", "torch")
ABOUT_MACHINE = ("device", "threads", "accelerator", "processor", "platform")
ABOUT_TIME = ("created", "finished", "folder")
WITHOUT_VALUE = ("--resume", "--resume-anyway", "--force", "--dry-run", "--profile")
OF_THIS_RUN = ("-s", "--serialization-dir", "--resume", "--resume-anyway", "--force", "--profile")
"""Options that say where or how a run was made, not what was run."""
SHORT = {"--override": "-o"}


@dataclass(frozen=True)
class ComparedFact:
    """One fact about two runs or archives."""

    section: str
    name: str
    values: Mapping[str, Any]
    """The value on each side, `left` and `right`. A side without this fact is missing."""

    @property
    def differs(self) -> bool:
        """Whether this fact counts as a difference."""
        return self.section != WHEN and (len(self.values) < 2 or self.values["left"] != self.values["right"])


def facts_of(path: Path) -> Facts:
    """Reads the settings, arguments, data, versions and machine of a run or archive; of a finished run also the scores.

    Components are not looked up, so that plugins need not be installed.

    Raises:
        RunError: the path is a directory but not a run, or a file in it is damaged.
        ArchiveError: the archive is damaged.
    """
    if not path.is_dir():
        experiment, meta = read_documents(path)
        return _facts(experiment, meta, {})
    run = RunDirectory(path)
    if not run.is_run:
        raise RunError(f"{path}: {run.not_a_run}; give a run's directory or an archive")
    return _facts(run.read_resolved(), run.read_meta(), run.read_metrics() if run.metrics.exists() else {})


def compare_facts(left: Facts, right: Facts) -> list[ComparedFact]:
    """Every fact that either side has, section by section. Scores are compared only where both sides have some."""
    rows = []
    for section in left:
        sides = {"left": left[section], "right": right[section]}
        if section == SCORES and not all(sides.values()):
            continue
        for name in dict.fromkeys([*left[section], *right[section]]):
            rows.append(
                ComparedFact(section, name, {side: facts[name] for side, facts in sides.items() if name in facts})
            )
    return rows


def _facts(experiment: Any, meta: Mapping[str, Any], metrics: Mapping[str, Any]) -> Facts:
    packages = {f"package {name}": version for name, version in (meta.get("packages") or {}).items()}
    plugins = {f"plugin {name}": version for name, version in (meta.get("plugins") or {}).items()}
    git = meta.get("git") or {}
    return {
        "settings": dict(flattened(experiment)),
        "arguments": arguments_of(meta.get("command") or []),
        "data": digests_by_name(meta.get("data") or {}),
        "versions": {**_some(meta, ABOUT_VERSIONS), **plugins, **packages},
        "git": {name: git[name] for name in ("commit", "dirty") if name in git},
        "machine": {**_some(meta, ABOUT_MACHINE), **kernels_of(meta)},
        SCORES: dict(flattened(metrics)),
        WHEN: _some(meta, ABOUT_TIME),
    }


def arguments_of(command: Sequence[str]) -> dict[str, str]:
    """The arguments of a command line, by names such as `--tla-str preset` and `-o trainer.epochs`."""
    words, places = iter(command[1:]), iter(("verb", "experiment"))
    found: dict[str, str] = {}
    for word in words:
        if not word.startswith("-"):
            found[next(places, word)] = word
            continue
        option, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        if option not in WITHOUT_VALUE and not equals:
            value = next(words, "")
        if option not in OF_THIS_RUN:
            name, assigned, rest = value.partition("=")
            option = SHORT.get(option, option)
            found[f"{option} {name}" if assigned else option] = rest if assigned else value
    return found


def _some(meta: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: meta[name] for name in names if name in meta}
