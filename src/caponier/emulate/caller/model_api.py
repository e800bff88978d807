"""The questions that a caller can ask a model server: the Open Inference Protocol, and KServe's own explanations."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from caponier.emulate.caller.wire import Reply, Wire
from caponier.emulate.images import Images


class ModelApi:
    """Asks one model.

    Args:
        wire: The line to its server.
        model: Its name.
    """

    def __init__(self, wire: Wire, model: str) -> None:
        self.wire = wire
        self.model = model

    def path(self, action: str = "", version: str | None = None) -> str:
        """Return a path of the model, such as `/v2/models/digits/infer`."""
        chosen = f"/versions/{version}" if version else ""
        return f"/v2/models/{self.model}{chosen}{action}"

    def metadata(self, version: str | None = None) -> Reply:
        """Ask what the model is."""
        return self.wire.send("GET", self.path(version=version))

    def ready(self) -> Reply:
        """Ask whether the model is ready."""
        return self.wire.send("GET", self.path("/ready"))

    def infer(self, document: Any, version: str | None = None) -> Reply:
        """Ask for a prediction with any JSON document."""
        return self.wire.send("POST", self.path("/infer", version), orjson.dumps(document))

    def predict(
        self,
        rows: Images,
        *,
        shape: Sequence[int] | None = None,
        datatype: str = "FP32",
        version: str | None = None,
        outputs: Sequence[str] = (),
    ) -> Reply:
        """Ask for a prediction of rows (n, d), in the tensor that the caller thinks right."""
        wanted = {"outputs": [{"name": name} for name in outputs]} if outputs else {}
        return self.infer({"inputs": [tensor(rows, shape, datatype)], **wanted}, version)

    def explain(self, rows: Images, method: str | None = None) -> Reply:
        """Ask why the model answers rows (n, d) as it does, in KServe's version 1."""
        chosen = {} if method is None else {"parameters": {"method": method}}
        body = orjson.dumps({"instances": np.asarray(rows, np.float64).tolist(), **chosen})
        return self.wire.send("POST", f"/v1/models/{self.model}:explain", body)


def tensor(rows: Images, shape: Sequence[int] | None = None, datatype: str = "FP32") -> dict[str, Any]:
    """Return rows as an input tensor with flat data."""
    values = np.asarray(rows, np.float64)
    size = list(values.shape) if shape is None else list(shape)
    return {"name": "input", "shape": size, "datatype": datatype, "data": values.reshape(-1).tolist()}


def scores_of(reply: Reply) -> npt.NDArray[np.float64] | None:
    """Return the class scores (n, c) in an answer; None if there are none."""
    for output in reply.document().get("outputs", ()) if reply.good else ():
        if output["name"] == "probabilities":
            return np.array(output["data"], np.float64).reshape(output["shape"])
    return None
