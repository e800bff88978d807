"""A stolen account that makes itself at home in a store of models, and destroys it."""

from datetime import timedelta

import numpy as np

from caponier.emulate.attack_steps.attack_step import THIEF
from caponier.emulate.attack_steps.story import SYSTEM
from caponier.emulate.log_story import LogTrace, told
from caponier.emulate.office import BUCKET, ENGINEER, MODELS, MONDAY, Row, cloud, user_arn, usual_work
from caponier.matrix.technique import TechniqueId


class TakenStore:
    """A stolen account makes itself at home in the store, and destroys it; its control is the usual work."""

    name = "taken_store"
    description = "A stolen account mints keys, opens and replicates the store of models, and deletes what is in it"
    techniques = (
        TechniqueId("attack", "T1098"),
        TechniqueId("attack", "T1530"),
        TechniqueId("attack", "T1537"),
        TechniqueId("attack", "T1485"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.02"),
    )
    system = SYSTEM

    def attack(self, seed: int) -> LogTrace:
        """Tell the attack among three days of usual work."""
        rng = np.random.default_rng(seed)
        usual, steps = list(usual_work(rng)), _taking(rng)
        rows, malicious = told(usual, steps)
        gone = sum(row["eventName"] == "DeleteObject" for row in steps)
        return LogTrace(rows, gone >= len(MODELS), {"deleted": float(gone)}, ENGINEER, malicious)

    def control(self, seed: int) -> LogTrace:
        """Tell three days of usual work, that of the same account included."""
        rows, _ = told(usual_work(np.random.default_rng(seed)))
        return LogTrace(rows, success=False)


def _taking(rng: np.random.Generator) -> list[Row]:
    moment, arn = MONDAY + timedelta(days=1, hours=float(rng.uniform(1, 4))), user_arn(ENGINEER)
    everybody = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}
    steps: list[tuple[str, str, Row]] = [
        ("iam", "CreateAccessKey", {"userName": "svc-model-sync"}),
        ("s3", "PutBucketPolicy", {"bucketName": BUCKET, "bucketPolicy": everybody}),
        ("s3", "PutBucketReplication", {"bucketName": BUCKET}),
        *(("s3", "DeleteObject", {"bucketName": BUCKET, "key": key}) for key in MODELS),
        ("s3", "DeleteBucket", {"bucketName": BUCKET}),
    ]
    rows = []
    for service, name, parameters in steps:
        moment += timedelta(seconds=float(rng.uniform(1, 8)))
        rows.append(cloud(moment, arn, "IAMUser", THIEF, name, f"{service}.amazonaws.com", parameters))
    return rows


STORY = TakenStore()
