import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caponier.app.matrix.library import FOLDER
from caponier.app.matrix.lint import Versions, lint_files
from caponier.app.matrix.migrate import carry_out, migrate_file, plan
from caponier.errors import InputError
from caponier.matrix.documents.words import short
from caponier.matrix.layer import Layer
from caponier.matrix.versions.catalogue import Matrix, load
from caponier.matrix.versions.library import Library
from caponier.matrix.versions.loaders import load_file
from caponier.matrix.versions.release import Release
from matrix.conftest import SHARED
from matrix.documents.old_atlas import old_atlas
from matrix.layer_schema import complaints

OLD, NEW, FOUNDING = old_atlas(), load("atlas-5.6"), load("amltm-2020")
COUNT = 200


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / FOLDER)
    library.add(Release(OLD, "caponier", ""))
    return library


def annotated(matrix: Matrix, said: str) -> list[dict[str, Any]]:
    """Make layers of three people with 200 annotations, each with a score, a comment and more of its own."""
    names = {tactic.id: short(tactic.name) for tactic in matrix.tactics}
    pairs = [(t.id, names[tactic]) for t in matrix.techniques for tactic in t.tactics]
    layers = []
    for place, who in enumerate(("red", "blue", "audit")):
        numbers = range(place * len(pairs), min(COUNT, (place + 1) * len(pairs)))
        entries = [_entry(number, *pairs[number % len(pairs)]) for number in numbers]
        metadata = [{"name": "atlas_data_version", "value": said}]
        versions = {"layer": "4.3", "navigator": "4.6.4"}
        layers.append(
            {"name": who, "versions": versions, "domain": "atlas-atlas", "metadata": metadata, "techniques": entries}
        )
    assert sum(len(layer["techniques"]) for layer in layers) == COUNT
    return layers


def _entry(number: int, id_: str, tactic: str) -> dict[str, Any]:
    return {
        "techniqueID": id_,
        "tactic": tactic,
        "score": number,
        "comment": f"note {number} “ü”",
        "metadata": [{"name": "ticket", "value": f"T-{number}"}],
        "links": [{"label": "wiki", "url": f"https://example.org/{number}"}],
        "color": f"#ff{number:04x}",
        "enabled": number % 7 != 0,
    }


def entries(layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for layer in layers for entry in layer["techniques"]]


def own(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("techniqueID", "tactic")}


def released(name: str) -> Matrix:
    path = SHARED / "data" / "atlas" / f"ATLAS-v{name}.yaml"
    if not path.is_file():
        pytest.skip(f"nothing to compare with beside the repository: {path.name}")
    return load_file(path).matrix


@pytest.mark.parametrize("real", [False, True], ids=["made", "real"])
def test_of_200_annotations_none_is_lost(real: bool, tmp_path: Path):
    before = released("4.4.0") if real else OLD
    path, out = tmp_path / "l.json", tmp_path / "new.json"
    layers = annotated(before, "4.4.0")
    path.write_text(json.dumps(layers, indent=2, ensure_ascii=False), encoding="utf-8")
    written = path.read_bytes()
    report = migrate_file(path, before, NEW, out)
    after = json.loads(out.read_bytes())
    assert path.read_bytes() == written
    assert len(report.annotations) == len(entries(after)) == COUNT
    assert sum(report.counts.values()) == COUNT
    assert [own(entry) for entry in entries(after)] == [own(entry) for entry in entries(layers)]
    assert [entry["techniqueID"] for entry in entries(after)] == [row.to for row in report.annotations]
    moved = {row.id: row.to for row in report.annotations if row.id != row.to}
    assert moved == {"AML.T0045": "AML.T0048.004"}
    assert all(entry["techniqueID"] in NEW for entry in entries(after))
    assert [layer.metadata["atlas_data_version"] for layer in Layer.read(out.read_bytes())] == ["5.6.0"] * 3
    assert [complaints(layer) for layer in after] == [[], [], []]
    assert all(row.why for row in report.needs_human)
    assert lint_files([out], Versions(Library())).flaws == 0


def test_the_real_layer_needs_a_person_only_where_a_meaning_changed(tmp_path: Path):
    path = tmp_path / "l.json"
    path.write_text(json.dumps(annotated(released("4.4.0"), "4.4.0")))
    report = migrate_file(path, released("4.4.0"), NEW, None)
    assert {row.id for row in report.needs_human} == {"AML.T0010.000", "AML.T0017", "AML.T0018", "AML.T0018.001"}


