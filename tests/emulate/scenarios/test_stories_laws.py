"""Stories and the office behind them, over any seed: what the logs tell is what an organisation's logs could tell."""

import ipaddress
import json
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.emulate.attack_steps.attack_step import THIEF
from caponier.emulate.log_story import LogStory, LogTrace, told
from caponier.emulate.office import (
    BUCKET,
    ENGINEER,
    HOST,
    MODELS,
    MONDAY,
    SYNC,
    login,
    read,
    role_arn,
    stamp,
    user_arn,
    usual_work,
)
from caponier.emulate.registry import stories
from caponier.emulate.scenarios.stolen_account import STORY, WANTED
from caponier.matrix.versions.catalogue import resolve
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, read_logs

EACH = pytest.mark.parametrize("story", stories().values(), ids=stories())
seeds = st.integers(0, 2**40)
few = settings(max_examples=10, deadline=None)


@cache
def attack(story: LogStory, seed: int) -> LogTrace:
    return story.attack(seed)


def moment(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["time"])


def work(seed: int, days: int = 2) -> list[dict[str, Any]]:
    return list(usual_work(np.random.default_rng(seed), days))


@EACH
@few
@given(seed=seeds)
def test_the_attack_is_the_control_with_the_attackers_rows_in_it(story: LogStory, seed: int) -> None:
    """The only difference that a detector can see is the attacker."""
    trace, control = attack(story, seed), story.control(seed)
    bad = set(trace.malicious)
    assert [row for at, row in enumerate(trace.rows) if at not in bad] == list(control.rows)
    assert len(trace.rows) == len(control.rows) + len(bad)
    assert not control.success
    assert (control.actor, control.malicious) == (None, ())


@EACH
@few
@given(seed=seeds)
def test_success_is_in_the_rows(story: LogStory, seed: int) -> None:
    trace = attack(story, seed)
    assert trace.success
    assert trace.malicious
    assert trace.actor
    assert all(trace.actor in json.dumps(trace.rows[at]) for at in trace.malicious)
    assert all(np.isfinite(value) for value in trace.measure.values())


@EACH
@few
@given(seed=seeds)
def test_a_log_file_is_one_json_object_a_line_in_order_of_time(story: LogStory, seed: int) -> None:
    trace = attack(story, seed)
    lines = trace.to_json_lines().decode().splitlines()
    assert [json.loads(line) for line in lines] == list(trace.rows)
    assert all(one["time"] <= other["time"] for one, other in pairwise(trace.rows))
    assert all(moment(one) <= moment(other) for one, other in pairwise(trace.rows))


@EACH
@few
@given(one=seeds, other=seeds)
def test_a_seed_fixes_every_byte_and_another_changes_some(story: LogStory, one: int, other: int) -> None:
    assert attack(story, one).to_json_lines() == story.attack(one).to_json_lines()
    assert (attack(story, one).to_json_lines() == story.attack(other).to_json_lines()) == (one == other)


@EACH
@few
@given(seed=seeds)
def test_every_row_belongs_to_a_log_source_and_every_address_is_one(story: LogStory, seed: int) -> None:
    native = []
    for row in attack(story, seed).rows:
        if not {"category", "product", "service", "class_uid", "eventSource"} & set(row):
            native.append(row)
        assert moment(row).tzinfo is not None
        for name in ("src_ip", "c-ip", "sourceIPAddress"):
            if name in row:
                ipaddress.ip_address(row[name])
    for event in as_products_write(native):
        assert event.origin.product or event.origin.category or event.origin.service, event.fields


def as_products_write(rows: list[dict[str, Any]]) -> list[LogEvent]:
    """Read records that do not say themselves where they come from."""
    with tempfile.TemporaryDirectory() as folder, RejectedRows() as rejected:
        path = Path(folder) / "log.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        events = [event for part in read_logs([path], rejected) for event in part.events] if rows else []
    assert len(events) == len(rows)
    return events


@EACH
def test_a_story_names_techniques_of_a_traditional_attack(story: LogStory) -> None:
    assert {technique.matrix for technique in story.techniques} == {"attack", "amltm-2020"}
    refs = [resolve(technique) for technique in story.techniques]
    assert len(refs) == len(set(refs))
    assert story.description
    system = story.system
    assert system.hosts or system.buckets or system.endpoints


@few
@given(seed=seeds)
def test_the_thief_comes_from_outside_and_nobody_else_from_there(seed: int) -> None:
    trace = attack(STORY, seed)
    bad = set(trace.malicious)
    usual = {
        row.get("src_ip") or row.get("c-ip") or row.get("sourceIPAddress")
        for at, row in enumerate(trace.rows)
        if at not in bad
    }
    assert THIEF not in usual
    stolen = [trace.rows[at] for at in sorted(bad) if trace.rows[at].get("eventName") == "GetObject"]
    assert {row["sourceIPAddress"] for row in stolen} == {THIEF}
    keys = [row["requestParameters"]["key"] for row in stolen]
    assert len(set(keys)) == len(keys) == WANTED == trace.measure["wanted"]
    assert set(keys) <= set(MODELS)


