"""Ways to pack the members of an archive that no honest program has, to be combined."""

import gzip
import random
import tarfile
from collections.abc import Callable

from tests.soak.tiny_archive import Members, info

PIECES = 512
"""Bytes of a block of a tar file."""
NAMES = (
    *("meta.json", "manifest.json", "weights/model.safetensors", "vocabulary/words.txt", "vocabulary/labels.x.txt"),
    *("/etc/mtlkit-escaped", "../escaped", "vocabulary/../../escaped", "./meta.json", "weights//x.safetensors"),
    *("weights/a\nb.safetensors", "\x1b[2J", "weights/\u202ecba.safetensors", "files/model.embedder=words/a.txt"),
    *("sitecustomize.py", "vocabulary/\udcff.txt", "C:meta.json", "vocabulary\\words.txt", "", "a" * 99),
)
LINKS = ("/etc/passwd", "../../home/shadow", "meta.json", "/dev/zero", "", "\x1b[2J", ".")
KINDS = (
    *(tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE),
    *(tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME),
    *(tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, b"Z", b"\xff", b"\0"),
)
SIZES = (0, 1, 511, 512, 513, 2**12, 2**20, 2**33, 2**40, 2**62)
RECORDS = (
    *("path", "linkpath", "size", "GNU.sparse.map", "GNU.sparse.size", "GNU.sparse.major", "GNU.sparse.name"),
    *("hdrcharset", "SCHILY.xattr.user.x", "mtime", "uid", "comment", "charset"),
)
VALUES = ("meta.json", "../escaped", "/etc/passwd", "-1", "9" * 300, "1e9", "0,1," * 90, "BINARY", "\x1b[2J", "NaN", "")
Trick = Callable[[list[bytes], random.Random], None]
"""Changes the pieces of a tar file, each a header with its content."""


def tricked(members: Members, generator: random.Random) -> bytes:
    """The members packed as they should be, but for up to four tricks."""
    pieces = [piece_of(info(name, len(content)), content) for name, content in members.items()]
    for _ in range(generator.choice((0, 1, 1, 2, 4))):
        generator.choice(TRICKS)(pieces, generator)
    return compressed(b"".join(pieces) + bytes(2 * PIECES), generator)


def piece_of(header: tarfile.TarInfo, content: bytes, form: int = tarfile.USTAR_FORMAT) -> bytes:
    """A member as it stands in a tar file."""
    return header.tobuf(form, errors="surrogateescape") + content + bytes(-len(content) % PIECES)


def resummed(header: bytes) -> bytes:
    """A header with the checksum that it should have."""
    blank = header[:148] + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(blank) + header[156:]


def strange_member(generator: random.Random) -> bytes:
    """A header of any kind, name and size, and content that may be of another."""
    size = generator.choice(SIZES)
    header = info(generator.choice(NAMES), size, tarfile.REGTYPE, generator.choice(LINKS))
    header.mode = generator.choice((0o644, 0o4777, 0))
    raw = header.tobuf(generator.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT)), errors="surrogateescape")
    start = raw[-PIECES:]
    kind = generator.choice(KINDS)
    content = generator.choice((b"", b"x", bytes(min(size, 2**20)), _records(generator), generator.randbytes(PIECES)))
    return raw[:-PIECES] + resummed(start[:156] + kind + start[157:]) + content + bytes(-len(content) % PIECES)


def _records(generator: random.Random) -> bytes:
    """Extended headers, whose lengths may be wrong."""
    found = b""
    for _ in range(generator.choice((1, 2, 30))):
        body = f" {generator.choice(RECORDS)}={generator.choice(VALUES)}\n".encode()
        length = len(body) + len(str(len(body) + 2))
        found += str(generator.choice((length, length, length + 1, 0, 10**12))).encode() + body
    return found


def _add_strange(pieces: list[bytes], generator: random.Random) -> None:
    pieces.insert(generator.randint(0, len(pieces)), strange_member(generator))


