"""Logs of which one half says what was asked, and another one who asked or what was answered."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from telemetry.native_logs.servers import answered, tensor
from telemetry.native_logs.shape import json_text, lines, shape
from telemetry.native_logs.traffic import Query

Queries = Sequence[Query]


@shape("azure-ml-collector", "time input label request_id")
def azure(folder: Path, queries: Queries) -> list[Path]:
    """Inputs and outputs stand in two folders, joined by `correlationid`."""

    def event(q: Query, kind: str, data: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": f"{kind}-{q.request_id}",
            "source": "/subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w",
            "type": f"azureml.inference.model_{kind}puts",
            "datacontenttype": "application/json",
            "time": q.iso,
            "data": data,
            "correlationid": q.request_id,
            "collectdatatype": "pandas.core.frame.DataFrame",
            "agent": "azureml-ai-monitoring/0.1.0b4",
        }

    asked = lines(folder / "model_inputs.jsonl", [event(q, "in", [q.named]) for q in queries])
    said = lines(folder / "model_outputs.jsonl", [event(q, "out", [{"label": q.label}]) for q in reversed(queries)])
    return [*asked, *said]


@shape("service-log-and-nginx-log", "time source_ip input label status request_id")
def with_nginx(folder: Path, queries: Queries) -> list[Path]:
    """The gateway hands its `$request_id` on, and both log it."""
    asked = [{"ts": q.iso, "request_id": q.request_id, "features": q.named, "prediction": q.label} for q in queries]
    told = [
        {
            "time_iso8601": q.time.isoformat(timespec="milliseconds"),
            "remote_addr": q.address,
            "status": "200",
            "request_id": q.request_id,
            "uri": "/predict",
        }
        for q in queries
    ]
    return [*lines(folder / "service.jsonl", asked), *lines(folder / "nginx.jsonl", told)]


@shape("kserve-and-envoy", "time source_ip input label scores latency_ms status request_id")
def with_envoy(folder: Path, queries: Queries) -> list[Path]:
    rows = []
    for q in queries:
        about = {"id": q.request_id, "time": q.iso, "inferenceservicename": "fraud", "specversion": "1.0"}
        kind = "org.kubeflow.serving.inference"
        rows += [{**about, "type": f"{kind}.response", "data": answered(q)}]
        rows += [{**about, "type": f"{kind}.request", "data": tensor(q)}]
    access = [
        f'[{q.iso}] "POST /v2/models/fraud/infer HTTP/1.1" 200 - via_upstream - "-" 120 230 {q.took_ms:.0f} 4 '
        f'"{q.address}" "python-requests/2.32" "{q.request_id}" "fraud.ml" "10.0.0.3:8080"'
        for q in reversed(queries)
    ]
    return [*lines(folder / "access.log", access), *lines(folder / "kserve.jsonl", rows)]


@shape("request-and-response-lines", "time principal input label scores latency_ms status request_id")
def two_lines(folder: Path, queries: Queries) -> list[Path]:
    """One log, two records a request, and answers overtake each other."""
    rows: list[dict[str, Any]] = [
        {"ts": q.iso, "event": "request", "request_id": q.request_id, "user": q.caller, "features": q.x}
        for q in queries
    ]
    for q in sorted(queries, key=lambda one: (one.at // 7, -one.at)):
        said = {"prediction": q.label, "probabilities": q.scores, "latency_ms": q.took_ms, "status_code": 200}
        rows.append({"ts": q.iso, "event": "response", "request_id": q.request_id, **said})
    return lines(folder / "app.log", rows)


@shape("requests-and-responses-in-two-files", "time principal input scores request_id")
def two_files(folder: Path, queries: Queries) -> list[Path]:
    asked = [
        {"timestamp": q.epoch, "id": q.at, "request_id": q.request_id, "user": q.caller, "body": json_text(tensor(q))}
        for q in queries
    ]
    said = [
        {"timestamp": q.epoch + 0.02, "request_id": q.request_id, "probabilities": q.scores} for q in reversed(queries)
    ]
    return [*lines(folder / "a-responses.jsonl", said), *lines(folder / "b-requests.jsonl", asked)]
