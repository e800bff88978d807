import os
from pathlib import Path

import orjson
import pytest

from caponier.records.field_map import FieldMap
from caponier.telemetry.field_maps.shipped import find_map, map_of, read_map, shipped_maps
from caponier.telemetry.field_maps.words import yaml_of
from cli.command import run


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "requests.jsonl"
    rows = [
        {"ts": 1_767_614_400 + at, "key": "sk-secret", "f": {"age": at, "city": "xy"[at % 2]}, "out": "ab"[at % 2]}
        for at in range(40)
    ]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


MAP = """
columns:
  time: {path: ts, format: epoch_s}
  principal: {path: key, secret: true}
  label: out
features: [{name: age, path: f.age}, {name: city, path: f.city, kind: category}]
"""


def test_a_map_is_proposed_shown_and_used(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_bytes(log.read_bytes().replace(b'"f":', b'"features":'))
    ran = run(capsys, "map", "guess", log, "--out", "m.yaml")
    assert ran.code == 0
    assert "2 features (age, city (category))" in ran.err
    assert "missing: principal" in ran.err
    assert "input=[" in ran.err
    assert "next: caponier scan inference" in ran.err
    only = " ".join(run(capsys, "map", "guess", log).err.split())
    assert only.endswith("to correct the map first, write it with --out MAP.yaml, then scan with --map")
    scanned = run(capsys, "scan", "inference", log, "--map", "m.yaml", "--format", "json")
    assert orjson.loads(scanned.out)["events"] == 40


def test_every_log_command_takes_a_map(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("m.yaml").write_text(MAP)
    built = run(capsys, "baseline", "build", log, "--map", "m.yaml", "--out", "b.safetensors")
    assert built.code == 3, built.err
    assert "learned from 1 caller and 40 events" in built.err + built.out
    checked = run(capsys, "baseline", "check", "b.safetensors", log, "--map", "m.yaml")
    assert checked.code in (1, 3), checked.err
    for command in (
        ["enrich", log, "--url", "http://127.0.0.1:9", "--model", "m", "--out", "o.parquet"],
        ["validate", "--log", log],
    ):
        ran = run(capsys, *command, "--map", "nothing")
        assert ran.code == 2
        assert "there is no field map 'nothing'" in ran.err


def test_a_map_of_the_workspace_knows_its_logs(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.yaml").write_text("name: own\nwhen: [ts, f.age]\n" + MAP)
    Path("caponier.toml").write_text('[[map]]\nfile = "own.yaml"\n[[model]]\nname = "fraud"\n')
    run(capsys, "init", "w")
    Path("w/caponier.toml").write_text(Path("caponier.toml").read_text().replace("own.yaml", "../own.yaml"))
    ran = run(capsys, "scan", "inference", log, "--workspace", "w")
    assert "read as own: time from ts (epoch_s)" in ran.err
    # The workspace's only model is meant, as no row names one.
    assert "fraud: " in ran.err
    assert "own" in run(capsys, "map", "list", "--workspace", "w").out


def test_what_cannot_be_read_names_its_fields_and_the_next_command(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_bytes(b'{"foo": 1, "bar": "x"}\n' * 3)
    for command in (["scan", "inference", log], ["baseline", "build", log, "--out", "b.safetensors"]):
        ran = run(capsys, *command)
        assert ran.code == 2
        words = " ".join(ran.err.split())
        assert "This log has: foo, bar" in words
        assert "Write a field map (docs/how-to/field-maps.md)" in words
        # A next step that is known to fail is none.
        assert "caponier map guess" not in words
    ran = run(capsys, "map", "guess", log)
    assert ran.code == 2
    assert "no field holds a time" in ran.err


def test_a_doubtful_map_exits_3(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_bytes(b'{"ts": "05/01/2026 12:00:00", "features": [1.5], "prediction": "a"}\n' * 9)
    ran = run(capsys, "map", "guess", log)
    assert ran.code == 3
    assert "doubtful: ts: its times fit %d/%m/%Y %H:%M:%S and %m/%d/%Y %H:%M:%S" in ran.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1]", "a field map is a mapping"),
        ("columns: {time: ts}\nfeature: [a]", "Did you mean 'features'?"),
        ("columns: {label: y}", "says nothing of time"),
        ("columns: {time: ts, label: {path: []}}", "has a path"),
        ("columns: [", "not YAML"),
    ],
)
def test_a_wrong_map_says_where_and_what(log: Path, capsys: pytest.CaptureFixture[str], text: str, says: str) -> None:
    Path("m.yaml").write_text(text)
    ran = run(capsys, "scan", "inference", log, "--map", "m.yaml")
    assert ran.code == 2
    assert "m.yaml" in ran.err
    assert says in ran.err


def test_a_map_and_a_reader_exclude_each_other(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = run(capsys, "scan", "inference", log, "--map", "sagemaker-data-capture", "--reader", "kserve")
    assert ran.code == 2
    assert "exclude each other" in ran.err


@pytest.mark.parametrize("one", shipped_maps(), ids=lambda one: one.name)
def test_a_shipped_map_says_where_its_format_is_described(one: FieldMap, capsys: pytest.CaptureFixture[str]) -> None:
    assert one.source
    assert one.when or one.line
    ran = run(capsys, "map", "show", one.name)
    assert ran.code == 0
    assert find_map(one.name) == one


@pytest.mark.parametrize("one", shipped_maps(), ids=lambda one: one.name)
def test_a_map_is_what_it_was_when_it_is_read_again(one: FieldMap, tmp_path: Path) -> None:
    path = tmp_path / "again.yaml"
    path.write_text(yaml_of(one), encoding="utf-8")
    assert read_map(path) == one
    assert map_of(one.model_dump(mode="json", exclude_defaults=True), "x") == one


def test_a_map_is_guessed_of_a_folder_by_its_first_log(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("logs/day").mkdir(parents=True)
    log.write_bytes(log.read_bytes().replace(b'"f":', b'"features":'))
    log.rename("logs/day/a.jsonl")
    Path("logs/a.jsonl").touch()
    ran = run(capsys, "map", "guess", "logs")
    assert ran.code == 0
    assert "guessed from logs/day/a.jsonl, the first log in logs" in ran.err


def test_a_folder_of_nothing_that_can_be_read_and_a_device_are_told(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("logs").mkdir()
    os.mkfifo("logs/pipe.jsonl")
    Path("endless.jsonl").symlink_to("/dev/zero")
    for name, why in (("logs", "holds no readable log"), ("endless.jsonl", "is a device, not a file")):
        ran = run(capsys, "map", "guess", name)
        assert ran.code == 2
        assert why in ran.err


def test_what_needs_no_map_is_said_to_need_none(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = {"type": "org.kubeflow.serving.inference.request", "id": "1", "data": {"instances": [[1.0]]}}
    log.write_bytes(orjson.dumps(event) + b"\n")
    assert "what KServe's inference logger writes: it needs no map" in run(capsys, "map", "guess", log).err
    access = '2026-01-05T12:00:00,123 - /10.0.0.1:64003 "POST /predictions/resnet HTTP/1.1" 200 118\n'
    Path("access_log.log").write_text(access * 5)
    ran = run(capsys, "map", "guess", "access_log.log")
    assert ran.code == 0
    assert "known as torchserve-access-log" in ran.err


def test_a_text_that_was_asked_is_no_missing_input(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"ts": 1_767_614_400 + at, "user": f"u{at % 3}", "text": f"word {at}", "label": "ab"[at % 2]}
        for at in range(40)
    ]
    log.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    assert "missing: input" not in run(capsys, "map", "guess", log).err


def test_a_doubtful_map_is_not_followed_by_a_scan_that_would_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "calls.csv"
    log.write_text("when,age,out\n" + "".join(f"0{1 + at % 9}/02/2026 10:00:0{at},{at},a\n" for at in range(9)))
    said = " ".join(run(capsys, "map", "guess", log).err.split())
    assert "next: settle what is doubtful" in said
    assert "next: caponier scan" not in said
    written = " ".join(run(capsys, "map", "guess", log, "--out", tmp_path / "m.yaml").err.split())
    assert "--map" in written
    assert "settle what is doubtful in" in written
