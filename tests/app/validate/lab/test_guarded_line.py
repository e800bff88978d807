from pathlib import Path

import numpy as np

from caponier.app.validate.lab.attack_line import open_line
from caponier.app.validate.lab.guarded_line import guarded
from caponier.app.validate.lab.proving_ground import ProvingGround, Scale
from caponier.emulate.event_log import Deployment
from caponier.emulate.images import Images


def predict(rows: Images) -> Images:
    return np.tile(np.eye(10, dtype=np.float32)[3], (len(rows), 1))


def test_what_passes_a_guard_is_in_its_log(tmp_path: Path) -> None:
    ground = ProvingGround(tmp_path, 0, Scale())
    home = ground.workspace.model_copy(update={"lake": str(tmp_path / "lake")})
    rows = np.random.default_rng(0).random((5, 64)).astype(np.float32)
    with (
        open_line(predict, Deployment("digits-mlp"), ground.salt, lambda url: guarded(url, home)) as line,
        line.enter("mallory") as remote,
    ):
        for row in rows:
            assert remote.predict_proba(row[None]).argmax() == 3
    events = line.events()
    assert set(events["principal"].to_pylist()) == {line.principal("mallory")}
    assert np.array_equal(np.array(events["input"].to_pylist(), np.float32), rows)
    assert set(events["label"].to_pylist()) == {"3"}
