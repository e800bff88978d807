"""The model folder of a demo: two registered versions, harmless files, and one that nobody loads."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from caponier.app.scan.artifact import scan_artifact
from caponier.demo.batch import poisoned_batch
from caponier.demo.models import BAD, GOOD, HARMLESS, UNSAFE, file_of, fill
from caponier.emulate.victims.digits import load_digits_split
from caponier.remediate.model_registry import VersionStatus, parse_registry
from caponier.remediate.reference_model import load_reference_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("models")
    fill(where, "digits", poisoned_batch(load_digits_split(0), 0), 0, where.parent / "canary")
    return where


def test_every_file_is_there_and_nothing_else(folder: Path) -> None:
    versions = (file_of("digits", version) for version in (GOOD, BAD))
    assert {path.name for path in folder.iterdir()} == {"registry.json", UNSAFE, *HARMLESS, *versions}


def test_the_registry_knows_the_digests_and_serves_the_bad_version(folder: Path) -> None:
    model = parse_registry((folder / "registry.json").read_bytes(), "here").model("digits")
    assert [(one.version, one.status) for one in model.versions] == [
        (GOOD, VersionStatus.RETIRED),
        (BAD, VersionStatus.ACTIVE),
    ]
    for one in model.versions:
        assert hashlib.sha256((folder / one.path).read_bytes()).hexdigest() == one.sha256


def test_the_bad_version_really_is_worse(folder: Path) -> None:
    test = load_digits_split(0).test
    labels = [str(label) for label in test.labels]
    good, bad = (
        load_reference_model((folder / file_of("digits", version)).read_bytes(), "here").accuracy(
            test.images.astype(np.float64), labels
        )
        for version in (GOOD, BAD)
    )
    assert good - bad > 0.03


def test_only_the_attackers_file_is_unsafe_and_judging_loads_nothing(folder: Path) -> None:
    verdicts = {Path(file.path).name: file.verdict.value for file in scan_artifact([folder]).scanned}
    assert verdicts.pop(UNSAFE) == "unsafe"
    assert set(verdicts.values()) == {"clean"}
    assert not (folder.parent / "canary").exists()
