"""What R runs although the file holds data alone: by a name, by a class, by a codec, and behind a comment.

The first three of `HOSTILE`, contrasts that a model names, and the reference to a source were carried out with R 4.5.
The others follow from how R reads such objects, and are forms and detours of these; nobody has carried them out.
"""

import struct

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import judged, verdict
from detect.model_files.serialized.test_r_objects import (
    ATTRIBUTES,
    NIL,
    call,
    ints,
    letters,
    listed,
    numbers,
    pairs,
    stream,
    symbol,
    texts,
)


def model(name: str, value: bytes) -> bytes:
    return listed(numbers(1.0), value, attributes=pairs(("names", texts("rank", name)), ("class", texts("lm"))))


def contrasts(function: str) -> bytes:
    return listed(texts(function), attributes=pairs(("names", texts("f"))))


def wrapped(way: str, value: bytes, attributes: bytes = NIL) -> bytes:
    info = ints(2) + symbol(way) + ints(2) + symbol("base") + ints(2) + ints(13, 1, 19) + NIL
    return ints(238) + info + ints(2) + value + ints(13, 2, 0, 0) + attributes


def tagged(name: str, value: bytes) -> bytes:
    return ints(2 | 0x400) + symbol(name) + value


LEVELS = ints(13 | ATTRIBUTES, 2, 1, 2) + pairs(("levels", texts("/a", "/b")), ("contrasts", texts("file.remove")))
LONG = listed(*[NIL] * 1_200, contrasts("file.create"), attributes=pairs(("names", texts(*["a"] * 1_200, "contrasts"))))
HOSTILE = {
    "contrasts of a model": model("contrasts", contrasts("file.create")),
    "contrasts as a text": model("contrasts", texts("file.create")),
    "a longer name, of which R takes the part": model("contrastsOfIt", contrasts("file.create")),
    "a name that is longer than names are": model("contrasts" + "x" * 300, contrasts("file.create")),
    "contrasts of a factor": LEVELS,
    "contrasts in an environment": ints(4, 0, 253) + pairs(("contrasts", contrasts("file.create"))) + NIL + NIL,
    "contrasts behind a thousand": LONG,
    "contrasts that are wrapped": model("contrasts", wrapped("wrap_string", texts("file.create"))),
    "names that are wrapped": listed(
        contrasts("file.create"), attributes=pairs(("names", wrapped("wrap_string", texts("contrasts"))))
    ),
    "a list that is wrapped": wrapped(
        "wrap_list", listed(contrasts("file.create")), pairs(("names", texts("contrasts")))
    ),
    "what a call does with missing values": ints(6) + symbol("lm") + tagged("na.action", texts("unlink")) + NIL,
    "a text in a call in a call": call(symbol("lm"), call(symbol("list"), texts("base::file.remove"))),
    "a reference to a source": ints(13 | ATTRIBUTES | 0x100, 1, 1) + pairs(("class", texts("srcref"))),
    "the place of a source": ints(4, 0, 253) + NIL + NIL + pairs(("class", texts("srcfile"))),
    "a citation": listed(texts("x"), attributes=pairs(("class", texts("bibentry")))),
    "a citation's text": listed(texts("\\Sexpr{1}")),
    "a class in a call": ints(6) + symbol("structure") + tagged("class", texts("vignette")) + NIL,
    "a comment before a bracket": model("terms", texts("~ (system #\n('touch /tmp/x'))")),
    "a comment, and a text that is like one": model("terms", texts("~ c('log #', (system # a\n # b\n\t('x')))")),
}


@pytest.mark.parametrize("item", HOSTILE.values(), ids=HOSTILE)
def test_data_by_which_r_runs_something_are_not_clean(item: bytes) -> None:
    found = judged(stream(item))
    assert found.verdict is Verdict.UNKNOWN
    assert "cannot be read" not in " ".join(found.reasons)


@pytest.mark.parametrize("codec", [b"UTF-7", b"IBM037", b"UTF-16LE", b"GB18030"])
def test_texts_in_a_codec_of_other_letters_are_not_clean(codec: bytes) -> None:
    head = b"X\n" + ints(3, 262_657, 197_888, len(codec)) + codec
    assert verdict(head + texts("+AH4-system+ACg-+ACc-x+ACc-)")) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "codec", [b"", b"UTF-8", b"ISO-8859-1", b"CP1252", b"ISO8859-15", b"ANSI_X3.4-1968", b"latin1"]
)
def test_usual_codecs_are_clean(codec: bytes) -> None:
    assert verdict(b"X\n" + struct.pack(">4i", 3, 262_657, 197_888, len(codec)) + codec + texts("a")) is Verdict.CLEAN


HARMLESS = {
    "contrasts of a model": model("contrasts", contrasts("contr.treatment")),
    "contrasts of packages": model("contrasts", contrasts("contr.ltfr")),
    "contrasts as numbers": model("contrasts", listed(numbers(1.0, 0.0), attributes=pairs(("names", texts("f"))))),
    "a column of that name": listed(numbers(1.0), texts("x"), attributes=pairs(("names", texts("source", "file")))),
    "a call with names": ints(6) + symbol("glm") + tagged("family", texts("binomial")) + NIL,
    "a text that is wrapped": wrapped("wrap_string", texts("a")),
    "a letter": letters(b"a"),
}


@pytest.mark.parametrize("item", HARMLESS.values(), ids=HARMLESS)
def test_models_with_the_usual_names_are_clean(item: bytes) -> None:
    assert judged(stream(item)).reasons == ()
