"""The made-up month: the same for a seed whichever days are asked for, with people and planted attacks."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bench.machinery.estate.attacks import STORIES, plant
from bench.machinery.estate.month import OF_HOST, SOURCES, describe, write
from bench.machinery.estate.people import (
    OFFICE,
    PEOPLE,
    START,
    SYSTEM,
    VPN,
    at,
    country,
    of,
    people,
    public,
    runner,
    where,
    works,
)  # fmt: skip
from hypothesis import given
from hypothesis import strategies as st

from caponier.app.workspace.workspace import create_workspace, require_workspace

EVERYBODY = people(random.Random(1))


def texts(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_seed_gives_the_same_people_with_names_and_desks_of_their_own() -> None:
    assert people(random.Random(1)) == EVERYBODY != people(random.Random(2))
    assert len(EVERYBODY) == PEOPLE == len({one.name for one in EVERYBODY}) == len({one.desk for one in EVERYBODY})


def test_everybody_has_one_job() -> None:
    jobs = {job: len(of(EVERYBODY, job)) for job in ("ml", "cloud", "cluster", "directory", "staff")}
    assert jobs == {"ml": 14, "cloud": 3, "cluster": 3, "directory": 2, "staff": PEOPLE - 22}


@given(seed=st.integers(0, 999), day=st.integers(0, 29))
def test_who_is_away_is_seen_abroad_and_nobody_else_is(seed: int, day: int) -> None:
    rng = random.Random(seed)
    one = rng.choice(EVERYBODY)
    address, land = where(one, day, rng), country(one, day)
    if one.on_journey(day):
        assert (address, land) == one.abroad
    else:
        assert address in ((one.home,) if one.remote else (OFFICE, VPN))
        assert land == one.country


@given(day=st.integers(0, 29), seed=st.integers(0, 999), hours=st.tuples(st.floats(0, 23), st.floats(0, 23)))
def test_a_moment_lies_between_its_hours(day: int, seed: int, hours: tuple[float, float]) -> None:
    first, last = sorted(hours)
    begun = START + timedelta(days=day)
    moment = at(day, random.Random(seed), first, last) - begun
    assert timedelta(hours=first) - timedelta(seconds=1) <= moment <= timedelta(hours=last) + timedelta(seconds=1)


def test_the_month_begins_on_a_monday_and_five_days_are_worked() -> None:
    assert START.weekday() == 0
    assert all(works(day) == ((START + timedelta(days=day)).weekday() < 5) for day in range(30))


@given(seed=st.integers(0, 10**6))
def test_addresses_are_addresses_of_the_net(seed: int) -> None:
    for address in (public(random.Random(seed)), runner(random.Random(seed))):
        assert all(0 <= int(part) < 256 for part in address.split("."))
        assert not address.startswith(("10.", "127.", "192.168."))


def test_a_day_is_the_same_whichever_others_are_asked_for(tmp_path: Path) -> None:
    alone = write(tmp_path / "one", days=range(3, 4), size=0.02)
    two = write(tmp_path / "two", days=range(3, 5), size=0.02)
    one, both = texts(tmp_path / "one"), texts(tmp_path / "two")
    assert len(one) == len(SOURCES)
    assert one.items() <= both.items()
    assert alone == sum(text.count("\n") for text in one.values()) < two


def test_another_seed_is_another_month(tmp_path: Path) -> None:
    for seed in (1, 2):
        write(tmp_path / str(seed), seed=seed, days=range(1), size=0.02)
    assert texts(tmp_path / "1") != texts(tmp_path / "2")


def test_logs_of_one_server_stand_in_a_folder_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, days=range(1), size=0.01)
    assert {path.name for path in tmp_path.iterdir()} == {"logs", *OF_HOST.values()}


def test_what_is_planted_stands_in_its_day_in_order_of_time(tmp_path: Path) -> None:
    moment = START + timedelta(days=1, hours=12)
    planted: dict[str, list[tuple[object, str]]] = {"okta.jsonl": [(moment, '{"published": "planted"}')]}
    with_it = write(tmp_path / "with", days=range(2), size=0.02, planted=planted)
    assert with_it == write(tmp_path / "without", days=range(2), size=0.02) + 1
    rows = (tmp_path / "with/logs/okta-01.jsonl").read_text().splitlines()
    place = next(number for number, row in enumerate(rows) if "planted" in row)
    times = [datetime.fromisoformat(json.loads(row)["published"]) for row in rows if "planted" not in row]
    assert times == sorted(times)
    assert sum(time <= moment.astimezone(UTC) for time in times) == place
    assert "planted" not in (tmp_path / "with/logs/okta-00.jsonl").read_text()


@pytest.mark.parametrize("name", STORIES)
def test_a_story_is_told_by_files_of_the_month_within_it(name: str) -> None:
    told = STORIES[name].tell(EVERYBODY)
    assert set(told) <= set(SOURCES)
    for rows in told.values():
        moments = [moment for moment, _ in rows]
        assert moments == sorted(moments)
        assert START <= moments[0] <= moments[-1] < START + timedelta(days=30)
    assert told == STORIES[name].tell(EVERYBODY)


def test_all_that_the_stories_tell_is_planted() -> None:
    each = [rows for story in STORIES.values() for rows in story.tell(EVERYBODY).values()]
    assert sum(map(len, plant(EVERYBODY).values())) == sum(map(len, each))


@pytest.mark.parametrize("inside", [False, True])
def test_the_workspace_of_the_month_can_be_read(tmp_path: Path, inside: bool) -> None:
    file = create_workspace(tmp_path)
    describe(file, inside=inside)
    home = require_workspace(tmp_path)
    assert SYSTEM in home.systems
    assert (OFFICE in str(home.inside)) is inside
