from types import SimpleNamespace
from unittest.mock import patch

import pytest

from caponier.emulate.feedbacks.registry import harmless, sources
from caponier.errors import CaponierError


def test_every_source_is_found_under_its_name() -> None:
    assert {"confirmer", "steered_feedback", "feedback_chaff"} <= set(sources())
    assert all(source.name == name for name, source in sources().items())


def test_harmless_are_those_that_show_no_technique() -> None:
    assert set(sources()) - set(harmless()) == {"steered_feedback", "feedback_chaff"}


def test_every_source_says_what_it_does() -> None:
    for source in sources().values():
        assert len(source.description) > 30
        assert not source.description.endswith(".")
        assert source.pace > 0


def test_a_module_without_a_source_is_an_error() -> None:
    with (
        patch("caponier.plugins.import_module", lambda _: SimpleNamespace()),
        pytest.raises(CaponierError, match="must define SOURCE"),
    ):
        sources()
