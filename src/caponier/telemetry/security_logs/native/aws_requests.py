"""Lines that AWS writes about requests: server access logs of S3, and access logs of application load balancers.

As in "Amazon S3 server access log format" and "Access logs for your Application Load Balancer". A request to S3 becomes
the call that CloudTrail tells of, so that rules about buckets see it in either log.
"""

import re
from typing import Final
from urllib.parse import unquote

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.native.record import (
    FAILURE,
    SUCCESS,
    Parsed,
    Stateless,
    made,
    split_url,
    whole,
)
from caponier.telemetry.security_logs.sources import CLOUDTRAIL, LogSource

_QUOTED: Final = r'"((?:[^"]|"(?! |$))*+)"'
"""AWS escapes nothing: a quote ends a field where a blank or nothing is behind it, and a backslash is a letter."""
_S3: Final = re.compile(
    rf"(?:[0-9a-f]{{8,64}}|-) (\S{{3,255}}) \[([^\]]{{10,40}})\] (\S+) (\S+) \S+ ([A-Z0-9]+\.[A-Z_.]+) (\S+) "
    rf"(?:{_QUOTED}|-) (\d{{3}}|-) (\S+) (\S+) \S+ \S+ \S+ ([\"-].*)",
    re.DOTALL,
)
_OPERATION: Final = re.compile(r"[A-Z0-9]+\.([A-Z]+)\.([A-Z_]+)")
_CALLS: Final = {
    ("GET", "OBJECT"): "GetObject",
    ("HEAD", "OBJECT"): "HeadObject",
    ("PUT", "OBJECT"): "PutObject",
    ("POST", "OBJECT"): "PutObject",
    ("DELETE", "OBJECT"): "DeleteObject",
    ("COPY", "OBJECT"): "CopyObject",
    ("POST", "MULTI_OBJECT_DELETE"): "DeleteObjects",
    ("GET", "BUCKET"): "ListObjects",
    ("HEAD", "BUCKET"): "HeadBucket",
    ("DELETE", "BUCKET"): "DeleteBucket",
    ("PUT", "BUCKET"): "CreateBucket",
    ("PUT", "BUCKETPOLICY"): "PutBucketPolicy",
    ("PUT", "ACL"): "PutBucketAcl",
    ("PUT", "VERSIONING"): "PutBucketVersioning",
    ("PUT", "LIFECYCLE"): "PutBucketLifecycle",
    ("PUT", "REPLICATION"): "PutBucketReplication",
}
_ALB: Final = re.compile(
    rf"(?:https?|h2|grpcs|wss?) (\d{{4}}-\d\d-\d\dT\S+) (\S+) (\S+) (\S+) \S+ \S+ \S+ (\d{{3}}|-) (\S+) \d+ (\d+) "
    rf"{_QUOTED} {_QUOTED} .*",
    re.DOTALL,
)


def _s3(text: str) -> Parsed:
    found = _S3.fullmatch(text)
    if found is None:
        return None
    bucket, stamp, address, requester, operation, key, line, status, error, sent, words = found.groups()
    parts = _OPERATION.fullmatch(operation)
    code = whole(status)
    fields = made(
        {
            "eventsource": "s3.amazonaws.com",
            "eventname": _CALLS.get((parts[1], parts[2]), operation) if parts else operation,
            "requestparameters.bucketname": bucket,
            "requestparameters.key": _unquoted(key),
            "src_ip": address,
            "sourceipaddress": address,
            "useridentity.arn": requester,
            "user_agent": _agent(words),
            "operation": operation,
            "request": line,
            "errorcode": error,
            "bytes_sent": whole(sent),
        }
    )
    if code is not None:
        fields["sc-status"] = code
        fields["outcome"] = SUCCESS if code < 400 else FAILURE
        if code >= 400:
            fields.setdefault("errorcode", str(code))
    if requester == "-":
        fields["access"] = "anonymous"
    return fields, CLOUDTRAIL, stamps.access_log(stamp)


def _agent(words: str) -> str | None:
    """Return what a caller calls itself, behind where it came from.

    Both are its own words, quotes and all: what stands between the first field and the last quote is the second.
    """
    first, between, second = words.partition(' "' if words[:2] == "- " else '" "')
    return second.rpartition('"')[0] or None if between and first else None


def _unquoted(key: str) -> str:
    """Undo the quoting of a key, which the log does twice over."""
    return unquote(unquote(key))


def _address(end: str) -> str:
    """Return an address without its port, and without the brackets around one of IPv6."""
    return end.rsplit(":", 1)[0].removeprefix("[").removesuffix("]")


def _alb(text: str) -> Parsed:
    found = _ALB.fullmatch(text)
    if found is None:
        return None
    stamp, balancer, client, target, status, behind, sent, line, agent = found.groups()
    method, _, rest = line.partition(" ")
    fields = made(
        {
            "c-ip": _address(client),
            "dst_ip": _address(target),
            "load_balancer": balancer,
            "cs-method": method,
            "cs-user-agent": agent,
            "target_status": whole(behind),
            "sc-bytes": whole(sent),
            **split_url(rest.rsplit(" ", 1)[0]),
        }
    )
    # The port of the balancer is no part of the name under which a server is known.
    fields["cs-host"] = str(fields.get("cs-host", "")).rsplit(":", 1)[0] or balancer
    if (code := whole(status)) is not None:
        fields["sc-status"] = code
    return fields, LogSource("aws", "webserver", "elb"), stamps.iso(stamp)


def s3_reader() -> Stateless:
    """Return a reader of the server access logs of S3."""
    return Stateless("S3 server access log", _s3)


def alb_reader() -> Stateless:
    """Return a reader of the access logs of application load balancers."""
    return Stateless("load balancer access log (AWS)", _alb)
