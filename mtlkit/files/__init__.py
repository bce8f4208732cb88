"""Files: read with limits, opened for writing in one place, and replaced as a whole; locks, digests, the cache."""

from mtlkit.files.cache_place import cache_folder
from mtlkit.files.digesting import DigestingWriter
from mtlkit.files.fingerprints import Fingerprint, check_unchanged
from mtlkit.files.locks import held_lock, is_locked, open_lock, remove_lock, take_lock
from mtlkit.files.opening import PRIVATE, PUBLIC, make_folder, open_to_write
from mtlkit.files.outputs import Inputs, Output, check_is_no_input, output_file, output_folder
from mtlkit.files.reading import NOT_REGULAR, file_sha256, is_file, is_utf8, open_regular, read_bounded
from mtlkit.files.replacing import (
    LONGEST_STEM,
    SUFFIX,
    give_name,
    new_file,
    new_folder,
    new_path,
    write_atomically,
    write_new,
)

__all__ = [
    "LONGEST_STEM",
    "NOT_REGULAR",
    "PRIVATE",
    "PUBLIC",
    "SUFFIX",
    "DigestingWriter",
    "Fingerprint",
    "Inputs",
    "Output",
    "cache_folder",
    "check_is_no_input",
    "check_unchanged",
    "file_sha256",
    "give_name",
    "held_lock",
    "is_file",
    "is_locked",
    "is_utf8",
    "make_folder",
    "new_file",
    "new_folder",
    "new_path",
    "open_lock",
    "open_regular",
    "open_to_write",
    "output_file",
    "output_folder",
    "read_bounded",
    "remove_lock",
    "take_lock",
    "write_atomically",
    "write_new",
]
