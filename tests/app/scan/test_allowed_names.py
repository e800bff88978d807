import pickle
from datetime import date
from pathlib import Path

import pytest

from caponier.app.scan.allowed_names import FILE_NAME, read_allowed
from caponier.app.scan.artifact import ArtifactReport, scan_artifact
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.detect.artifact import Verdict
from caponier.errors import InputError

TODAY = date(2026, 12, 1)
ENTRY = """allow:
- module: fleet.models
  name: Net
  roles: [new, build]
  reason: our own network, read by Ada
  expires: 2027-06-30
"""
OBJECT = b"\x80\x02cfleet.models\nNet\n)\x81}X\x01\0\0\0aK\x01sb."
CALLED = b"\x80\x02cfleet.models\nNet\nK\x01\x85R."


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_workspace(tmp_path / "home")
    return tmp_path / "home"


def scanned(home: Path, content: bytes, entries: str = ENTRY) -> ArtifactReport:
    (home / FILE_NAME).write_text(entries)
    (home / "model.pkl").write_bytes(content)
    return scan_artifact([home / "model.pkl"], workspace=load_workspace(home), today=TODAY)


def test_what_the_workspace_allows_passes_and_the_scan_says_so(home: Path) -> None:
    (file,) = scanned(home, OBJECT).scanned
    assert file.verdict is Verdict.CLEAN
    assert file.allowed == {"fleet.models.Net": "our own network, read by Ada"}
    assert file.to_dict()["allowed"] == dict(file.allowed)
    (other,) = scanned(home, pickle.dumps([1, 2])).scanned
    assert not other.allowed
    assert "allowed" not in other.to_dict()


def test_nothing_is_allowed_without_the_entry_in_another_role_or_after_its_end(home: Path) -> None:
    (home / "model.pkl").write_bytes(OBJECT)
    assert scan_artifact([home / "model.pkl"], workspace=load_workspace(home)).scanned[0].verdict is Verdict.UNKNOWN
    assert scanned(home, CALLED).scanned[0].verdict is Verdict.UNSAFE
    late = scanned(home, OBJECT, ENTRY.replace("2027-06-30", "2026-11-30"))
    assert late.scanned[0].verdict is Verdict.UNKNOWN
    assert late.notes == [f"{FILE_NAME}: fleet.models.Net was allowed until 2026-11-30, which is over"]


def test_a_function_that_is_allowed_may_still_not_be_handed_over(home: Path) -> None:
    entries = ENTRY.replace("Net", "run").replace("[new, build]", "[call]")
    assert scanned(home, b"\x80\x02cfleet.models\nrun\nK\x01\x85R.", entries).scanned[0].verdict is Verdict.CLEAN
    handed = b"\x80\x02ctorch._tensor\n_rebuild_parameter\n(cfleet.models\nrun\ntR."
    assert scanned(home, handed, entries).scanned[0].verdict is Verdict.UNSAFE


def test_harm_beside_it_is_still_seen(home: Path) -> None:
    assert scanned(home, OBJECT[:-1] + b"0cos\nsystem\nV1\n\x85R.").scanned[0].verdict is Verdict.UNSAFE


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fleet.models", "os", "os.Net is known to be dangerous"),
        ("  roles: [new, build]\n", "", "expected the keys"),
        ("[new, build]", "[built]", "there is no role 'built'"),
        ("[new, build]", "[]", "roles must be a list"),
        ("[new, build]", "new", "roles must be a list"),
        ("our own network, read by Ada", "' '", "the reason is missing"),
        ("2027-06-30", "soon", "expires must be a day"),
        ("fleet.models", "fleet models", "module must be a name"),
        ("Net", "Net()", "name must be a name"),
        ("allow:", "allowed:", "expected one key, 'allow'"),
        ("allow:\n", ENTRY, "is there twice"),
    ],
)
def test_an_entry_that_is_not_as_it_must_be_stops_the_scan(home: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        scanned(home, OBJECT, ENTRY.replace(old, new, 1))
    assert FILE_NAME in str(raised.value.where)


def test_without_the_file_nothing_is_added(home: Path) -> None:
    assert read_allowed(home) == ()
