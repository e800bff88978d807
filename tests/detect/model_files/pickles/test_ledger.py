import pytest

from caponier.detect.artifact import Limits
from caponier.detect.model_files.pickles.ledger import Expense, Ledger
from caponier.detect.model_files.pickles.rules import AllowLevel, GlobalRole
from caponier.detect.model_files.pickles.stream import LimitError


def test_what_is_allowed_leaves_no_trace() -> None:
    ledger = Ledger(Limits())
    ledger.note("collections.OrderedDict", GlobalRole.CALL, AllowLevel.ALLOWED, 0)
    assert not ledger.uses


def test_naming_something_unlisted_is_open_and_calling_it_is_unsafe() -> None:
    ledger = Ledger(Limits())
    ledger.note("some.thing", GlobalRole.NAME, AllowLevel.UNLISTED, 0)
    assert ledger.unsafe == []
    assert not ledger.invoked
    ledger.note("some.thing", GlobalRole.CALL, AllowLevel.UNLISTED, 5)
    assert [use.role for use in ledger.unsafe] == [GlobalRole.CALL]
    assert ledger.invoked


def test_the_worst_comes_first() -> None:
    ledger = Ledger(Limits())
    ledger.note("b", GlobalRole.CALL, AllowLevel.UNLISTED, 1)
    ledger.note("c", GlobalRole.NAME, AllowLevel.DANGEROUS, 2)
    ledger.note("d", GlobalRole.CALL, AllowLevel.DANGEROUS, 3)
    assert [use.what for use in ledger.unsafe] == ["d", "c", "b"]


def test_a_use_is_noted_once_with_its_first_place() -> None:
    ledger = Ledger(Limits())
    for at in (3, 9):
        ledger.note("a", GlobalRole.CALL, AllowLevel.UNLISTED, at)
        ledger.doubt("a doubt")
    assert [use.at for use in ledger.uses.values()] == [3]
    assert ledger.doubts == ["a doubt"]


def test_notes_do_not_grow_without_end() -> None:
    ledger = Ledger(Limits())
    for number in range(1_500):
        ledger.note(f"a{number}", GlobalRole.CALL, AllowLevel.UNLISTED, 0)
        ledger.doubt(f"a{number}")
    assert len(ledger.uses) == len(ledger.doubts) == 1_000


def test_visits_and_values_are_counted_over_all_pickles_of_a_file() -> None:
    expense = Expense()
    first, second = (Ledger(Limits(opcodes=3, stack=4), expense) for _ in range(2))
    for ledger in (first, second):
        for _ in range(6):
            ledger.visit()
        ledger.keep(2)
    with pytest.raises(LimitError):
        first.visit()
    with pytest.raises(LimitError):
        second.keep()
