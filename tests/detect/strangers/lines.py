"""Native lines as products write them, for what somebody wrote who had not seen the rules."""

import datetime as dt
import json
import random
import uuid

R = random.Random(20261201)
T0 = dt.datetime(2026, 5, 11, 9, 0, tzinfo=dt.UTC)
OUT, OUT2, VPN, LAN = "185.220.101.4", "91.92.240.11", "198.51.100.7", "10.20.3.44"
ACC, FOREIGN = "444455556666", "999988887777"


def at(s=0, day=0):
    return T0 + dt.timedelta(seconds=s, days=day)


def iso(t):
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def ms(t):
    return t.strftime("%Y-%m-%dT%H:%M:%S.") + f"{t.microsecond // 1000:03d}Z"


def uid():
    return str(uuid.UUID(int=R.getrandbits(128)))


def user(n):
    return {
        "type": "IAMUser",
        "principalId": "AIDA" + n.upper(),
        "arn": f"arn:aws:iam::{ACC}:user/{n}",
        "accountId": ACC,
        "accessKeyId": "AKIAEXAMPLE" + n.upper(),
        "userName": n,
    }


def role(r, s, acc=ACC):
    return {
        "type": "AssumedRole",
        "principalId": f"AROA{r.upper()}:{s}",
        "arn": f"arn:aws:sts::{acc}:assumed-role/{r}/{s}",
        "accountId": acc,
        "accessKeyId": "ASIAEXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROA" + r.upper(),
                "arn": f"arn:aws:iam::{acc}:role/{r}",
                "accountId": acc,
                "userName": r,
            },
            "attributes": {"creationDate": iso(T0), "mfaAuthenticated": "false"},
        },
    }


ANON = {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}


def ct(
    name,
    src,
    ident,
    params=None,
    ip=OUT,
    t=None,
    resp=None,
    ua="aws-cli/2.15.30 Python/3.11.8 Linux/6.5",
    err=None,
    resources=None,
    ro=False,
    data=False,
    **more,
):
    e = {
        "eventVersion": "1.09",
        "userIdentity": ident,
        "eventTime": iso(t or T0),
        "eventSource": src + ".amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": ip,
        "userAgent": ua,
        "requestParameters": params,
        "responseElements": resp,
        "requestID": uid(),
        "eventID": uid(),
        "readOnly": ro,
        "eventType": "AwsApiCall",
        "managementEvent": not data,
        "recipientAccountId": ACC,
        "eventCategory": "Data" if data else "Management",
    }
    if resources:
        e["resources"] = resources
    if err:
        e["errorCode"], e["errorMessage"] = err, "denied"
    e.update(more)
    return e


def s3(name, bucket, key, ident, **k):
    k.setdefault("data", True)
    p = {"bucketName": bucket, "Host": f"{bucket}.s3.eu-west-1.amazonaws.com", "key": key, **k.pop("p", {})}
    return ct(
        name,
        "s3",
        ident,
        p,
        ro=name.startswith(("Get", "Head", "List")),
        resources=[
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::{bucket}/{key}"},
            {"accountId": ACC, "type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{bucket}"},
        ],
        **k,
    )


def trail(*ev):
    return json.dumps({"Records": list(ev)})


def jl(*ev):
    return "\n".join(json.dumps(e) for e in ev) + "\n"


def gcp(
    method,
    svc,
    resource,
    who,
    ip=OUT,
    t=None,
    req=None,
    resp=None,
    rtype=None,
    labels=None,
    log="activity",
    ua="google-cloud-sdk gcloud/470.0.0",
    delta=None,
    project="acme-ml",
    authz=None,
):
    p = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "status": {},
        "authenticationInfo": {"principalEmail": who} if who else {},
        "requestMetadata": {"callerIp": ip, "callerSuppliedUserAgent": ua},
        "serviceName": svc,
        "methodName": method,
        "resourceName": resource,
        "authorizationInfo": [{"resource": resource, "permission": authz or method, "granted": True}],
    }
    if req:
        p["request"] = req
    if resp:
        p["response"] = resp
    if delta:
        p["serviceData"] = {
            "@type": "type.googleapis.com/google.iam.v1.logging.AuditData",
            "policyDelta": {"bindingDeltas": delta},
        }
    return {
        "protoPayload": p,
        "insertId": uid()[:14],
        "resource": {"type": rtype or "audited_resource", "labels": {"project_id": project, **(labels or {})}},
        "timestamp": ms(t or T0),
        "severity": "NOTICE",
        "logName": f"projects/{project}/logs/cloudaudit.googleapis.com%2F{log}",
        "receiveTimestamp": ms(t or T0),
    }


