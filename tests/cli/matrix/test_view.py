import io

import pytest
from rich.console import Console, RenderableType

from caponier.cli.matrix.study_view import StudyCard, study_list
from caponier.cli.matrix.view import Links, TacticColumns, card, hits
from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.evidence import StudyType
from caponier.matrix.lookup import look_up
from caponier.matrix.versions.catalogue import load

MATRIX = load()
ATLAS = load("atlas-5.6")


def drawn(view: RenderableType, *, width: int = 168, encoding: str = "utf-8", color: bool = False) -> str:
    sheet = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(
        file=sheet,
        width=width,
        force_terminal=color,
        color_system="256" if color else None,
        no_color=not color,
        highlight=False,
    )
    console.print(view)
    sheet.seek(0)
    return sheet.read()


@pytest.mark.parametrize(("width", "bands"), [(20, 7), (44, 4), (80, 3), (120, 2), (168, 1), (400, 1)])
def test_columns_break_into_as_many_bands_as_the_width_asks_for(width: int, bands: int):
    view = drawn(TacticColumns(MATRIX), width=width)
    assert max(map(len, view.splitlines())) <= width
    rules = [line for line in view.splitlines() if set(line.strip()) == {"─"}]
    assert len(rules) == bands


def test_columns_are_the_same_tops_whatever_the_width():
    for width in (44, 100, 168):
        assert drawn(TacticColumns(MATRIX), width=width).count("◆") == 17


def test_columns_fall_back_to_ascii_where_nothing_else_can_be_printed():
    view = drawn(TacticColumns(MATRIX), encoding="ascii")
    assert view.isascii()
    assert "# orange: special to ML   - white: from ATT&CK Enterprise" in view
    assert "# Evasion Attack" in view
    assert "- Valid Account" in view


def test_orange_is_orange_where_there_is_color():
    view = drawn(TacticColumns(MATRIX), color=True)
    assert "\x1b[38;5;208m◆" in view
    assert "\x1b[38;5;208m◇" not in view


def test_a_matrix_without_colors_has_no_legend():
    view = drawn(TacticColumns(ATLAS))
    assert view.startswith("MITRE ATLAS (atlas-5.6, 2026-04-30)")
    assert "orange" not in view


def test_research_only_entries_appear_when_everything_is_asked_for():
    assert "Cost Harvesting" not in drawn(TacticColumns(ATLAS))
    assert "Cost Harvesting" in drawn(TacticColumns(ATLAS, everything=True))


def test_hits_are_one_a_line():
    view = drawn(hits(MATRIX, MATRIX.techniques[:3]))
    assert [line.split()[0] for line in view.splitlines()] == [
        "Id",
        "AMLTM.RECON.01",
        "AMLTM.RECON.01.01",
        "AMLTM.RECON.01.02",
    ]


def test_hits_of_atlas_tell_the_maturity():
    assert "realized" in drawn(hits(ATLAS, [ATLAS.technique("AML.T0020")]))


def test_no_hits_draw_nothing():
    assert drawn(hits(MATRIX, [])) == ""


@pytest.mark.parametrize("entry", ATLAS.techniques, ids=lambda entry: entry.id)
def test_card_of_every_atlas_entry_names_its_maturity_and_tactics(entry):
    view = drawn(card(look_up(entry.id)))
    assert view.startswith(f"{entry.id}  {entry.name}")
    assert f"{entry.maturity.value}: {entry.maturity.words}" in view
    assert all(ATLAS.tactic(id_).name in view for id_ in entry.tactics)


@pytest.mark.parametrize("tactic", [*MATRIX.tactics, *ATLAS.tactics], ids=lambda tactic: tactic.id)
def test_card_of_every_tactic_lists_its_column(tactic):
    found = look_up(tactic.id)
    view = drawn(card(found))
    assert view.startswith(f"{tactic.id}  {tactic.name}")
    assert all(entry.id in view for entry in found.techniques)


def test_cards_of_several_entries_stand_apart():
    view = drawn(card(look_up("T1530")))
    assert view.count("\n\n") == 2


