"""What model servers, proxies before them and monitors behind them write, in the forms that their makers publish.

Each form's source stands in the docstring of what writes it; the words and figures are our own.
"""
# fmt: off
# ruff: noqa: E501, E702, E731, PERF401

import base64
import json
from datetime import timedelta
from typing import Any

from telemetry.published.clouds import S, pairs, parquet, text, uid
from telemetry.published.forms import form
from telemetry.strangers.calls import Call, calls, csv_text, iso, jl, truth

KUBE = "org.kubeflow.serving.inference."


def b64(value: Any) -> str:
    return base64.b64encode(text(value).encode()).decode()


@form
def kserve_message_dumper():
    """KServe, “Basic Inference Logger”: what Knative's event_display prints of a v1 request and response, two rows each."""
    got = calls("flower", 401); out = []; want = []
    for a, b in pairs(got):
        for kind, at, body in (("request", a.at, {"instances": [list(c.x.values()) for c in (a, b)]}), ("response", a.at + timedelta(milliseconds=4), {"predictions": [a.label, b.label]})):
            shown = json.dumps(body, indent=2).replace("\n", "\n  ")
            out.append(f"""☁️  cloudevents.Event
Validation: valid
Context Attributes,
  specversion: 1.0
  type: {KUBE}{kind}
  source: http://localhost:9081/
  id: {uid(a)}
  time: {iso(at, 6)[:-1]}782Z
  datacontenttype: application/json
Extensions,
  component: predictor
  endpoint:
  inferenceservicename: sklearn-iris
  knativearrivaltime: {iso(at + timedelta(milliseconds=1), 6)[:-1]}247Z
  namespace: default
  traceparent: 00-7cebb2ae49d33626845711ad585c850c-78b57bf5baf7151f-00
Data,
  {shown}

""")
        want += [truth(c, time=truth(a)["time"], x=list(c.x.values()), who=None, scores=None, model="sklearn-iris", ms=("may", 4.0)) for c in (a, b)]
    return {"message-dumper.log": "".join(out).encode()}, want


@form
def kserve_structured_events():
    """KServe, inference logger: CloudEvents in structured mode, v2 tensors."""
    got = calls("vector", 402); out = []
    for c in got:
        said = {"specversion": "1.0", "id": uid(c), "source": "http://localhost:9081/", "datacontenttype": "application/json", "component": "predictor", "endpoint": "", "inferenceservicename": "fox", "namespace": "default"}
        out.append({**said, "type": KUBE + "request", "time": iso(c.at, 6), "data": {"id": uid(c), "inputs": [{"name": "input-0", "shape": [1, 6], "datatype": "FP64", "data": c.x}]}})
        out.append({**said, "type": KUBE + "response", "time": iso(c.at + timedelta(milliseconds=5), 6), "data": {"model_name": "fox", "id": uid(c), "outputs": [{"name": "output-0", "shape": [1, 3], "datatype": "FP64", "data": c.scores}]}})
    return {"events.jsonl": jl(out)}, [truth(c, who=None, label=None, model="fox", ms=("may", 5.0)) for c in got]


@form
def kserve_from_a_kafka_broker():
    """Knative's Kafka broker keeps CloudEvents in binary mode; kcat -J prints their headers and payload."""
    got = calls("flower", 403); out = []
    for i, c in enumerate(got):
        for k, (kind, body) in enumerate((("request", {"instances": [list(c.x.values())]}), ("response", {"predictions": [c.label]}))):
            at = c.at + timedelta(milliseconds=6 * k)
            heads = {"ce_specversion": "1.0", "ce_id": uid(c), "ce_source": "http://localhost:9081/", "ce_type": KUBE + kind, "ce_time": iso(at, 6), "ce_inferenceservicename": "iris", "ce_namespace": "default", "ce_component": "predictor", "content-type": "application/json"}
            out.append({"topic": "knative-broker-default-default", "partition": 0, "offset": 2 * i + k, "tstype": "create", "ts": int(at.timestamp() * 1000), "broker": 0, "headers": [t for h in heads.items() for t in h], "key": None, "payload": text(body)})
    return {"broker.json": jl(out)}, [truth(c, x=list(c.x.values()), who=None, scores=None, model="iris", ms=("may", 6.0)) for c in got]


