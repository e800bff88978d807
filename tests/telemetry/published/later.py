"""Published forms that nobody had looked at before those of the other modules were read.

Each form's source stands in the docstring of what writes it; the words and figures are our own.
"""
# fmt: off
# ruff: noqa: E501, E702, E731, PERF401

import base64
import json
from datetime import timedelta

from telemetry.published.clouds import S, pairs, parquet, text, uid
from telemetry.published.forms import form
from telemetry.published.servings import logged
from telemetry.strangers.calls import calls, csv_text, iso, jl, truth


@form
def vertex_automl_tables_in_access_log():
    """Vertex AI, “Get online inferences from a tabular classification model”: request and response of :predict."""
    got = calls("loan", 501); out = []
    for c in got:
        out.append(logged(c, "/v1/projects/p/locations/eu/endpoints/8472:predict", {"instances": [{k: str(v) for k, v in c.x.items()}]}, {"predictions": [{"scores": c.scores, "classes": ["approve", "deny"]}], "deployedModelId": "2429510197", "model": "projects/9/locations/eu/models/77", "modelDisplayName": "loans", "modelVersionId": "1"}))
    return {"calls.jsonl": jl(out)}, [truth(c, ms=None) for c in got]


@form
def mlflow_invocations_in_log():
    """MLflow, “Deploy MLflow model as a local inference server”: dataframe_split and predictions, two rows."""
    got = calls("house", 502); out = []; want = []
    for a, b in pairs(got):
        out.append(logged(a, "/invocations", {"dataframe_split": {"index": [0, 1], "columns": list(a.x), "data": [list(c.x.values()) for c in (a, b)]}}, {"predictions": [a.value, b.value]}))
        want += [truth(c, time=truth(a)["time"], who=a.who, ms=None) for c in (a, b)]
    return {"mlflow.jsonl": jl(out)}, want


@form
def watson_ml_predictions():
    """IBM watsonx.ai Runtime, “Deployments predictions”: input_data and predictions, each with fields and values."""
    got = calls("loan", 503); out = []
    for c in got:
        out.append(logged(c, "/ml/v4/deployments/d9/predictions", {"input_data": [{"fields": list(c.x), "values": [list(c.x.values())]}]}, {"predictions": [{"fields": ["prediction", "probability"], "values": [[c.label, c.scores]]}]}))
    return {"wml.jsonl": jl(out)}, [truth(c, ms=None) for c in got]


@form
def sas_micro_analytic_steps():
    """SAS Micro Analytic Service, REST API: inputs and outputs as lists of name and value."""
    got = calls("loan", 504); out = []
    for c in got:
        out.append(logged(c, "/microanalyticScore/modules/loans/steps/score", {"version": 1, "inputs": [{"name": k, "value": v} for k, v in c.x.items()]}, {"links": [], "version": 2, "moduleId": "loans", "stepId": "score", "executionState": "completed", "outputs": [{"name": "EM_CLASSIFICATION", "value": c.label}, {"name": "EM_EVENTPROBABILITY", "value": c.scores[0]}]}))
    return {"mas.jsonl": jl(out)}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@form
def knime_server_calls():
    """RStudio plumber and vetiver, “predict” endpoint: records in, records with .pred_class out."""
    got = calls("flower", 505); out = []
    for c in got:
        out.append(logged(c, "/predict", [c.x], [{".pred_class": c.label}]))
    return {"vetiver.jsonl": jl(out)}, [truth(c, scores=None, ms=None) for c in got]


@form
def tidymodels_probabilities():
    """tidymodels, augment(): .pred_class and a .pred_ column a class beside the predictors, with a time."""
    got = calls("flower", 506)
    rows = [[c.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), *c.x.values(), c.label, *c.scores] for c in got]
    return {"augmented.csv": csv_text(["scored_at", *got[0].x, ".pred_class", ".pred_setosa", ".pred_versicolor", ".pred_virginica"], rows)}, [truth(c, who=None, ms=None) for c in got]


@form
def spark_ml_predictions():
    """Apache Spark MLlib, transform(): label-index features vector, rawPrediction, probability, prediction."""
    got = calls("vector", 507)
    rows = [{"event_time": c.at, "user_id": c.who, "features": c.x, "rawPrediction": [v * 3 - 1 for v in c.scores], "probability": c.scores, "prediction": float(c.scores.index(max(c.scores)))} for c in got]
    return {"part-0.parquet": parquet(rows)}, [truth(c, label="*", ms=None) for c in got]


