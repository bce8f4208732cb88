"""Files that are not archives, or hold what does not belong in one: gzip, tar and the manifest."""

import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mtlkit.archive import FORMAT
from mtlkit.archive.members import MAX_MEMBERS
from tests.soak.tiny_archive import WEIGHTS, Change, Members, info, packed, sealed, tar, tiny_members

NO_TAR_GZ = "not a whole .tar.gz file"
NOT_BELONG = "does not belong in an archive; not unpacked"
NO_MANIFEST = "begins with no readable manifest.json; it is not an archive of mtlkit"
OTHER_RECORDS = "a header has records that archives do not have"
NOT_AS_SAID = "not as the manifest says; copy or make it again"


class Case(NamedTuple):
    """A malformed archive."""

    write: Callable[[Path], object]
    """Makes it."""
    says: str
    """Stands in the sentence that refuses it."""


def of_bytes(make: Callable[[], bytes], says: str) -> Case:
    """An archive whose file holds what `make` gives."""
    return Case(lambda path: path.write_bytes(make()), says)


def of_members(make: Callable[[], Members], says: str) -> Case:
    """An archive whose members are these, packed as they should be."""
    return of_bytes(lambda: packed(tar(make())), says)


def good() -> Members:
    return sealed(tiny_members())


def whole() -> bytes:
    return packed(tar(good()))


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in good().items():
            archive.writestr(name, content)
    return file.getvalue()


def _wrong_checksum() -> bytes:
    content = whole()
    return content[:-8] + bytes([content[-8] ^ 1]) + content[-7:]


