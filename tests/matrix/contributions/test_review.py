import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.matrix.contributions.form import ContributionKind
from caponier.matrix.contributions.merge import merge
from caponier.matrix.contributions.review import MOST_FILES, contribution_files, review
from caponier.matrix.contributions.review_issue import ReviewLevel
from caponier.matrix.versions import release_file
from caponier.matrix.versions.catalogue import load
from caponier.matrix.versions.library import Library
from caponier.matrix.versions.release import Release
from matrix.contributions.made import EVIDENCE, STUDY, TECHNIQUE, changed, errors, file, reviewed


def test_each_file_is_told_and_the_worst_counts(tmp_path: Path) -> None:
    look = changed(TECHNIQUE, id="AMLTM.EVADE.09", name="Other", description="Does it.")
    found = reviewed(tmp_path, TECHNIQUE, look, changed(STUDY, score="1"), "{")
    assert [one.level for one in found.files] == [None, ReviewLevel.LOOK, ReviewLevel.ERROR, ReviewLevel.ERROR]
    assert [one.kind for one in found.files] == [
        ContributionKind.TECHNIQUE,
        ContributionKind.TECHNIQUE,
        ContributionKind.CASE_STUDY,
        None,
    ]
    assert [one.contribution is not None for one in found.files] == [True, True, False, False]
    assert found.level is ReviewLevel.ERROR
    assert reviewed(tmp_path, EVIDENCE).level is None


def test_each_is_held_against_the_version_that_it_names(tmp_path: Path) -> None:
    atlas = changed(EVIDENCE, matrix="atlas-5.6", technique="AML.T0043")
    found = reviewed(tmp_path, EVIDENCE, atlas)
    assert [one.version for one in found.files] == ["amltm-2020", "atlas-5.6"]
    assert errors(reviewed(tmp_path, atlas, version="amltm-2020")) == ["matrix"]


def test_what_was_written_for_an_older_version_is_held_against_a_newer_one(tmp_path: Path) -> None:
    library = Library(tmp_path / "matrix")
    library.add(Release(replace(load(), version="amltm-2020+7"), "caponier", ""))
    for named in ("amltm-2020", "amltm-2020+7", "amltm-2020+3"):
        found = reviewed(tmp_path, changed(EVIDENCE, matrix=named), version="amltm-2020+7", library=library)
        assert (found.level, found.files[0].version) == (None, "amltm-2020+7")
    assert errors(reviewed(tmp_path, changed(EVIDENCE, matrix="amltm-2020+3"), library=library)) == ["matrix"]


def test_too_many_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too many"):
        review([tmp_path / "a.yaml"] * (MOST_FILES + 1), Library())


def test_a_folder_stands_for_the_contributions_in_it(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.YML", "sub/c.yml", "notes.md", ".hidden/d.yaml"):
        file(tmp_path / "in", TECHNIQUE, name)
    outside = file(tmp_path, TECHNIQUE, "outside.yaml")
    found = contribution_files([tmp_path / "in", tmp_path / "in" / "b.yaml", outside])
    assert [path.name for path in found] == ["a.YML", "b.yaml", "c.yml", "outside.yaml"]


@pytest.mark.parametrize("name", ["link.yaml", "sub/LINK.YML", "loop"])
def test_a_link_in_a_folder_is_told_and_not_passed_over(tmp_path: Path, name: str) -> None:
    file(tmp_path / "in", TECHNIQUE, "sub/a.yaml")
    outside = tmp_path if name == "loop" else file(tmp_path, TECHNIQUE, "outside.yaml")
    (tmp_path / "in" / name).symlink_to(outside)
    with pytest.raises(InputError, match="a link, which is not followed") as refused:
        contribution_files([tmp_path / "in"])
    assert refused.value.where == str(tmp_path / "in" / name)


def test_a_link_to_no_contribution_is_no_matter(tmp_path: Path) -> None:
    inside = file(tmp_path / "in", TECHNIQUE, "a.yaml")
    (tmp_path / "in" / "notes.md").symlink_to(tmp_path / "elsewhere.md")
    assert contribution_files([tmp_path / "in"]) == [inside]


def test_a_folder_without_any_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no contribution"):
        contribution_files([tmp_path])


def test_a_name_that_is_no_text_is_shown_all_the_same(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml"))
    path.write_text(TECHNIQUE)
    (one,) = review([path], Library()).files
    one.file.encode()
    assert one.level is None


BASES = st.sampled_from([TECHNIQUE, EVIDENCE, STUDY])
WORDS = st.sampled_from(
    [
        *("", "AMLTM.EVADE", "AMLTM.EVADE.01", "AMLTM.EVADE.04", "AMLTM.EVADE.01.V1", "AML.T0020", "T1078", "TA0001"),
        *("orange", "white", "incident", "combined", "amltm-2020", "atlas-5.6", "https://cisa.gov/a", "2024"),
    ]
) | st.text(max_size=12)
FIELDS = st.sampled_from(
    ["id", "name", "parent", "color", "attack", "matrix", "technique", "date", "strategy", "target"]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.lists(st.tuples(BASES, st.dictionaries(FIELDS, WORDS, max_size=4)), min_size=1, max_size=4))
def test_every_review_ends_with_a_verdict(tmp_path: Path, files: list[tuple[str, dict[str, str]]]) -> None:
    found = reviewed(tmp_path, *[changed(base, **changes) for base, changes in files])
    for one in found.files:
        assert (one.contribution is None) is (one.level is ReviewLevel.ERROR)
    if found.level is not ReviewLevel.ERROR and len({one.version for one in found.files}) == 1:
        contributions = [one.contribution for one in found.files if one.contribution]
        base = Library().release(found.files[0].version)
        release = merge(base, contributions, "ours", date(2026, 3, 1))
        assert release_file.from_bytes(release_file.to_bytes(release), "x") == release
