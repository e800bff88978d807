"""Hostile text is read without a word: what Python would warn about is nobody's news."""

import ast
import warnings

import pytest

from caponier.detect.model_files.files.quiet_python import literal, parsed
from detect.model_files.files.building import judged
from detect.model_files.files.test_npy_headers import described, npy

NOISY = ["'\\©'", "'\\8' is 1", "(1)(2)", "1if 1else 2", "'\\777'", "assert (1, 2)"]


@pytest.mark.parametrize("text", NOISY)
def test_nothing_is_said_about_a_text(text: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        parsed(text)
        judged(text.encode())
        judged(npy(described("<f4", (1,)).replace("'descr'", f"{text.split()[0]!s}: 1, 'descr'"), bytes(4)))
    assert said == []


@pytest.mark.parametrize("text", ["{'a': (1, None), 'b\\q': [True]}", "-1.5"])
def test_a_literal_is_what_python_makes_of_it(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = ast.literal_eval(text)
    assert literal(text) == expected


@pytest.mark.parametrize("text", ["open('x')", "a", "[i for i in ()]", "1; 2", ""])
def test_what_is_no_literal_is_an_error(text: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        literal(text)
