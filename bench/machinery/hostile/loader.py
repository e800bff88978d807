"""Loads hostile files with the loaders that they are meant for, each in a process that is thrown away.

Run as `python loader.py` in a folder of its own. It reads a JSON list of `{"path", "loader", "canary"}` from standard
input, loads one file after the other in forks with limits on time and memory, and writes a JSON list that says for each
whether its canary was there afterwards: the truth about a file, established before any scanner has seen it.
"""

import importlib
import json
import os
import resource
import runpy
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_SECONDS: Final = 5
_BYTES: Final = 16 << 30
_PICKLED: Final = {"pickle", "joblib", "torch", "numpy"}
_IMPORTED: Final = ("jinja2", "joblib", "numpy.random._pickle", "sklearn.ensemble", "sklearn.model_selection", "torch")


def _pickle(path: Path) -> None:
    import pickle

    with path.open("rb") as file:
        while file.tell() < path.stat().st_size:
            pickle.load(file)


def _python_pickle(path: Path) -> None:
    import pickle

    with path.open("rb") as file:
        pickle._Unpickler(file).load()  # type: ignore[attr-defined]


def _joblib(path: Path) -> None:
    import joblib

    joblib.load(path)


def _torch(path: Path) -> None:
    import torch

    torch.load(path, weights_only=False)


def _numpy(path: Path) -> None:
    import numpy as np

    found = np.load(path, allow_pickle=True)
    _ = [found[key] for key in found] if hasattr(found, "files") else None


def _yaml(path: Path) -> None:
    import yaml

    yaml.unsafe_load(path.read_bytes())


def _targets(path: Path) -> None:
    """Instantiate what a configuration names, as Hydra, NeMo and latent diffusion models do."""
    import yaml

    def make(node: Any) -> Any:
        if isinstance(node, dict) and isinstance(node.get("target"), str) and "params" in node:
            module, _, name = node["target"].rpartition(".")
            return getattr(importlib.import_module(module), name)(**node["params"])
        if isinstance(node, dict) and "_target_" in node:
            module, _, name = node["_target_"].rpartition(".")
            words = {key: make(value) for key, value in node.items() if key[0] != "_"}
            return getattr(importlib.import_module(module), name)(*node.get("_args_", ()), **words)
        if isinstance(node, dict):
            return {key: make(value) for key, value in node.items()}
        return [make(value) for value in node] if isinstance(node, list) else node

    make(yaml.safe_load(path.read_bytes()))


def _tags(path: Path) -> None:
    """Call what a tag names, as HyperPyYAML does."""
    import yaml

    class Tags(yaml.SafeLoader):
        pass

    def call(loader: yaml.SafeLoader, name: str, node: yaml.SequenceNode) -> Any:
        module, _, last = name.rpartition(".")
        return getattr(importlib.import_module(module), last)(*loader.construct_sequence(node))

    Tags.add_multi_constructor("!apply:", call)
    yaml.load(path.read_bytes(), Tags)


def _prompt(path: Path) -> None:
    """Fill in a prompt."""
    import jinja2

    jinja2.Environment(autoescape=False).from_string(json.loads(path.read_bytes())["template"]).render()


def _jinja(path: Path) -> None:
    """Fill in a chat template in an environment that is no sandbox."""
    import jinja2

    template = json.loads(path.read_bytes())["chat_template"] if path.suffix == ".json" else path.read_text()
    jinja2.Environment(autoescape=False).from_string(template).render(messages=[{"role": "user", "content": "x"}])


def _unpack_tar(path: Path) -> None:
    import tarfile

    with tarfile.open(path) as archive:
        archive.extractall(_room(path))


def _unpack_zip(path: Path) -> None:
    """Unpack as programs do that trust the names."""
    import zipfile

    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            target = _room(path) / entry.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(entry))


def _room(path: Path) -> Path:
    room = path.parent / f"{path.name}.room"
    room.mkdir(exist_ok=True)
    return room


def _program(path: Path) -> None:
    runpy.run_path(str(path), run_name="__main__")


def _shell(path: Path) -> None:
    import subprocess

    subprocess.run(["sh", str(path)], check=False)


def _sql(path: Path) -> None:
    import duckdb

    duckdb.execute(path.read_text())


def _logging(path: Path) -> None:
    import logging.config

    logging.config.fileConfig(path)


def _git(path: Path) -> None:
    """Ask Git for the state of a folder whose settings the file is."""
    import subprocess

    room = _room(path)
    subprocess.run(["git", "init", "-q", str(room)], check=False)
    with (room / ".git" / "config").open("ab") as settings:
        settings.write(path.read_bytes())
    subprocess.run(["git", "-C", str(room), "status"], check=False)


def _zipped_pickle(path: Path) -> None:
    """Load every part of a zip archive, as libraries do that keep pickles in one."""
    import pickle
    import zipfile

    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            pickle.loads(archive.read(name))


LOADERS: Final[dict[str, Callable[[Path], None]]] = {
    "pickle": _pickle,
    "python pickle": _python_pickle,
    "joblib": _joblib,
    "torch": _torch,
    "numpy": _numpy,
    "yaml": _yaml,
    "targets": _targets,
    "tags": _tags,
    "jinja": _jinja,
    "prompt": _prompt,
    "tar": _unpack_tar,
    "zip": _unpack_zip,
    "zipped pickle": _zipped_pickle,
    "program": _program,
    "shell": _shell,
    "sql": _sql,
    "logging": _logging,
    "git": _git,
}


def _load(case: dict[str, str]) -> None:
    """Load one file; whatever it does, this process ends."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    signal.alarm(_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        LOADERS[case["loader"]](Path(case["path"]))
    finally:
        os._exit(0)


def main(cases: list[dict[str, str]]) -> list[bool]:
    """Return for each case whether its canary is there after it was loaded."""
    if {case["loader"].rpartition(" ")[2] for case in cases} & _PICKLED:
        for needed in _IMPORTED:
            # Imported once and not by every fork, which would take seconds each.
            importlib.import_module(needed)
    fired = []
    for case in cases:
        process = os.fork()
        if process == 0:
            _load(case)
        os.waitpid(process, 0)
        fired.append(os.path.lexists(case["canary"]))
    return fired


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write(json.dumps(main(json.load(sys.stdin))))
