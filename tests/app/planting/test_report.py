import json

import numpy as np
import pytest

from caponier.app.planting.own_attacks import AttackRun
from caponier.app.planting.planted_log import AGENT, PlantedAttacker
from caponier.app.planting.report import (
    AlphaShown,
    Gap,
    KindShown,
    OwnLogReport,
    false_alerts,
    interval,
    shown_of_kinds,
)
from caponier.app.planting.scan import Alarm, PlantedScan
from caponier.records.skip import Skip

STRICT, LAX = 0.003, 0.01


def attacker(name: str, kind: str, address: str, *, success: bool = True) -> PlantedAttacker:
    asked = np.arange(10, dtype=np.float32)[:, None]
    return PlantedAttacker(name, address, AttackRun(kind, asked, asked, success), np.arange(10) * 100)


ANN = attacker("ann", "nes", "198.18.0.1")
BOB = attacker("bob", "nes", "198.18.0.2", success=False)
CID = attacker("cid", "jbda", "198.18.0.3")
PLANTED = (ANN, BOB, CID)


def alarm(moment: int, *accused: str, by: str = "novelty") -> Alarm:
    return Alarm(by, frozenset(accused), moment)


def report(**changes: object) -> OwnLogReport:
    kinds = (
        KindShown("nes", 2, 1, (1, 2), (4, 9), {"novelty": 2}, {"scores": 1}),
        KindShown("jbda", 1, 1, (0, 0), (), {}, {"scores": 0}),
    )
    plain: dict[str, object] = {
        "model": "churn",
        "attacked": "a surrogate",
        "agreement": 0.97,
        "learned": 250,
        "scanned": 50,
        "alpha": LAX,
        "kinds": kinds,
        "alphas": (AlphaShown(STRICT, 0, 0), AlphaShown(LAX, 3, 2)),
        "removed": {"scores": 1, "inputs": None},
        "detectors": ("novelty",),
        "lacking": (Gap("no event has a cost; log it", ("sponge",)),),
        "skipped": (Skip("square", "needs images"),),
        "notes": ("a remark",),
        "rejected": 0,
        "seconds": 12.3,
    }
    return OwnLogReport(**(plain | changes))  # type: ignore[arg-type]


class TestKinds:
    def test_the_first_alarm_about_each_counts(self) -> None:
        few = (alarm(350, "ann"),)
        more = (alarm(350, "ann"), alarm(120, "ann", by="flood"), alarm(500, "bob"), alarm(0, "somebody"))
        nes, jbda = shown_of_kinds(PLANTED, PlantedScan((few, more), ()), 1, {})
        assert (nes.kind, nes.planted, nes.succeeded, nes.caught) == ("nes", 2, 1, (1, 2))
        assert nes.queries == (2, 6)
        assert nes.first_by == {"flood": 1, "novelty": 1}
        assert nes.median == 4
        assert (jbda.caught, jbda.queries, jbda.median) == ((0, 0), (), None)

    def test_attackers_are_known_by_their_address_too(self) -> None:
        alarms = (alarm(350, f"198.18.0.1 {AGENT}"), alarm(100, "198.18.0.3 "))
        shown = shown_of_kinds(PLANTED, PlantedScan((alarms,), ()), 0, {})
        assert [one.caught for one in shown] == [(1,), (1,)]

    def test_what_another_one_set_off_is_at_least_one_query(self) -> None:
        (nes, _) = shown_of_kinds(PLANTED, PlantedScan(((alarm(-5, "ann", "bob", "stranger"),),), ()), 0, {})
        assert nes.queries == (1, 1)

    def test_columns_are_counted_apart(self) -> None:
        removed = {"scores": PlantedScan(((alarm(0, "bob"),),), ())}
        nes, jbda = shown_of_kinds(PLANTED, PlantedScan(((),), ()), 0, removed)
        assert (nes.without, jbda.without) == ({"scores": 1}, {"scores": 0})


def test_alerts_about_nobody_planted_are_false() -> None:
    alarms = (alarm(0, "ann"), alarm(0, "user"), alarm(9, "user"), alarm(0, "ann", "user"), alarm(0, "x", "y"))
    assert false_alerts(PLANTED, alarms) == (3, 3)
    assert false_alerts(PLANTED, ()) == (0, 0)


@pytest.mark.parametrize(
    ("seen", "of", "low", "high"),
    [(0, 10, 0, 0.278), (10, 10, 0.722, 1), (5, 10, 0.237, 0.763), (98, 100, 0.930, 0.994)],
)
def test_intervals_are_wilsons(seen: int, of: int, low: float, high: float) -> None:
    assert interval(seen, of) == pytest.approx((low, high), abs=1e-3)


def test_a_kind_is_missed_if_anybody_of_it_is() -> None:
    assert [one.kind for one in report().missed] == ["jbda"]
    assert [one.kind for one in report(alpha=STRICT).missed] == ["nes", "jbda"]


def test_the_document_holds_everything() -> None:
    document = json.loads(json.dumps(report().to_dict()))
    assert document["schema"] == "caponier.own_log/1"
    assert document["attacked"] == {"what": "a surrogate", "agreement": 0.97}
    assert document["alpha"] == LAX
    nes, jbda = document["kinds"]
    assert (nes["caught"], nes["recall"], nes["queries_median"], nes["queries_most"]) == (2, 1.0, 6.5, 9)
    assert nes["caught_at"] == {"0.003": 1, "0.01": 2}
    assert (jbda["recall_95"][0], jbda["queries_most"]) == (0.0, None)
    costs = {"alpha": LAX, "alerts": 3, "users_flagged": 2, "of": 50}
    assert document["false_alerts"][1] == costs
    assert document["without"] == {"scores": {"caught": {"nes": 1, "jbda": 0}, "users_flagged": 1}, "inputs": None}
    assert document["lacking"] == [{"advice": "no event has a cost; log it", "detectors": ["sponge"]}]
    assert document["skipped"] == [{"what": "square", "reason": "needs images"}]
