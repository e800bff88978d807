"""Steps with the accounts of people: logins, rights in a directory, mail, images pushed."""

from typing import Any, Final

from caponier.emulate.attack_steps.attack_step import DESK, THIEF, AttackStep, Row, aws, entra, okta, sshd

_EVE: Final = "eve@example.org"
_ADA: Final = "ada@example.org"


def _console(who: str, address: str, second: str, result: str = "Success", **more: Any) -> Row:
    return aws(who, address, "signin", "ConsoleLogin", responseElements={"ConsoleLogin": result},
               additionalEventData={"MFAUsed": second, **more})  # fmt: skip


def _sign_in(who: str, address: str, country: str, risk: str = "none", code: int = 0) -> Row:
    return {
        "userPrincipalName": who, "appDisplayName": "Azure Portal", "ipAddress": address,
        "status": {"errorCode": code}, "location": {"countryOrRegion": country}, "riskLevelDuringSignIn": risk,
        "category": "SignInLogs", "operationName": "Sign-in activity", "tenantId": "t",
    }  # fmt: skip


def _logon(who: str, address: str, kind: int) -> Row:
    return {
        "TimeCreated": None, "EventID": 4624, "Channel": "Security", "Computer": "gpu-01.ml.example.org",
        "TargetUserName": who, "IpAddress": address, "LogonType": kind,
    }  # fmt: skip


CONSOLE: Final = AttackStep(
    "a console login without a second factor",
    (
        (_console("user bob", THIEF, "No"),),
        (_console("root", THIEF, "No"),),
        (_console("user bob", THIEF, "No", MobileVersion="No"),),
    ),
    (
        (_console("user bob", THIEF, "Yes"),),
        (_console("user bob", THIEF, "No", "Failure"),),
        (_console("user bob", DESK, "No"),),
        (
            _console(
                "role AWSReservedSSO_ml_1/ada@example.org",
                THIEF,
                "No",
                SamlProviderArn="arn:aws:iam::1:x",
            ),
        ),
    ),
)

DIRECTORY: Final = AttackStep(
    "rights in Entra",
    (
        (entra(_EVE, THIEF, "Add member to role"),),
        (entra(_EVE, THIEF, "Add service principal credentials"),),
        (entra(_EVE, THIEF, "Consent to application"),),
        (entra(_EVE, THIEF, "Add owner to application"),),
        (entra(_EVE, THIEF, "Update application - Certificates and secrets management "),),
        (entra(_EVE, THIEF, "Add delegated permission grant"),),
    ),
    (
        (entra(_ADA, DESK, "Update user"),),
        (entra(_EVE, THIEF, "Add member to role", "failure"),),
        (entra(_ADA, DESK, "Remove member from role"),),
        (entra(_ADA, DESK, "Add member to group"),),
    ),
)

OKTA: Final = AttackStep(
    "rights in Okta",
    (
        (okta(_EVE, THIEF, "user.account.privilege.grant"),),
        (okta(_EVE, THIEF, "system.api_token.create"),),
        (okta(_EVE, THIEF, "user.mfa.factor.reset_all"),),
        (okta(_EVE, THIEF, "application.user_membership.add"), okta(_EVE, THIEF, "group.privilege.grant")),
        (okta(_EVE, THIEF, "system.idp.lifecycle.create"),),
        (okta(_EVE, THIEF, "iam.resourceset.bindings.add"),),
    ),
    (
        (okta(_EVE, THIEF, "user.account.privilege.grant", "FAILURE"),),
        (okta(_ADA, DESK, "user.account.privilege.revoke"),),
        (okta(_ADA, DESK, "user.mfa.factor.activate"),),
    ),
)


def _push(who: str, address: str, **more: Any) -> Row:
    return aws(who, address, "ecr", "PutImage", {"repositoryName": "ml/serve", "imageTag": "latest"}, **more)


