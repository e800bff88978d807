"""Files that could end the scan of all others, or keep it busy: each is one line of the report, the rest is judged."""

import faulthandler
import hashlib
import json
import os
import pickle
import socket
import subprocess
import sys
import textwrap
from datetime import date
from io import FileIO
from pathlib import Path
from typing import cast

import pytest

from caponier.app.scan import artifact as module
from caponier.app.scan import file_content
from caponier.app.scan.artifact import ArtifactReport, limits_here, scan_artifact
from caponier.app.scan.file_content import HASHED, HEAD, read_content
from caponier.app.scan.free_memory import free_memory
from caponier.app.scan.ignored_files import Ignored
from caponier.app.scan.judge_file import judge_file
from caponier.detect.artifact import ArtifactDetector, Judgement, Limits, Verdict
from caponier.detect.artifacts.unsafe_code import UnsafeCode
from caponier.detect.registry import artifact_detectors
from caponier.formats.walk_files import read_file, walk
from caponier.plugins import Discovery
from pace import Stopwatch
from program import printed

HARMFUL = b"cos\nsystem\n(S'id'\ntR."
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
USER = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good and a harmful file; what a test puts between them must not hide them."""
    (tmp_path / "a.pkl").write_bytes(pickle.dumps([1.0]))
    (tmp_path / "z.pkl").write_bytes(HARMFUL)
    return tmp_path


def sparse(path: Path, size: int, head: bytes = b"") -> Path:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def told(report: ArtifactReport) -> dict[str, str]:
    """Return the reasons of the unknown files by name, having seen that the others were judged."""
    verdicts = {Path(file.path).name: file.verdict for file in report.scanned}
    assert (verdicts["a.pkl"], verdicts["z.pkl"]) == (Verdict.CLEAN, Verdict.UNSAFE)
    assert len(report.findings) == 1
    return {Path(file.path).name: file.reason or "" for file in report.scanned if file.verdict is Verdict.UNKNOWN}


@LINUX
@pytest.mark.parametrize("source", ["self/mem", "self/pagemap", "version", "self/environ", "kmsg", "kcore"])
def test_a_link_into_the_kernels_own_files_is_one_line(folder: Path, source: str) -> None:
    """They are said to be empty, and give an error, a few bytes, or bytes without end."""
    if not Path("/proc", source).exists():
        pytest.skip("there is no such file here")
    (folder / "m").symlink_to(Path("/proc", source))
    assert told(scan_artifact([folder]))["m"].startswith("cannot be read: ")


@LINUX
@pytest.mark.parametrize("target", ["/proc", "/sys", "/"])
def test_a_link_to_a_folder_elsewhere_is_not_walked(folder: Path, target: str) -> None:
    (folder / "m").symlink_to(target)
    assert told(scan_artifact([folder])) == {"m": f"is a link to a folder that was not named: name {target} as well"}


def test_a_link_to_a_folder_that_was_named_too_is_walked(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "model").write_bytes(b"N.")
    (tmp_path / "one" / "link").symlink_to(tmp_path / "two")
    assert [file.problem for file in walk([tmp_path / "one", tmp_path / "two"])] == [None, None]
    (tmp_path / "start").symlink_to(tmp_path / "two")
    assert [file.problem for file in walk([tmp_path / "start"])] == [None], "what was named is meant"


def test_pipes_sockets_and_devices_are_lines(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "device").symlink_to("/dev/zero")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "gone").symlink_to(folder / "nothing")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert set(told(scan_artifact([folder]))) == {"pipe", "socket", "device", "loop", "gone"}


@USER
def test_files_and_folders_without_permission_are_lines(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0)
    (folder / "secret").write_bytes(b"N.")
    (folder / "secret").chmod(0)
    try:
        reasons = told(scan_artifact([folder]))
    finally:
        (folder / "closed").chmod(0o700)
    assert reasons == {
        "closed": "cannot be listed: Permission denied",
        "secret": "cannot be read: Permission denied",
    }


def test_a_file_that_is_gone_or_a_pipe_by_the_time_it_is_opened_is_a_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "gone").write_bytes(b"N.")
    (folder / "piped").write_bytes(b"N.")
    found = list(walk([folder]))
    (folder / "gone").unlink()
    (folder / "piped").unlink()
    os.mkfifo(folder / "piped")
    monkeypatch.setattr(module, "walk", lambda _: found)
    assert told(scan_artifact([folder])) == {
        "gone": "cannot be read: No such file or directory",
        "piped": "cannot be read: it is no regular file any more",
    }


def test_a_file_that_grows_while_it_is_read_is_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "log").write_bytes(b"one")
    honest = os.fstat

    def early(descriptor: int) -> os.stat_result:
        """The size as it was before two more bytes came."""
        status = honest(descriptor)
        return os.stat_result([*status[:6], status.st_size - 2, *status[7:]]) if status.st_size == 3 else status

    monkeypatch.setattr("caponier.app.scan.file_content.os.fstat", early)
    assert told(scan_artifact([folder]))["log"].startswith("cannot be read: it gives more than the 1 bytes")


class Breaking(UnsafeCode):
    """A detector that does not stand what it is given."""

    name = "breaking"
    fault: Exception = ValueError("no")

    def judge(self, content: memoryview, limits: Limits) -> Judgement:
        if bytes(content[:4]) == b"evil":
            raise self.fault
        return super().judge(content, limits)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (MemoryError(), "takes more memory to judge than there is"),
        (RecursionError("deep"), "is nested more deeply than a scan looks"),
        (ValueError("no"), "the detector breaking broke down on it: ValueError: no"),
    ],
)
def test_a_detector_that_breaks_down_on_a_file_hides_no_other(
    folder: Path, fault: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "m").write_bytes(b"evil")
    detector = Breaking()
    detector.fault = fault
    monkeypatch.setitem(vars(artifact_detectors), "_found", Discovery({"breaking": detector}, {}))
    assert told(scan_artifact([folder])) == {"m": reason}


def test_what_is_too_large_is_judged_by_its_beginning_and_never_clean(folder: Path) -> None:
    small = Limits(held_bytes=1_000)
    (folder / "calm").write_bytes(pickle.dumps(bytes(2_000)))
    (folder / "evil").write_bytes(HARMFUL + bytes(2_000))
    report = scan_artifact([folder], limits=small)
    verdicts = {Path(file.path).name: file for file in report.scanned}
    assert verdicts["calm"].verdict is Verdict.UNKNOWN
    assert "2,0" in (verdicts["calm"].reason or "")
    assert "--largest" in (verdicts["calm"].reason or "")
    assert verdicts["evil"].verdict is Verdict.UNSAFE
    digest = hashlib.sha256((folder / "evil").read_bytes()).hexdigest()
    assert verdicts["evil"].sha256 == digest, "of all of it"


def test_a_detector_that_gives_no_judgement_hides_no_other_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "m").write_bytes(b"evil")
    detector, judge = Breaking(), UnsafeCode().judge
    monkeypatch.setattr(
        detector, "judge", lambda content, limits: None if content[:4] == b"evil" else judge(content, limits)
    )
    monkeypatch.setitem(vars(artifact_detectors), "_found", Discovery({"breaking": detector}, {}))
    assert told(scan_artifact([folder]))["m"].endswith("TypeError: a NoneType is no judgement")


def test_a_large_file_is_digested_once_however_many_links_lead_to_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "evil").write_bytes(HARMFUL + bytes(2_000))
    for number in range(5):
        (folder / f"link{number}").symlink_to("evil")
    made: list[str] = []
    digest = file_content._digest
    monkeypatch.setattr(file_content, "_digest", lambda file: made.append("once") or digest(file))
    report = scan_artifact([folder], limits=Limits(held_bytes=1_000))
    assert made == ["once"]
    assert sum(file.verdict is Verdict.UNSAFE for file in report.scanned) == 7, "six of it, and the small one"


def test_what_is_too_large_can_be_accepted(folder: Path) -> None:
    (folder / "m").write_bytes(bytes(2_000))
    digest = hashlib.sha256(bytes(2_000)).hexdigest()
    accepted = {digest: Ignored(digest, "ours", date.max)}
    report = scan_artifact([folder], limits=Limits(held_bytes=1_000), ignored=accepted)
    (line,) = [file for file in report.scanned if Path(file.path).name == "m"]
    assert (line.sha256, line.verdict, line.ignored) == (digest, Verdict.UNKNOWN, "ours")
    assert report.skipped == []


def test_a_file_that_claims_more_than_any_disk_is_refused_at_once(folder: Path) -> None:
    try:
        sparse(folder / "m", HASHED + 1)
    except OSError:
        pytest.skip("this file system has no such files")
    with Stopwatch() as watch:
        assert "more than a scan reads" in told(scan_artifact([folder], limits=Limits(held_bytes=HEAD)))["m"]
    assert watch.seconds < 5


@LINUX
@pytest.mark.parametrize("head", [b"", b"PK\x03\x04", b"\x1f\x8b", b"\x89HDF\r\n\x1a\n", b"GGUF", b"BZh9"], ids=repr)
def test_a_sparse_file_of_six_gigabytes_takes_little_memory(folder: Path, head: bytes) -> None:
    try:
        sparse(folder / "m", 6 << 30, head)
    except OSError:
        pytest.skip("this file system has no such files")
    code = textwrap.dedent(
        r"""
        import sys
        from pathlib import Path
        from caponier.app.scan.artifact import scan_artifact
        from pace import Stopwatch
        from program import peak
        with Stopwatch() as watch:
            report = scan_artifact([Path(sys.argv[1])])
        print(len(report.scanned), len(report.findings), len(report.skipped))
        print(int(peak()))
        print(watch.seconds)
        """
    )
    counts, mebibytes, seconds = printed(code, folder).splitlines()
    assert counts == "3 1 1"
    assert int(mebibytes) < 500
    assert float(seconds) < 20


def test_where_memory_is_short_the_large_file_is_a_line(folder: Path) -> None:
    """A dense file within the limits, in a process that may not have so much."""
    sparse(folder / "m", 900 << 20)
    code = textwrap.dedent(
        """
        import json, resource, sys
        from pathlib import Path
        from caponier.app.scan.artifact import scan_artifact
        scan_artifact([Path(sys.argv[1]) / "a.pkl"])
        pages = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (pages + (300 << 20), -1))
        report = scan_artifact([Path(sys.argv[1])])
        print(json.dumps([[Path(file.path).name, file.verdict, file.reason] for file in report.scanned]))
        """
    )
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux's /proc")
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    verdicts = {name: (verdict, reason) for name, verdict, reason in json.loads(done.stdout)}
    assert verdicts["m"] == ("unknown", "cannot be read: it takes more memory than there is")
    assert (verdicts["a.pkl"][0], verdicts["z.pkl"][0]) == ("clean", "unsafe")


def test_the_limit_follows_the_memory_unless_somebody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "free_memory", lambda: 4 << 20)
    assert limits_here().held_bytes == 1 << 20
    assert limits_here(7 << 30).held_bytes == 7 << 30
    monkeypatch.setattr(module, "free_memory", lambda: None)
    assert limits_here() == Limits()


def test_free_memory_is_the_least_of_what_is_told(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    8000 kB\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert free_memory(tmp_path / "nothing", tmp_path / "nothing") is None
    assert free_memory(tmp_path / "meminfo", tmp_path) == 8_192_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(tmp_path / "meminfo", tmp_path) == 8_192_000
    (tmp_path / "memory.max").write_text("5000\n")
    assert free_memory(tmp_path / "meminfo", tmp_path) == 4_000
    (tmp_path / "meminfo").write_text("MemAvailable: plenty\n")
    assert free_memory(tmp_path / "meminfo", tmp_path / "nothing") is None


def test_reading_with_a_limit(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"four")
    assert read_file(tmp_path / "m", 4) == b"four"
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_file(tmp_path / "m", 3)


def test_expanded_content_is_held_within_the_limit_too() -> None:
    assert Limits(held_bytes=1 << 20).budget(1 << 30) == 1 << 20


def holed(path: Path, head: bytes, size: int) -> Path:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


@pytest.mark.slow
def test_a_large_file_is_judged_whole_in_little_memory(tmp_path: Path) -> None:
    """It is mapped, and hashed in pieces; only what is looked at of it is in memory."""
    header = b'{"a":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}'
    size = 600 << 20
    text = header % (size, size)
    path = holed(tmp_path / "m.safetensors", len(text).to_bytes(8, "little") + text, 8 + len(text) + size)
    code = (
        "import resource, sys; from pathlib import Path; from caponier.app.scan.artifact import scan_artifact;"
        "import caponier.detect.artifacts.unsafe_code; from program import peak;"
        "before = peak(); report = scan_artifact([Path(sys.argv[1])]);"
        "children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1_024;"
        "print(report.scanned[0].verdict, int(max(peak(), children) - before))"
    )
    verdict, grown = printed(code, path).split()
    assert verdict == "clean"
    assert int(grown) < 200


def test_a_file_that_is_shortened_while_it_is_judged_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caponier.app.scan.file_content.READ", 1 << 10)
    path = holed(tmp_path / "m", b"", 1 << 20)

    class Slow:
        name = "slow"

        def judge(self, content: memoryview, limits: Limits) -> Judgement:
            faulthandler.disable()  # the end of this process is meant, and no news
            path.write_bytes(b"")
            assert bytes(content[1 << 19 : (1 << 19) + 1])
            raise AssertionError("reached what is not there any more")

    content = read_content(path, 1 << 21)
    assert content.mapped
    judgement = judge_file(cast(ArtifactDetector, Slow()), content, Limits())
    assert judgement.verdict is Verdict.UNKNOWN
    assert "changed while it was read" in judgement.reason


def test_a_file_that_is_shortened_between_its_digest_and_its_mapping_is_a_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_content, "READ", 1 << 10)
    path = holed(folder / "m", b"", 1 << 20)
    honest = file_content._digest

    def shortening(file: FileIO) -> str:
        digest = honest(file)
        path.write_bytes(b"")
        return digest

    monkeypatch.setattr(file_content, "_digest", shortening)
    assert told(scan_artifact([folder]))["m"].startswith("cannot be read: it gives less than the 1,048,576 bytes")


def test_half_a_judgement_of_a_file_that_is_mapped_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_content, "READ", 1 << 10)

    class Stuck:
        name = "stuck"

        def judge(self, content: memoryview, limits: Limits) -> Judgement:
            return Judgement(Verdict.CLEAN, "any", ("long" * (1 << 20),), facts={"no pickle": lambda: None})

    content = read_content(holed(tmp_path / "m", b"", 1 << 20), 1 << 21)
    judgement = judge_file(cast(ArtifactDetector, Stuck()), content, Limits())
    assert "ended the process that judged it" in judgement.reason
