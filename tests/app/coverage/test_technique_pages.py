import re
from pathlib import Path

import pytest

from caponier.app.coverage import page_links
from caponier.app.coverage.detectors import detected_by, detectors, emulations
from caponier.app.coverage.technique_links import REPAIR, ROLLBACK, in_words, technique_links
from caponier.app.coverage.technique_pages import INDEX, pages
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.errors import InputError
from caponier.formats.markdown import escaped
from caponier.matrix import crosswalk, failure_modes
from caponier.matrix.evidence import Maturity
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import load, versions
from caponier.respond import playbook

MATRICES = {version: load(version) for version in versions()}
FOUNDING, ATLAS = MATRICES["amltm-2020"], MATRICES["atlas-5.6"]
PAGES = pages()
DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference"
LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")


def test_every_entry_and_every_study_has_a_page():
    wanted = {f"{one.id}.md" for matrix in MATRICES.values() for one in (*matrix.techniques, *matrix.studies)}
    assert set(PAGES) == wanted | {INDEX}
    assert len(PAGES) == 58 + 170 + 13 + 57 + 1


def test_a_page_names_techniques_of_attack_with_what_they_rest_on():
    for matrix in (FOUNDING, ATLAS):
        some = [one for one in matrix.techniques if one.attack_ids]
        assert some
        for one in some:
            (told,) = re.findall(r"^\| ATT&amp;CK \| (.+) \|$", PAGES[f"{one.id}.md"], re.MULTILINE)
            assert all(id_ in told for id_ in one.attack_ids)
            assert not one.attack_basis or told.endswith(")")
    basis = next(one for one in FOUNDING.techniques if one.attack_ids and one.attack_basis)
    assert f"({escaped(basis.attack_basis)}) |" in PAGES[f"{basis.id}.md"]


def test_every_link_between_pages_leads_somewhere():
    anchors = {page_links.anchor(line.lstrip("# ")) for line in PAGES[INDEX].splitlines() if line.startswith("#")}
    for name, text in PAGES.items():
        for target in LINK.findall(text):
            if target.startswith("https://"):
                continue
            file, _, anchor = target.partition("#")
            assert file in PAGES or (DOCS / "techniques" / file).resolve().is_file(), (name, target)
            assert not anchor or (file == INDEX and anchor in anchors), (name, target)


def test_anchors_are_told_apart():
    heads = [line for line in PAGES[INDEX].splitlines() if line.startswith("## ")]
    assert len({page_links.anchor(head.lstrip("# ")) for head in heads}) == len(heads) == 7 + 16 + 2


@pytest.mark.parametrize(
    ("title", "anchor"),
    [
        ("Model Evasion in ATLAS 5.6", "model-evasion-in-atlas-56"),
        ("Case studies of the matrix of 2020", "case-studies-of-the-matrix-of-2020"),
        ("A & B", "a--b"),
    ],
)
def test_an_anchor_is_what_a_forge_makes_of_a_heading(title: str, anchor: str):
    assert page_links.anchor(title) == anchor


def test_the_index_links_to_every_page():
    targets = set(LINK.findall(PAGES[INDEX]))
    assert set(PAGES) - {INDEX} <= targets


def test_the_pages_are_the_same_each_time_and_name_no_place_on_this_machine():
    assert pages() == PAGES
    here = str(Path(__file__).resolve().parents[3])
    assert not [name for name, text in PAGES.items() if here in text or "/home/" in text or "/tmp/" in text]


def test_what_was_shown_in_research_only_is_marked():
    for technique in ATLAS.techniques:
        feasible = technique.maturity is Maturity.FEASIBLE
        assert ("**Shown in research only**" in PAGES[f"{technique.id}.md"]) is feasible
        assert (f"]({technique.id}.md) (research only)" in PAGES[INDEX]) is feasible


@pytest.mark.parametrize("version", MATRICES)
def test_a_page_says_all_that_is_known_of_an_entry(version: str):
    matrix = MATRICES[version]
    for technique in matrix.techniques:
        page = PAGES[f"{technique.id}.md"]
        assert page.splitlines()[1].startswith(f"# {technique.id}: ")
        for id_ in technique.attack_ids:
            assert f"https://attack.mitre.org/techniques/{id_.replace('.', '/')}/" in page
        for study in matrix.studies_of(technique.id):
            assert f"]({study.id}.md)" in page
        for source in technique.evidence.sources if technique.evidence else ():
            assert source.study.id in page
            assert str(source.study.url) in page
        for card in detected_by([TechniqueId(matrix.kind, technique.id)]):
            assert card.name.replace("_", "\\_") in page


