"""Reveal the model's family: a network, a linear model, or trees, told by how scores move where inputs move a little.

Along a straight line of inputs the log-odds of a linear model are straight, those of a network bend, and the scores of
trees stand still and then jump. Around these lines come the questions that tell families apart on other servers: which
methods of explanation there are, which outputs, what becomes of a missing value, and how many digits a score has.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from caponier.emulate.caller.model_api import ModelApi, scores_of, tensor
from caponier.emulate.caller.wire import Metered, Wire
from caponier.emulate.emulation import carried_out
from caponier.emulate.images import FEATURES, Images
from caponier.emulate.probe import ProbeOutcome, Truth
from caponier.matrix.technique import TechniqueId

Scores = npt.NDArray[np.float64]
Question = Callable[[], object]

LONG, SHORT = 11, 7
"""Points on a line between two inputs, and on one of steps that only exact arithmetic notices."""
STEP: Final = 1e-4
EXPLAINED: Final = 7
METHODS: Final = ("tree_shap", "integrated_gradients", "lime", "anchor")
OUTPUTS: Final = ("logits", "leaf_index", "embedding")
ODD_VALUES: Final = (None, 1e300, "x")
HALVES: Final = ("FP16", "BF16")
STILL: Final = 0.2
"""Share of the tiny steps without any change above which scores are those of trees; those of others change always."""
STRAIGHT: Final = 1e-3
"""Second differences of log-odds up to this share of their range are rounding."""
TINY: Final = 1e-20
"""Scores below are not trusted: float32 loses their digits."""


@dataclass(frozen=True)
class FamilyFingerprint:
    """Asks along lines.

    Args:
        budget: Most requests altogether.
        thorough: Share of the questions that are asked beside the lines.
    """

    budget: int = 80
    thorough: float = 0.85

    name: ClassVar[str] = "family_fingerprint"
    description: ClassVar[str] = (
        "Family fingerprint: scores along lines of inputs in long and in tiny steps, explanations by every method, odd "
        "values; a success if the family is named right: network, linear or trees"
    )
    gap_s: ClassVar[float] = 0.5
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0014"),
        TechniqueId("amltm-2020", "AMLTM.RECON.02.02"),
    )

    def run(
        self, wire: Wire, model: str, truth: Truth, *, seed: int, budget: int | None = None, gap_s: float | None = None
    ) -> ProbeOutcome:
        """Take the fingerprint; see `caponier.emulate.probe.Probe.run`."""
        rng = np.random.default_rng(seed)
        line = Metered(wire, self.budget if budget is None else budget, self.gap_s if gap_s is None else gap_s, rng)
        print_ = _Fingerprint(ModelApi(line, model), rng, self.thorough)
        stop = carried_out(print_.take)
        still, bent = print_.still(), print_.bent()
        guess = family(still, bent)
        return ProbeOutcome(
            name=self.name,
            techniques=self.techniques,
            requests=line.requests,
            success=guess == truth.family,
            stop=stop,
            found={"family": guess},
            measure={"still_share": still, "bend": bent, "lines": len(print_.long)},
        )


class _Fingerprint:
    """The scores that were seen, by line."""

    def __init__(self, api: ModelApi, rng: np.random.Generator, thorough: float) -> None:
        self._api = api
        ends = rng.random((4, FEATURES)).astype(np.float32) * (rng.random((4, FEATURES)) < 0.6)
        self._rng = rng
        self._thorough = thorough
        self.long = [_Line(along(ends[0], ends[1], LONG)), _Line(along(ends[2], ends[3], LONG))]
        self.short = _Line(ends[0] + STEP * np.arange(SHORT, dtype=np.float32)[:, None])

    def take(self) -> None:
        """Read the metadata, and then ask everything in any order."""
        self._api.metadata()
        questions = [*self._along_lines(), *(one for one in self._around() if self._rng.random() < self._thorough)]
        for place in self._rng.permutation(len(questions)):
            questions[place]()

    def _along_lines(self) -> Iterator[Question]:
        for line in (*self.long, self.short):
            yield from (partial(line.ask, self._api, place) for place in range(len(line.points)))

    def _around(self) -> Iterator[Question]:
        """Yield what tells families apart on other servers."""
        api, row = self._api, self.long[0].points[:1]
        yield from (partial(api.explain, self.long[place % 2].points[place : place + 1]) for place in range(EXPLAINED))
        yield from (partial(api.explain, row, method) for method in METHODS)
        yield from (partial(api.predict, row, outputs=[output]) for output in OUTPUTS)
        yield from (partial(api.infer, _with_first(row, value)) for value in ODD_VALUES)
        yield from (partial(api.predict, row, datatype=datatype) for datatype in HALVES)
        yield from (partial(api.metadata, version) for version in ("1", "2"))

    def still(self) -> float:
        """Return the share of tiny steps that changed nothing at all."""
        scores = self.short.seen()
        return float((np.diff(scores, axis=0) == 0).all(axis=1).mean()) if len(scores) > 1 else 0.0

    def bent(self) -> float:
        """Return how far log-odds are from straight, as a share of their range: the larger of the long lines."""
        return max(bend(line.seen()) for line in self.long)


class _Line:
    """Inputs (k, 64) on a straight line, and the answers to them."""

    def __init__(self, points: Images) -> None:
        self.points = points
        self._scores: dict[int, Scores] = {}

    def ask(self, api: ModelApi, place: int) -> None:
        """Ask for one point, and keep the answer if there is one."""
        scores = scores_of(api.predict(self.points[place : place + 1]))
        if scores is not None:
            self._scores[place] = scores[0]

    def seen(self) -> Scores:
        """Return the scores (m, c) in the order of the line; nothing if one is missing, since steps must be equal."""
        whole = len(self._scores) == len(self.points)
        return np.array([self._scores[place] for place in sorted(self._scores)]) if whole else np.zeros((0, 1))


def _with_first(row: Images, value: Any) -> dict[str, Any]:
    """Return a request whose first number is something else."""
    asked = tensor(row)
    return {"inputs": [asked | {"data": [value, *asked["data"][1:]]}]}


def along(begin: Images, end: Images, n: int) -> Images:
    """Return `n` inputs (n, d) at equal steps from one to another."""
    share = np.linspace(0, 1, n, dtype=np.float32)[:, None]
    points: Images = begin + share * (end - begin)
    return points


def bend(scores: Scores) -> float:
    """Return the largest second difference of the log-odds of scores (m, c) as a share of their range; 0 if flat."""
    if len(scores) < 3:
        return 0.0
    trusted = np.flatnonzero((scores > TINY).all(axis=0))
    if len(trusted) < 2:
        return 0.0
    logs = np.log(scores[:, trusted])
    odds = logs[:, 1:] - logs[:, :1]
    spread = np.ptp(odds, axis=0)
    moved = spread > 0
    bends = np.abs(np.diff(odds, 2, axis=0)).max(axis=0)
    return float((bends[moved] / spread[moved]).max(initial=0.0))


def family(still: float, bent: float) -> str:
    """Name the family by the share of tiny steps that changed nothing, and by the bend of long lines."""
    if still > STILL:
        return "trees"
    return "linear" if bent <= STRAIGHT else "network"


PROBE = FamilyFingerprint()
