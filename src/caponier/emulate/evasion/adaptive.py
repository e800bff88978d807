"""An attacker who has read our page: the widest steps that still get on, from a natural image, over several accounts.

After OARS (Feng, Hooda, Mangaokar, Fawaz, Jha, Prakash, 2023), which learns from refusals how far apart queries must be
and keeps to the widest proposals that still tell something. So this attack avoids what gives others away: it starts
from a picture instead of noise, never halves a step below its width, never tries tiny steps around the boundary, turns
and moves the pictures it tries, and goes wider with every account that it loses.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.attack import carry_out
from caponier.emulate.attacker.foothold import foothold
from caponier.emulate.caller.oracle import Oracle, Predict
from caponier.emulate.disguises.accounts import Switching
from caponier.emulate.images import FEATURES, SIDE, Images, shots, warped
from caponier.emulate.outcome import AttackOutcome
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId

WIDER: Final = 1.3
"""By how much the width grows when an account is lost, and what it never falls below again is what was refused."""
NARROWER: Final = 0.8
MOVE: Final = 2.5
"""Farthest that a view is moved, in pixels."""
APART: Final = 0.4
"""Share of the width that is kept between a picture that is tried and all before."""
GAIN: Final = 0.98
"""A round has got on if the distance is this share of what it was, or less."""
ENOUGH: Final = 0.45
"""Share of the first distance at which it ends: every further query is a risk."""
PATIENCE: Final = 3
SHORTER: Final = 0.92
"""Share of the distance at which nearer pictures are tried."""
TURNS: Final = (2.0, 1.0, 0.5, 0.25)
MEMORY: Final = 300
"""Answers from which the boundary's direction is learned: with wide steps no single round tells enough."""
RIDGE: Final = 1.0


@dataclass
class _Search:
    """Where the search stands."""

    oracle: Oracle
    accounts: Switching
    rng: np.random.Generator
    image: Images
    """The nearest adversarial image that was asked."""
    width: float
    """L2 length of proposals, and the finest step of a walk along a line."""
    enough: float = 0.0
    """Distance at which the attacker has what it wants."""
    least: float = 0.0
    """The widest that was refused; narrower proposals are not tried again."""
    lost: int = 0
    idle: int = 0
    """Rounds in a row that did not get on."""
    tried: list[tuple[Images, bool]] = field(default_factory=list)
    """What was asked, and whether it was misread."""

    def distance(self) -> float:
        return float(np.linalg.norm(self.image - self.oracle.original))

    def fooled(self, image: Images) -> bool:
        wrong = self.oracle.fooled(self.oracle.answer(image))
        self.tried.append((image, wrong))
        return wrong

    def close(self, image: Images) -> bool:
        """Tell whether an image is too near to one of the last that were asked to be asked itself."""
        asked = np.array([other for other, _ in self.tried[-MEMORY:]])
        return bool(np.linalg.norm(asked - image, axis=1).min() < APART * self.width)

    def slope(self) -> Images | None:
        """Fit a plane to the last answers; return where the wrong ones lie, (64,), or None if all are alike."""
        images = np.array([image for image, _ in self.tried[-MEMORY:]])
        wrong = np.array([answer for _, answer in self.tried[-MEMORY:]], np.float32)
        if wrong.min() == wrong.max():
            return None
        images -= images.mean(axis=0)
        spread = images.T @ images
        spread += RIDGE * np.trace(spread) / FEATURES * np.eye(FEATURES, dtype=np.float32)
        slope: Images = np.linalg.solve(spread, images.T @ (wrong - wrong.mean()))
        return slope / np.linalg.norm(slope)


