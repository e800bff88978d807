"""Links between ids: from the table and from what a version says itself, the same from either side."""

from collections.abc import Sequence

import pytest

from caponier.matrix.mapping import succession_table
from caponier.matrix.mapping.difference import Facts
from caponier.matrix.mapping.lineage import Link, links, named_successor
from caponier.matrix.versions.catalogue import Matrix
from matrix.versions_by_hand import version

TABLE = succession_table.load()


def between(before: Matrix, after: Matrix) -> Sequence[Link]:
    old, new = ({t.id: Facts(t.id, t.name) for t in matrix.techniques} for matrix in (before, after))
    return links(before, after, old, new, TABLE)


def test_the_table_links_one_to_one_and_says_why():
    (link,) = between(version("atlas-4.4.0", ["AML.T0045"]), version("atlas-4.5.0", ["AML.T0048.004"]))
    assert (link.before, link.after, link.sure) == (("AML.T0045",), ("AML.T0048.004",), True)
    assert link.note.startswith("ATLAS 4.5.0: ")


def test_a_row_that_was_not_checked_is_not_sure():
    (link,) = between(version("atlas-5.6", ["AML.T0019"]), version("atlas-2026.09", ["AML.T0115.000"]))
    assert not link.sure
    assert "not checked" in link.note


def test_the_table_is_of_atlas_only():
    before, after = version("a", ["AML.T0045"], kind="attack"), version("b", ["AML.T0048.004"], kind="attack")
    assert between(before, after) == ()


def test_an_id_that_both_have_needs_no_link():
    before, after = version("a", ["X", "Y"], kind="attack"), version("b", ["X", "Y"], kind="attack", retired={"X": "Y"})
    assert between(before, after) == ()


def test_from_the_other_side_it_is_the_same_with_the_sides_changed():
    before = version("a", ["X", "Y", "Z"], kind="attack")
    after = version("b", ["P", "Q"], kind="attack", retired={"X": "P", "Y": "P", "Z": "Q"})
    there, back = between(before, after), between(after, before)
    assert sorted((link.before, link.after) for link in there) == [(("X", "Y"), ("P",)), (("Z",), ("Q",))]
    assert sorted((link.after, link.before) for link in back) == [(("X", "Y"), ("P",)), (("Z",), ("Q",))]


@pytest.mark.parametrize(
    ("retired", "named"),
    [
        ({"A": "B"}, "B"),
        ({"A": "X", "X": "B"}, "B"),
        ({"A": None}, None),
        ({"A": "X"}, None),
        ({"A": "X", "X": "A"}, None),
        ({}, None),
    ],
)
def test_what_a_version_says_itself_is_followed_to_an_entry_that_is_there(
    retired: dict[str, str | None], named: str | None
):
    assert named_successor("A", version("b", ["B"], kind="attack", retired=retired), {"B"}) == named
