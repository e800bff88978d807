"""The benign month: the same for a seed, in order, of many products, and without anybody who means harm."""

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bench.machinery.small_company import DAYS, START, describe, write

from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs
from caponier.telemetry.security_logs.identity import identity

SIZE = 0.01


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company") / "logs"
    write(folder, 3, SIZE)
    return folder


@pytest.fixture(scope="module")
def rows(month: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (month / "month.jsonl").read_text().splitlines()]


def test_a_seed_fixes_the_month(month: Path, tmp_path: Path) -> None:
    write(tmp_path / "again", 3, SIZE)
    write(tmp_path / "other", 4, SIZE)
    text = (month / "month.jsonl").read_bytes()
    assert (tmp_path / "again" / "month.jsonl").read_bytes() == text
    assert (tmp_path / "other" / "month.jsonl").read_bytes() != text


def test_it_is_in_order_and_a_month_long(rows: list[dict[str, Any]]) -> None:
    times = [datetime.fromisoformat(row["time"]) for row in rows]
    assert times == sorted(times)
    assert times[0] - START < timedelta(hours=1)
    assert timedelta(days=DAYS - 1) < times[-1] - times[0] <= timedelta(days=DAYS + 1)


def test_every_record_is_read_and_many_products_are_there(month: Path) -> None:
    with RejectedRows() as rejected:
        events = [event for part in read_logs([month], rejected) for event in part.events]
    assert rejected.count == 0, rejected.first
    products = Counter(event.origin.product or event.origin.category for event in events)
    assert {"aws", "kubernetes", "okta", "azure", "gcp", "linux", "windows", "webserver", "firewall"} <= products.keys()
    accounts = {identity(event.fields).account for event in events}
    # People, machines and testers, and nobody else.
    assert {"ada", "ida", "svc-backup/nightly", "tester", "ci-release/run"} <= accounts
    assert not {"eve", "eve@example.org", "mallory"} & accounts


@pytest.mark.parametrize("inside", [True, False])
def test_the_inventory_is_one_that_a_workspace_reads(inside: bool, tmp_path: Path) -> None:
    describe(create_workspace(tmp_path), inside=inside)
    home = require_workspace(tmp_path)
    (system,) = home.systems
    assert "ml-models" in system.buckets
    assert bool(home.inside.accounts) is inside
    assert bool(home.inside.changes) is inside


def test_people_work_from_one_place_a_day(rows: list[dict[str, Any]]) -> None:
    places: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        # But for the browser that leaves in another country, and says no risk of it.
        if row.get("eventType") == "user.session.start" and "debugContext" in row:
            key = (row["actor"]["alternateId"], row["time"][:10])
            places.setdefault(key, set()).add(row["client"]["ipAddress"])
    assert len(places) > 300
    assert max(map(len, places.values())) == 1
