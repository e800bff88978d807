"""A function that is remembered gives what it gave, to each caller a copy, and works once for all of a run."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from conftest import REMEMBERED
from remembered import Remembered

ASKED: list[tuple[object, ...]] = []


@pytest.fixture(autouse=True)
def _nobody_asked() -> None:
    ASKED.clear()


@dataclass(frozen=True)
class Teacher:
    rate: float
    notes: list[str] = field(default_factory=list)

    def taught(self, rows: np.ndarray, *, rounds: int = 1) -> list[np.ndarray]:  # type: ignore[type-arg]
        ASKED.append((self.rate, rows.tolist(), rounds))
        if rounds < 0:
            raise ValueError("rounds")
        return [rows * self.rate * rounds]


def test_it_works_once_for_the_same_arguments_and_all_who_share_a_folder(tmp_path: Path) -> None:
    rows = np.arange(4.0)
    for _ in range(2):
        taught = Remembered(tmp_path / "kept").of(Teacher.taught)
        assert [taught(Teacher(2.0), rows, rounds=3)[0].tolist() for _ in range(2)] == [[0.0, 6.0, 12.0, 18.0]] * 2
    assert len(ASKED) == 1


def test_whatever_differs_is_worked_out(tmp_path: Path) -> None:
    taught = Remembered(tmp_path / "kept").of(Teacher.taught)
    rows = np.arange(4.0)
    for teacher, given, rounds in ((1, rows, 1), (2, rows, 1), (1, rows + 1, 1), (1, rows, 2), (1, rows[:3], 1)):
        (found,) = taught(Teacher(teacher), given, rounds=rounds)
        assert found.tolist() == (given * teacher * rounds).tolist()
    assert len(ASKED) == 5


def test_two_functions_do_not_answer_for_each_other(tmp_path: Path) -> None:
    keeper = Remembered(tmp_path / "kept")
    assert keeper.of(len)([1, 2]) == 2
    assert keeper.of(sum)([1, 2]) == 3


def test_who_changes_what_it_got_changes_a_copy(tmp_path: Path) -> None:
    taught = Remembered(tmp_path / "kept").of(Teacher.taught)
    for _ in range(3):
        (found,) = taught(Teacher(1.0), np.ones(2))
        found += 5
    assert taught(Teacher(1.0), np.ones(2))[0].tolist() == [1.0, 1.0]


def test_what_fails_fails_again(tmp_path: Path) -> None:
    taught = Remembered(tmp_path / "kept").of(Teacher.taught)
    for _ in range(2):
        with pytest.raises(ValueError, match="rounds"):
            taught(Teacher(1.0), np.ones(2), rounds=-1)
    assert len(ASKED) == 2
    assert list((tmp_path / "kept").iterdir()) == []


def test_what_an_answer_rests_on_may_be_less_than_all_arguments(tmp_path: Path) -> None:
    taught = Remembered(tmp_path / "kept").of(Teacher.taught, lambda teacher, rows: (teacher.rate, rows))
    for note in "ab":
        taught(Teacher(1.0, [note]), np.ones(2))
    assert len(ASKED) == 1


def test_tests_remember_unless_they_ask_not_to(request: pytest.FixtureRequest) -> None:
    for owner, name, _ in REMEMBERED:
        assert hasattr(getattr(owner, name), "__wrapped__")
    request.getfixturevalue("forgetting")
    for owner, name, _ in REMEMBERED:
        assert not hasattr(getattr(owner, name), "__wrapped__")
