"""What warehouses, log stores and monitors give out when somebody exports predictions of theirs."""
# fmt: off
# ruff: noqa: E501, E701, E702, E731

import base64
import csv
import io
import json
import random
from dataclasses import dataclass
from datetime import timedelta, timezone

from PIL import Image

from telemetry.strangers.calls import Call, calls, cell, csv_text, ep, iso, jl, scores, shop, truth


@dataclass(frozen=True)
class Trade:
    cols: tuple
    classes: tuple


CHURN = Trade((("tenure", "int", 0, 72), ("monthly_charges", "money", 18, 120), ("support_calls", "int", 0, 9), ("contract", "cat", ("month-to-month", "one year", "two year"))), ("churn", "stay"))
CLAIM = Trade((("claim_amount", "money", 120, 98000), ("vehicle_age", "int", 0, 22), ("police_report", "bool"), ("region", "cat", ("north", "south", "coast"))), ("investigate", "pay"))
ADS = Trade((("slot", "cat", ("top", "side", "feed")), ("hour", "int", 0, 23), ("device", "cat", ("phone", "desktop", "tablet")), ("bid_cents", "int", 3, 240)), ("click", "skip"))
PUMP = Trade((("vibration_rms", "f", 0, 9), ("temperature_c", "f", 20, 95), ("pressure_bar", "f", 1, 12), ("rpm", "int", 600, 3000)), ("anomaly", "normal"))


def asked(trade: Trade, seed: int, priced: bool = False, **how) -> list[Call]:
    rng = random.Random(seed * 31)
    out = []
    for c in calls("vector", seed, **how):
        p = scores(rng, trade.classes)
        out.append(Call(c.at, c.who, c.ip, c.id, {k: cell(rng, *rest) for k, *rest in trade.cols}, trade.classes[p.index(max(p))], p, c.ms, 200, None, round(rng.uniform(1200, 2900000), 2) if priced else None))
    return out


def row_text(x: dict) -> str:
    return "{" + ", ".join(f"{k}={str(v).lower() if isinstance(v, bool) else v}" for k, v in x.items()) + "}"


def dbl(x: object) -> str:
    return "'" + str(x) + "'"


@shop
def athena_result():
    got = asked(CHURN, 201)
    rows = [[c.id, c.at.strftime("%Y-%m-%d %H:%M:%S.") + f"{c.at.microsecond // 1000:03d}", c.who, row_text(c.x), c.scores[0], c.label, f"{c.at:%Y-%m-%d}"] for c in got]
    return {"8f1c2e.csv": csv_text(["prediction_id", "event_ts", "requested_by", "features", "churn_probability", "prediction", "dt"], rows, quoting=csv.QUOTE_ALL)}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def trino_with_header():
    got = asked(CLAIM, 202)
    rows = [[c.at.strftime("%Y-%m-%d %H:%M:%S.") + f"{c.at.microsecond // 1000:03d} UTC", c.who, *(str(v).lower() if isinstance(v, bool) else v for v in c.x.values()), "[" + ", ".join(map(str, c.scores)) + "]", c.label] for c in got]
    return {"claims.csv": csv_text(["scored_at", "adjuster", *got[0].x, "probabilities", "decision"], rows, quoting=csv.QUOTE_ALL)}, [truth(c, ms=None) for c in got]


@shop
def bigquery_ml_predict():
    got = asked(CHURN, 203)
    rows = [{"predicted_churned": c.label, "predicted_churned_probs": sorted(({"label": k, "prob": p} for k, p in zip(CHURN.classes, c.scores, strict=True)), key=lambda one: -one["prob"]), "customer_id": str(90000 + i * 7), **{k: str(v) if isinstance(v, int) else v for k, v in c.x.items()}, "event_timestamp": c.at.strftime("%Y-%m-%d %H:%M:%S.%f UTC"), "requested_by": c.who} for i, c in enumerate(got)]
    return {"bq-000000000000.json": jl(rows)}, [truth(c, ms=None) for c in got]


