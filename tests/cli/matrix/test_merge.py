"""propose -> review -> merge -> export -> import elsewhere: what comes back is what was proposed."""

import json
from pathlib import Path

import pytest

from caponier.app.workspace.workspace import create_workspace
from caponier.matrix.contributions.contribution import TechniqueProposal
from caponier.matrix.contributions.review import review
from caponier.matrix.technique import Technique
from caponier.matrix.versions import release_file
from caponier.matrix.versions.library import Library
from cli.command import Ran, run
from matrix.contributions.made import EVIDENCE, STUDY, TECHNIQUE, changed, file

PROPOSED = {
    "--name": "Sensor Spoofing",
    "--tactic": "AMLTM.EVADE",
    "--color": "orange",
    "--description": 'Shines or speaks at the sensor: "people" nearby #notice nothing, and the model obeys.',
    "--harm": "integrity",
    "--source": "https://lightcommands.com/20191104-Light-Commands.pdf",
    "--title": "Light Commands: Laser-Based Audio Injection",
    "--date": "2019-11",
    "--result": "Lasers made voice assistants carry out spoken commands from 110 metres away.",
    "--system": "Google Home, Amazon Echo and Apple Siri",
    "--type": "exercise",
    "--disclosure": "coordinated-disclosure",
    "--disclosure-words": "The makers were told before it was published in November 2019.",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(tmp_path / "ws"))
    create_workspace(tmp_path / "ws")
    return tmp_path / "ws"


def merged(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ran:
    return run(capsys, "matrix", "merge", *arguments)


def done(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    ran = run(capsys, "matrix", *arguments)
    assert ran.code == 0, ran.out + ran.err
    return ran.out


def test_a_technique_goes_the_whole_way_and_comes_back_equal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, exported = tmp_path / "spoofing.yaml", tmp_path / "exported.json"
    done(capsys, "propose", "technique", *[word for pair in PROPOSED.items() for word in pair], "--out", path)
    done(capsys, "review", path)
    (reviewed,) = review([path], Library()).files
    done(capsys, "merge", path, "--into", "amltm-2020+1")
    done(capsys, "export", "--matrix", "amltm-2020+1", "--format", "json", "--out", exported)
    create_workspace(tmp_path / "elsewhere")
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(tmp_path / "elsewhere"))
    done(capsys, "import", exported)
    there = Library(tmp_path / "elsewhere" / "matrix")
    entry = there.load("amltm-2020+1").technique("AMLTM.EVADE.04")
    assert entry == Library(home / "matrix").load("amltm-2020+1").technique("AMLTM.EVADE.04")
    assert isinstance(reviewed.contribution, TechniqueProposal)
    assert proposal_of(entry) == proposal_fields(reviewed.contribution)
    assert told(entry) == PROPOSED


def proposal_fields(proposal: TechniqueProposal) -> tuple[object, ...]:
    sources = tuple(claim.as_source() for claim in proposal.claims)
    head = (proposal.id, proposal.name, proposal.tactics, proposal.parent, proposal.color, proposal.attack)
    return (*head, proposal.description, proposal.harms, sources)


def proposal_of(entry: Technique) -> tuple[object, ...]:
    assert entry.evidence is not None
    head = (entry.id, entry.name, entry.tactics, entry.parent, entry.color, entry.attack)
    return (*head, entry.description, entry.harms, entry.evidence.sources)


def told(entry: Technique) -> dict[str, str]:
    """The entry in the words of the options that proposed it."""
    assert entry.evidence is not None
    assert entry.color is not None
    (source,) = entry.evidence.sources
    study = source.study
    assert study.disclosure is not None
    return {
        "--name": entry.name,
        "--tactic": ",".join(entry.tactics),
        "--color": entry.color.value,
        "--description": entry.description,
        "--harm": ",".join(entry.harms),
        "--source": study.url or "",
        "--title": study.name,
        "--date": study.when,
        "--result": source.result,
        "--system": source.system,
        "--type": study.type.value,
        "--disclosure": study.disclosure.way.value,
        "--disclosure-words": study.disclosure.words,
    }


def test_the_new_version_lists_shows_and_searches(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path
) -> None:
    files = [file(tmp_path, text, f"{number}.yaml") for number, text in enumerate((TECHNIQUE, EVIDENCE, STUDY))]
    done(capsys, "merge", *files, "--into", "amltm-2020+1", "--quiet")
    chosen = ("--matrix", "amltm-2020+1")
    assert "Sensor Spoofing" in done(capsys, "list", *chosen)
    assert "Sensor Spoofing" in done(capsys, "search", "spoofing", *chosen)
    card = done(capsys, "show", "AMLTM.EVADE.04", *chosen)
    for words in ("contributed: shown by a public source", "Light Commands", "lightcommands.com"):
        assert words in card
    assert release_file.from_bytes((home / "matrix" / "amltm-2020+1.json").read_bytes(), "x").matrix.studies
    assert "Sensor Spoofing" not in done(capsys, "list")


def test_a_merge_is_told_as_lines_json_and_markdown(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path
) -> None:
    path = file(tmp_path, TECHNIQUE)
    ran = merged(capsys, path, "--into", "a")
    assert ran.out == f"a: technique AMLTM.EVADE.04 from {path}\n"
    assert "caponier matrix list --matrix a" in ran.err
    plain = json.loads(merged(capsys, path, "--into", "b", "--format", "json").out)
    assert (plain["version"], plain["from"]) == ("b", "amltm-2020")
    assert plain["contributions"] == [{"file": str(path), "kind": "technique", "adds": "AMLTM.EVADE.04"}]
    assert "| technique | AMLTM.EVADE.04 |" in merged(capsys, path, "--into", "c", "--format", "markdown").out
    assert merged(capsys, path, "--into", "d", "--format", "csv").code == 2
    assert sorted(one.stem for one in (home / "matrix").iterdir()) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "code"), [(changed(TECHNIQUE, severity="high"), 2), (changed(TECHNIQUE, id="AMLTM.EVADE.07"), 1)]
)
def test_what_the_review_holds_back_is_told_and_nothing_is_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path, text: str, code: int
) -> None:
    ran = merged(capsys, file(tmp_path, text), "--into", "a")
    assert (ran.code, ran.out) == (code, "")
    assert "one.yaml:" in ran.err
    assert "Nothing was merged." in ran.err
    assert not (home / "matrix").exists()
    assert merged(capsys, file(tmp_path, text), "--into", "a", "--accept-warnings").code == (0 if code == 1 else 2)


def test_the_old_word_for_it_is_taken_and_told(capsys: pytest.CaptureFixture[str], tmp_path: Path, home: Path) -> None:
    ran = merged(capsys, file(tmp_path, changed(TECHNIQUE, id="AMLTM.EVADE.07")), "--into", "a", "--looked")
    assert ran.code == 0
    assert "--looked is now --accept-warnings" in ran.err


def test_without_a_workspace_there_is_nowhere_to_keep_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert merged(capsys, file(tmp_path, TECHNIQUE), "--into", "a").code == 2
