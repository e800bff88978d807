"""Layouts of columns: usual ones are read, and those made up anew are not."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from random import Random

import pytest

from caponier.records.inventory import FeatureColumn, FeatureSpec
from caponier.telemetry.column_layouts import ENOUGH, MEMORY, MOST_CALLERS, ColumnLayouts
from caponier.telemetry.inference_body import Body, asked

NAMES = ("age", "height", "weight", "income")


def test_columns_that_are_called_as_ever_are_usual() -> None:
    layouts = ColumnLayouts()
    assert all(layouts.is_usual("m", NAMES) for _ in range(2 * MEMORY))


def test_names_and_orders_that_are_drawn_anew_are_not() -> None:
    layouts, random = ColumnLayouts(), Random(0)
    drawn = [tuple(str(random.random()) for _ in NAMES) for _ in range(200)]
    drawn += [tuple(f"c{n}" for n in random.sample(range(12), 12)) for _ in range(200)]
    assert sum(layouts.is_usual("m", names) for names in drawn) < 20
    seen = [layouts.is_usual("m", NAMES) for _ in range(500)]
    assert all(seen[-200:]), "whoever floods a model with layouts keeps nobody out for long"


def test_beside_ordinary_queries_none_of_them_is() -> None:
    layouts, random = ColumnLayouts(), Random(0)
    for _ in range(500):
        assert layouts.is_usual("m", NAMES)
        assert not layouts.is_usual("m", tuple(str(random.random()) for _ in NAMES)) or _ < 2


def test_a_second_order_that_many_use_is_usual_and_models_are_apart() -> None:
    layouts = ColumnLayouts()
    seen = [layouts.is_usual("m", NAMES[:: 1 - 2 * (n % 2)]) for n in range(100)]
    assert all(seen[4:])
    assert layouts.is_usual("other", NAMES[::-1])


def test_whoever_always_asks_in_his_own_way_is_read_however_much_others_ask_in_theirs() -> None:
    layouts = ColumnLayouts()
    for n in range(2_000):
        assert layouts.is_usual("m", NAMES, f"k-{n % 5}")
    own = NAMES[::-1]
    assert not layouts.would_be_usual("m", own)
    for _ in range(50):
        assert layouts.would_be_usual("m", own, "k-other")
        assert layouts.is_usual("m", own, "k-other")
    assert not layouts.would_be_usual("m", own, "k-0"), "who asks in several ways is told by what others do"


def test_whoever_draws_them_anew_is_not() -> None:
    layouts, random = ColumnLayouts(), Random(0)
    for _ in range(100):
        assert layouts.is_usual("m", NAMES, "k-0")
    drawn = [tuple(str(random.random()) for _ in NAMES) for _ in range(100)]
    before = [layouts.would_be_usual("m", names, "k-1") for names in drawn[:1]]
    seen = [(layouts.would_be_usual("m", names, "k-1"), layouts.is_usual("m", names, "k-1")) for names in drawn]
    assert before == [True]
    assert all(would == did for would, did in seen)
    assert not any(did for _, did in seen[4:])


def test_no_more_callers_are_remembered_than_there_is_room_for() -> None:
    layouts = ColumnLayouts()
    for n in range(MOST_CALLERS + 10):
        layouts.is_usual("m", NAMES, f"k-{n}")
    assert len(layouts._callers) == MOST_CALLERS


def test_a_single_column_has_no_layout() -> None:
    one = {"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}
    assert asked({"inputs": [one]}).names == asked({"instances": [[1, 2]]}).names == ()
    assert asked({"inputs": {"x": [1]}}).names == asked({"dataframe_records": [{"x": 1}]}).names == ()
    layouts = ColumnLayouts()
    assert all(layouts.is_usual("m", ()) for _ in range(9))


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [{"name": name, "shape": [1], "datatype": "FP32", "data": [1]} for name in "yx"]},
        {"inputs": {"y": [1], "x": [2]}},
        {"instances": [{"y": 1, "x": 2}]},
        {"dataframe_records": [{"y": 1, "x": 2}]},
        {"dataframe_split": {"columns": ["y", "x"], "data": [[1, 2]]}},
    ],
    ids=["tensors", "lists by name", "instances", "records", "split"],
)
def test_columns_have_a_layout_where_nobody_has_said_how_the_model_calls_them(body: Body) -> None:
    assert asked(body).names == ("y", "x")
    columns = tuple(FeatureColumn(name=name) for name in "xy")
    assert asked(body, takes=FeatureSpec(kind="numeric", shape=(2,), columns=columns)).names == ()


def ordered(turn: int) -> tuple[str, ...]:
    """Return the columns in one order of several."""
    return NAMES[turn:] + NAMES[:turn]


def test_one_caller_has_one_layout_however_he_shares_his_queries_out() -> None:
    """Each layout of its own is another view of the same rows: NES got ten times the answers by changing it."""
    for turns in ([n % 4 for n in range(400)], [n // 5 % 4 for n in range(400)]):
        layouts = ColumnLayouts()
        passed = [(layouts.admits("m", ordered(turn), "eve"), turn) for turn in turns]
        assert {turn for did, turn in passed if did} == {0}


def test_columns_without_names_are_a_layout_beside_others() -> None:
    layouts = ColumnLayouts()
    assert layouts.admits("m", (), "eve")
    assert not layouts.admits("m", NAMES, "eve")
    assert not layouts.would_be_usual("m", NAMES, "eve")
    assert layouts.admits("m", NAMES, "bob")
    assert not layouts.admits("m", (), "bob")


def test_who_is_refused_gains_nothing_by_asking_on_and_who_is_answered_may_change_over() -> None:
    layouts = ColumnLayouts()
    assert all(layouts.admits("m", NAMES, "eve") for _ in range(10))
    assert not any(layouts.admits("m", ordered(1), "eve") for _ in range(1_000))
    seen = [layouts.is_usual("m", ordered(1), "eve") for _ in range(30)]
    assert seen == [False] * 10 + [True] * 20


def test_what_many_callers_ask_in_is_usual_for_those_who_ask_like_many() -> None:
    layouts = ColumnLayouts()
    for n in range(ENOUGH):
        layouts.is_usual("m", NAMES, f"a-{n}")
        assert not layouts.would_be_usual("m", ordered(1), "a-0")
        layouts.is_usual("m", ordered(1), f"b-{n}")
    assert layouts.admits("m", ordered(1), "a-0")
    assert layouts.admits("m", NAMES, "a-0")
    assert layouts.admits("m", ordered(2), "eve")
    assert not layouts.admits("m", NAMES, "eve"), "a way of his own and that of others are two views"


def test_one_caller_makes_nothing_usual_for_others() -> None:
    layouts = ColumnLayouts()
    for n in range(ENOUGH):
        layouts.is_usual("m", NAMES, f"a-{n}")
    for _ in range(1_000):
        layouts.is_usual("m", ordered(1), "a-0")
    assert not layouts.would_be_usual("m", ordered(1), "a-1")


def test_of_queries_at_once_no_two_layouts_pass() -> None:
    layouts = ColumnLayouts()
    with ThreadPoolExecutor(4) as pool:
        passed = list(pool.map(lambda n: layouts.admits("m", ordered(n % 4), "eve"), range(400)))
    assert sum(passed) == 100


DAY = 86_400.0


@pytest.mark.parametrize("way", ["admits", "is_usual"])
def test_whoever_asks_in_one_other_layout_for_a_day_goes_on_in_that_alone(way: str) -> None:
    layouts = ColumnLayouts()
    asks = getattr(layouts, way)
    assert all(asks("m", NAMES, "ann", n) for n in range(3_000))
    asked = [asks("m", ordered(1), "ann", 4_000.0 + 3_600 * hour) for hour in range(30)]
    assert asked == [False] * 24 + [True] * 6
    assert not asks("m", NAMES, "ann", 4_000.0 + 31 * 3_600)


def test_whoever_asks_in_his_old_layout_too_or_in_several_never_goes_over() -> None:
    """Else a search had two views of its rows all the time."""
    for turns in ([0, 1], [1, 2], [1, 1, 1, 0], [1, 2, 3]):
        layouts = ColumnLayouts()
        assert layouts.admits("m", NAMES, "eve", 0.0)
        passed = {
            turns[hour % len(turns)]
            for hour in range(1_000)
            if layouts.admits("m", ordered(turns[hour % len(turns)]), "eve", 3_600.0 * hour)
        }
        assert passed <= {0}


def test_of_many_views_that_are_tried_at_once_one_is_got_a_day() -> None:
    layouts = ColumnLayouts()
    seen = [
        turn
        for minute in range(10 * 1_440)
        if layouts.admits("m", ordered(turn := minute // 1_441 % 4), "eve", 60.0 * minute)
    ]
    views = 1 + sum(one != two for one, two in pairwise(seen))
    assert views <= 1 + 10


def test_nobody_goes_over_at_a_time_that_is_not_known_or_without_a_name() -> None:
    layouts = ColumnLayouts()
    assert layouts.admits("m", NAMES, "ann")
    assert not any(layouts.admits("m", ordered(1), "ann") for _ in range(1_000))
    for _ in range(1_000):
        layouts.is_usual("m", NAMES)
    assert not layouts.is_usual("m", ordered(1), None, 10 * DAY)
