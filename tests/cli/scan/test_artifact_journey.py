"""A folder of files that somebody else made, scanned from the command line in every format; nothing is ever loaded."""

import csv
import gzip
import hashlib
import io
import json
import os
import pickle
import shlex
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer import Typer
from typer.testing import CliRunner

from caponier.cli.scan.artifact import artifact
from caponier.formats import safe_text
from detect.model_files.files.building import HARMFUL, tar_entry, tarred, zipped

OBJECT = b"ccollections\nOrderedDict\n)R"
LAMBDA = {"a": {"class_name": "Lambda", "config": {}}}


def run(*arguments: str | Path) -> Result:
    app = Typer()
    app.command()(artifact)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def attack(canary: Path) -> bytes:
    """A pickle that leaves a file behind as soon as it is loaded."""
    code = f"open({str(canary)!r}, 'w').close()"
    order = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"
    return b"cos\nsystem\n(V" + order.encode("raw_unicode_escape") + b"\ntR."


def planted(name: str, evil: bytes) -> bytes:
    """The attack in one of its disguises."""
    broken = bytearray(gzip.compress(evil))
    broken[-8] ^= 0xFF
    function = b"}\x8c\x06append" + b"ctorch.storage\n_load_from_bytes\nsb"
    embedded = b"B" + len(evil).to_bytes(4, "little") + evil
    return {
        "attribute.pkl": b"\x80\x04" + OBJECT + function + embedded + b"a.",
        "broken.pkl.gz": bytes(broken),
        "config.json": json.dumps(LAMBDA).encode(),
        "link.tar": tarred(tar_entry("l", tar_entry("m.pkl", evil), tarfile.SYMTYPE)),
        "nested.zip": zipped({"inner.zip": zipped({"m.pkl": evil})}),
        "objects.npy": npy(evil),
        "plain.pkl": evil,
        "polyglot.tar": evil + bytes(512 - len(evil) % 512) + tarred(tar_entry("a", b"x")),
        "recipe.yaml": b"a: !!%70ython/object/apply:os.system ['id']\n",
        "torch.pt": zipped({"m/data.pkl": evil, "m/version": b"3\n"}),
    }[name]


def npy(body: bytes) -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


