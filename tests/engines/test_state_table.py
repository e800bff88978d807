"""What is kept of subjects between two looks comes back as it was."""

from pathlib import Path

import numpy as np
import pytest

from caponier.engines.judge import JudgedSubject
from caponier.engines.resumable import RingEvents, SubjectMemory
from caponier.engines.state_table import MOST_FILES, Changes, StateTable
from caponier.engines.subjects import SubjectState


def held(time: int, events: int = 1, *, said: bool = False) -> SubjectMemory:
    standing = JudgedSubject(*(np.arange(3) + part for part in range(4))) if said else None
    ring = RingEvents(np.array([[0, time], [1, 2**40]]), np.array([time, time + 1]), ["a", "é☂"], ["x", None])
    states = np.arange(100, dtype=np.uint8)
    return SubjectMemory(SubjectState(time, 2**63 + 5, [1, events, 3], states), standing, ring)


def changes(**subjects: SubjectMemory) -> Changes:
    made = Changes()
    for key, one in subjects.items():
        made.keep(key, one)
    return made


@pytest.mark.parametrize("said", [True, False])
def test_all_comes_back(tmp_path: Path, said: bool) -> None:
    before = held(7, said=said)
    files = StateTable(tmp_path, ()).changed("f", changes(one=before), since=0, most=10)
    after = StateTable(tmp_path, files).recall("one")
    assert after is not None
    assert (after.carried.last_time, after.carried.last_key, after.carried.ages) == (7, 2**63 + 5, [1, 1, 3])
    np.testing.assert_array_equal(after.carried.states, before.carried.states)
    np.testing.assert_array_equal(after.ring.places, before.ring.places)
    np.testing.assert_array_equal(after.ring.times, before.ring.times)
    assert (after.ring.ids, after.ring.senders) == (before.ring.ids, before.ring.senders)
    assert (after.standing is None) is not said
    if after.standing and before.standing:
        np.testing.assert_array_equal(after.standing.told, before.standing.told)
        np.testing.assert_array_equal(after.standing.rarity, before.standing.rarity)
        assert after.standing.rarity.flags.writeable, "the judge writes to it"
    assert StateTable(tmp_path, files).recall("two") is None


def grown(folder: Path, looks: int, since: int = 0, most: int = 100) -> tuple[str, ...]:
    files: tuple[str, ...] = ()
    for look in range(looks):
        table = StateTable(folder, files)
        files = table.changed(f"f{look}", changes(same=held(look), **{f"s{look}": held(look)}), since=since, most=most)
    return files


def test_the_last_look_counts_and_files_become_one(tmp_path: Path) -> None:
    files = grown(tmp_path, MOST_FILES + 2)
    assert len(files) < MOST_FILES
    table = StateTable(tmp_path, files)
    assert len(table) == MOST_FILES + 3
    known = table.recall("same")
    assert known is not None
    assert known.carried.last_time == MOST_FILES + 1


def test_whoever_was_silent_for_long_is_forgotten(tmp_path: Path) -> None:
    table = StateTable(tmp_path, grown(tmp_path, MOST_FILES, since=5))
    assert [key for key in ("s0", "s4", "s5", "s7", "same") if key in table] == ["s5", "s7", "same"]


def test_made_up_names_push_out_nobody_who_is_known(tmp_path: Path) -> None:
    table = StateTable(tmp_path, ())
    files = table.changed("f0", changes(known=held(1, events=150)), since=0, most=5)
    for look in range(1, MOST_FILES):
        new = changes(**{f"n{look}-{one}": held(10 * look + one) for one in range(20)})
        files = StateTable(tmp_path, files).changed(f"f{look}", new, since=0, most=5)
    table = StateTable(tmp_path, files)
    assert len(table) == 5
    assert "known" in table


def test_a_look_without_changes_writes_nothing(tmp_path: Path) -> None:
    assert StateTable(tmp_path, ()).changed("f", Changes(), since=0, most=5) == ()
    assert not list(tmp_path.iterdir())
