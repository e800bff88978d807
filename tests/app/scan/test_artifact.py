import hashlib
import pickle
from datetime import date
from pathlib import Path

import pytest

from caponier.app.inference.plan import Skip
from caponier.app.scan import artifact as module
from caponier.app.scan.artifact import scan_artifact
from caponier.app.scan.file_content import Content
from caponier.app.scan.ignored_files import Ignored
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.artifact import Verdict
from caponier.detect.registry import artifact_detectors
from caponier.errors import InputError
from caponier.plugins import Discovery, Unavailable
from caponier.records.finding import Severity

HARMFUL = b"cos\nsystem\n(S'id'\ntR."
DIGEST = hashlib.sha256(HARMFUL).hexdigest()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "bad.pkl").write_bytes(HARMFUL)
    (folder / "good.pkl").write_bytes(pickle.dumps([1.0]))
    (folder / "odd.bin").write_bytes(b"\x00\x01")
    return folder


def test_every_file_has_a_verdict_and_only_the_unsafe_a_finding(models: Path) -> None:
    report = scan_artifact([models])
    assert [file.verdict for file in report.scanned] == [Verdict.UNSAFE, Verdict.CLEAN, Verdict.UNKNOWN]
    assert report.scanned[0].sha256 == DIGEST
    assert [skip.what for skip in report.skipped] == [str(models / "odd.bin")]
    (finding,) = report.findings
    assert finding.subject.kind == "file"
    assert (finding.subject.path, finding.subject.sha256) == (str(models / "bad.pkl"), DIGEST)
    assert finding.techniques[0].id == "AML.T0018.002"
    assert {"AMLTM.EXEC.01.02", "AMLTM.PERSIST.01.02"} <= {technique.id for technique in finding.techniques}
    assert finding.harms == ("confidentiality", "integrity", "availability")
    assert finding.evidence.basis is None
    assert "os.system" in finding.summary


def test_the_same_content_is_the_same_finding_wherever_it_lies(models: Path) -> None:
    (models / "copy.pkl").write_bytes(HARMFUL)
    found = scan_artifact([models]).findings
    assert len(found) == 2
    assert len({finding.finding_id for finding in found}) == 1


def test_severity_grows_with_the_system_and_the_certainty(models: Path) -> None:
    create_workspace(models.parent)
    with (models.parent / "caponier.toml").open("a") as file:
        file.write('[[system]]\nname = "bank"\ncriticality = "critical"\n')
    home = require_workspace(models.parent)
    assert scan_artifact([models]).findings[0].severity is Severity.HIGH
    finding = scan_artifact([models], workspace=home, system="bank").findings[0]
    assert (finding.severity, finding.system) == (Severity.CRITICAL, "bank")
    (models / "bad.pkl").write_bytes(b"cmy.own\nrun\n)R.")
    assert scan_artifact([models]).findings[0].severity is Severity.MEDIUM
    with pytest.raises(InputError, match="no system 'banc'"):
        scan_artifact([models], workspace=home, system="banc")


def test_what_is_ignored_is_still_shown_until_it_expires(models: Path) -> None:
    ignored = {DIGEST: Ignored(DIGEST, "reviewed by Ada", date(2026, 6, 30))}
    report = scan_artifact([models], ignored=ignored, today=date(2026, 6, 30))
    assert report.findings == []
    assert (report.scanned[0].verdict, report.scanned[0].ignored) == (Verdict.UNSAFE, "reviewed by Ada")
    assert report.notes == []
    later = scan_artifact([models], ignored=ignored, today=date(2026, 7, 1))
    assert len(later.findings) == 1
    assert "was to be ignored until 2026-06-30" in later.notes[0]


def test_an_unknown_file_may_be_accepted_as_well(models: Path) -> None:
    digest = hashlib.sha256(b"\x00\x01").hexdigest()
    report = scan_artifact([models], ignored={digest: Ignored(digest, "ours", date.max)})
    assert report.skipped == []


def test_a_file_that_cannot_be_read_is_unknown(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path, __: int, ___: int | None) -> Content:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "read_content", refuse)
    report = scan_artifact([models])
    assert {file.verdict for file in report.scanned} == {Verdict.UNKNOWN}
    assert report.scanned[0].reason == "cannot be read: Permission denied"
    assert report.scanned[0].sha256 is None


def test_without_a_detector_nothing_is_clean(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(artifact_detectors), "_found", Discovery({}, {}))
    assert {file.verdict for file in scan_artifact([models]).scanned} == {Verdict.UNKNOWN}


def test_a_detector_that_lacks_an_extra_is_listed_and_the_others_look(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scan_artifact([models])
    deep = Unavailable("artifact detector", "deep", "deep 1.0", "it needs the Python package 'torch'", "Install it.")
    monkeypatch.setitem(vars(artifact_detectors), "_found", Discovery(artifact_detectors(), {"deep": deep}))
    report = scan_artifact([models])
    assert [file.verdict for file in report.scanned] == [file.verdict for file in whole.scanned]
    assert report.skipped == [Skip("deep", "it needs the Python package 'torch'. Install it."), *whole.skipped]


def test_progress_counts_files(models: Path) -> None:
    class Steps:
        done = 0
        total: int | None = None

        def stage(self, name: str, total: int | None = None) -> None:
            self.total = total

        def advance(self, steps: int) -> None:
            self.done += steps

    steps = Steps()
    scan_artifact([models], progress=steps)
    assert (steps.done, steps.total) == (3, 3)
