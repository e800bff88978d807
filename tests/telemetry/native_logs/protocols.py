"""Lines of services around what model servers, pipelines and clouds are sent and answer."""

import base64
from typing import Any

import numpy as np

from telemetry.native_logs.servers import answered, tensor
from telemetry.native_logs.shape import json_text, per_line
from telemetry.native_logs.traffic import CLASSES, COLUMNS, Query

ASKED = "time principal input"
SCORED = "time principal input scores"


def pairs(q: Query) -> list[dict[str, Any]]:
    """The classes with a score each, the best first."""
    held = [{"label": name, "score": score} for name, score in zip(CLASSES, q.scores, strict=True)]
    return sorted(held, key=lambda one: -float(str(one["score"])))


def question(q: Query) -> str:
    return f"house in {q.city} number {q.at}"


@per_line("mlserver-numpy-codec", f"{SCORED} label model")
def mlserver_numpy(q: Query) -> Any:
    body = {"parameters": {"content_type": "np"}, **tensor(q)}
    body["inputs"][0]["parameters"] = {"content_type": "np"}
    about = {"timestamp": q.iso, "model_name": "fraud", "user": q.caller}
    return {**about, "request": body, "response": answered(q)}


@per_line("mlserver-pandas-codec", f"{SCORED} label")
def mlserver_pandas(q: Query) -> Any:
    inputs = [
        {"name": name, "shape": [1, 1], "datatype": "FP64", "data": [value], "parameters": {"content_type": "np"}}
        for name, value in q.named.items()
    ]
    body = {"parameters": {"content_type": "pd"}, "inputs": inputs}
    return {"timestamp": q.iso, "user": q.caller, "request": body, "response": answered(q)}


@per_line("mlserver-string-codec", "time principal input_raw label")
def mlserver_string(q: Query) -> Any:
    one = {"name": "text", "shape": [1, 1], "datatype": "BYTES", "data": [question(q)]}
    body = {"inputs": [{**one, "parameters": {"content_type": "str"}}]}
    return {"timestamp": q.iso, "user": q.caller, "request": body, "response": answered(q)}


@per_line("mlserver-bodies-as-text", f"{SCORED} label")
def mlserver_text(q: Query) -> Any:
    about = {"timestamp": q.iso, "api_key": q.caller}
    return {**about, "request": json_text(tensor(q)), "response": json_text(answered(q))}


@per_line("triton-http-json", f"{SCORED} label")
def triton(q: Query) -> Any:
    inputs = [{"name": name, "shape": [1, 1], "datatype": "FP32", "data": [[value]]} for name, value in q.named.items()]
    return {"time": q.iso, "client_id": q.caller, "request": {"id": q.request_id, "inputs": inputs},
            "response": answered(q), "took_ms": q.took_ms}  # fmt: skip


@per_line("tensorflow-serving-rows", SCORED)
def tf_rows(q: Query) -> Any:
    return {"timestamp": q.iso, "user": q.caller, "request": {"instances": [list(q.x)]},
            "response": {"predictions": [list(q.scores)]}}  # fmt: skip


@per_line("tensorflow-serving-named-rows", SCORED)
def tf_named(q: Query) -> Any:
    return {"timestamp": q.iso, "user": q.caller, "request": {"instances": [q.named]},
            "response": {"predictions": [list(q.scores)]}}  # fmt: skip


@per_line("tensorflow-serving-columns", SCORED)
def tf_columns(q: Query) -> Any:
    held = {name: [[value]] for name, value in q.named.items()}
    return {"timestamp": q.iso, "user": q.caller, "request": {"inputs": held},
            "response": {"outputs": [list(q.scores)]}}  # fmt: skip


@per_line("tensorflow-serving-prediction-log", SCORED)
def tf_log(q: Query) -> Any:
    def proto(values: tuple[float, ...]) -> dict[str, Any]:
        dims = {"dim": [{"size": "1"}, {"size": str(len(values))}]}
        content = base64.b64encode(np.array(values, "<f4").tobytes()).decode()
        return {"dtype": "DT_FLOAT", "tensorShape": dims, "tensorContent": content}

    asked = {"modelSpec": {"name": "fraud"}, "inputs": {"x": proto(q.x)}}
    said = {"request": asked, "response": {"outputs": {"y": proto(q.scores)}}}
    return {"timestamp": q.iso, "user": q.caller, "predictLog": said}