def test_to_the_same_version_only_the_layer_format_changes(tmp_path: Path):
    path, out = tmp_path / "l.json", tmp_path / "new.json"
    layers = annotated(NEW, "5.6.0")
    path.write_text(json.dumps(layers, indent=1))
    report = migrate_file(path, NEW, NEW, out)
    expected = [{**layer, "versions": {"layer": "4.5", "navigator": "5.1.0"}} for layer in layers]
    assert json.loads(out.read_bytes()) == expected
    assert report.counts == {"same": COUNT}
    assert report.needs_human == ()


FILES = {
    "l.json": '{"domain": "atlas-atlas", "techniques": [{"techniqueID": "AML.T0045", "tactic": "impact"}]}',
    "r.yml": "title: T  # mine\ntags:\n    - atlas.aml.t0045\n    - atlas.impact\ndetection: {}\n",
    "a.csv": "\ufeffid;note\r\nAML.T0045;mine\r\n",
    "n.md": "<!-- mine -->\nAML.T0045 ML Intellectual Property Theft\n",
    "f.json": (
        '{"schema": "caponier.findings/1", "mine": 1, "findings": '
        '[{"techniques": [{"matrix": "atlas", "id": "AML.T0045"}]}]}'
    ),
    "b.json": (
        '{"type": "bundle", "mine": 1, "objects": '
        '[{"type": "attack-pattern", "external_references": [{"external_id": "AML.T0045"}]}]}'
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_is_carried_over(name: str, tmp_path: Path):
    path, out = tmp_path / name, tmp_path / f"new-{name}"
    path.write_bytes(FILES[name].encode())
    report = migrate_file(path, OLD, NEW, out)
    text = out.read_bytes().decode()
    assert "0048.004" in text
    assert "0045" not in text
    assert ("mine" in text) is ("mine" in FILES[name])
    assert [row.to for row in report.annotations][:1] == ["AML.T0048.004"]
    assert report.needs_human == ()
    assert (report.path, report.out, report.before, report.after) == (path, out, "atlas-4.4.0", "atlas-5.6")


def test_a_tactic_is_rewritten_only_if_there_is_no_doubt(tmp_path: Path):
    technique = NEW.technique("AML.T0029")
    moved = replace(NEW, version="atlas-9.0", techniques=_with(replace(technique, tactics=("AML.TA0010",))))
    doubled = replace(
        NEW, version="atlas-9.0", techniques=_with(replace(technique, tactics=("AML.TA0010", "AML.TA0009")))
    )
    path, out = tmp_path / "l.json", tmp_path / "new.json"
    path.write_text('{"domain": "atlas-atlas", "techniques": [{"techniqueID": "AML.T0029", "tactic": "impact"}]}')
    assert migrate_file(path, NEW, moved, out).annotations[0].to == "AML.T0029"
    assert json.loads(out.read_bytes())["techniques"][0]["tactic"] == "exfiltration"
    report = migrate_file(path, NEW, doubled, out)
    assert json.loads(out.read_bytes())["techniques"][0]["tactic"] == "impact"
    assert report.needs_human[0].why.endswith("AML.T0029 is now of exfiltration, collection")


def _with(technique: Any) -> tuple[Any, ...]:
    return tuple(technique if other.id == technique.id else other for other in NEW.techniques)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "id,score\nAML.T0045,1\nAML.T0012,2\nAML.T0048.004,3\n"),
        ("r.yml", "title: T\ntags:\n- atlas.aml.t0045\n- atlas.aml.t0012\n- atlas.aml.t0048.004\ndetection: {}\n"),
    ],
)
def test_rows_and_tags_that_are_one_id_now_are_kept_and_listed(name: str, text: str, tmp_path: Path):
    path, out = tmp_path / name, tmp_path / f"new-{name}"
    path.write_text(text)
    report = migrate_file(path, OLD, NEW, out)
    assert out.read_text().lower().count("t0048.004") == 2
    assert len(out.read_text().splitlines()) == len(text.splitlines())
    assert [(row.id, row.outcome) for row in report.needs_human] == [
        ("AML.T0045", "merged"),
        ("AML.T0048.004", "merged"),
    ]
    assert all("are all AML.T0048.004 now" in row.why for row in report.needs_human)


def test_what_is_malformed_stays_and_is_listed(tmp_path: Path):
    path, out = tmp_path / "a.csv", tmp_path / "new.csv"
    path.write_text("id\nAML.T43\nAML.T0012\n")
    report = migrate_file(path, OLD, NEW, out)
    assert out.read_text() == path.read_text()
    assert [(row.id, row.outcome) for row in report.needs_human] == [("AML.T43", "malformed")]


def test_without_a_new_file_nothing_is_written(tmp_path: Path):
    path = tmp_path / "n.md"
    path.write_text("AML.T0045\n")
    assert migrate_file(path, OLD, NEW, None).out is None
    assert os.listdir(tmp_path) == ["n.md"]


