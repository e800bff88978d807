"""Records of clouds: who let everybody in, what failed, and what a record has been wrapped in."""

import base64
from typing import Any, ClassVar

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.security_logs.fields import Fields, flatten
from caponier.telemetry.security_logs.native import cloudtrail, entra, envelopes, gcp_audit, kubernetes_audit
from caponier.telemetry.security_logs.native.record import fill, made, outcome_of, split_url, whole

words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)


def called(**more: Any) -> Fields:
    row = {"eventVersion": "1.08", "eventSource": "s3.amazonaws.com", "eventName": "PutBucketPolicy", **more}
    fields, _ = flatten(cloudtrail.judged(row))
    assert cloudtrail.FORMAT.fits(fields)
    cloudtrail.FORMAT.complete(fields)
    return fields


def statement(effect: str, principal: Any) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Principal": principal, "Action": "s3:GetObject"}],
    }


def allowing(principal: str, **condition: Any) -> dict[str, Any]:
    allowed = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "s3:GetObject", "Resource": "*"}
    return {**allowed, "Condition": condition} if condition else allowed


class TestCloudTrail:
    @pytest.mark.parametrize("nothing", ["", " ", "-"])
    def test_a_call_whose_error_says_nothing_was_answered(self, nothing: str) -> None:
        answered = called(errorCode=nothing, errorMessage=nothing)
        assert answered["outcome"] == "success"
        assert answered.keys().isdisjoint({"errorcode", "errormessage"})

    def test_a_call_with_an_error_was_refused(self) -> None:
        refused = called(errorCode="AccessDenied", errorMessage="")
        assert (refused["outcome"], refused["errorcode"]) == ("failure", "AccessDenied")

    @pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
    @pytest.mark.parametrize("name", ["bucketPolicy", "policy", "policyDocument", "policyText"])
    @pytest.mark.parametrize("as_text", [True, False])
    def test_a_policy_for_everybody_is_public_however_it_is_written(
        self, principal: Any, name: str, as_text: bool
    ) -> None:
        policy: Any = statement("Allow", principal)
        kept = orjson.dumps(policy, option=orjson.OPT_INDENT_2).decode() if as_text else policy
        assert called(requestParameters={name: kept})["access"] == "public"

    @pytest.mark.parametrize(("effect", "principal"), [("Deny", "*"), ("Allow", {"AWS": "arn:aws:iam::1:role/x"})])
    @pytest.mark.parametrize("as_text", [True, False])
    def test_one_that_refuses_or_names_somebody_is_not(self, effect: str, principal: Any, as_text: bool) -> None:
        policy: Any = statement(effect, principal)
        kept = orjson.dumps(policy).decode() if as_text else policy
        assert called(requestParameters={"bucketPolicy": kept}).get("access", "own") == "own"

    @pytest.mark.parametrize("as_text", [True, False])
    @pytest.mark.parametrize(
        ("statements", "public"),
        [
            ([allowing("arn:aws:iam::1:role/x"), {**allowing("*"), "Effect": "Deny"}], False),
            ([{**allowing("*"), "Effect": "Deny"}, allowing("*")], True),
            ([allowing("*", StringEquals={"aws:PrincipalOrgID": "o-1"})], False),
            ([allowing("*", IpAddress={"aws:SourceIp": ["198.51.100.0/24"]})], False),
            ([allowing("*", IpAddress={"aws:SourceIp": ["198.51.100.0/24", "0.0.0.0/0"]})], True),
            ([allowing("*", StringNotEquals={"aws:SourceVpce": "vpce-1"})], True),
            ([allowing("*", Bool={"aws:SecureTransport": "true"})], True),
            ([allowing("*", StringLike={"aws:PrincipalArn": "*"})], True),
        ],
    )
    def test_each_statement_counts_for_itself_and_with_its_condition(
        self, statements: list[dict[str, Any]], public: bool, as_text: bool
    ) -> None:
        policy: Any = {"Statement": statements}
        found = called(requestParameters={"bucketPolicy": orjson.dumps(policy).decode() if as_text else policy})
        assert (found.get("access") == "public") is public

    def test_rights_for_everybody_are_public_and_a_name_of_them_is_not(self) -> None:
        everybody = "http://acs.amazonaws.com/groups/global/AllUsers"
        acl = {"AccessControlPolicy": {"AccessControlList": {"Grant": [{"Grantee": {"URI": everybody}}]}}}
        assert called(requestParameters=acl)["access"] == "public"
        assert called(requestParameters={"x-amz-acl": "public-read"})["access"] == "public"
        assert "access" not in called(requestParameters={"bucketName": "public-read"})

    @pytest.mark.parametrize(
        ("more", "outcome"),
        [
            ({}, "success"),
            ({"errorCode": "AccessDenied"}, "failure"),
            ({"responseElements": {"ConsoleLogin": "Failure"}}, "failure"),
            ({"responseElements": {"ConsoleLogin": "Success"}}, "success"),
        ],
    )
    def test_how_it_ended(self, more: dict[str, Any], outcome: str) -> None:
        assert called(**more)["outcome"] == outcome


