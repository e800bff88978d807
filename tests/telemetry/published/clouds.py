"""What the clouds' and platforms' own collectors write of predictions, in the forms that their makers publish.

Each form's source stands in the docstring of what writes it; the words and figures are our own.
"""
# fmt: off
# ruff: noqa: E501, E702, E731, PERF401

import base64
import io
import json
import uuid
from collections.abc import Sequence
from datetime import timedelta, timezone
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from telemetry.published.forms import form
from telemetry.strangers.calls import Call, calls, csv_text, iso, jl, truth

S = 1_000_000


def text(value: Any) -> str:
    return json.dumps(value)


def uid(c: Call, n: int = 0) -> str:
    return str(uuid.UUID(int=int(c.id, 16) * 7919 + n + (4 << 76)))


def pairs(got: Sequence[Call]) -> list[tuple[Call, Call]]:
    return list(zip(got[::2], got[1::2], strict=True))


def parquet(rows: list[dict], schema: pa.Schema | None = None) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), out)
    return out.getvalue()


def sagemaker(c: Call, asked: str, told: str, encoding: str, types: tuple[str, str], **more: Any) -> dict:
    said = (asked, told) if encoding != "BASE64" else tuple(base64.b64encode(t.encode()).decode() for t in (asked, told))
    half = lambda kind, mode, data: {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}
    return {"captureData": {"endpointInput": half(types[0], "INPUT", said[0]), "endpointOutput": half(types[1], "OUTPUT", said[1])},
            "eventMetadata": {"eventId": uid(c), **more, "inferenceTime": iso(c.at, 0)}, "eventVersion": "0"}


@form
def sagemaker_capture_of_a_regression():
    """Amazon SageMaker developer guide, “Capture data from real-time endpoint”: text/csv both ways."""
    got = calls("house", 301, tick=S); out = []; want = []
    for i, c in enumerate(got):
        x = [*list(c.x.values())[:3], 0.25 + i / 100]
        out.append(sagemaker(c, ",".join(map(str, x)) + "\n", str(c.value), "CSV", ("text/csv", "text/csv; charset=utf-8")))
        want.append(truth(c, x=x, who=None, ms=None, tick=S))
    return {"20-12-301-7f1a.jsonl": jl(out)}, want


@form
def sagemaker_capture_with_attributes():
    """The same guide with the linear learner's JSON and a caller's CustomAttributes and InferenceId."""
    got = calls("vector", 302, tick=S); out = []
    for c in got:
        asked = text({"instances": [{"features": c.x}]}); told = text({"predictions": [{"score": c.scores[0], "predicted_label": c.label}]})
        out.append(sagemaker(c, asked, told, "JSON", ("application/json", "application/json"), customAttributes=[f"caller={c.who}"], inferenceId=c.id))
    return {"capture.jsonl": jl(out)}, [truth(c, who="*", scores=[c.scores[0]], ms=None, tick=S) for c in got]


@form
def sagemaker_capture_in_base64_with_rows():
    """The same guide where no content type is listed: all is Base64, here of a CSV with two rows."""
    got = calls("vector", 303, tick=S); out = []; want = []
    for a, b in pairs(got):
        out.append(sagemaker(a, "\n".join(",".join(map(str, c.x)) for c in (a, b)), "\n".join(str(c.scores[1]) for c in (a, b)), "BASE64", ("text/csv", "text/csv; charset=utf-8")))
        want += [truth(c, time=truth(a)["time"], who=None, label=None, scores=[c.scores[1]], ms=None, tick=S) for c in (a, b)]
    return {"capture.jsonl": jl(out)}, want


@form
def sagemaker_merged_with_ground_truth():
    """The same guide, “Ingest ground truth labels and merge them with predictions”: the truth is no answer."""
    got = calls("flower", 304, tick=S); out = []
    for i, c in enumerate(got):
        row = sagemaker(c, ",".join(map(str, c.x.values())), c.label, "CSV", ("text/csv", "text/csv; charset=utf-8"), inferenceId=c.id)
        out.append({"groundTruthData": {"data": ["setosa", "versicolor", "virginica"][i % 3], "encoding": "CSV"}, **row})
    return {"merge.jsonl": jl(out)}, [truth(c, x=list(c.x.values()), who=None, scores=None, ms=None, tick=S) for c in got]


