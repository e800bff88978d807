"""What model servers, clouds and monitors of models keep."""
# fmt: off
# ruff: noqa: E501, E701, E702, PERF401

import io
import json
import random
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from telemetry.strangers.calls import KINDS, calls, dist, ep, iso, jl, shop, truth


@shop
def bento_monitoring():
    got = calls("flower", 31)
    rows = [{**c.x, "client": c.who, "species": c.label, "proba": c.scores, "timestamp": c.at.strftime("%Y-%m-%dT%H:%M:%S.%f"), "request_id": str(int(c.id, 16))} for c in got]
    return {"data.1.log": jl(rows)}, [truth(c, ms=None) for c in got]


@shop
def ray_serve_json():
    got = calls("fraud", 32)
    rows = [{"asctime": f"{c.at:%Y-%m-%d %H:%M:%S},{c.at.microsecond // 1000:03d}", "levelname": "INFO", "filename": "risk.py", "lineno": 41, "deployment": "Risk", "replica": "k3j2", "component_name": "replica", "request_id": c.id, "route": "/risk", "application": "default",
             "message": json.dumps({"user": c.who, "features": c.x, "label": c.label, "scores": c.scores})} for c in got]
    return {"replica_default_Risk_k3j2.log": jl(rows)}, [truth(c, ms=None) for c in got]


@shop
def seldon_elements():
    got = calls("flower", 33)
    rows = []
    for c in got:
        rows.append({"@timestamp": iso(c.at), "RequestId": c.id, "ServingEngine": "seldon", "DeploymentName": "iris", "ce-time": iso(c.at, 6), "headers": {"X-Forwarded-User": c.who},
            "request": {"elements": c.x, "instance": list(c.x.values()), "dataType": "tabular", "names": list(c.x)}, "response": {"elements": dist(c, "flower"), "instance": c.scores, "names": KINDS["flower"]["classes"], "dataType": "tabular"}})
    return {"seldon.jsonl": jl(rows)}, [truth(c, ms=None, time=("or", round(c.at.timestamp() * 1e6))) for c in got]


@shop
def seldon_index_keyed():
    got = calls("vector", 34)
    rows = [{"ts": iso(c.at), "puid": c.id, "consumer": c.who, "request": {"data": {"0": {str(j): v for j, v in enumerate(c.x)}}}, "response": {"data": {"0": {"cat": c.scores[0], "dog": c.scores[1], "fox": c.scores[2]}}}} for c in got]
    return {"seldon-v1.jsonl": jl(rows)}, [truth(c, ms=None) for c in got]


@shop
def frame_to_dict():
    got = calls("loan", 35)
    rows = [{"at": iso(c.at), "user": c.who, "X": {k: {"0": v} for k, v in c.x.items()}, "y_pred": {"0": c.label}, "y_proba": {k: {"0": v} for k, v in dist(c, "loan").items()}} for c in got]
    return {"frames.jsonl": jl(rows)}, [truth(c, ms=None) for c in got]


@shop
def tf_serving_log():
    got = calls("vector", 36, model="pets")
    rows = [{"ts": iso(c.at), "peer": c.ip, "predict_log": {"request": {"model_spec": {"name": "pets", "version": "3", "signature_name": "serving_default"}, "inputs": {"x": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "1"}, {"size": "6"}]}, "float_val": c.x}}},
             "response": {"outputs": {"scores": {"dtype": "DT_FLOAT", "tensor_shape": {"dim": [{"size": "1"}, {"size": "3"}]}, "float_val": c.scores}}}}} for c in got]
    return {"predict_log.jsonl": jl(rows)}, [truth(c, label=None, ms=None) for c in got]


@shop
def torchserve_access():
    got = calls("vector", 37, model="pets")
    lines = [f'{c.at:%Y-%m-%dT%H:%M:%S},{c.at.microsecond // 1000:03d} [INFO ] W-9000-pets_1.0 ACCESS_LOG - /{c.ip}:{50000 + i} "POST /predictions/pets HTTP/1.1" 200 {int(c.ms)}' for i, c in enumerate(got)]
    return {"access_log.log": "\n".join(lines).encode()}, [truth(c, x=None, label=None, scores=None, ms=int(c.ms)) for c in got]


@shop
def triton_pairs():
    got, rows = calls("vector", 38, model="pets"), []
    for c in got:
        rows.append({"timestamp": iso(c.at), "client": c.who, "model_name": "pets", "model_version": "1", "request": {"id": c.id, "inputs": [{"name": "INPUT__0", "shape": [1, 6], "datatype": "FP32", "data": c.x}]},
                     "response": {"id": c.id, "model_name": "pets", "outputs": [{"name": "OUTPUT__0", "shape": [1, 3], "datatype": "FP32", "data": c.scores}]}})
    return {"triton.jsonl": jl(rows)}, [truth(c, label=None, ms=None) for c in got]


@shop
def kserve_cloud_events():
    got, rows, want, i, sizes = calls("vector", 39, n=44), [], [], 0, random.Random(5)
    while i < len(got):
        part = got[i:i + sizes.choice([1, 2])]; i += len(part); c = part[0]
        ce = {"specversion": "1.0", "id": c.id, "source": "http://localhost:9081/", "inferenceservicename": "pets", "namespace": "ml", "datacontenttype": "application/json"}
        rows.append({**ce, "type": "org.kubeflow.serving.inference.request", "time": iso(c.at, 6), "metadata": {"X-Forwarded-For": [c.ip]}, "data": {"instances": [p.x for p in part]}})
        rows.append({**ce, "type": "org.kubeflow.serving.inference.response", "time": iso(c.at + timedelta(milliseconds=40), 6), "data": {"predictions": [p.label for p in part]}})
        want += [truth(p, time=round(c.at.timestamp() * 1e6), who=c.who, model="pets", scores=None, ms=None) for p in part]
    return {"events.jsonl": jl(rows)}, want


