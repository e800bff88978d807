"""Twenty and more planted errors, each in the format in which people make it, and right documents that say nothing."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caponier.matrix.documents import reading
from caponier.matrix.documents.lint import Code, Flaw, KnownVersions, lint, newer_by_number
from caponier.matrix.documents.version_index import VersionIndex, book_of, shipped_attack
from caponier.matrix.documents.words import short
from caponier.matrix.technique import Retirement
from caponier.matrix.versions.catalogue import Matrix, load, versions
from caponier.matrix.writers.csv_file import to_csv
from caponier.matrix.writers.markdown_file import to_markdown
from matrix.documents.old_atlas import old_atlas
from matrix.documents.written import FORMATS, Row

BOOKS = {load(version).kind: book_of(load(version)) for version in versions()} | {"attack": shipped_attack()}
OLD = book_of(old_atlas())
SHIPPED = shipped_attack()
ENTERPRISE = VersionIndex(
    "attack-enterprise-17.0",
    "attack",
    shipped_attack().entries,
    {"TA0001": "Initial Access", "TA0040": "Impact"},
    {"T1086": ("PowerShell", "T1059.001"), "T1175": ("Component Object Model", None)},
)


def book(kind: str, said: str | None) -> VersionIndex | None:
    return OLD if (kind, said) == ("atlas", "4.4.0") else BOOKS.get(kind)


def others(kind: str) -> list[VersionIndex]:
    return [OLD, BOOKS["atlas"]] if kind == "atlas" else []


SHELF = KnownVersions(book, others)


def found(text: str, name: str, shelf: KnownVersions = SHELF) -> list[Flaw]:
    document = reading.read(text.encode(), name)
    assert document is not None
    assert document.mentions
    return lint(document, shelf)


def codes(text: str, name: str, shelf: KnownVersions = SHELF) -> list[str]:
    return [flaw.code.value for flaw in found(text, name, shelf)]


def layer(*techniques: dict[str, Any], **keys: Any) -> str:
    return json.dumps(
        {"name": "n", "domain": "atlas-atlas", "versions": {"layer": "4.5"}, "techniques": techniques, **keys}
    )


def sigma(*tags: str) -> str:
    listed = "".join(f"    - {tag}\n" for tag in tags)
    return f"title: T\ntags:\n{listed}logsource:\n    product: aws\ndetection:\n    a: {{x: 1}}\n    condition: a\n"


def pattern(id_: str, name: str, phase: str = "", **keys: Any) -> dict[str, Any]:
    phases = [{"kill_chain_name": "mitre-atlas", "phase_name": phase}] if phase else []
    reference = {"source_name": "mitre-atlas", "external_id": id_}
    plain = {"type": "attack-pattern", "id": f"attack-pattern--{id_}", "name": name, "external_references": [reference]}
    return {**plain, "kill_chain_phases": phases, **keys}


def stix(*objects: dict[str, Any]) -> str:
    return json.dumps({"type": "bundle", "objects": objects})


def findings(*techniques: dict[str, Any]) -> str:
    return json.dumps(
        {"schema": "caponier.findings/1", "matrix": "amltm-2020", "findings": [{"techniques": techniques}]}
    )


CHILD = {
    "type": "relationship",
    "relationship_type": "subtechnique-of",
    "source_ref": "attack-pattern--AML.T0043.001",
    "target_ref": "attack-pattern--AML.T0024",
}

PLANTED = {
    "layer: unknown id": (layer({"techniqueID": "AML.T0999"}), "l.json", ["M101"], "AML.T0099"),
    "layer: id of the release before": (layer({"techniqueID": "AML.T0045"}), "l.json", ["M102"], "AML.T0048.004"),
    "layer: first data release": (layer({"techniqueID": "MLT0017"}), "l.json", ["M102"], "AMLTM.EVADE.01.02"),
    "layer: tactic of another": (
        layer({"techniqueID": "AML.T0029", "tactic": "exfiltration"}),
        "l.json",
        ["M105"],
        "impact",
    ),
    "layer: no such tactic": (layer({"techniqueID": "AML.T0029", "tactic": "impcat"}), "l.json", ["M108"], "impact"),
    "layer: tactic's old name": (
        layer({"techniqueID": "AML.T0040", "tactic": "ml-model-access"}),
        "l.json",
        ["M108"],
        "ai-model-access",
    ),
    "layer: short number": (layer({"techniqueID": "AML.T43"}), "l.json", ["M106"], "AML.T0043"),
    "layer: small letters": (layer({"techniqueID": "aml.t0043"}), "l.json", ["M106"], "AML.T0043"),
    "layer: swapped in a comment": (
        layer({"techniqueID": "AML.T0015", "comment": "Craft Adversarial Data"}),
        "l.json",
        ["M104"],
        "AML.T0043",
    ),
    "layer: newer than it says": (
        layer({"techniqueID": "AML.T0051"}, metadata=[{"name": "atlas_data_version", "value": "4.4.0"}]),
        "l.json",
        ["M110"],
        "atlas-5.6",
    ),
    "layer: newer than what is at hand says": (
        layer({"techniqueID": "AML.T0080"}, metadata=[{"name": "atlas_data_version", "value": "4.9.1"}]),
        "l.json",
        ["M110"],
        "4.9.1",
    ),
    "layer: of a later release": (layer({"techniqueID": "AML.T0115.000"}), "l.json", ["M110"], "AML.T0019"),
    "sigma: unknown id": (sigma("atlas.aml.t0999"), "r.yml", ["M101"], "AML.T0999"),
    "sigma: replaced id": (sigma("atlas.aml.t0045"), "r.yml", ["M102"], "AML.T0048.004"),
    "sigma: capital letters": (sigma("attack.T1078"), "r.yml", ["M106"], "attack.t1078"),
    "sigma: short number": (sigma("attack.t107"), "r.yml", ["M106"], "no technique's id"),
    "sigma: lone tactic": (sigma("atlas.impact", "atlas.aml.t0012"), "r.yml", ["M109"], "initial-access"),
    "sigma: unknown tactic": (sigma("atlas.aml.ta0099"), "r.yml", ["M108"], "AML.TA0099"),
    "sigma: tactic by a wrong name": (sigma("atlas.initial-acess"), "r.yml", ["M108"], "initial-access"),
    "sigma: unknown id of 2020": (sigma("amltm.exfil.09"), "r.yml", ["M101"], "AMLTM.EXFIL.09"),
    "sigma: malformed id of 2020": (sigma("amltm.exfil.3"), "r.yml", ["M106"], "AMLTM.EXFIL.03"),
    "stix: wrong name": (stix(pattern("AML.T0029", "Denial of Service")), "b.json", ["M103"], "Denial of AI Service"),
    "stix: swapped names": (
        stix(pattern("AML.T0043", "Verify Attack"), pattern("AML.T0042", "Craft Adversarial Data")),
        "b.json",
        ["M104", "M104"],
        "AML.T0042",
    ),
    "stix: wrong tactic": (
        stix(pattern("AML.T0029", "Denial of AI Service", "discovery")),
        "b.json",
        ["M105"],
        "impact",
    ),
    "stix: wrong parent": (
        stix(
            pattern("AML.T0043.001", "Black-Box Optimization"),
            pattern("AML.T0024", BOOKS["atlas"].entries["AML.T0024"].name),
            CHILD,
        ),
        "b.json",
        ["M107"],
        "AML.T0043",
    ),
    "stix: swapped tactic": (
        stix({"type": "x-mitre-tactic", "name": "Impact", "external_references": [{"external_id": "AML.TA0010"}]}),
        "b.json",
        ["M104"],
        "AML.TA0011",
    ),
    "stix: misnamed tactic": (
        stix({"type": "x-mitre-tactic", "name": "Imp", "external_references": [{"external_id": "AML.TA0010"}]}),
        "b.json",
        ["M103"],
        "Exfiltration",
    ),
    "csv: swapped": (
        "id,name\nAML.T0042,Craft Adversarial Data\nAML.T0043,Verify Attack\n",
        "a.csv",
        ["M104", "M104"],
        "AML.T0043",
    ),
    "csv: wrong name": ("technique_id,technique_name\nAML.T0042,Check It\n", "a.csv", ["M103"], "Verify Attack"),
    "csv: wrong tactic": ("id;tactic\nAML.T0029;Impact, Discovery\n", "a.csv", ["M105"], "discovery"),
    "csv: no heading, wrong tactic": ("AML.T0029,discovery\nAML.T0012,impact\n", "a.csv", ["M105", "M105"], "impact"),
    "csv: wrong parent": ("id,parent\nAML.T0043.001,AML.T0024\n", "a.csv", ["M107"], "AML.T0043"),
    "csv: bare number": ("id\nT086\nAML.T0012\n", "a.csv", ["M106"], "no technique's id"),
    "markdown: swapped after": ("AML.T0043 Evade AI Model\n", "n.md", ["M104"], "AML.T0015"),
    "markdown: swapped before": ("Evade AI Model (AML.T0043)\n", "n.md", ["M104"], "AML.T0015"),
    "markdown: swapped link": (
        "[Evade AI Model](https://atlas.mitre.org/techniques/AML.T0043)\n",
        "n.md",
        ["M104"],
        "AML.T0015",
    ),
    "markdown: old name": ("- **AML.T0005**: Create Proxy ML Model\n", "n.md", ["M103"], "Create Proxy AI Model"),
    "markdown: part of another": ("AML.T0043.009 Extract AI Model\n", "n.md", ["M107"], "AML.T0024.002"),
    "markdown: malformed": ("see AML.T43.\n", "n.md", ["M106"], "AML.T0043"),
    "markdown: without its prefix": ("T0043: Craft Adversarial Data\n", "n.md", ["M106"], "AML.T0043"),
    "csv: id and name in a cell": ("technique\nAML.T0012 Evade AI Model\n", "a.csv", ["M104"], "AML.T0015"),
    "markdown: table": ("| Id | Tactic |\n| -- | -- |\n| AML.T0029 | Discovery |\n", "n.md", ["M105"], "impact"),
    "findings: wrong name": (
        findings({"matrix": "amltm-2020", "id": "AMLTM.IMPACT.02", "name": "Denial"}),
        "f.json",
        ["M103"],
        "Denial of Service",
    ),
    "findings: unknown id of 2020": (
        findings({"matrix": "amltm-2020", "id": "AMLTM.IMPACT.12"}),
        "f.json",
        ["M101"],
        "AMLTM.IMPACT",
    ),
}


@pytest.mark.parametrize("plant", PLANTED)
def test_each_planted_error_is_found_alone_and_says_what_to_do(plant: str):
    text, name, expected, hint = PLANTED[plant]
    flaws = found(text, name)
    assert [flaw.code.value for flaw in flaws] == expected
    assert hint in " ".join(flaw.message for flaw in flaws)


def test_every_code_but_no_other_is_planted():
    assert {code for *_, expected, _ in PLANTED.values() for code in expected} == {code.value for code in Code}
    assert all(code.words for code in Code)


def test_a_flaw_says_its_place():
    text = "ok\n\n  AML.T0043 Evade AI Model\n"
    (flaw,) = found(text, "n.md")
    assert (text[flaw.start :].split("\n")[0], flaw.where, flaw.id) == ("Evade AI Model", "line 3", "AML.T0043")


RIGHT = {
    "layer": (
        layer({"techniqueID": "AML.T0012", "tactic": "privilege-escalation", "comment": "AMLTM.EVADE.01 Evasion"}),
        "l.json",
    ),
    "layer of its own time": (
        layer({"techniqueID": "AML.T0045"}, metadata=[{"name": "atlas_data_version", "value": "4.4.0"}]),
        "l.json",
    ),
    "attack layer": (layer({"techniqueID": "T1078", "tactic": "persistence"}, domain="enterprise-attack"), "l.json"),
    "code with a made-up id": ("```yaml\nid: AMLTM.EVADE.04\n```\nAML.T0012\n", "n.md"),
    "attack layer of a newer release": (
        layer(
            {"techniqueID": "T1685", "tactic": "defense-impairment"},
            {"techniqueID": "T1036", "tactic": "stealth"},
            {"techniqueID": "T1036", "tactic": "defense-evasion"},
            domain="enterprise-attack",
            versions={"attack": "19"},
        ),
        "l.json",
    ),
    "attack id unknown here": (layer({"techniqueID": "T1999"}, domain="enterprise-attack"), "l.json"),
    "sigma": (
        sigma(
            "attack.initial_access",
            "attack.t1078",
            "atlas.aml.t0012",
            "atlas.initial-access",
            "cve.2021-1",
            "detection.x",
        ),
        "r.yml",
    ),
    "sigma with a tactic alone": (sigma("atlas.impact"), "r.yml"),
    "sigma with software": (sigma("attack.s0154", "attack.g0016", "atlas.aml.cs0001", "atlas.aml.t0012"), "r.yml"),
    "sigma of 2020": (sigma("amltm.exfil.03.01", "amltm.exfil", "amltm.evade.01.v1"), "r.yml"),
    "stix": (
        stix(pattern("AML.T0029", "Denial of AI Service", "impact"), pattern("AML.T0001", "gone", revoked=True)),
        "b.json",
    ),
    "stix with the parent's name": (
        stix(pattern("AML.T0043.001", "Craft Adversarial Data: Black-Box Optimization")),
        "b.json",
    ),
    "csv": ("id,name,tactic,parent\nAML.T0043.001,black-box optimization,AML.TA0001,AML.T0043\n", "a.csv"),
    "csv with names of people": ("id,name\nAML.T0012,Ann\nAML.T0029,Bob\nAML.T0043,Cy\nAML.T0015,Di\n", "a.csv"),
    "csv of 2020": ("id,tactic\nAMLTM.EVADE.01,Evasion\nAMLTM.EVADE.02,Model Evasion\n", "a.csv"),
    "markdown": (
        "AML.T0024.002 is how; AML.T0024.002 Exfiltration via AI Inference API: Extract AI Model.\n"
        "AML.T0010 Data we lost. T1000 cards, T4 too. AML.M0004 and AML.CS0013. Valid Accounts (T1078, AML.T0012).\n"
        "[see here](https://atlas.mitre.org/techniques/AML.T0012) [AML.T0012](https://x.org/techniques/AML.T0012)\n"
        "`atlas.aml.t0043` and sub/techniques/aml.t0043\n```\ncaponier matrix show MLT0017\n```\n",
        "n.md",
    ),
    "markdown that tells history": ("AML.T0048.004 was AML.T0045 until 4.4; AMLTM.EVADE.01.02 was MLT0017.\n", "n.md"),
    "markdown table of rules": (
        "| Name | Technique |\n|--|--|\n| ml_host_login | T1078 |\n| pull_then_run | AML.T0011, AML.T0010 |\n",
        "n.md",
    ),
    "findings": (findings({"matrix": "atlas", "id": "AML.T0029", "name": "Denial of AI Service"}), "f.json"),
}


@pytest.mark.parametrize("right", RIGHT)
def test_right_documents_say_nothing(right: str):
    assert found(*RIGHT[right]) == []


@pytest.mark.parametrize("version", versions())
def test_what_the_product_itself_writes_is_right(version: str):
    matrix = load(version)
    assert found(to_csv(matrix, matrix.techniques), "all.csv") == []
    assert found(to_markdown(matrix, matrix.techniques), "all.md") == []


def test_an_attack_layer_is_held_against_the_facts_that_ship():
    plain = {"domain": "enterprise-attack", "versions": {"attack": "17"}}
    wrong = [
        {"techniqueID": "T1002", "tactic": "exfiltration"},
        {"techniqueID": "T1078", "tactic": "impact"},
        {"techniqueID": "T1078", "tactic": "imapct"},
        {"techniqueID": "T1999"},
        {"techniqueID": "T1078", "name": "Phishing"},
    ]
    flaws = found(layer(*wrong, **plain), "l.json")
    assert [flaw.code.value for flaw in flaws] == ["M102", "M105", "M108", "M101", "M104"]
    assert "T1560" in flaws[0].message


def test_what_either_known_release_of_attack_says_is_right():
    renamed = next(entry for entry in SHIPPED.entries.values() if entry.newer_name)
    for name in (renamed.name, renamed.newer_name):
        assert codes(layer({"techniqueID": renamed.id, "name": name}, domain="enterprise-attack"), "l.json") == []


def test_an_id_of_a_release_to_come_is_left_alone():
    assert codes(layer({"techniqueID": "T1999"}, domain="enterprise-attack", versions={"attack": "20"}), "l.json") == []
    assert codes(sigma("attack.t1999"), "r.yml") == []
    assert codes(sigma("attack.t1078", "attack.impact"), "r.yml") == ["M109"]


def test_a_column_beside_the_ids_may_say_what_was_so_once():
    assert codes("id,attack\nAML.T0012,T1002\n", "a.csv") == []
    assert codes("| Id | ATT&CK |\n|-|-|\n| AML.T0012 | T1002 |\n", "n.md") == []
    assert codes("we saw T1002\n", "n.md") == ["M102"]


def _enterprise(kind: str, said: str | None) -> VersionIndex | None:
    return ENTERPRISE if kind == "attack" else book(kind, said)


def test_what_a_version_took_back_says_what_to_use():
    shelf = KnownVersions(_enterprise, others)
    flaws = found(sigma("attack.t1086", "attack.t1175", "attack.t1999"), "r.yml", shelf)
    assert [flaw.code.value for flaw in flaws] == ["M102", "M102", "M101"]
    assert "T1059.001" in flaws[0].message
    assert "without a replacement" in flaws[1].message


def test_words_that_look_like_an_attack_id_are_left_alone_in_text_but_not_in_a_column():
    shelf = KnownVersions(_enterprise, others)
    assert codes("an NVIDIA T2000 and T1086\n", "n.md", shelf) == ["M102"]
    assert codes("id\nT2000\n", "n.csv", shelf) == ["M101"]


def test_an_entry_that_an_older_version_had_and_nothing_replaced():
    gone = Matrix("atlas-4.0.1", "atlas", "x", None, "", (), load("atlas-5.6").techniques[:1])
    bare = Matrix("atlas-5.6", "atlas", "x", None, "", load("atlas-5.6").tactics, load("atlas-5.6").techniques[4:])
    shelf = KnownVersions(lambda kind, _: book_of(bare), lambda _: [book_of(gone)])
    (flaw,) = found("AML.T0000\n", "n.md", shelf)
    assert (flaw.code, "atlas-4.0.1" in flaw.message) == (Code.RETIRED_ID, True)


def test_a_retired_entry_with_a_replacement_that_is_not_there():
    matrix = Matrix("m", "atlas", "x", None, "", (), (), retired=(Retirement("AML.T0019", "Old", "AML.T0115.000"),))
    (flaw,) = found("AML.T0019\n", "n.md", KnownVersions(lambda *_: book_of(matrix), lambda _: []))
    assert flaw.message == "AML.T0019 Old was taken back: use AML.T0115.000"


def test_of_a_matrix_that_is_not_known_nothing_is_said():
    assert codes(layer({"techniqueID": "AML.T9999"}), "l.json", KnownVersions(lambda *_: None, lambda _: [])) == []


@pytest.mark.parametrize(
    ("id_", "said", "newer"),
    [
        ("AML.T0051", "4.4.0", True),
        ("AML.T0050", "4.4.0", False),
        ("AML.T0058", "4.5", True),
        ("AML.T0080", "4.9.1", True),
        ("AML.T0113", "5.6.0", True),
        ("AML.T0051", "2026.09", False),
        ("AML.T0051", "x", False),
        ("T1078", "4.4.0", False),
    ],
)
def test_numbers_tell_what_came_after_a_release(id_: str, said: str, newer: bool):
    assert newer_by_number(id_, said) is newer


NAMED = [
    (t.id, t.name, short(load("atlas-5.6").tactic(t.tactics[0]).name))
    for t in load("atlas-5.6").techniques
    if len(t.name.split()) > 1
]
WITH_NAMES = [format_ for format_ in FORMATS if format_ != "sigma"]
WITH_TACTICS = [format_ for format_ in FORMATS if format_ not in ("findings", "markdown")]


@pytest.mark.parametrize("format_", FORMATS)
@given(rows=st.lists(st.sampled_from(NAMED), min_size=1, max_size=8))
def test_in_no_format_is_anything_said_of_right_rows(format_: str, rows: list[Row]):
    name, write = FORMATS[format_]
    assert found(write(rows), name) == []


@pytest.mark.parametrize("format_", WITH_NAMES)
@given(rows=st.lists(st.sampled_from(NAMED), min_size=2, max_size=8, unique_by=lambda row: row[1]))
def test_in_every_format_two_swapped_names_are_found_and_say_where_they_belong(format_: str, rows: list[Row]):
    name, write = FORMATS[format_]
    (one, its_name, tactic), (other, other_name, its_tactic), *rest = rows
    # In running text the beginning of a name is that name cut short: "AI Agent" of "AI Agent Tool Poisoning".
    assume(not its_name.startswith(other_name))
    assume(not other_name.startswith(its_name))
    flaws = found(write([(one, other_name, tactic), (other, its_name, its_tactic), *rest]), name)
    assert [flaw.code.value for flaw in flaws] == ["M104", "M104"]
    assert [flaw.id for flaw in flaws] == [one, other]
    assert other in flaws[0].message
    assert one in flaws[1].message


@pytest.mark.parametrize("format_", WITH_TACTICS)
@given(row=st.sampled_from(NAMED), data=st.data())
def test_in_every_format_a_wrong_tactic_is_found(format_: str, row: Row, data: st.DataObject):
    name, write = FORMATS[format_]
    entry = BOOKS["atlas"].entries[row[0]]
    wrong = data.draw(st.sampled_from([t for t in BOOKS["atlas"].tactic_ids if t not in entry.tactics]))
    (flaw,) = found(write([(row[0], row[1], wrong)]), name)
    assert flaw.code.value == ("M109" if format_ == "sigma" else "M105")
    assert all(tactic in flaw.message for tactic in entry.tactics)


@pytest.mark.parametrize("format_", FORMATS)
@given(number=st.integers(200, 9999))
def test_in_every_format_an_unknown_id_is_found(format_: str, number: int):
    name, write = FORMATS[format_]
    text = write([(f"AML.T{number:04}", "Our Own Words", "impact")])
    assert set(codes(text, name)) == {"M101"}


LINE = st.characters(codec="utf-8", exclude_characters='\r\n"')


@given(st.text(LINE, max_size=80), st.sampled_from(["n.md", "a.csv"]))
def test_any_text_beside_an_id_can_be_checked(text: str, name: str):
    flaws = found(f"AML.T0012{' ' if name == 'n.md' else ','}{text}\n", name)
    assert all(flaw.id == "AML.T0012" or flaw.where != "column 1" for flaw in flaws)


@pytest.mark.parametrize("id_", ["T9999", "T0001", "T1000", "T2000.001"])
def test_an_attack_number_that_no_domain_has_given_is_unknown(id_: str):
    assert codes(sigma(f"attack.{id_.lower()}"), "a.yml") == ["M101"]
    assert codes(f"id,name\n{id_},Foo\n", "a.csv") == ["M101"]


@pytest.mark.parametrize("id_", ["T0843", "T1404", "T1660"])
def test_one_that_mobile_or_ics_may_have_given_is_not(id_: str):
    assert codes(sigma(f"attack.{id_.lower()}"), "a.yml") == []


def test_a_tactic_tag_without_a_technique_is_told_beside_an_unknown_id_of_another_matrix():
    assert "M109" in codes(sigma("attack.exfiltration", "attack.t1566", "atlas.aml.t0999"), "a.yml")
    # A technique of the same matrix that is not known may well be of that tactic.
    assert "M109" not in codes(sigma("attack.exfiltration", "attack.t1566", "attack.t1404"), "a.yml")
