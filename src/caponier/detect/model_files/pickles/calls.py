"""What happens when a pickle calls, creates or builds something: the use is noted, and the result is made up."""

from collections.abc import Iterator
from typing import Any, Final

from caponier.detect.model_files.pickles import arrays
from caponier.detect.model_files.pickles.ledger import Ledger
from caponier.detect.model_files.pickles.rules import Check, Role, Rules, Standing
from caponier.detect.model_files.pickles.stream import BrokenError, Stream
from caponier.detect.model_files.pickles.values import COMPUTED, Blob, Box, Global, Made

_ENCODE: Final = Global("_codecs", "encode")
_WITH_STATE: Final = Global("torch._utils", "_rebuild_parameter_with_state")


class Calls:
    """Notes the uses of one pickle in the ledger."""

    def __init__(self, rules: Rules, ledger: Ledger, stream: Stream) -> None:
        self.rules, self.ledger, self.stream = rules, ledger, stream

    def use(self, what: Global, role: Role) -> bool:
        """Note a use of a global, and return whether it is allowed."""
        standing = self.rules.standing(what, role)
        self.ledger.note(str(what), role, standing, self.stream.pos)
        if standing is Standing.UNCLEAR:
            self.ledger.doubt(f"{what}: {self.rules.unclear[what]}")
        return standing is Standing.ALLOWED

    def invoke(self, target: Any, role: Role) -> bool:
        """Note that code of `target` runs, and return whether that is allowed.

        Raises:
            BrokenError: If there is no code to run: every unpickler would stop here.
        """
        if isinstance(target, Made):
            if role in (Role.BUILD, Role.ITEMS):
                return self.use(target.origin, role)
            return self._forbid(f"what {target.origin} gives", role)
        if not isinstance(target, Global):
            raise BrokenError(f"wants to {role.value} something that allows no such thing")
        if role in (Role.BUILD, Role.ITEMS):
            # The class or function itself is changed, not an object of it.
            return self._forbid(f"{target} itself", role)
        return self.use(target, role)

    def call(self, target: Any, args: tuple[Any, ...]) -> Any:
        """Note a call, and return what stands for its result."""
        allowed = self.invoke(target, Role.CALL)
        if not isinstance(target, Global):
            return Made(COMPUTED, args)
        check = self.rules.checks.get(target)
        if allowed:
            self._check(target, check, args)
        if target == _ENCODE and args and isinstance(args[0], str):
            return Blob(memoryview(args[0].encode("latin-1", "replace")))
        if check and check.makes and len(args) > check.makes[0]:
            made = args[check.makes[0]]
            # What a function hands on to has its attributes set by then.
            return Made(made if isinstance(made, Global) else COMPUTED, args, built=check.calls is not None)
        return Made(target, args, built=target == _WITH_STATE)

    def new(self, target: Any, args: tuple[Any, ...]) -> Made:
        """Note that an object is created, and return what stands for it."""
        self.invoke(target, Role.NEW)
        self._guard_functions(target, args)
        check = self.rules.checks.get(target) if isinstance(target, Global) else None
        if check and check.plain and args:
            self._forbid(f"{target} with arguments", Role.NEW)
        return Made(target if isinstance(target, Global) else COMPUTED, args)

    def build(self, target: Global | Made, state: Any) -> None:
        """Note that an object is given its state.

        Attributes of an object come before the methods of its class: an unpickler that looks for `__setstate__`,
        `append`, `extend` or `add` calls whatever a first state has put there. Every pickler fills an object first,
        and sets its state once, as the last thing.
        """
        self.invoke(target, Role.BUILD)
        self._refuse_after_state(target, Role.BUILD)
        self._guard_functions(_origin(target), (state,))
        if not isinstance(target, Made):
            return
        if target.origin == arrays.WRAPPER and arrays.overrides(state):
            self._forbid(f"{target.origin} with methods of its own", Role.BUILD)
        target.state, target.built = state, True

    def fill(self, target: Global | Made, values: list[Any]) -> None:
        """Note that an object which is no plain container is filled."""
        self.invoke(target, Role.ITEMS)
        self._refuse_after_state(target, Role.ITEMS)
        self._guard_functions(_origin(target), tuple(values))

    def _refuse_after_state(self, target: Global | Made, role: Role) -> None:
        if isinstance(target, Made) and target.built:
            self._forbid(f"{target.origin} after its state was set", role)

    def persistent(self, key: Any) -> Any:
        """Note an object that lies outside the pickle; only torch's storages and classes are known."""
        if isinstance(key, tuple) and len(key) == 4 and key[0] == "module" and isinstance(key[1], Global):
            # Torch's old format wraps a class with its source text, to compare it; the text is never run.
            return key[1]
        if isinstance(key, tuple) and len(key) >= 5 and key[0] == "storage":
            kind, name, count = key[1], key[2], key[4]
            if isinstance(kind, Global) and isinstance(name, str) and isinstance(count, int):
                if len(self.ledger.storages) >= self.ledger.limits.members:
                    self.ledger.doubt("refers to more storages than a scan looks at")
                else:
                    self.ledger.storages[name] = (kind.name, count)
                return Made(Global("torch.storage", "UntypedStorage"))
        self.ledger.doubt("refers to an object outside the file, which only its loader knows")
        return Made(COMPUTED)

    def may_be_text(self, value: Any) -> bool:
        """Return whether a value could turn out to be a text: nothing that is allowed gives one."""
        return isinstance(value, Made) and value.origin not in self.rules.allowed

    def _check(self, target: Global, check: Check | None, args: tuple[Any, ...]) -> None:
        """Check the arguments of an allowed call; what does not fit is noted."""
        if check is None:
            self._guard_functions(target, args)
            return
        called = [at for at in (check.invokes, *(check.calls or ())) if at is not None]
        self._guard_functions(target, tuple(arg for at, arg in enumerate(args) if at not in called))
        for at in check.makes:
            self._makes(target, args[at : at + 1], or_text=check.or_text)
        if check.invokes is not None and len(args) > check.invokes:
            self.invoke(args[check.invokes], Role.CALL)
        if check.calls is not None:
            self._hands_on(target, args, *check.calls)
        if check.loads is not None:
            self._loads(target, args[check.loads : check.loads + 1])
        if check.only is not None:
            at, texts = check.only
            self._is_one_of(target, args[at : at + 1], texts)
        if check.dtype and not (args and self._is_type(args[0])):
            self._forbid(f"{target} with a type that is no plain name", Role.CALL)

    def _makes(self, target: Global, made: tuple[Any, ...], *, or_text: bool) -> None:
        if or_text and made and isinstance(made[0], str):
            return
        if made and isinstance(made[0], Global):
            self.invoke(made[0], Role.NEW)
        else:
            self._forbid(f"{target} of a class that is computed", Role.CALL)

    def _is_type(self, value: Any) -> bool:
        if isinstance(value, Global):
            return value.module == "numpy" and self.rules.standing(value, Role.NAME) is Standing.ALLOWED
        return arrays.is_type_name(value)

    def _hands_on(self, target: Global, args: tuple[Any, ...], function: int, handed: int) -> None:
        if len(args) > max(function, handed) and isinstance(args[handed], tuple):
            self.call(args[function], args[handed])
        else:
            self._forbid(f"{target} with arguments that are computed", Role.CALL)

    def _loads(self, target: Global, loaded: tuple[Any, ...]) -> None:
        if loaded and isinstance(loaded[0], Blob):
            self.ledger.embedded.append(loaded[0].view)
        else:
            self._forbid(f"{target} of bytes that are computed", Role.CALL)

    def _is_one_of(self, target: Global, given: tuple[Any, ...], texts: tuple[str, ...]) -> None:
        if not given or given[0] not in texts:
            self._forbid(f"{target} with another argument than {' or '.join(texts)}", Role.CALL)

    def _guard_functions(self, target: Any, args: tuple[Any, ...]) -> None:
        """Allow no function as an argument: an allowed call could call it with arguments of the attacker's choice."""
        handed = next((what for what in self._globals(args) if what in self.rules.functions), None)
        if handed is not None:
            self._forbid(f"{handed} by way of {target}", Role.CALL)

    def _globals(self, args: tuple[Any, ...]) -> Iterator[Global]:
        """Yield the globals anywhere in arguments."""
        waiting, seen = list(args), set[int]()
        while waiting:
            self.ledger.visit()
            value = waiting.pop()
            if isinstance(value, Global):
                yield value
            elif isinstance(value, tuple | Box) and id(value) not in seen:
                seen.add(id(value))
                waiting += value if isinstance(value, tuple) else value.items

    def _forbid(self, what: str, role: Role) -> bool:
        self.ledger.note(what, role, Standing.UNLISTED, self.stream.pos)
        return False


def _origin(target: Global | Made) -> Global:
    return target.origin if isinstance(target, Made) else target