@form
def sagemaker_batch_transform_joined():
    """The same guide, “Capture data from batch transform job” with join_source, inference ids and the job's time."""
    got = calls("vector", 305, tick=S); start = got[0]
    out = [{"features": c.x, "SageMakerOutput": {"predicted_label": c.label, "score": c.scores[2]}, "SageMakerInferenceId": uid(c), "SageMakerInferenceTime": iso(start.at, 0)} for c in got]
    return {"part-0001.jsonl.out": jl(out)}, [truth(c, time=truth(start)["time"], who=None, scores=[c.scores[2]], ms=None, tick=S) for c in got]


AZ = "/subscriptions/79a1/resourceGroups/rg-a/providers/Microsoft.MachineLearningServices/workspaces/ws-a/onlineEndpoints/credit/deployments/blue"


def azure(c: Call, kind: str, data: Any, n: int, **more: Any) -> dict:
    return {"specversion": "1.0", "id": uid(c, n), "source": AZ, "type": f"azureml.inference.{kind}", "datacontenttype": "application/json",
            "time": iso(c.at, 0), "data": data, **more, "correlationid": uid(c), "xrequestid": uid(c)}


@form
def azure_request_and_response():
    """Azure Machine Learning, “Collect production data from models”: payload logging, two rows a request, two files."""
    got = calls("house", 306, tick=S); req = []; res = []; want = []
    for a, b in pairs(got):
        rows = [list(c.x.values())[:3] for c in (a, b)]
        req.append(azure(a, "request", {"data": rows}, 1, path="/score", method="POST", contentrange="bytes 0-59/*"))
        res.append(azure(a, "response", [a.value, b.value], 2, contentrange="bytes 0-38/39"))
        want += [truth(c, time=truth(a)["time"], x=x, who=None, ms=None, tick=S) for c, x in zip((a, b), rows, strict=True)]
    return {"request.jsonl": jl(req), "response.jsonl": jl(res)}, want


@form
def azure_model_inputs_and_outputs():
    """The same page: custom logging of data frames, the output's column without a name."""
    got = calls("loan", 307, tick=S)
    said = {"modelversion": "default", "collectdatatype": "pandas.core.frame.DataFrame", "agent": "azureml-ai-monitoring/0.1.0b4", "contentrange": "bytes 0-6794/6795"}
    ask = [azure(c, "model_inputs", [c.x], 1, **said) for c in got]; told = [azure(c, "model_outputs", [{"0": c.label}], 2, **said) for c in got]
    return {"model_inputs.jsonl": jl(ask), "model_outputs.jsonl": jl(told)}, [truth(c, who=None, scores=None, ms=None, tick=S) for c in got]


@form
def azure_collector_of_version_one():
    """Azure Machine Learning SDK v1, ModelDataCollector: inputs.csv with the `$aml_dc_…` columns; it holds no answers."""
    got = calls("flower", 308)
    head = [*got[0].x, "$aml_dc_correlation_id", "$aml_dc_scoring_timestamp", "$aml_dc_boundary", "$aml_workspace", "$aml_service_name", "$aml_model_name", "$aml_model_version", "$aml_request_id"]
    rows = [[*c.x.values(), uid(c), c.at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "+00:00", "", AZ, "iris-svc", "iris", "1", uid(c, 3)] for c in got]
    return {"inputs.csv": csv_text(head, rows)}, [truth(c, who=None, label=None, scores=None, ms=None) for c in got]


