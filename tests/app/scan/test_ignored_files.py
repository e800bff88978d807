from datetime import date
from pathlib import Path

import pytest

from caponier.app.scan.ignored_files import read_ignored
from caponier.errors import InputError

DIGEST = "a" * 64


def written(folder: Path, text: str) -> Path:
    path = folder / "ignore.yaml"
    path.write_text(text)
    return path


def test_an_entry_applies_up_to_its_last_day(tmp_path: Path) -> None:
    path = written(tmp_path, f"ignore:\n- {{sha256: {DIGEST.upper()}, reason: reviewed, expires: 2026-12-31}}\n")
    entry = read_ignored(path)[DIGEST]
    assert entry.reason == "reviewed"
    assert entry.applies(date(2026, 12, 31))
    assert not entry.applies(date(2027, 1, 1))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[]", "one key"),
        ("ignore: 3", "one key"),
        ("ignore: []\nmore: 1", "one key"),
        ("ignore: [3]", "expected the keys"),
        (f"ignore:\n- {{sha256: {DIGEST}, reason: a}}", "expected the keys"),
        ("ignore:\n- {sha256: abc, reason: a, expires: 2026-12-31}", "64 hexadecimal"),
        (f"ignore:\n- {{sha256: {DIGEST}, reason: '', expires: 2026-12-31}}", "reason is missing"),
        (f"ignore:\n- {{sha256: {DIGEST}, reason: a, expires: never}}", "must be a day"),
        ("{", "not YAML"),
        ("!!python/object/apply:os.system ['id']", "the tag"),
    ],
)
def test_nothing_is_ignored_by_accident(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_ignored(written(tmp_path, text))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_ignored(tmp_path / "missing")
