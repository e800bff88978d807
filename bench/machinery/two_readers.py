"""Requests of somebody who wants the guard to read other rows than the model server: valid ones, with tricks."""

import gzip
import json
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

WIDTH: Final = 4
PATH: Final = "/v2/models/m/infer"
_TYPES: Final = (
    "FP64", "FP16", "BF16", "INT64", "INT32", "INT8", "UINT8", "UINT16", "BOOL", "BYTES", "fp32", "float32", "FP8", "",
)  # fmt: skip
_CODECS: Final = ("np", "pd", "str", "base64", "datetime", "image", "json", "hf", "NP", "np ", "", None, 5, ["np"], {})
_SHAPES: Final[tuple[Any, ...]] = (
    [4], [2, 2], [-1, 4], [1, 1, 4], [4, 1], [1, 2, 2], [1, -1], [1, 5], [2, 4], [1, 3], [0, 4], [], [1.0, 4], ["1", 4],
    [True, 4],
)  # fmt: skip
_ODD: Final = (0, 1, 3, -1, 300.7, 1e-9, 1e39, 70_000, True, "0.5", None, 2**53 + 1, 255, 256, -129)
_PATHS: Final = (
    "/v2/models/m/versions/1/infer", "/v2/models/m/infer/", "//v2/models/m/infer", "/v2/models/%6d/infer",
    f"{PATH}?x=1", "/v2/models/M/infer", "/v2/models/m/./infer", "/v2/models/x/../m/infer",
    "/v2/models/m/infer_stream", "/v2/models/m/generate", "/v2/models/m/versions//infer", "/v2/models/m%2finfer",
    "/invocations", "/V2/models/m/infer", "/v1/models/m:predict",
)  # fmt: skip
_MEDIA: Final = (
    "text/plain", "application/json; charset=utf-8", "application/json; charset=utf-16", "application/vnd.api+json",
    "application/octet-stream", "application/x-www-form-urlencoded", "multipart/form-data", "APPLICATION/JSON",
    "application/json, text/plain",
)  # fmt: skip


