from pathlib import Path

import pytest
import yaml

from caponier.app.matrix.propose_contribution import Proposal, propose, write_proposal
from caponier.errors import InputError
from caponier.matrix.contributions.form import ContributionKind
from caponier.matrix.versions.catalogue import load

FOUNDING = load("amltm-2020")


def tree(proposal: Proposal) -> dict[str, object]:
    read: dict[str, object] = yaml.load(proposal.text, yaml.BaseLoader)
    return read


@pytest.mark.parametrize(
    ("values", "id_"),
    [
        ({}, ""),
        ({"tactics": ["AMLTM.RECON"]}, "AMLTM.RECON.07"),
        ({"tactics": ["AMLTM.NOPE"]}, ""),
        ({"parent": "AMLTM.EXFIL.01"}, "AMLTM.EXFIL.01.03"),
        ({"parent": "AMLTM.NOPE.01"}, ""),
        ({"id": "AMLTM.INIT.09", "tactics": ["AMLTM.INIT"]}, "AMLTM.INIT.09"),
    ],
)
def test_the_next_free_id_is_found_where_that_can_be_known(values: dict[str, object], id_: str) -> None:
    proposal = propose(ContributionKind.TECHNIQUE, FOUNDING, values)
    assert tree(proposal)["id"] == id_
    assert ("id" in proposal.blanks) is (id_ == "")


def test_a_case_study_gets_the_next_number() -> None:
    assert tree(propose(ContributionKind.CASE_STUDY, FOUNDING, {}))["id"] == "AMLTM.CS14"


def test_a_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(InputError, match="not Unicode"):
        propose(ContributionKind.TECHNIQUE, FOUNDING, {"name": "a\udc80"})


def test_a_file_is_written_once(tmp_path: Path) -> None:
    proposal = propose(ContributionKind.EVIDENCE, FOUNDING, {"technique": "AMLTM.EVADE.01"})
    write_proposal(proposal, tmp_path / "a.yaml")
    assert (tmp_path / "a.yaml").read_text() == proposal.text
    with pytest.raises(InputError, match="there already"):
        write_proposal(proposal, tmp_path / "a.yaml")
    with pytest.raises(InputError, match="cannot be written"):
        write_proposal(proposal, tmp_path / "absent" / "a.yaml")
