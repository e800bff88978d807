"""Logs as model servers and clouds write them, from their published formats."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from telemetry.native_logs.shape import json_text, lines, shape, table
from telemetry.native_logs.traffic import CLASSES, COLUMNS, Query

Queries = Sequence[Query]


def tensor(q: Query) -> dict[str, Any]:
    return {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": list(q.x)}]}


def answered(q: Query) -> dict[str, Any]:
    return {
        "model_name": "fraud",
        "model_version": "3",
        "id": q.request_id,
        "outputs": [
            {"name": "predict", "shape": [1, 1], "datatype": "BYTES", "data": [q.label]},
            {"name": "predict_proba", "shape": [1, 2], "datatype": "FP64", "data": list(q.scores)},
        ],
    }


@shape("kserve-logger", "time input label scores request_id model")
def kserve(folder: Path, queries: Queries) -> list[Path]:
    rows = []
    for q in queries:
        about = {
            "specversion": "1.0",
            "id": q.request_id,
            "source": "http://localhost:9081/",
            "inferenceservicename": "fraud",
            "namespace": "ml",
            "component": "predictor",
            "time": q.iso,
        }
        rows.append({**about, "type": "org.kubeflow.serving.inference.request", "data": tensor(q)})
        rows.append({**about, "type": "org.kubeflow.serving.inference.response", "data": answered(q)})
    return lines(folder / "kserve.jsonl", rows)


@shape("mlserver-own-middleware", "time principal input label scores model")
def mlserver(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "timestamp": q.iso,
            "model_name": "fraud",
            "headers": {"x-api-key": q.caller},
            "request": tensor(q),
            "response": answered(q),
        }
        for q in queries
    ]
    return lines(folder / "mlserver.jsonl", rows)


@shape("torchserve-access", "time source_ip status latency_ms model")
def torchserve(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        f"{q.time:%Y-%m-%dT%H:%M:%S},{q.time.microsecond // 1000:03d} [INFO ] pool-2-thread-1 ACCESS_LOG - "
        f'/{q.address}:5{q.at:04d} "POST /predictions/fraud HTTP/1.1" 200 {q.took_ms:.0f}'
        for q in queries
    ]
    return lines(folder / "access_log.log", rows)


@shape("bentoml-monitoring", "time input label request_id")
def bentoml(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {**q.named, "pred": q.label, "timestamp": q.time.replace(tzinfo=None).isoformat(), "request_id": q.at + 10**18}
        for q in queries
    ]
    return lines(folder / "data.1.log", rows)


@shape("seldon-request-logger", "time input scores")
def seldon(folder: Path, queries: Queries) -> list[Path]:
    """Hits of Elasticsearch, as `elasticdump` writes them."""
    rows = [
        {
            "_index": "inference-log-seldon-default-fraud",
            "_type": "inferencerequest",
            "_id": q.request_id,
            "_source": {
                "@timestamp": q.iso,
                "RequestId": q.request_id,
                "ServiceName": "fraud",
                "request": {
                    "ce-time": q.iso,
                    "dataType": "tabular",
                    "names": list(COLUMNS),
                    "instance": list(q.x),
                    "elements": q.named,
                },
                "response": {
                    "ce-time": q.iso,
                    "names": list(CLASSES),
                    "instance": list(q.scores),
                    "elements": dict(zip(CLASSES, q.scores, strict=True)),
                },
            },
        }
        for q in queries
    ]
    return lines(folder / "seldon.json", rows)


@shape("seldon-prediction-messages", "time principal input scores")
def seldon_message(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "time": q.iso,
            "puid": q.request_id,
            "user": q.caller,
            "request": {"data": {"names": list(COLUMNS), "ndarray": [list(q.x)]}},
            "response": {"data": {"names": list(CLASSES), "ndarray": [list(q.scores)]}, "meta": {}},
        }
        for q in queries
    ]
    return lines(folder / "seldon-messages.jsonl", rows)


def captured(q: Query, encoding: str) -> dict[str, Any]:
    asked, said = ",".join(map(str, q.x)), ",".join(map(str, q.scores))
    if encoding == "JSON":
        asked, said = json_text({"instances": [list(q.x)]}), json_text({"predictions": [list(q.scores)]})
    if encoding == "BASE64":
        asked, said = (base64.b64encode(one.encode()).decode() for one in (asked, said))
    kind = {"JSON": "application/json"}.get(encoding, "text/csv")
    return {
        "captureData": {
            "endpointInput": {"observedContentType": kind, "mode": "INPUT", "data": asked, "encoding": encoding},
            "endpointOutput": {"observedContentType": kind, "mode": "OUTPUT", "data": said, "encoding": encoding},
        },
        "eventMetadata": {"eventId": q.request_id, "inferenceTime": f"{q.time:%Y-%m-%dT%H:%M:%SZ}"},
        "eventVersion": "0",
    }


@shape("sagemaker-csv", "time input scores request_id", slack=1)
def sagemaker_csv(folder: Path, queries: Queries) -> list[Path]:
    return lines(folder / "00-14-000.jsonl", [captured(q, "CSV") for q in queries])


@shape("sagemaker-json", "time input scores request_id", slack=1)
def sagemaker_json(folder: Path, queries: Queries) -> list[Path]:
    return lines(folder / "00-14-001.jsonl", [captured(q, "JSON") for q in queries])


@shape("sagemaker-base64", "time input scores request_id", slack=1)
def sagemaker_base64(folder: Path, queries: Queries) -> list[Path]:
    return lines(folder / "00-14-002.jsonl", [captured(q, "BASE64") for q in queries])


@shape("vertex-bigquery-export", "time input scores request_id model")
def vertex(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "endpoint": "4511608470067216384",
            "deployed_model_id": "8295",
            "logging_time": f"{q.time:%Y-%m-%d %H:%M:%S.%f} UTC",
            "request_id": str(10**17 + q.at),
            "request_payload": [json_text(list(q.x))],
            "response_payload": [json_text(list(q.scores))],
        }
        for q in queries
    ]
    return lines(folder / "bq-export-000000000000.json", rows)


@shape("databricks-inference-table", "time input label request_id status latency_ms model")
def databricks(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "client_request_id": None,
            "databricks_request_id": q.request_id,
            "date": q.time.date(),
            "timestamp_ms": int(q.time.timestamp() * 1000),
            "status_code": 200,
            "execution_time_ms": int(q.took_ms),
            "sampling_fraction": 1.0,
            "request": json_text({"dataframe_records": [q.named]}),
            "response": json_text({"predictions": [q.label]}),
            "request_metadata": [("model_name", "fraud"), ("model_version", "3"), ("endpoint_name", "e")],
        }
        for q in queries
    ]
    kind = pa.schema(
        [
            ("client_request_id", pa.string()),
            ("databricks_request_id", pa.string()),
            ("date", pa.date32()),
            ("timestamp_ms", pa.int64()),
            ("status_code", pa.int32()),
            ("execution_time_ms", pa.int64()),
            ("sampling_fraction", pa.float64()),
            ("request", pa.string()),
            ("response", pa.string()),
            ("request_metadata", pa.map_(pa.string(), pa.string())),
        ]
    )
    path = folder / "payload.parquet"
    pq.write_table(pa.Table.from_pylist(rows, kind), path)
    return [path]


@shape("mlflow-invocations", "time principal input label")
def mlflow(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "ts": q.epoch,
            "user": q.caller,
            "path": "/invocations",
            "request_body": json_text({"dataframe_split": {"columns": list(COLUMNS), "data": [list(q.x)]}}),
            "response_body": json_text({"predictions": [q.label]}),
        }
        for q in queries
    ]
    return lines(folder / "mlflow.jsonl", rows)


@shape("litellm-embeddings", "time principal input_raw cost model session")
def litellm(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "id": q.request_id,
            "trace_id": f"t-{q.at}",
            "call_type": "aembedding",
            "response_cost": 0.0001,
            "status": "success",
            "total_tokens": 10 + q.at,
            "startTime": q.epoch,
            "endTime": q.epoch + 0.2,
            "model": "text-embedding-3-small",
            "metadata": {"user_api_key_hash": q.caller, "user_api_key_alias": None},
            "messages": [{"role": "user", "content": f"house in {q.city} number {q.at}"}],
            "end_user": f"end-{q.at % 3}",
            "requester_ip_address": q.address,
        }
        for q in queries
    ]
    return lines(folder / "litellm.jsonl", rows)


@shape("openai-embeddings", "time principal input_raw model")
def openai(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "timestamp": q.iso,
            "api_key": q.caller,
            "request": {"model": "text-embedding-3-small", "input": f"house in {q.city} number {q.at}"},
            "response": {
                "object": "list",
                "data": [{"object": "embedding", "index": 0, "embedding": list(q.x)}],
                "usage": {"prompt_tokens": 5, "total_tokens": 5},
            },
        }
        for q in queries
    ]
    return lines(folder / "embeddings.jsonl", rows)


@shape("arize-frame", "time input label scores request_id", slack=1)
def arize(folder: Path, queries: Queries) -> list[Path]:
    rows = [
        {
            "prediction_id": q.request_id,
            "prediction_ts": int(q.epoch),
            **{f"feature_{name}": value for name, value in q.named.items()},
            "prediction_label": q.label,
            "prediction_score": q.scores[1],
            "actual_label": "ok",
            "tag_region": "eu",
        }
        for q in queries
    ]
    path = folder / "arize.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return [path]


@shape("evidently-frame", "time input label")
def evidently(folder: Path, queries: Queries) -> list[Path]:
    header = ["", "datetime", *COLUMNS, "target", "prediction"]
    rows = [[q.at, f"{q.time:%Y-%m-%d %H:%M:%S.%f}", *q.x, "ok", q.label] for q in queries]
    return table(folder / "current.csv", header, rows)


@shape("triton-tensor-trace", "")
def triton(folder: Path, queries: Queries) -> list[Path]:
    """Triton's trace file has times of a clock that begins when the machine does: it is refused with what to do."""
    rows: list[dict[str, Any]] = []
    for q in queries:
        rows.append({"id": q.at, "model_name": "fraud", "model_version": 1, "request_id": q.request_id})
        rows.append({"id": q.at, "timestamps": [{"name": "REQUEST_START", "ns": 5_000_000 * q.at}]})
        rows.append(
            {
                "id": q.at,
                "activity": "TENSOR_QUEUE_INPUT",
                "tensor": {"name": "x", "data": ",".join(map(str, q.x)), "shape": "1,4", "dtype": "FP32"},
            }
        )
    path = folder / "trace.json"
    path.write_text(json_text(rows))
    return [path]
