"""What folders and trackers say of rows, and what nginx writes for quotes: read as if the rows said it."""

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.telemetry.principals import principal_of
from caponier.telemetry.readers.carried import CarriedRecords
from caponier.telemetry.readers.partitions import partition_values
from telemetry.conftest import reading

Row = dict[str, Any]
ROWS = 24


def row(at: int) -> Row:
    return {
        "ts": f"2026-01-05T12:00:{at:02}Z",
        "user": f"u{at % 4}",
        "features": [1.5, float(at)],
        "label": "ab"[at % 2],
    }


def lake(folder: Path, name: str, kind: str) -> None:
    place = folder / f"model={name}" / "dt=2026-01-05" / f"part-0.{kind}"
    place.parent.mkdir(parents=True)
    rows = [row(at) for at in range(ROWS)]
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), place)
    elif kind == "jsonl":
        place.write_bytes(b"".join(orjson.dumps(one) + b"\n" for one in rows))
    else:
        cells = [",".join([one["ts"], one["user"], str(at), one["label"]]) for at, one in enumerate(rows)]
        place.write_text("\n".join(["ts,user,age,label", *cells]) + "\n")


@pytest.mark.parametrize("kind", ["parquet", "jsonl", "csv"])
def test_a_folder_names_the_model_of_its_rows(kind: str, tmp_path: Path) -> None:
    for name in ("fraud", "churn%20v2"):
        lake(tmp_path, name, kind)
    found = reading(tmp_path)
    assert not found.rejected
    assert sorted({one["model"] for one in found.rows}) == ["churn v2", "fraud"]
    assert len(found.rows) == 2 * ROWS


def test_what_a_row_says_itself_counts_before_its_folder(tmp_path: Path) -> None:
    place = tmp_path / "model=other" / "a.jsonl"
    place.parent.mkdir()
    place.write_bytes(b"".join(orjson.dumps({**row(at), "model": "own"}) + b"\n" for at in range(ROWS)))
    assert {one["model"] for one in reading(place).rows} == {"own"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("lake/model=a/tenant=acme/x.csv", {"model": "a", "tenant": "acme"}),
        ("lake/dt=2026-01-05/hour=3/x.csv", {}),
        ("model=a.csv", {}),
        ("model=__HIVE_DEFAULT_PARTITION__/x.csv", {}),
        ("a=b=c/x", {}),
    ],
)
def test_folders_say_whose_and_which_models_rows_they_hold(path: str, said: Row) -> None:
    assert partition_values(Path(path)) == said


def test_an_event_of_a_tracker_is_its_properties() -> None:
    said = {"time": 1_767_614_400, "distinct_id": "u1", "features": [1.5], "label": "a"}
    assert CarriedRecords().rows(orjson.dumps({"event": "prediction", "properties": said})) == [
        {"event": "prediction", **said}
    ]


@pytest.mark.parametrize(
    "own",
    [
        {"time": "2026-01-05T12:00:00Z", "properties": {"time": 1, "user": "victim"}},
        {"user": "u1", "properties": {"time": 1, "user": "victim"}},
        {"event": "prediction", "properties": {"user": "victim"}},
        {"client_ip": "10.0.0.1", "properties": {"time": 1, "user": "victim"}},
    ],
)
def test_properties_of_what_speaks_itself_are_a_part_of_it(own: Row) -> None:
    assert CarriedRecords().rows(orjson.dumps(own)) == [own]


NGINX = (
    r'time="2026-01-05T12:00:{at:02}+00:00" remote_user=u{at} status=200 '
    r'request="POST /v1/models/credit:predict HTTP/1.1" '
    r'body="{{\x22instances\x22: [[1.5, {at}]]}}" resp="{{\x22predictions\x22: [[0.25, 0.75]]}}" city="Z\xC3\xBCrich"'
)


def test_quotes_are_read_as_nginx_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text("".join(NGINX.format(at=at) + "\n" for at in range(ROWS)))
    found = reading(path)
    assert not found.rejected
    assert [one["input"] for one in found.rows] == [[1.5, float(at)] for at in range(ROWS)]
    assert (found.rows[3]["principal"], found.rows[3]["model"]) == (principal_of("u3", b""), "credit")


def test_what_nginx_escaped_opens_no_other_field() -> None:
    """Whoever calls may write quotes: they are letters of his value, and nothing behind them is a field."""
    line = r'time=1767614400 user=u1 agent="x\x22 user=victim time=\x221\x5C\x22" status=200 label=a'
    (told,) = CarriedRecords().rows(line.encode())
    assert (told["user"], told["time"]) == ("u1", "1767614400")
    assert told["agent"].startswith('x" user=victim time="1')
    (told,) = CarriedRecords().rows(rb'time=1 user=u1 city="Z\xC3\xBCrich \"x\"" label=a')
    assert told["city"] == 'Zürich "x"'


def test_the_monitor_of_a_service_names_the_model_of_what_it_logs(tmp_path: Path) -> None:
    place = tmp_path / "monitoring" / "iris" / "data" / "data.1.log"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"".join(orjson.dumps(row(at)) + b"\n" for at in range(ROWS)))
    assert {one["model"] for one in reading(place).rows} == {"iris"}
