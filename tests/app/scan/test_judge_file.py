"""Detectors that break down on one file, in whatever way."""

from types import SimpleNamespace
from typing import Any

import pytest

from caponier.app.scan.file_content import Content
from caponier.app.scan.judge_file import judge_file
from caponier.detect.artifact import Limits, Verdict


class PanicError(BaseException):
    """As extension modules in Rust raise it."""


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise SystemExit("hm")


def broken(failure: BaseException) -> Any:
    def judge(*_: object) -> None:
        raise failure

    return SimpleNamespace(name="theirs", judge=judge)


CONTENT = Content(memoryview(b"x"), None)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ValueError("no luck"), "ValueError: no luck"),
        (PanicError("index out of bounds"), "PanicError: index out of bounds"),
        (SystemExit(0), "SystemExit: 0"),
        (SpeechlessError(), "SpeechlessError"),
    ],
)
def test_whatever_a_detector_raises_is_the_reason_of_that_file(failure: BaseException, said: str) -> None:
    judgement = judge_file(broken(failure), CONTENT, Limits())
    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.reasons == (f"the detector theirs broke down on it: {said}",)


def test_whoever_interrupts_a_scan_is_obeyed() -> None:
    with pytest.raises(KeyboardInterrupt):
        judge_file(broken(KeyboardInterrupt()), CONTENT, Limits())
