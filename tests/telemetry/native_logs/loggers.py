"""One prediction as the loggers of several languages, stores and queues write it."""

from typing import Any

from telemetry.native_logs.carriers import record, text
from telemetry.native_logs.shape import json_text, per_line
from telemetry.native_logs.traffic import Query

TOLD = "time principal input label scores"


def about(q: Query) -> dict[str, Any]:
    """What is said of the prediction beside its time."""
    return {name: value for name, value in record(q).items() if name not in ("ts", "level")}


@per_line("structlog", TOLD)
def structlog(q: Query) -> Any:
    return {"event": "prediction", "level": "info", "timestamp": q.iso, "logger": "api", **about(q)}


@per_line("payload-escaped-in-a-field", TOLD)
def escaped(q: Query) -> Any:
    inner = {"user": q.caller, "features": q.named, "prediction": q.label, "probabilities": list(q.scores)}
    return {"asctime": q.iso, "levelname": "INFO", "message": "predicted", "payload": json_text(inner)}


@per_line("zap", TOLD)
def zap(q: Query) -> Any:
    """Its `caller` is a line of source code, and nobody who asks."""
    return {"level": "info", "ts": q.epoch, "caller": "api/predict.go:88", "msg": "predicted", **about(q)}


@per_line("slog-with-source", TOLD)
def slog(q: Query) -> Any:
    source = {"function": "main.predict", "file": "/app/main.go", "line": 41}
    return {"time": q.iso, "level": "INFO", "source": source, "msg": "predicted", **about(q)}


@per_line("pino", TOLD)
def pino(q: Query) -> Any:
    said = {"level": 30, "time": int(q.epoch * 1000), "pid": 7, "hostname": "web-1"}
    return {**said, **about(q), "msg": "predicted"}


@per_line("winston", TOLD)
def winston(q: Query) -> Any:
    return {"level": "info", "message": "predicted", "timestamp": q.iso, "meta": {"svc": "api"}, **about(q)}


@per_line("serilog-compact", TOLD)
def serilog(q: Query) -> Any:
    said = {"UserId": q.caller, "Features": q.named, "Prediction": q.label, "Probabilities": list(q.scores)}
    return {"@t": q.iso, "@mt": "Predicted {Prediction} for {UserId}", **said, "SourceContext": "Api.Predict"}


@per_line("logback", TOLD)
def logback(q: Query) -> Any:
    said = {"@timestamp": q.iso, "@version": "1", "message": "predicted", "logger_name": "api.Predict"}
    return {**said, "thread_name": "http-1", "level": "INFO", "level_value": 20000, **about(q)}


@per_line("camel-case-of-java", TOLD)
def camel(q: Query) -> Any:
    return {"eventTime": int(q.epoch * 1000), "clientId": q.caller, "requestId": q.request_id,
            "inputFeatures": q.named, "predictedClass": q.label, "classProbabilities": list(q.scores)}  # fmt: skip


@per_line("unions-of-avro", "time principal input label")
def avro(q: Query) -> Any:
    held = {name: {"double": value} for name, value in q.named.items()}
    return {"eventTime": {"long": int(q.epoch * 1000)}, "userId": {"string": q.caller}, "features": held,
            "prediction": {"string": q.label}}  # fmt: skip


@per_line("items-of-dynamodb", "time principal input label")
def dynamodb(q: Query) -> Any:
    held = {name: {"N": str(value)} for name, value in q.named.items()}
    return {"Item": {"pk": {"S": q.request_id}, "ts": {"S": q.iso}, "user_id": {"S": q.caller},
                     "features": {"M": held}, "prediction": {"S": q.label}}}  # fmt: skip


@per_line("attributes-of-a-span", "time principal input label")
def span(q: Query) -> Any:
    held = {f"ml.input.{name}": value for name, value in q.named.items()}
    said = {"enduser.id": q.caller, "ml.output.label": q.label}
    context = {"trace_id": f"0x{q.at:032x}", "span_id": f"0x{q.at:016x}"}
    return {"name": "predict", "context": context, "kind": "SpanKind.SERVER", "start_time": q.iso,
            "attributes": held | said}  # fmt: skip


@per_line("names-with-dots", "time principal source_ip input label")
def dotted(q: Query) -> Any:
    held = {f"ml.features.{name}": value for name, value in q.named.items()}
    return {"@timestamp": q.iso, "user.name": q.caller, "client.ip": q.address, **held,
            "ml.prediction.class": q.label}  # fmt: skip


@per_line("splunk-collector-with-an-object", TOLD)
def splunk_object(q: Query) -> Any:
    said = {"time": q.epoch, "host": "web-1", "source": "api", "sourcetype": "_json"}
    return {**said, "event": about(q)}


@per_line("splunk-collector-with-text", TOLD)
def splunk_text(q: Query) -> Any:
    return {"time": q.epoch, "host": "web-1", "sourcetype": "_json", "event": text(q)}


@per_line("loki-push", TOLD)
def loki(q: Query) -> Any:
    values = [[str(int(q.epoch * 1_000_000) * 1_000), text(q)]]
    return {"streams": [{"stream": {"app": "fraud"}, "values": values}]}


@per_line("docker-in-fluent-bit", TOLD)
def docker_in_fluent_bit(q: Query) -> Any:
    inner = json_text({"log": text(q) + "\n", "stream": "stdout", "time": q.iso})
    return {"date": q.epoch, "log": inner, "kubernetes": {"pod_name": "fraud-0", "namespace_name": "ml"}}


@per_line("cri-with-a-nested-line", "time principal input label")
def cri(q: Query) -> Any:
    inner = {"timestamp": q.iso, "auth": {"client_id": q.caller}, "request": {"features": q.named},
             "response": {"label": q.label}}  # fmt: skip
    return f"{q.iso} stdout F {json_text(inner)}"


@per_line("bunyan-in-syslog", TOLD)
def bunyan(q: Query) -> Any:
    inner = {"name": "api", "hostname": "web-1", "pid": 7, "level": 30, "time": q.iso, "v": 0, **about(q)}
    return f"<14>1 {q.iso} web-1 api 7 - - {json_text(inner)}"


@per_line("torchserve-model-log", TOLD)
def torchserve(q: Query) -> Any:
    stamp = q.time.strftime("%Y-%m-%dT%H:%M:%S,") + f"{q.time.microsecond // 1000:03d}"
    return f"{stamp} [INFO ] W-9000-fraud_1.0-stdout MODEL_LOG - {text(q)}"
