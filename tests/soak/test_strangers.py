"""A short form of the soak's tries with what strangers send, and proof that each canary tells on whoever touches it."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from mtlkit.kernels.compiling.compiler import COMPILERS
from mtlkit.process.children import find_program
from tests.soak import forged_archives, forged_runs, jsonnet_bombs, long_lines, trap_folders
from tests.soak.canaries import CAN_WATCH, Watch, changes, snapshot
from tests.soak.counts import Counts
from tests.soak.forked import Circumstances, Forked
from tests.soak.observed import END, read_notes
from tests.soak.run import is_survived
from tests.soak.tar_tricks import TRICKS, tricked
from tests.soak.tiny_archive import packed, sealed, tar, tiny_members
from tests.soak.verdicts import Ended, verdict
from tests.soak.workplace import CLOCK_SECONDS, Try, Workplace

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its limits and canaries are those of Linux")
PARTS = {
    "forged_archives": (forged_archives.attempt, 12),
    "forged_runs": (forged_runs.attempt, 10),
    "jsonnet_bombs": (jsonnet_bombs.attempt, 10),
    "long_lines": (long_lines.attempt, 6),
    "trap_folders": (trap_folders.attempt, 4),
}
"""What makes a try of each part, and how many there are here."""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("workplace").resolve(), Counts())


@pytest.fixture
def counts(workplace: Workplace) -> Counts:
    workplace.counts = Counts()
    return workplace.counts


@pytest.mark.parametrize("part", PARTS)
def test_strangers_run_read_and_lose_nothing(part: str, workplace: Workplace, counts: Counts) -> None:
    attempt, tries = PARTS[part]
    for number in range(tries):
        attempt(workplace, Random(f"5/{part}/{number}"), f"{part} {number}")
    assert counts.failures == []
    assert counts.tried == tries and is_survived(counts)


def test_a_private_file_that_is_read_is_told_of(workplace: Workplace, counts: Counts) -> None:
    words = ["predict", workplace.mine / "run", workplace.home / "letters.tsv", "--task", "books", "--format", "text"]
    found = workplace.attempt(Try("reads", words))
    assert counts.read == 1 and counts.survived == 0 and not is_survived(counts)
    if CAN_WATCH:
        assert "private: letters.tsv read" in found.wrong["read"]
    assert any("something private" in sentence for sentence in found.wrong["read"])
    workplace.attempt(Try("keeps", [*words, "--output", "answers"]))
    assert "keeps: read: answers has something private" in counts.failures


def test_a_file_that_is_changed_is_told_of(workplace: Workplace, counts: Counts) -> None:
    words = [
        "predict",
        workplace.mine / "run",
        workplace.mine / "texts.txt",
        "--output",
        workplace.mine / "good.tar.gz",
    ]
    good = (workplace.mine / "good.tar.gz").read_bytes()
    workplace.attempt(Try("writes", [*words[:-1], workplace.mine / "new"]))
    assert counts.lost == 1 and counts.failures == ["writes: lost: mine/new is new"]
    (workplace.mine / "new").unlink()
    assert (workplace.mine / "good.tar.gz").read_bytes() == good
    counts.failures.clear()
    workplace.attempt(Try("nothing", ["--version"]))
    assert counts.failures == ["nothing: lost: mine/new is gone"]


def test_what_is_left_behind_is_told_of(workplace: Workplace, counts: Counts) -> None:
    temporary = Path(dict(workplace.environment)["TMPDIR"])
    (temporary / "mtlkit-left").mkdir()
    workplace.attempt(Try("leaves", ["--version"]))
    assert counts.failures == ["leaves: lost: left in the folder for temporary files: mtlkit-left"]
    assert not [*temporary.iterdir()]


def test_snapshots_tell_what_has_changed(tmp_path: Path) -> None:
    for name in ("kept", "changed", "gone"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("kept")
    before = snapshot(tmp_path)
    (tmp_path / "changed").write_text("other")
    (tmp_path / "gone").unlink()
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("changed")
    (tmp_path / "new").touch()
    assert changes(before, snapshot(tmp_path)) == [
        "changed has changed",
        "gone is gone",
        "link has changed",
        "new is new",
    ]


@pytest.mark.skipif(not CAN_WATCH, reason="this system has no inotify")
def test_a_watch_sees_what_happens_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with Watch([file]) as watch:
        assert watch.seen() == []
        file.stat()
        assert watch.seen() == []
        os.system(f"cat '{file}' > /dev/null")
        assert watch.seen() == ["file opened", "file read"]
        file.write_text("y")
        file.unlink()
        assert {"file written", "file opened"} < {*watch.seen()}


def in_the_trap(folder: Path, *command: str) -> None:
    search = os.pathsep.join([".", os.environ.get("PATH", os.defpath)])
    subprocess.run(command, cwd=folder, env={**os.environ, "PATH": search}, capture_output=True, check=False)


def test_the_traps_are_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever does what mtlkit does not do is told on."""
    folder, told = tmp_path / "folder", tmp_path / "told"
    folder.mkdir()
    told.mkdir()
    trap_folders.prepare(folder, told)
    in_the_trap(folder, sys.executable, "-c", "import rich")
    assert (told / "rich").exists()
    in_the_trap(folder, "uname")
    assert (told / "folder-uname").exists()
    if (git := find_program("git")) is not None:
        in_the_trap(folder, git, "status")
        assert {"git-setting", "git-hook-post-index-change"} & {path.name for path in told.iterdir()}


