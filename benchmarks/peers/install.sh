#!/usr/bin/env bash
# One virtual environment for each peer, beside this file: once, some minutes and 2 GB each. `make bench-peers` runs it.
#
# NAME.txt lists every package with its version. flair and the Trainer of transformers install as they are. AllenNLP 2.10.1
# asks for torch below 1.13 and for much else of its time, so nothing's own demands are heeded there; torchvision, which only
# its image readers need, is an empty module. MaChAmp is no package: its repository is cloned at one commit, from its public
# address or from MACHAMP, a clone on this machine; where it cannot be had, this says so, and MaChAmp is left out. One
# version of torch in all environments makes them comparable.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
MACHAMP_COMMIT=4048c34b37796aa496624b68b3530183dc61a690

environment() { # NAME; a whole one has the file .installed
  [ -e "$1/.installed" ] && return
  rm -rf "$1"
  "${PYTHON:-python3}" -m venv "$1"
  local install="$1/bin/python -m pip --disable-pip-version-check install --quiet --no-deps"
  $install setuptools==80.10.2 wheel==0.45.1
  # A few packages come as source, and what builds them is the environment's own setuptools.
  $install --no-build-isolation --requirement "$1.txt"
  if [ "$1" = allennlp ]; then
    local site
    site=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
    mkdir -p "$site/torchvision/ops"
    echo 'from . import ops' > "$site/torchvision/__init__.py"
    echo 'from . import boxes' > "$site/torchvision/ops/__init__.py"
    touch "$site/torchvision/ops/boxes.py"
  fi
  if [ "$1" = machamp ]; then mv machamp-source machamp/source; fi
  touch "$1/.installed"
}

machamp_source() { # what cannot be had is no failure
  rm -rf machamp-source
  git init --quiet machamp-source
  git -C machamp-source fetch --quiet --depth 1 "${MACHAMP:-https://github.com/machamp-nlp/machamp}" "$MACHAMP_COMMIT" &&
    git -C machamp-source checkout --quiet FETCH_HEAD
}

environment flair
environment allennlp
environment trainer
if [ -e machamp/.installed ] || machamp_source; then
  environment machamp
else
  rm -rf machamp-source
  echo "MaChAmp's repository cannot be reached, so MaChAmp is left out; with a clone of it: MACHAMP=FOLDER make bench-peers" >&2
fi
