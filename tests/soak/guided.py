"""`python -m tests.soak.guided readers|archives|experiments -max_total_time=280`: fuzzing that coverage guides.

It needs atheris, which is not a dependency of ours: docs/reliability.md says what came of it.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mtlkit"]):
    import torch

    from mtlkit.archive import open_archive
    from mtlkit.errors import MtlkitError
    from mtlkit.experiment import load_experiment
    from mtlkit.plugins import load_plugins
    from mtlkit.runs import predict_inputs
    from mtlkit.runs.checks import check_experiment
    from tests.data.readers.test_damaged_files import GOOD, READERS, held_to_its_promise
    from tests.soak.mutated_experiments import limited, originals
    from tests.soak.tiny_archive import packed, sealed, tar, tiny_members

FOLDER = Path(tempfile.mkdtemp())


def try_reader(data: bytes) -> None:
    """The first byte chooses the reader, the others are the file."""
    _, reader = READERS[data[0] % len(READERS) if data else 0]
    path = FOLDER / "a.txt"
    path.write_bytes(data[1:])
    held_to_its_promise(reader, path)


def try_archive(data: bytes) -> None:
    """A member, a place in it and a length, and bytes that stand there instead, behind a manifest that fits."""
    provider = atheris.FuzzedDataProvider(data)
    members = tiny_members()
    name = sorted(members.keys() - {"manifest.json"})[provider.ConsumeIntInRange(0, len(members) - 2)]
    start = provider.ConsumeIntInRange(0, len(members[name]))
    end = start + provider.ConsumeIntInRange(0, 12)
    content = members[name][:start] + provider.ConsumeBytes(64) + members[name][end:]
    path = FOLDER / "a.tar.gz"
    path.write_bytes(packed(tar(sealed({**members, name: content}))))
    try:
        with open_archive(path, torch.device("cpu")) as archive:
            json.dumps(list(predict_inputs(archive, [("fine film", "here")], list(archive.experiment.tasks))))
    except MtlkitError:
        pass


def try_experiment(data: bytes) -> None:
    """All of it is an experiment file."""
    path = FOLDER / "a.json"
    path.write_bytes(data)
    try:
        with limited():
            check_experiment(load_experiment(path).experiment, str(path))
    except MtlkitError:
        pass


TARGETS: dict[str, tuple[Callable[[bytes], None], Callable[[], list[bytes]]]] = {
    "readers": (try_reader, lambda: [bytes([n]) + GOOD[kind] for n, (kind, _) in enumerate(READERS)]),
    "archives": (try_archive, lambda: [bytes(8)]),
    "experiments": (try_experiment, lambda: [json.dumps(each).encode() for each in originals()]),
}

if __name__ == "__main__":
    load_plugins()
    target, seeds = TARGETS[sys.argv.pop(1)]
    corpus = FOLDER / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
    atheris.Setup([*sys.argv, "-max_len=20000", "-len_control=0", "-timeout=60", str(corpus)], target)
    atheris.Fuzz()
