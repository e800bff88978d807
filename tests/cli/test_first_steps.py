"""From a log to a workspace that reads it, and what can be seen there."""

import socket
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.app.setup.model_signature import spec_of_signature
from caponier.app.workspace.workspace import read_salt, require_workspace
from caponier.detect.registry import select
from caponier.telemetry.principals import principal_of
from cli.command import run


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return written(tmp_path / "requests.jsonl")


def written(path: Path, **changes: Any) -> Path:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    rows = [
        {
            "when": 1,
            "ts": (start + timedelta(seconds=at)).isoformat()[:19],
            "api_key": f"sk-{at % 5}",
            "features": {"b": at * 7 % 11, 'a "quoted"': at % 13, "city": "xyz"[at % 3]},
            "prediction": "yn"[at % 2],
            **changes,
        }
        for at in range(120)
    ]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def checks(ran: Any) -> list[tuple[str, str, str]]:
    return [(one["about"], one["state"], one["says"]) for one in orjson.loads(ran.out)["checks"]]


def test_a_workspace_that_a_log_suggests_reads_it(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = run(capsys, "init", "w", "--from", log)
    assert made.code == 0, made.err
    text = Path("w/caponier.toml").read_text()
    assert "# Are its times in UTC?" in text
    table = tomllib.loads(text)
    (model,) = table["model"]
    assert model["name"] == "model"
    assert [column["name"] for column in model["features"]["columns"]] == ['a "quoted"', "b", "city"]
    assert model["features"]["categories"] == [2]
    assert "sk-" not in text + Path("w/log-map.yaml").read_text()
    built = run(capsys, "baseline", "build", log, "--workspace", "w", "--out", "w/model.safetensors")
    assert "learned from 5 callers and 120 events" in built.out + built.err
    assert "read as log" in built.err
    Path("w/caponier.toml").write_text(
        text.replace('# baseline = "model.safetensors"', 'baseline = "model.safetensors"')
    )
    assert 'add baseline = "w/model.safetensors" to [[model]] model' in built.err
    scanned = run(capsys, "scan", "inference", log, "--workspace", "w", "--format", "json")
    assert orjson.loads(scanned.out)["events"] == 120


def test_the_log_that_was_learned_from_is_not_the_one_to_scan(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = run(capsys, "init", "w", "--from", log)
    (build,) = [line for line in made.err.splitlines() if "baseline build" in line]
    (scan,) = [line for line in made.err.splitlines() if "scan inference" in line]
    assert str(log) in build
    assert str(log) not in scan
    assert "caponier.toml" in made.err.splitlines()[0] + made.err


def test_the_doctor_finds_a_baseline_that_no_setting_names(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "init", "w", "--from", log).code == 0

    def told() -> dict[str, str]:
        ran = run(capsys, "doctor", "--workspace", "w", "--format", "json")
        return next(one for one in orjson.loads(ran.out)["checks"] if "no baseline is set" in one["says"])

    assert "caponier baseline build LOG --out model.safetensors; then write baseline" in told()["next"]
    Path("w/model.safetensors").write_bytes(b"the weights of a model")
    assert "--out model-baseline.safetensors" in told()["next"], "a model is not to be written over"
    built = run(capsys, "baseline", "build", log, "--workspace", "w", "--out", "w/mine.safetensors")
    assert Path("w/mine.safetensors").exists(), built.err
    assert "mine.safetensors in this folder is one of this model" in told()["says"]
    assert told()["next"] == 'Write baseline = "mine.safetensors" under this [[model]]'


def test_the_doctor_lists_no_detector_that_a_scan_leaves_out(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "init", "w", "--from", log).code == 0
    ran = run(capsys, "doctor", log, "--workspace", "w", "--format", "json")
    said = [one["says"] for one in orjson.loads(ran.out)["checks"]]
    (able,) = [one.partition("detectors that can run: ")[2] for one in said if "detectors that can run" in one]
    assert "membership_probe" not in able.split(", ")
    assert any("membership_probe" in one and "not run" in one for one in said)


def test_a_scan_in_which_no_detector_ran_says_so_first(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    nobody = [
        {"time": f"2026-01-01T00:00:{at % 60:02d}Z", "model": "m", "operation": "predict", "status": 200}
        for at, _ in enumerate(rows)
    ]
    Path("nobody.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in nobody))
    ran = run(capsys, "scan", "inference", "nobody.jsonl")
    assert ran.code == 3
    assert ran.err.startswith("Nothing could be checked in 120 events"), ran.err
    assert "0 findings" not in ran.err
    assert run(capsys, "init", "w").code == 0
    names = ", ".join(f'"{one.name}"' for one in select() if one.name != "adversarial_input")
    settings = Path("w/caponier.toml")
    settings.write_text(settings.read_text().replace("[detect]\n", f"[detect]\ndisabled = [{names}]\n"))
    # The only one that is left lacks an enrichment, of which notes tell.
    noted = run(capsys, "scan", "inference", log, "--workspace", "w/caponier.toml")
    assert (noted.code, noted.err.partition(" in ")[0]) == (3, "Nothing could be checked"), noted.err


def test_a_number_that_may_be_the_answer_is_asked_for(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    flat = [
        {"ts": row["ts"], "api_key": row["api_key"], "area": at % 37, "rooms": at % 5, "price": at % 37 * 4_321.5}
        for at, row in enumerate(rows)
    ]
    log.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in flat))
    question = "model's answer? Move it to columns"
    assert run(capsys, "init", "w", "--from", log).code == 0
    assert question in Path("w/caponier.toml").read_text()
    # What the question asks for works as it says.
    file = Path("w/log-map.yaml")
    file.write_text(file.read_text().replace("area, price", "area").replace("columns:\n", "columns:\n  label: price\n"))
    assert run(capsys, "init", "again", "--from", log, "--map", file).code == 0
    again = Path("again/caponier.toml").read_text()
    assert question not in again
    assert "no event has a label" not in again
    assert [one["name"] for one in tomllib.loads(again)["model"][0]["features"]["columns"]] == ["area", "rooms"]


def test_a_log_in_the_event_schema_needs_no_map(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {
            "time": 1_767_614_400_000 + at,
            "model": "dig\nits",
            "operation": "predict",
            "input": [0.5] * 64,
            "input_shape": [8, 8],
        }
        for at in range(9)
    ]
    log.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    assert run(capsys, "init", "w", "--from", log).code == 0
    table = tomllib.loads(Path("w/caponier.toml").read_text())
    assert table["model"][0]["name"] == "dig\nits"
    assert table["model"][0]["features"] == {"kind": "image", "shape": [8, 8]}
    assert "map" not in table
    assert not Path("w/log-map.yaml").exists()


def test_what_cannot_be_read_leaves_no_workspace(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.write_bytes(b'{"foo": 1}\n')
    ran = run(capsys, "init", "w", "--from", log)
    assert ran.code == 2
    assert "This log has: foo" in " ".join(ran.err.split())
    assert not Path("w").exists()


def test_the_doctor_says_what_can_be_seen_and_what_is_missing(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init", "w", "--from", log)
    ran = run(capsys, "doctor", "--workspace", "w", "--format", "json")
    assert ran.code == 0
    assert ("logs", "incomplete", "the lake is empty: nothing has been logged yet") in checks(ran)
    assert (
        "model",
        "incomplete",
        "no baseline is set for it, so only detectors with built-in thresholds can run",
    ) in checks(ran)
    seen = checks(run(capsys, "doctor", log, "--workspace", "w", "--format", "json"))
    assert any(
        state == "ok" and "120 events, the last at 2026-01-05 00:01; detectors that can run: " in says
        for _, state, says in seen
    )
    assert any("no event has scores" in says for _, _, says in seen)
    assert "NEXT" in run(capsys, "doctor", "--workspace", "w").out


def test_the_doctor_goes_on_where_one_model_is_wrong(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init", "w", "--from", log)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with Path("w/caponier.toml").open("a") as file:
        file.write('[[model]]\nname = "other"\nbaseline = "none.safetensors"\n')
        file.write(f'[guard]\nupstream = "http://127.0.0.1:{port}"\n')
    ran = run(capsys, "doctor", log, "--workspace", "w", "--format", "json")
    assert ran.code == 3
    seen = checks(ran)
    assert any(about == "other" and state == "wrong" for about, state, _ in seen)
    assert any(about == "model server" and state == "wrong" for about, state, _ in seen)
    assert any(about == "model" and state == "ok" for about, state, _ in seen)


def test_a_key_has_the_name_that_events_carry(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init", "w", "--from", log)
    salt = read_salt(require_workspace(Path("w")))
    ran = run(capsys, "key-hash", "--workspace", "w", stdin=b"sk-1\nBearer sk-2\n")
    assert ran.out.split() == [principal_of("sk-1", salt), principal_of("sk-2", salt)]
    assert "sk-" not in ran.out + ran.err
    wrong = run(capsys, "key-hash", "--workspace", "w", stdin=b"sk-1\nBearer sk-2 and more\n")
    assert wrong.code == 2
    assert "line 2" in wrong.err
    assert "sk-2" not in wrong.err
    assert run(capsys, "key-hash", stdin=b"\n").code == 2


def test_a_folder_suggests_the_map_of_its_logs(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("logs").mkdir()
    for day in range(3):
        Path("logs", f"day.log.{day}").write_bytes(log.read_bytes())
    Path("logs", "a.json").write_bytes(b"Obj\x01 is Avro")
    assert run(capsys, "init", "w", "--from", "logs").code == 0
    (one,) = tomllib.loads(Path("w/caponier.toml").read_text())["map"]
    assert "api_key" in Path("w", one["file"]).read_text()
    seen = run(capsys, "doctor", "logs", "--workspace", "w", "--format", "json")
    assert any("360 events" in says for _, _, says in checks(seen))


def test_a_model_file_says_the_order_of_columns(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learner = {"feature_names": ["city", 'a "quoted"', "b"], "feature_types": ["c", "float", "float"]}
    Path("model.json").write_bytes(orjson.dumps({"learner": learner, "version": [2, 1, 0]}))
    made = run(capsys, "init", "w", "--from", log, "--signature", "model.json")
    assert made.code == 0, made.err
    (model,) = tomllib.loads(Path("w/caponier.toml").read_text())["model"]
    assert [column["name"] for column in model["features"]["columns"]] == ["city", 'a "quoted"', "b"]
    assert model["features"]["categories"] == [0]


MLMODEL = """
artifact_path: model
flavors: {sklearn: {pickled_model: model.pkl}}
signature:
  inputs: '%s'
  outputs: '[{"type": "long"}]'
"""


def test_a_signature_names_the_columns_and_their_order(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = [
        {"type": "string", "name": "city"},
        {"type": "long", "name": 'a "quoted"'},
        {"type": "double", "name": "b"},
    ]
    Path("model").mkdir()
    Path("model/MLmodel").write_text(MLMODEL % orjson.dumps(inputs).decode())
    made = run(capsys, "init", "w", "--from", log, "--signature", "model")
    assert made.code == 0, made.err
    features = tomllib.loads(Path("w/caponier.toml").read_text())["model"][0]["features"]
    assert features["categories"] == [0]
    assert [column["name"] for column in features["columns"]] == ["city", 'a "quoted"', "b"]
    assert run(capsys, "baseline", "build", log, "--workspace", "w", "--out", "b.safetensors").code == 3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("flavors: {}", "has no signature"),
        (MLMODEL % "[]", "cannot be understood: no inputs"),
        (MLMODEL % "{", "cannot be understood"),
        (MLMODEL % '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, -1]}}]', "any size"),
    ],
)
def test_a_signature_that_says_nothing_is_an_error(
    log: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    Path("MLmodel").write_text(text)
    ran = run(capsys, "init", "w", "--from", log, "--signature", "MLmodel")
    assert ran.code == 2
    assert says in " ".join(ran.err.split())
    assert not Path("w").exists()


def test_a_tensor_is_an_image_or_numbers(tmp_path: Path) -> None:
    path = tmp_path / "MLmodel"
    for shape, kind in (([-1, 8, 8], "image"), ([-1, 4], "numeric")):
        path.write_text(
            MLMODEL % orjson.dumps([{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": shape}}]).decode()
        )
        found = spec_of_signature(path)
        assert (found.kind, list(found.shape), found.dtype) == (kind, shape[1:], "float64")


def test_a_key_on_the_command_line_is_refused_and_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["sk-live-4711"], ["sk-live-4711", "another"], ["--", "-sk-live-4711"]):
        answer = run(capsys, "key-hash", *arguments)
        assert (answer.code, answer.out) == (2, "")
        assert "sk-live" not in answer.err
        assert "caponier key-hash < key.txt" in " ".join(answer.err.split())
