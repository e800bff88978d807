from unittest.mock import patch

import pytest

from caponier.detect.enrichment_registry import _add, all_enrichments, chosen_enrichments
from caponier.detect.enrichments.squeezing import Squeezing, enrichment
from caponier.errors import CaponierError, InputError
from caponier.plugins import Plugin


def test_what_lies_in_the_folder_is_found_in_order() -> None:
    assert list(all_enrichments()) == sorted(all_enrichments())
    assert all_enrichments()["squeezing"] is enrichment


def test_all_are_chosen_if_none_is_named() -> None:
    assert [one.name for one in chosen_enrichments([])] == list(all_enrichments())
    assert [one.name for one in chosen_enrichments(["squeezing"])] == ["squeezing"]


def test_a_name_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match=r"no enrichment 'squeezin'\n.*squeezing"):
        chosen_enrichments(["squeezin"])


def test_what_is_none_or_called_otherwise_is_an_error() -> None:
    with pytest.raises(CaponierError, match="is no enrichment"):
        _add({}, Plugin("squeezing", "here", object()))
    with pytest.raises(CaponierError, match="another name"):
        _add({}, Plugin("other", "here", enrichment))


@pytest.mark.parametrize("name", ["cost", "flip", "score"])
def test_a_name_of_another_signal_is_taken(name: str) -> None:
    with patch.object(Squeezing, "name", name), pytest.raises(CaponierError, match="has the name of another"):
        _add({}, Plugin(name, "here", Squeezing()))


def test_two_of_one_name_are_an_error() -> None:
    with pytest.raises(CaponierError, match="has the name of another"):
        _add({"squeezing": enrichment}, Plugin("squeezing", "here", enrichment))
