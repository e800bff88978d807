"""The matrix of October 2020 is complete, in its own columns, and keeps its rules."""

import re
from collections import Counter
from datetime import date
from importlib.resources import files

import pytest
import yaml

from caponier.matrix.evidence import Grade
from caponier.matrix.technique import Color, Harm, Level, Technique
from caponier.matrix.versions.catalogue import load

MATRIX = load("amltm-2020")
ENTRIES = MATRIX.techniques
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)


def test_says_where_it_comes_from():
    assert (MATRIX.version, MATRIX.released, MATRIX.repository) == (
        "amltm-2020",
        date(2020, 10, 23),
        "mitre/advmlthreatmatrix",
    )


def test_columns_have_the_tops_of_2020_in_order():
    assert [(tactic.name, len(tops)) for tactic, tops in MATRIX.columns()] == [
        ("Reconnaissance", 6),
        ("Initial Access", 6),
        ("Execution", 3),
        ("Persistence", 3),
        ("Model Evasion", 3),
        ("Exfiltration", 3),
        ("Impact", 6),
    ]


def test_impact_column_reads_as_in_the_picture():
    impact = MATRIX.columns()[-1][1]
    assert [(entry.name, entry.color) for entry in impact] == [
        ("Defacement", Color.ORANGE),
        ("Denial of Service", Color.ORANGE),
        ("Stolen Intellectual Property", Color.WHITE),
        ("Data Encrypted for Impact", Color.WHITE),
        ("Defacement (ATT&CK)", Color.WHITE),
        ("Stop System Shutdown/Reboot", Color.WHITE),
    ]


def test_counts_by_level_and_color():
    assert Counter(entry.level for entry in ENTRIES) == {
        Level.TECHNIQUE: 30,
        Level.SUB_TECHNIQUE: 24,
        Level.VARIANT: 4,
    }
    tops = [entry for entry in ENTRIES if entry.parent is None]
    assert Counter(entry.color for entry in tops) == {Color.ORANGE: 16, Color.WHITE: 14}


def test_counts_by_evidence_grade():
    assert Counter(entry.evidence.grade for entry in ENTRIES) == {
        Grade.STUDY_2020: 18,
        Grade.LATER_STUDY: 29,
        Grade.FOUNDING: 11,
    }


def test_equals_the_independently_gathered_list(shared_facts):
    rows = shared_facts("reference", "matrix-2020", "crosswalk.yaml")["techniques"]
    ours = [(e.id, e.name, e.color, e.parent, e.tactics, e.v1_id, e.same_as, e.seen_in, e.attack) for e in ENTRIES]
    theirs = [
        (
            row["id"],
            row["name"],
            row["color"],
            row["parent"],
            tuple(row["tactics"]),
            row["v1_id"],
            row.get("same_as"),
            tuple(row["seen_in"]),
            row["attack"],
        )
        for row in rows
    ]
    assert ours == theirs


def test_evidence_equals_the_independently_gathered_list(shared_facts):
    rows = {row["id"]: row for row in shared_facts("reference", "matrix-2020", "evidence.yaml")["entries"]}
    assert {entry.id for entry in ENTRIES} == set(rows)
    for entry in ENTRIES:
        row = rows[entry.id]
        told = row["shown_by_2020_study"] + row["shown_by_later_study"]
        assert entry.evidence.grade == row["grade"]
        assert [
            (s.study.id, s.study.name, s.study.date.isoformat(), s.study.type, s.study.reference, list(s.through))
            for s in entry.evidence.sources
            if not s.result
        ] == [(t["case_study"], t["name"], t["date"], t["type"], t["reference"], t.get("through", [])) for t in told], (
            entry.id
        )


@pytest.mark.parametrize(
    ("record", "day", "address", "shows"),
    [
        (
            "CVE-2019-20634",
            "2020-03-30",
            "https://nvd.nist.gov/vuln/detail/CVE-2019-20634",
            ["AMLTM.RECON.05", "AMLTM.RECON.05.01", "AMLTM.EVADE.01", "AMLTM.EVADE.01.01"],
        ),
        ("VU#425163", "2020-03-19", "https://kb.cert.org/vuls/id/425163", ["AMLTM.EVADE.01", "AMLTM.EVADE.01.V3"]),
    ],
)
def test_records_of_vulnerabilities_stand_among_the_evidence(record: str, day: str, address: str, shows: list[str]):
    found = [(entry.id, s) for entry in ENTRIES for s in entry.evidence.sources if s.study.id == record]
    assert [id_ for id_, _ in found] == shows
    for _, source in found:
        assert (source.study.when, source.study.url, source.through) == (day, address, ())
        assert source.result
        assert source.system


