import pickle
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from caponier.engines import spool as module
from caponier.engines.shares import bucket_of
from caponier.engines.spool import SEPARATOR, Spool, caller_of, connected, scale_sample, sorted_by_time, sorted_events
from caponier.records.event import EVENT_SCHEMA
from engines.logs import SECOND, START, events, filled, rows

HOSTILE = ["m'; drop table events; --", 'm"', "m\\", "数 model", "events", "a/b@c", "m%_", "$1", "?"]


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool() as opened:
        yield opened


def read(spool: Spool, model: str = "m", size: int = 2, **how: Any) -> list[dict[str, Any]]:
    with connected(spool) as connection:
        batches = list(sorted_events(connection, model, size, how.pop("rows", 1000), **how))
    return [row for batch in batches for row in batch.to_pylist()]


def subject_of(**columns: Any) -> str | None:
    with Spool() as spool:
        filled(spool, rows(1, **{"principal": None} | columns))
        found = read(spool)
        return found[0]["subject"] if found else None


class TestSubjects:
    def test_a_principal_is_the_subject(self) -> None:
        assert subject_of(principal="k", session="s", source_ip="1.2.3.4") == f"principal{SEPARATOR}k"

    def test_else_the_session_from_its_address(self) -> None:
        """Anybody may send any session: from elsewhere it is somebody else's."""
        assert subject_of(session="s", source_ip="1.2.3.4") == f"session{SEPARATOR}s{SEPARATOR}1.2.3.4"
        assert subject_of(session="s") == f"session{SEPARATOR}s{SEPARATOR}"

    @pytest.mark.parametrize("status", [401, 403])
    def test_whoever_was_turned_away_is_known_by_the_address_alone(self, status: int) -> None:
        claimed = {"principal": "k", "session": "s", "status": status}
        assert subject_of(**claimed, source_ip="1.2.3.4") == f"address{SEPARATOR}1.2.3.4{SEPARATOR}"
        assert subject_of(**claimed) is None
        assert subject_of(**claimed | {"status": 404}) == f"principal{SEPARATOR}k"

    @pytest.mark.parametrize("session", ["s", "a b", f"s{SEPARATOR}10.0.0.9", "s from address:10.0.0.9"])
    def test_no_session_passes_for_one_from_elsewhere(self, session: str) -> None:
        named = subject_of(session=session, source_ip="1.2.3.4")
        assert named is not None
        assert caller_of(named).sender == "address:1.2.3.4"
        assert caller_of(subject_of(session=session) or "").sender is None

    def test_else_the_address_and_the_agent(self) -> None:
        address = subject_of(source_ip="1.2.3.4", user_agent="curl")
        assert address == f"address{SEPARATOR}1.2.3.4{SEPARATOR}curl"
        assert subject_of(source_ip="1.2.3.4") == f"address{SEPARATOR}1.2.3.4{SEPARATOR}"

    def test_else_nobody(self) -> None:
        assert subject_of() is None
        assert subject_of(user_agent="curl") is None

    @pytest.mark.parametrize("column", ["principal", "session"])
    def test_an_empty_name_is_none(self, column: str) -> None:
        assert subject_of(**{column: "", "source_ip": "1.2.3.4"}) == f"address{SEPARATOR}1.2.3.4{SEPARATOR}"
        assert subject_of(**{column: ""}) is None
        assert subject_of(source_ip="") is None

    def test_a_principal_is_not_a_session_of_the_same_name(self, spool: Spool) -> None:
        filled(spool, [*rows(1, principal="x"), *rows(1, principal=None, session="x")])
        assert len({row["subject"] for row in read(spool)}) == 2

    def test_each_event_falls_back_by_itself(self, spool: Spool) -> None:
        filled(spool, rows(4, principal=lambda i: "k" if i % 2 else None, session="s"))
        assert [row["subject"][0] for row in read(spool)] == ["p", "p", "s", "s"]

    def test_buckets_depend_on_the_name_alone(self) -> None:
        assert bucket_of("principal\x1fk") == 3953315717 == bucket_of(f"principal{SEPARATOR}k")