def test_a_document_never_replaces_itself(tmp_path: Path):
    path = tmp_path / "n.md"
    path.write_text("AML.T0045\n")
    (tmp_path / "link.md").hardlink_to(path)
    for out in (path, tmp_path / "link.md"):
        with pytest.raises(InputError, match="the document itself"):
            migrate_file(path, OLD, NEW, out)
    assert path.read_text() == "AML.T0045\n"


def test_what_is_no_document_is_refused(tmp_path: Path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(InputError, match="none of the formats"):
        migrate_file(tmp_path / "x.json", OLD, NEW, None)
    with pytest.raises(InputError, match="cannot be read"):
        migrate_file(tmp_path / "gone.json", OLD, NEW, None)


def test_a_plan_goes_by_what_each_document_says(library: Library, tmp_path: Path):
    layer = tmp_path / "l.json"
    layer.write_text(json.dumps(annotated(OLD, "4.4.0")))
    (tmp_path / "n.md").write_text("AML.T0045\n")
    (tmp_path / "old.md").write_text("AMLTM.IMPACT.02\n")
    tasks, skipped = plan([layer, tmp_path / "n.md", tmp_path / "old.md"], Versions(library), NEW, None, None)
    assert [(task.path.name, task.rewriter.before.version, task.out.name) for task in tasks] == [
        ("l.json", "atlas-4.4.0", "l.atlas-5.6.json"),
        ("old.md", "amltm-2020", "old.atlas-5.6.md"),
    ]
    assert "which version it is about" in skipped[0].reason
    assert "--from" in skipped[0].reason
    pinned, _ = plan([tmp_path / "n.md"], Versions(library, pinned="atlas-4.4.0"), NEW, None, None)
    assert pinned[0].rewriter.before.version == "atlas-4.4.0"


def test_a_version_that_is_not_at_hand_is_asked_for(tmp_path: Path):
    path = tmp_path / "l.json"
    path.write_text(json.dumps(annotated(OLD, "4.4.0")))
    tasks, skipped = plan([path], Versions(Library()), NEW, None, None)
    assert tasks == []
    assert "atlas 4.4.0, which is not at hand" in skipped[0].reason


def test_a_folder_becomes_a_folder_of_the_same_shape(library: Library, tmp_path: Path):
    folder, out = tmp_path / "rules", tmp_path / "new"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "r.yml").write_text(FILES["r.yml"])
    (folder / "a.csv").write_text("id\nAML.T0045\n")
    (folder / "other.md").write_text("nothing here\n")
    tasks, skipped = plan([folder], Versions(library), NEW, "atlas-4.4.0", out)
    assert [skip.what for skip in skipped] == [str(folder / "other.md")]
    assert [report.out for report in carry_out(tasks, dry_run=True)] == [None, None]
    assert not out.exists()
    carry_out(tasks)
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == ["a.csv", "deep/r.yml"]
    assert "0048.004" in (out / "deep" / "r.yml").read_text()


def test_two_documents_never_become_one_file(library: Library, tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "n.md").write_text("AML.T0045\n")
    (tmp_path / "out").mkdir()
    paths = [tmp_path / "one" / "n.md", tmp_path / "two" / "n.md"]
    with pytest.raises(InputError, match="would become this file"):
        plan(paths, Versions(library), NEW, "atlas-4.4.0", tmp_path / "out")
    with pytest.raises(InputError, match="the document itself"):
        plan(paths[:1], Versions(library), NEW, "atlas-4.4.0", paths[0])


def test_a_folder_that_cannot_be_made(library: Library, tmp_path: Path):
    (tmp_path / "n.md").write_text("AML.T0045\n")
    (tmp_path / "file").write_text("")
    tasks, _ = plan([tmp_path / "n.md"], Versions(library), NEW, "atlas-4.4.0", tmp_path / "file" / "new.md")
    with pytest.raises(InputError, match="folder cannot be made"):
        carry_out(tasks)


def test_a_finding_of_2020_goes_to_atlas_whole(tmp_path: Path):
    path, out = tmp_path / "f.json", tmp_path / "new.json"
    entry = {"matrix": "amltm-2020", "id": "AMLTM.IMPACT.02", "name": "Denial of Service", "color": "orange"}
    path.write_text(
        json.dumps({"schema": "caponier.findings/1", "matrix": "amltm-2020", "findings": [{"techniques": [entry]}]})
    )
    migrate_file(path, FOUNDING, NEW, out)
    (finding,) = json.loads(out.read_bytes())["findings"]
    assert finding["techniques"] == [{"matrix": "atlas", "id": "AML.T0029", "name": "Denial of AI Service"}]