def test_studies_are_dated_as_precisely_as_atlas_dates_them(shared_facts):
    studies = {row["id"]: row for row in shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")["case-studies"]}
    words = {"YEAR": "year", "MONTH": "month", "DATE": "day"}
    for study in {source.study for entry in ENTRIES for source in entry.evidence.sources if not source.result}:
        row = studies[study.id]
        assert (study.name, study.type) == (row["name"], row["case-study-type"])
        assert (study.date, study.precision) == (row["incident-date"], words[row["incident-date-granularity"]])


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("Execute Unsafe ML Models", ["AMLTM.EXEC.01", "AMLTM.PERSIST.01"]),
        ("Pickle Embedding", ["AMLTM.EXEC.01.02", "AMLTM.PERSIST.01.02"]),
        ("Model Stealing", ["AMLTM.RECON.06"]),
        ("ML Model Stealing", ["AMLTM.EXFIL.02"]),
        ("Defacement", ["AMLTM.IMPACT.01"]),
        ("Defacement (ATT&CK)", ["AMLTM.IMPACT.05"]),
    ],
)
def test_entries_that_occur_twice_stay_apart(name: str, ids: list[str]):
    assert [entry.id for entry in ENTRIES if entry.name == name] == ids


def test_the_two_defacements_differ_in_kind():
    orange, white = MATRIX.technique("AMLTM.IMPACT.01"), MATRIX.technique("AMLTM.IMPACT.05")
    assert (orange.color, orange.attack) == (Color.ORANGE, None)
    assert (white.color, white.attack) == (Color.WHITE, "T1491")


def test_same_as_means_the_same_act_in_another_column():
    pairs = [(entry, MATRIX.technique(entry.same_as)) for entry in ENTRIES if entry.same_as]
    assert len(pairs) == 6
    for one, other in pairs:
        # Sub-entries point back to the column where they stand first, top entries to each other.
        assert other.same_as == (one.id if one.parent is None else None)
        assert (one.color, one.harms) == (other.color, other.harms)
        assert one.tactics != other.tactics
        assert one.description != other.description


def test_only_white_entries_carry_attack_ids():
    assert {entry.id for entry in ENTRIES if entry.color is Color.ORANGE and entry.attack_ids} == set()
    without = [entry.id for entry in ENTRIES if entry.color is Color.WHITE and not entry.attack_ids]
    assert without == ["AMLTM.IMPACT.03"]
    assert MATRIX.technique("AMLTM.IMPACT.03").attack_basis


@every_entry
def test_description_is_short_plain_and_there(entry: Technique):
    sentences = re.findall(r"[.!?](?:\s|$)", entry.description)
    assert 1 <= len(sentences) <= 3
    assert 40 < len(entry.description) < 320
    assert entry.description.isascii()
    assert "Adversar" not in entry.description


def test_no_two_descriptions_are_alike():
    texts = [entry.description for entry in ENTRIES] + [tactic.description for tactic in MATRIX.tactics]
    assert len(set(texts)) == len(texts) == 58 + 7


def test_tactics_are_those_of_the_ml_subsystem():
    assert all("the ML subsystem" in tactic.description for tactic in MATRIX.tactics)


@every_entry
def test_a_parent_harms_all_that_its_children_harm(entry: Technique):
    for child in MATRIX.children(entry.id):
        assert set(child.harms) <= set(entry.harms)
        assert (child.color, child.tactics) == (entry.color, entry.tactics)
        assert child.id.startswith(f"{entry.id}.")


@every_entry
def test_harms_are_named_once_and_in_order(entry: Technique):
    assert list(entry.harms) == [harm for harm in Harm if harm in entry.harms]


@every_entry
def test_positions_count_from_one(entry: Technique):
    assert [child.position for child in MATRIX.children(entry.id)] == list(range(1, len(MATRIX.children(entry.id)) + 1))


def test_variants_are_named_in_the_text_only():
    variants = [entry for entry in ENTRIES if entry.level is Level.VARIANT]
    assert {entry.seen_in for entry in variants} == {("page",)}
    assert {entry.parent for entry in variants} == {"AMLTM.EVADE.01"}


def keys_of(value: object) -> set[str]:
    if isinstance(value, dict):
        return {str(key) for key in value}.union(*map(keys_of, value.values()))
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    return set()


@pytest.mark.parametrize("path", [p.name for p in (files("caponier.matrix") / "data").iterdir()])
def test_no_file_ranks_risks_or_suggests_defences(path: str):
    text = (files("caponier.matrix") / "data" / path).read_text(encoding="utf-8")
    forbidden = re.compile("mitigat|severit|score|priorit|defen[cs]e|countermeasure|remed", re.IGNORECASE)
    assert [key for key in keys_of(yaml.safe_load(text)) if forbidden.search(key)] == []
