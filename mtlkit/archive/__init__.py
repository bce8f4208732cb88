"""Archives: one file that anyone can evaluate and predict with, and that runs none of its author's code."""

from mtlkit.archive.archive import Archive
from mtlkit.archive.formats import FORMAT
from mtlkit.archive.opening import open_archive, read_documents
from mtlkit.archive.writing import write_archive

__all__ = ["FORMAT", "Archive", "open_archive", "read_documents", "write_archive"]