def test_long_addresses_wrap_and_lose_nothing():
    view = drawn(card(look_up("AMLTM.EVADE.01.02")), width=60)
    assert max(map(len, view.splitlines())) <= 60
    joined = "".join(view.split())
    assert (
        "https://securelist.com/how-to-confuse-antimalware-neural-networks-adversarial-attacks-and-protection/102949/"
        in joined
    )


@pytest.mark.parametrize(
    ("id_", "told"),
    [
        ("AML.T0058", "the id is now AML.T0115.001"),
        ("AML.T0020", "the name is now Training Data Poisoning"),
        ("AML.T0015", None),
    ],
)
def test_card_says_what_a_newer_release_changed(id_: str, told: str | None):
    view = drawn(card(look_up(id_)))
    assert (told in view) if told else ("public notes" not in view)


def test_a_card_says_what_detects_and_emulates_an_entry_where_that_is_asked():
    found = look_up("AMLTM.EVADE.01.02")
    links = {found.techniques[0].id: Links(("iterative_query (inference events)",), ())}
    view = drawn(card(found, links))
    assert "Detected by      iterative_query (inference events)" in view
    assert "Emulated by      nothing yet" in view
    assert "Detected by" not in drawn(card(found))


def test_a_card_says_what_answers_and_repairs_an_entry():
    found = look_up("AMLTM.EVADE.03.01")
    links = Links((), (), ("poisoned-rows: quarantine rows",), ("caponier remediate dataset",))
    view = drawn(card(found, {found.techniques[0].id: links}))
    assert "Responded to by  poisoned-rows: quarantine rows" in view
    assert "Remediated by    caponier remediate dataset" in view
    assert "nothing by itself; a person decides" in drawn(card(found, {found.techniques[0].id: Links()}))


def test_a_card_names_the_studies_that_show_the_entry_and_their_steps():
    view = drawn(card(look_up("AML.T0029")))
    assert "AML.CS0036 AIKatz: Attacking LLM Desktop Applications (steps 12, 13)" in view
    assert "AML.CS0016 Achieving Code Execution in MathGPT via Prompt Injection (step 9)" in view


def test_a_study_card_tells_who_what_when_and_each_step_in_order():
    view = drawn(StudyCard(MATRIX, MATRIX.study("AMLTM.CS05")))
    for told in ("two individuals", "liveness check", "incident: a real attacker", "combined: by ordinary means and"):
        assert told in view
    assert view.index("Traditional Software Attacks") < view.index("Online Evasion")
    assert "\N{WHITE DIAMOND} Traditional Software Attacks" in view
    assert "\N{BLACK DIAMOND} Online Evasion" in view


def test_a_study_card_can_be_printed_in_ascii_and_on_a_narrow_terminal():
    view = drawn(StudyCard(MATRIX, MATRIX.study("AMLTM.CS05")), encoding="ascii")
    assert "- Traditional" in view
    assert "# Online" in view
    view = drawn(StudyCard(MATRIX, MATRIX.study("AMLTM.CS05")), width=60)
    assert max(map(len, view.splitlines())) <= 60


def test_steps_without_words_have_no_column_for_them():
    assert "What they did" not in drawn(StudyCard(ATLAS, ATLAS.study("AML.CS0009")))
    assert "What they did" in drawn(StudyCard(MATRIX, MATRIX.study("AMLTM.CS10")))


def test_a_study_of_others_reaches_the_terminal_as_text_only():
    step = StudyStep("TX", "T\x1b[2JX", "said [bold]loudly[/bold]\x07")
    study = CaseStudy("X\x1b[31m", "N\x9b", StudyType.INCIDENT, steps=(step,), target="a\nb", references=("x\x1b",))
    for view in (drawn(StudyCard(MATRIX, study)), drawn(study_list([study]))):
        assert not {"\x1b", "\x07", "\x9b"} & set(view)
    assert "[bold]loudly[/bold]" in drawn(StudyCard(MATRIX, study))


def test_a_list_of_studies_has_a_line_for_each():
    assert len(drawn(study_list(ATLAS.studies), width=250).splitlines()) == 58
    assert drawn(study_list([])).strip() == ""