def _add_chain(pieces: list[bytes], generator: random.Random) -> None:
    """Headers before headers, many times."""
    content = _records(generator)[: 4 * PIECES]
    kind = generator.choice((tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME))
    one = piece_of(info("x", len(content), kind), content)
    pieces.insert(generator.randint(0, len(pieces)), one * generator.choice((2, 100, 5000)))


def _add_many(pieces: list[bytes], generator: random.Random) -> None:
    pieces += [piece_of(info(f"weights/w{number}.safetensors"), b"") for number in range(generator.choice((9, 12_000)))]


def _add_bomb(pieces: list[bytes], generator: random.Random) -> None:
    """A member of zeros, which hardly take any space once compressed."""
    name, size = generator.choice(NAMES[:5]), generator.choice((2**20, 2**26))
    pieces.insert(generator.randint(1, len(pieces)), piece_of(info(name, size), bytes(size)))


def _repeat(pieces: list[bytes], generator: random.Random) -> None:
    pieces.insert(generator.randint(0, len(pieces)), generator.choice(pieces))


def _shuffle(pieces: list[bytes], generator: random.Random) -> None:
    generator.shuffle(pieces)


def _lose(pieces: list[bytes], generator: random.Random) -> None:
    if len(pieces) > 1:
        del pieces[generator.randrange(len(pieces))]


def _damage(pieces: list[bytes], generator: random.Random) -> None:
    """A byte of a header, with a checksum that fits."""
    number, at = generator.randrange(len(pieces)), generator.randrange(PIECES)
    header = bytearray(pieces[number][:PIECES])
    header[at] = generator.randrange(256)
    pieces[number] = resummed(bytes(header)) + pieces[number][PIECES:]


def _huge_number(pieces: list[bytes], generator: random.Random) -> None:
    """A field of a header in the binary form of GNU, or with digits that are none."""
    number, (start, stop) = generator.randrange(len(pieces)), generator.choice(((124, 136), (136, 148), (100, 108)))
    width = stop - start
    value = generator.choice(
        (b"\xff" * width, b"\x80" + b"\xff" * (width - 1), b"7" * width, b"-1".ljust(width), b"9" * width)
    )
    header = pieces[number][:PIECES]
    pieces[number] = resummed(header[:start] + value + header[stop:]) + pieces[number][PIECES:]


TRICKS: tuple[Trick, ...] = (
    *(_add_strange, _add_strange, _add_strange, _add_chain, _add_many, _add_bomb, _repeat, _shuffle, _lose),
    *(_damage, _huge_number),
)


def compressed(content: bytes, generator: random.Random) -> bytes:
    """The content as gzip packs it, now and then with a trick of its own."""
    whole = gzip.compress(content, 1, mtime=0)
    kind = generator.randrange(12)
    if kind == 0:
        return whole[: generator.randrange(len(whole))]
    if kind == 1:
        return whole + generator.choice((b"x", bytes(99), whole, gzip.compress(bytes(2**24), 9) * 20))
    if kind == 2:
        at = generator.randrange(len(content) + 1)
        return gzip.compress(content[:at], 1) + gzip.compress(content[at:], 1)
    if kind == 3:
        at = generator.randrange(len(whole))
        return whole[:at] + bytes([generator.randrange(256)]) + whole[at + 1 :]
    if kind == 4:
        return _with_fields(whole, generator)
    return whole


def _with_fields(whole: bytes, generator: random.Random) -> bytes:
    """With a name, a comment and more in the header of gzip."""
    extra = generator.randbytes(generator.choice((0, 9, 65_535)))
    fields = (
        len(extra).to_bytes(2, "little")
        + extra
        + b"../\x1b[2J\0"
        + generator.randbytes(99).replace(b"\0", b"x")
        + b"\0"
    )
    return whole[:3] + bytes([0b11100]) + whole[4:10] + fields + whole[10:]
