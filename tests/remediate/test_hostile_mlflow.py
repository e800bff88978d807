import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from tests.remediate.hostile_server import answering, http_answer
from tests.remediate.mlflow_stand_in import StandIn, serving

from caponier.app.remediate.mlflow_rollback import AliasRollback, rollback_alias
from caponier.errors import InputError
from caponier.remediate import mlflow_files, mlflow_server
from caponier.remediate.mlflow_files import fetch
from caponier.remediate.mlflow_server import MlflowServer

TOKEN = {"MLFLOW_TRACKING_TOKEN": "hush-hush"}
PROXIED = "mlflow-artifacts:/0/models/m-1/artifacts"


@pytest.fixture
def server() -> Iterator[StandIn]:
    with serving(StandIn()) as stand_in:
        yield stand_in


@pytest.mark.parametrize(
    "address",
    [
        "http://ada:hush@host:port",
        "http://ada:hush/more@host",
        "ada:hush@host:5000",
        "http://host?token=hush",
        "http://ada:hush@[::1",
        "https://ada:hush@host#x",
        "http://hush@host",
    ],
)
def test_no_part_of_an_address_that_may_be_secret_is_repeated(address: str) -> None:
    with pytest.raises(InputError) as refused:
        MlflowServer(address, {})
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None or "hush" not in str(refused.value.__cause__)


@pytest.mark.parametrize("token", ["hush-hush\n", "hush\r\nHost: other", "hush€", "hush\x00"])
def test_a_token_that_http_cannot_carry_is_named_and_not_repeated(server: StandIn, token: str) -> None:
    with pytest.raises(InputError, match="MLFLOW_TRACKING_TOKEN") as refused:
        MlflowServer(server.address, {"MLFLOW_TRACKING_TOKEN": token}).model("digits")
    assert "hush" not in str(refused.value)
    assert server.asked == []


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 x"])
def test_a_redirect_leads_a_token_nowhere(server: StandIn, status: str) -> None:
    more = f"Location: {server.address}/stolen\r\n"
    with (
        answering(lambda _: http_answer(b"", status, more=more)) as (address, asked),
        pytest.raises(InputError, match=f"refused .{status[:3]}"),
    ):
        MlflowServer(address, TOKEN).model("digits")
    assert b"Bearer hush-hush" in asked[0]
    assert server.asked == []
    assert server.authorization is None


@pytest.mark.parametrize(
    "said",
    [
        http_answer(b"{}" + b" " * 10, announced=500),
        http_answer(b'{"registered_model": {"na', announced=500),
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnothex\r\n",
        http_answer(b"\xff\xfe\x00"),
        http_answer(b"[" * 100_000),
        http_answer(b'{"registered_model": []}'),
    ],
)
def test_an_answer_that_is_none_is_told_in_one_sentence(said: bytes) -> None:
    with answering(lambda _: said) as (address, _), pytest.raises(InputError) as refused:
        MlflowServer(address, TOKEN).model("digits")
    assert refused.value.where == address
    assert "MLflow server" in refused.value.what
    assert "hush" not in str(refused.value)


def test_https_to_a_server_that_speaks_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_server, "TIMEOUT", 0.2)
    with answering(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") as (address, _):
        # The first bytes of TLS hold no empty line; the stand-in would wait for one.
        listens_plainly = address.replace("http://", "https://")
        with pytest.raises(InputError, match="cannot be asked"):
            MlflowServer(listens_plainly, TOKEN).model("digits")


def test_a_server_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_server, "TIMEOUT", 0.1)

    def late(_: bytes) -> bytes:
        time.sleep(0.3)
        return http_answer(b"{}")

    with answering(late) as (address, _), pytest.raises(InputError, match="cannot be asked: TimeoutError"):
        MlflowServer(address, {}).model("digits")


def test_more_than_is_read_as_json_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_server, "LONGEST", 1_000)
    huge = orjson.dumps({"registered_model": {"name": "x" * 2_000}})
    with answering(lambda _: http_answer(huge)) as (address, _), pytest.raises(InputError, match="does not answer as"):
        MlflowServer(address, {}).model("digits")


def test_a_long_complaint_is_cut_and_an_odd_one_survived() -> None:
    for said in (b'{"message": "' + b"m" * 5_000 + b'"}', b'{"message": {"a": 1}}', b"null", b'"text"', b"<html>"):
        with (
            answering(lambda _, said=said: http_answer(said, "500 Oh")) as (address, _),  # type: ignore[misc]
            pytest.raises(InputError, match=r"refused .500") as refused,
        ):
            MlflowServer(address, {}).model("digits")
        assert len(str(refused.value)) < 400