@per_line("seldon-in-elasticsearch", SCORED)
def seldon(q: Query) -> Any:
    asked = {"data": {"names": list(COLUMNS), "ndarray": [list(q.x)]}}
    said = {"data": {"names": ["t:0", "t:1"], "ndarray": [list(q.scores)]}}
    about = {"@timestamp": q.iso, "user": q.caller, "request": {"payload": asked}, "response": {"payload": said}}
    return {"_index": "inference-log-seldon", "_id": q.request_id, "_source": about}


@per_line("bentoml-api-line", f"{SCORED} label")
def bentoml(q: Query) -> Any:
    return {"timestamp": q.iso, "service": "fraud", "tenant": q.caller, "input_data": q.named,
            "result": {"label": q.label, "probabilities": list(q.scores)}}  # fmt: skip


@per_line("ray-serve-line", f"{ASKED} label latency_ms")
def ray(q: Query) -> Any:
    return {"asctime": q.iso, "levelname": "INFO", "deployment": "fraud", "replica": "abcd", "route": "/predict",
            "request_id": q.request_id, "user": q.caller, "payload": q.named, "prediction": q.label,
            "latency_ms": q.took_ms, "message": "POST /predict 200"}  # fmt: skip


@per_line("fastapi-nested", f"{SCORED} label latency_ms status")
def fastapi(q: Query) -> Any:
    return {"timestamp": q.iso, "http": {"method": "POST", "path": "/predict", "status_code": 200},
            "request": {"headers": {"x-api-key": q.caller}, "body": {"customer": q.named}}, "duration_ms": q.took_ms,
            "response": {"body": {"prediction": q.label, "probabilities": list(q.scores)}}}  # fmt: skip


@per_line("api-gateway-with-claims", f"{ASKED} label")
def claims(q: Query) -> Any:
    about = {"requestTimeEpoch": int(q.epoch * 1000), "authorizer": {"claims": {"sub": q.caller}}}
    return {"requestContext": about, "body": q.named, "response": {"prediction": q.label}}


@per_line("hugging-face-top-k", "time principal input_raw label")
def pipeline(q: Query) -> Any:
    return {"time": q.iso, "token": q.caller, "inputs": question(q), "outputs": [pairs(q)]}


@per_line("hugging-face-zero-shot", "time principal input_raw label")
def zero_shot(q: Query) -> Any:
    held = pairs(q)
    return {"timestamp": q.iso, "api_key": q.caller, "sequence": question(q),
            "labels": [one["label"] for one in held], "scores": [one["score"] for one in held]}  # fmt: skip


@per_line("hugging-face-best-alone", "time principal input_raw label")
def best(q: Query) -> Any:
    return {"timestamp": q.iso, "user": q.caller, "inputs": question(q), "output": pairs(q)[0]}


@per_line("regression", ASKED)
def regression(q: Query) -> Any:
    return {"ts": q.iso, "client_id": q.caller, "features": q.named, "prediction": q.at * 1.25 + 0.125}


@per_line("vector-of-an-embedding", f"{ASKED} label")
def embedding(q: Query) -> Any:
    return {"ts": q.iso, "user_id": q.caller, "embedding": list(q.x), "top_label": q.label}


@per_line("several-labels-at-once", ASKED)
def multi_label(q: Query) -> Any:
    return {"ts": q.iso, "user_id": q.caller, "features": q.named, "labels": ["urgent", q.label]}


@per_line("classes-with-shares", f"{SCORED} label")
def mapping(q: Query) -> Any:
    odds = dict(zip(CLASSES, q.scores, strict=True))
    return {"ts": q.iso, "user_id": q.caller, "model_input": q.named, "output": {"class": q.label, "probs": odds}}


@per_line("batch-of-one", f"{SCORED} label")
def batch(q: Query) -> Any:
    return {"ts": q.iso, "user_id": q.caller, "instances": [q.named],
            "predictions": [{"label": q.label, "scores": list(q.scores)}]}  # fmt: skip


@per_line("pandas-split", f"{ASKED} label")
def split(q: Query) -> Any:
    return {"timestamp": q.iso, "user": q.caller, "response": {"predictions": [q.label]},
            "request": {"dataframe_split": {"columns": list(COLUMNS), "data": [list(q.x)]}}}  # fmt: skip


@per_line("pandas-records", f"{ASKED} label")
def records(q: Query) -> Any:
    return {"timestamp": q.iso, "user": q.caller, "request": {"dataframe_records": [q.named]},
            "response": {"predictions": [q.label]}}  # fmt: skip


@per_line("names-and-values-in-a-list", f"{ASKED} label")
def named(q: Query) -> Any:
    return {"ts": q.iso, "user": q.caller, "label": q.label,
            "features": [{"name": name, "value": value} for name, value in q.named.items()]}  # fmt: skip