FILES = {
    "nothing": of_bytes(lambda: b"", NO_TAR_GZ),
    "one byte": of_bytes(lambda: b"\x1f", NO_TAR_GZ),
    "a text": of_bytes(lambda: b"no archive at all\n" * 99, NO_TAR_GZ),
    "a tar that is not packed": of_bytes(lambda: tar(good()), NO_TAR_GZ),
    "a zip file": of_bytes(_zip, NO_TAR_GZ),
    "an xz file": of_bytes(lambda: lzma.compress(tar(good()), preset=0), NO_TAR_GZ),
    "gzip of nothing": of_bytes(lambda: packed(b""), NO_TAR_GZ),
    "gzip of a text": of_bytes(lambda: packed(b"no archive at all\n" * 99), NO_TAR_GZ),
    "gzip twice": of_bytes(lambda: packed(whole()), NO_TAR_GZ),
    "half of it": of_bytes(lambda: whole()[: len(whole()) // 2], NO_TAR_GZ),
    "the last byte missing": of_bytes(lambda: whole()[:-1], NO_TAR_GZ),
    "no gzip trailer": of_bytes(lambda: whole()[:-8], NO_TAR_GZ),
    "a wrong gzip checksum": of_bytes(_wrong_checksum, NO_TAR_GZ),
    "something behind it": of_bytes(lambda: whole() + b"more", NO_TAR_GZ),
    "a second archive behind it": of_bytes(lambda: whole() * 2, "something comes after its last member"),
    "a gzip bomb": of_bytes(lambda: whole() + gzip.compress(bytes(2**20), 9) * 100, "more than 256 times its size"),
    "a gzip bomb alone": of_bytes(lambda: gzip.compress(bytes(2**16), 9) * 3000, "more than 256 times its size"),
    "a directory": Case(lambda path: path.mkdir(), "has no archive.tar.gz; give the directory of a finished run"),
    "a directory in its place": Case(lambda path: (path / "archive.tar.gz").mkdir(parents=True), "is a directory"),
    "no file": Case(lambda path: None, "no such file; check the path"),
    "a link to nowhere": Case(lambda path: path.symlink_to(path.with_name("nowhere")), "no such file; check the path"),
    "a pipe": Case(os.mkfifo, "is not a file but a device or the like"),
}


def _with(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b"") -> bytes:
    """A whole archive and one more member."""
    return packed(tar(good(), [(info(name, size, kind, link), content)]))


def _sparse() -> bytes:
    header = bytearray(info("meta.json").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:410] = b"%011o\0%011o\0" % (0, 512)
    header[483:495] = b"%011o\0" % 2**40
    return packed(_resummed(header) + tar(good()))


def _resummed(header: bytearray) -> bytes:
    """A header with the checksum that it should have."""
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def _sized(name: str, size: int) -> bytes:
    """A header of this size, or of base-256, as of GNU, where it is negative."""
    if size >= 0:
        return info(name, size).tobuf(tarfile.PAX_FORMAT)
    header = bytearray(info(name).tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" + size.to_bytes(11, "big", signed=True)
    return _resummed(header)


def _claimed(name: str, size: int) -> bytes:
    """An archive whose second member claims this size."""
    return _without_end(_sized(name, size))


def _without_end(member: bytes) -> bytes:
    """The first member, and then raw tar content."""
    manifest = good()["manifest.json"]
    start = info("manifest.json", len(manifest)).tobuf() + manifest + bytes(-len(manifest) % 512)
    return packed(start + member + bytes(1024))


def _pax_chain() -> bytes:
    record = b"12 path=abc\n"
    header = info("./PaxHeaders/x", len(record), tarfile.XHDTYPE).tobuf()
    return _without_end((header + record.ljust(512, b"\0")) * 3000)


def _pax(records: bytes, kind: bytes = tarfile.XHDTYPE, size: int | None = None) -> bytes:
    """An archive whose second member has these records before it."""
    header = info("./PaxHeaders/x", len(records) if size is None else size, kind).tobuf()
    padding = bytes(-len(records) % 512)
    return _without_end(header + records + padding + info("meta.json").tobuf(tarfile.PAX_FORMAT))


def _record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n".encode()
    length = len(body) + len(str(len(body)))
    return str(length + (len(str(length)) > len(str(len(body))))).encode() + body


def _sparse_chain() -> bytes:
    """A sparse file whose map goes on and on, in headers that nothing else bounds."""
    header = bytearray(info("meta.json").tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[482:483] = b"\1"
    entries = (b"%011o\0%011o\0" % (0, 0)) * 21
    return _without_end(_resummed(header) + (entries + b"\1" + bytes(7)) * 4000)


def _wrong_header_checksum() -> bytes:
    content = bytearray(tar(good()))
    place = content.index(b"meta.json\0")
    content[place + 148] ^= 1
    return packed(bytes(content))


def _backwards() -> bytes:
    first, *others = good().items()
    return packed(tar(dict([*others, first])))


def _many() -> bytes:
    empty = [(info(f"weights/w{number}.safetensors"), b"") for number in range(MAX_MEMBERS)]
    return packed(tar({"manifest.json": good()["manifest.json"]}, empty))


MEMBERS = {
    "an absolute name": of_bytes(partial(_with, "/tmp/mtlkit-escaped"), NOT_BELONG),
    "a name in the parent": of_bytes(partial(_with, "../escaped"), NOT_BELONG),
    "a name through the parent": of_bytes(partial(_with, "vocabulary/../../escaped.txt"), NOT_BELONG),
    "a name with a backslash": of_bytes(partial(_with, "weights/..\\escaped.safetensors"), NOT_BELONG),
    "a name on a drive": of_bytes(partial(_with, "weights/C:escaped.safetensors"), NOT_BELONG),
    "a hidden name": of_bytes(partial(_with, "weights/.escaped.safetensors"), NOT_BELONG),
    "a name with a dot before it": of_bytes(partial(_with, "./manifest.json"), NOT_BELONG),
    "a name of two lines": of_bytes(partial(_with, "meta.json\nall is well"), r"'meta.json\nall is well' does not"),
    "a name that moves the cursor": of_bytes(partial(_with, "\x1b[2Jall is well"), r"'\x1b[2Jall is well' does not"),
    "a name that is no UTF-8": of_bytes(partial(_with, "weights/\udcff.safetensors"), OTHER_RECORDS),
    "a name of more bytes than letters": of_bytes(partial(_with, f"weights/{'ä' * 200}.safetensors"), NOT_BELONG),
    "a name without end": of_bytes(partial(_with, "weights/" + "w" * 50_000 + ".safetensors"), "a header of 50"),
    "a soft link": of_bytes(partial(_with, "meta.json", 0, tarfile.SYMTYPE, "/etc/passwd"), NOT_BELONG),
    "a hard link": of_bytes(partial(_with, "meta.json", 0, tarfile.LNKTYPE, "/etc/passwd"), NOT_BELONG),
    "a device": of_bytes(partial(_with, "meta.json", 0, tarfile.CHRTYPE), NOT_BELONG),
    "a block device": of_bytes(partial(_with, "meta.json", 0, tarfile.BLKTYPE), NOT_BELONG),
    "a named pipe": of_bytes(partial(_with, "meta.json", 0, tarfile.FIFOTYPE), NOT_BELONG),
    "a folder": of_bytes(partial(_with, "vocabulary", 0, tarfile.DIRTYPE), NOT_BELONG),
    "a sparse file": of_bytes(_sparse, NOT_BELONG),
    "a pickle": of_bytes(partial(_with, "weights.pkl"), NOT_BELONG),
    "a program": of_bytes(partial(_with, "sitecustomize.py"), NOT_BELONG),
    "an experiment in Jsonnet": of_bytes(partial(_with, "experiment.jsonnet"), NOT_BELONG),
    "a member twice": of_bytes(partial(_with, "meta.json"), "member 'meta.json' is there twice"),
    "a second manifest": of_bytes(partial(_with, "manifest.json"), "member 'manifest.json' is there twice"),
    "more members than anyone reads": of_bytes(_many, "has more than 10000 members"),
    "a negative size": of_bytes(partial(_claimed, "meta.json", -512), "no valid number"),
    "a size beyond all disks": of_bytes(partial(_claimed, WEIGHTS, 2**60), f"member '{WEIGHTS}' has {2**60} bytes"),
    "labels of 5 MiB": of_bytes(
        partial(_with, "vocabulary/labels.x.txt", 5 * 2**20, content=bytes(5 * 2**20)), "more than the 4194304"
    ),
    "a member that ends too early": of_bytes(partial(_claimed, WEIGHTS, 2**20), "it ends too early"),
    "headers without end": of_bytes(_pax_chain, NOT_BELONG),
    "a header of 16 MiB": of_bytes(partial(_pax, bytes(2**24)), "a header of 16777216 bytes"),
    "a wrong header checksum": of_bytes(_wrong_header_checksum, "a header has a wrong checksum"),
    "a sparse file whose map has no end": of_bytes(_sparse_chain, NOT_BELONG),
    "a sparse map in records": of_bytes(
        partial(_pax, _record("GNU.sparse.map", "0,1," * 200) + _record("GNU.sparse.size", "9")), OTHER_RECORDS
    ),
    "a header of records for all members": of_bytes(
        partial(_pax, _record("path", "meta.json"), tarfile.XGLTYPE), NOT_BELONG
    ),
    "a long name as of GNU": of_bytes(partial(_pax, b"meta.json\0", tarfile.GNUTYPE_LONGNAME), NOT_BELONG),
    "a record twice": of_bytes(partial(_pax, _record("path", "meta.json") * 2), OTHER_RECORDS),
    "a record that ends too late": of_bytes(partial(_pax, b"99 path=meta.json\n"), OTHER_RECORDS),
    "a record without a length": of_bytes(partial(_pax, b"path=meta.json\n"), "no valid number"),
    "a record of length 0": of_bytes(partial(_pax, b"0 path=meta.json\n"), OTHER_RECORDS),
    "a size in records that is negative": of_bytes(partial(_pax, _record("size", "-1")), "no valid number"),
    "a size in records beyond all numbers": of_bytes(partial(_pax, _record("size", "9" * 900)), "no valid number"),
    "a header that is not one of tar": of_bytes(
        lambda: _without_end(_resummed(bytearray(info("meta.json").tobuf()[:257] + bytes(255)))), NO_TAR_GZ
    ),
}


OWN = "files/model.embedder=words"
"""The folder of files that the tiny archive's embedder does not save."""


def _own_files(sizes: list[int]) -> bytes:
    """An archive with files of a component, of these sizes."""
    files = {f"{OWN}/{number}.txt": bytes(size) for number, size in enumerate(sizes)}
    return packed(tar(sealed({**tiny_members(), **files})))


OWN_FILES = {
    "files that no component saves": of_bytes(
        partial(_own_files, [9]), f"{OWN} is missing or cannot be read (none of the experiment's components saves files"
    ),
    "files of a component that there is not": of_members(
        lambda: sealed({**tiny_members(), "files/model.embedder.embedders.7=affixes/a.txt": b"x"}), "none of the exp"
    ),
    "files of a task that there is not": of_members(
        lambda: sealed({**tiny_members(), "files/tasks.films.reader=jsonl/a.txt": b"x"}), "none of the experiment's"
    ),
    "more files than a component may have": of_bytes(
        partial(_own_files, [1] * 65), f"member '{OWN}/64.txt' is one of more than 64 of a component"
    ),
    "a file that is too large": of_bytes(
        partial(_claimed, f"{OWN}/a.txt", 2**26 + 1), f"member '{OWN}/a.txt' has {2**26 + 1} bytes, more than the"
    ),
    "files that are too large together": of_bytes(
        partial(_own_files, [2**25, 2**25, 1]), f"member '{OWN}/2.txt' makes more than 64 MiB of a component's own"
    ),
    **{
        f"a file of a component named {name!r}": of_bytes(partial(_with, f"files/{name}"), NOT_BELONG)
        for name in (
            "a.txt",
            "model.embedder/a.txt",
            "model.embedder=words",
            "model.embedder=words/",
            "model.embedder=words/../a.txt",
            "model.embedder=words/folder/a.txt",
            "model.embedder=words/.hidden",
            "model.embedder=words/a.",
            "model.embedder=words/a b",
            "model.embedder=words/C:a",
            "model.embedder=words/a\\b",
            "model.embedder=words/ä.txt",
            "model.embedder=words/" + "a" * 101,
            "model..embedder=words/a.txt",
            "../model.embedder=words/a.txt",
            ".=words/a.txt",
            "model.embedder=os.system/a.txt",
            "model.embedder=/a.txt",
        )
    },
    "a file of a component that is a soft link": of_bytes(
        partial(_with, f"{OWN}/a.txt", 0, tarfile.SYMTYPE, "/etc/passwd"), NOT_BELONG
    ),
    "a file of a component that is a hard link": of_bytes(
        partial(_with, f"{OWN}/a.txt", 0, tarfile.LNKTYPE, "meta.json"), NOT_BELONG
    ),
    "a file of a component that the manifest does not name": of_bytes(
        partial(_with, f"{OWN}/a.txt", 1, content=b"x"), f"{OWN}/a.txt {NOT_AS_SAID}"
    ),
}


def _headless() -> Members:
    return {name: content for name, content in tiny_members().items() if name != "manifest.json"}


def _manifest(change: Change, says: str) -> Case:
    return of_members(lambda: sealed(tiny_members(), change), says)


def _raw_manifest(content: bytes, says: str = NO_MANIFEST) -> Case:
    return of_members(lambda: {**good(), "manifest.json": content}, says)


def _newer(manifest: dict[str, Any]) -> None:
    manifest.update(format_version=FORMAT + 1, mtlkit="9.9.9", members="elsewhere")


MANIFESTS = {
    "no manifest": of_members(_headless, NO_MANIFEST),
    "a manifest that is not first": of_bytes(_backwards, NO_MANIFEST),
    "a manifest that is no JSON": _raw_manifest(b"{"),
    "a manifest that is a list": _raw_manifest(b"[1]"),
    "a manifest that is null": _raw_manifest(b"null"),
    "a manifest that is not text": _raw_manifest(struct.pack("<4q", 1, 2, 3, 4)),
    "a manifest nested deeply": _raw_manifest(b'{"a":' * 90_000 + b"1" + b"}" * 90_000),
    "a manifest of 5 MiB": _raw_manifest(b" " * 5 * 2**20, "member 'manifest.json' has 5242880 bytes"),
    "no format": _manifest(lambda manifest: manifest.pop("format_version"), NO_MANIFEST),
    "a format in words": _manifest(lambda manifest: manifest.update(format_version="two"), NO_MANIFEST),
    "format true": _manifest(lambda manifest: manifest.update(format_version=True), NO_MANIFEST),
    "format 0": _manifest(lambda manifest: manifest.update(format_version=0), NO_MANIFEST),
    "a newer format": _manifest(_newer, f"was written by mtlkit 9.9.9 in format {FORMAT + 1}, and this is mtlkit "),
    "a wrong digest": _manifest(lambda manifest: manifest["members"][WEIGHTS].update(sha256="0" * 64), NOT_AS_SAID),
    "a digest that is none": _manifest(lambda manifest: manifest["members"][WEIGHTS].update(sha256=7), NO_MANIFEST),
    "a wrong size": _manifest(lambda manifest: manifest["members"][WEIGHTS].update(size=7), NOT_AS_SAID),
    "a member that it does not name": _manifest(lambda manifest: manifest["members"].pop("meta.json"), "meta.json not"),
    "a member that is not there": _manifest(
        lambda manifest: manifest["members"].update({"\x1b[2J": {"sha256": "0" * 64}}), r"\x1b[2J not as the manifest"
    ),
    "members as a list": _manifest(lambda manifest: manifest.update(members=[WEIGHTS]), NO_MANIFEST),
    "plugins that are a text": _manifest(
        lambda manifest: manifest.update(plugins="all"), "manifest.json is missing or"
    ),
    "a plugin without a version": _manifest(lambda manifest: manifest.update(plugins={"a": 1}), "plugins.a: should be"),
}
