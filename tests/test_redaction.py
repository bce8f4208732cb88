"""Passwords and tokens are taken out of what is kept and shown, and nothing else is."""

import pytest

from mtlkit.redaction import redacted, redacted_command

# Put together here, so that no scanner of repositories takes them for real ones.
SECRET = "hunter2" * 3
TOKEN = "hf" + "_" + "a1B2" * 8
OTHERS = ["gh" + "p_" + "a1B2" * 9, "AK" + "IA" + "A1B2" * 4, "ey" + "J" + ".".join(["a1B2" * 3] * 3)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"postgresql+psycopg://me:{SECRET}@host:5432/db", "postgresql+psycopg://me:***@host:5432/db"),
        (f"mysql://me:{SECRET}/@{SECRET}@host/db", "mysql://me:***@host/db"),
        (f"redis://:{SECRET}@host", "redis://:***@host"),
        (f"cannot reach 'mysql://me:{SECRET}@host/db' today", "cannot reach 'mysql://me:***@host/db' today"),
        (f"https://{SECRET}@host/path", "https://***@host/path"),
        (f"https://host/a?user=me&access_token={SECRET}&n=1", "https://host/a?user=me&access_token=***&n=1"),
        (f"https://host/a?X-Amz-Signature=1&signature={SECRET}", "https://host/a?X-Amz-Signature=1&signature=***"),
        (f"the token {TOKEN} is refused", "the token *** is refused"),
        (f"Authorization: Bearer {SECRET}", "Authorization: Bearer ***"),
        ("the bearer of hf_sentiment_classification, asia-pacific-news-corpus", None),
        ("ssh://git@host/path", None),
        ("sqlite:///study.db", None),
        ("http://host:8080/path", None),
        ("task: me@host, a/b:c, 3:4@5", None),
    ],
)
def test_a_text(text, shown):
    assert redacted(text) == (text if shown is None else shown)
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize("token", [TOKEN, *OTHERS])
def test_a_token_is_known_by_its_form(token):
    assert redacted_command(["script.py", token]) == ["script.py", "***"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--password", SECRET, "a.jsonnet"], ["--password", "***", "a.jsonnet"]),
        (["--hub-token", SECRET], ["--hub-token", "***"]),
        ([f"--api_key={SECRET}"], ["--api_key=***"]),
        (["-o", f'model.embedder.access_key="{SECRET}"'], ["-o", "model.embedder.access_key=***"]),
        (["--str", f"token={SECRET}"], ["--str", "token=***"]),
        ([f"HF_TOKEN={SECRET}"], ["HF_TOKEN=***"]),
        (["--password", "--force"], ["--password", "--force"]),
        (["--storage", f"mysql://me:{SECRET}@host/db"], ["--storage", "mysql://me:***@host/db"]),
        ([f"--storage=mysql://me:{SECRET}@host/db"], ["--storage=mysql://me:***@host/db"]),
        (["-o", 'tasks.movie.reader.mask_token="[MASK]"'], ["-o", 'tasks.movie.reader.mask_token="[MASK]"']),
        (["-o", 'reader.tokenizer={"type": "regex"}', "--var", "max_tokens=3"], None),
        (["train", "a.jsonnet", "-s", "runs/a", "--tla-str", "preset=token"], None),
    ],
)
def test_a_command(words, shown):
    assert redacted_command(words) == (words if shown is None else shown)
    assert redacted_command(redacted_command(words)) == redacted_command(words)
