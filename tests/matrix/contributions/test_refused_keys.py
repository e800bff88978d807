import pytest

from caponier.matrix.contributions.form import FORMS, HEAD, ROWS
from caponier.matrix.contributions.refused_keys import refusal

RANKS = """
severity Severity severity_level baseSeverity score base-score cvss CVSSv3 cvss_vector risk riskLevel risk_rating
priority rank ranking rating criticality likelihood probability weight danger urgency epss exploitability
"""
DEFENCES = """
mitigation mitigations suggested_mitigation countermeasure counter-measures remediation remedy defense defence
defensiveNotes protection hardening detection detected_by response controls recommendation advice fix patch workaround
prevention safeguards d3fend
"""


@pytest.mark.parametrize("key", RANKS.split())
def test_a_rank_of_risk_has_no_place(key: str) -> None:
    refused = refusal(key)
    assert refused is not None
    assert "ranks no risks" in refused[0]
    assert "coverage" in refused[1]


@pytest.mark.parametrize("key", DEFENCES.split())
def test_a_defence_has_no_place(key: str) -> None:
    refused = refusal(key)
    assert refused is not None
    assert "advises no defence" in refused[0]
    assert "remediate" in refused[1]


@pytest.mark.parametrize("key", ["grade", "founding", "seen_in", "v1_id", "maturity"])
def test_nobody_gives_marks(key: str) -> None:
    refused = refusal(key)
    assert refused is not None
    assert "founding mark" in refused[0]


@pytest.mark.parametrize("key", ["operating_system", "prefix", "author", "", "_", "éé", "unscored_note"])
def test_other_keys_are_only_unknown(key: str) -> None:
    assert refusal(key) is None


def test_no_field_of_a_form_is_refused() -> None:
    keys = {field.key for form in (HEAD, *FORMS.values(), *ROWS.values()) for field in form}
    assert {key for key in keys if refusal(key)} == set()
