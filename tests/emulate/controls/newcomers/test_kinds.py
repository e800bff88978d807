"""What tells each kind of harmless caller from the others."""

from datetime import timedelta
from itertools import pairwise

from caponier.emulate.images import Images
from caponier.emulate.registry import newcomers
from emulate.wires import kinds, visited


def lines(name: str, pool: Images, each: int = 6, requests: int = 150) -> list[list[tuple[str, int]]]:
    return [kinds(line) for line in visited(newcomers()[name], pool, each=each, requests=requests)]


def share(line: list[tuple[str, int]], *wanted: tuple[str, int]) -> float:
    return sum(kind in wanted for kind in line) / len(line)


def test_a_monitor_asks_by_the_clock_and_hardly_ever_fails(pool: Images) -> None:
    (line,) = visited(newcomers()["health_check"], pool)
    ready = [row["time"] for row in line if row["operation"] == "health"]
    assert all(timedelta(seconds=10) <= b - a < timedelta(seconds=11) for a, b in pairwise(ready))
    assert share(kinds(line), ("health", 200), ("health", 503)) > 0.85


def test_an_ab_test_misses_one_version_at_times(pool: Images) -> None:
    told = [kind for line in lines("ab_tester", pool, requests=250) for kind in line]
    assert ("metadata", 404) in told
    assert share(told, ("predict", 200), ("predict", 503)) > 0.8
    assert {status for operation, status in told if operation == "predict"} <= {200, 404, 503}


def test_a_client_library_reads_metadata_at_each_start(pool: Images) -> None:
    for line in lines("sdk_client", pool):
        assert line.count(("metadata", 200)) + line.count(("metadata", 503)) >= 3
        assert all(status in (200, 503) for _, status in line)


def test_a_client_tries_again_in_an_outage_and_pauses_grow(pool: Images) -> None:
    all_lines = visited(newcomers()["outage_retrier"], pool, each=8, requests=300)
    out = [row for line in all_lines for row in line if row["status"] == 503]
    assert out
    assert {row["status"] for line in all_lines for row in line} == {200, 503}
    longest = max(b["time"] - a["time"] for line in all_lines for a, b in pairwise(line) if a["status"] == 503)
    assert timedelta(seconds=30) < longest < timedelta(seconds=62)


def test_a_job_fails_all_night_in_one_way(pool: Images) -> None:
    ways = set()
    for line in lines("wrong_schema_job", pool, each=12, requests=90):
        failed = {kind for kind in line if kind[0] == "predict" and kind[1] != 503}
        assert len(failed) <= 1
        assert ("predict", 200) not in line
        ways |= failed
    assert ways == {("predict", 400), ("predict", 404)}


def test_a_reviewer_has_most_decisions_explained(pool: Images) -> None:
    for line in lines("auditor", pool):
        explained, predicted = line.count(("explain", 200)), line.count(("predict", 200))
        assert predicted == 0 or 0.4 < explained / predicted < 1
        assert share(line, ("explain", 400)) < 0.05


def test_a_service_key_is_a_little_of_everything(pool: Images) -> None:
    told = [kind for line in lines("service_key", pool, each=8, requests=250) for kind in line]
    assert share(told, ("predict", 200), ("predict", 503)) > 0.8
    failed = [kind for kind in told if kind[1] >= 400 and kind[1] != 503]
    assert 0.01 < len(failed) / len(told) < 0.06
    assert len(set(failed)) >= 3
    assert ("metadata", 200) in told
    assert ("explain", 200) in told
