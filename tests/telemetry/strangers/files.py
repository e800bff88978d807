"""What shippers, stores and people put around a log, and into which file."""
# fmt: off
# ruff: noqa: E501, E701, E702, E731

import gzip
import io
import json
import os
import sqlite3
import tarfile
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.orc as orc
import pyarrow.parquet as pq
import zstandard

from telemetry.strangers.calls import calls, ep, iso, jl, shop, truth


def _attr(k, v):
    kind = "boolValue" if isinstance(v, bool) else "intValue" if isinstance(v, int) else "doubleValue" if isinstance(v, float) else "stringValue"
    return {"key": k, "value": {kind: str(v) if kind == "intValue" else v}}


@shop
def otlp_spans():
    got, rows = calls("fraud", 47), []
    for k in range(0, len(got), 4):
        spans = [{"traceId": c.id * 2, "spanId": c.id, "name": "model.predict", "kind": 2, "startTimeUnixNano": str(int(ep(c.at) * 1000) * 10**6), "endTimeUnixNano": str(int((ep(c.at) * 1000) + 20) * 10**6),
                  "attributes": [_attr("enduser.id", c.who), *(_attr(f"ml.feature.{a}", b) for a, b in c.x.items()), _attr("ml.prediction", c.label), _attr("ml.confidence", max(c.scores))], "status": {}} for c in got[k:k + 4]]
        rows.append({"resourceSpans": [{"resource": {"attributes": [_attr("service.name", "risk")]}, "scopeSpans": [{"scope": {"name": "risk"}, "spans": spans}]}]})
    return {"otlp.json": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=("or none", 20.0)) for c in got]


