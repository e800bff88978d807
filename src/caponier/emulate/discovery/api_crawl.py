"""Reveal the model's ontology: what it takes and can answer, from what its server says to good and bad requests.

The order is a scanner's own: first what the server tells by itself, then everything else in any order. Where metadata
are withheld, the numbers in error messages are tried instead, since most servers say what they would have liked.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

import numpy as np

from caponier.emulate.caller.model_api import ModelApi, scores_of, tensor
from caponier.emulate.caller.wire import Metered, Reply, Wire
from caponier.emulate.emulation import carried_out
from caponier.emulate.images import SIDE, Images
from caponier.emulate.probe import ProbeOutcome, Truth
from caponier.matrix.technique import TechniqueId

Question = Callable[[], object]

DATATYPES: Final = ("FP32", "FP64", "FP16", "BF16", "INT8", "INT64", "UINT8", "BOOL", "BYTES")
VERSIONS: Final = ("2", "3", "0", "latest")
NAMES: Final = ("{}-v2", "{}-dev", "default", "model", "test")
PLACES: Final = ("/v2", "/v2/models", "/v1/models", "/v2/repository/index", "/metrics", "/docs", "/openapi.json")
METHODS: Final = (("GET", "/infer"), ("POST", ""), ("PUT", ""), ("DELETE", "/infer"))
SIZES: Final = (1, 2, 4, 8, 10, 16, 28, 32, 64, 128, 784)
BODIES: Final = (
    b"",
    b"{",
    b"[]",
    b'{"inputs": []}',
    b'{"inputs": [{"name": "input"}]}',
    b'{"inputs": "x"}',
    b'{"instances": [[0]]}',
)
SHAPES: Final = ([64], [1, 1, 64], [0, 64], [1, 8, 8], [2, 64], [-1, 64])
DATA: Final[tuple[Any, ...]] = (["a"], [None], {"a": 1}, [[1], [1, 2]], [1e300])
OUTPUTS: Final = ("logits", "embedding")
HUGE: Final = b" " * 1_048_600
LABEL_TRIES: Final = 24


@dataclass(frozen=True)
class ApiCrawl:
    """Asks everything that a server may answer.

    Args:
        budget: Most requests altogether.
        thorough: Share of the questions that are not needed for the result and are asked all the same.
    """

    budget: int = 110
    thorough: float = 0.75

    name: ClassVar[str] = "api_crawl"
    description: ClassVar[str] = (
        "API crawl: metadata, versions, names, methods, shapes, datatypes, broken bodies, and inputs that bring out as "
        "many labels as they can; a success if input length, datatypes and number of classes are right"
    )
    gap_s: ClassVar[float] = 0.5
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0013"),
        TechniqueId("amltm-2020", "AMLTM.RECON.02.01"),
    )

    def run(
        self, wire: Wire, model: str, truth: Truth, *, seed: int, budget: int | None = None, gap_s: float | None = None
    ) -> ProbeOutcome:
        """Crawl; see `caponier.emulate.probe.Probe.run`."""
        rng = np.random.default_rng(seed)
        line = Metered(wire, self.budget if budget is None else budget, self.gap_s if gap_s is None else gap_s, rng)
        crawl = _Crawl(ModelApi(line, model), rng, self.thorough)
        stop = carried_out(crawl.go)
        right = (crawl.features, crawl.classes, frozenset(crawl.datatypes)) == (
            truth.features,
            truth.classes,
            truth.datatypes,
        )
        return ProbeOutcome(
            name=self.name,
            techniques=self.techniques,
            requests=line.requests,
            success=right,
            stop=stop,
            found={
                "features": str(crawl.features),
                "classes": str(crawl.classes),
                "datatypes": ", ".join(sorted(crawl.datatypes)),
                "labels": ", ".join(sorted(crawl.labels)),
            },
            measure={"features": crawl.features, "classes": crawl.classes, "labels_seen": len(crawl.labels)},
        )


class _Crawl:
    """What a crawler knows so far, all of it from answers."""

    def __init__(self, api: ModelApi, rng: np.random.Generator, thorough: float) -> None:
        self.features = self.classes = 0
        self.datatypes: set[str] = set()
        self.labels: set[str] = set()
        self._api = api
        self._rng = rng
        self._thorough = thorough

    def go(self) -> None:
        """Read what is offered, find the input's length, and then ask everything else in any order."""
        self._api.ready()
        sizes = _input_lengths(self._api.metadata().document())
        self._measure([*sizes, *SIZES])
        needed: list[Question] = [partial(self._try_datatype, datatype) for datatype in DATATYPES]
        needed += [self._try_labels] * LABEL_TRIES
        optional = [question for question in self._optional() if self._rng.random() < self._thorough]
        questions = [*needed, *optional]
        for place in self._rng.permutation(len(questions)):
            questions[place]()

    def _measure(self, sizes: list[int]) -> None:
        """Send rows of different lengths until one is taken; what an error message mentions comes next."""
        tried: set[int] = set()
        while sizes and not self.features:
            size = sizes.pop(0)
            if size in tried:
                continue
            tried.add(size)
            reply = self._api.predict(np.zeros((1, size), np.float32))
            if self._learn(reply):
                self.features = size
            sizes = [int(number) for number in re.findall(r"\d{1,5}", str(reply.document().get("error", "")))] + sizes

    def _learn(self, reply: Reply) -> bool:
        """Take what an answer to a prediction tells; return whether there was one."""
        scores = scores_of(reply)
        if scores is None:
            return False
        self.classes = scores.shape[1]
        self.labels |= {str(label) for label in scores.argmax(axis=1)}
        return True

    def _try_datatype(self, datatype: str) -> None:
        if self._learn(self._api.predict(self._row(), datatype=datatype)):
            self.datatypes.add(datatype)

    def _try_labels(self) -> None:
        """Ask for some drawing or other, as long as there are labels that were not seen."""
        if len(self.labels) < self.classes:
            self._learn(self._api.predict(self._row()))

    def _row(self) -> Images:
        """Make a row up: bars, a block, or noise of some density."""
        size = self.features or SIDE * SIDE
        canvas = np.zeros(size, np.float32)
        kind = self._rng.integers(3)
        if kind == 0:
            canvas[self._rng.integers(8) :: self._rng.integers(2, 9)] = 1
        elif kind == 1:
            begin = self._rng.integers(size)
            canvas[begin : begin + self._rng.integers(4, max(5, size // 2))] = 1
        else:
            canvas[:] = self._rng.random(size) * (self._rng.random(size) < self._rng.uniform(0.1, 0.9))
        return canvas[None]

    def _optional(self) -> Iterator[Question]:
        """Yield what a crawler asks out of thoroughness."""
        api, send = self._api, self._api.wire.send
        yield from (partial(api.metadata, version) for version in VERSIONS)
        yield from (partial(self._predict, version=version) for version in VERSIONS)
        yield from (ModelApi(api.wire, name.format(api.model)).metadata for name in NAMES)
        yield from (partial(send, "GET", place) for place in PLACES)
        yield from (partial(send, method, api.path(action)) for method, action in METHODS)
        yield from (partial(send, "POST", api.path("/infer"), body) for body in (*BODIES, HUGE))
        yield from (partial(self._predict, shape=shape) for shape in SHAPES)
        yield from (partial(self._predict, outputs=[output]) for output in OUTPUTS)
        yield from (partial(self._send_data, data) for data in DATA)
        explain = f"/v1/models/{api.model}:explain"
        yield partial(send, "GET", explain)
        yield partial(send, "POST", explain, b"{}")
        yield lambda: api.explain(self._row())
        yield lambda: api.explain(self._row()[:, :-1])

    def _predict(self, **details: Any) -> None:
        self._api.predict(self._row(), **details)

    def _send_data(self, data: Any) -> None:
        self._api.infer({"inputs": [tensor(self._row()) | {"data": data}]})


def _input_lengths(described: dict[str, Any]) -> list[int]:
    """Return the lengths of a row that metadata speak of."""
    shapes = [tensor.get("shape", ()) for tensor in described.get("inputs", ())]
    return [int(np.prod(shape[1:])) for shape in shapes if len(shape) > 1]


PROBE = ApiCrawl()
