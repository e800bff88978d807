"""A store of models that answers everybody: opened by a stolen account, and then read by strangers."""

from datetime import timedelta

import numpy as np

from caponier.emulate.attack_steps.story import SYSTEM
from caponier.emulate.log_story import LogTrace, told
from caponier.emulate.office import BUCKET, MODELS, MONDAY, Row, cloud, usual_work
from caponier.matrix.technique import TechniqueId

READERS = 40
"""Addresses that read the models without any account; the story succeeds if each got one."""


class OpenStore:
    """The story and its control: the same organisation's usual work."""

    name = "open_store"
    description = "The store of an ML system is left open to everybody, and strangers read the models"
    techniques = (TechniqueId("attack", "T1530"), TechniqueId("amltm-2020", "AMLTM.EXFIL.03"))
    system = SYSTEM

    def attack(self, seed: int) -> LogTrace:
        """Tell the reads among three days of usual work."""
        rng = np.random.default_rng(seed)
        usual, reads = list(usual_work(rng)), _reads(rng)
        rows, malicious = told(usual, reads)
        # Whom it is about is the store: those who read it are nobody.
        measure = {"readers": float(len(reads))}
        return LogTrace(rows, len(reads) >= READERS, measure, BUCKET, malicious)

    def control(self, seed: int) -> LogTrace:
        """Tell three days of usual work."""
        rows, _ = told(usual_work(np.random.default_rng(seed)))
        return LogTrace(rows, success=False)


def _reads(rng: np.random.Generator) -> list[Row]:
    moment = MONDAY + timedelta(days=1, hours=float(rng.uniform(1, 4)))
    rows = []
    for number in range(READERS):
        moment += timedelta(minutes=float(rng.uniform(0.5, 15)))
        key = {"bucketName": BUCKET, "key": MODELS[int(rng.integers(len(MODELS)))]}
        row = cloud(moment, "", "AWSAccount", f"203.0.113.{number + 1}", "GetObject", "s3.amazonaws.com", key)
        row["userIdentity"] = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
        rows.append(row)
    return rows


STORY = OpenStore()
