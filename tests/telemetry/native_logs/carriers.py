"""One service's JSON lines, as what carries logs hands them on: container run-times, shippers, log stores."""

import bz2
import gzip
import lzma
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import zstandard

from telemetry.native_logs.shape import json_text, lines, shape, table
from telemetry.native_logs.traffic import COLUMNS, Query

Queries = Sequence[Query]
ALL = "time principal input label scores latency_ms status request_id"


def record(q: Query) -> dict[str, Any]:
    """What a web service writes of one prediction."""
    return {
        "ts": q.iso,
        "level": "info",
        "request_id": q.request_id,
        "user": q.caller,
        "features": q.named,
        "prediction": q.label,
        "probabilities": list(q.scores),
        "latency_ms": q.took_ms,
        "status_code": 200,
    }


def other(q: Query) -> dict[str, Any]:
    """What it writes besides."""
    return {"ts": q.iso, "level": "info", "event": "cache refreshed"}


def text(q: Query) -> str:
    return json_text(record(q))


@shape("plain-json-lines", ALL)
def plain(folder: Path, queries: Queries) -> list[Path]:
    return lines(folder / "app.jsonl", [record(q) for q in queries])


@shape("json-lines-among-others", ALL)
def among_others(folder: Path, queries: Queries) -> list[Path]:
    rows: list[dict[str, Any]] = []
    for q in queries:
        rows += [other(q), record(q)] if q.at % 4 == 0 else [record(q)]
    return lines(folder / "app.log", rows)


@shape("kubernetes-cri", ALL)
def cri(folder: Path, queries: Queries) -> list[Path]:
    """Long lines come in pieces: P until the last one, F."""
    rows = []
    for q in queries:
        whole, stamp = text(q), f"{q.time + timedelta(milliseconds=3):%Y-%m-%dT%H:%M:%S.%f}123Z"
        if q.at % 5 == 0:
            rows += [f"{stamp} stdout P {whole[:50]}", f"{stamp} stdout F {whole[50:]}"]
        else:
            rows.append(f"{stamp} stdout F {whole}")
    return lines(folder / "0.log", rows)


@shape("docker-json-file", ALL)
def docker(folder: Path, queries: Queries) -> list[Path]:
    rows = []
    for q in queries:
        whole, stamp = text(q) + "\n", f"{q.time:%Y-%m-%dT%H:%M:%S.%f}000Z"
        parts = [whole[:60], whole[60:]] if q.at % 5 == 0 else [whole]
        rows += [{"log": part, "stream": "stdout", "time": stamp} for part in parts]
    return lines(folder / "0a1b-json.log", rows)


@shape("docker-compose", ALL)
def compose(folder: Path, queries: Queries) -> list[Path]:
    return lines(folder / "compose.log", [f"predictor-1  | {text(q)}" for q in queries])


@shape("fluent-bit-json-lines", ALL)
def fluent_bit(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "date": q.epoch,
            "stream": "stdout",
            "_p": "F",
            "log": text(q),
            "kubernetes": {"pod_name": "predictor-7d", "namespace_name": "ml", "labels": {"app": "fraud"}},
        }
        for q in queries
    ]
    return lines(folder / "fluent.json", rows)


@shape("fluent-bit-file-plain", ALL)
def fluent_bit_file(folder: Path, queries: Queries) -> list[Path]:
    """Its output `file`: a tag, a time, and the record."""
    return lines(folder / "kube.log", [f"kube.predictor: [{q.epoch:.9f}, {text(q)}]" for q in queries])


@shape("vector", ALL)
def vector(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "file": "/var/log/app.log",
            "host": "node-1",
            "message": text(q),
            "source_type": "file",
            "timestamp": q.iso,
        }
        for q in queries
    ]
    return lines(folder / "vector.json", rows)


@shape("cloudwatch-filter-events", ALL)
def cloudwatch(folder: Path, queries: Queries) -> list[Path]:
    """What `aws logs filter-log-events` prints."""
    held = {
        "events": [
            {
                "logStreamName": "predictor",
                "timestamp": int(q.epoch * 1000),
                "message": text(q),
                "ingestionTime": int(q.epoch * 1000) + 900,
                "eventId": str(10**55 + q.at),
            }
            for q in queries
        ],
        "searchedLogStreams": [],
    }
    path = folder / "cloudwatch.json"
    path.write_bytes(orjson.dumps(held, option=orjson.OPT_INDENT_2))
    return [path]


