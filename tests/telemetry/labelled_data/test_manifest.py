import json
from pathlib import Path

import numpy as np
import pytest

from caponier.errors import InputError
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.labelled_data.datasets import read_dataset
from caponier.telemetry.labelled_data.manifest import Manifest, read_manifest


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    rng = np.random.default_rng(2)
    np.savez(tmp_path / "train.npz", x=rng.random((20, 3, 3)), y=np.arange(20) % 2, source=["ünï", 'q"\n'] * 10)
    return Manifest.of_dataset(read_dataset(tmp_path / "train.npz"), Columns())


def test_what_is_written_is_what_is_read(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_bytes(manifest.to_bytes())
    assert read_manifest(tmp_path / "m.json") == manifest
    document = json.loads(manifest.to_bytes())
    assert (document["schema"], document["sources"]) == ("caponier.manifest/1", {'q"\n': 10, "ünï": 10})


def test_a_row_is_its_features_alone(manifest: Manifest, tmp_path: Path) -> None:
    known = np.load(tmp_path / "train.npz")
    np.savez(tmp_path / "other.npz", x=known["x"].astype(np.float64), y=1 - known["y"])
    other = Manifest.of_dataset(read_dataset(tmp_path / "other.npz"), Columns())
    assert [row.digest for row in other.rows] == [row.digest for row in manifest.rows]
    assert len({row.digest for row in manifest.rows}) == 20


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xff\xfe", "no text"),
        (b"[1, 2]", "no manifest"),
        (b'{"schema": "caponier.findings/1"}', "no manifest"),
        (b'{"schema": "caponier.manifest/1", "of": "a", "sha256": "b", "columns": [1], "rows": []}', "columns"),
        (b'{"schema": "caponier.manifest/1", "of": "a", "sha256": "b", "columns": [], "rows": [["1", "2"]]}', "row 1"),
        (b'{"schema": "caponier.manifest/1", "of": "a", "sha256": "b", "columns": [], "rows": [[1,2,3,4]]}', "row 1"),
    ],
)
def test_what_is_no_manifest_is_refused(content: bytes, what: str, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_bytes(content)
    with pytest.raises(InputError, match=what):
        read_manifest(tmp_path / "odd.json")
