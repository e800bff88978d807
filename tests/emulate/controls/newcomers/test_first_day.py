from dataclasses import replace

from caponier.emulate.controls.newcomers.first_day import MISTAKES, NEWCOMER
from caponier.emulate.images import Images
from emulate.wires import kinds, visited


def test_it_reads_errs_and_then_works(pool: Images) -> None:
    for line in visited(NEWCOMER, pool, each=12):
        told = kinds(line)
        assert told[0][0] == "metadata"
        assert told.count(("metadata", 200)) <= 3
        assert sum(kind in (("predict", 200), ("predict", 503)) for kind in told) > 0.6 * len(told)
        assert {operation for operation, _ in told[-30:]} <= {"predict", "metadata"}


def test_mistakes_are_of_a_few_kinds(pool: Images) -> None:
    for line in visited(replace(NEWCOMER, mistakes=30.0, curious=0.0), pool, each=8):
        failed = {kind for kind in kinds(line) if kind[1] >= 400 and kind[1] != 503}
        assert 1 <= len(failed) <= 3


def test_mistakes_are_about_as_many_as_said(pool: Images) -> None:
    lines = visited(replace(NEWCOMER, later=0.0, curious=0.0), pool, each=40, requests=60)
    failed = [sum(status >= 400 and status != 503 for _, status in kinds(line)) for line in lines]
    assert 2.0 < sum(failed) / len(failed) < 6.5
    assert min(failed) == 0


def test_some_try_explanations(pool: Images) -> None:
    lines = visited(replace(NEWCOMER, curious=1.0), pool, each=8)
    assert all(any(operation == "explain" for operation, _ in kinds(line)) for line in lines)
    asked = [sum(kind == ("explain", 200) for kind in kinds(line)) for line in lines]
    assert max(asked) <= 4


def test_shares_of_mistakes_add_up() -> None:
    assert abs(sum(share for share, _ in MISTAKES) - 1) < 1e-9
