"""Tags of YAML, held against a YAML parser: a tag that makes a Python object is never taken for plain text."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files import text
from caponier.detect.model_files.files.part import Budget
from detect.model_files.files.building import verdict

PYTHON = "tag:yaml.org,2002:python/"
MAKERS = tuple(PYTHON + kind for kind in ("name:", "module:", "object:", "object/apply:", "object/new:"))
"""What PyYAML's unsafe loader makes Python objects of."""


def tags(document: str) -> set[str]:
    """Return every tag that a loader would see, in full; nothing is made of them. Empty if there is no YAML."""
    try:
        return {event.tag for event in yaml.parse(document, yaml.SafeLoader) if getattr(event, "tag", None)}
    except (yaml.YAMLError, ValueError, AttributeError):
        return set()


def harmful(document: str) -> bool:
    return any(tag.startswith(MAKERS) for tag in tags(document))


WAYS = [
    "!!python/object/apply:os.system ['id']",
    "a: !!python/object/apply:os.system ['id']",
    "- !!python/object/new:os.popen ['id']",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/object:subprocess.Popen {}",
    "!<tag:yaml.org,2002:python/object/apply:os.system> ['id']",
    "!!%70ython/object/apply:os.system ['id']",
    "!!python%2Fobject/apply:os.system ['id']",
    "!!%70%79%74%68%6f%6e/object/apply:os.system ['id']",
    "!<tag:yaml.org%2c2002:python/object/apply:os.system> ['id']",
    "!<%74ag:yaml.org,2002:python/object/apply:os.system> ['id']",
    "%TAG !p! tag:yaml.org,2002:python/\n--- !p!object/apply:os.system ['id']",
    "%TAG !p! tag:yaml.org,2002:\n--- !p!python/object/apply:os.system ['id']",
    "%TAG !p! tag:yaml.org,\n--- !p!2002:python/object/apply:os.system ['id']",
    "%TAG !p! t\n--- !p!ag:yaml.org,2002:python/object/apply:os.system ['id']",
    "%TAG !p! tag:yaml.org%2c2002:python/\n--- !p!object/apply:os.system ['id']",
    "%TAG ! tag:yaml.org,2002:python/\n--- !object/apply:os.system ['id']",
    "%TAG !! tag:yaml.org,2002:python/\n--- !!object/apply:os.system ['id']",
    "# words\n%TAG !p! tag:yaml.org,\n--- !p!2002:python/object/apply:os.system ['id']",
    "# words\r%TAG !p! tag:yaml.org,\r--- !p!2002:python/object/apply:os.system ['id']",
    "# words\x85%TAG !p! tag:yaml.org,\x85--- !p!2002:python/object/apply:os.system ['id']",
    "# words\u2028%TAG !p! tag:yaml.org,\u2028--- !p!2002:python/object/apply:os.system ['id']",
    "a: 1\n...\n%TAG !p! tag:yaml.org,\n--- !p!2002:python/object/apply:os.system ['id']",
    "{a: !!python/name:os.system }",
    "[!!python/name:os.system ]",
    "&x !!python/name:os.system",
    "? !!python/name:os.system\n: 1",
    "!!python/tuple [!!python/name:os.system ]",
]


@pytest.mark.parametrize("document", WAYS)
def test_no_way_to_write_a_tag_hides_it(document: str) -> None:
    assert harmful(document), "the parser itself must see the tag"
    assert verdict(document.encode()) is not Verdict.CLEAN


@pytest.mark.parametrize("document", WAYS[:12])
def test_a_tag_without_a_directive_is_read_and_named(document: str) -> None:
    part = text.read(document, Budget.of(Limits(), 1))
    assert part.kind == "yaml"
    assert part.unsafe[0].startswith("has YAML make a Python object: ")


@pytest.mark.parametrize(
    "document",
    [
        "a: !!python/tuple [1, 2]\n",
        "a: !!%70ython/tuple [1, 2]\n",
        "a: !mine {b: 1}\n",
        "rate: 70%\nsaved: 30%25\n",
        "Well! 100%TAG is no directive\n",
        "a: !!set {b, c}\n",
    ],
)
def test_ordinary_documents_stay_clean(document: str) -> None:
    assert not harmful(document)
    assert verdict(document.encode()) is Verdict.CLEAN


WORDS = ["!!", "!", "!p!", "!<", ">", "python/", "%70ython/", "tuple", "name:os.system", "object/apply:os.system", " "]
MARKS = [
    "\n",
    "[",
    "]",
    "- ",
    "a: ",
    "'id'",
    "%TAG !p! tag:yaml.org,",
    "2002:python/",
    "--- ",
    "...",
    "\r",
    "%2F",
    "tag:",
]
pieces = st.sampled_from([*WORDS, *MARKS])


@given(st.lists(pieces, max_size=12).map("".join))
@settings(max_examples=800, deadline=None)
def test_no_document_is_clean_in_which_a_parser_sees_such_a_tag(document: str) -> None:
    if harmful(document):
        assert verdict(document.encode()) is not Verdict.CLEAN, document


escapes = st.lists(st.booleans(), min_size=34, max_size=34)


@given(escapes)
@settings(max_examples=100, deadline=None)
def test_any_letter_of_a_tag_may_be_escaped(which: list[bool]) -> None:
    letters = "python/object/apply:os.system"
    written = "".join(f"%{ord(letter):02x}" if now else letter for letter, now in zip(letters, which, strict=False))
    document = f"!!{written} ['id']"
    assert harmful(document)
    assert text.read(document, Budget.of(Limits(), 1)).unsafe