def granted(**payload: Any) -> Fields:
    named = {"methodName": "storage.setIamPermissions", "serviceName": "storage.googleapis.com", **payload}
    fields, _ = flatten({"protoPayload": named})
    assert gcp_audit.FORMAT.fits(fields)
    gcp_audit.FORMAT.complete(fields)
    return fields


class TestGoogle:
    @pytest.mark.parametrize("member", ["allUsers", "allAuthenticatedUsers"])
    def test_one_of_several_members_is_everybody(self, member: str) -> None:
        deltas = [{"action": "ADD", "member": "user:ann@x"}, {"action": "ADD", "member": member}]
        found = granted(serviceData={"policyDelta": {"bindingDeltas": deltas}})
        assert found["access"] == "public"

    def test_everybody_who_is_taken_out_is_not_let_in(self) -> None:
        deltas = [{"action": "REMOVE", "member": "allUsers"}, {"action": "ADD", "member": "user:ann@x"}]
        assert "access" not in granted(serviceData={"policyDelta": {"bindingDeltas": deltas}})

    @given(words, words, words)
    def test_an_object_has_its_bucket_and_the_rest_is_its_name(self, bucket: str, folder: str, name: str) -> None:
        found = granted(
            resourceName=f"projects/_/buckets/{bucket}/objects/{folder}/{name}",
            authenticationInfo={"principalEmail": "ann@x"},
        )
        assert (found["bucket"], found["object"]) == (bucket, f"{folder}/{name}")
        assert found["user"] == "ann@x"
        assert "access" not in found

    def test_a_call_by_nobody_is_anonymous(self) -> None:
        assert granted(resourceName="projects/_/buckets/b/objects/o")["access"] == "anonymous"

    @pytest.mark.parametrize(("code", "outcome"), [(None, "success"), (0, "success"), (7, "failure")])
    def test_a_code_is_a_failure(self, code: int | None, outcome: str) -> None:
        assert granted(status={} if code is None else {"code": code})["outcome"] == outcome


class TestEntra:
    @given(st.integers(0, 99_999))
    def test_a_sign_in_of_graph_and_one_of_azure_say_the_same(self, code: int) -> None:
        about = {
            "userPrincipalName": "ann@x.example",
            "ipAddress": "10.0.0.9",
            "appDisplayName": "Portal",
            "status": {"errorCode": code},
            "createdDateTime": "2026-03-02T09:00:00Z",
        }
        graph, _ = flatten(about)
        azure, _ = flatten({"time": "2026-03-02T09:00:00Z", "category": "SignInLogs", "properties": about})
        formats = [next(one for one in entra.FORMATS if one.fits(fields)) for fields in (graph, azure)]
        assert formats[0] is not formats[1]
        assert formats[0].complete(graph) == formats[1].complete(azure) == entra.SIGN_INS
        for name in ("user", "src_ip", "outcome", "app"):
            assert graph[name] == azure[name]
        assert graph["outcome"] == ("failure" if code else "success")


class TestEnvelopes:
    @given(words)
    def test_a_queue_hides_nothing(self, text: str) -> None:
        held = {"message": {"data": base64.b64encode(text.encode()).decode(), "publishTime": "2026-03-02T09:00:00Z"}}
        (inner,) = envelopes.of_row(held) or []
        assert (inner.value, inner.seen) == (text, 1_772_442_000_000_000)

    @pytest.mark.parametrize("data", ["not base64!", "/w==", None, 3])
    def test_what_is_no_message_stays_a_record(self, data: Any) -> None:
        assert envelopes.of_row({"message": {"data": data}}) is None

    @pytest.mark.parametrize("name", ["Records", "records", "value", "items", "events"])
    def test_a_list_is_an_envelope_unless_what_holds_it_has_a_time(self, name: str) -> None:
        rows: list[Any] = [{"a": 1}, "text", 3, None]
        assert [one.value for one in envelopes.of_row({name: rows}) or []] == [{"a": 1}, "text"]
        assert envelopes.of_row({name: rows, "time": "2026-03-02T09:00:00Z"}) is None

    @given(st.dictionaries(words, st.none() | st.booleans() | st.text(max_size=5), max_size=5))
    def test_any_flat_object_is_a_record_or_holds_some(self, row: dict[str, Any]) -> None:
        assert all(isinstance(one.value, dict | str) for one in envelopes.of_row(row) or [])


