"""A stolen account: phished, used from abroad to log in to an ML host, and to carry the models away."""

from datetime import timedelta

import numpy as np

from caponier.emulate.attack_steps.attack_step import THIEF
from caponier.emulate.attack_steps.story import SYSTEM
from caponier.emulate.log_story import LogTrace, told
from caponier.emulate.office import (
    BUCKET,
    ENGINEER,
    HOST,
    MODELS,
    MONDAY,
    Row,
    login,
    read,
    stamp,
    user_arn,
    usual_work,
)
from caponier.matrix.technique import TechniqueId

WANTED = 40
"""Model files that the attacker reads; the story succeeds if all of them were handed out."""


class StolenAccount:
    """The story and its control: the same account's usual work."""

    name = "stolen_account"
    description = "A release engineer's phished account logs in to an ML host from abroad and downloads the models"
    techniques = (
        TechniqueId("attack", "T1566"),
        TechniqueId("attack", "T1078"),
        TechniqueId("attack", "T1530"),
        TechniqueId("amltm-2020", "AMLTM.INIT.03"),
        TechniqueId("amltm-2020", "AMLTM.INIT.02"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
    )
    system = SYSTEM

    def attack(self, seed: int) -> LogTrace:
        """Tell the attack among three days of usual work."""
        rng = np.random.default_rng(seed)
        usual, theft = list(usual_work(rng)), _theft(rng)
        rows, malicious = told(usual, theft)
        taken = {row["requestParameters"]["key"] for row in theft if row.get("eventName") == "GetObject"}
        got = len(taken & set(MODELS))
        measure = {"model_files": float(got), "wanted": float(WANTED)}
        return LogTrace(rows, got >= WANTED, measure, ENGINEER, malicious)

    def control(self, seed: int) -> LogTrace:
        """Tell three days of usual work, that of the same account included."""
        rows, _ = told(usual_work(np.random.default_rng(seed)))
        return LogTrace(rows, success=False)


def _theft(rng: np.random.Generator) -> list[Row]:
    """Return what the attacker causes: a mail and a login elsewhere first, then the ML host and the model store."""
    moment = MONDAY + timedelta(days=1, hours=float(rng.uniform(8.5, 10)))
    rows: list[Row] = [
        {
            "time": stamp(moment),
            "category": "email",
            "user": ENGINEER,
            "host": "mail.example.org",
            "src_ip": "203.0.113.9",
            "verdict": "phishing",
            "action": "delivered",
        }
    ]
    moment += timedelta(minutes=float(rng.uniform(10, 60)))
    rows.append(login(moment, ENGINEER, "idp.example.org", THIEF, src_country="XK", risk="high"))
    moment += timedelta(minutes=float(rng.uniform(5, 30)))
    rows.append(login(moment, ENGINEER, HOST, THIEF, src_country="XK"))
    moment += timedelta(minutes=float(rng.uniform(5, 40)))
    for position in rng.permutation(len(MODELS))[:WANTED]:
        moment += timedelta(seconds=float(rng.uniform(1, 10)))
        rows.append(read(moment, user_arn(ENGINEER), "IAMUser", THIEF, BUCKET, MODELS[int(position)]))
    return rows


STORY = StolenAccount()
