"""What is known of a pretrained encoder without its weights: its configuration, its tokenizer and its digest."""

import json
import shutil
from pathlib import Path
from typing import Any, Self, final

from mtlkit.errors import ConfigError
from mtlkit.files import DigestingWriter, file_sha256, open_regular, open_to_write, read_bounded
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
        saved_in: the folder in which a run has saved its weights, if it has.

    Raises:
        ConfigError: the configuration cannot be used, or the tokenizer is not made for it.
    """

    def __init__(
        self,
        config_text: str,
        pieces: Pieces,
        *,
        folder: Path | None = None,
        sha256: str | None = None,
        saved_in: Path | None = None,
    ) -> None:
        self.config: Any = checked_config(config_text)
        self.config_text, self.pieces = config_text, pieces
        self._folder, self._sha256, self._saved_in = folder, sha256, saved_in
        size = self.config.vocab_size
        if pieces.largest_id >= size:
            raise ConfigError(
                f"its tokenizer has the id {pieces.largest_id}, and its config.json a vocab_size of {size}; use a "
                "tokenizer that was made for it"
            )

    @classmethod
    def found(cls, model: str, revision: str | None, *, weights: bool = True) -> Self:
        """Reads the configuration and the tokenizer of an encoder where the experiment says that it is.

        Args:
            model: as the experiment names it.
            revision: the commit of a model of the hub; None for a folder.
            weights: whether the weights are needed as well.

        Raises:
            ConfigError: it is missing, or cannot be used.
        """
        folder = folder_of(model, revision, weights=weights)
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
            saved_in = files if (files / WEIGHTS).is_file() else None
            return cls(_read(files / CONFIG, MOST_CONFIG), pieces, sha256=sha256, saved_in=saved_in)
        except ConfigError as error:
            raise ConfigError(f"the saved encoder: {error}") from None

    def save(self, folder: Path) -> None:
        """Writes what `saved` reads into a folder."""
        (folder / CONFIG).write_text(self.config_text, "utf-8")
        (folder / TOKENIZER).write_text(self.pieces.text, "utf-8")
        source = {"sha256": self.sha256, "padding": self.pieces.padding}
        (folder / SOURCE).write_text(json.dumps(source) + "\n", "utf-8")

    def save_weights(self, folder: Path, model: str, revision: str | None) -> None:
        """Writes a copy of the encoder's weights into a folder, where `saved` finds them.

        Raises:
            ConfigError: they are not on this machine, or change while they are copied.
        """
        source = self.folder_of_weights(model, revision) / WEIGHTS
        with open_regular(source) as original, open_to_write(folder / WEIGHTS) as file:
            writer = DigestingWriter(file)
            shutil.copyfileobj(original, writer, 2**20)
            writer.finish()
        if writer.sha256 != self.sha256:
            raise ConfigError(f"the encoder {model}: {WEIGHTS} has changed meanwhile; put it back as it was")

    def check_is_saved(self) -> None:
        """Raises ConfigError if a run has saved the encoder without its weights, as with other settings. The message is
        to follow the name of the encoder.
        """
        if self._folder is None and self._saved_in is None:
            raise ConfigError(
                f"save_encoder: {WEIGHTS} is not among the saved files; keep the setting that the run was begun with, "
                "or use another copy of the run or the archive"
            )

    @property
    def saved_weights(self) -> Path | None:
        """The file of weights that a run has saved, as it lies in its directory or an archive; None if it has not."""
        return None if self._saved_in is None else self._saved_in / WEIGHTS

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
            ConfigError: it is not on this machine, or what a run or an archive has of it is damaged.
        """
        if self._folder is not None:
            return self._folder
        if self._saved_in is None:
            return folder_with_weights(model, revision, self.sha256)
        if file_sha256(self._saved_in / WEIGHTS) != self.sha256:
            raise ConfigError(
                f"the encoder {model}: the sha256 of the saved {WEIGHTS} is not the one in {SOURCE}; use another copy "
                "of the run or the archive"
            )
        return self._saved_in


def _read(file: Path, most: int) -> str:
    try:
        return read_bounded(file, most).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(f"{file.name} of the encoder cannot be read ({reason}); use another copy") from None
