"""Logs in the letters of Windows, and files that are no logs."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.app.scan.logs import scan_logs
from caponier.errors import InputError
from caponier.telemetry.framing.encodings import foreign
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs
from caponier.telemetry.streams import Recoded, encoding_of

LINE = "Mar  2 09:00:00 gpu-01 sshd[1]: Accepted publickey for müller from 203.0.113.9 port 4 ssh2"
ROW = json.dumps(
    {"eventVersion": "1", "eventTime": "2026-03-02T09:00:00Z", "eventSource": "s3.amazonaws.com", "eventName": "X"}
)
TABLE = (
    "TimeGenerated,UserPrincipalName,IPAddress,ResultType,Type\r\n2026-03-02T09:00:00Z,ü@x.org,203.0.113.9,0,SigninLogs"
)


@pytest.mark.parametrize("text", [LINE, ROW, TABLE, json.dumps(json.loads(ROW), indent=1)])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_the_letters_of_a_log_change_nothing(text: str, encoding: str, tmp_path: Path) -> None:
    plain, other = tmp_path / "plain.log", tmp_path / "other.log"
    plain.write_bytes(text.encode() + b"\n")
    other.write_bytes(f"{text}\n".encode(encoding))
    told = []
    for path in (plain, other):
        with RejectedRows() as rejected:
            told.append([event._replace(file="") for part in read_logs([path], rejected) for event in part.events])
        assert rejected.count == 0, rejected.first
    assert told[0] == told[1]
    assert len(told[0]) == 1


@given(text=st.text(max_size=300), size=st.integers(1, 17))
def test_a_letter_that_stands_on_two_blocks_is_whole(text: str, size: int) -> None:
    plain = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    stream, found = Recoded(io.BytesIO(text.encode("utf-16", "surrogatepass")), "utf-16"), b""
    while block := stream.read(size):
        found += block
    assert found.decode() == plain


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"plain text", "müller".encode("latin-1"), b"\0\0\0\0\0\0", b"\0"])
def test_what_is_written_as_usual_is_left_alone(data: bytes) -> None:
    assert encoding_of(data) is None
    assert foreign(data) is None


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"ElfFile\0", "evtx_dump"),
        (b"PK\x03\x04", "unpack"),
        (b"PAR1", "JSON Lines"),
        (b"LPKSHHRH", "journalctl -o json"),
    ],
)
def test_a_file_that_is_no_log_is_named_with_what_to_do(head: bytes, told: str, tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(head + bytes(range(256)) * 40)
    with pytest.raises(InputError) as error:
        scan_logs([path])
    assert told in error.value.what
