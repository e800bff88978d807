"""What happens when a pickle calls, creates or builds something: the use is noted, and the result is made up."""

from typing import Any, Final

from caponier.detect.model_files.pickles import arrays, attributes, formulas, homes
from caponier.detect.model_files.pickles.holdings import Holdings
from caponier.detect.model_files.pickles.ledger import Ledger
from caponier.detect.model_files.pickles.plain_arguments import is_harmless_text, is_listed_object, only_computes
from caponier.detect.model_files.pickles.rules import AllowLevel, Check, GlobalRole, Rules
from caponier.detect.model_files.pickles.stream import BrokenError, Stream
from caponier.detect.model_files.pickles.values import COMPUTED, Blob, Box, Global, Guess, Made

_ENCODE: Final = Global("_codecs", "encode")
_GETATTR: Final = Global("builtins", "getattr")
_NEW: Final = Global("copyreg", "__newobj__")
_CREATING: Final = frozenset({
    _NEW, Global("copyreg", "_reconstructor"),
    Global("numpy._core.multiarray", "_reconstruct"), Global("numpy.core.multiarray", "_reconstruct"),
})  # fmt: skip
"""What makes an object of a class and hands nothing to it."""
_HOLDING: Final = frozenset({"builtins", "collections", "copyreg"})
"""Where containers are at home, which keep what they are called with and call nothing of it."""
_KERAS, _UNPICKLES = "keras.src.", "_unpickle_model"
_OF_KERAS: Final = Global("keras.src.saving.keras_saveable", "_unpickle_model")
"""By this, Keras loads an archive that its pickles hold, with all that the archive names."""
_BASES: Final = frozenset({"int", "float", "str", "unicode"})
"""Classes of Python that may be called as a base, and else only created."""
_TEXTS: Final = frozenset({Global("builtins", "str"), Global("builtins", "unicode")})
_VALUES: Final = (str, int, float, Blob)
_NOT_CONDEMNED: Final = frozenset({AllowLevel.ALLOWED, AllowLevel.UNCLEAR, AllowLevel.FOREIGN})