@shop
def cri_fluent_bit():
    got = calls("loan", 48)
    rows = [{"date": ep(c.at) + .2, "time": iso(c.at + timedelta(milliseconds=200), 6), "stream": "stdout", "_p": "F", "log": json.dumps({"when": iso(c.at), "principal": c.who, "features": c.x, "answer": c.label, "prob": max(c.scores)}), "kubernetes": {"pod_name": "loan-5d", "namespace_name": "ml", "labels": {"app": "loan"}}} for c in got]
    return {"fluentbit.json": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def loki_response():
    got = calls("flower", 49)
    values = [[str(int(ep(c.at) * 1000) * 10**6), f'level=info client={c.who} ' + " ".join(f"{k}={v}" for k, v in c.x.items()) + f" species={c.label} prob={max(c.scores)}"] for c in got]
    doc = {"status": "success", "data": {"resultType": "streams", "result": [{"stream": {"app": "iris", "pod": "iris-1"}, "values": values[::-1][:20]}, {"stream": {"app": "iris", "pod": "iris-2"}, "values": values[::-1][20:]}], "stats": {"summary": {"bytesProcessedPerSecond": 1}}}}
    return {"loki.json": json.dumps(doc).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def lambda_cloudwatch():
    got, events = calls("vector", 50), []
    for c in got:
        ms = int(ep(c.at) * 1000); rid = c.id[:8] + "-0000-4000-8000-" + c.id[:12]
        for off, m in ((-1, f"START RequestId: {rid} Version: $LATEST\n"), (0, f"{iso(c.at)}\t{rid}\tINFO\t" + json.dumps({"sourceUser": c.who, "input": c.x, "prediction": c.label, "probabilities": c.scores}) + "\n"), (9, f"END RequestId: {rid}\n"), (9, f"REPORT RequestId: {rid}\tDuration: {c.ms} ms\tBilled Duration: 40 ms\tMemory Size: 512 MB\n")):
            events.append({"id": str(len(events)), "timestamp": ms + off, "message": m})
    return {"cw.json": json.dumps({"events": events, "searchedLogStreams": []}).encode()}, [truth(c, ms=None) for c in got], 3 * len(got)


@shop
def stackdriver():
    got = calls("house", 51)
    rows = [{"insertId": c.id, "timestamp": iso(c.at, 6), "severity": "INFO", "logName": "projects/p/logs/run.googleapis.com%2Fstdout", "resource": {"type": "cloud_run_revision", "labels": {"service_name": "valuer"}}, "jsonPayload": {"userId": c.who, "instance": c.x, "predictedValue": c.value, "latencyMs": c.ms}, "receiveTimestamp": iso(c.at + timedelta(seconds=1), 6)} for c in got]
    return {"downloaded-logs.json": json.dumps(rows, indent=1).encode()}, [truth(c) for c in got]


@shop
def journald_logfmt():
    got = calls("fraud", 52)
    rows = [{"__REALTIME_TIMESTAMP": str(int(ep(c.at) * 1000) * 1000), "_HOSTNAME": "ml1", "_PID": "812", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "risk", "MESSAGE": "scored user=" + c.who + " " + " ".join(f"{k}={v}" for k, v in c.x.items()) + f" result={c.label} score={c.scores[0]}"} for c in got]
    return {"journal.json": jl(rows)}, [truth(c, scores=[c.scores[0]], ms=None) for c in got]


@shop
def kcat_dump():
    got = calls("loan", 53)
    rows = [{"topic": "scores", "partition": i % 3, "offset": 900 + i, "tstype": "create", "ts": int(ep(c.at) * 1000), "broker": 1, "key": c.id, "payload": json.dumps({"requestedBy": c.who, "payload": c.x, "scored": {"class": c.label, "p": max(c.scores)}})} for i, c in enumerate(got)]
    return {"scores.kcat": jl(rows)}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def tar_of_rotated():
    got = calls("flower", 54)
    rows = [{"ts": iso(c.at), "user": c.who, "input": c.x, "output": c.label} for c in got]
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as tar:
        for name, part in (("logs/app.log", jl(rows[24:])), ("logs/app.log.1", jl(rows[12:24])), ("logs/app.log.2.gz", gzip.compress(jl(rows[:12])))):
            info = tarfile.TarInfo(name); info.size = len(part); tar.addfile(info, io.BytesIO(part))
    return {"logs.tar.gz": sink.getvalue()}, [truth(c, scores=None, ms=None) for c in got]


@shop
def zip_of_csv():
    got = calls("fraud", 55)
    head = ["scored_at", "user_id", *got[0].x, "prediction"]
    text = "\n".join([",".join(head)] + [",".join(map(str, [iso(c.at), c.who, *c.x.values(), c.label])) for c in got])
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as z: z.writestr("scores.csv", text)
    return {"scores.zip": sink.getvalue()}, [truth(c, scores=None, ms=None) for c in got]


@shop
def utf16_tsv():
    got = calls("house", 56)
    head = ["EventTime", "LoginName", *got[0].x, "PredictedValue"]
    text = "\r\n".join(["\t".join(head)] + ["\t".join(map(str, [f"{c.at:%Y-%m-%d %H:%M:%S}.{c.at.microsecond // 1000:03d}", c.who, *c.x.values(), c.value])) for c in got])
    return {"ssms.tsv": text.encode("utf-16")}, [truth(c, ms=None) for c in got]


@shop
def german_csv():
    got = calls("loan", 57, tick=1000000)
    de = lambda v: f"{v:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")
    lines = ["Zeitpunkt;Benutzer;Alter;Einkommen;Laufzeit;Zweck;Ergebnis;Wahrscheinlichkeit"] + [f'{c.at:%d.%m.%Y %H:%M:%S};{c.who};{c.x["age"]};{de(c.x["income"])};{c.x["tenure_months"]};{c.x["purpose"].replace("study", "Büro")};{c.label};{str(max(c.scores)).replace(".", ",")}' for c in got]
    want = [truth(c, x={"Alter": c.x["age"], "Einkommen": c.x["income"], "Laufzeit": c.x["tenure_months"], "Zweck": c.x["purpose"].replace("study", "Büro")}, scores=[max(c.scores)], ms=None) for c in got]
    return {"export.csv": "\r\n".join(lines).encode("cp1252")}, want


@shop
def sqlite_table():
    got = calls("vector", 58)
    path = tempfile.mktemp(suffix=".db"); db = sqlite3.connect(path)
    db.execute("create table predictions (id integer primary key, created_at text, api_client text, features text, label text, confidence real)")
    db.executemany("insert into predictions (created_at, api_client, features, label, confidence) values (?,?,?,?,?)", [(iso(c.at), c.who, json.dumps(c.x), c.label, max(c.scores)) for c in got]); db.commit(); db.close()
    data = Path(path).read_bytes(); os.unlink(path)
    return {"predictions.db": data}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def excel_workbook():
    got = calls("loan", 59, tick=1000000)
    head = ["Timestamp", "User", *got[0].x, "Prediction"]; strings = []
    def cell(v, col, row):
        ref = f"{chr(65 + col)}{row}"
        if isinstance(v, str):
            if v not in strings: strings.append(v)
            return f'<c r="{ref}" t="s"><v>{strings.index(v)}</v></c>'
        style = ' s="1"' if col == 0 else ""
        return f'<c r="{ref}"{style}><v>{v}</v></c>'
    serial = lambda t: repr((t - datetime(1899, 12, 30, tzinfo=UTC)).total_seconds() / 86400)
    rows = [head] + [[float(serial(c.at)), c.who, *c.x.values(), c.label] for c in got]
    body = "".join(f'<row r="{i}">' + "".join(cell(v, j, i) for j, v in enumerate(r)) + "</row>" for i, r in enumerate(rows, 1))
    ns = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as z:
        z.writestr("[Content_Types].xml", '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>')
        z.writestr("xl/workbook.xml", f'<?xml version="1.0"?><workbook xmlns="{ns}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Log" sheetId="1" r:id="rId1"/></sheets></workbook>')
        z.writestr("xl/_rels/workbook.xml.rels", '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>')
        z.writestr("xl/styles.xml", f'<?xml version="1.0"?><styleSheet xmlns="{ns}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>')
        z.writestr("xl/worksheets/sheet1.xml", f'<?xml version="1.0"?><worksheet xmlns="{ns}"><sheetData>{body}</sheetData></worksheet>')
        z.writestr("xl/sharedStrings.xml", f'<?xml version="1.0"?><sst xmlns="{ns}">' + "".join(f"<si><t>{escape(s)}</t></si>" for s in strings) + "</sst>")
    return {"log.xlsx": sink.getvalue()}, [truth(c, scores=None, ms=None) for c in got]


@shop
def feather_structs():
    got = calls("flower", 60)
    rows = [{"event_time": c.at, "caller": c.who, "inputs": c.x, "outputs": {"label": c.label, "proba": c.scores}} for c in got]
    sink = io.BytesIO(); feather.write_feather(pa.Table.from_pylist(rows), sink)
    return {"calls.feather": sink.getvalue()}, [truth(c, ms=None) for c in got]


@shop
def orc_lists():
    got = calls("vector", 61)
    sink = io.BytesIO(); orc.write_table(pa.Table.from_pylist([{"ts": int(ep(c.at) * 1000), "uid": c.who, "vec": c.x, "pred": c.label, "prob": c.scores} for c in got]), sink)
    return {"calls.orc": sink.getvalue()}, [truth(c, ms=None) for c in got]


@shop
def syslog_structured():
    got = calls("vector", 62)
    lines = [f'<134>1 {iso(c.at)} ml1 scorer 77 PRED [ml@32473 user="{c.who}" model="pets" input="{",".join(map(str, c.x))}" label="{c.label}" score="{max(c.scores)}"] scored' for c in got]
    return {"syslog.log": "\n".join(lines).encode()}, [truth(c, model="pets", scores=[max(c.scores)], ms=None) for c in got]


@shop
def psql_quoted_json():
    got = calls("house", 63)
    q = lambda o: '"' + json.dumps(o).replace('"', '""') + '"'
    lines = ["id,created_at,tenant_id,request_json,response_json,latency_ms"] + [f"{i},{c.at:%Y-%m-%d %H:%M:%S}.{c.at.microsecond // 1000:03d}+00,{c.who},{q(c.x)},{q({'estimate': c.value})},{c.ms}" for i, c in enumerate(got)]
    return {"dump.csv.zst": zstandard.compress("\n".join(lines).encode())}, [truth(c) for c in got]


@shop
def mongo_export():
    got = calls("vector", 64)
    rows = [{"_id": {"$oid": (c.id + "00000000")[:24]}, "createdAt": {"$date": iso(c.at)}, "user": {"name": c.who}, "features": c.x, "result": {"class": c.label, "scores": {"cat": c.scores[0], "dog": c.scores[1], "fox": c.scores[2]}}, "n": {"$numberLong": "1"}} for c in got]
    return {"mongo.json": jl(rows)}, [truth(c, ms=None) for c in got]


@shop
def app_insights_csv():
    got = calls("loan", 65)
    q = lambda o: '"' + o.replace('"', '""') + '"'
    lines = ['"timestamp [UTC]",message,severityLevel,itemType,customDimensions,operation_Id,user_AuthenticatedId,cloud_RoleName']
    for c in got:
        when = c.at.strftime("%-m/%-d/%Y, %-I:%M:%S.") + f"{c.at.microsecond // 1000:03d} " + c.at.strftime("%p")
        lines.append(f'{q(when)},scored,1,trace,{q(json.dumps({"features": json.dumps(c.x), "prediction": c.label, "probability": str(max(c.scores))}))},{c.id},{c.who},loan-api')
    return {"query_data.csv": ("\ufeff" + "\n".join(lines)).encode()}, [truth(c, scores=[max(c.scores)], ms=None) for c in got]


@shop
def pipe_csv_int_callers():
    got = calls("house", 66, callers=(10021, 10022, 10077, 10090))
    lines = ["ts|acct|" + "|".join(got[0].x) + "|price_pred"] + [f"{int(ep(c.at))}|{c.who}|" + "|".join(map(str, c.x.values())) + f"|{c.value}" for c in got]
    return {"out.psv": "\n".join(lines).encode()}, [truth(c, time=int(ep(c.at)) * 10**6, who=str(c.who), ms=None) for c in got]


@shop
def api_gateway_bodies():
    got = calls("flower", 67)
    rows = [{"requestId": c.id, "requestTimeEpoch": str(int(ep(c.at) * 1000)), "identity": {"sourceIp": "10.9.9.9", "apiKeyId": f"ak{c.who}"}, "httpMethod": "POST", "resourcePath": "/predict", "status": "200", "responseLatency": str(int(c.ms)), "requestBody": json.dumps({"data": [list(c.x.values())]}), "responseBody": json.dumps({"predictions": [c.label]})} for c in got]
    return {"apigw.json": jl(rows)}, [truth(c, x=list(c.x.values()), scores=None, ms=int(c.ms)) for c in got]


@shop
def evidently_csv():
    got = calls("fraud", 68)
    head = ["datetime", "id", "customer", *got[0].x, "target", "prediction", "fraud", "legit"]
    lines = [",".join(head)] + [",".join(map(str, [f"{c.at:%Y-%m-%d %H:%M:%S.%f}", i, c.who, *c.x.values(), "legit", c.label, *c.scores])) for i, c in enumerate(got)]
    return {"current.csv": "\n".join(lines).encode()}, [truth(c, ms=None) for c in got]


@shop
def whylogs_like_frame():
    got = calls("flower", 69)
    rows = [{"dt": c.at.replace(tzinfo=None), "input_sepal_length": c.x["sepal_length"], "input_sepal_width": c.x["sepal_width"], "input_petal_length": c.x["petal_length"], "input_petal_width": c.x["petal_width"], "output_class": c.label, "output_prob_setosa": c.scores[0], "output_prob_versicolor": c.scores[1], "output_prob_virginica": c.scores[2], "service_account": c.who} for c in got]
    sink = io.BytesIO(); pq.write_table(pa.Table.from_pylist(rows), sink)
    return {"profile.parquet": sink.getvalue()}, [truth(c, x={"input_" + k: v for k, v in c.x.items()}, ms=None) for c in got]
