"""Of an incident the draft tells what happened in which order, and nothing that names anybody or anything."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from caponier.app.incidents.correlate import correlate_findings, record_context
from caponier.app.incidents.draft_case_study import draft_case_study
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.incidents import advance_incident, assign_incident, list_incidents, note_incident
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.errors import InputError
from caponier.matrix.versions.catalogue import load
from caponier.records.finding import Finding
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from respond.made import LABEL_FLIPS, LATERAL, context, finding, log_finding

TOML = '[[identity]]\nkey_hash = "k-1"\naccount = "ada"\n[[system]]\nname = "digits"\nmodels = ["digits-mlp"]\n'
MATRIX = load("amltm-2020")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    create_workspace(tmp_path).write_text(TOML)
    return require_workspace(tmp_path)


def closed(home: Workspace, *found: Finding) -> str:
    record_findings(home, found, actor="test")
    correlate_findings(home)
    (incident,) = list_incidents(home)
    advance_incident(home, incident.incident_id, Stage.CLOSED, reason="all done")
    return incident.incident_id


def drafted(home: Workspace, id_: str, version: str = "amltm-2020", **values: str) -> dict[str, object]:
    tree: dict[str, object] = yaml.load(draft_case_study(home, id_, load(version), values).text, yaml.BaseLoader)
    return tree


def steps(tree: dict[str, object]) -> list[tuple[str, str]]:
    rows = tree["steps"]
    assert isinstance(rows, list)
    return [(row["tactic"], row["technique"]) for row in rows]


def test_steps_stand_in_order_of_time_with_tactic_and_technique(home: Workspace) -> None:
    id_ = closed(home, finding(3, days=2, techniques=LABEL_FLIPS), finding(2, days=1), log_finding(1, "ada"))
    tree = drafted(home, id_)
    assert steps(tree) == [
        ("AMLTM.INIT", "AMLTM.INIT.02"),
        ("AMLTM.EVADE", "AMLTM.EVADE.01.02"),
        ("AMLTM.EVADE", "AMLTM.EVADE.03.01"),
    ]
    assert (tree["date"], tree["strategy"], tree["matrix"]) == ("2026-01-01", "combined", "amltm-2020")


def test_the_same_act_is_told_once(home: Workspace) -> None:
    id_ = closed(home, finding(1), finding(2, days=0.1), finding(3, days=0.2))
    tree = drafted(home, id_)
    assert steps(tree) == [("AMLTM.EVADE", "AMLTM.EVADE.01.02")]
    assert tree["strategy"] == "adversarial-ml"


def test_steps_without_a_word_of_the_matrix_are_left_out_and_counted(home: Workspace) -> None:
    record_context(home, [context(9, "ada", days=-1, techniques=LATERAL)])
    proposal = draft_case_study(home, closed(home, log_finding(1, "ada"), finding(2, days=1)), MATRIX, {})
    assert proposal.remarks == ("Left out: 1 of 3 steps, which have no technique of amltm-2020.",)


def test_another_matrix_tells_it_in_its_own_ids(home: Workspace) -> None:
    id_ = closed(home, finding(2, days=1), log_finding(1, "ada"))
    tree = drafted(home, id_, "atlas-5.6")
    assert [technique for _, technique in steps(tree)] == ["AML.T0012", "AML.T0043.001"]
    assert all(tactic.startswith("AML.TA") for tactic, _ in steps(tree))


SECRETS = {
    "principal": "k-1",
    "account": "ada",
    "host": "gpu-01",
    "address": "10.0.0.1",
    "other address": "203.0.113.77",
    "model": "digits-mlp",
    "system": "digits",
    "summary": "asked by svc-secret from vault.intra",
    "note": "the key is hunter2",
    "owner": "ben.of.security",
    "event": "e-1",
    "path": "/srv/models/prod.pkl",
}


def test_nothing_of_the_workspace_leaks(home: Workspace) -> None:
    record_context(home, [context(9, "ada", days=-1, techniques=LATERAL)])
    login = log_finding(1, "ada", address=SECRETS["other address"])
    evasion = replace(finding(2, days=1), summary=SECRETS["summary"])
    id_ = closed(home, login, evasion, log_finding(3, "ada", days=2, address=SECRETS["address"]))
    note_incident(home, id_, SECRETS["note"])
    assign_incident(home, id_, SECRETS["owner"])
    text = draft_case_study(home, id_, MATRIX, {}).text
    told = text.replace("AMLTM.EVADE", "")
    for kind, secret in SECRETS.items():
        assert secret not in told, kind
    assert id_ not in told
    for finding_id in (login.finding_id, evasion.finding_id):
        assert finding_id not in told


def test_what_only_a_person_knows_is_blank_and_named(home: Workspace) -> None:
    proposal = draft_case_study(home, closed(home, finding(1)), MATRIX, {})
    human = {"name", "actor", "target", "type", "references", "disclosure", "disclosure_words"}
    assert set(proposal.blanks) == human
    tree = yaml.load(proposal.text, yaml.BaseLoader)
    assert all(tree[key] == "" for key in human)


def test_what_the_user_writes_goes_first(home: Workspace) -> None:
    tree = drafted(home, closed(home, finding(1)), name="Ours", date="2026-01", strategy="")
    assert (tree["name"], tree["date"], tree["strategy"]) == ("Ours", "2026-01", "adversarial-ml")


@pytest.mark.parametrize("stage", [Stage.OPEN, Stage.CONTAINED, Stage.REMEDIATED, Stage.VERIFIED])
def test_one_that_is_not_closed_is_refused(home: Workspace, stage: Stage) -> None:
    record_findings(home, [finding(1)], actor="test")
    correlate_findings(home)
    (incident,) = list_incidents(home)
    way = [Stage.CONTAINED, Stage.REMEDIATED, Stage.VERIFIED]
    for one in way[: way.index(stage) + 1] if stage in way else []:
        advance_incident(home, incident.incident_id, one)
    with pytest.raises(InputError, match=f"is {stage}"):
        draft_case_study(home, incident.incident_id, MATRIX, {})


def test_one_without_a_word_of_the_matrix_is_refused(home: Workspace) -> None:
    id_ = closed(home, finding(1, techniques=LATERAL))
    with pytest.raises(InputError, match="no step"):
        draft_case_study(home, id_, MATRIX, {})
