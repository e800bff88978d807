import numpy as np
import pytest

from caponier.app.validate.lab.attack_line import open_line
from caponier.app.validate.lab.event_attack import ATTEMPTS, attack_image, campaign_stage, run_campaign, run_probe
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.emulate.event_log import Deployment
from caponier.emulate.outcome import AttackOutcome, Stop
from caponier.emulate.victims.digits import DigitsSplit, Victim

World = tuple[DigitsSplit, Victim]


def test_an_attack_tries_other_images_until_one_succeeds(digits: World, monkeypatch: pytest.MonkeyPatch) -> None:
    split, victim = digits
    tried: list[bytes] = []

    def run(self: HopSkipJump, predict: object, original: np.ndarray, label: int, **_: object) -> AttackOutcome:
        tried.append(original.tobytes())
        won = len(tried) == 3
        return AttackOutcome(
            "hop_skip_jump", (), 10, 10, won, Stop.FINISHED, 1, 3.0, 2.0, 0.5, original, None, label, None
        )

    monkeypatch.setattr(HopSkipJump, "run", run)
    with open_line(victim.predict_proba, Deployment(), b"") as line:
        attack = attack_image("hop_skip_jump", line, victim, split, 7)
    assert (attack.success, attack.queries, attack.measure["attempts"], len(set(tried))) == (True, 30, 3, 3)
    assert attack.keys == ("hop_skip_jump-7-2",)


def test_accounts_take_turns(digits: World) -> None:
    split, victim = digits
    with open_line(victim.predict_proba, Deployment(), b"") as line:
        attack = attack_image("shared_hop_skip_jump", line, victim, split, 3)
        principals = {line.principal(key) for key in attack.keys}
    asked = line.events()["principal"].value_counts().to_pylist()
    assert attack.success
    assert len(principals) == len(attack.keys) == 10
    last = [one["counts"] for one in asked if one["values"] in principals]
    assert len(last) == 10
    assert max(last) - min(last) <= 1


def test_it_gives_up_in_the_end(digits: World, monkeypatch: pytest.MonkeyPatch) -> None:
    split, victim = digits

    def run(self: HopSkipJump, predict: object, original: np.ndarray, label: int, **_: object) -> AttackOutcome:
        return AttackOutcome(
            "hop_skip_jump", (), 1, 1, False, Stop.BUDGET, None, None, None, None, original, None, label, None
        )

    monkeypatch.setattr(HopSkipJump, "run", run)
    with open_line(victim.predict_proba, Deployment(), b"") as line:
        attack = attack_image("hop_skip_jump", line, victim, split, 0)
    assert (attack.success, attack.measure) == (False, {"attempts": ATTEMPTS})


def test_a_campaign_is_carried_out_over_the_line(digits: World) -> None:
    split, victim = digits
    stage = campaign_stage("flood", split, 0, victim)
    with open_line(victim.predict_proba, Deployment(), b"") as line:
        attack = run_campaign("flood", line, stage, 0)
    assert attack.success
    assert line.events().num_rows == attack.queries == 3_000


@pytest.mark.parametrize(("name", "figure"), [("api_crawl", "features"), ("family_fingerprint", "bend")])
def test_a_probe_is_judged_by_what_it_found_out(name: str, figure: str, digits: World) -> None:
    _, victim = digits
    with open_line(victim.predict_proba, Deployment(), b"") as line:
        attack = run_probe(name, line, victim, 3)
        events = line.events()
    assert attack.success
    assert attack.measure[figure] > 0
    assert (attack.keys, attack.stop) == ((f"{name}-3-0",), Stop.FINISHED)
    assert attack.queries == len(set(events["time"].to_pylist()))
