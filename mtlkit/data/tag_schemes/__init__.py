"""Tag schemes: how the tags of words say where spans begin and end.

IOB1, IOB2, IOBES and their relatives are recognised from the tags of a task and converted to IOB2, so that everything
else in mtlkit knows one scheme only.
"""

from mtlkit.data.tag_schemes.conversion import as_iob2, texts_that_violate
from mtlkit.data.tag_schemes.forms import has_span_tags, role_of
from mtlkit.data.tag_schemes.recognition import recognise, scheme_of_file
from mtlkit.data.tag_schemes.schemes import NO_SPANS, SchemeName, SchemeSetting, TagScheme
from mtlkit.data.tag_schemes.spans import Span, spans, strict_spans

__all__ = [
    "NO_SPANS",
    "SchemeName",
    "SchemeSetting",
    "Span",
    "TagScheme",
    "as_iob2",
    "recognise",
    "role_of",
    "has_span_tags",
    "scheme_of_file",
    "spans",
    "strict_spans",
    "texts_that_violate",
]
