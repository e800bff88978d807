"""Several keys of one account are one caller: in scans, in baselines and in a guard."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson

from caponier.app.guard.order import EventOrder
from caponier.app.inference.accounts import keys_joined
from caponier.app.inference.live import LiveFindings
from caponier.app.inference.load import load_events
from caponier.app.inference.plan import DetectionSettings
from caponier.app.inference.scan import scan_inference
from caponier.app.progress import Silent
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.engines.spool import Spool
from caponier.records.inventory import Identity, Workspace
from caponier.telemetry.rejections import RejectedRows

IDENTITIES = (
    Identity(key_hash="k-b", account="ada", addresses=("10.0.0.1",)),
    Identity(key_hash="k-a", account="ADA@corp.example"),
    Identity(key_hash="k-c", account="Ada"),
    Identity(key_hash="k-d", account="bob", addresses=("10.0.0.1",)),
    Identity(key_hash="k-e", account="root"),
    Identity(key_hash="k-f", account="root"),
    Identity(account="eve", addresses=("10.0.0.1",)),
)


def workspace(folder: Path) -> Workspace:
    create_workspace(folder)
    text = '[[model]]\nname = "m"\nfeatures = {kind = "numeric", shape = [4], minimum = 0.0, maximum = 1.0}\n'
    with (folder / "caponier.toml").open("a") as file:
        file.write(text + '[[identity]]\nkey_hash = "k-a"\naccount = "eve"\n')
        file.write('[[identity]]\nkey_hash = "k-b"\naccount = "eve"\n')
    return require_workspace(folder)


def test_keys_of_one_account_are_joined_and_neighbours_are_not(tmp_path: Path) -> None:
    made = workspace(tmp_path).model_copy(update={"identities": IDENTITIES})
    joined = keys_joined(made)
    assert joined["k-b"] == joined["k-c"]
    assert not {"k-d", "k-e", "k-f"} & joined.keys(), "an address joins nobody, nor does an account that all have"
    assert keys_joined(None) == {}


def test_a_guard_and_a_scan_find_the_same_of_an_attack_from_two_keys(tmp_path: Path) -> None:
    """Each key alone asks half as much: whoever counts them apart finds it later, or under two names."""
    made = workspace(tmp_path)
    rng, order = np.random.default_rng(0), EventOrder()
    base = rng.random(4)
    rows = [
        {
            "time": None, "model": "m", "operation": "predict", "principal": ("k-a", "k-b")[n % 2], "status": 200,
            "input": np.clip(base + rng.normal(0, 0.002, 4), 0, 1).astype(np.float32), "label": f"{n % 3 % 2}",
        }
        for n in range(120)
    ]  # fmt: skip
    for n, row in enumerate(rows):
        row["time"] = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n)
        order.stamp([row])
    lines = [orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY) for row in rows]
    (tmp_path / "log.jsonl").write_bytes(b"\n".join(lines))
    live = LiveFindings(DetectionSettings.of(made), order.event_id)
    seen = live.feed(rows)
    scanned = scan_inference([tmp_path / "log.jsonl"], workspace=made).findings
    assert seen
    assert {one.finding_id for one in seen} == {one.finding_id for one in scanned}
    assert {one.subject.id for one in scanned} == {"k-a"}
    assert {row["principal"] for row in rows} == {"k-a", "k-b"}, "what is written stays as it was"
    apart = scan_inference([tmp_path / "log.jsonl"], workspace=made.model_copy(update={"identities": ()})).findings
    assert {one.subject.id for one in apart} != {"k-a"}


def test_whoever_is_turned_away_is_its_address_whatever_it_calls_itself(tmp_path: Path) -> None:
    lines = [
        {"time": f"2026-01-01T00:00:{n:02}Z", "model": "m", "operation": "predict", "status": 401,
         "principal": f"k-{n}", "session": f"s-{n}", "source_ip": "10.0.0.9", "user_agent": f"agent {n}"}
        for n in range(9)
    ]  # fmt: skip
    (tmp_path / "log.jsonl").write_bytes(b"\n".join(map(orjson.dumps, lines)))
    with Spool() as spool:
        load_events(spool, [tmp_path / "log.jsonl"], RejectedRows(), Silent())
        events = spool.events([(0, n) for n in range(9)])
    assert len({event["subject"] for event in events.values()}) == 1
