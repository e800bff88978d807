"""Saved models that can be saved again: clean where their loader alone says where, and never where they say it."""

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import field, judged, verdict


def node(name: str, operator: str, *inputs: str, value: bytes | None = None, calls: str = "") -> bytes:
    out = field(1, name.encode()) + field(2, operator.encode()) + b"".join(field(3, one.encode()) for one in inputs)
    if value is not None:
        out += field(5, field(1, b"value") + field(2, field(8, field(1, 7) + field(8, value))))
    if calls:
        out += field(5, field(1, b"f") + field(2, field(10, field(1, calls.encode()))))
    return out


def function(name: str, given: str, *nodes: bytes) -> bytes:
    signature = field(1, name.encode()) + field(2, field(1, given.encode()) + field(3, 7))
    return field(1, field(1, signature) + b"".join(field(3, one) for one in nodes))


def saved(
    *nodes: bytes,
    functions: bytes = b"",
    output: str = "y:0",
    restore: str = "save/restore",
    place: str = "save/Const:0",
    meta: bytes = b"",
) -> bytes:
    graph = b"".join(field(1, one) for one in nodes) + (field(2, functions) if functions else b"")
    signature = field(1, b"serving_default") + field(2, field(2, field(1, b"y") + field(2, field(1, output.encode()))))
    saver = field(1, place.encode()) + field(2, b"save/Identity:0") + field(3, restore.encode())
    inner = field(1, field(4, b"serve")) + field(2, graph) + field(3, saver) + field(5, signature) + meta
    return field(1, 1) + field(2, inner)


MODEL = (node("x", "Placeholder"), node("y", "Softmax", "x"))
PLACE = node("save/Const", "Const", value=b"model")
ENDING = node("ending", "Const", value=b"_temp_0a1b/part")


def first(
    *,
    place: bytes = PLACE,
    ending: bytes = ENDING,
    prefix: str = "save/Const",
    target: str = "save/Const",
    source: str = "save/Const",
    shard: str = "join",
    more: tuple[bytes, ...] = (),
    model: tuple[bytes, ...] = MODEL,
    **options: object,
) -> bytes:
    """A model as the first TensorFlow saves it."""
    return saved(
        *model,
        place,
        ending,
        node("join", "StringJoin", prefix, "ending"),
        node("shard", "ShardedFilename", shard, "at", "of"),
        node("save/SaveV2", "SaveV2", "shard", "names", "y"),
        node("pack", "Pack", "shard", "^save/SaveV2"),
        node("merge", "MergeV2Checkpoints", "pack", target),
        node("save/Identity", "Identity", "save/Const", "^merge"),
        node("save/RestoreV2", "RestoreV2", source, "names"),
        node("save/restore", "NoOp", "^save/RestoreV2"),
        *more,
        **options,  # type: ignore[arg-type]
    )


SAVE = (
    node("cloud", "StaticRegexFullMatch", "file_prefix"),
    node("part", "Const", value=b".part"),
    node("temporary", "Const", value=b"_temp/part"),
    node("which", "Select", "cloud:output:0", "part:output:0", "temporary:output:0"),
    node("join", "StringJoin", "file_prefix", "which:output:0"),
    node("shard", "ShardedFilename", "join:output:0", "at", "of"),
    node("SaveV2", "SaveV2", "shard:filename:0", "names"),
    node("pack", "Pack", "shard:filename:0", "^SaveV2"),
    node("MergeV2Checkpoints", "MergeV2Checkpoints", "pack:output:0", "file_prefix"),
)
FUNCTIONS = function("traced_save", "file_prefix", *SAVE)
FUNCTIONS += function("traced_restore", "file_prefix", node("r", "RestoreV2", "file_prefix", "names"))
OBJECTS = field(7, field(1, field(4, field(1, b"_generic_user_object"))) + field(2, field(1, b"serve_1")))


def second(
    *, given: str = "saver_filename", more: tuple[bytes, ...] = (), functions: bytes = FUNCTIONS, **options: object
) -> bytes:
    """A model as the second TensorFlow saves it."""
    return saved(
        *MODEL,
        node("saver_filename", "Placeholder"),
        node("call_1", "StatefulPartitionedCall", given, calls="traced_save"),
        node("save/Identity", "Identity", "call_1"),
        node("call_2", "StatefulPartitionedCall", given, calls="traced_restore"),
        *more,
        functions=functions,
        **{"place": "saver_filename:0", "restore": "call_2", "meta": OBJECTS, **options},  # type: ignore[arg-type]
    )


DEFAULT = node("save/Const", "PlaceholderWithDefault", "d")


@pytest.mark.parametrize(
    "content",
    [
        first(),
        second(),
        first(place=DEFAULT, more=(node("d", "Const", value=b"model"),)),
        first(place=DEFAULT, more=(node("d", "PlaceholderWithDefault", "e"), node("e", "Const", value=b"model"))),
    ],
    ids=["first", "second", "default", "two defaults"],
)
def test_a_model_that_is_saved_where_its_loader_says_is_clean(content: bytes) -> None:
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "tensorflow graph"), judgement.reason


