"""A database that only whoever opened it sees."""

from caponier.formats.scratch_database import opened


def test_two_that_are_open_at_once_hold_rows_of_their_own() -> None:
    one, other = (opened(["create table kept (what text)"]) for _ in range(2))
    one.execute("insert into kept values ('a')")
    assert one.execute("select what from kept").fetchall() == [("a",)]
    assert other.execute("select what from kept").fetchall() == []
    assert one.in_transaction
    one.close()
    other.close()