class TestOrder:
    def test_events_come_by_subject_time_source_and_seq(self, spool: Spool) -> None:
        late = rows(2, principal=lambda i: "ab"[i], time=START)
        early = rows(3, principal="b", time=lambda i: START - (i // 2) * SECOND)
        filled(spool, late, early)
        places = [(row["subject"][-1], row["time"], row["source"], row["seq"]) for row in read(spool)]
        assert places == sorted(places)
        assert places == [
            ("a", START, 0, 0),
            ("b", START - SECOND, 1, 2),
            *(("b", START, s, q) for s, q in [(0, 1), (1, 0), (1, 1)]),
        ]

    @pytest.mark.parametrize("size", [1, 2, 7, 100])
    def test_batches_have_the_size_asked_for(self, size: int, spool: Spool) -> None:
        filled(spool, rows(10))
        with connected(spool) as connection:
            lengths = [len(batch) for batch in sorted_events(connection, "m", 2, size)]
        assert sum(lengths) == 10
        assert max(lengths) <= max(size, 10 if size >= 10 else size)

    def test_a_condition_picks_subjects(self, spool: Spool) -> None:
        filled(spool, rows(20, principal=lambda i: f"p{i}"))
        parts = [read(spool, where=f"bucket % 3 = {share}") for share in range(3)]
        assert sorted(row["seq"] for part in parts for row in part) == list(range(20))

    def test_inputs_of_another_length_and_events_of_nobody_are_left_out(self, spool: Spool) -> None:
        inputs = [[1.0, 2.0], [1.0], None, [], [1.0, 2.0, 3.0]]
        filled(spool, [*rows(5, input=lambda i: inputs[i]), *rows(1, principal=None)])
        assert [row["input"] for row in read(spool)] == [[1.0, 2.0], None]


class TestSummary:
    def test_what_there_is_is_counted(self, spool: Spool) -> None:
        part = rows(
            6,
            model=lambda i: "b" if i == 5 else "a",
            model_version=lambda i: "2" if i else "1",
            principal=lambda i: [None, "", "k", "k", "l", "z"][i],
            input=lambda i: None if i == 0 else [1.0] * (3 if i == 1 else 2),
            label=lambda i: "x" if i > 3 else None,
            scores=lambda i: [0.5, 0.5] if i == 3 else None,
            input_shape=[1, 2],
        )
        first, second = filled(spool, part).models()
        assert (first.model, first.version, first.events, first.attributed) == ("a", "2", 5, 3)
        assert (first.inputs, first.labels, first.scores, first.principals) == (4, 1, 1, 2)
        assert first.lengths == {2: 3, 3: 1}
        assert first.shape == [1, 2]
        assert (first.first_time, first.last_time) == (START, START + 4 * SECOND)
        assert (second.model, second.events) == ("b", 1)

    def test_a_model_without_inputs_has_no_lengths(self, spool: Spool) -> None:
        (only,) = filled(spool, rows(2, input=None)).models()
        assert (only.lengths, only.inputs, only.shape) == ({}, 0, [])

    def test_empty_inputs_are_no_inputs(self, spool: Spool) -> None:
        (only,) = filled(spool, rows(2, input=lambda _: [])).models()
        assert (only.lengths, only.inputs) == ({}, 0)

    def test_an_empty_spool_has_no_models(self, spool: Spool) -> None:
        assert filled(spool).models() == []
        assert read(spool) == []


class TestHostileNames:
    @pytest.mark.parametrize("model", HOSTILE)
    def test_a_name_is_never_a_statement(self, model: str, spool: Spool) -> None:
        filled(spool, [*rows(3, model=model), *rows(2, model="other", input=lambda _: [1.0])])
        assert {summary.model: summary.events for summary in spool.models()} == {model: 3, "other": 2}
        assert len(read(spool, model)) == 3
        assert [one.line for one in spool.wrong_lengths(model, 7)] == [1, 2, 3]
        assert scale_sample(spool, model, 2).shape == (3, 2)

    def test_names_of_subjects_survive(self, spool: Spool) -> None:
        filled(spool, rows(len(HOSTILE), principal=lambda i: HOSTILE[i]))
        assert {row["subject"].partition(SEPARATOR)[2] for row in read(spool)} == set(HOSTILE)


class TestPlaces:
    def test_whole_events_come_back_by_their_place(self, spool: Spool) -> None:
        filled(spool, rows(3, event_id=lambda i: f"a{i}"), rows(3, event_id=lambda i: f"b{i}"))
        found = spool.events([(0, 1), (1, 2)])
        assert {place: event["event_id"] for place, event in found.items()} == {(0, 1): "a1", (1, 2): "b2"}
        assert found[0, 1]["time"].tzinfo is not None

    def test_a_place_that_is_not_there_gives_nothing(self, spool: Spool) -> None:
        assert filled(spool, rows(1)).events([(0, 99), (7, 0)]) == {}

    def test_a_source_in_several_parts_is_one(self, spool: Spool) -> None:
        for _ in range(2):
            spool.write(events(rows(1), "same"))
        spool.write(events(rows(1), "next"))
        spool.seal()
        assert spool.sources == ["same", "next"]

    def test_wrong_lengths_name_file_and_line(self, spool: Spool) -> None:
        filled(spool, rows(2), rows(3, input=lambda i: [0.0] * (1 + i)))
        found = list(spool.wrong_lengths("m", 2))
        assert [(one.file, one.line) for one in found] == [("log-1", 1), ("log-1", 3)]
        assert found[0].reason == "input of the wrong length: 1 values where m takes 2"


class TestSample:
    def test_a_small_log_is_taken_whole(self, spool: Spool) -> None:
        filled(spool, rows(50))
        assert scale_sample(spool, "m", 2)[:, 0].tolist() == list(range(50))

    def test_a_large_one_is_thinned_evenly_whatever_stands_between_its_events(self, spool: Spool) -> None:
        n = 50_000
        filled(spool, rows(2 * n, model=lambda i: "ab"[i % 2], input=lambda i: [float(i)]))
        for model in "ab":
            sample = scale_sample(spool, model, 1)
            assert 20_000 <= len(sample) <= 40_000
            assert abs(np.median(sample) - n) < n / 50


class TestFolder:
    def test_it_is_private_and_goes_with_the_spool(self) -> None:
        with Spool() as spool:
            filled(spool, rows(1))
            folder = spool.folder
            assert folder.stat().st_mode & 0o077 == 0
        assert not folder.exists()

    def test_it_goes_when_something_breaks_while_writing(self) -> None:
        spool = Spool()
        with pytest.raises(AttributeError), spool:
            spool.write(None)
        assert not spool.folder.exists()

    def test_it_goes_when_something_breaks_after_writing(self) -> None:
        spool = Spool()
        spool.write(events(rows(1)))
        with pytest.raises(ZeroDivisionError), spool:
            _ = 1 / 0
        assert not spool.folder.exists()

    def test_sorting_keeps_to_its_memory_and_spills_into_the_folder(self, spool: Spool) -> None:
        filled(spool, rows(1))
        with connected(spool) as connection:
            query = "select current_setting('memory_limit'), current_setting('temp_directory')"
            ((limit, folder),) = connection.execute(query).fetchall()
        assert limit.endswith("MiB")
        assert float(limit.split()[0]) <= 256
        assert folder == str(spool.folder / "sort")


class TestDatabase:
    def test_it_is_opened_once_a_spool_and_closed_with_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[duckdb.DuckDBPyConnection] = []
        connect = duckdb.connect

        def watched(*given: Any, **options: Any) -> duckdb.DuckDBPyConnection:
            opened.append(connect(*given, **options))
            return opened[-1]

        monkeypatch.setattr(duckdb, "connect", watched)
        with Spool() as spool:
            filled(spool, rows(3))
            for _ in range(2):
                with connected(spool) as connection:
                    assert connection.execute("select count(*) from events").fetchone() == (3,)
            assert [summary.events for summary in spool.models()] == [3]
            (database,) = opened
        with pytest.raises(duckdb.ConnectionException):
            database.execute("select 1")

    def test_two_queries_go_on_beside_each_other(self, spool: Spool) -> None:
        filled(spool, rows(5))
        with connected(spool) as one, connected(spool) as other:
            first, second = (each.execute("select seq from events order by seq") for each in (one, other))
            pairs = [(first.fetchone(), second.fetchone()) for _ in range(5)]
        assert pairs == [((n,), (n,)) for n in range(5)]

    def test_what_one_connection_brings_is_not_there_for_the_next(self, spool: Spool) -> None:
        filled(spool, rows(1))
        with connected(spool) as one:
            one.register("wanted", pa.table({"n": [1]}))
        with connected(spool) as other, pytest.raises(duckdb.CatalogException):
            other.execute("select * from wanted")

    def test_events_that_were_taken_in_later_are_there(self, spool: Spool) -> None:
        for number, source in enumerate("ab", 1):
            part = spool.following(len(spool.sources))
            part.write(events(rows(number), source))
            part.seal()
            spool.absorb(part, source)
            with connected(spool) as connection:
                assert connection.execute("select count(*) from events").fetchone() == (number * (number + 1) // 2,)

    def test_it_stays_here_when_the_spool_goes_to_another_process(self, spool: Spool) -> None:
        filled(spool, rows(2))
        with connected(spool):
            there = pickle.loads(pickle.dumps(spool))
        assert there == spool
        with connected(there) as connection:
            assert connection.execute("select count(*) from events").fetchone() == (2,)

    def test_times_are_in_utc_and_what_was_read_is_not_held(self, spool: Spool) -> None:
        filled(spool, rows(1))
        query = "select current_setting('timezone'), current_setting('enable_external_file_cache')"
        with connected(spool) as connection:
            assert connection.execute(query).fetchone() == ("UTC", False)


def test_nothing_is_drawn_on_standard_output(spool: Spool) -> None:
    filled(spool, rows(1))
    with connected(spool) as connection:
        assert connection.execute("select current_setting('enable_progress_bar')").fetchone() == (False,)


def test_all_events_come_back_by_time_as_one_log(spool: Spool) -> None:
    spool.write(events(rows(3, signals=[("some", 0.5)]), "a"))
    spool.write(events([row | {"time": row["time"] - SECOND, "model": "other"} for row in rows(2)], "b"))
    spool.seal()
    batches = list(sorted_by_time(spool, 2))
    assert [batch.num_rows for batch in batches] == [2, 2, 1]
    assert all(batch.schema == EVENT_SCHEMA for batch in batches)
    made = [row for batch in batches for row in batch.to_pylist()]
    assert [(row["model"], row["input"][0]) for row in made] == [
        ("other", 0.0),
        ("m", 0.0),
        ("other", 1.0),
        ("m", 1.0),
        ("m", 2.0),
    ]
    assert made[1]["signals"] == [("some", 0.5)]


class TestWrittenInOrder:
    def places(self, spool: Spool) -> list[tuple[int, int]]:
        with connected(spool) as connection:
            return connection.sql(f"select source, seq from events {spool.by_time}").fetchall()

    def test_a_log_that_is_in_order_is_not_sorted_again(self, spool: Spool) -> None:
        filled(spool, rows(3, time=START), rows(3, time=lambda i: START + i * SECOND))
        assert (spool.in_order, spool.by_time) == (True, "")
        assert self.places(spool) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]

    def test_groups_of_rows_keep_their_order(self, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "GROUP_ROWS", 7)
        filled(spool, *(rows(100, time=lambda i, at=at: START + (100 * at + i) * SECOND) for at in range(5)))
        assert spool.in_order
        assert self.places(spool) == [(source, seq) for source in range(5) for seq in range(100)]

    @pytest.mark.parametrize(
        "parts",
        [
            [rows(3, time=lambda i: START - i * SECOND)],
            [rows(3, seq=lambda i: 3 - i, time=START)],
            [rows(2, seq=0, time=START)],
            [rows(2, time=START + 1), rows(2, time=START)],
            [rows(2), rows(2)],
        ],
    )
    def test_any_other_log_is_sorted(self, parts: list[list[dict[str, Any]]], spool: Spool) -> None:
        filled(spool, *parts, rows(1, time=START + 9 * SECOND))
        assert not spool.in_order
        with connected(spool) as connection:
            query = f"select epoch_us(time), source, seq from events {spool.by_time}"
            assert (found := connection.sql(query).fetchall()) == sorted(found)

    def test_a_source_that_begins_anew_is_sorted(self, spool: Spool) -> None:
        for _ in range(2):
            spool.write(events(rows(2, time=START), "same"))
        spool.seal()
        assert not spool.in_order

    def test_empty_batches_change_nothing(self, spool: Spool) -> None:
        filled(spool, [], rows(2), [], rows(2, time=START + 5 * SECOND))
        assert spool.in_order
        assert len(self.places(spool)) == 4


def test_inputs_are_counted_while_they_are_written(spool: Spool) -> None:
    lengths = [[1.0], [1.0, 2.0], None, [], [2.0]]
    for turn in range(2):
        spool.write(events(rows(5, model=lambda i: "ab"[i % 2], input=lambda i: lengths[i]), f"log-{turn}"))
    spool.seal()
    assert {one.model: (one.lengths, one.inputs) for one in spool.models()} == {"a": ({1: 4}, 4), "b": ({2: 2}, 2)}
    assert not list(spool.wrong_lengths("a", 1))
    # An empty input has a length, too, and the wrong one.
    assert [one.line for one in spool.wrong_lengths("b", 2)] == [4, 4]


@pytest.mark.parametrize(("width", "megabytes"), [(2, 256), (200, 256), (500, 640), (150_528, 1_024)])
def test_wide_events_have_more_room_to_be_sorted_in(spool: Spool, width: int, megabytes: int) -> None:
    """Of 200,000 events with 500 numbers a fixed 256 MB could not even hold the ends of all sorted runs."""
    spool._lengths["m", width] += 1
    assert spool.sort_mb == megabytes
