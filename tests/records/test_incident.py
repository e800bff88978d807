import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from caponier.records.incident import Incident, Note, Stage
from respond.made import at, context, finding, joined, log_finding


def incident() -> Incident:
    story = (log_finding(1, "ada"), finding(2, days=1))
    return joined(*story, events=(context(1, "ada", days=-1),)).incidents[0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"owner": "ben", "notes": (Note(at(3), "ben", "“quotes” and \x00"),)},
        {"stage": Stage.CLOSED, "stage_since": datetime(2026, 2, 1, 12, 0, 0, 1, tzinfo=UTC), "merged": ("i-2",)},
    ],
)
def test_the_json_form_is_read_back_equal(changes: dict[str, object]) -> None:
    one = replace(incident(), **changes)  # type: ignore[arg-type]
    assert Incident.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_the_json_form_has_the_tactics_with_their_colours() -> None:
    plain = incident().to_dict()
    assert [step["tactic"] for step in plain["steps"]] == ["Initial Access", "Initial Access", "Model Evasion"]
    assert [step["finding_id"] is None for step in plain["steps"]] == [True, False, False]
    assert plain["steps"][-1]["techniques"][-1]["color"] == "orange"
    assert plain["first_time"] == "2025-12-31T00:00:00Z"


@pytest.mark.parametrize(("key", "value"), [("stage", "asleep"), ("strategy", "x"), ("severity", "awful")])
def test_a_value_without_meaning_is_refused(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        Incident.from_dict(incident().to_dict() | {key: value})


def test_a_missing_key_is_refused() -> None:
    with pytest.raises(KeyError):
        Incident.from_dict({"incident_id": "i-1"})
