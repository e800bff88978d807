"""A digest that was given, or one beside the file as sha256sum writes it, vouches for a file; nothing else does."""

import hashlib
from pathlib import Path

import pytest

from caponier.errors import InputError
from caponier.matrix.versions.loaders import check_digest, read_source

DATA = b"version: 4.4.0\n"
HEX = hashlib.sha256(DATA).hexdigest()
OTHER = "0" * 64


@pytest.fixture
def file(written) -> Path:
    return written(DATA, "ATLAS.yaml")


def checked(file: Path, given: str | None = None) -> str | None:
    return check_digest(file, read_source(file), given)


def beside(file: Path, text: str) -> None:
    file.with_name("ATLAS.yaml.sha256").write_text(text)


def test_nothing_vouches_for_a_file_alone(file: Path):
    assert checked(file) is None


@pytest.mark.parametrize("given", [HEX, HEX.upper(), f" {HEX}\n"])
def test_a_given_digest_vouches(file: Path, given: str):
    assert checked(file, given) == "the digest that was given"


@pytest.mark.parametrize(
    "text",
    [
        f"{HEX}  ATLAS.yaml\n",
        f"{HEX} *ATLAS.yaml\n",
        f"{HEX}  dist/ATLAS.yaml\n",
        f"{HEX.upper()}  ATLAS.yaml\r\n",
        f"{HEX}\n",
        f"{OTHER}  ATLAS-latest.yaml\n{HEX}  ATLAS.yaml\n",
    ],
)
def test_a_digest_file_vouches(file: Path, text: str):
    beside(file, text)
    assert checked(file) == "ATLAS.yaml.sha256"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing\n",
        f"{HEX}  OTHER.yaml\n",
        f"{HEX}\n{OTHER}\n",
        f"{HEX}  ATLAS.yaml\n{OTHER}  ATLAS.yaml\n",
        f"{HEX[:-1]}  ATLAS.yaml\n",
        f"{HEX}  XATLAS.yaml\n",
    ],
)
def test_a_digest_file_that_says_no_single_digest_is_an_error(file: Path, text: str):
    beside(file, text)
    with pytest.raises(InputError) as wrong:
        checked(file)
    assert (wrong.value.where or "").endswith("ATLAS.yaml.sha256")


def test_another_digest_is_an_error_that_tells_both(file: Path):
    beside(file, f"{OTHER}  ATLAS.yaml\n")
    with pytest.raises(InputError, match=f"is {HEX}, not {OTHER}") as wrong:
        checked(file)
    assert "do not use it" in (wrong.value.hint or "")


def test_a_given_digest_counts_before_the_file(file: Path):
    beside(file, f"{HEX}  ATLAS.yaml\n")
    with pytest.raises(InputError, match="the digest that was given vouches for"):
        checked(file, OTHER)


@pytest.mark.parametrize("given", ["", "abc", "g" * 64, HEX + "0", "md5:" + HEX[:60]])
def test_what_is_no_digest_is_an_error(file: Path, given: str):
    with pytest.raises(InputError, match="no SHA-256") as wrong:
        checked(file, given)
    assert wrong.value.where == "--sha256"
