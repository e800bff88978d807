import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.matrix.documents import reading
from caponier.matrix.documents.mention import DocumentKind

LAYER = b'{"name": "n", "domain": "atlas-atlas", "techniques": [{"techniqueID": "AML.T0012"}]}'
RULE = b"title: T\ntags: [attack.t1078]\ndetection: {}\n"


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (LAYER, "l.json", DocumentKind.LAYER),
        (LAYER, "layer", DocumentKind.LAYER),
        (b"\xef\xbb\xbf" + LAYER, "l.json", DocumentKind.LAYER),
        (b"[" + LAYER + b"]", "l.json", DocumentKind.LAYER),
        (b'{"type": "bundle", "objects": []}', "b.json", DocumentKind.STIX),
        (b'{"schema": "caponier.findings/1", "findings": []}', "f.json", DocumentKind.FINDINGS),
        (RULE, "r.yml", DocumentKind.SIGMA),
        (RULE, "r.YAML", DocumentKind.SIGMA),
        (b"id\nAML.T0012\n", "a.csv", DocumentKind.CSV),
        (b"id\tx\nAML.T0012\ty\n", "a.tsv", DocumentKind.CSV),
        (b"# t\n", "n.md", DocumentKind.MARKDOWN),
    ],
)
def test_the_format_is_told_by_name_and_content(data: bytes, name: str, kind: DocumentKind):
    document = reading.read(data, name)
    assert document is not None
    assert document.kind is kind
    assert document.text.encode() == data


@pytest.mark.parametrize(
    ("data", "name"), [(b"{}", "x.json"), (b"a: 1\n", "x.yml"), (b"a,b\n1,2\n", "x.csv"), (b"x", "x.py"), (b"", "x")]
)
def test_other_files_are_none(data: bytes, name: str):
    assert reading.read(data, name) is None


@pytest.mark.parametrize(
    ("data", "name", "what", "where"),
    [
        (b"{", "x.json", "not JSON", "x.json:1:2"),
        (b"", "x.json", "not JSON", "x.json:1:1"),
        (b"a\n\xff", "x.md", "not UTF-8", "x.md:2"),
        (b"\xff\xfe", "x.json", "not UTF-8", "x.json:1"),
        (b"[" * 1000, "x.json", "nested", "x.json:1:66"),
        (b'{"domain": 1, "domain": 2}', "x.json", "twice", "x.json:1:15"),
        (b"a: [", "x.yml", "not YAML", "x.yml:1"),
    ],
)
def test_broken_files_say_what_and_where(data: bytes, name: str, what: str, where: str):
    with pytest.raises(InputError, match=what) as wrong:
        reading.read(data, name)
    assert wrong.value.where == where


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "BYTES", 1024 * 1024)
    with pytest.raises(InputError, match="larger than 1 MiB"):
        reading.read(b"x" * (1024 * 1024 + 1), "x.md")


@given(st.binary(max_size=200), st.sampled_from([".json", ".yml", ".csv", ".md", ""]))
def test_any_bytes_are_read_or_refused(data: bytes, ending: str):
    try:
        text = data.decode()
    except UnicodeDecodeError:
        with pytest.raises(InputError, match="not UTF-8"):
            reading.read(data, f"x{ending}")
        return
    with contextlib.suppress(InputError):
        document = reading.read(data, f"x{ending}")
        assert document is None or document.text == text


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (LAYER, DocumentKind.LAYER),
        (b"\xef\xbb\xbf" + LAYER, DocumentKind.LAYER),
        (RULE, DocumentKind.SIGMA),
        (b"# a comment first\n" + RULE, DocumentKind.SIGMA),
        (b"---\ntitle: T\ncorrelation: {}\n", DocumentKind.SIGMA),
        (b"id,name\nAML.T0012,Valid Accounts\n", DocumentKind.CSV),
        (b"id;name\nAML.T0012;Valid Accounts\n", DocumentKind.CSV),
        (b"AML.T0012\tValid Accounts\n", DocumentKind.CSV),
        (b"# Notes\n\nAML.T0012\n", DocumentKind.MARKDOWN),
        (b"Seen, as we said: AML.T0012\n", DocumentKind.MARKDOWN),
        (b'AML.T0012,"never closed\n', DocumentKind.MARKDOWN),
        (b"| Id | Name |\n| --- | --- |\n| AML.T0012 | Valid Accounts |\n", DocumentKind.MARKDOWN),
        (b"title: a page that is no rule\n", DocumentKind.MARKDOWN),
        (b"", DocumentKind.MARKDOWN),
    ],
)
def test_what_comes_without_a_name_is_told_by_its_content(data: bytes, kind: DocumentKind):
    document = reading.read(data, reading.STDIN)
    assert document is not None
    assert document.kind is kind


def test_other_json_without_a_name_is_none_of_the_formats():
    assert reading.read(b'{"a": 1}', reading.STDIN) is None


def test_a_broken_rule_without_a_name_is_not_read_as_a_page():
    with pytest.raises(InputError, match="not YAML"):
        reading.read(RULE + b"\ttags: [\n", reading.STDIN)
