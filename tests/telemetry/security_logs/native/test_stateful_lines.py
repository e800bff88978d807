"""Formats in which earlier lines say what later ones mean: auditd, Zeek, and flow logs."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.security_logs.native.auditd import MOST, OPEN, AuditReader
from caponier.telemetry.security_logs.native.record import Record
from caponier.telemetry.security_logs.native.vpc_flow import DEFAULT, FlowReader
from caponier.telemetry.security_logs.native.zeek import ZeekReader

words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12)


def audit(lines: list[str]) -> list[Record]:
    reader = AuditReader()
    found: list[Record] = []
    for number, line in enumerate(lines, 1):
        done = reader.read(line, number)
        assert done is not None, line
        found += done
    return found + reader.rest()


def of_event(serial: int, *rest: str) -> list[str]:
    return [line.replace("msg=", f"msg=audit(1772442000.250:{serial}): ", 1) for line in rest]


EXECUTED = (
    'type=SYSCALL msg=syscall=59 success=yes pid=9 auid=1000 uid=0 exe="/usr/bin/curl"\x1dAUID="ann" UID="root"',
    'type=EXECVE msg=argc=2 a0="curl" a1="http://10.0.0.9/x"',
    'type=CWD msg=cwd="/srv"',
    'type=PATH msg=item=0 name="/tmp/x" nametype=CREATE',
    "type=PROCTITLE msg=proctitle=6375726C00",
    "type=EOE msg=",
)


class TestAudit:
    def test_each_record_learns_from_its_event_who_did_it(self) -> None:
        found = {str(one.fields["type"]): one for one in audit(of_event(1, *EXECUTED))}
        assert sorted(found) == ["CWD", "EXECVE", "PATH", "SYSCALL"]
        assert {one.fields["user"] for one in found.values()} == {"ann"}
        assert {one.time for one in found.values()} == {1_772_442_000_250_000}
        executed = found["EXECVE"]
        assert executed.origin.category == "process_creation"
        assert executed.fields["commandline"] == "curl http://10.0.0.9/x"
        assert (executed.fields["image"], executed.fields["currentdirectory"]) == ("/usr/bin/curl", "/srv")
        assert found["PATH"].origin.category == "file_event"
        assert found["PATH"].fields["targetfilename"] == "/tmp/x"

    @given(
        st.lists(st.integers(1, 5), min_size=1, max_size=4).flatmap(
            lambda sizes: st.permutations([serial for serial, size in enumerate(sizes) for _ in range(size)])
        )
    )
    def test_records_of_several_processors_interleave(self, order: list[int]) -> None:
        lines, at = [], dict.fromkeys(order, 0)
        for serial in order:
            kind = EXECUTED[at[serial]].replace("ann", f"user{serial}")
            lines += of_event(serial, kind)
            at[serial] += 1
        found = audit(lines)
        titles = sum(count == 5 for count in at.values())
        assert len(found) == len(order) - titles
        for one in found:
            assert one.fields["user"] == f"user{order[one.line - 1]}"

    def test_no_more_events_wait_than_are_held(self) -> None:
        reader = AuditReader()
        done = [reader.read(of_event(at, EXECUTED[0])[0], at) or [] for at in range(OPEN + 10)]
        assert sum(map(len, done)) == 10
        assert [one.line for part in done for one in part] == list(range(10)), "the oldest go first"
        assert len(reader.rest()) == OPEN
        assert reader.rest() == []

    def test_an_event_without_end_is_let_go(self) -> None:
        reader = AuditReader()
        done = [reader.read(of_event(1, f'type=PATH msg=item={at} name="x"')[0], at) or [] for at in range(MOST)]
        assert [len(part) for part in done] == [0] * (MOST - 1) + [MOST]

    @given(st.text(st.characters(codec="utf-8", exclude_characters="\0\"'"), min_size=2, max_size=20))
    def test_what_was_written_as_digits_is_the_text_again(self, text: str) -> None:
        plain = text.strip()
        coded = plain.encode().hex().upper()
        if len(coded) < 4 or coded.isdigit():
            return
        (record,) = audit(of_event(1, f"type=PATH msg=name={coded} nametype=DELETE"))
        assert record.fields["name"] == plain
        assert record.origin.category == "file_delete"

    @given(st.sets(st.integers(0, MOST + 40), min_size=1, max_size=60), st.randoms(use_true_random=False))
    def test_a_command_is_its_arguments_in_order_as_many_as_are_read(self, there: set[int], random: Random) -> None:
        order = list(there)
        random.shuffle(order)
        said = " ".join(f'a{number}="w{number}"' for number in order)
        (record,) = audit(of_event(1, f"type=EXECVE msg=argc=9 {said}"))
        words = [f"w{number}" for number in sorted(there) if number < MOST]
        assert record.fields.get("commandline", "") == " ".join(words)

    def test_a_number_of_digits_is_a_number(self) -> None:
        (record,) = audit(of_event(1, "type=SYSCALL msg=a0=20414243 a1=2041424a pid=41424344"))
        assert (record.fields["a0"], record.fields["a1"], record.fields["pid"]) == ("20414243", "2041424a", "41424344")

    @pytest.mark.parametrize(("said", "outcome"), [("success", "success"), ("failed", "failure"), ("1", "success")])
    def test_a_login_is_from_its_address_and_on_its_node(self, said: str, outcome: str) -> None:
        inner = f'op=login acct="ann" exe="/usr/sbin/sshd" hostname=evil addr=10.0.0.9 terminal=ssh res={said}'
        (record,) = audit(
            [f"node=gpu-01 type=USER_LOGIN msg=audit(1772442000.250:3): pid=1 uid=0 auid=4294967295 msg='{inner}'"]
        )
        assert record.fields["outcome"] == outcome
        assert (record.fields["user"], record.fields["src_ip"], record.fields["host"]) == ("ann", "10.0.0.9", "gpu-01")
        assert "hostname" not in record.fields
        assert record.origin.category == "authentication"

    def test_nobody_is_no_user(self) -> None:
        (record,) = audit(of_event(1, "type=CONFIG_CHANGE msg=auid=4294967295 op=set"))
        assert "user" not in record.fields


HEAD = ("#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-")


def zeek(*lines: str) -> list[Record]:
    reader = ZeekReader()
    found: list[Record] = []
    for number, line in enumerate((*HEAD, *lines), 1):
        done = reader.read(line, number)
        assert done is not None, line
        found += done
    return found


CONN = (
    "#path\tconn",
    "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tconn_state\ttags",
    "#types\ttime\taddr\tport\taddr\tport\tstring\tset[string]",
)


class TestZeek:
    @pytest.mark.parametrize(("state", "action"), [("SF", "accept"), ("S0", "deny"), ("REJ", "deny"), ("OTH", None)])
    def test_a_connection_is_let_through_or_not(self, state: str, action: str | None) -> None:
        (record,) = zeek(*CONN, f"1772442000.250000\t10.0.0.9\t51\t10.0.0.1\t443\t{state}\ta,b")
        assert record.fields.get("action") == action
        assert (record.fields["src_ip"], record.fields["src_port"]) == ("10.0.0.9", 51)
        assert (record.fields["dst_ip"], record.fields["dst_port"]) == ("10.0.0.1", 443)
        assert record.fields["tags"] == "a, b"
        assert record.time == 1_772_442_000_250_000
        assert record.origin.service == "conn"

    def test_what_is_unset_or_empty_is_no_field(self) -> None:
        (record,) = zeek(*CONN, "1772442000\t10.0.0.9\t-\t10.0.0.1\t-\t-\t(empty)")
        assert not {"tags", "conn_state", "src_port", "action"} & set(record.fields)

    def test_a_second_header_counts_from_there_on(self) -> None:
        first, second = zeek(
            *CONN,
            "1772442000\t10.0.0.9\t51\t10.0.0.1\t443\tSF\t-",
            "#close\t2026-03-02-10-00-00",
            "#path\tssh",
            "#fields\tts\tid.orig_h\tauth_success",
            "#types\ttime\taddr\tbool",
            "1772442060\t10.0.0.8\tF",
        )
        assert first.origin.service == "conn"
        assert second.origin.category == "authentication"
        assert (second.fields["outcome"], second.fields["src_ip"]) == ("failure", "10.0.0.8")

    def test_a_row_of_other_width_and_a_remark_are_no_records(self) -> None:
        reader = ZeekReader()
        for line in (*HEAD, *CONN):
            assert reader.read(line, 1) == []
        assert reader.read("1772442000\t10.0.0.9", 9) is None
        assert reader.read("# a remark of somebody", 10) is None

    def test_the_host_of_a_request_is_none_of_ours(self) -> None:
        (record,) = zeek(
            "#path\thttp", "#fields\tts\tid.orig_h\tmethod\thost\turi", "1772442000\t10.0.0.9\tPOST\tml\t/v1?x=1"
        )
        assert record.fields["cs-host"] == "ml"
        assert (record.fields["cs-uri-stem"], record.fields["cs-uri-query"]) == ("/v1", "x=1")


FLOW = "2 123456789012 eni-1 10.0.0.9 10.0.0.1 51 443 6 10 840 1772442000 1772442060 REJECT OK"


class TestFlow:
    @given(st.permutations([*DEFAULT]))
    def test_the_order_that_a_header_names_makes_no_difference(self, names: list[str]) -> None:
        said = dict(zip(DEFAULT, FLOW.split(), strict=True))
        reader = FlowReader()
        assert reader.read(" ".join(names), 1) == []
        (record,) = reader.read(" ".join(said[name] for name in names), 2) or []
        (usual,) = FlowReader().read(FLOW, 2) or []
        assert record == usual
        assert (usual.fields["action"], usual.fields["dst_port"], usual.time) == ("reject", 443, 1_772_442_000_000_000)

    def test_a_window_without_traffic_has_no_addresses(self) -> None:
        (record,) = FlowReader().read("2 1234 eni-1 - - - - - - - 1772442000 1772442060 - NODATA", 1) or []
        assert not {"src_ip", "dst_ip", "src_port", "action"} & set(record.fields)
        assert record.fields["log-status"] == "NODATA"

    def test_after_a_header_a_line_of_other_width_is_told(self) -> None:
        reader = FlowReader()
        assert reader.read("srcaddr dstaddr end", 1) == []
        assert reader.read(FLOW, 2) is None
        (record,) = reader.read("10.0.0.9 10.0.0.1 1772442060", 3) or []
        assert record.time == 1_772_442_060_000_000, "without a start, when it ended"

    @given(words)
    def test_words_are_no_flow(self, text: str) -> None:
        assert FlowReader().read(text, 1) is None
