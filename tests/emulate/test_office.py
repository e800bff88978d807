from collections import Counter

import numpy as np

from caponier.emulate.office import BUCKET, ENGINEER, MODELS, SYNC, usual_work


def rows() -> list[dict[str, object]]:
    return list(usual_work(np.random.default_rng(0), days=2))


def reads(name: str) -> list[str]:
    found = [row for row in rows() if row.get("eventName") == "GetObject" and name in str(row["userIdentity"])]
    return [row["requestParameters"]["key"] for row in found if row["requestParameters"]["bucketName"] == BUCKET]  # type: ignore[index]


def test_every_night_all_models_are_copied() -> None:
    assert Counter(reads(SYNC)) == Counter(MODELS * 2)


def test_the_engineer_pulls_a_model_a_day() -> None:
    assert len(reads(ENGINEER)) == 2


def test_every_row_says_when_and_of_what() -> None:
    assert all("time" in row for row in rows())
    assert all("category" in row or "eventVersion" in row for row in rows())
