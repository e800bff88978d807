"""What all pickles of one file did, gathered while they are read."""

from dataclasses import dataclass, field

from caponier.detect.artifact import Limits
from caponier.detect.model_files.pickles.carried import pickled
from caponier.detect.model_files.pickles.rules import AllowLevel, GlobalRole
from caponier.detect.model_files.pickles.stream import LimitError

_MOST_USES = 1_000
_MOST_NAMES = 10_000
_MOST_CARRIED = 10_000


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a global that is not simply allowed."""

    what: str
    role: GlobalRole
    standing: AllowLevel
    at: int
    """Byte of the instruction in its stream."""

    @property
    def invoked(self) -> bool:
        """Whether code of it runs while the file is loaded."""
        return self.role is not GlobalRole.NAME

    @property
    def unsafe(self) -> bool:
        """Whether this use alone condemns the file."""
        return self.standing is AllowLevel.DANGEROUS or (self.standing is AllowLevel.UNLISTED and self.invoked)

    @property
    def foreign(self) -> bool:
        """Whether somebody's own class is created, or filled, that nobody here has read."""
        return self.standing is AllowLevel.FOREIGN


@dataclass
class Expense:
    """What all pickles of one file have cost so far, wherever in it they lie."""

    opcodes: int = 0
    visits: int = 0
    objects: int = 0


@dataclass
class Ledger:
    """Uses, doubts and parts to look at, over pickles in a row."""

    limits: Limits
    expense: Expense = field(default_factory=Expense)
    own: str | None = None
    """How names begin that are no names of Python's: of these only what is dangerous is noted."""
    uses: dict[tuple[str, GlobalRole], Use] = field(default_factory=dict)
    worst: AllowLevel = AllowLevel.ALLOWED
    """What the worst of the uses is that condemn the file."""
    doubts: list[str] = field(default_factory=list)
    """Why the file cannot be called clean, without being unsafe."""
    loaded: dict[int, memoryview] = field(default_factory=dict)
    """Bytes that an allowed call would load, by identity: the same ones may be loaded again and again."""
    carried: list[memoryview] = field(default_factory=list)
    """Pickles that lie in values, and that nothing loads with this file."""
    storages: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Tensor storages by key: the type's name and the number of elements."""
    globals: set[str] = field(default_factory=set)
    passed: dict[str, str] = field(default_factory=dict)
    """What only the user's own entries let pass, with their reasons."""
    knows: bool = False
    """Whether anything was named that is on the allow list."""

    def note(self, what: str, role: GlobalRole, standing: AllowLevel, at: int) -> None:
        """Note a use, once."""
        if standing is AllowLevel.ALLOWED or (what, role) in self.uses:
            return
        if self.own is not None and what.startswith(self.own) and standing in (AllowLevel.FOREIGN, AllowLevel.UNLISTED):
            return
        use = Use(what, role, standing, at)
        # Many that are merely not known must not hide one that is worse.
        if len(self.uses) < _MOST_USES or (use.unsafe and standing > self.worst):
            self.uses[what, role] = use
            self.worst = max(self.worst, standing if use.unsafe else AllowLevel.ALLOWED)

    def name(self, what: str) -> None:
        """Note that something is named."""
        if len(self.globals) < _MOST_NAMES:
            self.globals.add(what)

    def doubt(self, reason: str) -> None:
        """Note a reason why the file cannot be called clean."""
        if reason not in self.doubts and len(self.doubts) < _MOST_USES:
            self.doubts.append(reason)

    def carry(self, value: memoryview) -> None:
        """Keep a value that is a pickle itself, to be looked at."""
        if len(self.carried) < _MOST_CARRIED and (inner := pickled(value)) is not None:
            self.carried.append(inner)

    def keep(self, count: int = 1) -> None:
        """Count a value that takes memory for as long as the pickle holds it; objects count three times.

        Raises:
            LimitError: If there were too many.
        """
        self.expense.objects += count
        if self.expense.objects > self.limits.stack:
            raise LimitError(f"makes more than {self.limits.stack:,} values")

    def visit(self, count: int = 1) -> None:
        """Count looks at arguments; large arguments may be handed on many times.

        Raises:
            LimitError: If there were too many.
        """
        self.expense.visits += count
        if self.expense.visits > 4 * self.limits.opcodes:
            raise LimitError("hands on more arguments than a scan looks at")

    @property
    def embedded(self) -> list[memoryview]:
        """Bytes that an allowed call would load."""
        return list(self.loaded.values())

    @property
    def unsafe(self) -> list[Use]:
        """The uses that condemn the file, the worst first."""
        found = [use for use in self.uses.values() if use.unsafe]
        return sorted(found, key=lambda use: (-use.standing, not use.invoked, use.at, use.what))

    @property
    def foreign(self) -> list[Use]:
        """The uses of classes that nobody here has read."""
        return [use for use in self.uses.values() if use.foreign]

    @property
    def unclear(self) -> list[Use]:
        """The uses that leave it open."""
        return [use for use in self.uses.values() if not use.unsafe]

    @property
    def invoked(self) -> bool:
        """Whether anything that is not allowed would run."""
        return any(use.invoked for use in self.uses.values())
