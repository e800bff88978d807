"""Logs of other shops, written when the readers had been mended for the first ones."""
# fmt: off
# ruff: noqa: E501, E702, E731, PERF401

import csv
import gzip
import io
import json
import os
import random
import sqlite3
import tarfile
import tempfile
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from telemetry.strangers.calls import calls, csv_text, dist, ep, iso, jl, shop, truth


@shop
def quoted_json_in_words():
    got = calls("loan", 101)
    return {"svc.log": "\n".join(f"{iso(c.at)} INFO scorer user='{c.who}' body='{json.dumps(c.x)}' result='{json.dumps({'label': c.label, 'score': c.scores[0]})}'" for c in got).encode()}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def lombok_strings():
    got = calls("loan", 102)
    java = lambda name, d: name + "(" + ", ".join(f"{k}={v}" for k, v in d.items()) + ")"
    return {"spring.log": "\n".join(f"{c.at:%Y-%m-%d %H:%M:%S}.{c.at.microsecond // 1000:03d}  INFO 1 --- [nio-8080-exec-1] c.s.ScoreService : client={c.who} request={java('ScoreRequest', c.x)} response={java('ScoreResponse', {'decision': c.label, 'probability': c.scores[0]})}" for c in got).encode()}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def go_structs():
    got = calls("flower", 103)
    go = lambda d: "{" + " ".join(f"{k.title().replace('_', '')}:{v}" for k, v in d.items()) + "}"
    return {"go.log": "\n".join(f"{c.at:%Y/%m/%d %H:%M:%S} predict user={c.who} req={go(c.x)} resp={go({'label': c.label, 'score': max(c.scores)})}" for c in got).encode()}, [truth(c, time=int(ep(c.at)) * 10**6, scores=[max(c.scores)], ms=None, x={k.title().replace('_', ''): v for k, v in c.x.items()}) for c in got]


