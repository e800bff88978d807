"""Large inputs, as those of pictures are, in small batches: memory is for values, not for rows."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.inference.event_files import log, rows
from caponier.app.inference.load import load_events
from caponier.app.progress import Silent
from caponier.engines import spool as module
from caponier.engines.spool import Spool, connected, scale_sample, sorted_events
from caponier.telemetry.rejections import RejectedRows

WIDTH = 50


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool() as opened:
        file = log(tmp_path, rows(90, input=lambda i: [float(i)] * WIDTH))
        load_events(opened, [file], RejectedRows(), Silent())
        yield opened


def batches(spool: Spool, most: int) -> list[int]:
    with connected(spool) as connection:
        return [batch.num_rows for batch in sorted_events(connection, "m", WIDTH, most)]


def test_a_batch_of_large_inputs_has_fewer_rows(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert batches(spool, 40) == [40, 40, 10]
    monkeypatch.setattr(module, "BATCH_VALUES", 20 * WIDTH)
    assert batches(spool, 40) == [20, 20, 20, 20, 10]


def test_one_row_is_the_least(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH_VALUES", 1)
    assert batches(spool, 40) == [1] * 90


def test_inputs_of_the_usual_size_are_read_as_ever() -> None:
    assert module.BATCH_VALUES // 1_040 >= 8_192
    assert module.SAMPLE_VALUES // 1_040 >= module.SAMPLE_ROWS


def test_a_scale_of_large_inputs_is_learned_from_fewer(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert scale_sample(spool, "m", WIDTH).shape == (90, WIDTH)
    monkeypatch.setattr(module, "SAMPLE_VALUES", 10 * WIDTH)
    sample = scale_sample(spool, "m", WIDTH)
    assert sample.shape == (10, WIDTH)
    assert np.ptp(sample[:, 0]) >= 80