def kserve_record(c: Call, kind: str, body: Any) -> dict:
    return {"Url": {"Scheme": "http", "Host": "logger"}, "Bytes": b64(body), "ContentType": "application/json", "ReqType": KUBE + kind, "Id": uid(c), "SourceUri": {"Scheme": "http", "Host": "localhost:9081", "Path": "/"}, "InferenceService": "sklearn-iris", "Namespace": "default", "Component": "predictor", "Endpoint": "", "Metadata": {"X-Forwarded-For": [c.ip]}, "Annotations": {}, "CertName": "", "TlsSkipVerify": False}


@form
def seldon_documents():
    """Seldon Core, request logger: documents of Elasticsearch, a row each, the whole payload beside the row."""
    got = calls("flower", 404); hits = []
    for a, b in pairs(got):
        asked = {"data": {"names": list(a.x), "ndarray": [list(c.x.values()) for c in (a, b)]}}; told = {"data": {"names": ["setosa", "versicolor", "virginica"], "ndarray": [c.scores for c in (a, b)]}, "meta": {}}
        for i, c in enumerate((a, b)):
            source = {"request": {"elements": c.x, "instance": list(c.x.values()), "dataType": "tabular", "names": list(c.x), "payload": asked}, "response": {"elements": dict(zip(told["data"]["names"], c.scores, strict=True)), "instance": c.scores, "dataType": "tabular", "names": told["data"]["names"], "payload": told}, "ServingEngine": "seldon", "Ce-Inferenceservicename": "iris", "Ce-Endpoint": "default", "Ce-Namespace": "default", "@timestamp": a.at.isoformat(), "RequestId": uid(a)}
            hits.append({"_index": "inference-log-seldon-default-iris-default", "_type": "_doc", "_id": f"{uid(a)}-item-{i}", "_score": 1.0, "_source": source})
    return {"hits.json": json.dumps({"took": 3, "timed_out": False, "hits": {"total": {"value": len(hits), "relation": "eq"}, "hits": hits}}).encode()}, [truth(c, time=truth(a)["time"], who=None, label="*", ms=None) for a, b in pairs(got) for c in (a, b)]


def logged(c: Call, path: str, asked: Any, told: Any) -> dict:
    return {"timestamp": iso(c.at), "user": c.who, "method": "POST", "path": path, "status": 200, "request": asked, "response": told}


@form
def mlserver_pandas_rows():
    """MLServer, “Content types and codecs”: the pandas codec, two rows, texts and numbers."""
    got = calls("loan", 405); out = []; want = []
    kinds = {"age": "INT64", "income": "FP64", "tenure_months": "INT64", "purpose": "BYTES"}
    for a, b in pairs(got):
        ins = [{"name": n, "shape": [2, 1], "datatype": k, "data": [a.x[n], b.x[n]], **({"parameters": {"content_type": "str"}} if k == "BYTES" else {})} for n, k in kinds.items()]
        outs = [{"name": "predict", "shape": [2, 1], "datatype": "BYTES", "parameters": {"content_type": "str"}, "data": [a.label, b.label]}]
        out.append(logged(a, "/v2/models/loans/versions/v1/infer", {"parameters": {"content_type": "pd"}, "inputs": ins}, {"model_name": "loans", "model_version": "v1", "id": uid(a), "parameters": {}, "outputs": outs}))
        want += [truth(c, time=truth(a)["time"], who=a.who, scores=None, model="loans", ms=None) for c in (a, b)]
    return {"mlserver.jsonl": jl(out)}, want


