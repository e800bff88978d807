"""Our own file comes back equal through the same door as every other."""

from dataclasses import replace

import pytest

from caponier.errors import InputError
from caponier.matrix import catalogue, release_file
from caponier.matrix.loaders import load_file
from caponier.matrix.release import Release


@pytest.mark.parametrize("version", ["amltm-2020", "atlas-5.6"])
def test_a_written_release_comes_back_equal(written, version: str):
    release = Release(catalogue.load(version), "caponier", "ab" * 32, (), ("a remark",))
    assert load_file(written(release_file.to_bytes(release), "any.name")) == release


def test_it_can_get_another_name(written):
    release = Release(catalogue.load("amltm-2020"), "caponier", "")
    file = written(release_file.to_bytes(release))
    assert load_file(file, "team-1").matrix == replace(release.matrix, version="team-1")
    assert load_file(file, "2021.1").matrix.version == "amltm-2020-2021.1"
    assert load_file(file, "amltm-2020") == release


def test_a_field_that_has_no_place_is_an_error(written):
    data = release_file.to_bytes(Release(catalogue.load("amltm-2020"), "caponier", ""))
    file = written(data.replace(b'"position":', b'"severity": 9, "position":', 1))
    with pytest.raises(InputError, match="severity"):
        load_file(file)
