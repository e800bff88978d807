import json
from dataclasses import replace
from pathlib import Path

import pytest

import caponier.detect
from caponier.app.coverage.cover import cover
from caponier.app.matrix.library import FOLDER
from caponier.app.matrix.lint import LintReport, Versions, lint_files, numbers_of
from caponier.coverage.navigator import layer as coverage_layer
from caponier.errors import InputError
from caponier.matrix.documents.lint import Code
from caponier.matrix.layer import to_text
from caponier.matrix.versions.catalogue import load
from caponier.matrix.versions.library import Library
from caponier.matrix.versions.loaders import load_file
from caponier.matrix.versions.release import Release
from caponier.matrix.writers.csv_file import to_csv
from caponier.matrix.writers.markdown_file import to_markdown
from caponier.matrix.writers.navigator import layers
from matrix.conftest import SHARED
from matrix.documents.old_atlas import old_atlas

ROOT = Path(__file__).resolve().parents[3]
RULES = Path(caponier.detect.__file__).parent / "rules"


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / FOLDER)
    library.add(Release(old_atlas(), "caponier", ""))
    return library


def lint(library: Library, *paths: Path, **keys: object) -> LintReport:
    return lint_files(paths, Versions(library, **keys))  # type: ignore[arg-type]


def told(report: LintReport) -> list[str]:
    return [f"{found.line}:{found.column} {found.flaw.code.value}" for file in report.files for found in file.flaws]


def layer(path: Path, id_: str, version: str | None = None) -> Path:
    metadata = f'"metadata": [{{"name": "atlas_data_version", "value": "{version}"}}], ' if version else ""
    path.write_text(
        f'{{"name": "n", "domain": "atlas-atlas", {metadata}"techniques": [\n {{"techniqueID": "{id_}"}}]}}'
    )
    return path


def test_our_own_rules_and_pages_are_right():
    report = lint(Library(), RULES, ROOT / "docs", ROOT / "README.md")
    assert told(report) == []
    assert report.skipped == ()
    assert len(report.files) > 30
    assert sum(file.ids for file in report.files) > 100


@pytest.mark.parametrize("name", ["3.0.0", "4.4.0", "4.9.1", "5.6.1"])
def test_what_is_written_from_each_real_release_is_right(name: str, tmp_path: Path):
    path = SHARED / "data" / "atlas" / f"ATLAS-v{name}.yaml"
    if not path.is_file():
        pytest.skip(f"nothing to compare with beside the repository: {path.name}")
    release = load_file(path)
    library = Library(tmp_path / FOLDER)
    library.add(release)
    sheet = tmp_path / "all.csv"
    sheet.write_text(to_csv(release.matrix, release.matrix.techniques), encoding="utf-8")
    report = lint(library, sheet, against=[release.matrix.version])
    assert told(report) == []
    assert report.files[0].ids >= len(release.matrix.techniques)


@pytest.mark.parametrize("name", ["3.0.0", "4.4.0", "4.9.1", "5.6.1"])
def test_layers_and_bundles_of_each_real_release_are_right(name: str, tmp_path: Path):
    path = SHARED / "data" / "atlas" / f"ATLAS-v{name}.yaml"
    if not path.is_file():
        pytest.skip(f"nothing to compare with beside the repository: {path.name}")
    matrix = load_file(path).matrix
    library = Library(tmp_path / FOLDER)
    library.add(load_file(path))
    (tmp_path / "layer.json").write_text(to_text(layers(matrix, matrix.techniques)), encoding="utf-8")
    (tmp_path / "all.md").write_text(to_markdown(matrix, matrix.techniques), encoding="utf-8")
    report = lint(library, tmp_path / "layer.json")
    assert (told(report), report.remarks) == ([], ())
    assert numbers_of(report.versions[0]) == numbers_of(matrix.version)
    assert told(lint(library, tmp_path / "all.md", against=[matrix.version])) == []


def test_the_layer_of_our_coverage_is_right(tmp_path: Path):
    path = tmp_path / "coverage.json"
    path.write_text(json.dumps(coverage_layer(cover(None, []), "0.1.0")))
    assert told(lint(Library(), path)) == []


def test_the_example_layer_is_right():
    path = SHARED / "reference" / "format_examples" / "navigator_layer_4.5.json"
    if not path.is_file():
        pytest.skip(f"nothing to compare with beside the repository: {path.name}")
    assert told(lint(Library(), path)) == []


def test_the_version_that_a_document_names_counts(library: Library, tmp_path: Path):
    path = layer(tmp_path / "l.json", "AML.T0045", "4.4.0")
    report = lint(library, path)
    assert (told(report), report.versions) == ([], ("atlas-4.4.0",))


def test_the_version_asked_for_counts_more(library: Library, tmp_path: Path):
    report = lint(library, layer(tmp_path / "l.json", "AML.T0045", "4.4.0"), against=["atlas-5.6"])
    assert (told(report), report.versions) == (["2:18 M102"], ("atlas-5.6",))