@form
def mlserver_datetimes():
    """The same page: the datetime codec beside a number."""
    got = calls("house", 406); out = []; want = []
    for c in got:
        day = f"{c.x['year_built']}-03-04T00:00:00"
        ins = [{"name": "built", "shape": [1, 1], "datatype": "BYTES", "parameters": {"content_type": "datetime"}, "data": [day]}, {"name": "area_m2", "shape": [1, 1], "datatype": "FP64", "data": [c.x["area_m2"]]}, {"name": "rooms", "shape": [1, 1], "datatype": "INT32", "data": [c.x["rooms"]]}]
        out.append(logged(c, "/v2/models/homes/infer", {"parameters": {"content_type": "pd"}, "inputs": ins}, {"model_name": "homes", "id": uid(c), "outputs": [{"name": "price", "shape": [1, 1], "datatype": "FP64", "data": [c.value]}]}))
        want.append(truth(c, x={"built": day, "area_m2": c.x["area_m2"], "rooms": c.x["rooms"]}, model="homes", ms=None))
    return {"mlserver.jsonl": jl(out)}, want


@form
def triton_class_strings():
    """Triton, classification extension: “score:index:label” in a BYTES output."""
    got = calls("vector", 407); out = []
    for c in got:
        order = sorted(zip(c.scores, range(3), ("cat", "dog", "fox"), strict=True), reverse=True)
        out.append(logged(c, "/v2/models/animals/infer", {"inputs": [{"name": "INPUT0", "shape": [1, 6], "datatype": "FP32", "data": c.x}], "outputs": [{"name": "OUT", "parameters": {"classification": 3}}]}, {"model_name": "animals", "model_version": "1", "outputs": [{"name": "OUT", "datatype": "BYTES", "shape": [1, 3], "data": [f"{p:.4f}:{i}:{n}" for p, i, n in order]}]}))
    return {"triton.jsonl": jl(out)}, [truth(c, model="animals", ms=None) for c in got]


@form
def triton_generate():
    """Triton, generate extension: text_input and text_output."""
    got = calls("text", 408)
    out = [logged(c, "/v2/models/mood/generate", {"text_input": c.x, "parameters": {"stream": False, "temperature": 0}}, {"model_name": "mood", "model_version": "1", "text_output": c.label}) for c in got]
    return {"triton.jsonl": jl(out)}, [truth(c, label="*", scores="*", model="mood", ms=None) for c in got]


@form
def torchserve_access_log():
    """TorchServe, “Logging in TorchServe”: the access log, which holds no input."""
    got = calls("text", 409)
    rows = [f'{c.at:%Y-%m-%d %H:%M:%S},{c.at.microsecond // 1000:03d} [INFO ] BackendWorker-9000 ACCESS_LOG - /{c.ip}:64003 "POST /predictions/resnet-18 HTTP/1.1" 200 {round(c.ms)}\n' for c in got]
    return {"access_log.log": "".join(rows).encode()}, [truth(c, who=c.ip, x=None, label=None, scores=None, ms=float(round(c.ms)), model="resnet-18") for c in got]


@form
def tf_serving_classify():
    """TensorFlow Serving, RESTful API: examples by name, answers as pairs of class and score."""
    got = calls("loan", 410)
    out = [logged(c, "/v1/models/loans:classify", {"signature_name": "serving_default", "examples": [c.x]}, {"results": [[["approve", c.scores[0]], ["deny", c.scores[1]]]]}) for c in got]
    return {"tfserving.jsonl": jl(out)}, [truth(c, ms=None) for c in got]


@form
def tf_serving_columns():
    """The same API in its column form, two rows, with an output that has a name."""
    got = calls("flower", 411); out = []; want = []
    for a, b in pairs(got):
        out.append(logged(a, "/v1/models/iris/versions/2:predict", {"inputs": {n: [[a.x[n]], [b.x[n]]] for n in a.x}}, {"outputs": {"probabilities": [a.scores, b.scores]}}))
        want += [truth(c, time=truth(a)["time"], who=a.who, label=None, ms=None) for c in (a, b)]
    return {"tfserving.jsonl": jl(out)}, want


@form
def bentoml_monitoring_data():
    """BentoML, “Monitoring and data collection”: data.*.log with features by name, the prediction, id and time."""
    got = calls("flower", 412)
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    out = [{**dict(zip(names, c.x.values(), strict=True)), "pred": c.label, "request_id": str(int(c.id, 16)), "timestamp": c.at.strftime("%Y-%m-%dT%H:%M:%S.%f")} for c in got]
    return {"data.1.log": jl(out)}, [truth(c, who=None, scores=None, ms=None) for c in got]