@form
def pycaret_predictions():
    """PyCaret, predict_model(): prediction_label and prediction_score beside the features."""
    got = calls("loan", 508)
    rows = [[c.at.strftime("%Y-%m-%d %H:%M:%S.%f"), c.who, *c.x.values(), c.label, max(c.scores)] for c in got]
    return {"preds.csv": csv_text(["timestamp", "customer_id", *got[0].x, "prediction_label", "prediction_score"], rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@form
def comprehend_in_cloudtrail_like_log():
    """Amazon Comprehend, DetectSentiment: Sentiment and SentimentScore by class, bodies in a service's log."""
    got = calls("text", 509); out = []
    for c in got:
        out.append(logged(c, "/", {"Text": c.x, "LanguageCode": "en"}, {"Sentiment": c.label.upper(), "SentimentScore": dict(zip(("Negative", "Neutral", "Positive"), c.scores, strict=True))}))
    return {"comprehend.jsonl": jl(out)}, [truth(c, label=c.label.upper(), ms=None) for c in got]


@form
def azure_language_batches():
    """Azure AI Language, “Analyze text” sentiment: documents in, documents with confidenceScores out."""
    got = calls("text", 510); out = []
    for c in got:
        out.append(logged(c, "/text/analytics/v3.1/sentiment", {"documents": [{"id": "1", "language": "en", "text": c.x}]}, {"documents": [{"id": "1", "sentiment": c.label, "confidenceScores": dict(zip(("negative", "neutral", "positive"), c.scores, strict=True)), "warnings": []}], "errors": [], "modelVersion": "2022-11-01"}))
    return {"language.jsonl": jl(out)}, [truth(c, ms=None) for c in got]


@form
def rekognition_labels():
    """Amazon Rekognition, DetectModerationLabels: ranked labels with a Confidence in percent; the picture is in S3."""
    got = calls("text", 511); out = []
    for i, c in enumerate(got):
        named = sorted(zip((round(100 * s, 2) for s in c.scores), ("Violence", "Weapons", "Smoking"), strict=True), reverse=True)
        out.append(logged(c, "/", {"Image": {"S3Object": {"Bucket": "uploads", "Name": f"{i}.jpg"}}, "MinConfidence": 0}, {"ModerationLabels": [{"Confidence": p, "Name": n, "ParentName": ""} for p, n in named], "ModerationModelVersion": "7.0"}))
    return {"rekognition.jsonl": jl(out)}, [truth(c, x=None, label="*", scores="*", ms=None) for c in got]


@form
def nvidia_triton_openai_embeddings():
    """OpenAI-like embeddings: an input text and a vector that is no score."""
    got = calls("text", 512); out = []
    for c in got:
        out.append(logged(c, "/v1/embeddings", {"model": "e5", "input": c.x, "encoding_format": "float"}, {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [c.scores[0] - 0.5, c.scores[1], -c.scores[2], 0.25]}], "model": "e5", "usage": {"prompt_tokens": 8, "total_tokens": 8}}))
    return {"proxy.jsonl": jl(out)}, [truth(c, label="*", scores="*", model="e5", ms=None) for c in got]


@form
def paddle_serving_http():
    """Paddle Serving, HTTP pipeline: keys and values as text, err_no, answers in value lists."""
    got = calls("vector", 513); out = []
    for c in got:
        out.append(logged(c, "/animals/prediction", {"key": ["x"], "value": [text(c.x)]}, {"err_no": 0, "err_msg": "", "key": ["prob"], "value": [text(c.scores)]}))
    return {"paddle.jsonl": jl(out)}, [truth(c, label="*", ms=None) for c in got]


@form
def kong_http_log():
    """Kong Gateway, HTTP Log plugin: consumer, latencies and bodies as its Body Transformer example adds them."""
    got = calls("flower", 514); out = []
    for c in got:
        asked = {"instances": [list(c.x.values())]}; told = {"predictions": [c.label]}
        out.append({"response": {"size": 180, "headers": {"content-type": "application/json"}, "status": 200, "body": text(told)}, "latencies": {"request": round(c.ms), "kong": 1, "proxy": round(c.ms) - 1}, "tries": [{"balancer_latency": 0, "port": 8080, "ip": "10.1.1.9"}], "started_at": int(c.at.timestamp() * 1000), "client_ip": c.ip, "consumer": {"id": uid(c, 1)[:8] + c.who, "username": c.who, "created_at": 1700000000}, "service": {"name": "iris", "host": "iris.svc", "port": 8080, "protocol": "http"}, "route": {"name": "iris", "paths": ["/iris"]}, "request": {"method": "POST", "uri": "/v1/models/iris:predict", "url": "http://gw/v1/models/iris:predict", "size": 190, "headers": {"host": "gw", "user-agent": "curl/8"}, "querystring": {}, "body": text(asked)}, "upstream_uri": "/v1/models/iris:predict"})
    return {"kong.jsonl": jl(out)}, [truth(c, x=list(c.x.values()), scores=None, ms=float(round(c.ms))) for c in got]


@form
def tyk_analytics_records():
    """Tyk, analytics record: raw request and response in Base64, times in RFC 3339."""
    got = calls("flower", 515); out = []
    for c in got:
        asked = json.dumps({"instances": [list(c.x.values())]}); told = json.dumps({"predictions": [c.label]})
        raw = lambda head, body: base64.b64encode((head + "\r\nContent-Type: application/json\r\n\r\n" + body).encode()).decode()
        out.append({"method": "POST", "host": "gw", "path": "/iris/predict", "raw_path": "/iris/predict", "content_length": len(asked), "user_agent": "curl/8", "response_code": 200, "api_key": "5e9d9544a1dcd60001d0ed20" + c.who, "timestamp": iso(c.at), "api_version": "v1", "api_name": "iris", "api_id": "i1", "org_id": "o1", "oauth_id": "", "request_time": round(c.ms), "raw_request": raw("POST /iris/predict HTTP/1.1", asked), "raw_response": raw("HTTP/1.1 200 OK", told), "ip_address": c.ip, "track_path": False, "expireAt": iso(c.at + timedelta(days=30))})
    return {"tyk.jsonl": jl(out)}, [truth(c, x=list(c.x.values()), scores=None, ms=("may", float(round(c.ms)))) for c in got]


@form
def aporia_inferencedb():
    """InferenceDB, “KServe quickstart”: Parquet with inputs and outputs as columns, id and occurred_at."""
    got = calls("flower", 516, tick=S)
    rows = [{"id": uid(c), "occurred_at": c.at, **{f"inputs.{k}": v for k, v in c.x.items()}, "outputs.species": c.label} for c in got]
    return {"part.parquet": parquet(rows)}, [truth(c, who=None, scores=None, ms=None, tick=S) for c in got]
