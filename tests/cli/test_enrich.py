from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from caponier.emulate.event_log import ServerLog
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.emulate.victims.server import serve
from cli.command import Ran, run


@pytest.fixture(scope="module")
def url(digits: tuple[DigitsSplit, Victim]) -> Iterator[str]:
    log = ServerLog()
    with serve(digits[1].predict_proba, record=log.record, principal_of=lambda key: key) as server:
        yield server.url


@pytest.fixture
def events(digits: tuple[DigitsSplit, Victim], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CAPONIER_WORKSPACE", "CAPONIER_MODEL_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "300")
    split, victim = digits
    pq.write_table(simulate(assemble(split.test.images, 5, 3), victim.predict_proba, 8), tmp_path / "log.parquet")
    return tmp_path / "log.parquet"


@pytest.fixture
def enrich(url: str, events: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*further: object, log: Path = events) -> Ran:
        given = ("--url", url, "--model", "digits", "--out", "out.parquet", "--shape", "8,8", "--range", "0,1")
        return run(capsys, "enrich", log, *given, *further)

    return command


def test_a_log_is_enriched_and_what_was_done_is_said(enrich: Any) -> None:
    ran = enrich("--key", "k", "--only", "class_distance", "--only", "squeezing")
    assert (ran.code, ran.out) == (0, "")
    assert "events enriched with class_distance, squeezing, asking about 40 different inputs: out.parquet" in ran.err
    assert all(pairs for pairs in pq.read_table("out.parquet")["signals"].to_pylist())


def test_quiet_says_nothing(enrich: Any) -> None:
    ran = enrich("--key", "k", "--quiet", "--only", "squeezing")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_the_key_can_come_from_the_environment(enrich: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert enrich("--only", "squeezing").code == 2
    monkeypatch.setenv("CAPONIER_MODEL_KEY", "k")
    assert enrich("--only", "squeezing").code == 0


def test_a_second_time_says_that_everything_was_there(enrich: Any) -> None:
    enrich("--key", "k", "--only", "squeezing")
    ran = enrich("--key", "k", "--only", "squeezing", log=Path("out.parquet").rename("before.parquet"))
    assert ran.code == 0
    assert "had it already" in ran.err


def test_rows_that_cannot_be_used_are_3_and_the_others_are_written(enrich: Any, events: Path) -> None:
    folder = events.parent / "logs"
    folder.mkdir()
    events.rename(folder / "log.parquet")
    (folder / "bad.jsonl").write_text('{"no": "time"}\n')
    ran = enrich("--key", "k", "--only", "squeezing", log=folder)
    assert ran.code == 3
    assert "1 row could not be used" in ran.err
    assert Path("out.parquet").exists()


@pytest.mark.parametrize(
    ("further", "says"),
    [
        ((), "401"),
        (("--key", "k", "--model", "none"), "Give --model as the server names it"),
        (("--key", "k", "--url", "http://127.0.0.1:9"), "cannot be reached"),
        (("--key", "k", "--url", "gopher://x"), "http://"),
        (("--key", "k", "--only", "none"), "Known enrichments: "),
        (("--key", "k", "--shape", "3,3"), "take 9 values"),
        (("--key", "k", "--out", "none/out.parquet"), "cannot be written"),
        (("--key", "k", "--benign", "none.parquet"), "does not exist"),
        (("--key", "k", "--batch-size", "0"), "batch-size"),
        (("--key", "k", "--reader", "morse"), "Readers: auto"),
    ],
)
def test_a_wrong_request_is_2_and_nothing_is_written(further: tuple[str, ...], says: str, enrich: Any) -> None:
    ran = enrich(*further)
    assert ran.code == 2
    assert says in ran.err
    assert not Path("out.parquet").exists()


def test_the_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "enrich", "--help")
    assert ran.code == 0
    assert "Example:" in ran.out
    assert "--benign" in ran.out
