"""The scorecard of model files: what the libraries write here is clean, and what it counts is what it says."""

import ast
import os
import sys
from pathlib import Path

import pytest
from bench.machinery.others import other_scanners
from bench.machinery.others.other_scanners import others, program
from bench.scorecards import artifacts
from bench.worlds.model_files import estimators, forms, values
from bench.worlds.model_files.forms import BenignFile
from bench.worlds.model_files.harmful import written

from caponier.detect.artifact import Verdict
from caponier.errors import InputError
from detect.model_files.files.building import judged


def not_clean(files: list[BenignFile]) -> list[str]:
    judged_files = ((file, judged(file.content)) for file in files)
    return [f"{file.name} {file.form}: {one.reason}" for file, one in judged_files if one.verdict is not Verdict.CLEAN]


def test_values_of_python_numpy_and_scipy_are_clean_in_every_form() -> None:
    examples = [*values.of_python(), *values.of_numpy(), *values.of_scipy(), *values.of_pandas()]
    files = [file for turn, example in enumerate(examples) for file in forms._of_estimator(example, turn)]
    files += [file for example in examples for file in forms._as_numpy(example)]
    assert len(files) > 250
    assert not_clean(files) == []


def test_pipelines_over_texts_and_tables_are_clean_in_every_form() -> None:
    pytest.importorskip("sklearn")
    files = [
        file
        for turn, (name, value) in enumerate(estimators._pipelines())
        for file in forms._of_estimator(("scikit-learn", name, value), turn)
    ]
    assert {file.form.split()[0] for file in files} >= {"pickle", "joblib"}
    assert not_clean(files) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_networks_and_checkpoints_are_clean_in_every_form() -> None:
    pytest.importorskip("torch")
    files = [file for example in values.of_torch() for file in forms._of_torch(example)]
    assert {file.form for file in files} == {"torch", "torch, old form", "pickle 4", "safetensors"}
    assert not_clean(files) == []


@pytest.mark.slow
def test_most_estimators_of_scikit_learn_can_be_fitted() -> None:
    found = {name for _, name, _ in estimators.of_scikit_learn()}
    assert len(found) > 180
    assert {"RandomForestClassifier", "TfidfVectorizer", "KMeans", "SVC", "ColumnTransformer", "GridSearchCV"} <= found


@pytest.mark.slow
def test_harmful_files_have_fired_before_anybody_scans_them(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    files, silent = written(tmp_path)
    assert len(files) > 100
    assert silent < len(files) / 10
    assert all(file.path.exists() for file in files)


def test_a_library_has_a_row_with_its_verdicts() -> None:
    files = [BenignFile("a", "x", "pickle 2", b""), BenignFile("b", "y", "npy", b""), BenignFile("a", "z", "npy", b"")]
    rows = artifacts.by_library(files, [Verdict.CLEAN, Verdict.UNSAFE, Verdict.UNKNOWN])
    assert rows == [
        {"library": "a", "files": 2, "clean": 1, "unsafe": 0, "unknown": 1},
        {"library": "b", "files": 1, "clean": 0, "unsafe": 1, "unknown": 0},
    ]


@pytest.mark.parametrize("name", other_scanners._SCANNERS)
def test_what_another_scanner_is_asked_is_python(name: str) -> None:
    ast.parse(program(name))


def test_other_scanners_are_asked_only_where_somebody_says_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAPONIER_SCANNERS", raising=False)
    assert others([]) == []
    monkeypatch.setenv("CAPONIER_SCANNERS", str(tmp_path))
    assert others([]) == []
    (tmp_path / "picklescan" / "bin").mkdir(parents=True)
    os.symlink(sys.executable, tmp_path / "picklescan" / "bin" / "python")
    with pytest.raises(InputError, match="picklescan does not work"):
        others([])


def test_figures_of_another_scanner_leave_out_what_it_could_not_read() -> None:
    told = other_scanners.Judged("x", "1", [True, None, False, True], [0.1, 0.2, 0.3, 0.4])
    assert artifacts._figures(told, 2) == {
        "x_1_found_share": 0.5,
        "x_1_false_alarms": 1,
        "x_1_not_read": 1,
        "x_1_milliseconds_median": 250.0,
    }
