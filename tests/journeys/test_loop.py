"""The whole loop as a user walks it: a workspace, four scans, one incident, its answer, a repair, and the audit log."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest

from caponier.emulate.office import MONDAY
from caponier.emulate.registry import attacks, files, poisons, stories
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import DEPLOYMENT, trace
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim
from cli.command import Ran, run_in

pytestmark = pytest.mark.slow

USERS, QUERIES = 60, 60
ATTACKER, MODEL = "k-stolen", DEPLOYMENT.model
Document = dict[str, Any]


class Desk:
    """A workspace and somebody who types commands in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: object, user: str = "ada", code: int = 0) -> Ran:
        """Run one command, and check how it ended."""
        ran = run_in(self.folder, *words, environment={"LOGNAME": user, "COLUMNS": "160"})
        ran = replace(ran, err=" ".join(ran.err.split()))
        assert "a fault in Caponier" not in ran.err
        assert ran.code == code, (words, ran.code, ran.err)
        return ran

    def read(self, *words: object, user: str = "ada", code: int = 0) -> Document:
        """Run a command for its JSON document."""
        found: Document = orjson.loads(self.run(*words, "--format", "json", user=user, code=code).out)
        return found

    def verified(self) -> Document:
        """Check the audit log, which must be whole after whatever was done."""
        report = self.read("audit", "verify")
        assert report["ok"], report
        return report

    def incidents(self) -> list[Document]:
        found: list[Document] = self.read("incidents", "list")["incidents"]
        return found

    def combined(self) -> Document:
        (found,) = [one for one in self.incidents() if one["strategy"] == "combined"]
        return found


def labelled(path: Path, pool: Pool) -> Path:
    np.savez(path, x=pool.images, y=pool.labels)
    return path


def workspace_file(actor: str) -> str:
    system = stories.one("stolen_account").system
    return "\n".join(
        [
            '[workspace]\nname = "digits"',
            f'[[system]]\nname = "{system.name}"\ncriticality = "high"\nmodels = ["{MODEL}"]',
            f"hosts = {list(system.hosts)}\naccounts = {list(system.accounts)}\nbuckets = {list(system.buckets)}",
            f'[[model]]\nname = "{MODEL}"',
            'features = { kind = "image", shape = [8, 8], minimum = 0.0, maximum = 1.0 }',
            f'[[identity]]\nkey_hash = "{ATTACKER}"\naccount = "{actor}"',
        ]
    )


