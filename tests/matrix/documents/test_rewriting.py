"""What is sure is rewritten in place, what is not stays; and without a change not a byte moves."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.matrix.documents import ids, reading
from caponier.matrix.documents.lint import KnownVersions, lint
from caponier.matrix.documents.mention import Document, Edit, Mention, apply
from caponier.matrix.documents.rewriting import Carried, Rewriter, listed
from caponier.matrix.documents.version_index import book_of
from caponier.matrix.documents.words import short
from caponier.matrix.versions.catalogue import load
from matrix.documents.old_atlas import old_atlas
from matrix.documents.written import FORMATS, Row

OLD, NEW, FOUNDING = old_atlas(), load("atlas-5.6"), load("amltm-2020")
ONWARD, STILL, BACK = Rewriter(OLD, NEW), Rewriter(OLD, OLD), Rewriter(NEW, OLD)


def read(text: str, name: str) -> Document:
    document = reading.read(text.encode(), name)
    assert document is not None
    return document


def carried(text: str, name: str, rewriter: Rewriter = ONWARD) -> tuple[str, tuple[Carried, ...]]:
    document = read(text, name)
    moves = rewriter.moves(document)
    return apply(document.text, [edit for move in moves for edit in move.edits]), listed(moves)


def sigma(*tags: str) -> str:
    return f"title: T\ntags: [{', '.join(tags)}]\ndetection: {{}}\n"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("n.md", "AML.T0045 ML Intellectual Property Theft.", "AML.T0048.004 AI Intellectual Property Theft."),
        ("n.md", "Create Proxy ML Model (AML.T0005)", "Create Proxy AI Model (AML.T0005)"),
        ("n.md", "[Evade ML Model](techniques/AML.T0015)", "[Evade AI Model](techniques/AML.T0015)"),
        ("n.md", "[x](https://a.org/techniques/AML.T0045)", "[x](https://a.org/techniques/AML.T0048.004)"),
        ("n.md", "AML.T0005 is ours", "AML.T0005 is ours"),
        ("n.md", "T1078 and AMLTM.EVADE.01 stay", "T1078 and AMLTM.EVADE.01 stay"),
        (
            "n.md",
            "| Id | Name | Tactic |\n|-|-|-|\n| AML.T0040 | ML Model Inference API Access | ML Model Access |\n",
            "| Id | Name | Tactic |\n|-|-|-|\n| AML.T0040 | AI Model Inference API Access | AI Model Access |\n",
        ),
        (
            "a.csv",
            'id;name;tactic\r\nAML.T0005;"Create Proxy ML Model";ML Attack Staging\r\n',
            'id;name;tactic\r\nAML.T0005;"Create Proxy AI Model";AI Attack Staging\r\n',
        ),
        ("a.csv", "id,tactic\nAML.T0005,ml-attack-staging\n", "id,tactic\nAML.T0005,ai-attack-staging\n"),
        ("a.csv", "id,tactic\nAML.T0005,AML.TA0001\n", "id,tactic\nAML.T0005,AML.TA0001\n"),
        ("a.csv", 'id,same\nAML.T0005,"AML.T0045; AML.T0005"\n', 'id,same\nAML.T0005,"AML.T0048.004; AML.T0005"\n'),
        ("a.csv", "id,name\nAML.T0005,My own words\n", "id,name\nAML.T0005,My own words\n"),
        ("r.yml", sigma("atlas.aml.t0045  # why"), sigma("atlas.aml.t0048.004  # why")),
        (
            "r.yml",
            sigma("'atlas.ml_model_access'", '"atlas.ml-attack-staging"'),
            sigma("'atlas.ai_model_access'", '"atlas.ai-attack-staging"'),
        ),
        (
            "r.yml",
            sigma("attack.t1078", "atlas.aml.ta0000", "atlas.impact"),
            sigma("attack.t1078", "atlas.aml.ta0000", "atlas.impact"),
        ),
    ],
)
def test_what_is_sure_is_rewritten_in_place(name: str, before: str, after: str):
    # A comment inside brackets is no YAML, so it stands in a rule of several lines.
    if "# why" in before:
        before, after = (text.replace("[", "\n- ").replace("]", "") for text in (before, after))
    assert carried(before, name)[0] == after


def test_every_annotation_is_listed_with_what_became_of_it():
    text, rows = carried("AML.T0045\nAML.T0005\nAML.T0999\nAML.T0045\n", "n.md")
    assert [(row.line, row.id, row.to, row.outcome, row.needs_human) for row in rows] == [
        (1, "AML.T0045", "AML.T0048.004", "replaced", False),
        (2, "AML.T0005", "AML.T0005", "renamed", False),
        (3, "AML.T0999", "AML.T0999", "unknown", True),
        (4, "AML.T0045", "AML.T0048.004", "replaced", False),
    ]
    assert text.count("AML.T0999") == 1


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("cell", ["AML.T0010 ML Supply Chain Compromise", '"AML.T0010 - ML Supply Chain Compromise"'])
@pytest.mark.parametrize("apart", [False, True])
def test_a_new_name_with_the_delimiter_in_it_breaks_no_row(cell: str, delimiter: str, apart: bool):
    name = f"Supply{delimiter} Chain"
    renamed = tuple(replace(t, name=name) if t.id == "AML.T0010" else t for t in NEW.techniques)
    onward = Rewriter(OLD, replace(NEW, techniques=renamed))
    if apart:
        cell = f"AML.T0010{delimiter}ML Supply Chain Compromise"
    text = f"{cell}{delimiter}note\r\nAML.T0010{delimiter}x{delimiter}y\r\n"
    rows = list(csv.reader(io.StringIO(carried(text, "a.csv", onward)[0]), delimiter=delimiter))
    assert [len(row) for row in rows] == [3 if apart else 2, 3]
    assert rows[0][-1] == "note"
    assert rows[0][-2].endswith(name)


def test_what_is_split_stays_and_names_the_candidates():
    text, rows = carried("AMLTM.EVADE.01.02\n", "n.md", Rewriter(FOUNDING, NEW))
    assert text == "AMLTM.EVADE.01.02\n"
    assert rows[0].needs_human
    assert "AML.T0043.001" in rows[0].candidates
    assert rows[0].why


def test_the_2020_matrix_goes_to_atlas_where_one_entry_means_the_same():
    rewriter = Rewriter(FOUNDING, NEW)
    text, rows = carried(sigma("amltm.impact.02", "atlas.aml.t0012"), "r.yml", rewriter)
    assert text == sigma("atlas.aml.t0029", "atlas.aml.t0012")
    assert [(row.id, row.needs_human) for row in rows] == [("AMLTM.IMPACT.02", False)]
    assert carried("MLT0029 Denial of Service", "n.md", rewriter)[0] == "AML.T0029 Denial of Service"


def test_back_again():
    text, rows = carried(sigma("atlas.aml.t0048.004"), "r.yml", Rewriter(NEW, OLD))
    assert text == sigma("atlas.aml.t0045")
    assert not rows[0].needs_human


def test_versions_of_different_matrices_have_nothing_to_do_with_each_other():
    other = Rewriter(FOUNDING, FOUNDING)
    assert other.moves(read("AML.T0012", "n.md")) == []
    with pytest.raises(InputError, match="not versions of one matrix"):
        Rewriter(FOUNDING, replace(NEW, kind="attack"))


IDS = st.sampled_from([t.id for t in OLD.techniques] + ["AML.T0999", "T1078", "AMLTM.EVADE.01", "AML.T43"])
NAMES = st.sampled_from([t.name for t in OLD.techniques] + ["mine", "ä, ö", 'a "b"'])
TACTICS = st.sampled_from(["ml-attack-staging", "impact", "Initial Access", "nothing", "AML.TA0005"])
ROWS = st.lists(st.tuples(IDS, NAMES, TACTICS), min_size=1, max_size=8)


@pytest.mark.parametrize("format_", FORMATS)
@given(rows=ROWS)
def test_without_a_change_not_a_byte_moves(format_: str, rows: list[Row]):
    name, write = FORMATS[format_]
    text = write(rows)
    assert carried(text, name, STILL)[0] == text


@pytest.mark.parametrize("format_", FORMATS)
@given(rows=ROWS)
def test_every_id_is_there_before_and_after(format_: str, rows: list[Row]):
    name, write = FORMATS[format_]
    text, told = carried(write(rows), name)
    after = [mention.id for mention in read(text, name).mentions if mention.kind == "atlas" and not mention.echo]
    assert after == [row.to for row in told]


RIGHT = st.lists(
    st.sampled_from([(t.id, t.name, short(OLD.tactic(t.tactics[0]).name)) for t in OLD.techniques if t.tactics]),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize("format_", FORMATS)
@given(rows=RIGHT)
def test_there_and_back_again_gives_the_same_text(format_: str, rows: list[Row]):
    name, write = FORMATS[format_]
    text = write(rows)
    new, told = carried(text, name)
    assert not any(row.needs_human for row in told if row.outcome != "meaning changed")
    assert carried(new, name, BACK)[0] == text


@pytest.mark.parametrize("format_", FORMATS)
@given(rows=RIGHT)
def test_what_was_right_is_right_in_the_new_version(format_: str, rows: list[Row]):
    name, write = FORMATS[format_]
    old, new = (KnownVersions(lambda *_, one=one: one, lambda _: []) for one in (book_of(OLD), book_of(NEW)))
    text = write(rows)
    assert lint(read(text, name), old) == []
    assert lint(read(carried(text, name)[0], name), new) == []


@pytest.mark.parametrize("format_", FORMATS)
@given(rows=ROWS)
def test_each_id_written_as_its_format_writes_it_gives_the_same_text(format_: str, rows: list[Row]):
    name, write = FORMATS[format_]
    document = read(write(rows), name)
    assert (
        apply(document.text, [edit for mention in document.mentions for edit in _again(document, mention)])
        == document.text
    )


def _again(document: Document, mention: Mention):
    if ids.kind_of(mention.id):
        yield Edit(
            mention.written.start, mention.written.end, mention.written.form.write(mention.spelling.write(mention.id))
        )
    if mention.name:
        yield Edit(
            mention.name.start, mention.name.end, mention.name.form.write(mention.name.value, document.delimiter)
        )


ACROSS = Rewriter(FOUNDING, NEW)
EXECUTION = "no technique of this rule is of execution any more: AML.T0040 is of ai-model-access"


@pytest.mark.parametrize(
    ("rules", "alone"),
    [
        ([["amltm.exec.02", "amltm.exec"]], {"tags[1]": EXECUTION}),
        ([["amltm.exec", "amltm.exec.02"]], {"tags[0]": EXECUTION}),
        # Another technique of the rule still has the tactic, or nobody knows what one of them becomes.
        ([["amltm.exec.02", "amltm.exec", "amltm.exec.99"]], {}),
        ([["amltm.exfil.02", "amltm.exfil"]], {}),
        # What was alone before is for lint to tell.
        ([["amltm.exec.02", "amltm.impact"]], {}),
        ([["amltm.exec"]], {}),
        ([["amltm.exfil.02", "amltm.exfil"], ["amltm.exec.02", "amltm.exec"]], {"[1].tags[1]": EXECUTION}),
        ([["amltm.exec.02", "amltm.exec"], ["amltm.exfil.02", "amltm.exfil"]], {"[0].tags[1]": EXECUTION}),
    ],
)
def test_a_tactic_that_no_technique_of_its_rule_has_any_more(rules: list[list[str]], alone: dict[str, str]):
    document = read("---\n".join(sigma(*tags) for tags in rules), "r.yml")
    moves = ACROSS.moves(document)
    assert {place.partition(" ")[2]: why for place, why in ACROSS.left_alone(moves).items()} == alone
