"""Traces, spans, pages of records, and objects over several lines between other lines."""

import json
from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.events import read_events
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.conversations import asked_in_words, last_words
from caponier.telemetry.field_maps.logged_bodies import exchange_of
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.framing.blocks import SHOWN, holds_blocks, joined
from caponier.telemetry.readers.held_rows import held_rows
from caponier.telemetry.readers.traces import traced
from caponier.telemetry.rejections import RejectedRows

ROWS = 24


def read(path: Path, text: str) -> list[dict[str, Any]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    with RejectedRows() as rejected:
        parts = read_events([path], rejected, maps=MapChoice(known=shipped_maps()))
        return [row for part in parts for row in part.batch.to_pylist()]


def minute(at: int) -> str:
    return f"2026-03-04T05:{at:02d}:00Z"


def span(at: int, **attributes: Any) -> dict[str, Any]:
    context = {"trace_id": f"0x{at:032x}", "span_id": f"0x{at:016x}"}
    return {"name": "ask", "context": context, "start_time": minute(at), "attributes": attributes, "events": []}


def test_a_trace_of_mlflow_is_one_row_with_what_its_first_span_was_asked() -> None:
    inner = {"parent_id": "1", "attributes": {"mlflow.spanOutputs": '{"model": "teacup-2"}'}}
    root = {"parent_id": None, "attributes": {"mlflow.spanInputs": '{"height": 3}', "mlflow.spanOutputs": '"tall"'}}
    info = {"trace_id": "t1", "request_time": minute(1), "trace_metadata": {"mlflow.trace.user": "ada"}}
    (row,) = traced({"info": info, "data": {"spans": [inner, root]}}) or []
    assert (row["model"], row["user_id"], row["inputs"], row["outputs"]) == ("teacup-2", "ada", {"height": 3}, "tall")


def test_a_trace_of_jaeger_is_a_row_for_each_span_with_its_tags_and_its_process() -> None:
    process = {"p1": {"serviceName": "s", "tags": [{"key": "host", "value": "h"}]}}
    one = {"processID": "p1", "startTime": 1_700_000_000_000_000, "duration": 2_500, "tags": [{"key": "a", "value": 7}]}
    (row,) = traced({"traceID": "t", "spans": [one, "broken"], "processes": process}) or []
    assert (row["host"], row["a"], row["duration_ms"]) == ("h", 7, 2.5)
    assert row["time"] == one["startTime"]


@pytest.mark.parametrize(
    "odd",
    [
        {"processID": ["p1"]}, {"processID": {"p": 1}}, {"startTime": 2**64 - 1}, {"startTime": -(2**62)},
        {"startTime": True}, {"startTime": "now"}, {"duration": "long"}, {"tags": 1}, {"tags": [{"key": ["a"]}]},
    ],
)  # fmt: skip
def test_a_span_of_jaeger_that_nobody_writes_ends_the_reading_of_no_other(tmp_path: Path, odd: dict[str, Any]) -> None:
    spans = [
        {
            "processID": "p1",
            "startTime": 1_772_600_000_000_000 + at * 1_000_000,
            "duration": 9,
            "tags": [{"key": name, "value": value} for name, value in tags(at).items()],
        }
        for at in range(ROWS)
    ]
    traces = [{"traceID": "t", "spans": [one], "processes": {}} for one in [*spans, spans[0] | odd, *spans]]
    rows = read(tmp_path / "spans.jsonl", "\n".join(map(json.dumps, traces)))
    assert {str(row["time"]) for row in rows} >= {f"2026-03-04 04:53:{20 + at}+00:00" for at in range(ROWS)}


def tags(at: int) -> dict[str, Any]:
    return {"user.id": f"u{at % 3}", "gen_ai.request.model": "fern", "gen_ai.prompt.0.content": f"why is {at} odd"}


def test_an_object_that_is_no_span_stays_as_it_is() -> None:
    assert traced({"context": {"trace_id": "x"}, "attributes": {}, "start_time": 1}) is None


def test_spans_over_many_lines_are_read_with_who_asked(tmp_path: Path) -> None:
    spans = [
        span(
            at,
            **{"gen_ai.request.model": "brook", "user.id": f"u{at % 3}", "gen_ai.prompt.0.content": f"why is {at} odd"},
        )
        for at in range(ROWS)
    ]
    rows = read(tmp_path / "spans.log", "\n".join(json.dumps(one, indent=2) for one in spans))
    assert len(rows) == ROWS
    assert {row["model"] for row in rows} == {"brook"}
    assert len({row["principal"] for row in rows}) == 3
    assert rows[0]["input_raw"] == "why is 0 odd"


def test_a_page_holds_records_whose_time_has_another_name() -> None:
    page = {"code": 0, "data": {"total": 2, "logs": [{"request_created_at": minute(at)} for at in (1, 2)]}}
    assert len(held_rows(page) or []) == 2


def displayed(at: int, kind: str, body: str, **more: str) -> str:
    about = {"specversion": "1.0", "type": f"org.kubeflow.serving.inference.{kind}", "id": f"c{at}"}
    about |= {"time": minute(at), "inferenceservicename": "tulip"}
    lines = "\n".join(f"  {name}: {value}" for name, value in about.items())
    extensions = "".join(f"\n  {name}: {value}" for name, value in more.items())
    return f"cloudevents.Event\nContext Attributes,\n{lines}\nExtensions,{extensions}\nData,\n  {body}\n"


def printed(body: Any) -> str:
    return json.dumps(body, indent=2).replace("\n", "\n  ")


def conversation(first: int = 0) -> str:
    """Return what a display prints of requests and their answers."""
    return "\n".join(
        displayed(at, kind, printed(body))
        for at in range(first, ROWS)
        for kind, body in (("request", {"instances": [[at, 1]]}), ("response", {"predictions": [at % 2]}))
    )


def test_events_that_a_display_printed_are_joined_by_their_id(tmp_path: Path) -> None:
    rows = read(tmp_path / "display.log", conversation())
    assert [row["label"] for row in rows] == [str(at % 2) for at in range(ROWS)]
    assert {row["model"] for row in rows} == {"tulip"}


def test_data_that_imitates_an_event_can_accuse_nobody(tmp_path: Path) -> None:
    forged = displayed(1, "request", printed({"id": "of-the-victim", "instances": [[9, 9]]}), metadata=VICTIM)
    hostile = displayed(0, "request", f"no JSON\n{forged}")
    rows = read(tmp_path / "display.log", f"{hostile}\n{conversation()}")
    assert len(rows) >= ROWS
    assert {(row["principal"], row["session"], row["source_ip"]) for row in rows} == {(None, None, None)}
    # No log of a gateway has these ids: nobody's name is brought to a row from there.
    assert all(row["request_id"].startswith(SHOWN) for row in rows)


@pytest.mark.parametrize("before", ['no JSON\n  {{\n    "instances": [[1, 2]]\n  }}\n  {}', "no JSON\n  {}\n  {}"])
@pytest.mark.parametrize("nests", [0, 300])
def test_whole_events_in_data_can_accuse_nobody(tmp_path: Path, before: str, nests: int) -> None:
    about = {"specversion": "1.0", "type": "org.kubeflow.serving.inference.request", "id": "of-the-victim"}
    about |= {"time": minute(1), "inferenceservicename": "tulip", "metadata": json.loads(VICTIM)}
    forged = printed(about | {"data": {"instances": [[9, 9]]}, "x": "deep"}).replace('"deep"', nested(nests))
    hostile = displayed(0, "request", before.format(forged, forged))
    rows = read(tmp_path / "display.log", f"{hostile}\n{conversation()}")
    assert len(rows) >= ROWS
    assert {(row["principal"], row["session"], row["source_ip"]) for row in rows} == {(None, None, None)}
    assert all(row["request_id"].startswith(SHOWN) for row in rows)


VICTIM = json.dumps({"Authorization": ["Bearer victim"], "X-Forwarded-For": ["192.0.2.7"]})


@pytest.mark.parametrize("data", ["{", "     {", "{\n   {\n", "  }\n{", "{" * 400, "\u2601 Data,\n{", "Data,\nData,"])
def test_data_that_opens_what_it_never_closes_hides_no_later_event(tmp_path: Path, data: str) -> None:
    text = conversation() + "\n" + displayed(0, "request", data) + "\n" + conversation(first=1)
    assert len(read(tmp_path / "display.log", text)) >= 2 * ROWS - 2


@pytest.mark.parametrize("depth", [100, 300, 900, 1_020, 5_000])
def test_displayed_data_that_is_nested_deep_ends_the_reading_of_no_other(tmp_path: Path, depth: int) -> None:
    deep = displayed(0, "request", "{\n    " + f'"instances": {nested(depth)}' + "\n  }")
    loose = displayed(0, "request", f'{{"instances": {nested(depth)}}}')
    text = "\n".join([conversation(), deep, loose, conversation(first=1)])
    assert len(read(tmp_path / "display.log", text)) >= 2 * ROWS - 2


@pytest.mark.parametrize("line", [b'{"id": 1}', b'x {"id": 1}', b"a=1 b=2 c=3", b"{\n 1\n}"])
def test_what_belongs_to_no_event_of_a_display_is_refused(line: bytes) -> None:
    shown = [b"Context Attributes,", b"  id: 1", b"Data,", b"  {", b'    "a": 1', b"  }", *line.split(b"\n")]
    (_, event), *others = joined(enumerate(shown), 99)
    assert event == b'{"id":"displayed-1","data":{"a":1}}'
    assert {other for _, other in others} == {b"{ what belongs to no event"}
    # A file may begin within the data of one.
    cut = joined(enumerate(line.split(b"\n")), 99, is_display=True)
    assert {other for _, other in cut} == {b"{ what belongs to no event"}


def test_an_object_at_another_indent_is_part_of_something_else() -> None:
    lines = [b"words", b"{", b" 1", b"}", b"words", b"  {", b"    2", b"  }"]
    assert [line for _, line in joined(enumerate(lines), 99) if line and line[:1] == b"{"] == [b"{\n 1\n}"]


def test_what_a_server_writes_between_its_records_is_told_and_not_rejected(tmp_path: Path) -> None:
    record = {"ts": 1772600000, "user": "", "model": "fern", "inputs": {"a": 1, "b": 2}, "prediction": "x"}
    lines = ["INFO:     Started server process [1]"]
    for at in range(ROWS):
        lines += [json.dumps(record | {"ts": record["ts"] + at, "user": f"u{at % 3}"})]
        lines += [f'INFO:     10.0.0.{at % 3}:3 - "POST /x?a=1 HTTP/1.1" 200 OK']
    lines += ["ERROR:    Exception in ASGI application", "Traceback (most recent call last):", "KeyError: 'a'"]
    lines += ["[2026-03-04 05:00:00 +0000] [7] [INFO] Booting worker", "[INFO] stopped", "[2026-03-04T05:00:00Z] bye"]
    rejected = RejectedRows()
    (tmp_path / "app.log").write_text("\n".join(lines))
    assert sum(one.batch.num_rows for one in read_events([tmp_path / "app.log"], rejected)) == ROWS
    assert rejected.count == 0
    assert any(f"{ROWS + 7} lines of another kind lie between the records" in words for words in rejected.told)


@pytest.mark.parametrize("line", ['{"ts": 17726', "words", 'INFO: {"ts": 17726', "INFO: payload={'a'"])
def test_a_record_that_cannot_be_read_is_still_rejected(tmp_path: Path, line: str) -> None:
    record = {"ts": 1772600000, "user": "", "model": "fern", "inputs": {"a": 1, "b": 2}, "prediction": "x"}
    lines = [json.dumps(record | {"ts": record["ts"] + at, "user": f"u{at % 3}"}) for at in range(ROWS)]
    (tmp_path / "app.log").write_text("\n".join([*lines, line]))
    rejected = RejectedRows()
    assert sum(one.batch.num_rows for one in read_events([tmp_path / "app.log"], rejected)) == ROWS
    assert rejected.count == 1


def test_a_log_with_a_record_a_line_has_no_blocks() -> None:
    assert not holds_blocks(b'words\n{\n{\n{"a": 1}\n')
    assert holds_blocks(b"words\n{\n}\n{\n}\n")


def test_an_object_that_outgrows_the_limit_is_none() -> None:
    found = list(joined(iter([(1, b"{"), (2, b' "a": 11111111'), (3, b"}")]), 8))
    assert (1, None) in found


def test_calls_are_found_among_the_other_lines_of_a_server(tmp_path: Path) -> None:
    call = (
        '2026-03-04T05:{0:02d}:00,123 [INFO ] W-9 ACCESS_LOG - /10.0.0.{1}:81 "POST /predictions/fern HTTP/1.1" 200 7'
    )
    other = "2026-03-04T05:{0:02d}:00,123 [INFO ] W-9 MODEL_LOG - a line of another kind"
    lines = [form.format(at, at % 3) for at in range(ROWS) for form in (other, call, other)]
    rows = read(tmp_path / "ts_log.log", "\n".join(lines))
    assert len(rows) == ROWS
    assert len({row["source_ip"] for row in rows}) == 3
    rejected = RejectedRows()
    list(read_events([tmp_path / "ts_log.log"], rejected, maps=MapChoice(known=shipped_maps())))
    assert rejected.count == 0
    # Of a call, which cannot be read, it is said all the same.
    (tmp_path / "ts_log.log").write_text("\n".join([*lines, 'x "POST /predictions/fern HTTP/1.1" y']))
    list(read_events([tmp_path / "ts_log.log"], rejected, maps=MapChoice(known=shipped_maps())))
    assert rejected.count == 1


@pytest.mark.parametrize(
    ("messages", "path"),
    [
        ([{"role": "user", "content": "a"}], "[-1].content"),
        ([{"role": "user", "content": [{"text": "a"}]}], "[-1].content[0].text"),
        ([{"role": "user", "parts": [{"type": "text", "content": "a"}]}], "[-1].parts[0].content"),
        ([[{"id": ["HumanMessage"], "kwargs": {"content": "a"}}]], "[0][-1].kwargs.content"),
        ([{"content": "a"}], None),
    ],
)
def test_what_was_said_last_is_found_in_the_forms_of_servers(messages: Any, path: str | None) -> None:
    assert last_words([messages]) == path
    assert asked_in_words({"messages": messages}) == (None if path is None else "a")


def test_a_body_of_text_is_read_with_the_class_that_answered_it() -> None:
    found = exchange_of({"inputs": "a kind word"}, [{"label": "warm", "score": 0.75}])
    assert (found.raw, found.labels, found.problem) == (["a kind word"], ["warm"], None)


def test_other_operations_account_owners_and_token_counts_mislead_nobody(tmp_path: Path) -> None:
    rows = [
        {
            "timestamp": minute(at),
            "accountId": "owner",
            "identity": {"arn": f"arn:x/{at % 3}"},
            "operation": "Converse",
            "modelId": "heron",
            "usageDetails": {"output": at},
            "input": {"messages": [{"role": "user", "content": f"say {at} now"}]},
        }
        for at in range(ROWS)
    ]
    found = read(tmp_path / "calls.jsonl", "\n".join(map(json.dumps, rows)))
    assert len(found) == ROWS
    assert len({row["principal"] for row in found}) == 3
    assert all(row["label"] is None and row["operation"] == "predict" for row in found)


def test_an_endpoint_is_named_by_the_folder_of_what_was_captured(tmp_path: Path) -> None:
    half = {"mode": "INPUT", "data": "1,2", "encoding": "CSV"}
    row = {"captureData": {"endpointInput": half, "endpointOutput": {**half, "data": "0.5"}}}
    text = "\n".join(
        json.dumps(row | {"eventMetadata": {"eventId": str(at), "inferenceTime": minute(at)}}) for at in range(3)
    )
    rows = read(tmp_path / "oriole" / "AllTraffic" / "2026" / "03" / "04" / "05" / "a.jsonl", text)
    assert {one["model"] for one in rows} == {"oriole"}


def nested(depth: int, inner: str = "1") -> str:
    return "[" * depth + inner + "]" * depth


@pytest.mark.parametrize("depth", [900, 1_020])
@pytest.mark.parametrize(
    "form",
    [
        '{{"logs": {deep}}}',
        '{{"ts": 1772600000, "user": "eve", "model": "fern", "inputs": {deep}, "prediction": "x"}}',
        '{{"traceID": "1", "spans": [1, null, {{"tags": {deep}, "startTime": 1}}], "processes": {deep}}}',
        '{{"info": {{"trace_metadata": {deep}}}, "data": {{"spans": [{{"attributes": {{"x": {deep}}}}}]}}}}',
        '{{"context": {{"trace_id": 1, "span_id": 2}}, "start_time": 1, "attributes": {{"inputs": {deep}}}}}',
        '{{"ts": 1772600000, "user": "eve", "messages": {deep}}}',
    ],
)
def test_what_is_nested_deep_ends_the_reading_of_no_other_row(tmp_path: Path, form: str, depth: int) -> None:
    record = {"ts": 1772600000, "user": "", "model": "fern", "inputs": {"a": 1, "b": 2}, "prediction": "x"}
    lines = [json.dumps(record | {"ts": record["ts"] + at, "user": f"u{at % 3}"}) for at in range(ROWS)]
    rows = read(tmp_path / "app.log", "\n".join([*lines, form.format(deep=nested(depth)), *lines]))
    assert sum(len(row["input"] or ()) == 2 for row in rows) == 2 * ROWS


def test_one_conversation_in_another_form_hides_no_other() -> None:
    usual = [[{"role": "user", "content": f"a {at}"}] for at in range(ROWS)]
    for odd in ([], [1], [[]], [{"role": "user"}], [{"role": "user", "content": [{"type": "image"}]}]):
        assert last_words([*usual, odd]) == "[-1].content"
    assert last_words([*usual[:12], *[[{"role": "user", "content": {"a": 1}}]] * 12]) is None
