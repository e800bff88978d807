import pytest

from caponier.formats.suggest import did_you_mean, nearest, nearest_id
from pace import Stopwatch

KEYS = ("owner", "purpose", "name")


@pytest.mark.parametrize(("said", "near"), [("ownr", "owner"), ("owner", "owner"), ("nmae", "name"), ("zzz", None)])
def test_the_nearest_name_is_found(said: str, near: str | None) -> None:
    assert nearest(said, KEYS) == near


def test_likeness_says_how_far_a_name_may_be_away() -> None:
    assert nearest("own", KEYS, 0.9) is None
    assert nearest("own", KEYS, 0.5) == "owner"


def test_nothing_is_near_where_nothing_is_known() -> None:
    assert nearest("owner", ()) is None
    assert nearest_id("T1000", ()) is None


def test_an_id_that_starts_the_same_is_nearer() -> None:
    assert nearest("T1059", ("T1509", "T1050")) == "T1509"
    assert nearest_id("T1059", ("T1509", "T1050")) == "T1050"


def test_a_name_of_a_megabyte_takes_no_time() -> None:
    with Stopwatch() as watch:
        nearest("owner" * 200_000, KEYS)
        nearest_id("owner" * 200_000, KEYS)
    assert watch.seconds < 1


@pytest.mark.parametrize(
    ("near", "advice"),
    [("owner", "Did you mean 'owner'? Known: all."), (None, "Known: all.")],
)
def test_advice_with_a_list_behind_it(near: str | None, advice: str) -> None:
    assert did_you_mean(near, "Known: all.") == advice


@pytest.mark.parametrize(("near", "advice"), [("owner", "Did you mean 'owner'?"), (None, "Known: all.")])
def test_advice_with_a_list_in_its_place(near: str | None, advice: str) -> None:
    assert did_you_mean(near, otherwise="Known: all.") == advice


def test_no_advice_is_no_text() -> None:
    assert did_you_mean(None) == ""
