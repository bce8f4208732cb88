"""Messages that propose something are tested, and hardly any new one is not."""

from pathlib import Path

from tests.end_to_end.remedies.messages import messages, unquoted

WIDTH = 16
MOST = 40
"""So many messages are quoted by no test: they need no memory, no spaCy or a full disk, or are put together of values.
Lower it when there are fewer."""


def test_almost_every_message_with_a_remedy_is_quoted_by_a_test():
    """That is not yet a test of its remedy, as those of this folder are, but it finds messages that nobody tried."""
    tests = [path.read_text(encoding="utf-8") for path in Path(__file__).parents[2].rglob("*.py")]
    found = unquoted(tests, WIDTH)
    assert len(messages()) > 300
    assert len(found) <= MOST, "no test quotes these messages:\n" + "\n".join(found)