@pytest.fixture(scope="module")
def desk(digits: tuple[DigitsSplit, Victim], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """An empty workspace beside logs, a data set and a model file of an attack that worked."""
    folder = tmp_path_factory.mktemp("loop")
    split, victim = digits
    theft = stories.one("stolen_account").attack(0)
    assert theft.success
    assert theft.actor is not None
    (folder / "security.jsonl").write_bytes(theft.to_json_lines())
    (folder / "quiet.jsonl").write_bytes(stories.one("stolen_account").control(0).to_json_lines())
    pq.write_table(
        simulate(assemble(split.calibration.images, USERS, 1), victim.predict_proba, QUERIES), folder / "benign.parquet"
    )
    target = victim.understood(split.attackers)
    evasion = trace(
        attacks.one("boundary"),
        victim.predict_proba,
        target.images[0],
        int(target.labels[0]),
        seed=1,
        budget=300,
        principal=ATTACKER,
        begin=MONDAY + timedelta(days=3),
    )
    pq.write_table(evasion.events, folder / "evasion.parquet")
    poisoned = poisons()["uniform_flips"].apply(split.train, 0.1, 0)
    assert poisoned.changed.any()
    labelled(folder / "train.npz", poisoned.pool)
    labelled(folder / "test.npz", split.test)
    (folder / "models").mkdir()
    files()["plain_pickle_attack"].write(folder / "models", folder / "canary")
    made = Desk(folder)
    made.run("init", ".")
    (folder / "caponier.toml").write_text(workspace_file(theft.actor))
    return made


@pytest.fixture(scope="module")
def scanned(desk: Desk) -> Desk:
    """The same after every scan found something."""
    desk.run("baseline", "build", "benign.parquet", "--out", "digits.safetensors")
    for words in (
        ("logs", "security.jsonl"),
        ("inference", "evasion.parquet", "--baseline", "digits.safetensors"),
        ("dataset", "train.npz"),
        ("artifact", "models"),
    ):
        document = desk.read("scan", *words, code=1)
        assert document["schema"] == "caponier.findings/1"
        assert document["findings"], words
    return desk


def test_a_fresh_workspace_has_nothing_and_refuses_to_be_made_twice(desk: Desk) -> None:
    assert "there is a workspace already" in desk.run("init", ".", code=2).err
    assert desk.verified()["rows"] >= 1
    assert (desk.folder / ".caponier" / "salt").stat().st_mode & 0o077 == 0
    desk.run("incidents", "show", "i-0000000000000000", code=2)
    desk.run("respond", "undo", "a-0000000000000000", code=2)
    desk.run("scan", "logs", "nothing-there.jsonl", code=2)


def test_usual_work_is_no_finding(desk: Desk) -> None:
    before = desk.verified()["rows"]
    document = desk.read("scan", "logs", "quiet.jsonl")
    assert document["findings"] == []
    assert document["rejected"] == {"rows": 0, "file": None}
    grew = desk.verified()["rows"] - before
    # What is usual in the estate is kept, too, for the next scan.
    assert grew == 1 + (1 if document["context"] else 0)


def test_four_scans_make_one_combined_incident(scanned: Desk) -> None:
    one = scanned.combined()
    case = scanned.read("incidents", "show", one["incident_id"])
    assert case["incident"] == one
    assert {"principal:" + ATTACKER, "account:alice"} <= set(one["actors"])
    assert one["systems"] == ["digits"]
    assert one["models"] == [MODEL]
    kinds = {ref["matrix"]: 0 for step in one["steps"] for ref in step["techniques"]}
    assert {"atlas", "attack", "amltm-2020"} <= kinds.keys()
    colours = {ref.get("color") for step in one["steps"] for ref in step["techniques"]}
    assert {"orange", "white"} <= colours
    assert {"Initial Access", "Exfiltration", "Model Evasion"} <= {step["tactic"] for step in one["steps"]}
    times = [datetime.fromisoformat(step["time"]) for step in one["steps"]]
    assert times == sorted(times)
    assert one["first_time"] == one["steps"][0]["time"]
    named = {step["finding_id"] for step in one["steps"] if step["finding_id"]}
    assert named == set(one["finding_ids"]) == {finding["finding_id"] for finding in case["findings"]}


def test_every_finding_is_in_exactly_one_incident(scanned: Desk) -> None:
    listed = [finding["finding_id"] for finding in scanned.read("findings", "list")["findings"]]
    held = Counter(id_ for incident in scanned.incidents() for id_ in incident["finding_ids"])
    assert sorted(held) == sorted(listed)
    assert set(held.values()) == {1}


def test_scanning_again_changes_nothing(scanned: Desk) -> None:
    before, rows = scanned.incidents(), scanned.verified()["rows"]
    scanned.run("scan", "logs", "security.jsonl", "--quiet", code=1)
    scanned.run("scan", "artifact", "models", "--quiet", code=1)
    assert scanned.incidents() == before
    assert scanned.verified()["rows"] == rows


def test_the_model_file_was_never_loaded(scanned: Desk) -> None:
    assert not (scanned.folder / "canary").exists()
    findings = scanned.read("findings", "list", "--detector", "unsafe_code")["findings"]
    assert {finding["subject"]["kind"] for finding in findings} == {"file"}


def test_plan_apply_approve_undo(scanned: Desk) -> None:
    incident = scanned.combined()["incident_id"]
    rows = scanned.verified()["rows"]
    plan = scanned.read("respond", "plan", incident, "--log", "evasion.parquet", "--log", "benign.parquet")
    assert scanned.verified()["rows"] == rows, "a plan changes nothing"
    block = next(one for one in plan["actions"] if one["kind"] == "block" and not one["needs_approval"])
    assert (block["scope"]["kind"], block["scope"]["id"]) == ("principal", ATTACKER)
    together = plan["dry_run"][-1]
    assert together["action_id"] is None
    assert together["attack"] == together["of_attack"] == 300
    assert together["others"] == 0 < together["of_others"]

    applied = scanned.read("respond", "apply", incident)["actions"]
    assert {one["state"] for one in applied} == {"active", "awaiting-approval"}
    assert {one["action_id"] for one in applied} == {one["action_id"] for one in plan["actions"]}
    assert all(one["expires"] > one["created"] for one in applied)
    assert scanned.read("respond", "apply", incident)["actions"] == []

    waiting = next(one["action_id"] for one in applied if one["state"] == "awaiting-approval")
    refused = scanned.run("respond", "approve", waiting, code=2).err
    assert "ada asked for this action" in refused
    (approved,) = scanned.read("respond", "approve", waiting, user="ben")["actions"]
    assert (approved["state"], approved["approver"], approved["author"]) == ("active", "ben", "ada")

    (undone,) = scanned.read("respond", "undo", block["action_id"])["actions"]
    assert undone["state"] == "undone"
    assert "undone already" in scanned.run("respond", "undo", block["action_id"], code=2).err
    standing = {one["action_id"] for one in scanned.read("respond", "list")["actions"]}
    assert block["action_id"] not in standing
    assert waiting in standing

    audit = scanned.read("audit", "list", "--limit", 100)["rows"]
    done = {(row["action"], row["actor"]) for row in audit if row["object"] in (block["action_id"], waiting)}
    assert done == {
        ("action.applied", "ada"),
        ("action.requested", "ada"),
        ("action.approved", "ben"),
        ("action.undone", "ada"),
    }


def test_a_repaired_data_set_is_proven_and_recorded(scanned: Desk) -> None:
    incident = scanned.combined()["incident_id"]
    words = ("remediate", "dataset", "train.npz", "--out", "repaired.npz", "--test", "test.npz", "--incident", incident)
    before = (scanned.folder / "train.npz").read_bytes()
    repaired = scanned.read(*words)
    assert repaired["schema"] == "caponier.remediation/1"
    assert repaired["after"]["accuracy"] >= repaired["before"]["accuracy"]
    assert (scanned.folder / "train.npz").read_bytes() == before
    assert "nothing is overwritten" in scanned.run(*words, code=2).err
    noted = [row for row in scanned.read("audit", "list")["rows"] if row["action"].startswith("remediation.")]
    assert [row["details"]["incident_id"] for row in noted] == [incident]


def test_the_incident_leaves_the_house_whole(scanned: Desk) -> None:
    incident = scanned.combined()["incident_id"]
    scanned.run("incidents", "assign", incident, "ada")
    scanned.run("incidents", "note", incident, "asked <the> *owner* | of the key")
    ticket = scanned.run("incidents", "export", incident).out
    assert f"# Incident {incident}" in ticket
    assert "&lt;the&gt; \\*owner\\* \\|" in ticket
    exported = json.loads(scanned.run("incidents", "export", incident, "--format", "ocsf").out)
    assert (exported["class_uid"], exported["metadata"]["uid"]) == (2005, incident)
    assert exported["unmapped"]["strategy"] == "combined"
    assert exported["assignee"] == {"name": "ada"}


def test_the_audit_log_tells_who_cut_it(scanned: Desk) -> None:
    report = scanned.verified()
    head = report["head"]
    assert scanned.read("audit", "verify", "--head", head)["ok"]
    forged = f"{head.split(':')[0]}:{'0' * 64}"
    assert scanned.read("audit", "verify", "--head", forged, code=1)["kind"] == "changed"
    assert scanned.run("audit", "verify", "--head", "12", code=2).out == ""
    newest = scanned.read("audit", "list", "--limit", 1)["rows"][0]
    assert newest["seq"] == report["rows"]
    assert datetime.fromisoformat(newest["at"]) <= datetime.now(UTC) + timedelta(seconds=5)