@shop
def cloud_logging_read():
    got = asked(CLAIM, 204)
    rows = [{"insertId": c.id, "httpRequest": {"requestMethod": "POST", "requestUrl": "https://claims.example/v1/score", "status": 200, "remoteIp": c.ip, "latency": f"{c.ms / 1000:.5f}s", "userAgent": "claims-web/2"},
             "jsonPayload": {"message": "scored claim", "adjuster": c.who, "request": {"claimId": f"C-{i}", "features": c.x}, "response": {"decision": c.label, "scores": dict(zip(CLAIM.classes, c.scores, strict=True))}},
             "labels": {"k8s-pod/app": "claims"}, "logName": "projects/p-1/logs/stdout", "receiveTimestamp": iso(c.at + timedelta(seconds=2), 6), "resource": {"labels": {"cluster_name": "c1", "container_name": "scorer", "location": "europe-west1", "namespace_name": "ml", "pod_name": "scorer-6f", "project_id": "p-1"}, "type": "k8s_container"}, "severity": "INFO", "timestamp": iso(c.at, 6), "trace": f"projects/p-1/traces/{c.id}{c.id}", "spanId": c.id} for i, c in enumerate(got)][::-1]
    return {"logs.json": json.dumps(rows, indent=2).encode()}, [truth(c) for c in got]


@shop
def insights_csv():
    got = asked(ADS, 205)
    rows = [[c.at.strftime("%Y-%m-%d %H:%M:%S.") + f"{c.at.microsecond // 1000:03d}", json.dumps({"level": "INFO", "advertiser": c.who, "context": c.x, "pCTR": c.scores[0], "outcome": c.label}), f"ecs/ctr/{c.id[:6]}", f"CmMKJgoi{c.id}"] for c in got][::-1]
    return {"logs-insights-results.csv": csv_text(["@timestamp", "@message", "@logStream", "@ptr"], rows)}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def grafana_explore_csv():
    got = asked(PUMP, 206)
    rows = [[json.dumps({"app": "pump-watch", "pod": "pw-0", "level": "info"}), int(ep(c.at) * 1000 + .5), f"level=info msg=scored operator={c.who} machine_id={700 + i % 5} " + " ".join(f"{k}={v}" for k, v in c.x.items()) + f" state={c.label} anomaly_score={c.scores[0]}", str(int(ep(c.at) * 1000 + .5)) + "000000", f"{int(ep(c.at) * 1000 + .5)}000000_{c.id[:8]}"] for i, c in enumerate(got)]
    return {"Explore-logs-data.csv": csv_text(["labels", "Time", "Line", "tsNs", "id"], rows)}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def vector_file_source():
    got = asked(CHURN, 207)
    rows = [{"file": "/var/log/churn/app.log", "host": "ip-10-1-2-3", "message": json.dumps({"at": iso(c.at), "tenantId": c.who, "payload": c.x, "result": {"churn": c.label == "churn", "probability": c.scores[0]}}), "source_type": "file", "timestamp": iso(c.at + timedelta(milliseconds=700), 6)} for c in got]
    return {"vector.ndjson": jl(rows)}, [truth(c, label="*", scores=[c.scores[0]], ms=None) for c in got]


@shop
def datadog_search():
    got = asked(CLAIM, 208)
    rows = [{"id": "AgAAA" + c.id, "type": "log", "attributes": {"timestamp": iso(c.at), "host": "i-0a1b", "service": "claims-scorer", "status": "info", "tags": ["env:prod", "version:1.4"], "message": "claim scored", "attributes": {"usr": {"id": c.who}, "ml": {"input": c.x, "output": {"label": c.label, "confidence": max(c.scores)}}, "duration": int(c.ms * 1e6)}}} for c in got]
    return {"dd.json": json.dumps({"data": rows, "meta": {"page": {"after": "x"}, "status": "done", "elapsed": 132}, "links": {"next": "https://api.example/x"}}).encode()}, [truth(c, scores=[max(c.scores)]) for c in got]


