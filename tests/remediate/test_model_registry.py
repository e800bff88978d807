from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.remediate.model_registry import Registry, VersionStatus, file_digest, parse_registry, registry_file


def three() -> Registry:
    registry = Registry()
    for number in "123":
        registry = registry.register("digits", number, f"v{number}.safetensors", number * 64)
    return registry


def test_a_new_version_is_active_and_the_one_before_retired() -> None:
    statuses = {version.version: version.status for version in three().model("digits").versions}
    assert statuses == {"1": VersionStatus.RETIRED, "2": VersionStatus.RETIRED, "3": VersionStatus.ACTIVE}


def test_a_registry_survives_its_file() -> None:
    assert parse_registry(three().to_bytes(), "r") == three()
    assert b'"schema": "caponier.registry/1"' in three().to_bytes()


@given(st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=6))
def test_at_most_one_version_is_ever_active(names: list[str]) -> None:
    registry = Registry()
    for name in names:
        registry = registry.register("m", name, name, "")
        model = registry.model("m")
        assert [version.version for version in model.versions if version.status is VersionStatus.ACTIVE] == [name]


def test_a_version_is_registered_once() -> None:
    with pytest.raises(InputError, match="registered already"):
        three().register("digits", "2", "x", "y")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "not JSON"),
        (b"[]", "valid dictionary"),
        (b'{"schema": "other/1"}', "schema"),
        (b'{"models": [{"name": "m", "versions": [], "more": 1}]}', "models.0.more"),
        (
            b'{"models": [{"name": "m", "versions": [{"version": "1", "path": "p", "sha256": "", "status": "new"}]}]}',
            "status",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parse_registry(content, "registry.json")


def test_two_active_versions_are_refused() -> None:
    content = three().to_bytes().replace(b"retired", b"active")
    with pytest.raises(InputError, match=r"two versions.*'digits'"):
        parse_registry(content, "r")


def test_names_that_are_not_there_are_told_with_those_that_are() -> None:
    with pytest.raises(InputError, match="Models: digits"):
        three().model("letters")
    with pytest.raises(InputError, match="Versions: 1, 2, 3"):
        three().model("digits").version("9")


def test_the_folder_stands_for_its_file(tmp_path: Path) -> None:
    assert registry_file(tmp_path) == tmp_path / "registry.json"
    assert registry_file(tmp_path / "other.json") == tmp_path / "other.json"


def test_a_digest_of_nothing_is_none(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert file_digest(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert file_digest(tmp_path / "none") is None
