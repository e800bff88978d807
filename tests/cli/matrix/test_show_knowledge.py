"""What `matrix show` tells of other lists: ATT&CK, the failure modes of 2019, records of vulnerabilities."""

import pytest
from typer.testing import CliRunner, Result

from caponier.cli.matrix import app


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


@pytest.mark.parametrize(
    ("id_", "parts"),
    [
        ("AMLTM.EVADE.01.V4", ["T1027.001 Binary Padding", "related (ATT&CK 18.1): padding also adds"]),
        (
            "AMLTM.RECON.06",
            ["none: there is no counterpart", "Why: ATT&CK takes files", "T1530 Data from Cloud Storage"],
        ),
        ("AMLTM.EVADE.02", ["FM10 Backdoor ML (Microsoft, 2019)", "split: the matrix tells the delivery"]),
        ("AML.T0018.000", ["FM10 Backdoor ML (Microsoft, 2019)", "What      Alters weights"]),
        ("AMLTM.RECON.05", ["2020-03-30  exercise  CVE-2019-20634", "Showed on Proofpoint Email Protection"]),
        ("AMLTM.EVADE.01.V3", ["2020-03-19  exercise  VU#425163", "https://kb.cert.org/vuls/id/425163"]),
        ("FM10", ["AMLTM.INIT.01", "AMLTM.EVADE.02"]),
    ],
)
def test_show(id_: str, parts: list[str]):
    result = run("show", id_)
    assert result.exit_code == 0, result.output
    for part in parts:
        assert part in result.stdout, part


def test_a_failure_mode_without_an_entry_says_why_and_is_no_error():
    result = run("show", "FM12", "--format", "json")
    assert result.exit_code == 0
    assert '"techniques": []' in result.stdout
    assert "nobody attacks" in " ".join(result.stderr.split())