@shop
def monolog():
    got = calls("fraud", 104)
    return {"prod.log": "\n".join(f'[{c.at:%Y-%m-%dT%H:%M:%S}.{c.at.microsecond:06d}+00:00] scoring.INFO: scored {json.dumps({"account": c.who, "input": c.x, "output": {"class": c.label, "confidence": max(c.scores)}})} []' for c in got).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def kibana_csv():
    got = calls("house", 105)
    rows = [[c.at.strftime("%b %-d, %Y @ %H:%M:%S.") + f"{c.at.microsecond // 1000:03d}", c.who, *[f"{v:,}" if isinstance(v, (int, float)) and k != "year_built" else v for k, v in c.x.items()], f"{c.value:,}"] for c in got]
    return {"kibana.csv": csv_text(["@timestamp", "user.name", *[f"features.{k}" for k in got[0].x], "prediction.value"], rows, quoting=csv.QUOTE_ALL)}, [truth(c, ms=None) for c in got]


@shop
def azure_ml_collector():
    got, a, b = calls("flower", 106), [], []
    for c in got:
        ce = {"specversion": "1.0", "source": "/subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/iris/deployments/blue", "datacontenttype": "application/json", "correlationid": c.id, "xrequestid": c.id, "modelversion": "default", "agent": "azureml-ai-monitoring/1.0.0"}
        a.append({**ce, "id": c.id[:8] + "a", "type": "azureml.inference.inputs", "time": iso(c.at, 0), "data": [c.x]})
        b.append({**ce, "id": c.id[:8] + "b", "type": "azureml.inference.outputs", "time": iso(c.at, 0), "data": [{"label": c.label, "score": max(c.scores)}]})
    return {"inputs.jsonl": jl(a), "outputs.jsonl": jl(b)}, [truth(c, time=int(ep(c.at)) * 10**6, who=None, scores=[max(c.scores)], ms=None) for c in got]


@shop
def named_pairs():
    got = calls("loan", 107)
    rows = [{"eventTime": iso(c.at), "submittedBy": c.who, "features": [{"name": k, "value": v} for k, v in c.x.items()], "prediction": {"outcome": c.label, "probabilities": dist(c, "loan")}} for c in got]
    return {"pairs.jsonl": jl(rows)}, [truth(c, ms=None) for c in got]


@shop
def spanish_semicolons():
    got = calls("loan", 108)
    es = lambda v: f"{v:.2f}".replace(".", ",")
    rows = [[f"{c.at:%d/%m/%Y %H:%M:%S}", c.who, c.x["age"], es(c.x["income"]), c.x["tenure_months"], c.x["purpose"], c.label, str(max(c.scores)).replace(".", ",")] for c in got]
    return {"salida.csv": b"\xef\xbb\xbf" + csv_text(["fecha_hora", "usuario", "edad", "ingresos", "antigüedad", "propósito", "resultado", "probabilidad"], rows, delimiter=";")}, [truth(c, time=int(ep(c.at)) * 10**6, x={"edad": c.x["age"], "ingresos": c.x["income"], "antigüedad": c.x["tenure_months"], "propósito": c.x["purpose"]}, scores=[max(c.scores)], ms=None) for c in got]


@shop
def struct_parquet():
    got = calls("vector", 109)
    rows = [{"request_ts": int(ep(c.at) * 1e6), "consumer_id": c.who, "x": c.x, "result": {"classes": ["cat", "dog", "fox"], "probs": c.scores, "top": c.label}} for c in got]
    sink = io.BytesIO(); pq.write_table(pa.Table.from_pylist(rows), sink)
    return {"s.parquet": sink.getvalue()}, [truth(c, ms=None) for c in got]


@shop
def envoy_and_service():
    got = calls("fraud", 110)
    acc = [{"start_time": iso(c.at), "method": "POST", "path": "/score", "response_code": 200, "duration": int(c.ms), "x_request_id": c.id, "downstream_remote_address": f"{c.ip}:4711", "user": c.who, "user_agent": "okhttp/4"} for c in got]
    app = [{"ts": iso(c.at + timedelta(milliseconds=1)), "request_id": c.id, "features": c.x, "label": c.label, "scores": c.scores} for c in got]
    random.Random(2).shuffle(app)
    return {"envoy.log": jl(acc), "service.jsonl": jl(app)}, [truth(c, tick=2000, ms=("or none", int(c.ms))) for c in got]


@shop
def docker_logfmt():
    got = calls("flower", 111)
    rows = [{"log": f"level=info ts={iso(c.at)} caller_id={c.who} " + " ".join(f"{k}={v}" for k, v in c.x.items()) + f" prediction={c.label} confidence={max(c.scores)} elapsed={c.ms}ms\n", "stream": "stdout", "time": iso(c.at + timedelta(milliseconds=3), 6)} for c in got]
    return {"abc-json.log": jl(rows)}, [truth(c, scores=[max(c.scores)]) for c in got]


@shop
def tar_zst_days():
    got = calls("house", 112)
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for n, part in (("2026/03/a.csv", got[:20]), ("2026/03/b.csv", got[20:])):
            data = csv_text(["timestamp", "client", *got[0].x, "predicted_price"], [[iso(c.at), c.who, *c.x.values(), c.value] for c in part])
            info = tarfile.TarInfo(n); info.size = len(data); tar.addfile(info, io.BytesIO(data))
    return {"days.tar.zst": zstandard.compress(sink.getvalue())}, [truth(c, ms=None) for c in got]


@shop
def sqlite_many_tables():
    got = calls("loan", 113)
    path = tempfile.mktemp(suffix=".sqlite"); db = sqlite3.connect(path)
    db.execute("create table users (id integer primary key, name text, created_at text)"); db.executemany("insert into users (name, created_at) values (?, ?)", [(w, "2025-01-01") for w in ("alice", "bob")])
    db.execute("create table scoring_log (id integer primary key, scored_at integer, requested_by text, age int, income real, tenure_months int, purpose text, decision text, p real)")
    db.executemany("insert into scoring_log (scored_at, requested_by, age, income, tenure_months, purpose, decision, p) values (?,?,?,?,?,?,?,?)", [(int(ep(c.at) * 1000), c.who, *c.x.values(), c.label, max(c.scores)) for c in got]); db.commit(); db.close()
    data = Path(path).read_bytes(); os.unlink(path)
    return {"app.sqlite": data}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def json_rpc():
    got = calls("vector", 114)
    rows = [{"time": iso(c.at), "auth": {"sub": c.who, "iss": "https://id.shop"}, "request": {"jsonrpc": "2.0", "id": i, "method": "classify", "params": {"features": c.x}}, "response": {"jsonrpc": "2.0", "id": i, "result": {"label": c.label, "score": max(c.scores)}}} for i, c in enumerate(got)]
    return {"rpc.jsonl": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def otlp_log_bodies():
    got, rows = calls("loan", 115), []
    kv = lambda d: {"kvlistValue": {"values": [{"key": k, "value": kv(v) if isinstance(v, dict) else {"stringValue": v} if isinstance(v, str) else {"intValue": str(v)} if isinstance(v, int) else {"doubleValue": v}} for k, v in d.items()]}}
    for c in got:
        rows.append({"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"scope": {}, "logRecords": [{"timeUnixNano": str(int(ep(c.at) * 1000) * 10**6), "severityText": "INFO", "body": kv({"requester": c.who, "inputs": c.x, "prediction": c.label, "score": max(c.scores)})}]}]}]})
    return {"logs.otlp.json": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def images_nested():
    got, rows, rng, want = calls("vector", 116), [], random.Random(6), []
    for c in got:
        img = [[round(rng.random(), 3) for _ in range(8)] for _ in range(8)]
        rows.append({"ts": int(ep(c.at) * 1e6), "remote_addr": c.ip, "image": img, "probabilities": c.scores, "predicted_class": c.label})
        want.append(truth(c, x=[v for r in img for v in r], ms=None))
    return {"img.jsonl": jl(rows)}, want


@shop
def two_models():
    got, other = calls("loan", 117, n=30), calls("house", 118, n=30)
    rows = sorted([(c.at, {"t": iso(c.at), "model": m, "key_name": c.who, "features": c.x, "output": c.label if c.label else c.value}) for m, part in (("loan", got), ("house", other)) for c in part], key=lambda r: r[0])
    return {"two.jsonl": jl(r for _, r in rows)}, [truth(c, model=None, scores=None, ms=None, x=c.x, value=c.value) for c in got + other]


@shop
def money_and_percent():
    got = calls("loan", 119)
    rows = [[iso(c.at), c.who, c.x["age"], f"${c.x['income']:,.2f}", c.x["tenure_months"], c.x["purpose"], c.label, f"{100 * c.scores[0]:.2f}%"] for c in got]
    return {"report.csv": csv_text(["Scored At", "Requested By", "Age", "Income", "Tenure Months", "Purpose", "Decision", "Probability"], rows)}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def old_syslog_json():
    got = calls("flower", 120, tick=1000000)
    return {"messages": "\n".join(f"{c.at.strftime('%b')} {c.at.day:2d} {c.at:%H:%M:%S} ml1 iris[77]: " + json.dumps({"usr": c.who, "payload": c.x, "class": c.label, "proba": c.scores}) for c in got).encode()}, [truth(c, ms=None) for c in got]


@shop
def nginx_json_body():
    got = calls("loan", 121)
    rows = [{"time_iso8601": c.at.strftime("%Y-%m-%dT%H:%M:%S+00:00"), "remote_addr": "10.0.0.2", "http_x_api_key": f"k_{c.who}_77f0", "request": "POST /score HTTP/1.1", "request_body": json.dumps(c.x), "status": 200, "request_time": f"{c.ms / 1000:.3f}", "resp_body": json.dumps({"decision": c.label, "probability": max(c.scores)})} for c in got]
    return {"nginx.json": jl(rows)}, [truth(c, time=int(ep(c.at)) * 10**6, scores=[max(c.scores)], ms=("or none", round(c.ms / 1000, 3) * 1000)) for c in got]


@shop
def snowflake_variant():
    got = calls("house", 122)
    rows = [[f"{c.at:%Y-%m-%d %H:%M:%S}.{c.at.microsecond // 1000:03d} +0000", c.who, json.dumps(c.x), json.dumps({"PREDICTED_VALUE": c.value})] for c in got]
    return {"data_0_0_0.csv.gz": gzip.compress(csv_text(["EVENT_TS", "USER_NAME", "INPUT", "OUTPUT"], rows))}, [truth(c, ms=None) for c in got]


@shop
def numpy_cells():
    got = calls("vector", 123)
    rows = [[iso(c.at), c.who, "[" + " ".join(f"{v: .4f}" for v in c.x) + "]", c.label, "[" + " ".join(map(str, c.scores)) + "]"] for c in got]
    return {"np.csv": csv_text(["time", "user", "embedding", "label", "probs"], rows)}, [truth(c, ms=None) for c in got]


@shop
def jwt_claims_and_failures():
    got, rows = calls("fraud", 124, fail=(3, 9, 21)), []
    for c in got:
        row = {"@timestamp": iso(c.at), "claims": {"sub": c.who, "aud": "scoring"}, "http": {"status": c.status, "took_ms": c.ms}, "input": c.x}
        rows.append(row | ({"prediction": {"label": c.label, "scores": dist(c, "fraud")}} if c.label else {"error": "model timeout"}))
    return {"gw.jsonl": jl(rows)}, [truth(c) for c in got]


@shop
def jaeger_export():
    got = calls("flower", 125)
    tag = lambda k, v: {"key": k, "type": "string" if isinstance(v, str) else "float64", "value": v}
    spans = [{"traceID": c.id * 2, "spanID": c.id, "operationName": "predict", "startTime": int(ep(c.at) * 1000) * 1000, "duration": int(c.ms * 1000), "tags": [tag("user.id", c.who), *(tag(f"input.{k}", v) for k, v in c.x.items()), tag("output.label", c.label), tag("output.score", max(c.scores))], "logs": []} for c in got]
    return {"traces.json": json.dumps({"data": [{"traceID": s["traceID"], "spans": [s], "processes": {}} for s in spans], "total": 0}).encode()}, [truth(c, scores=[max(c.scores)], ms=("or none", int(c.ms * 1000) / 1000)) for c in got]


@shop
def zipkin_spans():
    got = calls("loan", 126)
    rows = [{"traceId": c.id, "id": c.id, "name": "score", "timestamp": int(ep(c.at) * 1000) * 1000, "duration": int(c.ms * 1000), "localEndpoint": {"serviceName": "loan"}, "tags": {"enduser.id": c.who, **{f"input.{k}": str(v) for k, v in c.x.items()}, "output.label": c.label, "output.probability": str(max(c.scores))}} for c in got]
    return {"zipkin.json": json.dumps(rows).encode()}, [truth(c, scores=[max(c.scores)], ms=("or none", int(c.ms * 1000) / 1000)) for c in got]


@shop
def flat_with_duration_feature():
    got, rng, want, rows = calls("loan", 127), random.Random(5), [], []
    for c in got:
        x = {"age": c.x["age"], "duration": rng.randint(4, 3000), "campaign": rng.randint(1, 20), "job": rng.choice(["admin", "student", "retired"])}
        rows.append([iso(c.at), c.who, *x.values(), c.label, max(c.scores)]); want.append(truth(c, x=x, scores=[max(c.scores)], ms=None))
    return {"bank.csv": csv_text(["ts", "agent_user", "age", "duration", "campaign", "job", "y_hat", "y_prob"], rows)}, want


@shop
def connect_envelopes():
    got = calls("fraud", 128)
    rows = [{"schema": {"type": "struct", "fields": [], "name": "scored"}, "payload": {"event_ts": int(ep(c.at) * 1000), "client_ref": c.who, "features": c.x, "score": c.scores[0], "decision": c.label}} for c in got]
    return {"connect.json": jl(rows)}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def partly_redacted():
    got, rows = calls("loan", 129), []
    for i, c in enumerate(got):
        rows.append({"ts": iso(c.at), "api_key": "[FILTERED]", "account_id": f"acc-{c.who}", "features": c.x | {"purpose": "[FILTERED]" if i % 9 == 4 else c.x["purpose"]}, "decision": c.label, "score": c.scores[0]})
    return {"filtered.jsonl": jl(rows)}, [truth(c, x=c.x | {"purpose": None if i % 9 == 4 else c.x["purpose"]}, scores=[c.scores[0]], ms=None) for i, c in enumerate(got)]
