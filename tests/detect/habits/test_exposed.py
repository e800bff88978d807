"""What the past says of open places, of assets that are about themselves, and of colleagues without a name."""

import pytest

from caponier.detect.habits.past import ACT, DAYS, HERE, OPEN, VOUCHED, WEEKS, Fact, Past, act

RULE, PLACE = "sigma:ml_remote_service", "host gpu-01 port 22"


def reached(*days: int) -> Past:
    past = Past()
    for day in days:
        past.add(Fact(OPEN, RULE, PLACE), day)
    return past


@pytest.mark.parametrize(
    ("days", "asked", "expected"),
    [
        ((1, 2, 3), (4,), False),
        ((1, 8, 15), (15,), False),
        ((1, 8, 15, 16), (16,), True),
        ((1, 8, 15, 16), (1, 8, 15), False),
        ((1, 2, 3, 4, 5), (5,), False),
        ((), (1,), False),
    ],
)
def test_a_place_is_open_if_others_came_on_other_days_for_weeks(
    days: tuple[int, ...], asked: tuple[int, ...], expected: bool
) -> None:
    assert reached(*days).open_to_all(RULE, PLACE, asked) is expected


def test_another_port_and_another_rule_are_not_open() -> None:
    past = reached(*range(30))
    assert past.open_to_all(RULE, PLACE, (3,))
    assert not past.open_to_all(RULE, "host gpu-01 port 8888", (3,))
    assert not past.open_to_all("sigma:ml_console_code", PLACE, (3,))


def test_only_earlier_scans_have_told_it() -> None:
    first = reached(*range(WEEKS + 1))
    assert not first.told_open(RULE, PLACE)
    later = Past(first.facts())
    assert later.told_open(RULE, PLACE)
    assert not later.told_open(RULE, "host gpu-02 port 22")
    short = Past(reached(*range(DAYS)).facts())
    assert not short.told_open(RULE, PLACE)


def test_an_asset_was_told_by_earlier_scans_of_other_days() -> None:
    fact = Fact(ACT, "asset open-weights", act("sigma:store_read_anonymously", "bucket of digits"))
    past = Past([(fact, (1, 8, 15))])
    assert past.told("sigma:store_read_anonymously", "asset open-weights", (20,))
    assert not past.told("sigma:store_read_anonymously", "asset open-weights", (1, 8, 15))
    assert not past.told("sigma:store_read", "asset open-weights", (20,)), "a name that only begins alike"
    fresh = Past()
    for day in (1, 8, 15, 20):
        fresh.add(fact, day)
    assert not fresh.told("sigma:store_read_anonymously", "asset open-weights", (20,))


def known(name: str, *days: int) -> list[tuple[Fact, tuple[int, ...]]]:
    return [(Fact(HERE, name, ""), days)]


def test_a_colleague_is_a_known_account_that_was_seen_there_that_day() -> None:
    calm = (Fact(VOUCHED, "ada", "81.1.1.7"), (20,))
    past = Past([*known("ada", 1, 8, 15, 20), calm])
    assert past.colleague("81.1.1.7", (20,))
    assert not past.colleague("81.1.1.7", (21,)), "not that day"
    assert not past.colleague("81.1.1.8", (20,)), "not from there"
    assert not Past([*known("ada", 19, 20), calm]).colleague("81.1.1.7", (20,)), "nobody that is known"
    assert not Past([calm]).colleague("81.1.1.7", (20,))


def test_facts_are_given_back_whole_and_in_order() -> None:
    past = reached(9, 3, 700)
    past.add(Fact(HERE, "ada", ""), 4)
    assert past.facts() == [(Fact(OPEN, RULE, PLACE), [3, 9, 700]), (Fact(HERE, "ada", ""), [4])]
    assert Past(past.facts()).facts() == past.facts()
