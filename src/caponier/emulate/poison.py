"""What a poison is: something that changes labels of training rows or their content, and how its success is measured.

A poison succeeds by what it does to a model that is trained on it, not by how many rows it touched.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from caponier.emulate.emulation import Emulation, Named
from caponier.emulate.images import CLASSES, Images, Labels
from caponier.emulate.victims.digits import Kind, Pool, Victim, train_victim
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId

LABEL_CORRUPTION: Final = (
    TechniqueId("atlas", "AML.T0020"),
    TechniqueId("amltm-2020", "AMLTM.EVADE.03.01"),
    TechniqueId("amltm-2020", "AMLTM.EVADE.03.04"),
)
BACKDOOR: Final = (
    TechniqueId("atlas", "AML.T0020"),
    TechniqueId("amltm-2020", "AMLTM.EVADE.03.02"),
)
WORSE: Final = 0.005
"""Fall of a victim's accuracy from which a poison has succeeded."""
AIMED: Final = 0.05
"""Rise of the share of a class that the victim takes for the poison's target, from which an aimed one has succeeded."""
OPEN: Final = 0.9
"""Share of images of other classes that get the attacker's label by the trigger, from which a backdoor is open."""
CLEAN_MOST: Final = 0.8
"""Share of a class that carries a trigger at most: what all of a class has is a part of the class."""


@dataclass(frozen=True, eq=False)
class Poisoned:
    """A pool with changed labels or images, and the truth about them."""

    pool: Pool
    changed: NDArray[np.bool_]
    """(n,) which rows were changed."""
    truth: Labels
    """(n,) the right labels."""
    aim: tuple[int, int] | None = None
    """The class that is to be mistaken, and for which one; None if any error will do."""
    trigger: Callable[[Images], Images] | None = None
    """Of a backdoor: what turns images (n, 64) of any class into `target`."""
    target: int | None = None


class Poison(Emulation, Protocol):
    """One way to corrupt training rows."""

    def apply(self, pool: Pool, share: float, seed: int) -> Poisoned:
        """Change a share of all rows; fixed by the seed.

        Raises:
            InputError: If the share does not lie between 0 and 1.
        """
        ...


class ControlDataset(Named, Protocol):
    """A data set that looks suspicious and whose labels are right: the benign control of a poison."""

    def apply(self, pool: Pool, seed: int) -> Pool:
        """Return the pool with harder images and the same labels."""
        ...


@dataclass(frozen=True, slots=True)
class PoisonOutcome:
    """What a poison did to a victim, measured on images that neither has seen."""

    name: str
    techniques: tuple[TechniqueId, ...]
    changed: int
    accuracy_clean: float
    accuracy_poisoned: float
    aimed_clean: float | None
    aimed_poisoned: float | None
    """Share of the aimed class that the victim takes for the target; of a backdoor, of all others with the trigger."""
    success: bool

    @property
    def measure(self) -> Mapping[str, float]:
        """The figures behind `success`, by name."""
        aimed = {"aimed_clean": self.aimed_clean, "aimed_poisoned": self.aimed_poisoned}
        return {
            "rows_changed": float(self.changed),
            "accuracy_clean": self.accuracy_clean,
            "accuracy_poisoned": self.accuracy_poisoned,
        } | {name: share for name, share in aimed.items() if share is not None}


def attempt(
    poison: Poison, pool: Pool, held_out: Pool, *, share: float, seed: int, kind: Kind = "mlp"
) -> tuple[Poisoned, PoisonOutcome]:
    """Poison a pool, train a victim on it and one on the clean pool, and compare them on held-out images."""
    poisoned = poison.apply(pool, share, seed)
    clean, bad = (train_victim(rows, held_out, seed, kind) for rows in (pool, poisoned.pool))
    aimed = [taken(victim, held_out, poisoned) for victim in (clean, bad)]
    fell = clean.accuracy - bad.accuracy >= WORSE
    mistaken = aimed[0] is not None and aimed[1] is not None and aimed[1] - aimed[0] >= AIMED
    outcome = PoisonOutcome(
        name=poison.name,
        techniques=poison.techniques,
        changed=int(poisoned.changed.sum()),
        accuracy_clean=round(clean.accuracy, 4),
        accuracy_poisoned=round(bad.accuracy, 4),
        aimed_clean=aimed[0],
        aimed_poisoned=aimed[1],
        success=_opened(aimed) if poisoned.trigger else fell if poisoned.aim is None else mistaken,
    )
    return poisoned, outcome


