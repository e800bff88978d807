"""Whether the detectors can tell attackers on this model from its benign callers: attacks planted into the benign log.

A detector that scores benign callers as high as attackers finds nothing, and makes everybody else's evidence worse. So
a few attackers of each kind are emulated on a copy of the model, as in `validate_log`, and scored by what a draft of a
baseline learned; where hardly any of a detector's own attackers is rarer than one benign caller in a hundred, it is
off, unless it tells attackers of another kind that no other detector tells.
"""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from caponier.app.inference.baseline.build import Tested
from caponier.app.inference.load import load_events
from caponier.app.planting.own_log import ATTACKED, OwnLog
from caponier.app.planting.planted_log import PlantedAttacker, attackers, plant
from caponier.app.planting.validate_log import Effort, attacked, copied
from caponier.app.progress import Progress, Silent
from caponier.detect.calibration.ages import AGES
from caponier.detect.calibration.baseline import DetectorBaseline, ModelBaseline
from caponier.detect.calibration.joint_tail import UNIT
from caponier.detect.calibration.judging import FEWEST, Gathered, rarest
from caponier.detect.detector import EventDetector, Subject, in_units
from caponier.emulate.attacker.black_box import evasion
from caponier.engines.local import gather
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.shares import EVERYBODY
from caponier.engines.spool import ModelSummary, Spool, caller_of
from caponier.errors import InputError, MissingExtraError
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows

EACH: Final = 3
"""Attackers of each kind."""
COMMON: Final = 0.01
"""Share of benign callers above which what an attacker reaches is common."""
TOLD: Final = 1 / 3
"""Share of the attackers of some kind that a detector must tell."""


@dataclass(frozen=True)
class SelfTest:
    """Plants attackers into the log that a baseline is built from.

    Args:
        detectors: Who learns.
        salt: The workspace's.
        progress: Told how far it is.
        seed: Fixes everything.
    """

    detectors: Sequence[EventDetector]
    salt: bytes = b""
    progress: Progress | None = None
    seed: int = 0

    def __call__(self, draft: ModelBaseline, spool: Spool, summary: ModelSummary) -> Tested:
        """Return which detectors cannot tell their attackers, and why; or why that was not tried."""
        try:
            evasion()
        except MissingExtraError:
            return Tested(not_run="without the extra emulate: pip install 'caponier[emulate]'")
        if draft.spec.kind not in ATTACKED:
            return Tested(not_run=f"attacks are planted on images and numbers, not on {draft.spec.kind} inputs")
        watch = self.progress or Silent()
        log = OwnLog(spool, summary, draft.spec, EVERYBODY)
        try:
            with tempfile.TemporaryDirectory(prefix="caponier-selftest-") as folder:
                with copied(log, None, self.seed, watch) as copy:
                    runs, _ = attacked(log, copy, Effort(EACH, seed=self.seed), watch)
                planted = attackers(log, runs, self.seed)
                path = Path(folder) / "planted.parquet"
                plant(log, planted, copy.names, path, None, self.seed)
                found = self._scored(draft, path)
        except InputError as lack:
            return Tested(not_run=lack.what)
        return Tested(off=self._off(draft, planted, found))

    def _scored(self, draft: ModelBaseline, path: Path) -> dict[str, Gathered]:
        known = {one.name: one for one in self.detectors}
        lines = tuple(
            CalibratedDetector(known[name], one.params)
            for name, one in draft.detectors.items()
            if name in known and Plan.kind_of(known[name]) is Subject.PRINCIPAL
        )
        encoder = Encoder(draft.spec, draft.knots)
        found = {line.name: Gathered() for line in lines}
        with Spool() as spool:
            load_events(spool, [path], RejectedRows(), Silent(), salt=self.salt, spec_of=lambda _: draft.spec)
            gather(spool, Plan(draft.model, encoder, lines, self.salt), EVERYBODY, found)
        return found

    def _off(
        self, draft: ModelBaseline, planted: Sequence[PlantedAttacker], found: dict[str, Gathered]
    ) -> dict[str, str]:
        kinds = {who: one.run.kind for one in planted for who in one.subjects}
        tried = [
            _Tried(detector, draft.detectors[detector.name], found[detector.name], kinds)
            for detector in self.detectors
            if detector.name in draft.detectors
            and detector.name in found
            and draft.detectors[detector.name].ranks.n >= FEWEST
            and found[detector.name].names
        ]
        return off_of(tried)


class _Tried:
    """One detector, and which kinds of planted attackers it can tell."""

    def __init__(
        self, detector: EventDetector, learned: DetectorBaseline, gathered: Gathered, kinds: dict[str, str]
    ) -> None:
        self.detector, self._ranks = detector, learned.ranks
        self._names = sorted(gathered.names)
        self._lives, _ = gathered.of(self._names)
        self._peaks, self._of_kind = gathered.peaks(), dict[str, list[int]]()
        for at, name in enumerate(self._names):
            if kind := kinds.get(caller_of(name).id):
                self._of_kind.setdefault(kind, []).append(at)
        rare = rarest(self._ranks, self._lives) / UNIT > -math.log(COMMON)
        self.tells = {kind for kind, own in self._of_kind.items() if rare[own].mean() >= TOLD}
        self.own = {*self._of_kind} & {*detector.emulations}
        """Kinds of its own that were planted."""

    @property
    def passes(self) -> bool:
        """Whether it tells a kind of its own, or none was planted."""
        return not self.own or bool(self.own & self.tells)

    def why_off(self) -> str | None:
        """Return what attackers and benign callers come to; None if these are quiet, so that it costs nothing."""
        rows = [at for kind in self.own for at in self._of_kind[kind]]
        reached = float(np.median([self._peaks[self._names[at]] for at in rows]))
        oldest = np.array([int(self._lives.last[rows].max())])
        usual = float(self._ranks.score_at(-math.log(COMMON), oldest)[0])
        if usual <= self.detector.floor:
            # It may see other attacks than those that were planted.
            return None
        return (
            f"cannot tell emulated attackers ({', '.join(sorted(self.own))}) from benign callers of this model: after "
            f"{AGES[oldest[0]]:,} {self.detector.counts.value} the median attacker scores "
            f"{in_units(self.detector, reached):,.4g}, and one benign caller in a hundred scores "
            f"{in_units(self.detector, usual):,.4g} or more"
        )


def off_of(tried: Sequence[_Tried]) -> dict[str, str]:
    """Return which detectors are off, and why: who tells none of its own attackers, nor any that no other tells."""
    known = {kind for one in tried if one.passes for kind in one.tells}
    doubtful = [one for one in tried if not one.passes and one.tells <= known]
    return {one.detector.name: why for one in doubtful if (why := one.why_off()) is not None}
