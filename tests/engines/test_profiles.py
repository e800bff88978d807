from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from caponier.detect.traffic_profile.drift import TraitHistogram
from caponier.detect.traffic_profile.profile import TrafficProfile
from caponier.engines.local import gather, sample, scan
from caponier.engines.plan import Plan
from caponier.engines.profiles import ProfileBuilder
from caponier.engines.shares import EVERYBODY, Share
from caponier.engines.spool import SEPARATOR, Spool
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from engines.logs import filled, rows

ENCODER = Encoder.fit(FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0), np.zeros((1, 2), np.float32))
PLAN = Plan("m", ENCODER, ())


@pytest.fixture
def spool() -> Iterator[Spool]:
    """Ten users of twelve queries each, all mixed."""
    with Spool() as opened:
        yield filled(opened, rows(120, principal=lambda i: f"p{i % 10}", label=lambda i: "ab"[i % 2]))


def builder(spool: Spool, *shares: Share) -> ProfileBuilder:
    found = ProfileBuilder(replace(TrafficProfile.blank(sample(spool, PLAN, 1.0, 100)[0]), size=5))
    for share in shares:
        gather(spool, PLAN, share, {}, None, found)
    return found


def test_everybody_sits_whatever_the_shares(spool: Spool) -> None:
    profile, names = builder(spool, EVERYBODY).profile()
    assert sorted(names) == [f"principal{SEPARATOR}p{i}" for i in range(10)]
    halves, others = builder(spool, Share(1, 2, 0, 1), Share(1, 2, 1, 2)).profile()
    assert sorted(others) == sorted(names)
    order = [others.index(name) for name in names]
    np.testing.assert_array_equal(halves.rows[order], profile.rows)


def test_windows_gathered_elsewhere_count_in_the_order_of_their_callers(spool: Spool) -> None:
    joined = builder(spool)
    joined.absorb([builder(spool, Share(1, 3, part, part + 1)).windows() for part in (2, 0, 1)])
    profile, names = joined.profile()
    expected, order = builder(spool, EVERYBODY).profile()
    assert names == order
    np.testing.assert_array_equal(profile.rows, expected.rows)


def test_some_can_be_left_out(spool: Spool) -> None:
    profile, names = builder(spool, EVERYBODY).profile(frozenset({f"principal{SEPARATOR}p3"}))
    assert len(profile.rows) == len(names) == 9
    assert f"principal{SEPARATOR}p3" not in names


@pytest.mark.parametrize(("workers", "batch_rows"), [(1, 8192), (1, 7), (2, 50)])
def test_a_scan_counts_the_same_callers(spool: Spool, workers: int, batch_rows: int) -> None:
    profile, _ = builder(spool, EVERYBODY).profile()
    tally = scan(spool, [replace(PLAN, profile=profile)], workers=workers, batch_rows=batch_rows).tallies["m"]
    expected = TraitHistogram.over(profile).with_rows(profile, profile.rows)
    np.testing.assert_array_equal(tally.counts, expected.counts)
    np.testing.assert_array_equal(tally.totals, expected.totals)


def test_without_a_profile_nothing_is_compared(spool: Spool) -> None:
    assert scan(spool, [PLAN]).tallies == {}
