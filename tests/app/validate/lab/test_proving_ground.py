from pathlib import Path

import numpy as np
import pytest

from caponier.app.validate.lab.proving_ground import ProvingGround, Scale, with_owners
from caponier.emulate.controls.clients.owner_of_records import RECORDS
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import load_digits_split


def rows(images: Images) -> set[bytes]:
    return {image.tobytes() for image in images}


def test_owners_own_what_the_model_is_trained_on() -> None:
    split = load_digits_split(0)
    owned = with_owners(split, 100)
    learned = rows(owned.train.images[:100])
    for pool in (split.calibration, split.test):
        assert rows(pool.images[:RECORDS]) <= learned
        assert not rows(pool.images[RECORDS:]) & learned - rows(pool.images[:RECORDS])
    assert rows(split.train.images[:50]) <= learned
    assert not rows(split.attackers.images) & rows(owned.train.images)
    assert len(owned.train) == len(split.train) + 2 * RECORDS


def test_labels_move_with_their_images() -> None:
    split = load_digits_split(0)
    owned = with_owners(split, 100)
    assert np.array_equal(owned.train.labels[50:75], split.calibration.labels[:RECORDS])
    assert np.array_equal(owned.train.labels[75:100], split.test.labels[:RECORDS])


def test_the_store_of_the_environment_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere.db"
    monkeypatch.setenv("CAPONIER_STORE", f"sqlite:///{elsewhere}")
    (tmp_path / "ground").mkdir()
    ground = ProvingGround(tmp_path / "ground", 0, Scale(alpha=0.05))
    assert str(tmp_path / "ground") in ground.workspace.store
    assert not elsewhere.exists()
    assert ground.workspace.detect.alpha == 0.05
    assert ground.workspace.detect.disabled == ()
