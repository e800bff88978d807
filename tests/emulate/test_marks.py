import numpy as np
import pytest

from caponier.emulate.controls.newcomers.occlusions import NEWCOMER as OCCLUSIONS
from caponier.emulate.controls.newcomers.stamps import NEWCOMER as STAMPS
from caponier.emulate.controls.newcomers.stickers import NEWCOMER as STICKERS
from caponier.emulate.images import SIDE, Images
from caponier.emulate.marks import STAMP, covered, stamped, stickered
from caponier.emulate.victims.digits import Pool, Victim
from emulate.wires import kinds, visited


def squares(images: Images) -> Images:
    return images.reshape(-1, SIDE, SIDE)


def test_a_sticker_is_one_small_square_of_one_shade(pool: Images, rng: np.random.Generator) -> None:
    blank = np.full((200, 64), 2, np.float32)
    stuck = squares(stickered(blank, rng))
    for image in stuck:
        rows, columns = np.nonzero(image != 2)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert {height, width} <= {2, 3}
        assert len(rows) == height * width
        assert len(np.unique(image)) == 2
    assert len(np.unique(stuck != 2, axis=0)) > 50
    assert (blank == 2).all()


def test_the_stamp_is_the_same_on_all_and_nothing_else_changes(pool: Images) -> None:
    marked, before = squares(stamped(pool)), squares(pool)
    assert np.allclose(marked[:, :2, :3], STAMP)
    assert np.array_equal(marked[:, 2:], before[:, 2:])
    assert np.array_equal(marked[:, :, 3:], before[:, :, 3:])


def test_something_in_the_way_hides_one_side(rng: np.random.Generator) -> None:
    hidden = squares(covered(np.full((200, 64), 2, np.float32), rng)) != 2
    assert set(hidden.sum(axis=(1, 2)).tolist()) == {SIDE, 2 * SIDE}
    sides = (
        hidden[:, 0].all(axis=1),
        hidden[:, -1].all(axis=1),
        hidden[:, :, 0].all(axis=1),
        hidden[:, :, -1].all(axis=1),
    )
    assert np.array_equal(np.sum(sides, axis=0), np.ones(200))
    assert all(side.any() for side in sides)


@pytest.mark.parametrize("mark", [stickered, covered])
def test_marks_are_fixed_by_the_generator(mark: object, pool: Images) -> None:
    assert callable(mark)
    once, again = (mark(pool[:50], np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(once, again)
    assert once.min() >= 0
    assert once.max() <= 1


def test_people_read_on_and_so_does_the_model_mostly(targets: Pool, victim: Victim, rng: np.random.Generator) -> None:
    for marked in (stickered(targets.images, rng), stamped(targets.images), covered(targets.images, rng)):
        assert (victim.answers(marked) == targets.labels).mean() > 0.5


def test_callers_read_the_metadata_once_and_send_marked_pictures(pool: Images) -> None:
    for caller in (STICKERS, STAMPS, OCCLUSIONS):
        (line,) = visited(caller, pool, requests=60)
        assert [operation for operation, _ in kinds(line)] == ["metadata"] + ["predict"] * 59
    (line,) = visited(STAMPS, pool, requests=30)
    sent = squares(np.array([row["input"] for row in line if row["operation"] == "predict"], np.float32))
    assert np.allclose(sent[:, :2, :3], STAMP)