def test_a_page_tells_the_crosswalk_in_both_directions():
    for row in crosswalk.load().techniques:
        for atlas in row.atlas:
            assert f"]({atlas}.md)" in PAGES[f"{row.id}.md"]
            assert f"]({row.id}.md)" in PAGES[f"{atlas}.md"]
    for mode in failure_modes.load().modes:
        for id_ in mode.entries:
            assert f"{mode.id} " in PAGES[f"{id_}.md"]


def test_an_entry_without_a_detector_says_why():
    assert "Why: happens outside your systems, so your logs cannot show it." in PAGES["AMLTM.RECON.01.md"]
    assert "| Detected by |" not in PAGES["AMLTM.RECON.01.md"]


def test_the_page_of_a_study_tells_its_steps_in_order_and_the_study_it_is_told_again_as():
    for matrix in MATRICES.values():
        for study in matrix.studies:
            rows = re.findall(r"^\| \d+ \| .*?\]\(README\.md#.*?\) \| \[(\S+) ", PAGES[f"{study.id}.md"], re.MULTILINE)
            assert rows == [step.technique for step in study.steps]
    for study in FOUNDING.studies:
        assert f"]({study.same_as}.md)" in PAGES[f"{study.id}.md"]
        assert f"]({study.id}.md)" in PAGES[f"{study.same_as}.md"]


def test_all_detectors_and_emulations_with_a_technique_of_the_matrix_are_on_some_page():
    text = "\n".join(PAGES.values())
    kinds = {"amltm-2020", "atlas"}
    for card in (*detectors(), *emulations()):
        if any(id_.matrix in kinds for id_ in card.techniques):
            # One that only hints at a technique is named as a way to detect none.
            assert (card.name.replace("_", "\\_") in text) is getattr(card, "covers", True)


def rules(id_: str) -> list[str]:
    matrix = FOUNDING if id_ in FOUNDING else ATLAS
    return [rule.name for rule in technique_links(matrix, matrix.technique(id_)).rules]


def test_every_rule_that_names_techniques_answers_them_and_their_children():
    for rule in playbook.shipped().rules:
        for wanted in rule.when.techniques:
            if wanted.matrix == "amltm-2020":
                for id_ in (wanted.id, *(child.id for child in FOUNDING.children(wanted.id))):
                    assert rule.name in rules(id_)


def test_rules_do_not_answer_the_parent_of_what_they_name():
    assert rules("AMLTM.EVADE.01.02") == ["online-evasion", "online-evasion-weak"]
    assert rules("AMLTM.EVADE.01") == ["online-evasion-weak"]
    assert rules("AMLTM.RECON.01") == []


def test_an_atlas_entry_is_answered_as_the_2020_entries_it_maps_to():
    assert rules("AML.T0029") == ["flood"]
    assert rules("AML.T0051") == []


def test_remedies_follow_from_detectors_and_playbooks():
    def remedies(id_: str) -> tuple[str, ...]:
        return technique_links(FOUNDING, FOUNDING.technique(id_)).remedies

    assert remedies("AMLTM.EVADE.03.01") == (REPAIR,)
    assert remedies("AMLTM.EVADE.02") == (ROLLBACK,)
    assert remedies("AMLTM.RECON.01") == ()


def test_a_rule_is_told_with_its_limits():
    by_name = {rule.name: in_words(rule) for rule in playbook.shipped().rules}
    assert by_name["flood"] == "throttle actor"
    assert by_name["online-evasion"] == "block actor (at severity medium or above)"
    assert by_name["backdoored-model"].endswith("rollback model (after approval; at severity high or above)")


def test_the_playbooks_of_a_workspace_take_the_place_of_the_shipped_rules(tmp_path: Path):
    create_workspace(tmp_path)
    own = "schema: caponier.playbook/1\nname: own\nrules:\n- {name: flood, reason: Not here., actions: []}\n"
    (tmp_path / "own.yaml").write_text(own)
    file = tmp_path / "caponier.toml"
    file.write_text(file.read_text() + '\n[respond]\nplaybooks = ["own.yaml"]\n')
    flood = FOUNDING.technique("AMLTM.IMPACT.02")
    assert technique_links(FOUNDING, flood, load_workspace(tmp_path)).rules == ()
    (tmp_path / "own.yaml").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        technique_links(FOUNDING, flood, load_workspace(tmp_path))