SUB = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-ml/providers/"


def azact(op, rid, who, ip=OUT, t=None, body=None, status="Success", **props):
    r = SUB + rid
    p = {
        "statusCode": "OK",
        "serviceRequestId": None,
        "eventCategory": "Administrative",
        "entity": r,
        "message": op,
        "hierarchy": "t",
    }
    if body is not None:
        p["requestbody"] = json.dumps(body)
    p.update(props)
    return {
        "time": ms(t or T0),
        "resourceId": r.upper(),
        "operationName": op.upper(),
        "category": "Administrative",
        "resultType": status,
        "resultSignature": "Succeeded.OK",
        "durationMs": "120",
        "callerIpAddress": ip,
        "correlationId": uid(),
        "identity": {
            "authorization": {
                "scope": r,
                "action": op,
                "evidence": {
                    "role": "Contributor",
                    "roleAssignmentScope": "/subscriptions/11111111-2222-3333-4444-555555555555",
                },
            },
            "claims": {
                "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": who,
                "ipaddr": ip,
                "name": who.split("@")[0],
            },
        },
        "level": "Information",
        "properties": p,
    }


def azblob(op, uri, auth="OAuth", who=None, ip=OUT, t=None, status="200", cat="StorageRead", ua="azcopy/10.21"):
    acct = uri.split("//")[1].split(".")[0]
    d = {
        "time": ms(t or T0),
        "resourceId": SUB + f"Microsoft.Storage/storageAccounts/{acct}/blobServices/default",
        "category": cat,
        "operationName": op,
        "operationVersion": "2020-10-02",
        "schemaVersion": "1.0",
        "statusCode": int(status),
        "statusText": "Success",
        "durationMs": 31,
        "callerIpAddress": ip + ":55211",
        "correlationId": uid(),
        "identity": {"type": auth},
        "location": "westeurope",
        "properties": {
            "accountName": acct,
            "userAgentHeader": ua,
            "serviceType": "blob",
            "objectKey": "/" + acct + "/" + uri.split("/", 3)[3],
            "responseBodySize": 91211332,
        },
        "uri": uri,
        "protocol": "HTTPS",
        "resourceType": "Microsoft.Storage/storageAccounts",
    }
    if who:
        d["identity"]["requester"] = {"upn": who, "objectId": uid()}
    return d


def entra(
    upn,
    ip=OUT,
    t=None,
    risk="none",
    app="Azure Portal",
    country="NL",
    city="Amsterdam",
    err=0,
    mfa="multiFactorAuthentication",
    state="none",
    ua="Mozilla/5.0",
    client="Browser",
):
    return {
        "id": uid(),
        "createdDateTime": iso(t or T0),
        "userDisplayName": upn.split("@")[0],
        "userPrincipalName": upn,
        "userId": uid(),
        "appId": uid(),
        "appDisplayName": app,
        "ipAddress": ip,
        "clientAppUsed": client,
        "userAgent": ua,
        "conditionalAccessStatus": "success",
        "isInteractive": True,
        "riskDetail": "none",
        "riskLevelAggregated": risk,
        "riskLevelDuringSignIn": risk,
        "riskState": state,
        "riskEventTypes_v2": ["anonymizedIPAddress"] if risk != "none" else [],
        "resourceDisplayName": "Windows Azure Service Management API",
        "authenticationRequirement": mfa,
        "status": {
            "errorCode": err,
            "failureReason": "Other." if not err else "Invalid username or password",
            "additionalDetails": None,
        },
        "deviceDetail": {
            "deviceId": "",
            "displayName": "",
            "operatingSystem": "Linux",
            "browser": "Firefox 115",
            "isManaged": False,
        },
        "location": {
            "city": city,
            "state": "",
            "countryOrRegion": country,
            "geoCoordinates": {"latitude": 52.3, "longitude": 4.9},
        },
    }


def entra_audit(act, who, target, ttype="ServicePrincipal", ip=OUT, t=None, mods=(), cat="ApplicationManagement"):
    return {
        "id": uid(),
        "category": cat,
        "correlationId": uid(),
        "result": "success",
        "resultReason": "",
        "activityDisplayName": act,
        "activityDateTime": iso(t or T0),
        "loggedByService": "Core Directory",
        "operationType": "Update",
        "initiatedBy": {"user": {"id": uid(), "displayName": None, "userPrincipalName": who, "ipAddress": ip}},
        "targetResources": [
            {
                "id": uid(),
                "displayName": target,
                "type": ttype,
                "userPrincipalName": target if ttype == "User" else None,
                "modifiedProperties": [{"displayName": a, "oldValue": b, "newValue": c} for a, b, c in mods],
            }
        ],
        "additionalDetails": [],
    }


