"""Small files of every format, read and changed, as a stranger might hand them in."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from caponier.matrix.versions.loaders import load_file
from caponier.matrix.versions.release import Release

FOLDER = Path(__file__).parent

Change = Callable[[dict[str, Any]], Any]


def plain(name: str) -> dict[str, Any]:
    """Return a file of this folder as plain data, free to be changed."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return json.loads(text) if name.endswith(".json") else yaml.safe_load(text)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Release]:
    """Read a file of this folder after a change to it."""

    def load(name: str, change: Change, version: str | None = None) -> Release:
        content = deepcopy(plain(name))
        change(content)
        path = tmp_path / name
        as_json = name.endswith(".json")
        path.write_text(json.dumps(content) if as_json else yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return load_file(path, version)

    return load


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write text or bytes into a file."""

    def write(content: str | bytes, name: str = "ATLAS.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
