"""When releases came out is a table, in order, with both names of a release."""

import datetime

import pytest

from caponier.matrix.versions import atlas_releases


def test_the_oldest_is_first_and_no_name_is_there_twice():
    days = [release.released for release in atlas_releases.releases()]
    assert days == sorted(days)
    names = [name for r in atlas_releases.releases() for name in (r.version, r.month) if name]
    assert len(names) == len(set(names))


def test_a_month_stands_for_the_release_that_came_out_in_it():
    for release in atlas_releases.releases():
        if release.month:
            assert release.month.startswith(f"{release.released:%Y.%m}")


@pytest.mark.parametrize("name", ["5.6.0", "atlas-5.6.0", "2026.04", "atlas-2026.04"])
def test_a_release_is_found_by_any_of_its_names(name: str):
    found = atlas_releases.find(name)
    assert found is not None
    assert (found.version, found.released) == ("5.6.0", datetime.date(2026, 4, 30))


def test_an_unknown_release_is_none():
    assert atlas_releases.find("atlas-9.9.9") is None
    assert atlas_releases.find("") is None