def _paged(token: str) -> bytes:
    version = {"name": "digits", "version": "1"}
    return http_answer(orjson.dumps({"model_versions": [version], "next_page_token": token}))


def test_pages_that_never_end_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_server, "MOST_PAGES", 20)
    pages = iter(range(10**6))
    model = http_answer(b'{"registered_model": {"name": "digits"}}')
    for token in (lambda at: f"t{at}", lambda at: "ab"[at % 2]):

        def answer(said: bytes, token=token) -> bytes:  # type: ignore[no-untyped-def]
            return _paged(token(next(pages))) if b"model-versions" in said else model

        with answering(answer) as (address, asked), pytest.raises(InputError, match="more than 20 pages"):
            MlflowServer(address, {}).model("digits")
        assert len(asked) == 21


def test_versions_that_are_no_numbers_or_of_other_models_are_passed_over() -> None:
    rows = [{"name": "digits", "version": one} for one in ("2", "10", "9" * 5_000, "²", "-1", "", "x", None)]
    rows += [{"name": "other", "version": "7"}, {"version": "8"}, {"name": "digits"}]
    found = http_answer(orjson.dumps({"model_versions": rows}))
    model = http_answer(b'{"registered_model": {"name": "digits", "aliases": [3, {"alias": "a"}], "tags": 5}}')
    with answering(lambda said: found if b"model-versions" in said else model) as (address, _):
        told = MlflowServer(address, {}).model("digits")
    assert [one.version for one in told.versions] == ["2", "10"]
    assert told.aliases == {"a": ""}
    assert told.tags == {}


def test_an_alias_of_a_version_that_is_gone_is_told(server: StandIn) -> None:
    server.aliases["champion"] = "17"
    with pytest.raises(InputError, match="no version '17'"):
        rollback_alias(AliasRollback(server.address, "digits"))


LISTING = http_answer(b'{"files": [{"path": "weights", "is_dir": false}]}')


@pytest.mark.parametrize(
    "said",
    [
        http_answer(b"half", announced=8),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf",
    ],
)
def test_half_a_file_is_never_taken_for_the_whole(said: bytes) -> None:
    with answering(lambda asked: said if b"/weights" in asked.split(b"\r\n")[0] else LISTING) as (address, _):
        with pytest.raises(InputError, match="broke off") as broken:
            fetch(MlflowServer(address, {}), PROXIED, None)
        assert address in str(broken.value.where)


def test_a_file_that_comes_whole_is_the_same_in_one_piece_or_in_chunks() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwh\r\n3\r\nole\r\n0\r\n\r\n"
    until_end = b"HTTP/1.0 200 OK\r\n\r\nwhole"
    line = f"{hashlib.sha256(b'whole').hexdigest()}  weights\n".encode()
    for said in (chunked, until_end, http_answer(b"whole")):
        with answering(
            lambda asked, said=said: said if b"/weights" in asked.split(b"\r\n")[0] else LISTING  # type: ignore[misc]
        ) as (address, _):
            found = fetch(MlflowServer(address, {}), PROXIED, None)
        assert found
        assert (found.digest, found.files, found.size) == (hashlib.sha256(line).hexdigest(), 1, 5)


@pytest.mark.parametrize("copied", [True, False])
@pytest.mark.parametrize("second", ["a", "x/a", "../a", "/etc/a"])
def test_two_files_of_one_name_are_no_version(tmp_path: Path, second: str, copied: bool) -> None:
    rows = [{"path": "a", "is_dir": False}, {"path": second, "is_dir": False}]
    listing = http_answer(orjson.dumps({"files": rows}))
    with (
        answering(lambda asked: http_answer(b"x") if b"/a " in asked else listing) as (address, _),
        pytest.raises(InputError, match="two files of the name"),
    ):
        fetch(MlflowServer(address, {}), PROXIED, tmp_path / "copy" if copied else None)
    assert not (tmp_path / "a").exists()