@pytest.mark.skipif(not any(map(find_program, COMPILERS)), reason="there is no C++ compiler")
def test_the_library_in_a_cache_is_alive(
    tmp_path: Path, compiled_kernels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MTLKIT_CACHE", str(compiled_kernels.parent))
    (tmp_path / "told").mkdir()
    ((name, cache),) = trap_folders.open_cache(tmp_path, tmp_path / "told", Random(1))
    assert name == "MTLKIT_CACHE" and Path(cache).is_dir()
    library = tmp_path / "library.so"
    subprocess.run([sys.executable, "-c", f"import ctypes; ctypes.CDLL({str(library)!r})"], check=True)
    assert (tmp_path / "told" / "library").exists()


@pytest.mark.parametrize(
    ("ended", "kind"),
    [
        (Ended(0, "answer\n", "", []), None),
        (Ended(2, "", "a.tar.gz: no; do this\n", []), None),
        (Ended(2, "", "", []), "tracebacks"),
        (Ended(2, "", "…\n", []), "tracebacks"),
        (Ended(2, "", f"{'x' * 5000}\n", []), "tracebacks"),
        (Ended(1, "", "Traceback (most recent call last):\nKeyError: 1\n", []), "tracebacks"),
        (Ended(70, "", "x\n", []), "tracebacks"),
        (Ended(0, "\x1b[2J\n", "", []), "tracebacks"),
        (Ended(0, "", "\u202egnp\n", []), "tracebacks"),
        (Ended(0, "the secret\n", "", []), "read"),
        (Ended(None, "", "", []), "over_limit"),
        (Ended(-24, "", "", []), "over_limit"),
        (Ended(0, "", "", [(END, [1.0, 2**30 + 1])]), "over_limit"),
        (Ended(0, "", "", [], leftover=True), "over_limit"),
        (Ended(0, "", "", [("subprocess.Popen", ["/usr/bin/env", ["env"]])] * 99), "over_limit"),
        (Ended(0, "", "", [("os.system", ["id"])]), "run"),
        (Ended(0, "", "", [("socket.connect", ["<socket>", "('::1', 9)"])]), "run"),
        (Ended(0, "", "", [("pickle.find_class", ["os", "system"])]), "run"),
        (Ended(0, "", "", [("ctypes.dlopen", ["/theirs/x.so"])]), "run"),
        (Ended(0, "", "", [("ctypes.dlopen", ["/usr/lib/libc.so"])]), None),
        (Ended(0, "", "", [("subprocess.Popen", ["/theirs/git", ["git"]])]), "run"),
        (Ended(0, "", "", [("subprocess.Popen", ["no-such-program", ["x"]])]), "run"),
        (Ended(0, "", "", [("subprocess.Popen", [sys.executable, [sys.executable, "-m", "pip"]])]), "run"),
        (Ended(0, "", "", [("subprocess.Popen", [sys.executable, [sys.executable, "-P", "-I"]])]), None),
    ],
)
def test_a_verdict(ended: Ended, kind: str | None) -> None:
    found = verdict(ended, Path("/theirs"), "secret")
    assert {name for name, sentences in found.wrong.items() if sentences} == ({kind} - {None})


def test_a_process_notes_what_it_does(tmp_path: Path) -> None:
    """In a process of its own, since an audit hook stays."""
    notes = tmp_path / "notes"
    code = (
        "import pathlib, socket, subprocess, sys; from tests.soak.observed import observe\n"
        f"end = observe(pathlib.Path({str(notes)!r}))\n"
        "subprocess.run([sys.executable, '-c', '']); socket.socket().bind(('127.0.0.1', 0))\n"
        "x = bytearray(2**26); end()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
    events = dict(read_notes(notes))
    assert {"subprocess.Popen", "socket.bind", END} <= events.keys()
    seconds, peak = events[END]
    assert 0 < seconds < 60 and 2**26 <= peak < 2**30


def test_limits_hold(workplace: Workplace, tmp_path: Path) -> None:
    """Of processor time, for a command that takes more than a second."""
    circumstances = Circumstances(environment=workplace.environment, processor_seconds=1, folder=tmp_path)
    words = ["train", workplace.mine / "e.json", "-s", "run", "-o", "trainer.epochs=5000"]
    assert Forked(words, tmp_path / "log", circumstances).wait(CLOCK_SECONDS) == -24


def test_every_trick_is_one() -> None:
    """No trick leaves an archive as it was, and some of what they make could be opened."""
    members = sealed(tiny_members())
    plain = tar(members)
    for trick in TRICKS:
        before = [plain[place : place + 1024] for place in range(0, 8192, 1024)]
        pieces = list(before)
        trick(pieces, Random(1))
        assert pieces != before, trick.__name__
    made = {tricked(members, Random(number)) for number in range(20)}
    assert len(made) > 12 and packed(plain) not in made


def test_forgeries_are_drawn_from_a_seed(workplace: Workplace) -> None:
    def drawn(number: int) -> bytes:
        workplace.new_stranger()
        return forged_archives.forged(workplace, Random(number))

    assert [drawn(number) for number in range(8)] == [drawn(number) for number in range(8)]