@form
def azure_application_insights():
    """Azure Machine Learning SDK v1, “Monitor and collect data from ML web service endpoints”: exported traces."""
    got = calls("vector", 309); rows = []
    for c in got:
        said = {"Container Id": "a81f", "Request Id": uid(c), "Workspace Name": "ws", "Service Name": "fox", "Models": "[fox:3]", "Input": text({"data": [c.x]}), "Prediction": text([c.label]), "Prediction Output Content type": "application/json"}
        rows.append([c.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{c.at.microsecond // 1000:03d}Z", "model_data_collection", 1, "trace", text(said), "fox", "azureml"])
    return {"query_data.csv": csv_text(["timestamp", "message", "severityLevel", "itemType", "customDimensions", "cloud_RoleName", "appName"], rows)}, [truth(c, who=None, scores=None, ms=None) for c in got]


@form
def vertex_endpoint_logging():
    """Vertex AI, “Online prediction logging”: the BigQuery table exported as JSON Lines, payloads in arrays of texts."""
    got = calls("loan", 310); out = []
    for i, c in enumerate(got):
        out.append({"endpoint": "8472", "deployed_model_id": "1133", "logging_time": c.at.strftime("%Y-%m-%d %H:%M:%S.%f") + " UTC", "request_id": str(731 * i + 5_000_000_000),
                    "request_payload": [text(c.x)], "response_payload": [text({"classes": ["approve", "deny"], "scores": c.scores})]})
    return {"request_response_logging.jsonl": jl(out)}, [truth(c, who=None, ms=None) for c in got]


@form
def ai_platform_request_log():
    """AI Platform Prediction, “Monitoring: request-response logging”: model, time, raw_data and a ground truth."""
    got = calls("flower", 311); rows = []
    for i, c in enumerate(got):
        rows.append(["iris", "v1", c.at.strftime("%Y-%m-%d %H:%M:%S.%f UTC"), text({"instances": [list(c.x.values())]}), text({"predictions": [{"label": c.label, "scores": c.scores}]}), ["setosa", "virginica"][i % 2]])
    return {"bq-results.csv": csv_text(["model", "model_version", "time", "raw_data", "raw_prediction", "groundtruth"], rows)}, [truth(c, x=list(c.x.values()), who=None, ms=None) for c in got]


@form
def bigquery_ml_predict():
    """BigQuery ML, “The ML.PREDICT function”: predicted_<label>, its probabilities, and the columns passed through."""
    got = calls("loan", 312)
    out = [{"predicted_decision": c.label, "predicted_decision_probs": [{"label": k, "prob": v} for k, v in zip(("approve", "deny"), c.scores, strict=True)], **c.x, "application_ts": c.at.strftime("%Y-%m-%d %H:%M:%S.%f UTC"), "customer_id": c.who} for c in got]
    return {"predictions.json": jl(out)}, [truth(c, ms=None) for c in got]


@form
def databricks_inference_table():
    """Databricks, “Inference tables for monitoring and debugging models”: the Delta table's Parquet, two rows a request."""
    got = calls("loan", 313); rows = []; want = []
    for a, b in pairs(got):
        rows.append({"databricks_request_id": uid(a), "client_request_id": None, "date": a.at.date(), "timestamp_ms": int(a.at.timestamp() * 1000), "status_code": 200, "sampling_fraction": 1.0, "execution_time_ms": int(a.ms),
                     "request": text({"dataframe_records": [a.x, b.x]}), "response": text({"predictions": [a.label, b.label]}), "request_metadata": [("model_name", "loans"), ("model_version", "3"), ("endpoint_name", "loans-ep")]})
        want += [truth(c, time=truth(a)["time"], who=None, scores=None, ms=float(int(a.ms))) for c in (a, b)]
    schema = pa.schema([("databricks_request_id", pa.string()), ("client_request_id", pa.string()), ("date", pa.date32()), ("timestamp_ms", pa.int64()), ("status_code", pa.int32()), ("sampling_fraction", pa.float64()), ("execution_time_ms", pa.int64()), ("request", pa.string()), ("response", pa.string()), ("request_metadata", pa.map_(pa.string(), pa.string()))])
    return {"part-00000.snappy.parquet": parquet(rows, schema)}, want


@form
def databricks_gateway_table():
    """Databricks, “Monitor served models using AI Gateway-enabled inference tables”: split frames and a requester."""
    got = calls("house", 314); rows = []
    for c in got:
        rows.append({"request_date": c.at.date(), "databricks_request_id": uid(c), "client_request_id": None, "request_time": c.at, "status_code": 200, "sampling_fraction": 1.0, "execution_duration_ms": int(c.ms),
                     "request": text({"dataframe_split": {"columns": list(c.x), "data": [list(c.x.values())]}}), "response": text({"predictions": [c.value]}), "served_entity_id": "house-1", "logging_error_codes": [], "requester": f"{c.who}@example.org"})
    schema = pa.schema([("request_date", pa.date32()), ("databricks_request_id", pa.string()), ("client_request_id", pa.string()), ("request_time", pa.timestamp("us", "UTC")), ("status_code", pa.int32()), ("sampling_fraction", pa.float64()), ("execution_duration_ms", pa.int64()), ("request", pa.string()), ("response", pa.string()), ("served_entity_id", pa.string()), ("logging_error_codes", pa.list_(pa.string())), ("requester", pa.string())])
    return {"payload.parquet": parquet(rows, schema)}, [truth(c, ms=float(int(c.ms))) for c in got]


@form
def snowflake_inference_table():
    """Snowflake, “Autocapture inference logs”: INFERENCE_TABLE downloaded as CSV, attributes as JSON in cells."""
    got = calls("loan", 315); rows = []
    for c in got:
        k = "snow.model_serving."
        said = {k + "function.name": "predict", **{f"{k}request.data.{n}": v for n, v in c.x.items()}, k + "request.timestamp": c.at.isoformat(), k + "response.timestamp": (c.at + timedelta(milliseconds=20)).isoformat(), k + "response.code": "200", k + "response.data.output_feature_0": c.label, k + "truncation_policy": "NONE", k + "hop_ids": [], k + "last_hop_id": ""}
        rows.append([c.at.strftime("%Y-%m-%d %H:%M:%S.") + f"{c.at.microsecond // 1000:03d}", "LOG", text({"snow.model.name": "LOANS", "snow.model.version.name": "V1", "snow.service.name": "LOANS_SVC", "snow.query.id": uid(c)}), text(said)])
    return {"inference_table.csv": csv_text(["TIMESTAMP", "RECORD_TYPE", "RESOURCE_ATTRIBUTES", "RECORD_ATTRIBUTES"], rows)}, [truth(c, who=None, scores=None, ms=("may", 20.0)) for c in got]


@form
def snowflake_container_log():
    """Snowflake's ML library, tests of its inference server: the same as structured log lines."""
    got = calls("flower", 316); out = []
    for c in got:
        k = "snow.model_serving."
        said = {k + "function.name": "predict_proba", **{f"{k}request.data.{n}": v for n, v in c.x.items()}, k + "request.timestamp": iso(c.at, 6), k + "response.code": "200", k + "response.timestamp": iso(c.at + timedelta(milliseconds=11), 6), **{f"{k}response.data.output_feature_{n}": v for n, v in enumerate(c.scores)}}
        out.append({"time": iso(c.at + timedelta(milliseconds=12), 6), "level": "INFO", "msg": "inference_logs", "severity_text": "INFO", "body": "inference_logs", "attributes": said})
    return {"proxy.log": jl(out)}, [truth(c, who=None, label=None, ms=("may", 11.0), tick=20_000) for c in got]


@form
def openscale_payload_records():
    """IBM Watson OpenScale, “Payload logging”: fields and values, answers with a probability vector."""
    got = calls("loan", 317); out = []
    for c in got:
        out.append({"scoring_id": uid(c), "user_id": c.who, "scoring_timestamp": iso(c.at), "response_time": round(c.ms), "request": {"fields": list(c.x), "values": [list(c.x.values())]}, "response": {"fields": ["prediction", "probability"], "values": [[c.label, c.scores]]}})
    return {"payload.jsonl": jl(out)}, [truth(c, ms=float(round(c.ms))) for c in got]


@form
def openscale_payload_table():
    """The same as its payload table: scoring_id, scoring_timestamp, features, prediction, probability in a cell."""
    got = calls("loan", 318)
    rows = [[uid(c), c.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "9f3e", *c.x.values(), c.label, text(c.scores), max(c.scores)] for c in got]
    return {"payload.csv": csv_text(["scoring_id", "scoring_timestamp", "deployment_id", *got[0].x, "prediction", "probability", "prediction_probability"], rows)}, [truth(c, who=None, ms=None) for c in got]


@form
def dataiku_audit_file():
    """Dataiku, “Audit data”: the log4j envelope; the message's own fields as its API node's predict call answers."""
    got = calls("loan", 319); out = []
    for c in got:
        at = c.at.astimezone(timezone(timedelta(hours=1)))
        said = {"msgType": "prediction-query", "serviceId": "credit", "endpointId": "score", "generationTag": "v3", "authUser": c.who, "features": c.x, "result": {"prediction": c.label, "probas": dict(zip(("approve", "deny"), c.scores, strict=True)), "probaPercentile": 40, "ignored": False}, "timing": {"preProcessing": 120, "wait": 3, "predictionPredict": 900}}
        out.append({"severity": "INFO", "logger": "dku.audit.apinode-query", "message": said, "mdc": {"apiCall": "/public/api/v1/credit/score/predict", "user": c.who}, "callTime": round(c.ms), "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0100"})
    return {"audit.log": jl(out)}, [truth(c, ms=None) for c in got]


@form
def dataiku_event_server():
    """The same page: the envelope of the event server; its origAddress is of a node, and no caller."""
    got = calls("house", 320); out = []
    for c in got:
        said = {"msgType": "prediction-query", "serviceId": "homes", "endpointId": "price", "features": c.x, "result": {"prediction": c.value, "ignored": False}, "authUser": c.who}
        out.append({"clientEvent": said, "origAddress": "127.0.0.1", "serverTimestamp": c.at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{c.at.microsecond // 1000:03d}+0000"})
    return {"out-1.log": jl(out)}, [truth(c, ms=None) for c in got]


@form
def domino_capture_record():
    """Domino Data Lab, DataCaptureClient: the record that its library writes a prediction."""
    got = calls("flower", 321)
    out = [{"predictions": {"variety": c.label}, "features": c.x, "metadata": None, "timestamp": iso(c.at), "__domino_timestamp": iso(c.at + timedelta(milliseconds=2)), "event_id": uid(c), "prediction_probability": c.scores, "sample_weight": None, "instance_id": "64f0c2"} for c in got]
    return {"prediction.log": jl(out)}, [truth(c, who=None, ms=None, tick=3000) for c in got]


@form
def domino_prediction_data():
    """Domino Data Lab, prediction data in Parquet: a column a feature, the prediction under its own name."""
    got = calls("flower", 322)
    names = ["petal width (cm)", "sepal length (cm)", "sepal width (cm)", "petal length (cm)"]
    rows = [{**dict(zip(names, c.x.values(), strict=True)), "variety": c.label, "timestamp": iso(c.at), "event_id": uid(c), "__domino_timestamp": iso(c.at + timedelta(milliseconds=2))} for c in got]
    return {"predictions.parquet": parquet(rows)}, [truth(c, who=None, scores=None, ms=None, tick=3000) for c in got]


@form
def datarobot_batch_binary():
    """DataRobot, “Output formats”: a probability a class and the label, with columns passed through."""
    got = calls("loan", 323)
    head = [*got[0].x, "decision_approve_PREDICTION", "decision_deny_PREDICTION", "decision_PREDICTION", "THRESHOLD", "POSITIVE_CLASS", "prediction_status", "DEPLOYMENT_APPROVAL_STATUS", "requested_at", "customer_ref"]
    rows = [[*c.x.values(), *c.scores, c.label, 0.5, "approve", "OK", "APPROVED", c.at.strftime("%Y-%m-%d %H:%M:%S.%f"), c.who] for c in got]
    return {"predictions.csv": csv_text(head, rows)}, [truth(c, ms=None) for c in got]


@form
def datarobot_bodies():
    """DataRobot, “Predictions for deployments”: bodies both ways in a service's log."""
    got = calls("fraud", 324); out = []
    for c in got:
        said = {"data": [{"prediction": c.label, "predictionThreshold": 0.5, "predictionValues": [{"label": k, "value": v} for k, v in zip(("fraud", "legit"), c.scores, strict=True)], "deploymentApprovalStatus": "APPROVED", "rowId": 0}]}
        out.append({"time": iso(c.at), "user": c.who, "method": "POST", "path": "/predApi/v1.0/deployments/65a1/predictions", "status": 200, "request": [c.x], "response": said})
    return {"predapi.jsonl": jl(out)}, [truth(c, ms=None) for c in got]


@form
def modelbit_logs():
    """Modelbit, “Receiving logs”: a batch a line, arguments by place, two results a batch."""
    got = calls("vector", 325); out = []; want = []
    for a, b in pairs(got):
        ms = int(a.at.timestamp() * 1000)
        out.append({"deploymentName": "fox_or_dog", "deploymentVersion": "4", "alias": "latest", "branch": "main", "batchStartTs": ms, "batchEndTs": ms + 31, "batchDurationMs": 31, "deploymentRuntimesMs": [12, 14], "totalDeploymentRuntimeMs": 26, "keepWarm": False, "resultCount": 2, "results": [{"id": i, "inputs": c.x, "output": c.label, "stdout": None} for i, c in enumerate((a, b))], "error": None, "source": "api", "subjectId": None})
        want += [truth(c, time=truth(a)["time"], who=None, scores=None, ms=31.0) for c in (a, b)]
    return {"modelbit.jsonl": jl(out)}, want


@form
def h2o_bodies():
    """H2O MLOps, scoring REST API: fields and rows of texts, scores of texts."""
    got = calls("loan", 326); out = []
    for c in got:
        out.append({"timestamp": iso(c.at), "client": c.who, "request": {"fields": list(c.x), "rows": [[str(v) for v in c.x.values()]]}, "response": {"id": uid(c), "fields": ["decision.approve", "decision.deny"], "score": [[str(v) for v in c.scores]]}})
    return {"scorer.jsonl": jl(out)}, [truth(c, ms=None) for c in got]


@form
def cloudera_model_metrics():
    """Cloudera AI, “Tracking model metrics”: what read_metrics gives, saved as JSON."""
    got = calls("house", 327); out = []
    for c in got:
        ms = int(c.at.timestamp() * 1000); crn = "crn:cdp:ml:us-west-1:1:workspace:2/"
        out.append({"modelDeploymentCrn": crn + "d1", "modelBuildCrn": crn + "b1", "modelCrn": crn + "m1", "startTimeStampMs": ms, "endTimeStampMs": ms + 12, "predictionUuid": uid(c), "metrics": {"input_data": c.x, "prediction": c.value}})
    return {"metrics.json": text({"metrics": out}).encode()}, [truth(c, who=None, ms=("may", 12.0)) for c in got]


@form
def hopsworks_inference_topic():
    """Hopsworks, inference logging: the Avro records of its Kafka topic as JSON."""
    got = calls("flower", 328); out = []
    for c in got:
        out.append({"servingId": 6, "modelName": "iris", "modelVersion": 1, "requestTimestamp": int(c.at.timestamp() * 1000), "responseHttpCode": 200, "inferenceId": uid(c), "messageType": "", "inferenceRequest": text({"instances": [list(c.x.values())]}), "inferenceResponse": text({"predictions": [c.label]}), "modelServer": "PYTHON", "servingTool": "KSERVE"})
    return {"topic.json": jl(out)}, [truth(c, x=list(c.x.values()), who=None, scores=None, ms=None) for c in got]


@form
def bedrock_invocations():
    """Amazon Bedrock, “Monitor model invocation using CloudWatch Logs and Amazon S3”."""
    got = calls("text", 329, tick=S); out = []
    for c in got:
        out.append({"schemaType": "ModelInvocationLog", "schemaVersion": "1.0", "timestamp": iso(c.at, 0), "accountId": "111122223333", "identity": {"arn": f"arn:aws:sts::111122223333:assumed-role/app/{c.who}"}, "region": "eu-west-1", "requestId": uid(c), "operation": "InvokeModel", "modelId": "amazon.titan-text-lite-v1", "input": {"inputContentType": "application/json", "inputBodyJson": {"inputText": c.x}, "inputTokenCount": 12}, "output": {"outputContentType": "application/json", "outputBodyJson": {"inputTextTokenCount": 12, "results": [{"tokenCount": 1, "outputText": c.label, "completionReason": "FINISH"}]}, "outputTokenCount": 1}})
    return {"invocations.json": jl(out)}, [truth(c, label="*", scores="*", model="amazon.titan-text-lite-v1", ms=None, tick=S) for c in got]
