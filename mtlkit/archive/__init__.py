"""Archives: one file that anyone can evaluate and predict with, and that runs none of its author's code."""

from mtlkit.archive.archive import Archive, open_archive, read_documents, write_archive
from mtlkit.archive.formats import FORMAT

__all__ = ["FORMAT", "Archive", "open_archive", "read_documents", "write_archive"]