@dataclass
class TwoReaders:
    """One request."""

    tensors: list[dict[str, Any]]
    body: dict[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    method: str = "POST"
    path: str = PATH
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


class Maker:
    """Makes requests; the same ones for the same seed.

    Args:
        seed: Of everything that is chosen.
    """

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        before = (self._numbers, self._type, self._shape, self._nested, self._codec, self._name, self._more)
        self._before: tuple[Callable[[TwoReaders], None], ...] = before
        self._after: tuple[Callable[[TwoReaders], None], ...] = (self._text, self._packed, self._binary, self._asked)

    def request(self) -> TwoReaders:
        """Make a request with one to three tricks."""
        made = TwoReaders([self._tensor()])
        tricks = self._rng.sample([*self._before, *self._after], self._rng.choice([1, 1, 2, 2, 3]))
        # In one order: what is changed first must still be there.
        for trick in self._before:
            if trick in tricks:
                trick(made)
        made.raw = json.dumps({"inputs": made.tensors} | made.body).encode()
        for trick in self._after:
            if trick in tricks:
                trick(made)
        return made

    def _tensor(self) -> dict[str, Any]:
        return {"name": "x", "shape": [1, WIDTH], "datatype": "FP32", "data": self._data()}

    def _data(self) -> list[Any]:
        return [self._rng.random() for _ in range(WIDTH)]

    def _numbers(self, made: TwoReaders) -> None:
        for _ in range(self._rng.choice([1, 2])):
            made.tensors[0]["data"][self._rng.randrange(WIDTH)] = self._rng.choice(_ODD)

    def _type(self, made: TwoReaders) -> None:
        made.tensors[0]["datatype"] = self._rng.choice(_TYPES)

    def _shape(self, made: TwoReaders) -> None:
        made.tensors[0]["shape"] = self._rng.choice(_SHAPES)

    def _nested(self, made: TwoReaders) -> None:
        data = made.tensors[0]["data"]
        texts = [str(one) for one in data]
        forms = (
            [data], [data[:2], data[2:]], [*data, 0.5], data[:3], {"0": data}, json.dumps(data), data[0], [[[data]]],
            texts,
        )  # fmt: skip
        made.tensors[0]["data"] = self._rng.choice(forms)

    def _codec(self, made: TwoReaders) -> None:
        names = ("content_type", "Content_Type", "headers", "binary_data_size", "decoder", "order")
        where = self._rng.choice([made.body, made.tensors[0]])
        where["parameters"] = {self._rng.choice(names): self._rng.choice(_CODECS)}

    def _name(self, made: TwoReaders) -> None:
        made.tensors[0]["name"] = self._rng.choice(["input-0", "", "é", "X", None, 5])

    def _more(self, made: TwoReaders) -> None:
        other = self._tensor() | {"name": self._rng.choice(["x", "y"])}
        forms: tuple[Callable[[], Any], ...] = (
            lambda: made.tensors.append(other),
            lambda: made.tensors.insert(0, other),
            lambda: made.body.update(instances=[self._data()]),
            lambda: made.body.update(Inputs=[other]),
            lambda: made.body.update(data=[self._data()]),
            lambda: made.body.update(outputs=[{"name": "rows", "parameters": {"content_type": "pd"}}]),
            lambda: made.tensors[0].update(contents=self._data()),
            lambda: made.tensors[0].update(Data=self._data()),
            lambda: made.tensors[0].pop(self._rng.choice(list(made.tensors[0]))),
        )
        self._rng.choice(forms)()

    def _text(self, made: TwoReaders) -> None:
        plain, other = made.raw.decode(), json.dumps(self._data())
        forms = (
            plain.replace('"data"', '"\\u0064ata"', 1),
            plain.replace('"data":', f'"data": {other}, "data":', 1),
            plain[:-1] + ', "inputs": ' + json.dumps([self._tensor()]) + "}",
            plain + self._rng.choice([" ", "\n{}", "\0", "x", "[]"]),
            self._rng.choice(["\ufeff", " \n"]) + plain,
            plain.replace("0.", "NaN, 0.", 1),
            plain.replace(", ", ",/**/", 1),
            plain.replace('"shape"', '"shape": [1, 4], "shape"', 1),
        )
        made.raw = self._rng.choice(forms).encode(self._rng.choice(["utf-8"] * 5 + ["utf-16", "utf-32", "utf-16-le"]))

    def _packed(self, made: TwoReaders) -> None:
        other = json.dumps({"inputs": [self._tensor()]}).encode()
        forms = (
            (gzip.compress(made.raw), "gzip"),
            (gzip.compress(made.raw), "x-gzip"),
            (gzip.compress(made.raw) + gzip.compress(other), "gzip"),
            (zlib.compress(made.raw), "deflate"),
            (made.raw, self._rng.choice(["gzip", "identity", "br"])),
        )
        made.raw, made.headers["Content-Encoding"] = self._rng.choice(forms)

    def _binary(self, made: TwoReaders) -> None:
        size = self._rng.choice([16, 16, 16, 32, 8, 17])
        tensor = self._tensor() | {"parameters": {"binary_data_size": size}}
        if self._rng.random() < 0.7:
            del tensor["data"]
        head = json.dumps({"inputs": [tensor]}).encode()
        made.raw = head + struct.pack("<4f", *self._data()) * self._rng.choice([1, 1, 2])
        made.headers["Inference-Header-Content-Length"] = str(len(head) + self._rng.choice([0, 0, 0, 1, -1]))

    def _asked(self, made: TwoReaders) -> None:
        choice = self._rng.random()
        if choice < 0.6:
            made.path = self._rng.choice(_PATHS)
        elif choice < 0.8:
            made.headers["Content-Type"] = self._rng.choice(_MEDIA)
        else:
            made.method = self._rng.choice(["PUT", "GET", "PATCH"])