@shop
def splunk_json():
    got = asked(ADS, 209)
    rows = [{"preview": False, "offset": i, "result": {"_time": c.at.strftime("%Y-%m-%d %H:%M:%S.") + f"{c.at.microsecond // 1000:03d} UTC", "_raw": json.dumps({"bidder": c.who, "features": c.x, "ctr": c.scores[0], "decision": c.label, "elapsedMs": c.ms}), "host": "ad-7", "index": "ml", "source": "/opt/ads/log", "sourcetype": "_json", "splunk_server": "idx1", "_bkt": "ml~3~A", "_cd": f"3:{i}", "_indextime": str(int(ep(c.at)) + 4), "linecount": "1"}} for i, c in enumerate(got)]
    return {"splunk.json": jl(rows)}, [truth(c, scores=[c.scores[0]]) for c in got]


@shop
def kafka_console_headers():
    got = asked(CHURN, 210)
    lines = [f"CreateTime:{int(ep(c.at) * 1000 + .5)}\tx-tenant:{c.who},traceparent:00-{c.id}{c.id}-{c.id}-01\tcust-{i % 11}\t" + json.dumps({"features": c.x, "prediction": c.label, "probability": max(c.scores)}) for i, c in enumerate(got)]
    return {"topic.txt": "\n".join(lines).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def postgres_copy():
    got = asked(CLAIM, 211)
    pg = lambda c: f"{c.at:%Y-%m-%d %H:%M:%S.%f}".rstrip("0") + "+00"
    rows = [[4000 + i, pg(c), c.who, json.dumps(c.x), json.dumps({"label": c.label, "probs": dict(zip(CLAIM.classes, c.scores, strict=True))}), "t" if i % 3 else "f", ""] for i, c in enumerate(got)]
    return {"scoring.csv": csv_text(["id", "created_at", "user_name", "input", "output", "cached", "error"], rows)}, [truth(c, ms=None) for c in got]


@shop
def mysql_batch():
    got = asked(PUMP, 212)
    lines = ["id\tcreated_at\tapi_user\tsensor_id\t" + "\t".join(got[0].x) + "\tprediction\tprob\tnote"] + [f"{i + 1}\t{c.at:%Y-%m-%d %H:%M:%S.%f}\t{c.who}\t{31 + i % 4}\t" + "\t".join(str(v) for v in c.x.values()) + f"\t{c.label}\t{max(c.scores)}\tNULL" for i, c in enumerate(got)]
    return {"dump.tsv": "\n".join(lines).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def spring_pairs():
    got = asked(ADS, 213)
    lines = [f"{iso(c.at)}  INFO 1 --- [ad-ctr] [nio-8080-exec-{i % 9}] c.acme.ads.CtrController              : bid scored publisher={c.who} " + " ".join(f"{k}={v}" for k, v in c.x.items()) + f" ctr={c.scores[0]} outcome={c.label} took={c.ms}ms" for i, c in enumerate(got)]
    lines[:0] = [f"{iso(got[0].at - timedelta(seconds=9))}  INFO 1 --- [ad-ctr] [           main] c.acme.ads.AdApplication                 : Started AdApplication in 3.21 seconds (process running for 3.9)"]
    return {"spring.log": "\n".join(lines).encode()}, [truth(c, scores=[c.scores[0]]) for c in got], 1


@shop
def structlog_colours():
    got = asked(CLAIM, 214, tick=1000000)
    pair = lambda k, v: f"\x1b[36m{k}\x1b[0m=\x1b[35m{v}\x1b[0m"
    lines = [f"\x1b[2m{c.at:%Y-%m-%d %H:%M:%S}\x1b[0m [\x1b[32m\x1b[1minfo     \x1b[0m] \x1b[1mclaim scored                  \x1b[0m " + " ".join(pair(k, v) for k, v in {"user": c.who, **c.x, "decision": c.label, "score": max(c.scores)}.items()) for c in got]
    return {"console.log": "\n".join(lines).encode()}, [truth(c, time=int(ep(c.at)) * 10**6, scores=[max(c.scores)], ms=None) for c in got]


@shop
def grpc_payloads():
    got = asked(CHURN, 215)
    rows = [{"level": "info", "ts": iso(c.at), "caller": "logging/payload.go:88", "msg": "finished call", "protocol": "grpc", "grpc.component": "server", "grpc.service": "churn.v1.Scorer", "grpc.method": "Predict", "grpc.method_type": "unary", "peer.address": f"{c.ip}:51514", "auth.sub": c.who, "grpc.request.content": {"features": {k.title().replace("_", "")[:1].lower() + k.title().replace("_", "")[1:]: v for k, v in c.x.items()}}, "grpc.response.content": {"label": c.label, "score": c.scores[0]}, "grpc.code": "OK", "grpc.time_ms": c.ms} for c in got]
    return {"grpc.jsonl": jl(rows)}, [truth(c, x=r["grpc.request.content"]["features"], scores=[c.scores[0]]) for c, r in zip(got, rows, strict=True)]


@shop
def ray_serve_extra():
    got = asked(CLAIM, 216)
    rows = [{"levelname": "INFO", "asctime": f"{c.at:%Y-%m-%d %H:%M:%S},{c.at.microsecond // 1000:03d}", "job_id": "01000000", "worker_id": c.id, "node_id": "77aa", "deployment": "Scorer", "replica": "q1w2e3", "component_name": "replica", "request_id": c.id, "route": "/score", "application": "claims", "message": "scored", "filename": "app.py", "lineno": 41, "process": 3112, "timestamp_ns": int(ep(c.at) * 1e6 + .5) * 1000, "inputs": c.x, "prediction": c.label, "confidence": max(c.scores), "user": c.who} for c in got]
    return {"replica.log": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def triton_nested_images():
    got, rows, want, rng = calls("vector", 218), [], [], random.Random(5)
    for c in got:
        px = [[[round(rng.random(), 3) for _ in range(3)] for _ in range(6)] for _ in range(5)]
        rows.append({"ts": iso(c.at), "client_id": c.who, "request": {"inputs": [{"name": "image", "shape": [1, 5, 6, 3], "datatype": "FP32", "data": [px]}]}, "response": {"model_name": "pets", "model_version": "1", "outputs": [{"name": "probs", "datatype": "FP32", "shape": [1, 3], "data": c.scores}]}})
        want.append(truth(c, x=[v for r in px for q in r for v in q], label=None, ms=None))
    return {"triton.jsonl": jl(rows)}, want


@shop
def torchserve_top_classes():
    got, lines, want, rng = calls("vector", 219), [], [], random.Random(7)
    for i, c in enumerate(got):
        best = sorted(zip(["cat", "dog", "fox"], c.scores, strict=True), key=lambda one: -one[1])
        stamp = f"{c.at:%Y-%m-%dT%H:%M:%S},{c.at.microsecond // 1000:03d}"
        lines.append(f"{stamp} [INFO ] W-9000-pets_1.0-stdout MODEL_LOG - " + json.dumps({"customer": c.who, "pixels": c.x, "classes": [k for k, _ in best], "probabilities": [p for _, p in best]}))
        if i % 4 == 0: lines.append(f"{stamp} [INFO ] W-9000-pets_1.0 TS_METRICS - HandlerTime.ms:{rng.randint(3, 30)}.0|#ModelName:pets,Level:Model|#hostname:h1,1772439303,{c.id},null")
        want.append(truth(c, scores=[max(c.scores)], ms=None))
    return {"model_log.log": "\n".join(lines).encode()}, want, 9


@shop
def pictures_as_png():
    got, rows, want, rng = calls("vector", 220), [], [], random.Random(11)
    for c in got:
        px = [rng.randint(0, 255) for _ in range(64)]; sink = io.BytesIO()
        picture = Image.new("L", (8, 8)); picture.putdata(px); picture.save(sink, "PNG")
        best = sorted(zip(["cat", "dog", "fox"], c.scores, strict=True), key=lambda one: -one[1])
        rows.append({"received_at": iso(c.at), "api_key_id": c.who, "image": {"content": base64.b64encode(sink.getvalue()).decode(), "mime": "image/png"}, "predictions": [{"className": k, "score": p} for k, p in best]})
        # The readers pool a picture to 16 x 16 means of its brightness.
        want.append(truth(c, x=[px[(i // 32) * 8 + (i % 16) // 2] / 255 for i in range(256)], ms=None))
    return {"pictures.jsonl": jl(rows)}, want


@shop
def sagemaker_json_records():
    got = asked(CHURN, 221)
    b64 = lambda d: base64.b64encode(json.dumps(d).encode()).decode()
    rows = [{"captureData": {"endpointInput": {"observedContentType": "application/json", "mode": "INPUT", "data": b64(c.x), "encoding": "BASE64"}, "endpointOutput": {"observedContentType": "application/json", "mode": "OUTPUT", "data": b64({"predicted_label": c.label, "probability": c.scores[0]}), "encoding": "BASE64"}}, "eventMetadata": {"eventId": c.id, "customAttributes": [f"tenant={c.who}"], "inferenceTime": iso(c.at, 0)}, "eventVersion": "0"} for c in got]
    return {"59-46-123.jsonl": jl(rows)}, [truth(c, time=int(ep(c.at)) * 10**6, scores=[c.scores[0]], ms=None) for c in got]


@shop
def api_management_logs():
    got = asked(CLAIM, 222)
    rows = [{"time": iso(c.at, 6)[:-1] + "7Z", "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/R/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/APIM", "callerIpAddress": c.ip, "category": "GatewayLogs", "operationName": "Microsoft.ApiManagement/GatewayLogs", "durationMs": c.ms, "Level": 4, "isRequestSuccess": True, "correlationId": c.id, "properties": {"method": "POST", "url": "https://apim.example/claims/score", "backendResponseCode": 200, "responseCode": 200, "apiId": "claims", "operationId": "score", "apimSubscriptionId": c.who, "requestBody": json.dumps(c.x), "responseBody": json.dumps({"decision": c.label, "confidence": max(c.scores)})}} for c in got]
    return {"PT1H.json": jl(rows)}, [truth(c, scores=[max(c.scores)]) for c in got]


@shop
def databricks_payload_csv():
    got = asked(PUMP, 223)
    rows = [["", c.id, f"{c.at:%Y-%m-%d}", int(ep(c.at) * 1000 + .5), 200, int(c.ms), json.dumps({"dataframe_split": {"columns": list(c.x), "data": [list(c.x.values())]}}), json.dumps({"predictions": [c.label]}), 1.0, json.dumps({"endpoint_name": "pumps", "model_name": "pump", "model_version": "3"})] for c in got]
    return {"payload.csv": csv_text(["client_request_id", "databricks_request_id", "date", "timestamp_ms", "status_code", "execution_time_ms", "request", "response", "sampling_fraction", "request_metadata"], rows)}, [truth(c, who=None, scores=None, ms=int(c.ms)) for c in got]


@shop
def arize_csv():
    got, rng = asked(CHURN, 224), random.Random(4)
    rows = [[c.id, int(ep(c.at)), c.label, c.scores[0], rng.choice(CHURN.classes), *c.x.values(), *(round(rng.gauss(0, 1), 4) for _ in c.x), c.who] for c in got]
    return {"arize.csv": csv_text(["prediction_id", "prediction_ts", "prediction_label", "prediction_score", "actual_label", *[f"feature.{k}" for k in got[0].x], *[f"shap.{k}" for k in got[0].x], "tag.requested_by"], rows)}, [truth(c, time=int(ep(c.at)) * 10**6, scores=[c.scores[0]], ms=None) for c in got]


@shop
def french_bounds():
    got = asked(Trade((("surface", "f", 20, 300), ("revenu", "money", 12000, 2500000), ("pièces", "int", 1, 9), ("quartier", "cat", ("nord", "sud", "centre"))), ("a", "b")), 222, priced=True)
    fr = lambda v: (f"{v:,.2f}".replace(",", "\u202f").replace(".", ",") if isinstance(v, float) else v)
    rows = [[i + 1, f"{c.at:%d/%m/%Y}", f"{c.at:%H:%M:%S}", c.who, f"D-{i:04d}", fr(round(c.x["surface"], 2)), fr(c.x["revenu"]), c.x["pièces"], c.x["quartier"], fr(c.value), fr(round(c.value * .9, 2)), fr(round(c.value * 1.1, 2))] for i, c in enumerate(got)]
    return {"estimations.csv": csv_text(["n°", "date", "heure", "conseiller", "dossier", "surface", "revenu", "pièces", "quartier", "prix_estimé", "borne_basse", "borne_haute"], rows, delimiter=";")}, [truth(c, time=int(ep(c.at)) * 10**6, x={**c.x, "surface": round(c.x["surface"], 2)}, label=None, scores=None, ms=None) for c in got]


@shop
def american_sheet():
    got, band = asked(CLAIM, 233), lambda p: "High" if p > .6 else "Medium" if p > .35 else "Low"
    rows = [[f"{c.at.month}/{c.at.day}/{c.at.year} {c.at.hour % 12 or 12}:{c.at:%M:%S %p}", c.who, f"CLM-{i:05d}", f"${c.x['claim_amount']:,.2f}", c.x["vehicle_age"], "Yes" if c.x["police_report"] else "No", c.x["region"], f"{c.scores[0] * 100:.2f}%", band(c.scores[0])] for i, c in enumerate(got)]
    return {"Claims Q1.csv": b"\xef\xbb\xbf" + csv_text(["Scored On", "Scored By", "Claim ID", "Claim Amount", "Vehicle Age", "Police Report", "Region", "Fraud Score", "Risk Band"], rows)}, [truth(c, time=int(ep(c.at)) * 10**6, x={**c.x, "police_report": "Yes" if c.x["police_report"] else "No"}, label=band(c.scores[0]), scores=[c.scores[0]], ms=None) for c in got]


@shop
def syslog_without_year():
    got = asked(ADS, 227)
    lines = [f"{c.at:%b} {c.at.day:2d} {c.at:%H:%M:%S} ad-3 adscore[412]: scored account={c.who} " + " ".join(f"{k}={v}" for k, v in c.x.items()) + f" click_probability={c.scores[0]} class={c.label}" for c in got]
    return {"messages": "\n".join(lines).encode()}, [truth(c, time=int(ep(c.at)) * 10**6, scores=[c.scores[0]], ms=None) for c in got]


@shop
def chat_gateway_classes():
    got = calls("text", 228)
    rows = [{"id": f"chatcmpl-{c.id}", "call_type": "acompletion", "startTime": iso(c.at), "endTime": iso(c.at + timedelta(milliseconds=400)), "model": "small-chat", "end_user": c.who, "messages": [{"role": "system", "content": "Answer with negative, neutral or positive."}, {"role": "user", "content": c.x}], "response": {"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": c.label}}], "usage": {"prompt_tokens": 31, "completion_tokens": 1, "total_tokens": 32}}, "spend": 0.00001, "cache_hit": "False"} for c in got]
    return {"spend.jsonl": jl(rows)}, [truth(c, scores=None, ms=None, model="small-chat") for c in got]


@shop
def sensor_offsets():
    got, cet = asked(PUMP, 229), timezone(timedelta(hours=1))
    rows = [[c.at.astimezone(cet).isoformat(timespec="milliseconds"), c.who, 4400 + i % 6, f"SN{8812 + i % 6}", *c.x.values(), c.scores[0], c.label == "anomaly"] for i, c in enumerate(got)]
    return {"pumps.csv": csv_text(["time", "requested_by", "machine_id", "serial_no", *got[0].x, "anomaly_score", "is_anomaly"], rows)}, [truth(c, label="*", scores=[c.scores[0]], ms=None) for c in got]


@shop
def dynamodb_items():
    got = asked(CHURN, 230)
    typed = lambda v: {"M": {k: typed(o) for k, o in v.items()}} if isinstance(v, dict) else {"S": v} if isinstance(v, str) else {"N": str(v)}
    rows = [{"Item": typed({"pk": f"pred#{c.id}", "createdAt": int(ep(c.at) * 1000 + .5), "userId": c.who, "features": c.x, "label": c.label, "score": c.scores[0]})} for c in got]
    return {"i5dx.json": jl(rows)}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]
