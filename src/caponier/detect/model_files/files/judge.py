"""Take a file apart, in memory and within limits, and put the verdicts of its parts together."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from caponier.detect.artifact import Judgement, Limits, Verdict
from caponier.detect.model_files.files import (
    compressed,
    gguf,
    keras,
    numpy_file,
    onnx,
    pickle_file,
    tar_file,
    tensorflow,
    tensors,
    text,
    torchscript,
    wire,
    zip_file,
)
from caponier.detect.model_files.files.named_formats import named_format
from caponier.detect.model_files.files.part import ArchiveMember, Budget, PartReport, TooMuchError
from caponier.detect.model_files.files.places import Places, is_code
from caponier.detect.model_files.files.serialized import (
    fasttext,
    flat,
    msgpack,
    r_objects,
    raw_numbers,
    schemas,
    tables,
    ubjson,
    weight_blobs,
    word2vec,
    xgboost,
)
from caponier.detect.model_files.files.spans import find, only_zeros
from caponier.detect.model_files.pickles.rules import Rules

_MOST_REASONS: Final = 8
_HARMFUL: Final = 0.99
_NOT_HARMLESS: Final = 0.6
_UNKNOWN: Final = "has no known format, or a damaged header"
_BYTECODE, _TRACED = "bytecode", "traced_inputs"
_ROOMS: Final = ("data", "constants", _BYTECODE, _TRACED)
"""Folders of a torch archive that hold raw storages, each beside a pickle of its name."""
_USER_BLOCK: Final = 512
"""HDF5 begins at the first byte, or at this one, or at one that doubles it again and again."""
_LONGEST_TARGET: Final = 1 << 12
_TEXT: Final = 22
"""Text is searched for many things: it counts so many times."""
_OUTSIDE: Final = ord("P")
"""By this a pickle asks for an object that lies outside of it."""
_PROTOCOL: Final = 0x80
"""What pickles of the protocols from 2 on begin with, and nothing else that is known here."""


@dataclass
class _Findings:
    """What is wrong with all parts of one file."""

    unsafe: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    certain: bool = False
    globals: set[str] = field(default_factory=set)
    passed: dict[str, str] = field(default_factory=dict)
    parts: int = 0

    def add(self, part: PartReport, where: str) -> None:
        """Take the report of one part."""
        prefix = f"{where}: " if where else ""
        self.unsafe += [prefix + reason for reason in part.unsafe]
        self.unknown += [prefix + reason for reason in part.unknown]
        self.certain |= bool(part.unsafe) and part.certain
        self.globals |= part.globals
        self.passed |= part.passed
        self.parts += 1


def judge(content: memoryview, limits: Limits, rules: Rules | None = None) -> Judgement:
    """Judge the content of one file.

    Args:
        content: The bytes.
        limits: How much work they may cause.
        rules: What pickles may use; by default what ships.
    """
    findings = _Findings()
    budget = Budget.of(limits, len(content), rules)
    with _uncollected():
        kind = _Judge(findings, budget).part(content, "", 0)
    verdict = Verdict.UNSAFE if findings.unsafe else Verdict.UNKNOWN if findings.unknown else Verdict.CLEAN
    reasons = [_text(reason) for reason in dict.fromkeys([*findings.unsafe, *findings.unknown])]
    if len(reasons) > _MOST_REASONS:
        reasons = [*reasons[:_MOST_REASONS], f"and {len(reasons) - _MOST_REASONS:,} more"]
    confidence = (_HARMFUL if findings.certain else _NOT_HARMLESS) if verdict is Verdict.UNSAFE else 0.0
    facts: dict[str, Any] = {
        "kind": kind,
        "parts": findings.parts,
        "unsafe": len(findings.unsafe),
        "globals": sorted(map(_text, findings.globals))[:100],
    }
    if findings.passed:
        facts["allowed"] = {_text(name): reason for name, reason in sorted(findings.passed.items())[:100]}
    return Judgement(verdict, kind, tuple(reasons), confidence, facts)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Search for no garbage meanwhile: millions of values are in use, and the limits bound how many."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _text(reason: str) -> str:
    """Return what every encoding can hold; names in files may have halves of letters."""
    return reason.encode("utf-8", "backslashreplace").decode()


class _Judge:
    """Judges the parts of one file."""

    def __init__(self, findings: _Findings, budget: Budget) -> None:
        self.findings, self.budget = findings, budget

    def part(self, content: memoryview, where: str, depth: int) -> str:
        """Judge one part with all that is in it, and return what it is."""
        if depth > self.budget.limits.depth:
            return self._report(
                PartReport("archive", unknown=["is nested more deeply than a scan looks"]), where, depth
            )
        head = bytes(content[:16])
        try:
            self.budget.look(len(content))
            return self._by_head(content, head, where, depth)
        except TooMuchError as reason:
            return self._report(PartReport("unknown", unknown=[str(reason)]), where, depth)

    def _by_head(self, content: memoryview, head: bytes, where: str, depth: int) -> str:
        if not head:
            return self._report(PartReport("empty", unknown=["is empty"]), where, depth)
        behind = self._hidden(content, head, where, depth)
        is_tar = tar_file.is_tar(content)
        if is_tar:
            # It begins with the name of its first member, and so may begin like anything else, and be that as well.
            self._report(PartReport("tar", members=tar_file.members(content, self.budget)), where, depth)
        if head.startswith((zip_file.LOCAL, b"PK\x05\x06")):
            return self._zip(content, where, depth)
        if zip_file.has_end(content) and find(content, zip_file.LOCAL, 0, len(content)) >= 0:
            # Loaders that look for an archive's directory at the end find one here.
            self._zip(content, where, depth)
        how = compressed.kind(head)
        if how is not None and (kind := self._compressed(content, how, where, depth)):
            if text.decode(content, self.budget.limits.text_bytes) is not None:
                self._second(content, head, where, depth)
            return kind
        if head.startswith(numpy_file.MAGIC):
            return self._numpy(content, where, depth)
        report = pickle_file.read(content, self.budget, certain=False)
        if report is not None and not (tensors.is_safetensors(content) and self._is_chance(content, head, report)):
            if report.stops or tensors.is_safetensors(content) or head[0] != _PROTOCOL:
                self._second(content, head, where, depth)
            return self._report(report, where, depth)
        if is_tar:
            self._second(content, head, where, depth)
            return "tar"
        if behind and only_zeros(content[:behind]):
            return "hdf5"
        return self._report(self._no_pickle(content, head), where, depth)

    def _is_chance(self, content: memoryview, head: bytes, report: PartReport) -> bool:
        """Return whether the length that safetensors begin with only looks like the beginning of a pickle.

        It then ends at once; or it asks for an object outside of the file, which no reader of a whole file can give.
        What follows was read all the same, and must not run anything even for a reader that can.
        """
        return report.stops or (head[0] == _OUTSIDE and not pickle_file.would_run(content, self.budget))

    def _hidden(self, content: memoryview, head: bytes, where: str, depth: int) -> int:
        """Judge what is not told by the first bytes, whatever else the file is, and return where HDF5 begins, or 0.

        HDF5 may lie behind bytes of somebody else's, and readers of protocol buffers pass over what they do not know.
        """
        at, first = _USER_BLOCK, 0
        while at < len(content):
            if bytes(content[at : at + len(keras.HDF5)]) == keras.HDF5:
                self._report(keras.read_hdf5(content[at:], self.budget, at), where, depth)
                first = first or at
            at *= 2
        if wire.may_be(content):
            self._messages(content, head, where, depth)
        return first

    def _messages(self, content: memoryview, head: bytes, where: str, depth: int) -> None:
        """Judge fields behind such that no model has."""
        budget = replace(self.budget, fields_left=self.budget.hidden_left)
        other = tensors.is_safetensors(content) or flat.is_tflite(head)
        for read, starts in ((onnx.read, onnx.STARTS), (tensorflow.read, tensorflow.STARTS)):
            # What begins as usual is read as such later.
            usual = head[0] in starts and not other
            if (
                not usual
                and wire.is_whole(content, budget)
                and (part := read(content, budget, hidden=True)) is not None
            ):
                self._report(part, where, depth)
        if budget.fields_left < 0:
            self._report(PartReport("fields", unknown=["has more fields than a scan reads"]), where, depth)
        self.budget.hidden_left = max(0, budget.fields_left)

    def _second(self, content: memoryview, head: bytes, where: str, depth: int) -> None:
        """Judge what is a pickle, or compressed, as what else it may be, if that is known or does something."""
        part = self._no_pickle(content, head)
        if part.kind != "unknown" and (part.kind != "text" or part.unsafe or part.unknown):
            self._report(part, where, depth)

    def _no_pickle(self, content: memoryview, head: bytes) -> PartReport:
        if head.startswith(keras.HDF5):
            return keras.read_hdf5(content, self.budget)
        if head.startswith(gguf.MAGIC):
            return gguf.read(content, self.budget)
        for read in (flat.read, xgboost.read, msgpack.read, r_objects.read, fasttext.read):
            if (model := read(content, self.budget)) is not None:
                return model
        if (named := named_format(content)) is not None:
            return PartReport(named.kind, unknown=[named.reason])
        if (table := tables.read(content, self.budget)) is not None:
            return self._readable(table, content)
        if ubjson.is_ubjson(content):
            return ubjson.read(content, self.budget)
        if tensors.is_safetensors(content):
            return tensors.read_safetensors(content, self.budget)
        if (model := onnx.read(content, self.budget)) is not None:
            return model
        if (graph := tensorflow.read(content, self.budget)) is not None:
            return self._readable(graph, content)
        if (message := schemas.read(content, self.budget)) is not None:
            return self._readable(message, content)
        if (blobs := weight_blobs.read(content)) is not None:
            return blobs
        words = text.decode(content, self.budget.limits.text_bytes)
        if words is not None:
            self.budget.look(_TEXT * len(content))
            return text.read(words, self.budget)
        if (vectors := word2vec.read(content, self.budget)) is not None:
            return self._readable(vectors, content)
        if (numbers := raw_numbers.read(content, self.budget)) is not None:
            return numbers
        return PartReport("unknown", unknown=[_UNKNOWN])

    def _readable(self, graph: PartReport, content: memoryview) -> PartReport:
        """Judge a graph as text, too, if all of it is letters: a shell or Python pass over what stands between them."""
        try:
            str(content, "utf-8")
        except UnicodeDecodeError:
            return graph
        self.budget.look(_TEXT * len(content))
        words = text.decode(memoryview(bytes(content).translate(text.WITHOUT_SIGNS)), self.budget.limits.text_bytes)
        if words is None:
            graph.unknown.append("may be read as a text as well, which is longer than a scan reads")
        else:
            also = text.read(words, self.budget)
            graph.unknown += [*also.unsafe, *also.unknown]
        return graph

    def _report(self, part: PartReport, where: str, depth: int) -> str:
        self.findings.add(part, where)
        for member in part.members or ():
            self._member(member, where, depth)
        return part.kind

    def _member(self, member: ArchiveMember, where: str, depth: int) -> None:
        inside = f"{where}/{member.name}" if where else member.name
        if member.harm:
            self.findings.add(PartReport("member", unsafe=[member.harm]), inside)
        if member.doubt:
            self.findings.unknown.append(f"{inside}: {member.doubt}")
        if len(member.content) or not member.empty:
            self.part(member.content, inside, depth + 1)

    def _compressed(self, content: memoryview, how: str, where: str, depth: int) -> str | None:
        """Judge compressed content; None if it only looked like it."""
        expanded = compressed.expand(content, how, self.budget)
        if not len(expanded.content) and how in ("zlib", "lzma"):
            return None
        if expanded.doubt:
            self.findings.unknown.append(f"{where}: {expanded.doubt}" if where else expanded.doubt)
        return f"{self.part(expanded.content, where, depth + 1)} ({how})"

    def _numpy(self, content: memoryview, where: str, depth: int) -> str:
        part, objects = numpy_file.read(content, self.budget)
        kind = self._report(part, where, depth)
        if objects is not None and not len(objects):
            self._report(PartReport(kind, unknown=["ends early: its objects are missing"]), where, depth)
        elif objects is not None:
            report = pickle_file.read(objects, self.budget, certain=True)
            if report is not None:
                self._report(report, where, depth)
        return kind

    def _zip(self, content: memoryview, where: str, depth: int) -> str:
        entries, doubt = zip_file.entries(content, self.budget)
        if doubt:
            self.findings.unknown.append(f"{where}: {doubt}" if where else doubt)
        self._places(content, entries, where, program=_is_program(entries))
        if any(name.rpartition("/")[2] == "data.pkl" for entry in entries for name in entry.names):
            return self._torch(content, entries, where, depth)
        if any(entry.name.endswith("archive_format") and _note(content, entry) == b"pt2" for entry in entries):
            return self._exported(content, entries, where, depth)
        is_keras = {"config.json", "model.weights.h5"} <= {entry.name for entry in entries}
        for entry in entries:
            if not entry.name.endswith("/") or entry.packed:
                self._entry(content, entry, where, depth)
        self.findings.parts += 1
        return "keras" if is_keras else "zip"

    def _places(self, content: memoryview, entries: list[zip_file.ZipEntry], where: str, *, program: bool) -> None:
        """Judge where the parts of a zip archive land, and whether it is a program."""
        places = Places()
        for entry in entries:
            for name in entry.names:
                harm, doubt = places.part(name)
                if entry.link:
                    target = bytes(content[entry.start : entry.start + min(entry.packed, _LONGEST_TARGET)])
                    harm, doubt = places.link(name, target.decode("utf-8", "backslashreplace"))
                    doubt = doubt or ("is a link whose target is not read here" if entry.method else None)
                if is_code(name) and not (program and torchscript.is_source(name)):
                    doubt = "is code: the archive can be run, or imported from"
                inside = f"{where}/{name}" if where else name
                self.findings.add(PartReport("place", [harm] if harm else [], [doubt] if doubt else []), inside)
                self.findings.parts -= 1

    def _exported(self, content: memoryview, entries: list[zip_file.ZipEntry], where: str, depth: int) -> str:
        """Judge a program that torch exported: raw weights and constants may be any bytes, if they are no more."""
        for entry in entries:
            raw = any(f"/data/{room}/" in f"/{entry.name}" for room in ("weights", "constants")) and entry.method == 0
            body = content[entry.start : entry.start + entry.packed]
            if raw and self._is_raw(body):
                continue
            if (not entry.name.endswith("/") or entry.packed) and not _is_number(content, entry):
                self._entry(content, entry, where, depth)
        self.findings.parts += 1
        return "torch (exported)"

    def _is_raw(self, content: memoryview) -> bool:
        """Return whether content is of no format that anything would load."""
        inner = _Judge(_Findings(), self.budget)
        inner.part(content, "", self.budget.limits.depth)
        return [*inner.findings.unsafe, *inner.findings.unknown] in ([], [_UNKNOWN], ["is empty"])

    def _entry(self, content: memoryview, entry: zip_file.ZipEntry, where: str, depth: int) -> None:
        inside = f"{where}/{entry.name}" if where else entry.name
        try:
            member = zip_file.content_of(content, entry, self.budget)
        except TooMuchError as reason:
            self.findings.unknown.append(f"{inside}: {reason}")
            return
        # Python's own reader takes the target of a link for the content of a file.
        self._member(member, where, depth)

    def _torch(self, content: memoryview, entries: list[zip_file.ZipEntry], where: str, depth: int) -> str:
        """Judge a torch archive: its pickles, and whether the other parts are the storages that they refer to."""
        script = _is_program(entries)
        rooms = _ROOMS if script else _ROOMS[:1]
        storages = {key for entry in entries if (key := _storage_key(entry.name, rooms)) is not None}
        known: dict[tuple[str, str], tuple[str, int]] = {}
        for entry in entries:
            room = next((room for name in entry.names for room in rooms if _last(name) == f"{room}.pkl"), None)
            if room is not None:
                known |= self._torch_pickle(content, entry, room, storages, where, depth, script=script)
        defined = self._definitions(content, entries) if script else set()
        for entry in entries:
            key = _storage_key(entry.name, rooms)
            if key is not None and _holds(entry, known.get(key)):
                self._storage(content[entry.start : entry.start + entry.packed], entry, where, depth)
            elif any(_last(name) == f"{room}.pkl" for name in entry.names for room in rooms):
                continue
            elif script and key is not None and key[0] == _TRACED and not entry.packed:
                # Of the inputs that a program was traced with torch keeps the shapes alone.
                continue
            elif script and torchscript.is_source(entry.name):
                self._source(content, entry, where, depth, defined)
            elif (not entry.name.endswith("/") or entry.packed) and not _is_number(content, entry):
                self._entry(content, entry, where, depth)
        self.findings.parts += 1
        return "torchscript" if script else "torch"

    def _definitions(self, content: memoryview, entries: list[zip_file.ZipEntry]) -> set[str]:
        """Return what the sources of a program define; what cannot be read is doubted where it is judged."""
        defined = set[str]()
        for entry in entries:
            if torchscript.is_source(entry.name):
                with suppress(TooMuchError):
                    body = zip_file.content_of(content, entry, self.budget).content
                    defined |= torchscript.definitions(text.decode(body, self.budget.limits.text_bytes) or "")
        return defined

    def _source(self, content: memoryview, entry: zip_file.ZipEntry, where: str, depth: int, defined: set[str]) -> None:
        """Judge the source of a TorchScript program."""
        inside = f"{where}/{entry.name}" if where else entry.name
        member = self._member_of(content, entry, inside)
        words = None if member is None else text.decode(member.content, self.budget.limits.text_bytes)
        if words is not None:
            self._report(torchscript.read(words, self.budget, defined), inside, depth)
        elif member is not None and len(member.content):
            self.findings.unknown.append(f"{inside}: is no source that torch writes")

    def _member_of(self, content: memoryview, entry: zip_file.ZipEntry, inside: str) -> ArchiveMember | None:
        """Return a part of an archive, with its doubts noted; None if it may not be read."""
        try:
            member = zip_file.content_of(content, entry, self.budget)
        except TooMuchError as reason:
            self.findings.unknown.append(f"{inside}: {reason}")
            return None
        if member.doubt:
            self.findings.unknown.append(f"{inside}: {member.doubt}")
        return member

    def _storage(self, content: memoryview, entry: zip_file.ZipEntry, where: str, depth: int) -> None:
        """Judge raw numbers only as what runs something: a loader of another kind may read the same archive."""
        inside = f"{where}/{entry.name}" if where else entry.name
        if bytes(content[: len(numpy_file.MAGIC)]) == numpy_file.MAGIC:
            self.part(content, inside, depth + 1)
        elif pickle_file.would_run(content, self.budget):
            self.findings.unknown.append(f"{inside}: is a storage, and a pickle that runs something as well")

    def _torch_pickle(
        self,
        content: memoryview,
        entry: zip_file.ZipEntry,
        room: str,
        storages: set[tuple[str, str]],
        where: str,
        depth: int,
        *,
        script: bool,
    ) -> dict[tuple[str, str], tuple[str, int]]:
        inside = f"{where}/{entry.name}" if where else entry.name
        member = self._member_of(content, entry, inside)
        if member is None:
            return {}
        if room == _BYTECODE:
            self._report(torchscript.read_bytecode(member.content, self.budget), inside, depth)
        mine = {key for at, key in storages if at == room}
        part, known = pickle_file.read_torch(member.content, self.budget, mine, script=script)
        self._report(part, inside, depth)
        return {(room, key): storage for key, storage in known.items()}


def _is_program(entries: list[zip_file.ZipEntry]) -> bool:
    """Return whether an archive of torch is a TorchScript program."""
    return any(entry.name.rpartition("/")[2] == "constants.pkl" and entry.listed for entry in entries)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _storage_key(name: str, rooms: tuple[str, ...]) -> tuple[str, str] | None:
    """Return the folder and the key of a raw storage; None if a part is none by its place."""
    folder, _, key = name.rpartition("/")
    room = _last(folder)
    return (room, key) if room in rooms and key.isdigit() else None


def _holds(entry: zip_file.ZipEntry, storage: tuple[str, int] | None) -> bool:
    """Return whether a part is exactly the raw storage that the pickle refers to."""
    size = None if storage is None else pickle_file.storage_bytes(*storage)
    return entry.method == 0 and entry.packed == size and entry.other_name is None


def _is_number(content: memoryview, entry: zip_file.ZipEntry) -> bool:
    """Return whether a part is one of the short notes of torch's archives: a version, a byte order, an id."""
    note = _note(content, entry)
    return entry.method == 0 and (note in (b"little", b"big", b"pt2") or (note.isdigit() and entry.packed <= 64))


def _note(content: memoryview, entry: zip_file.ZipEntry) -> bytes:
    return bytes(content[entry.start : entry.start + min(entry.packed, 1 << 10)]).strip()
