"""What is masked of an output, and what is not."""

from pathlib import Path

import pytest

from outputs import held_output
from outputs.held_output import HeldOutputs, masked


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ("f-0123456789abcdef0123 and i-0123456789abcdef", "f-ID and i-ID"),
        ("1.25 callers, 0.0098 a week, 8.3%; 1e-9", "N.N callers, N.N a week, N.N%; 1e-9"),
        ("AML.T0043.001, AMLTM.EVADE.01.02, 127.0.0.1:80", "AML.T0043.001, AMLTM.EVADE.01.02, 127.0.0.1:80"),
        ("atlas-5.6 of https://arxiv.org/abs/1802.03162", "atlas-5.6 of https://arxiv.org/abs/1802.03162"),
        ("2026-01-06 00:00:00Z", "2026-01-06 00:00:00Z"),
        ("9999-12-01 12:13:12Z", "NOW"),
        ("a" * 64, "DIGEST"),
        ("in /tmp/x/caponier.toml", "in HOME/caponier.toml"),
        ("a     b  \nc", "a  b\nc"),
    ],
)
def test_what_differs_from_run_to_run_is_masked_and_the_rest_stays(said: str, held: str) -> None:
    assert masked(said, Path("/tmp/x")) == held + "\n"


def test_another_output_fails_until_it_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_output, "FOLDER", tmp_path)
    with pytest.raises(AssertionError, match="--renew"):
        HeldOutputs(renew=False).check("one", "words")
    HeldOutputs(renew=True).check("one", "words")
    HeldOutputs(renew=False).check("one", "words")
    with pytest.raises(AssertionError, match="--renew"):
        HeldOutputs(renew=False).check("one", "other words")
