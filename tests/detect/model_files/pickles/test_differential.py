"""Whatever an unpickler of Python gets to, this reading gets to: on programs of instructions with odd arguments.

Nothing is imported or called: both unpicklers are told to give a function that does nothing for every name.
"""

import io
import pickle
import pickletools
import random
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from detect.model_files.pickles.reading import read

NUMBERS = [
    b"0", b"5", b"-1", b"+3", b" 4", b"4 ", b"07", b"0x1f", b"0b1", b"1_0", b"", b"\0", b"5\0z", b"2\r", b"1e3", b"nan",
    b".5", b"5.", b"0x1p3", b"00", b"01", b"1L", b"L", b"9" * 30, b"1__0", b"\xb2", b"\x0b3", b"3\x0c", b"- 1", b"1e",
]  # fmt: skip
TEXTS = [
    b"'a'",
    b'"b"',
    b"'a",
    b"a",
    b"''",
    b"'\\x41'",
    b"'\\'",
    b"' ' ",
    b" 'a'",
    b"'a'\r",
    b"'\\q'",
    b"'a'b'",
    b"'\0'",
]
WORDS = [b"a", b"", b"\\u0041", b"\\u004", b"\xff", b"\\ud800", b"\\", b"a\0b", b"\r"]
NAMES = [b"m\nn\n", b"m.x\nn.y\n", b"m\0\nn\n", b"x\nn\n"]
FIXED: dict[str, list[bytes]] = {
    "uint1": [b"\0", b"\1", b"\7", b"\xff"],
    "uint2": [b"\0\0", b"\1\0"],
    "int4": [b"\0\0\0\0", b"\1\0\0\0", b"\xff\xff\xff\xff"],
    "uint4": [b"\0\0\0\0", b"\5\0\0\0", b"\xff\xff\xff\xff"],
    "uint8": [bytes(8), b"\x20" + bytes(7), b"\xff" * 8],
    "float8": [bytes(8)],
    "long1": [b"\0", b"\1\5", b"\2\0\0"],
    "long4": [bytes(4), b"\1\0\0\0\5", b"\xff\xff\xff\xff"],
    "stringnl": [text + b"\n" for text in TEXTS],
    "unicodestringnl": [word + b"\n" for word in WORDS],
    "stringnl_noescape": [b"x\n", b"\n", b"\xff\n"],
    "stringnl_noescape_pair": NAMES,
}
OPCODES = [opcode for opcode in pickletools.opcodes if opcode.name not in ("STOP", "FRAME")]
OFTEN = {
    "MARK",
    "NONE",
    "INT",
    "FLOAT",
    "LONG",
    "PUT",
    "GET",
    "STRING",
    "UNICODE",
    "SHORT_BINUNICODE",
    "STACK_GLOBAL",
    "DUP",
}
END = b"cfoo\nbar\n."


def argument(opcode: Any, chance: random.Random) -> bytes:
    if opcode.arg is None:
        return b""
    name = opcode.arg.name
    if name in FIXED:
        return chance.choice(FIXED[name])
    if "nl" in name:
        return chance.choice(NUMBERS) + b"\n"
    content = chance.choice([b"", b"a", b"\xff", b"ab"])
    width = int(name[-1])
    return len(content).to_bytes(width, "little") + content


def program(chance: random.Random) -> bytes:
    weights = [6 if opcode.name in OFTEN else 1 for opcode in OPCODES]
    chosen = chance.choices(OPCODES, weights, k=chance.randint(1, 9))
    steps = b"".join(opcode.code.encode("latin-1") + argument(opcode, chance) for opcode in chosen)
    return (b"\x80" + bytes([chance.randint(0, 5)]) if chance.random() < 0.3 else b"") + steps + END


def asked(kind: type, content: bytes) -> set[str]:
    """Return what an unpickler asks for, until it stops."""
    found: set[str] = set()

    def find_class(_: object, module: str, name: str) -> Callable[..., None]:
        if not (module and name):
            raise ImportError("nothing is called so")
        found.add(f"{module}.{name}")
        return lambda *given, **named: None

    reader = type("Reader", (kind,), {"find_class": find_class})
    try:
        reader(io.BytesIO(content)).load()
    except Exception:  # noqa: BLE001 - whatever stops it, it stops
        return found
    return found


@pytest.mark.parametrize("seed", range(4))
def test_what_an_unpickler_asks_for_is_named(seed: int) -> None:
    chance, reached = random.Random(seed), 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(4_000):
            content = program(chance)
            wanted = asked(pickle.Unpickler, content) | asked(pickle._Unpickler, content)  # type: ignore[attr-defined]
            reached += "foo.bar" in wanted
            assert wanted <= read(content).ledger.globals, content
    assert reached > 400, "programs that stop early say nothing"
