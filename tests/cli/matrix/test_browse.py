import csv
import io
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from caponier.cli.matrix import app
from caponier.errors import InputError
from caponier.matrix.versions.catalogue import load
from outputs.held_output import HeldOutputs


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


def told(*args: str) -> str:
    result = run(*args)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("command", [[], ["list"], ["show"], ["search"]])
def test_help_ends_with_an_example(command: list[str]):
    text = re.sub(r"\x1b\[[0-9;]*m", "", told(*command, "--help"))
    assert text.strip().splitlines()[-1].strip().startswith("Example: caponier matrix")


def test_list_draws_the_seven_columns_side_by_side():
    head = next(line for line in told("list").splitlines() if "Reconnaissance" in line)
    assert re.findall(r"\((\d)\)", head) == ["6", "6", "3", "3", "3", "3", "6"]


def test_list_tells_orange_from_white_without_color():
    drawn = told("list")
    assert "◆ orange: special to ML" in drawn
    assert "◇ white: from ATT&CK Enterprise" in drawn
    assert drawn.count("◆") == 1 + 16
    assert drawn.count("◇") == 1 + 14
    assert "\x1b" not in drawn


def test_list_shows_every_entry_and_marks_variants():
    drawn = " ".join(told("list").split())
    for name in ("Happy String", "Common Corruption", "Offline Evasion", "Arxiv", "Defacement (ATT&CK)"):
        assert name in drawn
    assert len(re.findall(r" ~ (?!variant)", drawn)) == 4


def test_list_breaks_into_bands_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "60")
    lines = told("list").splitlines()
    assert max(map(len, lines)) <= 60
    assert sum(name in line for line in lines for name in ("Reconnaissance (6)", "Impact (6)")) == 2


def test_list_as_csv_has_every_entry():
    rows = list(csv.DictReader(io.StringIO(told("list", "--format", "csv"))))
    assert len(rows) == 58
    assert {row["color"] for row in rows} == {"orange", "white"}


def test_list_as_json_has_every_entry():
    assert len(json.loads(told("list", "--format", "json"))["techniques"]) == 58


def test_list_into_a_file_takes_the_format_from_its_name(tmp_path: Path):
    out = tmp_path / "matrix.md"
    assert told("list", "--out", str(out)) == ""
    assert out.read_text().startswith("# Adversarial ML Threat Matrix")
    assert len(out.read_text().splitlines()) == 62


def test_atlas_leaves_out_research_only_entries_and_says_so():
    result = run("list", "--matrix", "atlas-5.6", "--format", "csv")
    assert len(result.stdout.splitlines()) == 1 + 153
    assert "17 entries" in result.stderr
    assert "--all" in result.stderr


def test_all_lists_them_and_quiet_says_nothing():
    assert len(told("list", "--matrix", "atlas-5.6", "--format", "csv", "--all").splitlines()) == 1 + 170
    assert run("list", "--matrix", "atlas-5.6", "--quiet").stderr == ""


def test_atlas_is_drawn_without_colors_it_does_not_have():
    drawn = told("list", "--matrix", "atlas-5.6", "-q")
    assert "◆" not in drawn
    assert "Lateral Movement" in drawn


def test_show_tells_all_about_an_entry(held: HeldOutputs):
    card = told("show", "AMLTM.EVADE.01.02")
    held.check("matrix/show-an-entry-of-2020", card)
    for part in ("AML.T0043.001", "AML.CS0003", "AML.T0015", "https://arxiv.org/abs/1802.03162", "MLT0017"):
        assert part in card, part


@pytest.mark.parametrize("entry", load().techniques, ids=lambda entry: entry.id)
def test_show_works_for_every_entry_and_names_its_color(entry):
    card = told("show", entry.id)
    assert entry.name in card
    assert entry.color.words in card
    assert entry.evidence.grade.words.split(";")[0][:40] in card


def test_show_white_entry_names_attack_and_how_sure_it_is(held: HeldOutputs):
    card = told("show", "AMLTM.EXEC.02")
    held.check("matrix/show-a-white-entry", card)
    assert "T1106" in card


def test_show_founding_entry_says_that_no_study_shows_it():
    assert "no case study is linked to it yet" in told("show", "AMLTM.IMPACT.04")


def test_show_entry_that_harms_nothing_by_itself():
    assert "nothing by itself" in told("show", "AMLTM.RECON.01.01")