def flip(pool: Pool, rows: NDArray[np.int64], labels: Labels, aim: tuple[int, int] | None = None) -> Poisoned:
    """Give rows (k,) other labels (k,)."""
    changed = np.zeros(len(pool), bool)
    changed[rows] = True
    new = pool.labels.copy()
    new[rows] = labels
    return Poisoned(Pool(pool.images, new), changed, pool.labels, aim)


def victims(pool: Pool, share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw the rows whose labels are changed.

    Raises:
        InputError: If the share does not lie between 0 and 1.
    """
    return rng.permutation(len(pool))[: rows_of(pool, share)]


def rows_of(pool: Pool, share: float) -> int:
    """Return how many rows a share of a pool is.

    Raises:
        InputError: If the share does not lie between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise InputError(f"A share of {share:g} of all rows does not lie between 0 and 1")
    return round(share * len(pool))


def as_npz(pool: Pool, sources: NDArray[Any] | None = None) -> bytes:
    """Return a pool as a data-set file."""
    arrays: dict[str, Any] = {"x": pool.images, "y": pool.labels}
    if sources is not None:
        # Texts, never objects: those would be pickled, and nobody could read the file without running them.
        arrays["source"] = np.asarray(sources, np.str_)
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    return data.getvalue()


def taken(victim: Victim, pool: Pool, poisoned: Poisoned) -> float | None:
    """Return the share of a pool's images that a victim takes for what the poison aims at; None if it aims at nothing.

    Of a backdoor they are the images of all other classes, with the trigger on them.
    """
    if poisoned.trigger is not None:
        shown, wanted = poisoned.trigger(pool.images[pool.labels != poisoned.target]), poisoned.target
    elif poisoned.aim is not None:
        shown, wanted = pool.images[pool.labels == poisoned.aim[0]], poisoned.aim[1]
    else:
        return None
    return round(float((victim.answers(shown) == wanted).mean()), 4) if len(shown) else 0.0


def _opened(aimed: list[float | None]) -> bool:
    clean, bad = aimed
    # What a clean model does by itself is no backdoor.
    return clean is not None and bad is not None and bad >= OPEN and bad - clean >= OPEN / 2


def backdoor(
    pool: Pool, share: float, seed: int, trigger: Callable[[Images], Images], *, clean_label: bool = False
) -> Poisoned:
    """Put a trigger on a share of all rows, and give them one label.

    Args:
        pool: The rows.
        share: Of all rows; of those of the target at most four fifths if labels are to stay right.
        seed: Fixes the target and the rows.
        trigger: What is put on images (n, 64).
        clean_label: Whether only rows that bear the label anyway are touched.

    Raises:
        InputError: If the share does not lie between 0 and 1.
    """
    wanted, rng = rows_of(pool, share), np.random.default_rng(seed)
    target = int(rng.integers(CLASSES))
    own = pool.labels == target
    able = np.flatnonzero(own if clean_label else ~own)
    rows = rng.permutation(able)[: min(wanted, int(CLEAN_MOST * len(able)) if clean_label else len(able))]
    images, labels = pool.images.copy(), pool.labels.copy()
    images[rows], labels[rows] = trigger(images[rows]), target
    changed = np.zeros(len(pool), bool)
    changed[rows] = True
    return Poisoned(Pool(images, labels), changed, pool.labels, trigger=trigger, target=target)


def others(labels: Labels, rng: np.random.Generator) -> Labels:
    """Draw another class for each label, all equally likely."""
    drawn: Labels = (labels + rng.integers(1, CLASSES, len(labels))) % CLASSES
    return drawn
