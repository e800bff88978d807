from caponier.emulate.office import ENGINEER, MODELS
from caponier.emulate.scenarios.stolen_account import STORY, WANTED


def test_the_attacker_gets_what_is_wanted() -> None:
    trace = STORY.attack(0)
    theft = [trace.rows[position] for position in trace.malicious]
    keys = {row["requestParameters"]["key"] for row in theft if row.get("eventName") == "GetObject"}
    assert len(keys) == WANTED == trace.measure["model_files"]
    assert keys <= set(MODELS)


def test_it_begins_outside_the_ml_system() -> None:
    trace = STORY.attack(0)
    hosts = [trace.rows[position].get("host") for position in trace.malicious]
    assert hosts[:3] == ["mail.example.org", "idp.example.org", STORY.system.hosts[0]]


def test_the_same_account_works_as_usual_beside_it() -> None:
    control = STORY.control(0)
    assert any(row.get("user") == ENGINEER for row in control.rows)
    assert any(ENGINEER in str(row.get("userIdentity")) for row in control.rows)
