"""An update checks, keeps, compares, carries over and pins; if anything is wrong, the workspace stays as it was."""

import datetime
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from caponier.app.matrix.update import Update, update_matrix
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.errors import InputError
from caponier.matrix.mapping.diff import compare
from caponier.matrix.versions.loaders import load_file

FILES = Path(__file__).resolve().parents[2] / "matrix" / "versions" / "loaders"
SMALL = {"atlas-4.4.0.yaml": "format-4.yaml", "atlas-5.6.0.yaml": "format-5.yaml"}
"""Small files in the place of the published ones."""
TODAY = datetime.date(2026, 11, 25)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    folder = create_workspace(tmp_path / "home").parent
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def state(home: Path) -> Callable[[], dict[str, bytes]]:
    """Tell everything that stands in the workspace."""

    def read() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}

    return read


def to(name: str, **options: object) -> Update:
    if name in SMALL:
        options.setdefault("version", name.removesuffix(".yaml"))
    return update_matrix(FILES / SMALL.get(name, name), today=TODAY, **options)  # type: ignore[arg-type]


def pinned(home: Path) -> str | None:
    return load_workspace(home).pinned


def layer(home: Path, *ids: str) -> Path:
    path = home / "layer.json"
    document = {
        "name": "ours",
        "versions": {"layer": "4.5", "navigator": "5.0.0"},
        "domain": "atlas-atlas",
        "techniques": [{"techniqueID": id_, "comment": f"about {id_}"} for id_ in ids],
    }
    path.write_text(json.dumps(document))
    return path


def test_the_version_is_kept_compared_and_pinned(home: Path):
    to("atlas-4.4.0.yaml")
    assert pinned(home) == "atlas-4.4.0"
    done = to("atlas-5.6.0.yaml")
    assert pinned(home) == "atlas-5.6.0"
    assert (done.before.version, done.after.version) == ("atlas-4.4.0", "atlas-5.6.0")
    before, after = (load_file(FILES / file, name.removesuffix(".yaml")).matrix for name, file in SMALL.items())
    assert done.difference == compare(before, after)
    assert sum(sum(kinds.values()) for kinds in done.counts.values()) == len(done.difference.changes)


def test_it_tells_how_old_the_pinned_version_was(home: Path):
    to("atlas-4.4.0.yaml")
    age = to("atlas-5.6.0.yaml").age
    assert age.pinned == (TODAY - datetime.date(2023, 4, 12)).days
    assert age.behind == (datetime.date(2026, 4, 30) - datetime.date(2023, 4, 12)).days


def test_a_step_back_is_told_by_a_negative_age(home: Path):
    to("atlas-5.6.0.yaml")
    assert (to("atlas-4.4.0.yaml").age.behind or 0) < 0


def test_a_date_that_nobody_knows_is_none(home: Path):
    silent = home / "ATLAS.yaml"
    silent.write_text((FILES / "format-4.yaml").read_text().replace("version: 4.4.9\n", ""))
    assert update_matrix(silent, version="ours-2", today=TODAY).age.behind is None
    age = to("atlas-5.6.0.yaml").age
    assert (age.pinned, age.behind) == (None, None)


def test_a_digest_beside_the_file_vouches_for_it(home: Path):
    file = home / "ATLAS.yaml"
    shutil.copy(FILES / "format-4.yaml", file)
    assert update_matrix(file, dry_run=True).voucher is None
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    (home / "ATLAS.yaml.sha256").write_text(f"{digest}  ATLAS.yaml\n")
    assert update_matrix(file, dry_run=True).voucher == "ATLAS.yaml.sha256"
    assert update_matrix(file, sha256=digest).voucher == "the digest that was given"


def test_documents_are_carried_over_into_new_files(home: Path):
    to("atlas-4.4.0.yaml")
    path = layer(home, "AML.T0000", "AML.T0045")
    old = path.read_bytes()
    done = to("atlas-5.6.0.yaml", documents=[path])
    (report,) = done.migrated
    assert report.out == home / "layer.atlas-5.6.0.json"
    new = json.loads(report.out.read_text())
    assert [entry["comment"] for entry in new["techniques"]] == ["about AML.T0000", "about AML.T0045"]
    assert path.read_bytes() == old
    assert done.open == bool(report.needs_human)


def test_a_dry_run_changes_nothing(home: Path, state: Callable[[], dict[str, bytes]]):
    to("atlas-4.4.0.yaml")
    path = layer(home, "AML.T0000")
    before = state()
    done = to("atlas-5.6.0.yaml", documents=[path], dry_run=True)
    assert state() == before
    assert done.imported is None
    assert done.migrated[0].out is None
    assert len(done.difference.of()) > 0


def test_a_document_that_cannot_be_read_is_told(home: Path):
    (home / "notes").mkdir()
    (home / "notes" / "note.json").write_text("{}")
    layer(home / "notes", "AML.T0000")
    to("atlas-4.4.0.yaml")
    done = to("atlas-5.6.0.yaml", documents=[home / "notes"])
    assert [report.path.name for report in done.migrated] == ["layer.json"]


def test_the_same_version_again_changes_nothing(home: Path, state: Callable[[], dict[str, bytes]]):
    to("atlas-5.6.0.yaml")
    before = state()
    done = to("atlas-5.6.0.yaml")
    assert state() == before
    assert (done.difference.of(), done.imported.is_new if done.imported else None) == ((), False)


@pytest.mark.parametrize(
    ("name", "options", "what"),
    [
        ("atlas-5.6.0.yaml", {"sha256": "0" * 64}, "not what the digest that was given vouches for"),
        ("atlas-5.6.0.yaml", {"sha256": "short"}, "no SHA-256"),
        ("atlas-5.6.0.yaml", {"version": "atlas-5.6"}, "there already"),
        ("atlas-5.6.0.yaml", {"version": "../up"}, "cannot be called"),
        ("atlas-5.6.0.yaml", {"documents": [Path("nothing.json")]}, "no such file"),
        ("attack-enterprise-17.0.json", {}, "cannot take the place of the pinned atlas-4.4.0"),
        ("none.yaml", {}, "cannot be read"),
    ],
)
def test_what_is_wrong_leaves_the_workspace_as_it_was(
    home: Path, state: Callable[[], dict[str, bytes]], name: str, options: dict[str, object], what: str
):
    to("atlas-4.4.0.yaml")
    before = state()
    with pytest.raises(InputError) as wrong:
        to(name, **options)
    assert what in str(wrong.value)
    assert state() == before


def test_a_workspace_file_that_cannot_be_changed_alone_stops_the_update(home: Path):
    file = home / "caponier.toml"
    file.write_text('[matrix]\npinned = """amltm-2020"""\n')
    with pytest.raises(InputError, match="without changing more"):
        to("atlas-5.6.0.yaml")
    assert not (home / "matrix").exists()


def test_a_folder_that_cannot_be_written_to_stops_the_update(
    home: Path, state: Callable[[], dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
):
    before = state()
    # A test may run as root, who may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != home)
    with pytest.raises(InputError, match="cannot be pinned"):
        to("atlas-4.4.0.yaml")
    assert state() == before


def test_a_pinned_version_that_is_gone_is_an_error(home: Path):
    to("atlas-4.4.0.yaml")
    (home / "matrix" / "atlas-4.4.0.json").unlink()
    with pytest.raises(InputError, match=r"'atlas-4\.4\.0'"):
        to("atlas-5.6.0.yaml")


def test_without_a_workspace_it_says_how_to_make_one(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no caponier\.toml"):
        to("atlas-5.6.0.yaml")
