"""Documents carried over, read back by other readers than our own: nothing is lost, and what is sure is new."""

import csv
import io
import json
import re
from collections.abc import Callable

import pytest
import yaml

from caponier.matrix.documents import reading
from caponier.matrix.documents.mention import apply
from caponier.matrix.documents.rewriting import Carried, Rewriter, listed
from caponier.matrix.versions.catalogue import load
from matrix.documents.old_atlas import old_atlas
from matrix.documents.written import FORMATS, Row

OLD, NEW = old_atlas(), load("atlas-5.6")
ONWARD = Rewriter(OLD, NEW)
BEFORE: list[Row] = [
    ("AML.T0012", "Valid Accounts", "initial-access"),
    ("AML.T0029", "Denial of ML Service", "impact"),
    ("AML.T0045", "ML Intellectual Property Theft", "impact"),
    ("AML.T0010", "ML Supply Chain Compromise", "initial-access"),
    ("AML.T0000.001", "Pre-Print Repositories", "reconnaissance"),
]
AFTER: list[Row] = [
    ("AML.T0012", "Valid Accounts", "initial-access"),
    ("AML.T0029", "Denial of AI Service", "impact"),
    ("AML.T0048.004", "AI Intellectual Property Theft", "impact"),
    ("AML.T0010", "AI Supply Chain Compromise", "initial-access"),
    ("AML.T0000.001", "Pre-Print Repositories", "reconnaissance"),
]


def of_layer(text: str) -> list[Row]:
    return [(one["techniqueID"], one["name"], one["tactic"]) for one in json.loads(text)["techniques"]]


def of_stix(text: str) -> list[Row]:
    found = []
    for one in json.loads(text)["objects"]:
        (reference,), (phase,) = one["external_references"], one["kill_chain_phases"]
        assert reference["url"].endswith(f"/{reference['external_id']}")
        found.append((reference["external_id"], one["name"], phase["phase_name"]))
    return found


def of_findings(text: str) -> list[Row]:
    (finding,) = json.loads(text)["findings"]
    return [(one["id"], one["name"], "") for one in finding["techniques"]]


def of_sigma(text: str) -> list[Row]:
    rules = [rule for rule in yaml.safe_load_all(text) if rule]
    names = re.findall(r"^# (.*)$", text, re.MULTILINE)
    tags = [[tag.removeprefix("atlas.") for tag in rule["tags"]] for rule in rules]
    assert len(names) == len(rules)
    return [(id_.upper(), "", tactic) for id_, tactic in tags]


def of_csv(text: str) -> list[Row]:
    return [(id_, name, tactic) for id_, name, tactic in list(csv.reader(io.StringIO(text)))[1:]]


def of_markdown(text: str) -> list[Row]:
    found = re.findall(r"^- \*\*(\S+)\*\*: (.*) \(\[(\S+)\]\(techniques/(\S+)\)\)$", text, re.MULTILINE)
    assert all(id_ == shown == address for id_, _, shown, address in found)
    return [(id_, name, "") for id_, name, _, _ in found]


def of_table(text: str) -> list[Row]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return [(id_, name, tactic) for id_, name, tactic in cells]


READERS: dict[str, Callable[[str], list[Row]]] = {
    "layer": of_layer,
    "stix": of_stix,
    "findings": of_findings,
    "sigma": of_sigma,
    "csv": of_csv,
    "markdown": of_markdown,
    "table": of_table,
}


def carry(format_: str, rows: list[Row], rewriter: Rewriter = ONWARD) -> tuple[str, tuple[Carried, ...]]:
    name, write = FORMATS[format_]
    document = reading.read(write(rows).encode(), name)
    assert document is not None
    moves = rewriter.moves(document)
    return apply(document.text, [edit for move in moves for edit in move.edits]), listed(moves)


def seen(format_: str, rows: list[Row]) -> list[Row]:
    """The rows as far as a format tells them."""
    names, tactics = format_ != "sigma", format_ not in {"findings", "markdown"}
    return [(id_, name if names else "", tactic if tactics else "") for id_, name, tactic in rows]


def test_every_format_is_read_back():
    assert READERS.keys() == FORMATS.keys()


@pytest.mark.parametrize("format_", FORMATS)
def test_other_readers_see_the_new_version(format_: str):
    text, rows = carry(format_, BEFORE)
    assert READERS[format_](text) == seen(format_, AFTER)
    assert {row.id for row in rows} >= {id_ for id_, _, _ in BEFORE}


@pytest.mark.parametrize("format_", FORMATS)
def test_all_of_a_version_is_there_before_and_after(format_: str):
    tactics = {tactic.id: tactic.name.lower().replace(" ", "-") for tactic in OLD.tactics}
    whole = [(one.id, one.name, tactics[one.tactics[0]]) for one in OLD.techniques if one.tactics]
    assert len(whole) > 60
    text, rows = carry(format_, whole)
    after = READERS[format_](text)
    assert len(after) == len(whole)
    known = {technique.id: technique.name for technique in NEW.techniques}
    human = {row.id for row in rows if row.needs_human}
    for (old, _, _), (new, name, _) in zip(whole, after, strict=True):
        assert new in known or old in human
        assert name in ("", known.get(new)) or old in human


@pytest.mark.parametrize("format_", FORMATS)
def test_what_nobody_knows_stays_and_is_listed(format_: str):
    text, rows = carry(format_, [("AML.T0012", "Valid Accounts", "initial-access"), ("AML.T0999", "Own", "impact")])
    assert READERS[format_](text)[1][0] == "AML.T0999"
    listed_ = [row for row in rows if row.needs_human]
    assert {(row.id, row.to) for row in listed_} == {("AML.T0999", "AML.T0999")}
    assert all(row.why for row in listed_)
