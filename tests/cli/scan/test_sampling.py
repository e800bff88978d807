from pathlib import Path

import pytest

from app.inference.event_files import log, rows
from caponier.cli.terminal.log_options import share
from caponier.errors import InputError
from cli.command import run


@pytest.mark.parametrize(("text", "number"), [("0.1", 0.1), ("10%", 0.1), (" 10 % ", 0.1), ("1", 1.0), ("100%", 1.0)])
def test_a_share_is_a_fraction_or_a_percentage(text: str, number: float) -> None:
    assert share(text) == pytest.approx(number)


def test_without_the_option_nothing_is_said() -> None:
    assert share(None) is None


@pytest.mark.parametrize("text", ["0", "10", "-0.1", "101%", "all", "", "nan", "%"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a share of the traffic"):
        share(text)


def test_a_scan_says_what_a_sampled_log_costs_and_never_ends_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = log(tmp_path, rows(9))
    done = run(capsys, "scan", "inference", file, "--sampling", "1%")
    assert done.code == 3
    assert "1 % of the traffic is logged" in done.err
    assert "every event of some callers" in done.err


def test_a_wrong_share_is_a_wrong_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "scan", "inference", log(tmp_path, rows(9)), "--sampling", "often")
    assert done.code == 2
    assert "--sampling 10%" in done.err
