"""Mistakes with the directories of runs, and runs that lack something."""

import json
import shutil

import pytest

from tests.end_to_end.remedies.world import Mistake, try_out


def without(world, name, run="run"):
    """The run as `run` in the folder, less one of its files; made once."""
    folder = world.folder / run
    if not folder.exists():
        world.run(run)
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return folder


def whole(world, run="whole"):
    """The run, copied again."""
    folder = world.folder / run
    return folder if folder.exists() else world.run(run)


def damaged(world, name, content):
    folder = whole(world, "run")
    (folder / name).write_text(content)
    return folder


def notes(world):
    """A folder of a user's own."""
    return world.file("notes/chapter", "years of work").parent


MISTAKES = [
    Mistake(
        "a run that is there",
        lambda w: w.goes_on(whole(w)),
        "holds a run; --resume goes on with it, --force deletes it, -s DIR goes elsewhere",
        lambda w: w.goes_on(whole(w), "--resume"),
    ),
    Mistake(
        "resume and force",
        lambda w: w.goes_on(whole(w), "--resume", "--force"),
        "resume goes on with a run and force deletes it; give one of them",
        lambda w: w.goes_on(whole(w), "--resume"),
    ),
    Mistake(
        "a folder with other files",
        lambda w: w.mtlkit("train E -s", notes(w)),
        "notes: exists and is not a run; give another directory with -s",
        lambda w: w.mtlkit("train E --limit 20 -s", w.folder / "another"),
    ),
    Mistake(
        "nothing to resume",
        lambda w: w.mtlkit("train E --limit 20 --resume -s", w.folder / "new"),
        "new: holds no run to resume; leave --resume out to start one",
        lambda w: w.mtlkit("train E --limit 20 -s", w.folder / "new"),
    ),
    Mistake(
        "a folder with other files to resume",
        lambda w: w.mtlkit("train E --limit 20 --resume -s", notes(w)),
        "notes: is not a run; copy the run again, or train it into another folder with -s DIR",
        lambda w: w.mtlkit("train E --limit 20 -s", w.folder / "another"),
    ),
    *(
        Mistake(
            f"meta.json is {what}, {' '.join(words) or 'new'}",
            lambda w, make=make, words=words: w.goes_on(make(w), *words),
            said,
            lambda w, words=words: w.goes_on(whole(w), *(words or ["--resume"])),
        )
        for what, make, said in (
            ("missing", lambda w: without(w, "meta.json"), "is not a run that can be read: its meta.json is missing; "),
            ("damaged", lambda w: damaged(w, "meta.json", "{"), "is not a run that can be read: "),
        )
        for words in (["--resume"], ["--force"], [])
    ),
    *(
        Mistake(
            f"a run without {name}",
            lambda w, name=name: w.goes_on(without(w, name), "--resume"),
            "copy the run again, or train it into another folder with -s DIR",
            lambda w: w.goes_on(w.folder / "another"),
        )
        for name in ("experiment.resolved.json", "vocabulary/words.txt", "vocabulary")
    ),
    Mistake(
        "a run of another version",
        lambda w: w.goes_on(damaged(w, "meta.json", json.dumps({"kind": "mtlkit run", "format": 1})), "--resume"),
        "begun by another version of mtlkit (format 1); use that one",
        lambda w: w.goes_on(w.folder / "another"),
    ),
    Mistake(
        "a changed setting",
        lambda w: w.goes_on(whole(w), "--resume", "-o", "seed=14"),
        "undo the change, or start a new run with another -s DIR",
        lambda w: w.goes_on(whole(w), "--resume"),
    ),
    Mistake(
        "another limit",
        lambda w: w.goes_on(whole(w), "--resume", "--limit", "4"),
        "whole: was begun without --limit; resume it without --limit",
        lambda w: w.goes_on(whole(w), "--resume"),
    ),
    Mistake(
        "a directory that cannot be made",
        lambda w: w.mtlkit("train E --limit 20 -s", w.file("file", "") / "run"),
        "file/run: cannot be made (",
        lambda w: w.mtlkit("train E --limit 20 -s", w.folder / "another"),
    ),
    Mistake(
        "a run that is misspelt",
        lambda w: [whole(w), w.mtlkit("compare ../whoel")][1],
        "../whoel: is not there (did you mean '../whole'?); give a run's directory",
        lambda w: w.mtlkit("compare ../whole"),
    ),
    Mistake(
        "an archive whose folder is misspelt",
        lambda w: [whole(w), w.mtlkit("evaluate ../whoel/archive.tar.gz")][1],
        "../whoel/archive.tar.gz: no such file; did you mean '../whole/archive.tar.gz'?",
        lambda w: w.mtlkit("evaluate ../whole/archive.tar.gz"),
    ),
    *(
        Mistake(
            f"an archive that is misspelt, {verb}",
            lambda w, verb=verb, more=more: [whole(w), w.mtlkit(f"{verb} ../whoel {more}", text="fine\n")][1],
            "../whoel: no such file; did you mean '../whole'?",
            lambda w, verb=verb, more=more: w.mtlkit(f"{verb} ../whole {more}", text="fine\n"),
        )
        for verb, more in (("evaluate", ""), ("predict", "-"), ("explain", "--task books fine"), ("report", ""))
    ),
    Mistake(
        "a run without an archive",
        lambda w: w.mtlkit("evaluate", without(w, "archive.tar.gz")),
        "has no archive.tar.gz; go on with its run by mtlkit train ... --resume",
        lambda w: [w.goes_on(w.folder / "run", "--resume"), w.mtlkit("evaluate ../run")][1],
    ),
    Mistake(
        "a folder without an archive",
        lambda w: w.mtlkit("evaluate", notes(w)),
        "notes: has no archive.tar.gz; give the directory of a finished run, or an archive",
        lambda w: w.mtlkit("evaluate", whole(w)),
    ),
    Mistake(
        "a run that is not finished",
        lambda w: w.mtlkit("compare", without(w, "metrics.json")),
        "its run is not finished; go on with it by mtlkit train ... --resume",
        lambda w: [w.goes_on(w.folder / "run", "--resume"), w.mtlkit("compare ../run")][1],
    ),
    Mistake(
        "an archive to compare",
        lambda w: w.mtlkit("compare", whole(w) / "archive.tar.gz"),
        "is an archive, which keeps no figures; give the run's directory",
        lambda w: w.mtlkit("compare", whole(w)),
    ),
    Mistake(
        "a run twice",
        lambda w: w.mtlkit("compare", whole(w), w.run("again")),
        "same experiment and seed 13 as",
        lambda w: w.mtlkit("compare", whole(w)),
    ),
    Mistake(
        "an archive that is cut off",
        lambda w: w.mtlkit("evaluate", w.file("a.tar.gz", (whole(w) / "archive.tar.gz").read_bytes()[:-900])),
        "a.tar.gz: not a whole .tar.gz file",
        lambda w: w.mtlkit("evaluate", w.file("a.tar.gz", (whole(w) / "archive.tar.gz").read_bytes())),
    ),
    Mistake(
        "an archive twice",
        lambda w: w.mtlkit("evaluate", whole(w), whole(w)),
        "is given twice; give it once",
        lambda w: w.mtlkit("evaluate", whole(w)),
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_what_is_said_of_a_run_helps(mistake, world):
    try_out(mistake, world)
