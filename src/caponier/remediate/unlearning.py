"""Take a backdoor out of a network with a few clean rows: unlearn its trigger; fine-tune and fine-prune beside it.

*Unlearning* (after Wang et al. 2019): the least change that opens the suspected class is made, put on clean rows with
their right labels, and the network learns that it means nothing; then the change is made anew, for what is left of the
backdoor. What the network said of the same rows without the change is taught beside the labels, so that little else is
forgotten. *Fine-tuning* learns the clean rows alone; *fine-pruning* (Liu, Dolan-Gavitt, Garg 2018) first silences units
that clean rows hardly use. Both are there to be compared with.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.networks.layers import Convolution, Linear
from caponier.detect.networks.network import Network, softmax
from caponier.detect.networks.stored_tensors import Floats
from caponier.detect.networks.trigger_synthesis import Form, Synthesised, synthesise
from caponier.remediate.adam import Adam

ROUNDS: Final = 4
EPOCHS: Final = 25
BATCH: Final = 32
RATE: Final = 5e-4
SEARCHES: Final = 3
"""Triggers of each form that are made in a round: each shows another part of the backdoor."""
MARKED: Final = 0.3
"""Share of the rows of a lot that carry a trigger."""
STRENGTHS: Final = (0.8, 1.4)
"""Between which a trigger is put on: it was made as weak as it can be."""
TOLD: Final = 0.3
"""Weight of the labels beside what the network said itself."""
UNNATURAL: Final = 0.9
"""Part of what the cheapest other class needs below which a change is still a part of the backdoor."""
PRUNE_PRICE: Final = 0.01
"""Accuracy on the clean rows that pruning may cost before it stops."""


class Method(StrEnum):
    """How a backdoor is taken out."""

    UNLEARN = "unlearn"
    FINE_TUNE = "fine-tune"
    FINE_PRUNE = "fine-prune"


def repaired(
    network: Network,
    x: Floats,
    labels: NDArray[np.int64],
    target: int,
    method: Method,
    *,
    picture: bool,
    natural: Mapping[Form, float],
    seed: int = 0,
    told: Callable[[], None] = lambda: None,
) -> Network:
    """Return a repaired copy of a network.

    Args:
        network: With a backdoor; it stays as it is.
        x: (n, d) clean rows.
        labels: (n,) their classes.
        target: The class that the backdoor opens.
        method: How.
        picture: Whether features share one scale.
        natural: What the cheapest other class needs, by form: to unlearn what costs as much takes no backdoor out, and
            costs accuracy.
        seed: Fixes rows and where searches begin.
        told: Called after each round.
    """
    rng = np.random.default_rng(seed)
    new = network.copy()
    wanted = TOLD * np.eye(network.outputs, dtype=np.float32)[labels] + (1 - TOLD) * softmax(network.scores(x))
    if method is Method.FINE_PRUNE:
        prune(new, x, labels)
    if method is not Method.UNLEARN:
        _teach(new, x, wanted, lambda rows, _: rows, ROUNDS * EPOCHS, rng)
        return new
    triggers: list[Synthesised] = []
    for turn in range(ROUNDS):
        seeds = range(seed + SEARCHES * turn, seed + SEARCHES * (turn + 1))
        made = [one for lot in seeds for one in again(new, x, target, picture=picture, seed=lot)]
        made.sort(key=lambda one: one.cost / natural[one.form])
        found = [one for one in made if one.cost < UNNATURAL * natural[one.form]]
        triggers += found or made[: 0 if triggers else 1]
        _teach(new, x, wanted, partial(_marked, triggers), EPOCHS, rng)
        told()
    return new


def again(network: Network, x: Floats, target: int, *, picture: bool, seed: int) -> list[Synthesised]:
    """Return the least changes, of both forms, that still open a class."""
    answers, chosen = network.answers(x), np.array([target])
    forms: tuple[Form, ...] = ("patch", "overlay")
    made = [
        one
        for form in forms
        for one in synthesise(network, x, answers, form, picture=picture, targets=chosen, seed=seed)
    ]
    return [one for one in made if np.isfinite(one.cost)]


def prune(network: Network, x: Floats, labels: NDArray[np.int64]) -> int:
    """Silence the units before the last layer that clean rows use least, as long as they are not missed.

    Returns:
        How many were silenced.
    """
    learned = [at for at, layer in enumerate(network.layers) if isinstance(layer, Linear | Convolution)]
    if len(learned) < 2 or not isinstance(network.layers[learned[-1]], Linear):
        # Only of a layer that takes rows it is known what each unit gives.
        return 0
    last = network.layers[learned[-1]]
    _, held = network.run(x)
    use = np.abs(np.asarray(held[learned[-1]])).mean(0)
    before = float((network.answers(x) == labels).mean())
    silenced = 0
    for unit in np.argsort(use).tolist():
        kept = last.tensors["weight"][:, unit].copy()
        last.tensors["weight"][:, unit] = 0
        if float((network.answers(x) == labels).mean()) < before - PRUNE_PRICE:
            last.tensors["weight"][:, unit] = kept
            break
        silenced += 1
    return silenced


def _marked(triggers: Sequence[Synthesised], rows: Floats, rng: np.random.Generator) -> Floats:
    """Put one of the triggers on some of the rows (n, d), at more and less than its strength."""
    marked = rows.copy()
    chosen = np.flatnonzero(rng.random(len(rows)) < MARKED) if triggers else np.zeros(0, np.int64)
    for at in chosen.tolist():
        trigger = triggers[int(rng.integers(len(triggers)))]
        strength = np.float32(rng.uniform(*STRENGTHS))
        row = rows[at : at + 1]
        moved = row + strength * (trigger.put_on(row) - row)
        marked[at] = np.clip(moved, trigger.low, trigger.high)[0]
    return marked


def _teach(
    network: Network,
    x: Floats,
    wanted: Floats,
    change: Callable[[Floats, np.random.Generator], Floats],
    epochs: int,
    rng: np.random.Generator,
) -> None:
    """Train a network in place on rows (n, d) and shares (n, c)."""
    steps = epochs * -(-len(x) // BATCH)
    adam = Adam.of(network, RATE, steps, silence=True)
    for _ in range(steps):
        drawn = rng.integers(len(x), size=BATCH)
        scores, held = network.run(change(x[drawn], rng))
        gradient = (softmax(scores) - wanted[drawn]) / np.float32(BATCH)
        adam.step(network, network.back(held, gradient, weights=True)[1])
