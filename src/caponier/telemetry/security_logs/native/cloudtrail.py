"""AWS CloudTrail, as in "CloudTrail record contents" of the AWS CloudTrail user guide.

The envelopes (`Records` of a file in S3, `Events` of `lookup-events`, the message of a CloudWatch log, the `detail` of
EventBridge) are taken off before; see `envelopes`.
"""

from typing import Any, Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.clouds.policies import opens, policy_of, stays_inside
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS, FieldMap, ObjectFormat, fill
from caponier.telemetry.security_logs.shapes import Present
from caponier.telemetry.security_logs.sources import CLOUDTRAIL, LogSource

_LOGINS: Final = frozenset(["ConsoleLogin", "SwitchRole", "GetSigninToken"])
_NOBODY: Final = frozenset(["anonymous_principal", "anonymous"])
_NAMES: Final[FieldMap] = {
    "src_ip": "sourceipaddress",
    "user_agent": "useragent",
    "host": "requestparameters.instanceid",
    "image": "requestparameters.primarycontainer.image",
}
_OWN: Final = frozenset(["eventversion", "awsregion", "eventcategory", "recipientaccountid", "useridentity.type"])
"""Names of which every call has one; calls over an endpoint in a network have no version."""
_REFUSALS: Final = ("errorcode", "errormessage")
_NESTED: Final = ("bucketPolicy", "policy", "policyDocument", "policyText", "assumeRolePolicyDocument")
_STATEMENTS: Final = tuple(f"requestparameters.{name.lower()}" for name in _NESTED)


_OF_OTHERS: Final = "acsregion"
"""Alibaba's ActionTrail has the names of CloudTrail, and regions of its own."""


def _fits(fields: Fields) -> bool:
    if "eventsource" not in fields or "eventname" not in fields or fields.keys().isdisjoint(_OWN):
        return False
    return _OF_OTHERS not in fields


def _complete(fields: Fields) -> LogSource:
    fill(fields, _NAMES)
    for name in _REFUSALS:
        # Tables and shippers write a field without a value where the call was answered.
        if name in fields and not str(fields[name]).strip("- "):
            del fields[name]
    refused = "errorcode" in fields or fields.get("responseelements.consolelogin") == "Failure"
    fields.setdefault("outcome", FAILURE if refused else SUCCESS)
    if _opens(fields):
        fields["access"] = "public"
    if str(fields.get("useridentity.accountid", "")).lower() in _NOBODY:
        fields.setdefault("access", "anonymous")
    elif _is_foreign(fields):
        fields.setdefault("access", "foreign")
    if fields["eventname"] in _LOGINS:
        return LogSource("aws", "authentication", "cloudtrail")
    return CLOUDTRAIL


def _is_foreign(fields: Fields) -> bool:
    """Tell whether somebody of another account calls; a service of AWS has none."""
    who, whose = fields.get("useridentity.accountid"), fields.get("recipientaccountid")
    return who is not None and whose is not None and str(who) != str(whose) and str(who).isdecimal()


def _opens(fields: Fields) -> bool:
    """Tell whether a call lets everybody in: by the policy or the list of rights that it sets, not by its name."""
    (telling,) = _TELLING.of(fields)
    if not telling:
        return False
    for name in _STATEMENTS:
        text = fields.get(name)
        if not isinstance(text, str) or not text:
            continue
        policy = policy_of(text)
        if opens(policy):
            return True
        if stays_inside(policy, str(fields.get("recipientaccountid", ""))):
            fields.setdefault("access", "own")
    granted = " ".join(str(fields[name]) for name in telling if _of_rights(name))
    return "/groups/global/" in granted or "public-read" in granted


def _tells(name: str) -> bool:
    return name.startswith("requestparameters.") and (_of_rights(name) or name.startswith(_STATEMENTS))


def _of_rights(name: str) -> bool:
    return "acl" in name or "grant" in name


def judged(row: dict[str, Any]) -> dict[str, Any]:
    """Say of a call that sets a policy whom that lets in, while its statements stand apart."""
    asked = row.get("requestParameters")
    if type(asked) is not dict or asked.keys().isdisjoint(_NESTED):
        return row
    policies = [asked[name] for name in _NESTED if type(asked.get(name)) is dict]
    if not policies:
        return row
    if any(map(opens, policies)):
        return {"access": "public", **row}
    account = str(row.get("recipientAccountId", ""))
    return {"access": "own", **row} if all(stays_inside(one, account) for one in policies) else row


_TELLING: Final = Present(_tells)
FORMAT: Final = ObjectFormat("AWS CloudTrail", _fits, _complete, ("eventtime",))


def _insight(fields: Fields) -> LogSource:
    # It counts calls of an hour and is none itself, so no rule for calls may match it.
    fill(fields, {"operation": "insightdetails.eventname", "event_source": "insightdetails.eventsource"})
    attribute = fields.get("insightdetails.insightcontext.attributions.attribute")
    if attribute is not None and str(attribute).startswith("userIdentityArn"):
        who = str(fields.get("insightdetails.insightcontext.attributions.insight.value", ""))
        if who:
            fields.setdefault("account", who.split(", ")[0])
    return LogSource("aws", None, "cloudtrail_insight")


INSIGHT: Final = ObjectFormat(
    "AWS CloudTrail Insights", lambda fields: "insightdetails.eventname" in fields, _insight, ("eventtime",)
)