def test_a_name_that_is_too_long_or_both_file_and_folder_is_told(tmp_path: Path) -> None:
    for name in ("n" * 300, "taken"):
        (tmp_path / "taken").mkdir(exist_ok=True)
        listing = http_answer(orjson.dumps({"files": [{"path": name, "is_dir": False}]}))
        with (
            answering(
                lambda asked, listing=listing: listing if b"?path=" in asked else http_answer(b"x")  # type: ignore[misc]
            ) as (address, _),
            pytest.raises(InputError, match="copy of the version cannot be written"),
        ):
            fetch(MlflowServer(address, {}), PROXIED, tmp_path)


def test_folders_in_folders_without_end_are_left() -> None:
    listing = http_answer(b'{"files": [{"path": "deeper", "is_dir": true}]}')
    with answering(lambda _: listing) as (address, asked), pytest.raises(InputError, match="too deep"):
        fetch(MlflowServer(address, {}), PROXIED, None)
    assert len(asked) <= mlflow_files.DEEPEST + 1


@pytest.mark.parametrize("uri", ["", ".", "model", "file:model", "../model"])
def test_a_place_that_does_not_begin_at_the_root_is_not_sought_here(
    uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "private").write_bytes(b"of the user")
    monkeypatch.chdir(tmp_path / "model" if uri == "../model" else tmp_path)
    assert fetch(MlflowServer("http://127.0.0.1:9", {}), uri, None) is None


def test_a_name_cannot_make_one_version_look_like_another(tmp_path: Path) -> None:
    server = MlflowServer("http://127.0.0.1:9", {})
    for name in (b"a\n" + hashlib.sha256(b"").hexdigest().encode() + b"  b", b"caf\xe9", b"a\\b"):
        root = tmp_path / hashlib.sha256(name).hexdigest()
        root.mkdir()
        Path(os.fsdecode(os.path.join(os.fsencode(root), name))).write_bytes(b"")
        with pytest.raises(InputError, match="holds a file of the name"):
            fetch(server, str(root), None)


def test_a_place_with_too_many_files_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_files, "MOST_FILES", 5)
    for at in range(6):
        (tmp_path / f"f{at}").write_bytes(b"x")
    with pytest.raises(InputError, match="more than 5 files"):
        fetch(MlflowServer("http://127.0.0.1:9", {}), str(tmp_path), None)


def test_a_rollback_whose_download_breaks_changes_nothing(server: StandIn) -> None:
    before = dict(server.aliases), {version: dict(tags) for version, tags in server.tags.items()}
    server.refuses = "GET mlflow-artifacts/artifacts/0/models/m-2"
    with pytest.raises(InputError, match="403"):
        rollback_alias(AliasRollback(server.address, "digits"))
    assert (dict(server.aliases), server.tags) == before
    server.refuses = "nothing"
    assert rollback_alias(AliasRollback(server.address, "digits")).takes == "2"


def test_to_undo_twice_or_after_somebody_elses_change_is_refused(server: StandIn) -> None:
    asked = AliasRollback(server.address, "digits", undo=True)
    with pytest.raises(InputError, match="digits@champion"):
        rollback_alias(asked)
    rollback_alias(AliasRollback(server.address, "digits"))
    server.aliases["champion"] = "1"
    with pytest.raises(InputError, match="from 3 to 2"):
        rollback_alias(asked)
    assert server.aliases == {"champion": "1"}
    server.aliases["champion"] = "2"
    assert rollback_alias(asked).takes == "3"
    with pytest.raises(InputError, match="is left to undo"):
        rollback_alias(asked)


@pytest.mark.parametrize("told", ["{}", "nonsense", '[{"bad": 3}]', "[1]", '[{"time": "yesterday"}]', "null"])
def test_a_history_of_another_kind_is_told_with_where_it_is(server: StandIn, told: str) -> None:
    server.tags[None]["caponier.rollbacks.champion"] = told
    with pytest.raises(InputError, match="cannot be read") as refused:
        rollback_alias(AliasRollback(server.address, "digits"))
    assert "caponier.rollbacks.champion" in str(refused.value)
    assert server.aliases == {"champion": "3"}


@pytest.mark.parametrize("back", ["POST mlflow/registered-models/set-tag", "POST mlflow/model-versions/set-tag"])
def test_whatever_step_is_refused_leaves_all_as_it_was(server: StandIn, back: str) -> None:
    server.tags["3"]["owner"] = "ada"
    before = dict(server.aliases), {version: dict(tags) for version, tags in server.tags.items()}
    server.refuses = back
    with pytest.raises(InputError, match="403"):
        rollback_alias(AliasRollback(server.address, "digits"))
    assert (dict(server.aliases), server.tags) == before