def test_show_names_twins_and_children():
    card = told("show", "AMLTM.EXEC.01")
    assert "Same as   AMLTM.PERSIST.01 Execute Unsafe ML Models" in card
    assert "Contains  AMLTM.EXEC.01.01 ML Models from Compromised Sources" in card


def test_show_attack_id_gives_the_entries_that_carry_it():
    result = run("show", "t1530")
    assert [line for line in result.stdout.splitlines() if line.startswith("AMLTM.")] == [
        "AMLTM.EXFIL.03  Insecure Storage",
        "AMLTM.EXFIL.03.01  Model File",
        "AMLTM.EXFIL.03.02  Training data",
    ]
    assert "T1530 Data from Cloud Storage is from ATT&CK Enterprise" in " ".join(result.stderr.split())
    assert run("show", "T1530", "-q").stderr == ""


def test_show_attack_id_in_atlas():
    assert told("show", "T1078", "--matrix", "atlas-5.6").startswith("AML.T0012  Valid Accounts")


def test_show_atlas_entry_points_back_and_forward():
    card = told("show", "AML.T0019")
    assert "AMLTM.EVADE.03.02 Tainting Data from Open Source Supply Chains" in card
    assert "ATLAS 2026.07, from public notes: the id is now AML.T0115.000" in card
    assert "demonstrated: shown on a real system by an exercise" in card
    assert "ML subsystem" not in card


def test_show_tactic_gives_its_column():
    card = told("show", "MLTA0000")
    assert "the ML subsystem" in card
    assert "AML.TA0007 Defense Evasion" in card
    assert "AMLTM.EVADE.03" in card


def test_show_as_data():
    assert json.loads(told("show", "T1078", "--format", "json"))["techniques"][0]["id"] == "AMLTM.INIT.02"
    assert len(told("show", "T1530", "--format", "csv").splitlines()) == 4


def test_show_unknown_id_is_an_input_error_with_the_nearest():
    result = run("show", "AMLTM.EVADE.1")
    assert isinstance(result.exception, InputError)
    assert result.exception.exit_code == 2
    assert "AMLTM.EVADE" in (result.exception.hint or "")
    assert result.stdout == ""


def test_unknown_version_is_an_input_error():
    assert isinstance(run("list", "--matrix", "atlas-9").exception, InputError)


def test_unknown_format_is_a_usage_error():
    assert run("list", "--format", "xml").exit_code == 2


def test_search_lists_hits_best_first():
    lines = told("search", "poison", "labels").splitlines()
    assert lines[0].split() == ["Id", "Kind", "Name", "Tactics"]
    assert lines[1].split()[:2] == ["AMLTM.EVADE.03.01", "orange"]


def test_search_as_data_keeps_the_ranking():
    found = [row["id"] for row in csv.DictReader(io.StringIO(told("search", "model stealing", "--format", "csv")))]
    assert found[0] in {"AMLTM.RECON.06", "AMLTM.EXFIL.02"}


def test_search_that_finds_nothing_says_so_on_standard_error():
    result = run("search", "[zzzz]")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing in amltm-2020 matches '[zzzz]'." in result.stderr


def test_search_names_hits_that_were_shown_in_research_only():
    result = run("search", "membership", "--matrix", "atlas-5.6")
    assert "1 shown in research only: add --all." in result.stderr
    assert "AML.T0024.000" in told("search", "membership", "--matrix", "atlas-5.6", "--all")


def test_version_is_completed():
    from caponier.cli.matrix.options import complete_version

    assert complete_version("atl") == ["atlas-5.6"]


def test_show_names_what_detects_and_emulates_an_entry():
    card = told("show", "AMLTM.EVADE.01.02")
    assert "Detected by      distributed_query (inference events)\n" in card
    assert " iterative_query (inference events)\n" in card
    assert "hop_skip_jump: HopSkipJump" in card
    assert "Detected by      nothing yet" in told("show", "AMLTM.RECON.01")


def test_show_follows_the_same_entry_into_another_column():
    assert "distance_shape" in told("show", "AMLTM.RECON.06")
    assert "distance_shape" in told("show", "AMLTM.EXFIL.02")


def test_a_tactic_is_detected_by_nobody():
    assert "Detected by" not in told("show", "AMLTM.EVADE")