ELSE = node("else", "Const", value=b"/etc/cron.d/x")
RAW = field(5, field(1, b"value") + field(2, field(8, field(4, b"/x"))))
CALL = node("c", "PartitionedCall", "x", calls="traced_save")
SWAP = field(5, field(1, b"api_implements"))
MERGED = node("save/Const", "Const") + field(
    5, field(1, b"value") + b"".join(field(2, field(8, field(1, 7) + field(8, one))) for one in (b"/tmp/x", b"model"))
)
TWO_KEYS = field(1, b"savers") + field(2, field(1, field(1, b"merge"))) + field(1, b"saved_model_main_op")
AS_OPERATOR = function("Softmax", "x", node("w", "SaveV2", "x", "names"))
NOT_CLEAN = {
    "place in two halves, which TensorFlow makes one of": first(place=MERGED),
    "run when it is loaded, by the last of two keys": first(meta=field(4, TWO_KEYS)),
    "called by the name of an operator": first(functions=AS_OPERATOR),
    "place of its own": first(place=node("save/Const", "Const", value=b"/etc/cron.d/x")),
    "default of its own": first(place=DEFAULT, more=(node("d", "Const", value=b"../x"),)),
    "default that never ends": first(place=DEFAULT, more=(node("d", "PlaceholderWithDefault", "d"),)),
    "no place": first(place=node("other", "NoOp")),
    "place that is computed": first(place=node("save/Const", "ReadFile", "x")),
    "ending that climbs": first(ending=node("ending", "Const", value=b"/../../x")),
    "ending that is computed": first(ending=node("ending", "AsString", "x")),
    "ending of bytes": first(ending=node("ending", "Const") + RAW),
    "prefix of its own": first(prefix="else", more=(ELSE,)),
    "shard of its own": first(shard="else", more=(ELSE,)),
    "target of its own": first(target="else", more=(ELSE,)),
    "source of its own": first(source="else", more=(ELSE,)),
    "other writer": first(more=(ELSE, node("w", "SaveV2", "else", "names"))),
    "writer without a place": first(more=(node("w", "SaveV2"),)),
    "result that waits for the writer": first(model=(MODEL[0], node("y", "Softmax", "x", "^save/SaveV2"))),
    "result behind the writer": first(output="z:0", more=(node("z", "Identity", "y", "^merge"),)),
    "writer as a result": first(output="save/Identity:0"),
    "restored by the writer": first(restore="save/Identity"),
    "run when it is loaded": first(meta=field(4, field(1, b"main_op") + field(2, field(1, field(1, b"merge"))))),
    "asset outside": first(meta=field(6, field(2, b"../../x"))),
    "asset outside, as the first one keeps it": first(
        meta=field(4, field(1, b"saved_model_assets") + field(2, field(5, field(1, field(2, b"../../x")))))
    ),
    "graph twice": first(meta=field(2, field(1, node("w", "SaveV2", "x")))),
    "saver twice": first(meta=field(3, field(1, b"else:0"))),
    "called with a place of its own": second(given="else", more=(ELSE,)),
    "called again": second(more=(ELSE, node("call_3", "StatefulPartitionedCall", "else", calls="traced_save"))),
    "called without a place": second(more=(node("call_3", "StatefulPartitionedCall", calls="traced_save"),)),
    "called by a result": second(output="call_1:0"),
    "called by another function": second(functions=FUNCTIONS + function("serve_1", "x", CALL)),
    "called in a loop": second(more=(node("w", "While", "saver_filename", calls="traced_save"),)),
    "offered as an object": second(meta=OBJECTS + field(7, field(2, field(1, b"traced_save")))),
    "gradient": second(functions=FUNCTIONS + field(2, field(1, b"serve_1") + field(2, b"traced_save"))),
    "swapped": second(functions=FUNCTIONS + function("f", "x", node("c", "Identity", "x") + SWAP)),
    "function twice": second(functions=FUNCTIONS + function("traced_save", "file_prefix")),
    "node twice": first(more=(node("save/SaveV2", "NoOp"),)),
    "layers": second(meta=field(7, field(1, field(4, field(1, b"_tf_keras_layer"))))),
    "described objects": second(meta=field(7, field(1, field(4, field(1, b"x") + field(3, b"marshal"))))),
    "registered objects": second(meta=field(7, field(1, field(13, b"package.Class")))),
    "python as well": first(more=(node("p", "PyFunc", "x"),)),
}  # fmt: skip


@pytest.mark.parametrize("content", NOT_CLEAN.values(), ids=NOT_CLEAN)
def test_a_model_that_writes_elsewhere_or_unasked_is_not_clean(content: bytes) -> None:
    assert verdict(content) is not Verdict.CLEAN
