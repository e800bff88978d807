import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from app.planting.test_report import report
from caponier.app.planting.report import OwnLogReport
from caponier.app.planting.validate_log import OwnModelServer
from caponier.records.skip import Skip
from cli.command import Ran, run
from outputs.held_output import HeldOutputs

ALL_CAUGHT = replace(report(), kinds=report().kinds[:1], skipped=())
PARTLY = replace(ALL_CAUGHT, skipped=(Skip("square", "needs images"),))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


def told(capsys: pytest.CaptureFixture[str], shown: OwnLogReport, *arguments: object) -> Ran:
    with patch("caponier.cli.validate.own_log.validate_log", return_value=shown):
        return run(capsys, "validate", "--log", "log.parquet", *arguments)


@pytest.mark.parametrize(("shown", "code"), [(ALL_CAUGHT, 0), (report(), 1), (PARTLY, 3)])
def test_exit_codes(shown: OwnLogReport, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, shown).code == code


def test_tables_say_who_is_caught_and_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    done = told(capsys, report())
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "nes 2 1 2 100% (34% to 100%) 6.5, at most 9 novelty" in lines
    assert "jbda 1 1 0 0% (0% to 79%)" in lines
    assert "ATTACK AT 0.3% AT 1.0% NO SCORES NO INPUTS" in lines
    assert "nes 1 2 1 -" in lines
    assert "own callers flagged of 50 0 2 1 -" in lines
    assert "alerts about them 0 3" in lines


def test_sentences_say_what_it_rests_on_and_what_is_left_out(
    capsys: pytest.CaptureFixture[str], held: HeldOutputs
) -> None:
    done = told(capsys, report())
    held.check("own-log/report", f"{done.out}{done.err}")
    said = " ".join(done.err.split())
    assert [figure in said for figure in ("97%", "1.0%", "250 callers", "square: needs images")] == [True] * 4
    unknown = told(capsys, replace(report(), agreement=float("nan"), learned=0)).err
    held.check("own-log/unknown-surrogate-and-given-baseline", unknown)


def test_quiet_prints_the_result_alone(capsys: pytest.CaptureFixture[str]) -> None:
    done = told(capsys, report(), "--quiet")
    assert not done.err
    assert "jbda" in done.out


def test_other_formats(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert json.loads(told(capsys, report(), "--format", "json").out)["schema"] == "caponier.own_log/1"
    told(capsys, report(), "--out", "shown.json")
    assert json.loads((tmp_path / "shown.json").read_text()) == report().to_dict()
    heads, nes, jbda = told(capsys, report(), "--format", "csv").out.splitlines()
    assert heads.startswith('"attack","planted"')
    assert nes.endswith('"novelty","1","2","1","-"')
    assert jbda.count('","') == heads.count('","')
    assert "| nes | 2 | 1 | 2 |" in told(capsys, report(), "--format", "markdown").out


def test_a_picture_is_drawn_beside(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    told(capsys, report(), "--picture", "shown.svg")
    assert (tmp_path / "shown.svg").read_text().startswith("<svg")


def test_everything_is_passed_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def carry_out(paths: list[Path], **arguments: Any) -> OwnLogReport:
        given.update(arguments, paths=paths)
        return ALL_CAUGHT

    monkeypatch.setenv("CAPONIER_URL_KEY", "secret")
    looks = ("--kind", "image", "--shape", "8,8", "--range", "0,1", "--model", "digits", "--url", "http://h:1")
    much = ("--attackers", "7", "--only", "nes", "--seed", "4", "--alpha", "0.03", "--quick")
    with patch("caponier.cli.validate.own_log.validate_log", carry_out):
        assert run(capsys, "validate", "--log", "a.parquet", "--log", "b.parquet", *looks, *much).code == 0
        assert given["paths"] == [Path("a.parquet"), Path("b.parquet")]
        assert given["server"] == OwnModelServer("http://h:1", "secret")
        assert "secret" not in repr(given["server"])
        assert given["spec"].shape == (8, 8)
        assert given["model"] == "digits"
        effort = given["effort"]
        assert (effort.attackers, effort.only, effort.seed, effort.columns) == (7, ("nes",), 4, ())
        assert given["alpha"] == 0.03
        # Where the key lies in the environment for other runs, a run without a server is none the worse.
        run(capsys, "validate", "--log", "a.parquet")
        assert given["server"] is None
        assert given["alpha"] is None
        assert given["effort"].columns == ("principal", "scores", "inputs")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--log", "nowhere.parquet"), "nowhere.parquet"),
        (("--log", "a.jsonl", "--url", "http://me:k@h"), "must hold no name, password"),
        (("--log", "a.jsonl", "--picture", "nowhere/p.svg"), "nowhere/p.svg: cannot be written"),
        (("--log", "a.jsonl", "--out", "nowhere/p.json"), "nowhere/p.json: cannot be written"),
        (("--log", "a.jsonl", "--baseline", "none.safetensors"), "none.safetensors"),
        (("--log", "a.jsonl", "--reader", "telepathy"), "telepathy"),
        (("--log", "a.jsonl", "--shape", "x"), "--shape x does not describe an input"),
        (("--url", "http://h:1", "--picture", "p.svg"), "--url, --picture says nothing without --log"),
        (("--range", "0,1"), "--range says nothing without --log"),
    ],
)
def test_wrong_requests(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.jsonl").write_text("{}\n")
    done = run(capsys, "validate", *arguments)
    assert done.code == 2
    assert words in done.err