NAMES = ["attribute.pkl", "broken.pkl.gz", "config.json", "link.tar", "nested.zip", "objects.npy", "plain.pkl"]
NAMES += ["polyglot.tar", "recipe.yaml", "torch.pt"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def good(folder: Path) -> None:
    (folder / "weights.pkl").write_bytes(pickle.dumps({"w": [1.0, 2.0]}))
    np.savez(folder / "weights.npz", w=np.arange(3.0))
    (folder / "README.md").write_text("# A model\n\nFor tests.\n")


def test_every_disguise_is_found_and_nothing_runs(folder: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for name in NAMES:
        (folder / name).write_bytes(planted(name, attack(canary)))
    good(folder)
    result = run(folder, "--format", "json")
    assert result.exit_code == 1, result.output
    document = json.loads(result.stdout)
    verdicts = {Path(file["path"]).name: file["verdict"] for file in document["scanned"]}
    clean = {"weights.pkl", "weights.npz", "README.md"}
    assert verdicts == dict.fromkeys(NAMES, "unsafe") | dict.fromkeys(clean, "clean")
    assert {finding["subject"]["sha256"] for finding in document["findings"]} == {
        hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in NAMES
    }
    assert not canary.exists(), "a scan must never load what it judges"


def test_the_canary_would_sing(tmp_path: Path) -> None:
    """The proof that nothing was loaded needs an attack that works: its order is run here, as a command of its own."""
    canary = tmp_path / "canary"
    order = attack(canary).splitlines()[2].removeprefix(b"(V").decode("raw_unicode_escape")
    assert os.system(order) == 0
    assert canary.exists()


@pytest.mark.parametrize("format_", ["table", "json", "csv", "markdown", "sarif"])
def test_names_that_no_encoding_holds_are_printed_in_every_format(folder: Path, format_: str) -> None:
    """Half letters in the names of a pickle, a zip and the file system itself."""
    (folder / "half.pkl").write_bytes(b"\x80\x04V\\ud800\n\x8c\x03run\x93)R.")
    (folder / "zip.zip").write_bytes(zipped({"a.pkl": HARMFUL}).replace(b"a.pkl", b"\xff.pkl"))
    (folder / os.fsdecode(b"odd-\xff.pkl")).write_bytes(HARMFUL)
    result = run(folder, "--format", format_)
    assert result.exit_code == 1, result.exception
    result.stdout.encode("utf-8")
    assert "odd-" in result.stdout


@pytest.mark.parametrize("format_", ["table", "json", "csv", "markdown", "sarif"])
def test_files_that_cannot_be_read_are_lines_in_every_format(folder: Path, format_: str) -> None:
    """A pipe, a link into nowhere and a huge file with holes: others are judged, and it is no fault."""
    os.mkfifo(folder / "pipe")
    (folder / "nowhere").symlink_to(folder / "missing")
    with (folder / "huge").open("wb") as file:
        file.truncate(6 << 30)
    good(folder)
    result = run("models", "--format", format_)
    assert result.exit_code == 3, result.exception
    assert all(name in result.stdout for name in ("pipe", "nowhere", "huge", "weights.pkl"))
    (folder / "bad.pkl").write_bytes(HARMFUL)
    result = run("models", "--format", format_)
    assert result.exit_code == 1, result.exception
    assert all(name in result.stdout for name in ("pipe", "nowhere", "huge", "bad.pkl"))


def test_who_says_how_much_may_be_held_is_obeyed(folder: Path) -> None:
    with (folder / "huge").open("wb") as file:
        file.truncate(1 << 30 | 1)
    assert "too large" in run(folder, "--largest", "1", "--format", "csv").stdout
    assert run(folder, "--largest", "0").exit_code == 2


@pytest.mark.parametrize("format_", ["table", "csv", "markdown"])
def test_names_of_the_attacker_are_text_and_nothing_else(folder: Path, format_: str) -> None:
    (folder / "esc\x1b[2J.pkl").write_bytes(HARMFUL)
    (folder / "line\nbreak.pkl").write_bytes(b"\x80\x04\x8c\x04os\x1b[\x8c\x03run\x93)R.")
    result = run(folder, "--format", format_)
    assert result.exit_code == 1
    assert "\x1b[2J" not in result.stdout
    assert "\x1b" not in result.stdout
    if format_ == "csv":
        assert len(list(csv.reader(io.StringIO(result.stdout)))) == 3


def test_a_report_in_a_file_is_the_one_that_would_be_printed(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.pkl").write_bytes(HARMFUL)
    good(folder)
    printed = json.loads(run(folder, "--format", "json").stdout)
    assert run(folder, "--format", "json", "--out", tmp_path / "report.json").exit_code == 1
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["scanned"] == printed["scanned"]
    assert [f["finding_id"] for f in written["findings"]] == [f["finding_id"] for f in printed["findings"]]


def test_an_accepted_file_is_accepted_by_its_digest_alone(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.pkl").write_bytes(HARMFUL)
    digest = hashlib.sha256(HARMFUL).hexdigest()
    ignore = tmp_path / "ignore.yaml"
    ignore.write_text(f"ignore:\n- sha256: {digest}\n  reason: looked at\n  expires: 2999-01-01\n")
    assert run(folder, "--ignore", ignore).exit_code == 0
    sarif = json.loads(run(folder, "--ignore", ignore, "--format", "sarif").stdout)
    assert sarif["runs"][0]["results"][0]["suppressions"][0]["justification"] == "looked at"
    (folder / "bad.pkl").write_bytes(HARMFUL + b"N.")
    assert run(folder, "--ignore", ignore).exit_code == 1, "another file in the same place is not accepted with it"
    (folder / "bad.pkl").write_bytes(HARMFUL)
    ignore.write_text(f"ignore:\n- sha256: {digest}\n  reason: looked at\n  expires: 2001-01-01\n")
    assert run(folder, "--ignore", ignore).exit_code == 1


def test_sarif_points_at_every_file_once(folder: Path) -> None:
    (folder / "a b#c%.pkl").write_bytes(HARMFUL)
    (folder / "odd").write_bytes(b"\x00")
    good(folder)
    sarif = json.loads(run("models", "--format", "sarif").stdout)["runs"][0]
    rules = {rule["id"] for rule in sarif["tool"]["driver"]["rules"]}
    uris = [artifact_["location"]["uri"] for artifact_ in sarif["artifacts"]]
    assert "models/a%20b%23c%25.pkl" in uris
    assert len(set(uris)) == len(uris) == 5
    for result in sarif["results"]:
        assert result["ruleId"] in rules
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert uris[place["index"]] == place["uri"]


@pytest.mark.parametrize(
    "text", ["plain", "\x1b[31mred", "a\rb", "tab\t", "\u202eevil", "\u200b", "=1+1", "|a|", "<b>&"]
)
def test_text_of_others_is_shown_and_never_obeyed(text: str) -> None:
    shown = safe_text.plain(text)
    assert len(shown) == len(text)
    assert shown.isprintable()
    cell = safe_text.markdown(text)
    assert "<" not in cell
    assert "|" not in cell.replace("\\|", "")
    assert not safe_text.spreadsheet(text).startswith(("=", "+", "-", "@", "\t", "\r"))
