"""Run as a program by `fetch`, not imported: downloads one file from where the user's pip finds packages.

`pip download` would build a source distribution to learn what it needs, and so run code of it and of whatever it is
built with. Here, pip's own parts read the user's settings (indexes, mirrors, proxies, certificates, passwords) and list
the files; one of a known SHA-256 is written, and nothing of it is run.
"""

import hashlib
import sys
from collections.abc import Iterator
from optparse import Values
from pathlib import Path

CUT_OFF = 75
"""The exit code for a file that was found, but not received as it should be."""
LARGEST = 16 * 2**20
OPTIONS = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "2", "--timeout", "20", "--no-deps"]

try:
    from pip._internal.commands.download import DownloadCommand
    from pip._internal.exceptions import DistributionNotFound
    from pip._internal.models.link import Link
    from pip._internal.network.session import PipSession
    from pip._vendor.requests.exceptions import RequestException
except ImportError as error:
    sys.exit(f"ERROR: this pip is of an unknown version ({error})")


class DownloadOneFile(DownloadCommand):
    """The arguments are the package, the name of its file, the SHA-256 of the file, and where to write it."""

    def run(self, options: Values, args: list[str]) -> int:
        package, name, sha256, target = args
        session = self.get_default_session(options)
        finder = self._build_package_finder(options=options, session=session, ignore_requires_python=True)
        links = [each.link for each in finder.find_all_candidates(package)]
        found = [link for link in links if link.filename.lower() == name.lower()]
        if not found:
            raise DistributionNotFound(f"No matching distribution found for {name}")
        for content in _contents(session, found):
            if hashlib.sha256(content).hexdigest() == sha256:
                Path(target).write_bytes(content)
                return 0
        print(f"ERROR: {name} was cut off, or is another file", file=sys.stderr)
        return CUT_OFF


def _contents(session: PipSession, links: list[Link]) -> Iterator[bytes]:
    """The bytes of files, as far as they are received; several indexes may have the file."""
    for link in links:
        content = b""
        try:
            with session.get(link.url_without_fragment, headers={"Accept-Encoding": "identity"}, stream=True) as answer:
                answer.raise_for_status()
                for block in answer.iter_content(2**16):
                    content += block
                    if len(content) > LARGEST:
                        break
        except RequestException as error:
            print(f"ERROR: {error}", file=sys.stderr)
        yield content


if __name__ == "__main__":
    package = sys.argv[1]
    try:
        # --no-binary: the user's settings may ask for wheels only, which lack what is wanted here.
        sys.exit(DownloadOneFile("download", "").main([*OPTIONS, "--no-binary", package, *sys.argv[1:]]))
    except (AttributeError, TypeError) as error:
        sys.exit(f"ERROR: this pip is of an unknown version ({error})")
