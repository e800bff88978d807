"""A PostgreSQL server for tests and benches alone, where one is installed: on a socket in a folder, gone with them."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

HANG: Final = 120.0
"""Seconds after which what has not come never comes."""
_DEBIAN = "/usr/lib/postgresql/*/bin"
"""Where Debian keeps its programs, outside of PATH."""
_UNTIL_TOLD = '"$@" & read -r _; kill -QUIT $!; wait $!'
"""The server ends when the pipe does: also if the tests are killed."""


def programs() -> Path | None:
    """Return the folder of the server's programs; None if none is installed."""
    found = shutil.which("initdb")
    folders = sorted(Path("/").glob(_DEBIAN.lstrip("/")), key=lambda folder: int(folder.parent.name))
    return Path(os.path.realpath(found)).parent if found else folders[-1] if folders else None


@contextmanager
def running(within: Path) -> Iterator[str]:
    """Run a server, and give the URL of an empty database.

    Args:
        within: Folder of its programs.
    """
    # Below the folder of the tests nobody else may read, and the path of a socket is short.
    folder = Path(tempfile.mkdtemp(prefix="caponier-pg-"))
    # It refuses to run as root.
    who = "postgres" if os.geteuid() == 0 else None
    if who:
        shutil.chown(folder, who)
    make = [within / "initdb", "-D", folder / "data", "-U", "caponier", "-A", "trust", "-N", "--locale=C", "-E", "UTF8"]
    serve = [within / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
    try:
        subprocess.run(make, cwd=folder, user=who, check=True, capture_output=True)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                ["/bin/sh", "-c", _UNTIL_TOLD, "server", *map(str, serve)],
                cwd=folder, user=who, stdin=subprocess.PIPE, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            deadline = time.monotonic() + HANG
            while b"ready to accept" not in (folder / "log").read_bytes():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((folder / "log").read_text())
                time.sleep(0.02)
            yield f"postgresql://caponier@/postgres?host={folder}"
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(HANG)
    finally:
        shutil.rmtree(folder)