def k8s(
    verb,
    res,
    name=None,
    who="mallory@acme.io",
    ns="ml-serving",
    ip=OUT,
    t=None,
    sub=None,
    group="",
    obj=None,
    code=200,
    ua="kubectl/v1.29.2 (linux/amd64)",
    uri=None,
    groups=("system:authenticated",),
    api="v1",
    resp=None,
):
    u = uri or f"/{'apis/' + group if group else 'api'}/{api}/namespaces/{ns}/{res}" + (f"/{name}" if name else "") + (
        f"/{sub}" if sub else ""
    )
    ref = {"resource": res, "namespace": ns, "apiVersion": api}
    if name:
        ref["name"] = name
    if group:
        ref["apiGroup"] = group
    if sub:
        ref["subresource"] = sub
    e = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": uid(),
        "stage": "ResponseComplete",
        "requestURI": u,
        "verb": verb,
        "user": {"username": who, "groups": list(groups)},
        "sourceIPs": [ip],
        "userAgent": ua,
        "objectRef": ref,
        "responseStatus": {"metadata": {}, "code": code},
        "requestReceivedTimestamp": ms(t or T0)[:-1] + "000Z",
        "stageTimestamp": ms(t or T0)[:-1] + "900Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    }
    if obj:
        e["requestObject"] = obj
    if resp:
        e["responseObject"] = resp
    return e


def gh(action, actor="mallory", ip=OUT, t=None, repo="acme/fraud-model", country="NL", **k):
    m = int((t or T0).timestamp() * 1000)
    return {
        "@timestamp": m,
        "_document_id": uid(),
        "action": action,
        "actor": actor,
        "actor_id": 77,
        "actor_ip": ip,
        "actor_location": {"country_code": country},
        "created_at": m,
        "org": "acme",
        "org_id": 9,
        "repo": repo,
        "repo_id": 55,
        "user_agent": "Mozilla/5.0",
        **k,
    }


def gitlab(name, author="mallory", ip=OUT, t=None, path="acme/fraud-model", **det):
    return {
        "id": R.randrange(10**6),
        "author_id": 12,
        "author_name": author,
        "entity_id": 55,
        "entity_type": "Project",
        "entity_path": path,
        "created_at": ms(t or T0),
        "event_name": name,
        "ip_address": ip,
        "details": {
            "author_name": author,
            "author_email": author + "@acme.io",
            "target_id": 55,
            "target_type": "Project",
            "target_details": path,
            "ip_address": ip,
            "entity_path": path,
            **det,
        },
    }


def okta(
    et,
    actor,
    ip=OUT,
    t=None,
    target=None,
    country="Netherlands",
    city="Amsterdam",
    result="SUCCESS",
    reason=None,
    dbg=None,
    proxy=False,
    msg="",
):
    return {
        "actor": {
            "id": "00u" + actor[:6],
            "type": "User",
            "alternateId": actor,
            "displayName": actor,
            "detailEntry": None,
        },
        "client": {
            "userAgent": {"rawUserAgent": "Mozilla/5.0", "os": "Linux", "browser": "FIREFOX"},
            "zone": "null",
            "device": "Computer",
            "id": None,
            "ipAddress": ip,
            "geographicalContext": {
                "city": city,
                "state": None,
                "country": country,
                "postalCode": None,
                "geolocation": {"lat": 52.0, "lon": 4.0},
            },
        },
        "authenticationContext": {"authenticationStep": 0, "externalSessionId": "102" + uid()[:8]},
        "displayMessage": msg,
        "eventType": et,
        "outcome": {"result": result, "reason": reason},
        "published": ms(t or T0),
        "securityContext": {"asNumber": 1, "asOrg": "x", "isp": "x", "domain": ".", "isProxy": proxy},
        "severity": "INFO",
        "debugContext": {"debugData": dbg or {}},
        "legacyEventType": "",
        "transaction": {"type": "WEB", "id": uid()},
        "uuid": uid(),
        "version": "0",
        "request": {"ipChain": [{"ip": ip}]},
        "target": target,
    }
