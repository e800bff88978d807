from pathlib import Path

import orjson
import pytest

from caponier.errors import InputError
from caponier.telemetry.rejections import SHOWN, RejectedRows, Rejection


def test_a_clean_log_leaves_no_file_behind(tmp_path: Path) -> None:
    with RejectedRows(tmp_path / "rejected.jsonl") as rejected:
        rejected.add([])
    assert not list(tmp_path.iterdir())


def test_all_rejections_are_counted_and_written_and_the_first_few_kept(tmp_path: Path) -> None:
    path = tmp_path / "rejected.jsonl"
    with RejectedRows(path) as rejected:
        for line in range(1, SHOWN + 6):
            rejected.add([Rejection("a.jsonl", line, f"bad JSON: at {line}", "{")])
    assert rejected.count == SHOWN + 5
    assert rejected.reasons == {"bad JSON": SHOWN + 5}
    assert [rejection.line for rejection in rejected.first] == list(range(1, SHOWN + 1))
    written = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert written[0] == {"file": "a.jsonl", "line": 1, "reason": "bad JSON: at 1", "raw": "{"}
    assert len(written) == rejected.count


def test_without_a_path_rejections_are_only_counted() -> None:
    rejected = RejectedRows()
    rejected.add([Rejection("a", 1, "late: by far")])
    assert rejected.reasons == {"late": 1}


def test_the_three_reasons_given_most_often_are_told_with_how_often() -> None:
    rejected = RejectedRows()
    assert rejected.reasons_in_words == ""
    for reason, n in (("late", 1), ("bad JSON", 1_200), ("rare", 1), ("bad time", 2)):
        rejected.add([Rejection("a", 1, reason)] * n)
    assert rejected.reasons_in_words == "bad JSON (1,200 rows), bad time (2 rows), late (1 row)"


@pytest.mark.parametrize("place", ["missing/rejected.jsonl", "."])
def test_a_file_that_cannot_be_written_is_the_users_error(tmp_path: Path, place: str) -> None:
    with RejectedRows(tmp_path / place) as rejected, pytest.raises(InputError, match="--rejected"):
        rejected.add([Rejection("a", 1, "bad")])


@pytest.mark.parametrize(
    "raw",
    [
        '{"Authorization": "Bearer s3cret.t0ken", "model": "m"}',
        '{"metadata":"{\\"Authorization\\":[\\"Bearer s3cret.t0ken\\"]}","model":"m"}',
        "authorization: s3cret.t0ken, model: m",
        "{'x-api-key': 's3cret.t0ken', 'model': 'm'}",
        '{"api_key":"s3cret.t0ken","model":"m"}',
        '{"password":"s3cret.t0ken","model":"m"}',
    ],
)
def test_what_looks_like_a_credential_is_blotted_out(raw: str) -> None:
    shown = Rejection("a", 1, "bad", raw).to_dict()["raw"]
    assert isinstance(shown, str)
    assert "s3cret" not in shown
    assert "t0ken" not in shown
    assert "model" in shown


def test_other_raw_rows_are_shown_as_they_are() -> None:
    assert Rejection("a", 1, "bad", '{"model":"m"}').to_dict()["raw"] == '{"model":"m"}'


def test_each_file_is_told_of_however_much_is_wrong_with_another() -> None:
    rejected = RejectedRows(shown=4)
    rejected.add(Rejection("rubbish.log", line, "no known format") for line in range(1, 100))
    rejected.add([Rejection("torn.gz", 7, "the file is broken from here on"), Rejection("torn.gz", 8, "again")])
    rejected.add([Rejection("cut.json", 1, "bad JSON")])
    told = [(one.file, one.line) for one in rejected.first]
    assert told == [("rubbish.log", 1), ("rubbish.log", 2), ("torn.gz", 7), ("cut.json", 1)]
    rejected.add(Rejection(f"more-{n}.log", 1, "no known format") for n in range(9))
    assert len(rejected.first) == len({one.file for one in rejected.first}) == rejected.shown
    assert rejected.count == 111