@dataclass(frozen=True, eq=False)
class Adaptive:
    """Wide-step search in L2 by labels alone, untargeted, on one image.

    Args:
        width: First length of proposals.
        narrowest: Proposals are never shorter; below it the search gives up.
        proposals: Queries of one estimate.
        rounds: Most estimates.
        pictures: What the attacker has of its own, shape (m, 64), to blend in; views of the image under attack if it
            has nothing.
        budget: Most queries: ten times what HopSkipJump takes.
    """

    width: float = 2.0
    narrowest: float = 0.15
    proposals: int = 30
    rounds: int = 400
    budget: int = 12_000
    pictures: Images | None = None

    name: ClassVar[str] = "adaptive"
    description: ClassVar[str] = (
        "Adaptive search after OARS: from a natural image, by the largest steps that make progress, larger when refused"
    )
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )
    within: ClassVar[None] = None
    accounts: ClassVar[int] = 1

    def run(
        self,
        predict: Predict,
        original: Images,
        label: int,
        *,
        seed: int,
        budget: int | None = None,
        start: Images | None = None,
    ) -> AttackOutcome:
        """Attack one image; see `caponier.emulate.attack.Attack.run`.

        With `caponier.emulate.disguises.accounts.Switching` for `predict` it learns from every account that it
        loses; with anything else the first refusal ends it.
        """
        accounts = predict if isinstance(predict, Switching) else Switching([predict])
        rng = np.random.default_rng(seed)

        def steps(oracle: Oracle) -> None:
            found = _natural(oracle, rng, start)
            if found is not None:
                search = _Search(oracle, accounts, rng, found, self.width)
                self._walk(search, found)
                oracle.hold()
                search.enough = ENOUGH * search.distance()
                self._search(search)

        oracle = Oracle(accounts, original, label, self.budget if budget is None else budget)
        return carry_out(self, oracle, steps)

    def _search(self, search: _Search) -> None:
        for _ in range(self.rounds):
            before = search.distance()
            self._look_round(search)
            slope = search.slope()
            if slope is not None:
                self._jump(search, slope)
            self._adapt(search, progress=search.distance() <= GAIN * before)
            if search.width < self.narrowest or search.distance() <= search.enough:
                return

    def _adapt(self, search: _Search, *, progress: bool) -> None:
        """Take wider steps after a refusal, narrower ones after some rounds that led nowhere."""
        search.idle = 0 if progress else search.idle + 1
        if search.accounts.refused > search.lost:
            search.lost = search.accounts.refused
            search.least = max(search.least, search.width)
            search.width *= WIDER
        elif search.idle >= PATIENCE and search.width * NARROWER > search.least:
            search.width, search.idle = search.width * NARROWER, 0

    def _look_round(self, search: _Search) -> None:
        """Ask for pictures all around the nearest one."""
        way = self._blend(search) - search.image
        way *= search.width / np.linalg.norm(way, axis=1, keepdims=True)
        for image in _picture(search.image + way):
            search.fooled(image)

    def _blend(self, search: _Search) -> Images:
        """Return what is blended in, (n, 64): natural pictures, where noise is what `novelty` waits for."""
        if self.pictures is None:
            return _views(search.oracle.original, self.proposals, search.rng)
        return shots(self.pictures[search.rng.integers(len(self.pictures), size=self.proposals)], search.rng)

    def _jump(self, search: _Search, slope: Images) -> None:
        """Try points nearer to the original than the nearest one, ever less far turned towards the slope."""
        distance = search.distance()
        along = (search.image - search.oracle.original) / distance
        for turn in TURNS:
            way = along + turn * slope
            way *= SHORTER * distance / np.linalg.norm(way)
            tried = _picture(search.oracle.original + way)
            if not search.close(tried) and search.fooled(tried):
                search.image = tried
                self._walk(search, tried)
                return

    def _walk(self, search: _Search, image: Images) -> None:
        """Halve the way to the original in steps no finer than half the width; keep the nearest image found."""
        original, near, far = search.oracle.original, 0.0, 1.0
        length = float(np.linalg.norm(image - original))
        while (far - near) * length > search.width:
            middle = (near + far) / 2
            tried = _picture(original + middle * (image - original))
            near, far = (near, middle) if search.fooled(tried) else (middle, far)
        found = _picture(original + far * (image - original))
        if np.linalg.norm(found - original) < search.distance() or found is image:
            search.image = found


def _natural(oracle: Oracle, rng: np.random.Generator, start: Images | None) -> Images | None:
    """Find a picture of something else (64,): `start` if given, else the original on its side, upside down, mirrored.

    Noise is what `novelty` waits for; it is sent only if no picture will do.

    Raises:
        InputError: If `start` is given and the model answers to it as to the original.
    """
    if start is None:
        picture = oracle.original.reshape(SIDE, SIDE)
        views = [np.rot90(way, turns) for way in (picture, picture.T) for turns in range(4)]
        for at in rng.permutation(np.arange(1, len(views))):
            view = np.ascontiguousarray(views[at]).reshape(FEATURES)
            if oracle.fooled(oracle.answer(view)):
                return view
        return foothold(oracle, rng, None)
    if not oracle.fooled(oracle.answer(start)):
        raise InputError("The model's answer to the starting image is not an adversarial one")
    return start


def _views(image: Images, n: int, rng: np.random.Generator) -> Images:
    """Turn, mirror and move an image (64,) at random, (n, 64): to blend in what looks natural, as noise does not."""
    picture = image.reshape(SIDE, SIDE)
    mirrored = np.stack([picture, picture.T]).reshape(2, FEATURES)[rng.integers(2, size=n)]
    turns = rng.uniform(-np.pi, np.pi, n).astype(np.float32)
    moves = rng.uniform(-MOVE, MOVE, (n, 2)).astype(np.float32)
    return warped(mirrored, turns, moves, np.ones(n, np.float32))


def _picture(values: Images) -> Images:
    within: Images = np.clip(values, 0, 1).astype(np.float32)
    return within


EMULATION = Adaptive()
