"""Where entries are public, and addresses that every reader takes."""

from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.matrix.technique import Tactic
from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers.public_page import (
    attack_page,
    shortname,
    source_name,
    tactic_page,
    technique_page,
    web_address,
)

few = settings(deadline=None)
ATLAS = load("atlas-5.6")


def is_uri(text: str) -> bool:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    if "uri" not in checker.checkers:
        pytest.skip("nothing to check addresses with")
    return checker.conforms(text, "uri")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
        (" http://[::1]:80/ ", "http://[::1]:80/"),
        ("https://example.org", "https://example.org"),
        ("https://exämple.org/ä b|c[d]", "https://ex%C3%A4mple.org/%C3%A4%20b%7Cc%5Bd%5D"),
        ("https://example.org/%20%zz%", "https://example.org/%20%25zz%25"),
        ("https://example.org/a#b#c", "https://example.org/a#b%23c"),
        ("https://example.org/a\nb", "https://example.org/a%0Ab"),
    ],
)
def test_an_address_is_written_as_others_must_have_it(text: str, address: str) -> None:
    assert web_address(text) == address
    assert is_uri(address)


@pytest.mark.parametrize(
    "text",
    ["", "no address", "https://", "https:///a", "ftp://example.org", "javascript:alert(1)", "https://a:b@example.org/",
     "https://[x", "https://exa mple.org/", "https://example.org:port/"],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_none(text: str) -> None:
    assert web_address(text) is None


@few
@given(host=st.text(), path=st.text())
def test_whatever_is_written_is_an_address(host: str, path: str) -> None:
    for text in (f"https://{host}{path}", f"https://example.org/{path}"):
        address = web_address(text)
        assert address is None or (address.isascii() and is_uri(address) and web_address(address) == address)


def test_every_maker_has_its_pages() -> None:
    assert technique_page(ATLAS, "AML.T0024.002") == "https://atlas.mitre.org/techniques/AML.T0024.002"
    assert tactic_page(ATLAS, "AML.TA0011") == "https://atlas.mitre.org/tactics/AML.TA0011"
    assert attack_page("T1071.001") == "https://attack.mitre.org/techniques/T1071/001/"
    assert attack_page("TA0011") == "https://attack.mitre.org/tactics/TA0011/"
    assert technique_page(replace(ATLAS, kind="attack"), "T1071") == "https://attack.mitre.org/techniques/T1071/"
    assert "mitre/advmlthreatmatrix" in str(technique_page(load(), "AMLTM.EVADE.01"))
    assert technique_page(replace(load(), repository="ours"), "AMLTM.EVADE.01") is None


def test_sources_and_tactics_have_the_names_that_others_know() -> None:
    assert [source_name(kind) for kind in ("atlas", "attack", "amltm-2020")] == [
        "mitre-atlas",
        "mitre-attack",
        "amltm-2020",
    ]
    assert shortname(Tactic("x", "Command and Control")) == "command-and-control"
    assert shortname(Tactic("x", "AI/ML  Staging")) == "ai-ml-staging"