@shape("cloudwatch-subscription", ALL)
def subscription(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": "/ecs/predictor",
            "logStream": "s",
            "subscriptionFilters": ["all"],
            "logEvents": [
                {"id": str(10**55 + q.at), "timestamp": int(q.epoch * 1000), "message": text(q)}
                for q in queries[begin : begin + 7]
            ],
        }
        for begin in range(0, len(queries), 7)
    ]
    return lines(folder / "firehose.json", rows)


@shape("cloudwatch-export-s3", ALL)
def exported(folder: Path, queries: Queries) -> list[Path]:
    data = b"".join(
        f"{q.time:%Y-%m-%dT%H:%M:%S}.{q.time.microsecond // 1000:03d}Z {text(q)}\n".encode() for q in queries
    )
    path = folder / "000000.gz"
    path.write_bytes(gzip.compress(data))
    return [path]


@shape("cloudwatch-insights-csv", ALL)
def insights(folder: Path, queries: Queries) -> list[Path]:
    rows = [[f"{q.time:%Y-%m-%d %H:%M:%S.%f}"[:-3], text(q)] for q in queries]
    return table(folder / "logs-insights-results.csv", ["@timestamp", "@message"], rows)


def otlp(value: Any) -> dict[str, Any]:
    """Write a value as OTLP's JSON does."""
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [otlp(one) for one in value]}}
    return {"kvlistValue": {"values": pairs(value)}}


def pairs(held: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": otlp(value)} for key, value in held.items()]


def resource_logs(records: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": pairs({"service.name": "predictor"})},
                "scopeLogs": [{"scope": {"name": "app"}, "logRecords": records}],
            }
        ]
    }


@shape("opentelemetry-body-text", ALL)
def otel_body(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        resource_logs(
            [
                {
                    "timeUnixNano": str(int(q.epoch * 1e6) * 1000),
                    "severityText": "INFO",
                    "body": {"stringValue": text(q)},
                    "traceId": f"{q.at:032x}",
                }
                for q in queries[begin : begin + 10]
            ]
        )
        for begin in range(0, len(queries), 10)
    ]
    return lines(folder / "otel.json", rows)


@shape("opentelemetry-attributes", ALL.replace(" latency_ms", ""))
def otel_attributes(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        resource_logs(
            [
                {
                    "timeUnixNano": str(int(q.epoch * 1e6) * 1000),
                    "body": {"stringValue": "prediction"},
                    "attributes": pairs(
                        {
                            "request_id": q.request_id,
                            "user": q.caller,
                            "features": q.named,
                            "prediction": q.label,
                            "probabilities": list(q.scores),
                            "http.status_code": 200,
                        }
                    ),
                }
                for q in queries
            ]
        )
    ]
    return lines(folder / "otel-attributes.json", rows)


@shape("datadog-archive", ALL)
def datadog(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "_id": f"AQAAAY{q.at:010d}",
            "date": q.iso,
            "service": "predictor",
            "host": "i-0ab",
            "source": "python",
            "status": "info",
            "message": "prediction",
            "attributes": {name: value for name, value in record(q).items() if name != "level"},
            "tags": ["env:prod"],
        }
        for q in queries
    ]
    path = folder / "archive_093000.1.json.gz"
    path.write_bytes(gzip.compress(b"".join(orjson.dumps(row) + b"\n" for row in rows)))
    return [path]


@shape("datadog-csv", ALL)
def datadog_csv(folder: Path, queries: Queries) -> list[Path]:
    rows = [[q.iso, "i-0ab", "predictor", text(q)] for q in queries]
    return table(folder / "extract.csv", ["Date", "Host", "Service", "Message"], rows, quoting=1)


@shape("google-cloud-logging", ALL)
def stackdriver(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "insertId": f"i{q.at}",
            "jsonPayload": record(q),
            "resource": {"type": "k8s_container", "labels": {"pod_name": "p"}},
            "timestamp": q.iso,
            "severity": "INFO",
            "logName": "projects/p/logs/stdout",
            "receiveTimestamp": q.iso,
        }
        for q in queries
    ]
    path = folder / "downloaded-logs.json"
    path.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
    return [path]


