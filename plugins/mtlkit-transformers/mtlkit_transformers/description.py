"""What is known of a pretrained encoder without its weights: its configuration, its tokenizer and its digest."""

import json
from pathlib import Path
from typing import Any, Self, final

from mtlkit.errors import ConfigError
from mtlkit.files import file_sha256, read_bounded
from mtlkit_transformers.configuration import MOST_CONFIG, checked_config
from mtlkit_transformers.pieces import Pieces
from mtlkit_transformers.sources import CONFIG, WEIGHTS, folder_of, folder_with_weights

TOKENIZER, SOURCE = "tokenizer.json", "source.json"
MOST_TOKENIZER = 64 * 2**20


@final
class Description:
    """A pretrained encoder without its weights.

    Args:
        config_text: its config.json.
        pieces: its tokenizer.
        folder: where it is, if it has been found; its digest is computed when it is first asked for.
        sha256: the digest of its weights, if it was saved by a run.

    Raises:
        ConfigError: the configuration cannot be used, or the tokenizer is not made for it.
    """

    def __init__(
        self, config_text: str, pieces: Pieces, *, folder: Path | None = None, sha256: str | None = None
    ) -> None:
        self.config: Any = checked_config(config_text)
        self.config_text, self.pieces = config_text, pieces
        self._folder, self._sha256 = folder, sha256
        size = self.config.vocab_size
        if pieces.largest_id >= size:
            raise ConfigError(
                f"its tokenizer has the id {pieces.largest_id}, and its config.json a vocab_size of {size}; use a "
                "tokenizer that was made for it"
            )

    @classmethod
    def found(cls, model: str, revision: str | None) -> Self:
        """Reads the configuration and the tokenizer of an encoder where the experiment says that it is.

        Raises:
            ConfigError: it is missing, or cannot be used.
        """
        folder = folder_of(model, revision)
        try:
            return cls(_read(folder / CONFIG, MOST_CONFIG), Pieces.of(folder), folder=folder)
        except ConfigError as error:
            raise ConfigError(f"the encoder {model}: {error}") from None

    @classmethod
    def saved(cls, files: Path) -> Self:
        """Reads what a run or an archive has saved of an encoder, which may come from a stranger.

        Raises:
            ConfigError: a file is damaged.
        """
        try:
            value = json.loads(_read(files / SOURCE, MOST_CONFIG))
            sha256, padding = value["sha256"], value["padding"]
            if not (isinstance(sha256, str) and type(padding) is int and padding >= 0):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ConfigError(f"{SOURCE} of the encoder is damaged; use another copy") from None
        try:
            pieces = Pieces(_read(files / TOKENIZER, MOST_TOKENIZER), padding)
            return cls(_read(files / CONFIG, MOST_CONFIG), pieces, sha256=sha256)
        except ConfigError as error:
            raise ConfigError(f"the saved encoder: {error}") from None

    def save(self, folder: Path) -> None:
        """Writes what `saved` reads into a folder."""
        (folder / CONFIG).write_text(self.config_text, "utf-8")
        (folder / TOKENIZER).write_text(self.pieces.text, "utf-8")
        source = {"sha256": self.sha256, "padding": self.pieces.padding}
        (folder / SOURCE).write_text(json.dumps(source) + "\n", "utf-8")

    @property
    def sha256(self) -> str:
        """The SHA-256 of the encoder's weights before any training, in hexadecimal."""
        if self._sha256 is None:
            assert self._folder is not None, "what was found has a folder"
            self._sha256 = file_sha256(self._folder / WEIGHTS)
        return self._sha256

    def folder_of_weights(self, model: str, revision: str | None) -> Path:
        """Returns the folder with the weights of this encoder, and of no other version of it.

        Raises:
            ConfigError: it is not on this machine.
        """
        return self._folder if self._folder is not None else folder_with_weights(model, revision, self.sha256)


def _read(file: Path, most: int) -> str:
    try:
        return read_bounded(file, most).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"{file.name} of the encoder cannot be read ({reason}); use another copy") from None