class TestRecord:
    @given(st.dictionaries(words, st.sampled_from([None, "", "-", "x", 0, 1.5]), max_size=6))
    def test_what_has_no_value_is_no_field(self, values: dict[str, Any]) -> None:
        found = made(values)
        assert found == {name: value for name, value in values.items() if value not in (None, "", "-")}
        assert made(found) == found

    def test_filling_keeps_what_is_there_and_takes_the_first_that_has_a_value(self) -> None:
        fields: Fields = {"user": "ann", "a": "-", "b": "", "c": 0, "d": "x"}
        fill(fields, {"user": "d", "first": ("a", "b", "c", "d"), "none": ("a", "zz")})
        assert fields["user"] == "ann"
        assert fields["first"] == 0
        assert "none" not in fields

    @given(st.integers(-(10**18) + 1, 10**18 - 1))
    def test_a_whole_number_is_read_as_text_and_as_itself(self, number: int) -> None:
        assert whole(str(number)) == whole(number) == number

    @pytest.mark.parametrize("text", ["", "1.0", "1e3", "\u0661", " 1", "9" * 19, None, 1.5, "--1"])
    def test_what_is_no_whole_number(self, text: Any) -> None:
        assert whole(text) is None

    def test_an_outcome_that_nothing_tells_has_no_name(self) -> None:
        assert [outcome_of(one) for one in (True, False, None)] == ["success", "failure", None]

    @given(words, words)
    def test_an_address_in_the_query_is_no_host(self, path: str, host: str) -> None:
        found = split_url(f"/{path}?next=http://{host}/x")
        assert "cs-host" not in found
        assert found["cs-uri-stem"] == f"/{path}"


class TestClaimsOfAzure:
    PERSON = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"

    def told(self, holder: str, **claims: str) -> Fields:
        row = {"time": "2026-03-02T09:00:00Z", "resourceId": "/SUBSCRIPTIONS/S", "category": "Administrative",
               "operationName": "MICROSOFT.KEYVAULT/VAULTS/WRITE", "identity": {holder: claims}}  # fmt: skip
        fields, _ = flatten(row)
        (form,) = [one for one in entra.FORMATS if one.fits(fields)]
        form.complete(fields)
        return fields

    @pytest.mark.parametrize("holder", ["claims", "claim"])
    @pytest.mark.parametrize(
        "claim", [PERSON + "name", PERSON + "upn", "upn", "preferred_username", "unique_name", "appid", "oid"]
    )
    def test_who_asks_stands_in_any_claim_about_him(self, holder: str, claim: str) -> None:
        assert self.told(holder, **{claim: "ada@example.org"})["user"] == "ada@example.org"

    def test_a_person_goes_before_the_application_that_he_uses(self) -> None:
        assert self.told("claims", appid="portal", upn="ada@example.org")["user"] == "ada@example.org"
        assert "user" not in self.told("claims", aud="https://management.azure.com/")


class TestPermissionsOfGoogle:
    @pytest.mark.parametrize(("given", "outcome"), [((True,), "success"), ((True, False), "failure"), ((), "success")])
    def test_one_permission_that_is_not_given_refuses_the_call(self, given: tuple[bool, ...], outcome: str) -> None:
        asked = [{"permission": f"iam.serviceAccounts.p{number}", "granted": one} for number, one in enumerate(given)]
        payload = {"serviceName": "iam.googleapis.com", "methodName": "SignJwt", "authorizationInfo": asked}
        fields, _ = flatten({"protoPayload": payload})
        gcp_audit.FORMAT.complete(fields)
        assert fields["outcome"] == outcome


class TestClustersWithoutEnvelope:
    ASKED: ClassVar[dict[str, Any]] = {
        "verb": "create",
        "user": {"username": "eve"},
        "objectRef": {"resource": "pods", "name": "miner"},
        "responseStatus": {"code": 201},
    }

    def test_a_record_is_known_by_who_asks_what(self) -> None:
        fields, _ = flatten(self.ASKED)
        assert kubernetes_audit.FORMAT.fits(fields)
        assert kubernetes_audit.FORMAT.complete(fields) == ("kubernetes", "application", "audit")
        assert fields["outcome"] == "success"

    @pytest.mark.parametrize("missing", ["verb", "user", "objectRef"])
    def test_one_that_leaves_any_of_it_out_is_not(self, missing: str) -> None:
        fields, _ = flatten({name: value for name, value in self.ASKED.items() if name != missing})
        assert not kubernetes_audit.FORMAT.fits(fields)