class Calls:
    """Notes the uses of one pickle in the ledger."""

    def __init__(self, rules: Rules, ledger: Ledger, stream: Stream) -> None:
        self.rules, self.ledger, self.stream = rules, ledger, stream
        self.holdings = Holdings(rules, ledger)
        self._getattr = self._taken = False
        self._types: list[Made] = []
        self._handed: Any = None
        self._elsewhere: list[tuple[Global, Any]] = []
        self._kept: dict[int, tuple[Global, Made]] = {}
        self._layout = arrays.Layout(ledger)

    def use(self, what: Global, role: GlobalRole, given: tuple[Any, ...] | None = None) -> bool:
        """Note a use of a global, and return whether it is allowed.

        A class of somebody's own that is called with what is plain, as enumerations are, gets nothing that could be a
        command or a program: it is as little known as one that is only created. Of one that is called for running or
        opening something, a word is enough.
        """
        standing = self.rules.standing(what, role)
        if given is not None and standing is AllowLevel.UNLISTED:
            foreign = self._is_foreign(what) or homes.restores_foreign_class(what)
            harmless = foreign and self._are_words(given) and not homes.acts_on(what, given)
            standing = AllowLevel.FOREIGN if harmless else standing
        self.ledger.note(str(what), role, standing, self.stream.pos)
        if standing is AllowLevel.UNCLEAR:
            self.ledger.doubt(f"{what}: {self.rules.why_unclear(what)}")
        if standing is AllowLevel.ALLOWED and what in self.rules.added:
            self.ledger.passed[str(what)] = self.rules.added[what]
        return standing is AllowLevel.ALLOWED

    def invoke(self, target: Any, role: GlobalRole, given: tuple[Any, ...] | None = None) -> bool:
        """Note that code of `target` runs, with what it is given, and return whether that is allowed.

        Raises:
            BrokenError: If there is no code to run: every unpickler would stop here.
        """
        if isinstance(target, Made):
            if role in (GlobalRole.BUILD, GlobalRole.ITEMS):
                return self.use(target.origin, role)
            return self._forbid(f"what {target.origin} gives", role)
        if not isinstance(target, Global):
            raise BrokenError(f"wants to {role.value} something that allows no such thing")
        if role in (GlobalRole.BUILD, GlobalRole.ITEMS):
            # The class or function itself is changed, not an object of it.
            return self._forbid(f"{target} itself", role)
        return self.use(target, role, given)

    def call(self, target: Any, args: tuple[Any, ...]) -> Any:
        """Note a call, and return what stands for its result."""
        self.ledger.keep(3)
        if target == _GETATTR and (attribute := self.attribute(args)) is not None:
            self._taken = True
            return attribute
        allowed = self.invoke(target, GlobalRole.CALL, args)
        if not isinstance(target, Global):
            return Made(COMPUTED, args)
        if target == _NEW and args:
            return self.new(args[0], args[1:])
        check = self.rules.checks.get(target)
        if allowed:
            self._check(target, check, args)
            self._doubt_open(target, args)
            self._doubt_held(target, check, args)
        if target == _ENCODE:
            return self._encoded(target, args, check)
        if allowed and check is not None and check.gives is not None and len(args) > check.gives:
            return args[check.gives]
        if allowed and check is not None and check.module and args and isinstance(args[0], str):
            return Global(check.module, args[0])
        if allowed and check is not None and check.fills and isinstance(self._handed, Made) and len(args) > 2:
            self.build(self._handed, args[2])
            return self._handed
        return self._result(target, check, args)

    def named(self, what: Global) -> None:
        """Note that a global is named; `getattr` may be, if all that is done with it is what methods need."""
        if what == _GETATTR:
            self._getattr = True
        else:
            self.ledger.knows |= self.use(what, GlobalRole.NAME)

    def finish(self) -> None:
        """Note what was named and not put to a use that is known."""
        if self._getattr and not self._taken:
            self.use(_GETATTR, GlobalRole.NAME)
        for what, names in self._elsewhere:
            # A list may have been filled since.
            if not attributes.stay_beside(names):
                self._forbid(f"{what} with files elsewhere", GlobalRole.BUILD)
        for target, value in self._kept.values():
            # What an object was made with, as the default of a dictionary, it may call once that has attributes.
            if attributes.is_open(value):
                self._doubt_given(value, target)
        again = arrays.Layout(self.ledger)
        for dtype in self._types:
            # Numpy holds on to the fields that it was given, and they may have been changed since.
            self._doubt_type(dtype, again)

    def _doubt_type(self, dtype: Made, layout: arrays.Layout) -> None:
        if layout.contradicts(dtype):
            self.ledger.doubt("describes a type of numpy that contradicts itself: bytes may be taken for objects")

    def attribute(self, args: tuple[Any, ...]) -> Any:
        """Return what stands for an attribute that a pickle takes of something; None where it is not certain.

        Methods of objects are pickled like this: which one it is matters only once it is called, and so is doubted. Of
        a class only what is listed may be taken.
        """
        if len(args) != 2 or not isinstance(args[1], str) or not args[1].isidentifier() or args[1].startswith("__"):
            return None
        what, name = args
        if isinstance(what, Global) and name in self.rules.attributes.get(what, ()):
            return Global(what.module, f"{what.name}.{name}")
        if isinstance(what, Global) and name == _UNPICKLES and what.module.startswith(_KERAS):
            # The method of any of its classes; what kind of class does not matter, as the archive tells what is made.
            self.ledger.uses.pop((str(what), GlobalRole.NAME), None)
            return _OF_KERAS
        if isinstance(what, Global) and name.isupper() and self._looks_up(what):
            # Python 3.11 writes members of enumerations so.
            return Made(what, (name,))
        of_class = isinstance(what, Global) and self._is_foreign(what)
        if of_class or (isinstance(what, Made) and self.rules.standing(what.origin, GlobalRole.NEW) in _NOT_CONDEMNED):
            self.ledger.doubt(f"takes {name} of {_origin(what)}, which may be called later")
            return Made(COMPUTED)
        return None

    def _looks_up(self, what: Global) -> bool:
        check = self.rules.checks.get(what)
        return self.use(what, GlobalRole.CALL) if check is not None and check.values == (1, 1) else False

    def new(self, target: Any, args: tuple[Any, ...]) -> Made:
        """Note that an object is created, and return what stands for it."""
        self.ledger.keep(3)
        self.invoke(target, GlobalRole.NEW)
        self._guard_functions(target, args)
        check = self.rules.checks.get(target) if isinstance(target, Global) else None
        if not (check and check.keeps):
            self._doubt_open(target, args)
        if (check and check.plain and args) or (self._is_foreign(target) and not self._are_words(args)):
            self._forbid(f"{target} with arguments", GlobalRole.NEW)
        return Made(target if isinstance(target, Global) else COMPUTED, args)

    def build(self, target: Global | Made, state: Any) -> None:
        """Note that an object is given its state.

        Attributes of an object come before the methods of its class: an unpickler that looks for `__setstate__`,
        `append`, `extend` or `add` calls whatever a first state has put there. Every pickler fills an object first,
        and sets its state once, as the last thing.
        """
        self.invoke(target, GlobalRole.BUILD)
        self._refuse_after_state(target, GlobalRole.BUILD)
        self._guard_functions(_origin(target), (state,))
        self._guard_state(target, state, GlobalRole.BUILD)
        if not isinstance(target, Made):
            return
        check = self.rules.checks.get(target.origin)
        if check is not None and check.formula and formulas.evaluates(state):
            self.ledger.doubt(f"{target.origin}: {formulas.REASON}")
        self._guard_code(target.origin, check, state)
        if target.origin == arrays.WRAPPER and arrays.overrides(state):
            self._forbid(f"{target.origin} with methods of its own", GlobalRole.BUILD)
        self._elsewhere += [(target.origin, names) for names in attributes.elsewhere(state, self.ledger)]
        target.state, target.built = state, True
        if target.origin == arrays.DTYPE:
            self._types.append(target)
            self._doubt_type(target, self._layout)

    def fill(self, target: Global | Made, values: list[Any]) -> None:
        """Note that an object which is no plain container is filled."""
        self.invoke(target, GlobalRole.ITEMS)
        self._refuse_after_state(target, GlobalRole.ITEMS)
        self._guard_functions(_origin(target), tuple(values))
        if isinstance(target, Made):
            if (name := attributes.special_item(target, values, self.ledger)) is not None:
                self._forbid(f"{target.origin} with an item {name}", GlobalRole.ITEMS)
            target.items += values

    def hold(self, values: list[Any]) -> None:
        """Note that values are put into a plain list, set or dictionary."""
        for value in values:
            kind = value.__class__
            if (kind is Global or kind is tuple) and (held := self.holdings.function(value)) is not None:
                self._forbid(f"{held} by way of a container", GlobalRole.CALL)

    def _result(self, target: Global, check: Check | None, args: tuple[Any, ...]) -> Made:
        """Return what stands for the result of a call."""
        made = Made(target, args)
        if check is not None and check.makes and len(args) > check.makes[0]:
            first = args[check.makes[0]]
            made.origin = first if isinstance(first, Global) else self._looked_up(first, check)
        if check is not None and check.state is not None:
            made.built = len(args) > check.state and args[check.state] is not None
        if check is not None and check.base is not None and len(args) > 2 and isinstance(args[2], Box | Made):
            if isinstance(args[2], Box):
                self.ledger.visit(len(args[2].items))
                made.items = list(args[2].items)
            if (name := attributes.special_content(made, self.ledger)) is not None:
                self._forbid(f"{made.origin} with an item {name}", GlobalRole.CALL)
        return made

    def _looked_up(self, first: Any, check: Check) -> Global:
        """Return the class that a function finds by its name among those that are listed at its home."""
        if not check.or_text or check.within is None or not isinstance(first, str):
            return COMPUTED
        home = f"{check.within}."
        known = (one for one in self.rules.allowed if one.name == first and one.module.startswith(home))
        return next((one for one in known if one not in self.rules.added), COMPUTED)

    def _encoded(self, target: Global, args: tuple[Any, ...], check: Check | None) -> Any:
        """Return the bytes of a text in the codec that the pickle names, where both are certain.

        Only what is listed is looked up: Python imports a module for any other codec, and some give texts.
        """
        if len(args) != 2 or check is None or check.only is None or args[1] not in check.only[1]:
            return Made(COMPUTED, args)
        text = args[0]
        try:
            if isinstance(text, Blob) and text.text:
                text = str(text.view, "utf-8", "surrogatepass")
            if not isinstance(text, str) or isinstance(text, Guess):
                return Made(target, args)
            self.ledger.visit(len(text) >> 4)
            return Blob(memoryview(text.encode(args[1])))
        except (UnicodeError, LookupError) as wrong:
            raise BrokenError("encodes a text that its codec does not know") from wrong

    def _guard_state(self, target: Any, state: Any, role: GlobalRole) -> None:
        """Refuse attributes that decide what runs next, and doubt a state that is an object of the file's own."""
        if (name := attributes.special_key(state, self.ledger)) is not None:
            self._forbid(f"{_origin(target)} with an attribute {name}", role)
        self._doubt_open(target, state if isinstance(state, tuple) and len(state) == 2 else (state,))

    def _guard_code(self, what: Global, check: Check | None, state: Any) -> None:
        """Refuse what code of the class would call while the state is set, and doubt what such code sets."""
        self._guard_run(what, check, state)
        name = attributes.set_by_code(state, check.slots if check is not None else ())
        if name is not None and what not in self.rules.added:
            self.ledger.doubt(f"has {what} set an attribute {name}, by code which may call what the file holds")

    def _guard_run(self, what: Global, check: Check | None, state: Any) -> None:
        of_package = attributes.runs(state, self.rules.run_by(what), self.ledger, deep=False)
        name = of_package or (attributes.runs(state, check.runs, self.ledger) if check is not None else None)
        if name is not None:
            self._forbid(f"{what} with an attribute {name} that it calls", GlobalRole.BUILD)

    def _doubt_open(self, target: Any, args: tuple[Any, ...]) -> None:
        """Doubt what becomes of an object that is handed over with attributes which the file has chosen."""
        for value in args:
            if value.__class__ is Made:
                if attributes.is_open(value):
                    self._doubt_given(value, _origin(target))
                elif not value.built:
                    self._kept[id(value)] = _origin(target), value

    def _doubt_held(self, target: Global, check: Check | None, args: tuple[Any, ...]) -> None:
        """Doubt the same of what lies in a container: a function turns a list, or a table's value, into an array."""
        if target.module in _HOLDING:
            return
        apart = {check.state, *(check.calls or ())} if check is not None else set()
        given = [arg for at, arg in enumerate(args) if at not in apart and isinstance(arg, tuple | Box)]
        if (held := attributes.first_open(given, self.ledger)) is not None:
            self._doubt_given(held, target)

    def _doubt_given(self, value: Made, target: Global) -> None:
        self.ledger.doubt(f"hands {value.origin} with attributes of its own to {target}, which may call them")

    def _refuse_after_state(self, target: Global | Made, role: GlobalRole) -> None:
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
                return Made(Global("torch.storage", "UntypedStorage"), (kind.name, name, count))
        self.ledger.doubt("refers to an object outside the file, which only its loader knows")
        return Made(COMPUTED)

    def may_be_text(self, value: Any) -> bool:
        """Return whether a value could turn out to be a text: nothing that ships as allowed makes one.

        What hands back its argument is followed, and so is no call by then.
        """
        return isinstance(value, Made) and (value.origin not in self.rules.allowed or value.origin in self.rules.added)

    def _check(self, target: Global, check: Check | None, args: tuple[Any, ...]) -> None:
        """Check the arguments of an allowed call; what does not fit is noted."""
        if check is None:
            self._guard_functions(target, args)
            return
        called = [*(check.calls or ()), *(check.calls_argument or ())[:1]]
        self._guard_functions(target, tuple(arg for at, arg in enumerate(args) if at not in called))
        for at in check.makes:
            if at == check.base and self._is_text_of_its_own(args):
                continue
            self._makes(target, args[at : at + 1], or_text=check.or_text)
        if check.within is not None:
            at = check.makes[0] if check.makes else 0
            self._is_within(target, args[at : at + 1], check.within)
        if check.base is not None:
            self._is_base(target, args[check.base : check.base + 1])
        if check.state is not None and len(args) > check.state:
            self._guard_state(target, args[check.state], GlobalRole.CALL)
            for made in (args[at] for at in check.makes if len(args) > at):
                if isinstance(made, Global):
                    # Its own code sets the state, as if the pickle had done it.
                    self._guard_run(made, self.rules.checks.get(made), args[check.state])
        if check.calls_argument is not None and len(args) > check.calls_argument[0]:
            function, given = check.calls_argument
            self.call(args[function], (args[given],))
        if check.calls is not None:
            self._hands_on(target, args, *check.calls)
        if check.loads is not None:
            self._loads(target, args[check.loads : check.loads + 1])
        if check.values is not None and not self._are_values(args, *check.values):
            self._forbid(f"{target} with other arguments than plain values", GlobalRole.CALL)
        if check.absent is not None and len(args) > check.absent and args[check.absent] is not None:
            self._forbid(f"{target} with more arguments than a plain object has", GlobalRole.CALL)
        if check.only is not None:
            at, texts = check.only
            self._is_one_of(target, args[at : at + 1], texts)
        if check.dtype and not (args and self._is_type(args[0])):
            self._forbid(f"{target} with a type that is no plain name", GlobalRole.CALL)

    def _makes(self, target: Global, made: tuple[Any, ...], *, or_text: bool) -> None:
        if or_text and made and isinstance(made[0], str):
            return
        if made and isinstance(made[0], Global):
            self.invoke(made[0], GlobalRole.NEW)
            if target not in _CREATING and self._is_foreign(made[0]):
                # It is not only created: methods of it are called, with arguments of the file's.
                self._forbid(f"{target} of {made[0]}", GlobalRole.CALL)
        else:
            self._forbid(f"{target} of a class that is computed", GlobalRole.CALL)

    def _is_foreign(self, target: Any) -> bool:
        return isinstance(target, Global) and self.rules.standing(target, GlobalRole.NEW) is AllowLevel.FOREIGN

    def _are_words(self, given: tuple[Any, ...]) -> bool:
        """Return whether all is plain: numbers, words, prose, what computes, and objects, in containers and arrays.

        What lies in an object of a listed class counts like what lies in a list; a foreign one was judged by itself.
        """
        left, seen = list(given), set[int]()
        while left:
            self.ledger.visit()
            one = left.pop()
            if isinstance(one, str):
                if not is_harmless_text(one):
                    return False
            elif isinstance(one, tuple | Box | Made) and id(one) in seen:
                continue
            elif isinstance(one, tuple | Box):
                seen.add(id(one))
                left += one.items if isinstance(one, Box) else one
            elif one is None or isinstance(one, int | float) or attributes.are_numbers(one):
                continue
            elif isinstance(one, Global):
                if not (self._is_foreign(one) or only_computes(one, self.rules)):
                    return False
            elif not isinstance(one, Made):
                return False
            elif not self._is_foreign(one.origin):
                if not is_listed_object(one, self.rules):
                    return False
                seen.add(id(one))
                left += (*one.args, one.state, *one.items)
        return True

    def _is_text_of_its_own(self, args: tuple[Any, ...]) -> bool:
        """Return whether an object of a foreign class is made of a text, as old protocols write classes that are texts.

        Only of a foreign class: of `str` itself, a name could be made that nobody sees.
        """
        whole = len(args) == 3 and args[1] in _TEXTS
        return whole and self._is_foreign(args[0]) and self._are_words(args[2:])

    def _is_within(self, target: Global, made: tuple[Any, ...], room: str) -> None:
        foreign = made and isinstance(made[0], Global) and not f"{made[0].module}.".startswith(f"{room}.")
        if foreign and made[0] not in self.rules.added:
            self._forbid(f"{target} of {made[0]}, which is not of {room}", GlobalRole.CALL)

    def _is_base(self, target: Global, base: tuple[Any, ...]) -> None:
        what = base[0] if base else None
        if isinstance(what, Global) and not (what.module == "builtins" and what.name in _BASES):
            # Of most classes nothing is called; which ones have an `__init__` only the class itself knows.
            self.use(what, GlobalRole.CALL)
        elif not isinstance(what, Global):
            self._forbid(f"{target} with a base that is computed", GlobalRole.CALL)

    def _is_type(self, value: Any) -> bool:
        if isinstance(value, Global):
            of_numpy = value.module == "numpy" or value in arrays.RECORDS
            return of_numpy and self.rules.standing(value, GlobalRole.NAME) is AllowLevel.ALLOWED
        return arrays.is_type_name(value)

    def _hands_on(self, target: Global, args: tuple[Any, ...], function: int, handed: int) -> None:
        if len(args) > max(function, handed) and isinstance(args[handed], tuple):
            self._handed = self.call(args[function], args[handed])
            self._doubt_open(target, (self._handed,))
        else:
            self._forbid(f"{target} with arguments that are computed", GlobalRole.CALL)

    def _loads(self, target: Global, loaded: tuple[Any, ...]) -> None:
        content = attributes.held_bytes(loaded[0]) or loaded[0] if loaded else None
        if isinstance(content, Blob) and not content.changed:
            self.ledger.loaded[id(content.view)] = content.view
        else:
            self._forbid(f"{target} of bytes that are computed", GlobalRole.CALL)

    def _is_one_of(self, target: Global, given: tuple[Any, ...], texts: tuple[str, ...]) -> None:
        if not given or given[0] not in texts:
            self._forbid(f"{target} with another argument than {' or '.join(texts)}", GlobalRole.CALL)

    def _are_values(self, args: tuple[Any, ...], least: int, most: int) -> bool:
        """Return whether these are as many plain values of Python as a call takes, or members that were looked up.

        An object in their place would be hashed, compared or turned into a text, by whatever its class does then.
        """
        return least <= len(args) <= most and all(map(self._is_value, args))

    def _is_value(self, arg: Any) -> bool:
        if arg is None or isinstance(arg, _VALUES):
            return True
        check = self.rules.checks.get(arg.origin) if isinstance(arg, Made) and not (arg.built or arg.items) else None
        return check is not None and check.values == (1, 1) and all(isinstance(one, _VALUES) for one in arg.args)

    def _guard_functions(self, target: Any, args: tuple[Any, ...]) -> None:
        """Allow no function as an argument: an allowed call could call it with arguments of the attacker's choice."""
        self.ledger.visit(len(args))
        handed = next((held for held in map(self.holdings.function, args) if held is not None), None)
        if handed is not None:
            self._forbid(f"{handed} by way of {target}", GlobalRole.CALL)

    def _forbid(self, what: str, role: GlobalRole) -> bool:
        self.ledger.note(what, role, AllowLevel.UNLISTED, self.stream.pos)
        return False


def _origin(target: Global | Made) -> Global:
    return target.origin if isinstance(target, Made) else target
