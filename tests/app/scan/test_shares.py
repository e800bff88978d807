"""How log files are shared out among processes, over any sizes; none is read twice, none is left out."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.app.scan import log_parts
from caponier.app.scan.log_parts import shares, size_of, worth_workers
from caponier.telemetry.log_files import LogFile

law = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SHARE = 100


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_parts, "SHARE", SHARE)
    monkeypatch.setattr(log_parts, "WORTH", 4 * SHARE)


def files(folder: Path, sizes: list[int], ending: str = ".log") -> list[LogFile]:
    found = []
    for number, size in enumerate(sizes):
        path = folder / f"{number:03}{ending}"
        path.write_bytes(b"x" * size)
        found.append(LogFile(path))
    return found


sizes = st.lists(st.integers(0, 3 * SHARE), max_size=12)


@law
@given(sizes=sizes)
def test_files_keep_their_order_and_none_is_lost(sizes: list[int], tmp_path: Path) -> None:
    made = files(tmp_path, sizes)
    found = shares(made)
    assert [file for share in found for file in share] == made
    assert all(found)


@law
@given(sizes=sizes)
def test_a_share_is_large_enough_but_for_the_last_and_no_larger_than_one_file_makes_it(
    sizes: list[int], tmp_path: Path
) -> None:
    found = [[size_of(file) for file in share] for share in shares(files(tmp_path, sizes))]
    assert all(sum(share) >= SHARE for share in found[:-1])
    assert all(sum(share[:-1]) < SHARE for share in found)


@law
@given(sizes=sizes, workers=st.integers(0, 8))
def test_processes_pay_only_where_there_is_much_in_several_shares(
    sizes: list[int], workers: int, tmp_path: Path
) -> None:
    made = files(tmp_path, sizes)
    paid = worth_workers(made, workers)
    assert paid == (workers > 1 and sum(sizes) >= 4 * SHARE and len(shares(made)) > 1)


def test_one_large_file_is_for_one_process(tmp_path: Path) -> None:
    assert not worth_workers(files(tmp_path, [100 * SHARE]), 8)


@pytest.mark.parametrize("ending", [".gz", ".GZ", ".log.gz"])
def test_a_packed_file_counts_as_what_is_in_it(ending: str, tmp_path: Path) -> None:
    packed, plain = files(tmp_path, [50], ending), files(tmp_path, [50])
    assert size_of(packed[0]) > 3 * size_of(plain[0])


def test_what_is_gone_by_now_counts_nothing_and_stays_in_its_place(tmp_path: Path) -> None:
    made = [*files(tmp_path, [10, 10]), LogFile(tmp_path / "gone.log"), LogFile(tmp_path)]
    assert size_of(made[2]) == 0
    assert [file for share in shares(made) for file in share] == made