@few
@given(seed=seeds)
def test_the_thief_goes_from_mail_to_login_to_host_to_bucket(seed: int) -> None:
    trace = attack(STORY, seed)
    bad = [trace.rows[at] for at in trace.malicious]
    assert [row.get("category") for row in bad[:3]] == ["email", "authentication", "authentication"]
    assert [row["host"] for row in bad[:3]] == ["mail.example.org", "idp.example.org", HOST]
    assert {row["eventName"] for row in bad[3:]} == {"GetObject"}
    assert moment(bad[-1]) - moment(bad[0]) < timedelta(hours=3)


@few
@given(seed=seeds, days=st.integers(1, 4))
def test_work_is_done_on_the_days_it_is_asked_for(seed: int, days: int) -> None:
    times = [moment(row) for row in work(seed, days)]
    assert min(times) >= MONDAY
    assert max(times) < MONDAY + timedelta(days=days)
    assert {time.date() for time in times} == {(MONDAY + timedelta(days=day)).date() for day in range(days)}


@few
@given(seed=seeds)
def test_nobody_at_work_does_what_the_thief_does(seed: int) -> None:
    """The control holds look-alikes of every step and none of them whole."""
    rows = work(seed)
    reads = Counter(
        (row["userIdentity"]["arn"], row["requestParameters"]["bucketName"])
        for row in rows
        if row.get("eventName") == "GetObject"
    )
    assert reads[user_arn(ENGINEER), BUCKET] == 2
    assert reads[role_arn("model-sync", SYNC), BUCKET] == 2 * len(MODELS)
    assert reads[user_arn("partner-sales"), "sales-lake"] == 60
    assert len(reads) == 3
    logins = [row for row in rows if row.get("category") == "authentication"]
    assert {row["src_country"] for row in logins} == {"PL"}
    assert all(row["src_ip"].startswith("10.8.0.") for row in logins)
    assert not [row for row in rows if row.get("verdict") == "phishing"]


@few
@given(seed=seeds)
def test_the_nightly_copy_takes_every_model_once_a_night_within_minutes(seed: int) -> None:
    nights: dict[Any, list[datetime]] = {}
    keys: Counter[str] = Counter()
    for row in work(seed):
        if row.get("userIdentity", {}).get("arn") == role_arn("model-sync", SYNC):
            nights.setdefault(moment(row).date(), []).append(moment(row))
            keys[row["requestParameters"]["key"]] += 1
    assert keys == Counter(MODELS * 2)
    for times in nights.values():
        assert max(times) - min(times) < timedelta(minutes=5)
        assert 2 <= min(times).hour < 3


@given(
    usual=st.lists(st.integers(0, 30), max_size=20),
    attack=st.lists(st.integers(0, 30), max_size=20),
)
def test_telling_keeps_every_row_and_knows_the_attackers(usual: list[int], attack: list[int]) -> None:
    def rows(times: list[int], who: str) -> list[dict[str, Any]]:
        return [
            {"time": stamp(MONDAY + timedelta(seconds=second)), "who": who, "n": n} for n, second in enumerate(times)
        ]

    good, bad = rows(usual, "usual"), rows(attack, "attack")
    whole, malicious = told(good, bad)
    assert sorted(map(str, whole)) == sorted(map(str, good + bad))
    assert [whole[at]["who"] for at in malicious] == ["attack"] * len(bad)
    assert all(row["who"] == "usual" for at, row in enumerate(whole) if at not in set(malicious))
    assert [row["time"] for row in whole] == sorted(row["time"] for row in whole)
    # Rows of one moment keep their order, and usual work comes first.
    for one, other in pairwise(whole):
        if one["time"] == other["time"]:
            assert (one["who"] == "attack", one["n"]) < (other["who"] == "attack", other["n"])


@given(moment=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_a_stamp_is_rfc_3339_to_the_millisecond_and_sorts_as_time_does(moment: datetime) -> None:
    text = stamp(moment)
    assert text.endswith("Z")
    assert len(text) == 24
    assert timedelta(0) <= moment - datetime.fromisoformat(text) < timedelta(milliseconds=1)
    assert stamp(moment + timedelta(milliseconds=1)) > text


def test_rows_carry_what_rules_look_for() -> None:
    row = login(MONDAY, "bob", HOST, "10.8.0.9", risk="high")
    assert (row["category"], row["outcome"], row["risk"]) == ("authentication", "success", "high")
    got = read(MONDAY, user_arn("bob"), "IAMUser", "10.8.0.9", BUCKET, MODELS[0])
    assert got["requestParameters"] == {"bucketName": BUCKET, "key": MODELS[0]}
    assert got["userIdentity"]["arn"].endswith(":user/bob")


def test_models_are_files_of_their_own() -> None:
    assert len(set(MODELS)) == len(MODELS) == 60
    assert len(MODELS) > WANTED