@shape("journald-json", ALL)
def journald(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "__CURSOR": f"s={q.at}",
            "__REALTIME_TIMESTAMP": str(int(q.epoch * 1e6)),
            "_HOSTNAME": "node-1",
            "SYSLOG_IDENTIFIER": "predictor",
            "MESSAGE": text(q),
            "PRIORITY": "6",
        }
        for q in queries
    ]
    return lines(folder / "journal.json", rows)


@shape("loki-logcli", ALL)
def loki(folder: Path, queries: Queries) -> list[Path]:
    rows = [{"labels": {"app": "predictor"}, "line": text(q), "timestamp": q.iso} for q in queries]
    return lines(folder / "loki.jsonl", rows)


@shape("splunk-export", ALL)
def splunk(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {"preview": False, "offset": q.at, "result": {"_raw": text(q), "_time": q.iso, "host": "node-1"}}
        for q in queries
    ]
    return lines(folder / "splunk.json", rows)


@shape("syslog-rfc3164", ALL)
def syslog(folder: Path, queries: Queries) -> list[Path]:
    return lines(folder / "syslog.log", [f"{q.time:%b %e %H:%M:%S} node-1 predictor[812]: {text(q)}" for q in queries])


@shape("syslog-rfc5424", ALL)
def syslog_new(folder: Path, queries: Queries) -> list[Path]:
    return lines(folder / "messages.log", [f"<134>1 {q.iso} node-1 predictor 812 - - {text(q)}" for q in queries])


@shape("python-logging-prefix", ALL)
def python_logging(folder: Path, queries: Queries) -> list[Path]:
    """The record has no time of its own: the line's counts."""
    rows = []
    for q in queries:
        held = {name: value for name, value in record(q).items() if name != "ts"}
        stamp = f"{q.time:%Y-%m-%d %H:%M:%S},{q.time.microsecond // 1000:03d}"
        rows.append(f"{stamp} - predictor - INFO - {json_text(held)}")
    return lines(folder / "predictor.log", rows)


@shape("uvicorn-mixed", ALL)
def uvicorn(folder: Path, queries: Queries) -> list[Path]:
    rows = ["INFO:     Started server process [1]", "INFO:     Application startup complete."]
    for q in queries:
        rows += [text(q), f'INFO:     {q.address}:5{q.at:04d} - "POST /predict HTTP/1.1" 200 OK']
    return lines(folder / "stdout.log", rows)


@shape("python-json-logger", ALL)
def python_json(folder: Path, queries: Queries) -> list[Path]:
    rows = []
    for q in queries:
        held = {name: value for name, value in record(q).items() if name not in ("ts", "level")}
        stamp = f"{q.time:%Y-%m-%d %H:%M:%S},{q.time.microsecond // 1000:03d}"
        rows.append({"asctime": stamp, "levelname": "INFO", "name": "app", "message": "prediction", **held})
    return lines(folder / "json-logger.log", rows)


@shape("loguru-serialised", ALL)
def loguru(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "text": f"{q.time:%Y-%m-%d %H:%M:%S} | INFO | app:predict:41 - prediction\n",
            "record": {
                "elapsed": {"repr": "0:00:01", "seconds": 1.0},
                "exception": None,
                "extra": {name: value for name, value in record(q).items() if name not in ("ts", "level")},
                "level": {"icon": "i", "name": "INFO", "no": 20},
                "line": 41,
                "message": "prediction",
                "time": {"repr": f"{q.time:%Y-%m-%d %H:%M:%S.%f}+00:00", "timestamp": q.epoch},
            },
        }
        for q in queries
    ]
    return lines(folder / "loguru.json", rows)


@shape("logfmt", "time principal input label latency_ms status request_id")
def logfmt(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        f'time={q.iso} level=info msg="prediction made" request_id={q.request_id} user={q.caller} '
        f'features="{json_text(list(q.x))}" prediction={q.label} latency_ms={q.took_ms} status=200'
        for q in queries
    ]
    return lines(folder / "app-logfmt.log", rows)


@shape("pretty-printed-json", ALL)
def pretty(folder: Path, queries: Queries) -> list[Path]:
    data = b"\n".join(orjson.dumps(record(q), option=orjson.OPT_INDENT_2) for q in queries)
    path = folder / "pretty.json"
    path.write_bytes(data)
    return [path]


@shape("json-array-in-a-file", ALL)
def array(folder: Path, queries: Queries) -> list[Path]:
    path = folder / "all.json"
    path.write_text("[\n" + ",\n".join(text(q) for q in queries) + "\n]\n")
    return [path]