@form
def bentoml_server_log():
    """BentoML, “Logging”: a line a request, without bodies."""
    got = calls("text", 413, tick=S)
    rows = [f"{c.at:%Y-%m-%dT%H:%M:%S}+0000 [INFO] [entry_service:Summarization:1] {c.ip}:7181 (scheme=http,method=POST,path=/summarize,type=application/json,length=543) (status=200,type=text/plain; charset=utf-8,length=119) {c.ms:.3f}ms (trace={c.id * 2},span={c.id},sampled=0,service.name=Summarization)\n" for c in got]
    return {"bento.log": "".join(rows).encode()}, [truth(c, who=c.ip, x=None, label=None, scores=None, tick=S) for c in got]


@form
def ray_serve_json_log():
    """Ray Serve, “Monitor your application”: JSON access lines of a replica, without bodies."""
    got = calls("text", 414)
    out = [{"levelname": "INFO", "asctime": f"{c.at:%Y-%m-%d %H:%M:%S},{c.at.microsecond // 1000:03d}", "component_name": "replica", "component_id": "jfuzkc6g", "worker_id": "acea2a", "node_id": "a5bb", "deployment": "translator", "replica": "jfuzkc6g", "application": "default", "request_id": uid(c), "route": "/predict", "message": f"POST /predict 200 {c.ms:.1f}ms", "filename": "replica.py", "lineno": 373, "method": "POST", "status": "200", "latency_ms": c.ms, "serve_access_log": True} for c in got]
    return {"replica_default_translator.log": jl(out)}, [truth(c, who=None, x=None, label=None, scores=None, ms=("may", c.ms)) for c in got]


@form
def envoy_tap():
    """Envoy, tap filter: buffered traces with bodies as text; the time stands in the response's date header."""
    got = calls("vector", 415, tick=S); out = []
    heads = lambda held: [{"key": k, "value": v} for k, v in held.items()]
    for c in got:
        req = {":authority": "models.example.org", ":path": "/v2/models/animals/infer", ":method": "POST", ":scheme": "https", "content-type": "application/json", "x-forwarded-for": c.ip, "x-request-id": uid(c)}
        res = {":status": "200", "content-type": "application/json", "date": c.at.strftime("%a, %d %b %Y %H:%M:%S GMT"), "server": "envoy"}
        asked = {"inputs": [{"name": "x", "shape": [1, 6], "datatype": "FP64", "data": c.x}]}; told = {"model_name": "animals", "outputs": [{"name": "p", "shape": [1, 3], "datatype": "FP64", "data": c.scores}]}
        out.append({"http_buffered_trace": {"request": {"headers": heads(req), "body": {"truncated": False, "as_string": text(asked)}, "trailers": []}, "response": {"headers": heads(res), "body": {"truncated": False, "as_string": text(told)}, "trailers": []}}})
    return {"tap.json": jl(out)}, [truth(c, who=c.ip, label=None, model="animals", ms=None, tick=S) for c in got]