@shop
def sagemaker_capture():
    got = calls("vector", 40, tick=1000000)
    rows = [{"captureData": {"endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": ",".join(map(str, c.x)) + "\n", "encoding": "CSV"}, "endpointOutput": {"observedContentType": "text/csv; charset=utf-8", "mode": "OUTPUT", "data": f"{c.label},{max(c.scores)}\n", "encoding": "CSV"}},
             "eventMetadata": {"eventId": c.id, "customAttributes": [f"client={c.who}"], "inferenceTime": iso(c.at, 0)}, "eventVersion": "0"} for c in got]
    return {"03-12-771.jsonl": jl(rows)}, [truth(c, scores=None, ms=None) for c in got]


@shop
def vertex_bigquery():
    got = calls("flower", 41)
    rows = [{"endpoint": "projects/1/locations/eu/endpoints/42", "deployed_model_id": "777", "logging_time": c.at.strftime("%Y-%m-%d %H:%M:%S.%f UTC"), "request_id": str(int(c.id, 16) % 10 ** 9), "request_payload": [json.dumps({"instances": [c.x], "parameters": {"user": c.who}})],
             "response_payload": [json.dumps({"predictions": [{"displayNames": KINDS["flower"]["classes"], "confidences": c.scores}]})]} for c in got]
    return {"bq.jsonl": jl(rows)}, [truth(c, who=None, ms=None) for c in got]


@shop
def databricks_parquet():
    got = calls("loan", 42)
    rows = [{"databricks_request_id": c.id, "client_request_id": None, "date": c.at.date(), "timestamp_ms": int(ep(c.at) * 1000), "status_code": 200, "sampling_fraction": 1.0, "execution_time_ms": int(c.ms), "request": json.dumps({"dataframe_records": [c.x]}), "response": json.dumps({"predictions": [c.label]}),
             "request_metadata": [("endpoint_name", "loan"), ("model_name", "loan"), ("model_version", "2")], "requester": f"{c.who}@corp.example"} for c in got]
    schema = pa.schema([("databricks_request_id", pa.string()), ("client_request_id", pa.string()), ("date", pa.date32()), ("timestamp_ms", pa.int64()), ("status_code", pa.int32()), ("sampling_fraction", pa.float64()), ("execution_time_ms", pa.int64()), ("request", pa.string()), ("response", pa.string()),
                        ("request_metadata", pa.map_(pa.string(), pa.string())), ("requester", pa.string())])
    sink = io.BytesIO(); pq.write_table(pa.Table.from_pylist(rows, schema), sink)
    return {"part-0.snappy.parquet": sink.getvalue()}, [truth(c, scores=None, ms=int(c.ms), model="loan") for c in got]


@shop
def mlflow_traces():
    got = calls("house", 43)
    rows = [{"info": {"trace_id": f"tr-{c.id}", "request_time": iso(c.at), "execution_duration": f"{c.ms / 1000:.3f}s", "state": "OK", "trace_metadata": {"mlflow.trace.user": c.who, "mlflow.source.name": "serve.py"}, "tags": {"mlflow.traceName": "predict"}},
             "data": {"spans": [{"name": "predict", "span_id": c.id[:8], "parent_span_id": None, "start_time_unix_nano": int(ep(c.at) * 1000) * 10**6, "attributes": {"mlflow.spanInputs": json.dumps(c.x), "mlflow.spanOutputs": json.dumps(c.value), "mlflow.spanType": json.dumps("UNKNOWN")}}]}} for c in got]
    return {"traces.jsonl": jl(rows)}, [truth(c, ms=("or none", float(f"{c.ms / 1000:.3f}") * 1000)) for c in got]


@shop
def feast_parquet():
    got = calls("fraud", 44)
    rows = []
    for c in got:
        r = {"client_id": c.who}
        for k, v in c.x.items(): r |= {k: v, k + "__timestamp": c.at - timedelta(hours=3), k + "__status": 2}
        rows.append(r | {"prediction": c.label, "__log_timestamp": c.at, "__log_date": c.at.date(), "__request_id": c.id})
    sink = io.BytesIO(); pq.write_table(pa.Table.from_pylist(rows), sink)
    return {"feature_service.parquet": sink.getvalue()}, [truth(c, scores=None, ms=None) for c in got]


@shop
def nannyml_csv():
    got = calls("loan", 45)
    head = ["timestamp", "partition", *got[0].x, "client_name", "y_pred_proba_approve", "y_pred_proba_deny", "y_pred", "y_true"]
    lines = [",".join(head)] + [",".join(map(str, [f"{c.at:%Y-%m-%d %H:%M:%S}.{c.at.microsecond // 1000:03d}", "analysis", *c.x.values(), c.who, *c.scores, c.label, "approve"])) for c in got]
    return {"analysis.csv": "\n".join(lines).encode()}, [truth(c, ms=None) for c in got]


@shop
def arize_parquet():
    got = calls("flower", 46)
    rows = [{"prediction_id": c.id, "prediction_ts": int(ep(c.at)), **c.x, "tag.client": c.who, "pred_label": c.label, "pred_score": max(c.scores), "actual_label": "setosa"} for c in got]
    sink = io.BytesIO(); pq.write_table(pa.Table.from_pylist(rows), sink, compression="zstd")
    return {"arize.parquet": sink.getvalue()}, [truth(c, time=int(ep(c.at)) * 10**6, scores=[max(c.scores)], ms=None) for c in got]
