import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from caponier.app.scan.artifact import ArtifactReport, scan_artifact
from caponier.app.scan.ignored_files import Ignored
from caponier.cli.scan.sarif import to_sarif

HARMFUL = b"cos\nsystem\n(S'id'\ntR."


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ArtifactReport:
    monkeypatch.chdir(tmp_path)
    Path("a file.pkl").write_bytes(HARMFUL)
    Path("odd.bin").write_bytes(b"\x00")
    Path("fine.txt").write_bytes(b"fine\n")
    return scan_artifact([Path("."), tmp_path / "odd.bin"])


def run_of(report: ArtifactReport) -> dict[str, Any]:
    (run,) = json.loads(to_sarif(report))["runs"]
    return dict(run)


def test_findings_fail_and_unknown_files_stay_open(report: ArtifactReport) -> None:
    results = run_of(report)["results"]
    assert [(result["ruleId"], result["kind"], result["level"]) for result in results] == [
        ("unsafe_code", "fail", "error"),
        ("unjudged_file", "open", "none"),
        ("unjudged_file", "open", "none"),
    ]
    assert "os.system" in results[0]["message"]["text"]
    assert "AML.T0018.002 Embed Malware" in results[0]["properties"]["techniques"]


def test_every_file_is_an_artifact_and_places_point_at_it(report: ArtifactReport) -> None:
    run = run_of(report)
    uris = [artifact["location"]["uri"] for artifact in run["artifacts"]]
    assert uris[:3] == ["a%20file.pkl", "fine.txt", "odd.bin"]
    assert uris[3].startswith("file:///")
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert uris[place["index"]] == place["uri"]
    assert {result["ruleId"] for result in run["results"]} <= {rule["id"] for rule in run["tool"]["driver"]["rules"]}


def test_ignored_files_are_suppressed_and_not_gone(report: ArtifactReport) -> None:
    digest = report.findings[0].subject.sha256 or ""
    accepted = scan_artifact([Path("a file.pkl")], ignored={digest: Ignored(digest, "ours", date.max)})
    (result,) = run_of(accepted)["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "ours"}]


def schemas() -> Iterator[Path]:
    named = os.environ.get("CAPONIER_SCHEMAS")
    for folder in [Path(named)] if named else []:
        yield folder / "sarif-schema-2.1.0.json"
    for above in Path(__file__).resolve().parents:
        yield above / "shared" / "reference" / "schemas" / "sarif-schema-2.1.0.json"


def test_the_document_follows_the_schema(report: ArtifactReport) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = next((path for path in schemas() if path.is_file()), None)
    if schema is None:
        pytest.skip("the schema of SARIF 2.1.0 is not here; name its folder in CAPONIER_SCHEMAS")
    validator = jsonschema.Draft7Validator(json.loads(schema.read_text()))
    digest = report.findings[0].subject.sha256 or ""
    ignored = scan_artifact([Path(".")], ignored={digest: Ignored(digest, "ours", date.max)})
    for each in (report, ignored, ArtifactReport()):
        assert list(validator.iter_errors(json.loads(to_sarif(each)))) == []