@form
def gateway_proxy_event():
    """Amazon API Gateway, Lambda proxy integration: the event and the answer of a function, logged together."""
    got = calls("loan", 416); out = []
    for c in got:
        event = {"resource": "/score", "path": "/score", "httpMethod": "POST", "headers": {"Content-Type": "application/json", "User-Agent": "python-requests/2.31", "X-Forwarded-For": f"{c.ip}, 64.252.1.1"}, "multiValueHeaders": {}, "queryStringParameters": None, "pathParameters": None, "stageVariables": None, "requestContext": {"accountId": "1234", "apiId": "x1", "authorizer": {"principalId": c.who}, "httpMethod": "POST", "identity": {"sourceIp": c.ip, "userAgent": "python-requests/2.31"}, "path": "/prod/score", "protocol": "HTTP/1.1", "requestId": uid(c), "requestTime": c.at.strftime("%d/%b/%Y:%H:%M:%S +0000"), "requestTimeEpoch": int(c.at.timestamp() * 1000), "stage": "prod"}, "body": text(c.x), "isBase64Encoded": False}
        out.append({"event": event, "response": {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": text({"prediction": c.label, "probabilities": dict(zip(("approve", "deny"), c.scores, strict=True))})}})
    return {"lambda.jsonl": jl(out)}, [truth(c, ms=None) for c in got]


@form
def alb_before_an_endpoint():
    """Elastic Load Balancing, “Access logs for your Application Load Balancer”: no bodies."""
    got = calls("text", 417)
    rows = [f'https {iso(c.at, 6)} app/my-lb/50dc6c495c0c9188 {c.ip}:2817 10.0.0.66:9000 0.001 {c.ms / 1000:.3f} 0.000 200 200 634 366 "POST https://models.example.org:443/invocations HTTP/1.1" "curl/8.4.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/m/73e2 "Root=1-58337364-{c.id}" "models.example.org" "session-reused" 1 {iso(c.at, 6)} "forward" "-" "-" "10.0.0.66:9000" "200" "-" "-"\n' for c in got]
    return {"alb.log": "".join(rows).encode()}, [truth(c, who=c.ip, x=None, label=None, scores=None, ms=("may", round(c.ms / 1000, 3) * 1000), tick=100_000) for c in got]


@form
def cog_webhooks():
    """Replicate, “Predictions” and “Receive webhooks”: a prediction object when it starts and one when it ends."""
    got = calls("text", 418); out = []
    for c in got:
        base = {"id": c.id, "model": "acme/mood", "version": "5c7d5dc6", "input": {"text": c.x}, "error": None, "created_at": iso(c.at, 6), "data_removed": False, "urls": {"get": f"https://api.example.org/v1/predictions/{c.id}"}}
        out.append({**base, "output": None, "logs": None, "status": "starting", "started_at": None, "completed_at": None, "metrics": {}})
        out.append({**base, "output": c.label, "logs": "", "status": "succeeded", "started_at": iso(c.at + timedelta(milliseconds=1), 6), "completed_at": iso(c.at + timedelta(milliseconds=1 + c.ms), 6), "metrics": {"predict_time": c.ms / 1000}})
    return {"webhooks.jsonl": jl(out)}, [truth(c, who=None, label="*", scores="*", ms=("may", c.ms)) for c in got]


@form
def huggingface_ranked_classes():
    """Hugging Face, text classification task of its inference API: every class with its score, best first."""
    got = calls("text", 419); out = []
    for c in got:
        ranked = sorted(zip(c.scores, ("negative", "neutral", "positive"), strict=True), reverse=True)
        out.append(logged(c, "/models/mood", {"inputs": c.x, "parameters": {"top_k": 3}}, [[{"label": n, "score": p} for p, n in ranked]]))
    return {"tgi.jsonl": jl(out)}, [truth(c, ms=None) for c in got]


@form
def nannyml_car_loans():
    """NannyML, synthetic car loan data set: features, y_pred_proba, y_pred, a target that came later."""
    got = calls("loan", 420); rows = []
    for i, c in enumerate(got):
        rows.append([i, round(c.x["income"]), ["0 - 20K €", "20K - 40K €", "40K - 60K €"][i % 3], round(c.scores[0] / 2, 6), c.x["age"], ["True", "False"][i % 2], f"{c.x['tenure_months']}%", c.scores[1], round(c.scores[1]), i % 3 % 2, c.at.strftime("%Y-%m-%d %H:%M:%S.") + f"{c.at.microsecond // 1000:03d}"])
    head = ["id", "car_value", "salary_range", "debt_to_income_ratio", "loan_length", "repaid_loan_on_prev_car", "size_of_downpayment", "y_pred_proba", "y_pred", "repaid", "timestamp"]
    want = [truth(c, x={n: (r[k + 1] if n not in ("repaid_loan_on_prev_car", "size_of_downpayment") else str(r[k + 1])) for k, n in enumerate(head[1:7])}, who=None, label=str(round(c.scores[1])), scores=[c.scores[1]], ms=None) for c, r in zip(got, rows, strict=True)]
    return {"analysis.csv": csv_text(head, rows)}, want


@form
def fiddler_events():
    """Fiddler, bank churn sample: features, a decision, a probability and an epoch in milliseconds."""
    got = calls("loan", 421); rows = []
    for i, c in enumerate(got):
        rows.append([f"27aaee2b-{i:04d}", c.x["age"] * 9, ["California", "Texas", "Hawaii"][i % 3], ["Female", "Male"][i % 2], c.x["age"], c.x["tenure_months"], round(c.x["income"], 2), i % 4, c.scores[0], int(c.at.timestamp() * 1000)])
    head = ["customer_id", "creditscore", "geography", "gender", "age", "tenure", "balance", "numofproducts", "probability_churned", "timestamp"]
    return {"production_data.csv": csv_text(head, rows)}, [truth(c, x=dict(zip(head[1:8], r[1:8], strict=True)), who="*", label=None, scores=[c.scores[0]], ms=None) for c, r in zip(got, rows, strict=True)]


@form
def arize_columns():
    """Arize, tabular upload: prediction_id, prediction_ts in seconds, labels and scores, features as they are."""
    got = calls("fraud", 422)
    rows = [[uid(c), int(c.at.timestamp()), *c.x.values(), c.label, max(c.scores), ["fraud", "legit"][i % 2]] for i, c in enumerate(got)]
    return {"inferences.csv": csv_text(["prediction_id", "prediction_ts", *got[0].x, "prediction_label", "prediction_score", "actual_label"], rows)}, [truth(c, time=int(c.at.timestamp()) * S, who=None, scores="*", ms=None) for c in got]


@form
def feast_feature_log():
    """Feast, feature logging: entity, features with their times and states, a request id; it holds no answers."""
    got = calls("house", 423)
    rows = [{"__request_id": uid(c), "__log_timestamp": c.at, "__log_date": c.at.date(), "driver_id": 1001 + i % 5, "driver_hourly_stats__conv_rate": c.x["area_m2"] / 300, "driver_hourly_stats__conv_rate__timestamp": c.at - timedelta(minutes=3), "driver_hourly_stats__conv_rate__status": 1, "driver_hourly_stats__avg_daily_trips": c.x["rooms"], "driver_hourly_stats__avg_daily_trips__timestamp": c.at - timedelta(minutes=3), "driver_hourly_stats__avg_daily_trips__status": 1} for i, c in enumerate(got)]
    return {"log.parquet": parquet(rows)}, [truth(c, x={"a": r["driver_hourly_stats__conv_rate"], "b": r["driver_hourly_stats__avg_daily_trips"]}, who="*", value=None, label=None, scores=None, ms=None) for c, r in zip(got, rows, strict=True)]


@form
def clearml_statistics():
    """ClearML Serving: the statistics that it sends to Kafka, printed by kcat -J."""
    got = calls("vector", 424)
    out = [{"topic": "clearml_inference_stats", "partition": 0, "offset": i, "tstype": "create", "ts": int(c.at.timestamp() * 1000), "broker": 0, "key": None, "payload": text({"_url": "animals", "_latency": c.ms / 1000, "_count": 1, **{f"x{k}": v for k, v in enumerate(c.x)}, "y": c.label})} for i, c in enumerate(got)]
    return {"stats.json": jl(out)}, [truth(c, x=dict(enumerate(c.x)), who=None, scores=None, ms=("may", c.ms)) for c in got]


@form
def openai_moderations():
    """OpenAI, moderations endpoint: an input text, categories with scores, in a proxy's log."""
    got = calls("text", 425); out = []
    for c in got:
        out.append(logged(c, "/v1/moderations", {"model": "omni-moderation-latest", "input": c.x}, {"id": "modr-" + c.id, "model": "omni-moderation-latest", "results": [{"flagged": c.scores[0] > 0.5, "categories": {"harassment": c.scores[0] > 0.5, "violence": False}, "category_scores": {"harassment": c.scores[0], "violence": c.scores[1]}}]}))
    return {"proxy.jsonl": jl(out)}, [truth(c, label="*", scores=[c.scores[0], c.scores[1]], ms=None) for c in got]
