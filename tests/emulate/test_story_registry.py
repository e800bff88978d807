from types import ModuleType

import pytest

from caponier.emulate.story_registry import stories, story
from caponier.errors import CaponierError, InputError


def test_stories_are_found_by_their_file() -> None:
    assert list(stories()) == ["stolen_account"]
    assert story("stolen_account").name == "stolen_account"


def test_a_file_without_a_story_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.plugins.import_module", lambda path: ModuleType(path))
    with pytest.raises(CaponierError, match="must define STORY"):
        stories()


def test_a_story_that_is_not_there() -> None:
    with pytest.raises(InputError, match="no log story"):
        story("fairy_tale")
