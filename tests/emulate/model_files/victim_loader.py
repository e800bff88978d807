"""Loads model files as a careless program would, with the one command that they are to run replaced by a recorder.

Run by the tests in a process of its own: `python victim_loader.py FOLDER` prints, as JSON, the commands that each file
got to. It changes `os.system` and its like for good, so nothing else may live in that process.
"""

import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMANDS: list[str] = []


class Recorder:
    """An instance and no function: like the real one it does not turn into a method of a class that it is put into."""

    def __call__(self, order: Any, *_: Any, **__: Any) -> int:
        COMMANDS.append(str(order))
        return 0


def disarm() -> None:
    import posix

    recorder: Any = Recorder()
    os.system = posix.system = recorder
    for name in ("Popen", "run", "call", "check_call", "check_output"):
        setattr(subprocess, name, recorder)


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what a user ends up with who unpacks archives of archives."""
    data = path.read_bytes()
    if path.name.endswith(".tar.gz"):
        with tarfile.open(fileobj=io.BytesIO(data)) as tape:
            for entry in tape:
                file = tape.extractfile(entry)
                assert file is not None
                yield entry.name, file.read()
    elif path.name == "zip-in-zip.zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield Path(name).with_suffix(".pt").name, archive.read(name)
    elif path.name == "behind-text.zip":
        # Programs that look for the directory at the end read it all the same.
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)
    else:
        yield path.name, data


def load(name: str, data: bytes) -> None:
    """Load one file with the library that its name calls for."""
    stream = io.BytesIO(data)
    if name.endswith(".joblib"):
        import joblib

        joblib.load(stream)
    elif name.endswith((".npy", ".npz")):
        import numpy as np

        read = np.load(stream, allow_pickle=True)
        _ = [read[key] for key in read] if name.endswith(".npz") else None
    elif name.endswith(".pt"):
        import torch

        torch.load(stream, weights_only=False)
    else:
        while stream.tell() < len(data):
            pickle.load(stream)


def main(folder: Path) -> dict[str, list[str]]:
    found = {}
    for path in sorted(folder.iterdir()):
        COMMANDS.clear()
        for name, data in contents(path):
            # Most of these files break once they have done their work; that is part of the attack.
            try:
                load(name, data)
            except (Exception, SystemExit):  # noqa: BLE001
                continue
        found[path.name] = list(COMMANDS)
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    disarm()
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]))))
