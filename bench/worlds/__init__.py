"""Worlds that others made without seeing the detectors: models, benign callers of many habits, and many attackers.

    from bench.worlds import load

    world = load("digits_cnn")
    world.calibration(seed=1), world.use(seed=1), world.attackers(seed=1)

`python -m bench.worlds NAME --seed 1` prints what a world holds and how its attacks fared; all is kept on disk for as
long as the code of the worlds stays the same. `OPEN` and `OPEN_2` ones may be looked into; of the held-out ones nobody
looks at a detection's result while working on it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench.worlds.world import World

OPEN: Final = ("digits_cnn", "spam_trees", "credit", "mails")
HELD_OUT: Final = ("photos", "telescope", "forest_many", "digits_16")
OPEN_2: Final = ("satellite", "survey")
"""Worlds whose callers change more between the two logs than in the first ones."""
HELD_OUT_2: Final = ("strokes", "meters")
"""Of the same sort, run once: see docs/explanation/abroad.md."""
HELD_OUT_3: Final = ("pumps",)
"""In which values are missing, and sources fail for many callers at once: run once, when all is done."""
ALL: Final = OPEN + HELD_OUT + OPEN_2 + HELD_OUT_2 + HELD_OUT_3


def load(name: str) -> "World":
    """Return the world of a name."""
    from bench.worlds.world import World

    if name not in ALL:
        raise ValueError(f"there is no world {name!r}; there are {', '.join(ALL)}")
    module = import_module(f"bench.worlds.models.{name}")
    return World(name, str(module.__doc__).strip(), module.trains)