PUSH: Final = AttackStep(
    "an image pushed by hand",
    (
        (_push("user bob", DESK),),
        (_push("root", "10.0.0.5"),),
        (_push("role ci-release/x", THIEF),),
    ),
    (
        (_push("role ci-release/pipeline", "10.0.9.4"),),
        (_push("user bob", THIEF, errorCode="AccessDeniedException"),),
        (aws("user bob", DESK, "ecr", "BatchGetImage", {"repositoryName": "ml/serve"}),),
    ),
)

LOGIN: Final = AttackStep(
    "a login from outside",
    (
        (sshd("ada", THIEF),),
        (_logon("ada", THIEF, 10),),
        ({"class_uid": 3002, "status_id": 1, "user": {"name": "ada"}, "src_endpoint": {"ip": THIEF},
          "dst_endpoint": {"hostname": "gpu-01"}},),
    ),
    (
        (sshd("ada", THIEF, good=False),),
        (sshd("ada", DESK),),
        (_logon("SYSTEM", "-", 5),),
    ),
)  # fmt: skip

COUNTRIES: Final = AttackStep(
    "one account in two countries",
    (
        (_sign_in(_EVE, "198.51.100.9", "PL"), _sign_in(_EVE, THIEF, "XK")),
        (_sign_in(_EVE, "198.51.100.9", "PL"), {**_sign_in(_EVE, THIEF, "BR"), "pause": 3_600}),
        (okta(_EVE, "198.51.100.9", "user.session.start") | {"client": {
            "ipAddress": "198.51.100.9", "geographicalContext": {"country": "Poland"}}},
         okta(_EVE, THIEF, "user.session.start") | {"client": {
             "ipAddress": THIEF, "geographicalContext": {"country": "Brazil"}}}),
    ),
    (
        (_sign_in(_EVE, "198.51.100.9", "PL"), _sign_in(_ADA, THIEF, "XK")),
        (_sign_in(_EVE, "198.51.100.9", "PL"), {**_sign_in(_EVE, THIEF, "XK"), "pause": 90_000}),
        (_sign_in(_EVE, "198.51.100.9", "PL"), _sign_in(_EVE, THIEF, "XK", code=50126)),
    ),
)  # fmt: skip

RISKY: Final = AttackStep(
    "a login that the identity provider calls risky",
    (
        (_sign_in(_ADA, THIEF, "XK", "high"),),
        (okta(_ADA, THIEF, "user.session.start") | {"debugContext": {"debugData": {"risk": "{level=HIGH}"}}},),
        (
            {
                "class_uid": 3002,
                "status_id": 1,
                "user": {"name": _ADA},
                "src_endpoint": {"ip": THIEF},
                "risk_level": "High",
            },
        ),
    ),
    (
        (_sign_in(_ADA, "198.51.100.9", "PL", "low"),),
        (_sign_in(_ADA, THIEF, "XK", "high", code=50126),),
        (okta(_ADA, "198.51.100.9", "user.session.start") | {"debugContext": {"debugData": {"risk": "{level=LOW}"}}},),
    ),
)


def _mail(verdict: str, action: str = "delivered") -> Row:
    return {"category": "email", "user": "ada", "src_ip": THIEF, "verdict": verdict, "action": action}


def _defender(threat: str, action: str) -> Row:
    return {
        "TimeGenerated": None, "Type": "EmailEvents", "ThreatTypes": threat, "DeliveryAction": action,
        "RecipientEmailAddress": _ADA, "SenderIPv4": THIEF, "EmailDirection": "Inbound",
    }  # fmt: skip


MAIL: Final = AttackStep(
    "a phishing mail delivered",
    (
        (_mail("phishing"),),
        (_mail("malicious", "link_opened"),),
        (_defender("Phish, Malware", "Delivered"),),
    ),
    ((_mail("phishing", "quarantined"),), (_mail("clean"),), (_defender("Phish", "Blocked"),)),
)

STEPS: Final = {
    "console_login_outside": CONSOLE,
    "directory_rights_granted": DIRECTORY,
    "idp_rights_granted": OKTA,
    "ml_image_push": PUSH,
    "ml_host_login_outside": LOGIN,
    "login_two_countries": COUNTRIES,
    "idp_login_risky": RISKY,
    "mail_phishing_delivered": MAIL,
}
"""By the rule's name."""
