"""Archives: one file with everything needed to evaluate and predict, which never runs code from its author."""

from mtlkit.archive.archive import Archive
from mtlkit.archive.component_files import (
    SHARING,
    components_of_model,
    components_of_tasks,
    save_files,
    saved_members,
    with_saved_files,
)
from mtlkit.archive.formats import FORMAT
from mtlkit.archive.made_here import remember
from mtlkit.archive.opening import open_archive, read_documents
from mtlkit.archive.part_budget import TooManyParts, limited_parts
from mtlkit.archive.writing import write_archive

__all__ = [
    "FORMAT",
    "SHARING",
    "Archive",
    "TooManyParts",
    "components_of_model",
    "components_of_tasks",
    "limited_parts",
    "open_archive",
    "read_documents",
    "remember",
    "save_files",
    "saved_members",
    "with_saved_files",
    "write_archive",
]