def test_the_pinned_version_counts_where_a_document_names_none(library: Library, tmp_path: Path):
    path = layer(tmp_path / "l.json", "AML.T0045")
    assert told(lint(library, path, pinned="atlas-4.4.0")) == []
    assert told(lint(library, path, pinned="amltm-2020")) == ["2:18 M102"]


def test_a_version_that_is_not_at_hand_is_told(tmp_path: Path):
    report = lint(Library(), layer(tmp_path / "l.json", "AML.T0012", "4.9.1"))
    assert report.remarks == ("atlas 4.9.1 is not at hand: what names it is held against atlas-5.6",)


def test_an_attack_layer_is_held_against_what_ships(tmp_path: Path):
    path = tmp_path / "l.json"
    path.write_text(
        '{"domain": "enterprise-attack", "versions": {"attack": "17"}, "techniques": [{"techniqueID": "T1078"}]}'
    )
    assert told(lint(Library(), path)) == []


def test_one_version_a_matrix_can_be_asked_for(library: Library):
    Versions(library, ["atlas-4.4.0", "amltm-2020"])
    with pytest.raises(InputError, match="are of one matrix"):
        Versions(library, ["atlas-4.4.0", "atlas-5.6"])
    with pytest.raises(InputError, match="no matrix version"):
        Versions(library, ["atlas-9"])


def test_codes_that_are_not_wanted_are_left_out(library: Library, tmp_path: Path):
    path = layer(tmp_path / "l.json", "AML.T0999")
    assert lint_files([path], Versions(library), [Code.UNKNOWN_ID]).flaws == 0
    assert lint_files([path], Versions(library), [Code.RETIRED_ID]).flaws == 1


def test_of_a_folder_only_documents_are_read(library: Library, tmp_path: Path):
    folder = tmp_path / "all"
    (folder / ".git").mkdir(parents=True)
    layer(folder / ".git" / "l.json", "AML.T0999")
    layer(folder / "l.json", "AML.T0012")
    (folder / "x.py").write_text("AML.T0999")
    (folder / "package.json").write_text("{}")
    (folder / "broken.json").write_text("{")
    report = lint(library, folder)
    assert [Path(file.path).name for file in report.files] == ["l.json"]
    assert [Path(skip.what).name for skip in report.skipped] == ["broken.json"]
    assert "not JSON" in report.skipped[0].reason


def test_a_named_file_that_is_none_of_the_formats_is_told(library: Library, tmp_path: Path):
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    report = lint(library, tmp_path / "package.json", tmp_path / "a.csv")
    assert ["none of the formats" in skip.reason for skip in report.skipped] == [True, True]


def test_a_file_that_is_too_large_is_never_opened(library: Library, tmp_path: Path):
    path = tmp_path / "big.md"
    with path.open("wb") as file:
        file.truncate(33 * 1024 * 1024)
    assert "larger than 32 MiB" in lint(library, path).skipped[0].reason


def test_a_link_that_leads_nowhere_is_told(library: Library, tmp_path: Path):
    (tmp_path / "l.json").symlink_to(tmp_path / "gone.json")
    assert "leads nowhere" in lint(library, tmp_path / "l.json").skipped[0].reason


def test_a_path_that_is_not_there(library: Library, tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        lint(library, tmp_path / "gone")


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ("atlas-5.6", (5, 6)),
        ("5.6.0", (5, 6)),
        ("attack-enterprise-17.0", (17,)),
        ("17", (17,)),
        ("2026.09", (2026, 9)),
        ("x", ()),
        ("0.0", (0,)),
    ],
)
def test_numbers_of_a_version(version: str, numbers: tuple[int, ...]):
    assert numbers_of(version) == numbers


def test_an_imported_version_with_a_name_of_its_own_is_of_its_kind(tmp_path: Path):
    library = Library(tmp_path / FOLDER)
    library.add(Release(replace(old_atlas(), version="ours-9"), "caponier", ""))
    assert Versions(library).of_kind("atlas") == ("atlas-5.6", "ours-9")
    assert Versions(library).named("atlas", "5.6.0") == "atlas-5.6"
    assert Versions(library).book("amltm-2020", None) is not None
    assert load("atlas-5.6").kind == "atlas"


def test_a_version_that_grew_out_of_another_is_newer(library: Library, tmp_path: Path):
    founding = load("amltm-2020")
    added = replace(founding.technique("AMLTM.EVADE.02"), id="AMLTM.EVADE.04", name="Sensor Spoofing")
    for name in ("amltm-2020+2", "amltm-2020+10"):
        grown = replace(founding, version=name, techniques=(*founding.techniques, added))
        library.add(Release(grown, "caponier", ""))
    assert Versions(library).of_kind("amltm-2020") == ("amltm-2020", "amltm-2020+2", "amltm-2020+10")
    page = tmp_path / "own.csv"
    page.write_text(to_csv(grown, grown.techniques))
    assert not told(lint(library, page))
