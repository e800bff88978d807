"""Detectors and trials for the tests of coverage, as hypothesis draws them over the real matrix."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from caponier.coverage.heat_map import MATRIX
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import load
from caponier.records.trial import Trial

VERSION = "1.0"
IDS = [technique.id for technique in load(MATRIX).techniques]
NAMES = ("flood", "novelty", "sigma:login", "<b>&\"'")


@dataclass(frozen=True)
class Declared:
    """All that coverage knows of a detector."""

    name: str
    techniques: tuple[TechniqueId, ...]


entries = st.lists(st.sampled_from(IDS), max_size=6).map(lambda ids: tuple(TechniqueId(MATRIX, id_) for id_ in ids))
foreign = st.lists(st.sampled_from(["AML.T0029", "AML.T0043.001"]), max_size=1).map(
    lambda ids: tuple(TechniqueId("atlas", id_) for id_ in ids)
)
techniques = st.tuples(foreign, entries).map(lambda both: both[0] + both[1])
detectors = st.lists(
    st.builds(Declared, st.sampled_from(NAMES), techniques), max_size=3, unique_by=lambda detector: detector.name
)
times = st.integers(0, 5).map(lambda hours: datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=hours))
trials = st.lists(
    st.builds(
        Trial,
        trial_id=st.integers(0, 99).map(str),
        detector=st.sampled_from(NAMES),
        techniques=techniques,
        emulation=st.sampled_from(["walk", "drown & <out>"]),
        control=st.just("poller, camera"),
        target=st.sampled_from(["digits-mlp", "digits-forest"]),
        caponier_version=st.sampled_from([VERSION, VERSION, "0.9"]),
        time=times,
        attack_succeeded=st.booleans(),
        detected=st.booleans(),
        control_silent=st.booleans(),
    ),
    max_size=5,
)


def trial(techniques: tuple[TechniqueId, ...], hours: float = 0.0, **changes: object) -> Trial:
    """A trial that passed, on the first of the names."""
    properties: dict[str, object] = {
        "trial_id": "t",
        "detector": NAMES[0],
        "techniques": techniques,
        "emulation": "walk",
        "control": "poller",
        "target": "digits-mlp",
        "caponier_version": VERSION,
        "time": datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=hours),
        "attack_succeeded": True,
        "detected": True,
        "control_silent": True,
    }
    return Trial(**(properties | changes))  # type: ignore[arg-type]
