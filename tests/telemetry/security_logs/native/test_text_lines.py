"""Formats in which each line is an event: what is read out of a line, and that nothing else in it counts."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.framing.stamps import micros
from caponier.telemetry.security_logs.native import access_log, jupyter, mlflow, ray, syslog, torchserve
from caponier.telemetry.security_logs.native.record import LineReader, Record

READERS = {
    "syslog": syslog.reader,
    "access": access_log.access_reader,
    "error": access_log.error_reader,
    "torchserve": torchserve.reader,
    "ray": ray.reader,
    "jupyter": jupyter.reader,
    "mlflow": mlflow.reader,
}
NINE = micros(datetime(2026, 3, 2, 9, tzinfo=UTC))
words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)
addresses = st.ip_addresses().map(str)
statuses = st.integers(100, 599)


def one(name: str, text: str) -> Record:
    reader: LineReader = READERS[name]()
    found = reader.read(text, 7)
    assert found is not None
    (record,) = found
    assert (record.line, record.format, reader.rest()) == (7, reader.name, [])
    return record


class TestSyslog:
    def test_a_count_stands_before_a_message_and_nowhere_in_it(self) -> None:
        counted = one("syslog", "57 <34>1 2026-03-02T09:00:00Z gpu-01 app 7 - - 5 <6>done")
        assert (counted.time, counted.fields["message"]) == (NINE, "5 <6>done")
        assert one("syslog", "2026-03-02T09:00:00Z gpu-01 app[7]: 5 <6>done").fields["message"] == "5 <6>done"

    @given(words, addresses, st.integers(1, 65_535), st.sampled_from(["Accepted", "Failed"]), words)
    def test_a_login_is_who_from_where_and_how_it_ended(
        self, user: str, address: str, port: int, said: str, method: str
    ) -> None:
        message = f"{said} {method} for {user} from {address} port {port} ssh2"
        record = one("syslog", f"2026-03-02T09:00:00Z gpu-01 sshd[42]: {message}")
        assert record.fields["user"] == user
        assert record.fields["src_ip"] == address
        assert record.fields["src_port"] == str(port)
        assert record.fields["outcome"] == ("success" if said == "Accepted" else "failure")
        assert record.origin.category == "authentication"
        assert record.time == NINE

    @given(words, words)
    def test_three_forms_of_one_line_say_the_same(self, host: str, text: str) -> None:
        iso = one("syslog", f"2026-03-02T09:00:00Z {host} app[1]: {text}")
        new = one("syslog", f"<13>1 2026-03-02T10:00:00+01:00 {host} app 1 - - {text}")
        old = one("syslog", f"<13>Mar  2 09:00:00 {host} app[1]: {text}")
        assert iso.fields == new.fields == old.fields
        assert iso.time == new.time == NINE
        assert iso.origin == new.origin == old.origin

    def test_an_unknown_user_is_named_without_the_word_for_it(self) -> None:
        head = "2026-03-02T09:00:00Z h sshd[1]: "
        assert one("syslog", head + "Failed password for invalid user oracle from 10.0.0.9 port 2 ssh2").fields[
            "user"
        ] == ("oracle")
        invalid = one("syslog", head + "Invalid user oracle from 10.0.0.9")
        assert (invalid.fields["user"], invalid.fields["outcome"]) == ("oracle", "failure")
        assert "src_port" not in invalid.fields

    def test_a_name_that_claims_an_address_is_a_name(self) -> None:
        """Whoever logs in as `x from 1.1.1.1 port 1` still comes from where the last `from` says."""
        text = "Invalid user x from 1.1.1.1 port 1 from 10.0.0.9 port 2"
        record = one("syslog", f"2026-03-02T09:00:00Z h sshd[1]: {text}")
        assert record.fields["src_ip"] == "10.0.0.9"

    def test_a_failed_name_that_claims_an_address_is_a_name(self) -> None:
        text = "Failed password for invalid user x from 1.1.1.1 port 1 ssh2 from 10.0.0.9 port 2 ssh2"
        record = one("syslog", f"2026-03-02T09:00:00Z h sshd[1]: {text}")
        assert record.fields["src_ip"] == "10.0.0.9"

    def test_a_postponed_login_is_none_yet(self) -> None:
        record = one("syslog", "2026-03-02T09:00:00Z h sshd[1]: Postponed publickey for ann from 10.0.0.9 port 2 ssh2")
        assert record.origin.category is None
        assert "outcome" not in record.fields

    @pytest.mark.parametrize(
        ("refusal", "category", "outcome"),
        [("", "process_creation", "success"), ("3 incorrect password attempts ; ", None, "failure")],
    )
    def test_a_refused_command_started_no_process(self, refusal: str, category: str | None, outcome: str) -> None:
        text = f"ann : {refusal}TTY=pts/0 ; PWD=/srv/a b ; USER=root ; COMMAND=/bin/cat /etc/shadow"
        record = one("syslog", f"2026-03-02T09:00:00Z h sudo: {text}")
        assert record.origin.category == category
        assert record.fields["outcome"] == outcome
        assert (record.fields["user"], record.fields["target_user"]) == ("ann", "root")
        assert record.fields.get("image") == ("/bin/cat" if category else None)
        assert record.fields.get("currentdirectory") == ("/srv/a b" if category else None)

    @pytest.mark.parametrize(
        ("program", "message", "who", "command"),
        [
            (
                "CRON",
                "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
                "root",
                "cd / && run-parts --report /etc/cron.hourly",
            ),
            ("crond", "(ann) CMD (sh -c '(a; b)')", "ann", "sh -c '(a; b)'"),
            ("crond", "(ann) CMDOUT (x)", None, None),
            ("cron", "(root) RELOAD (crontabs/root)", None, None),
            ("other", "(ann) CMD (x)", None, None),
        ],
    )
    def test_what_cron_starts_is_a_process(
        self, program: str, message: str, who: str | None, command: str | None
    ) -> None:
        record = one("syslog", f"2026-03-02T09:00:00Z h {program}[1]: {message}")
        assert record.origin.category == ("process_creation" if command else None)
        assert (record.fields.get("user"), record.fields.get("commandline")) == (who, command)

    def test_a_program_is_known_by_its_name_and_not_by_its_folder(self) -> None:
        message = "Accepted password for ann from 10.0.0.9 port 2 ssh2"
        plain = one("syslog", f"2026-03-02T09:00:00Z h sshd[1]: {message}")
        path = one("syslog", f"2026-03-02T09:00:00Z h /usr/sbin/SSHD[1]: {message}")
        other = one("syslog", f"2026-03-02T09:00:00Z h notsshd[1]: {message}")
        assert path.origin == plain.origin
        assert "user" not in other.fields


class TestAccessLog:
    @given(addresses, words, statuses, st.integers(0, 10**9), words, words)
    def test_each_part_is_found_and_the_query_is_no_part_of_the_path(
        self, address: str, path: str, status: int, size: int, query: str, agent: str
    ) -> None:
        line = f'"GET /{path}?q={query} HTTP/1.1" {status} {size} "-" "{agent}"'
        record = one("access", f"{address} - - [02/Mar/2026:10:00:00 +0100] {line}")
        assert record.fields["c-ip"] == address
        assert record.fields["cs-method"] == "GET"
        assert record.fields["cs-uri-stem"] == f"/{path}"
        assert record.fields["cs-uri-query"] == f"q={query}"
        assert (record.fields["sc-status"], record.fields["sc-bytes"]) == (status, size)
        assert record.fields["cs-user-agent"] == agent
        assert "cs-referer" not in record.fields
        assert record.time == NINE

    def test_a_virtual_host_stands_before_the_address(self) -> None:
        record = one("access", 'ml.example:443 10.0.0.9 - ann [02/Mar/2026:09:00:00 +0000] "GET / HTTP/2.0" 200 -')
        assert (record.fields["cs-host"], record.fields["c-ip"], record.fields["user"]) == (
            "ml.example",
            "10.0.0.9",
            "ann",
        )
        assert "sc-bytes" not in record.fields

    @given(st.text("abc \\x0123456789-.", min_size=1, max_size=20))
    def test_a_request_line_that_is_none_is_kept_whole(self, text: str) -> None:
        found = access_log.request(text)
        assert "cs-method" not in found or text.split(" ")[0].isalpha()
        assert found.get("cs-uri", "-") in {text, *text.split(" "), "-"}

    @given(words, words, words)
    def test_a_target_with_its_host_is_the_path_behind_it(self, host: str, path: str, query: str) -> None:
        found = access_log.request(f"get http://{host}/{path}?{query} HTTP/1.1")
        assert found["cs-method"] == "GET"
        assert found["cs-host"] == host
        assert found["cs-uri-stem"] == f"/{path}"
        assert found["cs-uri-query"] == query

    @pytest.mark.parametrize("stamp", ["32/Mar/2026:09:00:00 +0000", "02/Foo/2026:09:00:00 +0000", "02-03-2026 09:00"])
    def test_a_line_of_no_day_is_of_another_format(self, stamp: str) -> None:
        assert access_log.access_reader().read(f'10.0.0.9 - - [{stamp}] "GET / HTTP/1.1" 200 1', 1) is None

    def test_errors_name_the_client_and_what_it_asked(self) -> None:
        text = '*5 open() failed, client: 10.0.0.9, server: x, request: "GET /a?b HTTP/1.1", host: "ml"'
        record = one("error", f"2026/03/02 09:00:00 [error] 7#7: {text}")
        assert (record.fields["c-ip"], record.fields["cs-uri-stem"], record.fields["cs-host"]) == (
            "10.0.0.9",
            "/a",
            "ml",
        )
        assert record.time == NINE
        apache = one("error", "[Mon Mar 02 09:00:00.5 2026] [core:error] [pid 1] [client 10.0.0.9:51] AH1: no")
        assert (apache.fields["c-ip"], apache.fields["message"], apache.time) == ("10.0.0.9", "AH1: no", NINE + 500_000)


SERVERS = {
    "torchserve": '2026-03-02T09:00:00,000 [INFO ] t-1 ACCESS_LOG - /{ip}:1 "GET /{path} HTTP/1.1" {status} 3',
    "ray": '2026-03-02 09:00:00,000\tINFO web_log.py:1 -- {ip} [02/Mar/2026:09:00:00 +0000] "GET /{path} HTTP/1.1" '
    '{status} 3 "-" "-"',
    "jupyter": "[I 2026-03-02 09:00:00.000 ServerApp] {status} GET /{path} ({ip}) 1.50ms",
    "access": '{ip} - - [02/Mar/2026:09:00:00 +0000] "GET /{path} HTTP/1.1" {status} 3',
    "mlflow": '2026-03-02 09:00:00 INFO: {ip}:1 - "GET /{path} HTTP/1.1" {status} OK',
}


@pytest.mark.parametrize("name", SERVERS)
@given(st.ip_addresses(v=4).map(str), words, statuses)
def test_every_server_says_alike_who_asked_for_what(name: str, address: str, path: str, status: int) -> None:
    record = one(name, SERVERS[name].format(ip=address, path=path, status=status))
    assert record.fields["c-ip"] == address
    assert (record.fields["cs-method"], record.fields["cs-uri-stem"]) == ("GET", f"/{path}")
    assert record.fields["sc-status"] == status
    assert record.origin.category == "webserver"
    assert record.time == NINE


@pytest.mark.parametrize("name", READERS)
@given(st.text(max_size=80))
def test_any_text_is_an_event_or_of_another_format(name: str, text: str) -> None:
    reader: LineReader = READERS[name]()
    found = reader.read(text, 1)
    assert found is None or all("" not in record.fields.values() for record in found)


@pytest.mark.parametrize("name", SERVERS)
def test_no_server_takes_the_line_of_another(name: str) -> None:
    line = SERVERS[name].format(ip="10.0.0.9", path="a", status=200)
    assert [other for other in SERVERS if READERS[other]().read(line, 1) is not None] == [name]