@shape("rotated-and-packed", ALL)
def rotated(folder: Path, queries: Queries) -> list[Path]:
    """A folder as `logrotate` leaves it."""

    def part(number: int) -> bytes:
        return b"".join(text(q).encode() + b"\n" for q in queries if q.at % 6 == number)

    inside = folder / "logs"
    inside.mkdir()
    (inside / "predictions.log").write_bytes(part(0))
    (inside / "predictions.log.1").write_bytes(part(1))
    (inside / "predictions.log.2.gz").write_bytes(gzip.compress(part(2)))
    (inside / "predictions.log-20260104.xz").write_bytes(lzma.compress(part(3)))
    (inside / "predictions.log.3.bz2").write_bytes(bz2.compress(part(4)))
    (inside / "predictions.jsonl.zst").write_bytes(zstandard.compress(part(5)))
    return [inside]


@shape("csv-with-lists-as-python-writes-them", "time principal input label scores")
def csv_repr(folder: Path, queries: Queries) -> list[Path]:
    rows = [[q.time.isoformat(), q.caller, repr(list(q.x)), q.label, repr(list(q.scores))] for q in queries]
    return table(folder / "repr.csv", ["timestamp", "user_id", "features", "prediction", "probabilities"], rows)


@shape("csv-with-numpy-arrays", "time principal input label scores")
def csv_numpy(folder: Path, queries: Queries) -> list[Path]:
    """NumPy breaks long rows into lines."""
    rows = []
    for q in queries:
        x = "[" + " ".join(f"{value:>10}" for value in q.x[:2]) + "\n " + " ".join(map(str, q.x[2:])) + "]"
        rows.append([q.time.isoformat(), q.caller, x, q.label, f"[{q.scores[0]} {q.scores[1]}]"])
    return table(folder / "numpy.csv", ["timestamp", "user_id", "features", "prediction", "probabilities"], rows)


@shape("csv-with-dicts-as-python-writes-them", "time principal input label")
def csv_dicts(folder: Path, queries: Queries) -> list[Path]:
    rows = [[q.time.isoformat(), q.caller, repr(q.named), q.label] for q in queries]
    return table(folder / "dicts.csv", ["timestamp", "user", "features", "prediction"], rows)


@shape("csv-wide-from-excel", "time principal input label", slack=1)
def excel(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        [f"{q.time:%d.%m.%Y %H:%M:%S}", q.caller, *(str(value).replace(".", ",") for value in q.x), q.label]
        for q in queries
    ]
    path = table(folder / "export.csv", ["Zeitpunkt", "Kunde", *COLUMNS, "Vorhersage"], rows, delimiter=";")[0]
    path.write_bytes(b"\xef\xbb\xbfsep=;\r\n" + path.read_bytes().replace(b"\n", b"\r\n"))
    return [path]


@shape("nginx-json-with-bodies", "time source_ip input scores status latency_ms")
def nginx_json(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "time_iso8601": q.time.isoformat(timespec="milliseconds"),
            "remote_addr": q.address,
            "request_method": "POST",
            "request_uri": "/v1/models/fraud:predict",
            "status": "200",
            "request_time": f"{q.took_ms / 1000:.3f}",
            "request_body": json_text({"instances": [list(q.x)]}),
            "resp_body": json_text({"predictions": [list(q.scores)]}),
        }
        for q in queries
    ]
    return lines(folder / "nginx.json", rows)


@shape("filebeat", ALL)
def filebeat(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "@timestamp": q.iso,
            "@metadata": {"beat": "filebeat", "type": "_doc", "version": "8.15.0"},
            "message": text(q),
            "input": {"type": "container"},
            "log": {"file": {"path": "/var/log/containers/p.log"}, "offset": q.at},
            "stream": "stdout",
            "host": {"name": "node-1"},
            "agent": {"type": "filebeat", "id": "a"},
            "ecs": {"version": "8.0.0"},
        }
        for q in queries
    ]
    return lines(folder / "filebeat.ndjson", rows)


@shape("logstash", ALL)
def logstash(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "@timestamp": q.iso,
            "@version": "1",
            "message": text(q),
            "event": {"original": text(q)},
            "host": {"name": "node-1"},
        }
        for q in queries
    ]
    return lines(folder / "logstash.log", rows)
