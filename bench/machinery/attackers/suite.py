"""The attackers, round by round: each round was written with the detectors of its time in sight."""

from collections.abc import Iterator
from typing import Final

from bench.machinery.attackers.attacker import Attacker
from bench.machinery.attackers.covers import Camera, Decoy, Golden, Padding, Repeats, Unsearched, Views
from bench.machinery.attackers.orders import Order
from bench.machinery.attackers.steps import All, Few, Patch, Turned, Walk, Waves, Wide

RATIOS: Final = (0.5, 1, 3, 5)
"""Ordinary inputs for each query of an attack."""
IN_TURN: Final = (8, 40, 280)
MANY: Final = 320


def pictures() -> Iterator[Attacker]:
    """Yield the attackers of pictures."""
    lively, like, waves = Few("lively pixels", 6, 0.5, True, False), All("likely noise", 0.04, True), Waves()
    yield Attacker("a pixel", Few("a pixel", 1, 0.6), inputs=150, most=200)
    for step in (lively, All("little noise", 0.03), like, waves, Patch(), Wide(), Turned(), Walk()):
        yield Attacker(step.name, step, inputs=100)
    for inputs in IN_TURN:
        for step in (lively, waves, Patch()):
            yield Attacker(f"{step.name}, {inputs} in turn", step, Order(inputs), inputs=MANY)
    yield Attacker("waves, 600 in turn", waves, Order(600))
    yield Attacker("patches, 600 in turn", Patch(), Order(600))
    yield Attacker("waves, 40 shuffled", waves, Order(40, shuffled=True))
    yield Attacker("waves, left and begun again", waves, Order(30, each=4))
    for ratio in RATIOS:
        yield Attacker(f"waves, {ratio:g} ordinary each", waves, covers=(Padding(ratio),))
        yield Attacker(f"waves, 8 in turn, {ratio:g} ordinary each", waves, Order(8), (Padding(ratio),))
    yield Attacker("patches, 8 in turn, 3 ordinary each", Patch(), Order(8), (Padding(3),))
    yield Attacker("lively pixels, 8 in turn, 3 ordinary each", lively, Order(8), (Padding(3),), inputs=100)
    for step in (lively, waves, Patch()):
        yield Attacker(f"{step.name}, decoy first", step, covers=(Decoy(),), inputs=100)
    yield Attacker("waves, two decoys first", waves, covers=(Decoy(twice=True),))
    yield Attacker("waves, decoy first, 8 in turn, 1 ordinary each", waves, Order(8), (Decoy(), Padding(1)))
    yield Attacker("waves, slowly", waves, rhythm="steady")
    yield Attacker("waves, at night", waves, rhythm="night")
    yield Attacker("waves, as an A/B tester", waves, covers=(Repeats(1),))
    yield Attacker("waves, as a poller", waves, covers=(Golden(), Repeats(2)), rhythm="steady")
    yield Attacker("waves, as a camera", waves, covers=(Camera(),), rhythm="steady")
    yield Attacker("likely noise, as a camera", like, covers=(Camera(),), rhythm="steady")
    yield Attacker("waves, as an augmenter", waves, covers=(Views(),), rhythm="burst")
    yield Attacker("waves, highs between", waves, covers=(Unsearched(),))


def tables() -> Iterator[Attacker]:
    """Yield the attackers of tables of numbers."""
    field, fields, noise = Few("a field", 1, 0.3), Few("lively fields", 3, 0.3, True, False), All("noise", 0.1)
    for step in (field, fields, noise, Wide(share=0.7), Walk()):
        yield Attacker(step.name, step, inputs=100)
    for inputs in IN_TURN:
        for step in (fields, noise):
            yield Attacker(f"{step.name}, {inputs} in turn", step, Order(inputs), inputs=MANY)
    for step in (fields, noise):
        for ratio in RATIOS[1:]:
            yield Attacker(f"{step.name}, {ratio:g} ordinary each", step, covers=(Padding(ratio),), inputs=100)
        yield Attacker(f"{step.name}, 8 in turn, 3 ordinary each", step, Order(8), (Padding(3),), inputs=100)
        yield Attacker(f"{step.name}, decoy first", step, covers=(Decoy(),), inputs=100)
        yield Attacker(f"{step.name}, slowly", step, rhythm="steady", inputs=100)
        yield Attacker(f"{step.name}, as an A/B tester", step, covers=(Repeats(1),), inputs=100)
        yield Attacker(f"{step.name}, as a poller", step, covers=(Golden(), Repeats(2)), inputs=100)


def quick(everybody: Iterator[Attacker]) -> list[Attacker]:
    """Return every third of them."""
    return list(everybody)[::3]
