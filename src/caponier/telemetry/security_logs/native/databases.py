"""Logs of database servers: PostgreSQL, MySQL's general log, and the audit plugin of MariaDB.

PostgreSQL writes what `log_line_prefix` says before the severity, so the prefix is only searched for who and where;
its forms are those of "Error Reporting and Logging", of Debian's packages and of Amazon RDS. MySQL names the account of
a connection once, when it begins.
"""

import csv
import re
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS, ObjectFormat, Record, fill, made
from caponier.telemetry.security_logs.sources import LogSource

DATABASE: Final = "database"
_HEAD: Final = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) ([A-Z]{3,5}|[+-]\d\d(?::?\d\d)?)([^\n]{0,300}?)"
    r"\b(LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|STATEMENT|DETAIL|HINT|CONTEXT):  (?! )(.*)",
    re.DOTALL,
)
"""Any program may write a time and a severity. PostgreSQL always has a zone and two blanks there."""
_SEVERITY: Final = re.compile(r"\b(?:LOG|ERROR|FATAL|PANIC):  \S")
_STATEMENTS: Final = ("statement: ", "execute ", "parse ", "bind ", "duration: ", "AUDIT: ")
_WHO: Final = re.compile(r"(?<![\w.\-@])(?:user=)?([\w.\-]+)(?:@|,db=)([\w.\-]+)(?![\w.\-@])")
_FROM: Final = re.compile(
    r"(?:^|[\s:=,])((?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]*:[0-9a-fA-F:]+:[0-9a-fA-F]+)(?=\(|[\s,\]:]|$)"
)
_ASKED: Final = re.compile(
    r"(?:duration: \S+ ms {1,2})?(?:statement|execute [^:]{1,80}|parse [^:]{1,80}): (.*)", re.DOTALL
)
_REFUSED: Final = re.compile(r'password authentication failed for user "(.{1,128})"(?=$|\n)')
_LET_IN: Final = re.compile(r"connection authorized: user=(\S+)(?: database=(\S+))?")
_TABLE: Final = re.compile(
    r"(?i)\b(?:update|insert\s+into|delete\s+from|truncate(?:\s+table)?|drop\s+table|merge\s+into|from|join"
    # What a warehouse copies into may be a place outside, which is no table.
    r"|copy(?!\s+into))\s+"
    r'(?:only\s+|if\s+exists\s+)?["`]?([\w.$]{1,128})'
)
_MYSQL: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))\s+(\d{1,12}) ([A-Z][a-z]+(?: [A-Z]+)?)\t(.*)",
    re.DOTALL,
)
_DENIED: Final = re.compile(r"Access denied for user '(.{0,128})'@'([^']{0,255})'(?= |$)")
_CONNECT: Final = re.compile(r"(.{1,128}?)@([^@\s]*) on (.{0,64}?)(?: using .*)?")
_CONNECTED: Final = re.compile(r"@[^@\s]* on ")
_MARIA: Final = re.compile(
    # A name may hold commas: the first place from which the rest is as the plugin writes it is where the name ends.
    r"(\d{8} \d\d:\d\d:\d\d),([^,]*),(.{0,256}?),([^,]*),\d+,\d+,([A-Z_]+),([^,]*),"
    r"(?:'((?:[^'\\]|\\.|''|'(?!,\d+$))*+)'|([^,']*)),(\d+)",
    re.DOTALL,
)
_FAILED: Final = frozenset(["ERROR", "FATAL", "PANIC"])
_CONNECTIONS: Final = 10_000
"""Accounts of MySQL's connections that are remembered."""
_READ: Final = 8_192
_TABLES: Final = 16
"""Tables of one statement that are looked for."""
_AUDITED: Final = re.compile(
    r"AUDIT: (?:SESSION|OBJECT),\d+,\d+,[A-Z_]*,[A-Z_ ]*,[A-Z_ ]*,(\"[^\"]*\"|[^,]*),(.*)", re.DOTALL
)
"""As pgAudit writes what was asked: kind and name of the object, the statement, and its parameters."""


def told(message: str, fields: Fields, product: str) -> LogSource:
    """Fill in what a line of a database says: a statement with the table it is about, or a login."""
    if found := _ASKED.match(message):
        stated(found[1], fields)
    elif found := _AUDITED.match(message):
        fields.update(made({"object": found[1].strip('"')}))
        cells = next(csv.reader([found[2][:_READ]]), [""])
        stated(cells[0], fields)
    elif found := _REFUSED.search(message[:_READ]):
        fields.update(made({"user": found[1], "outcome": FAILURE}))
        return LogSource(product, "authentication", "server")
    elif found := _LET_IN.match(message):
        fields.update(made({"user": found[1], "database_name": found[2], "outcome": SUCCESS}))
        return LogSource(product, "authentication", "server")
    return LogSource(product, DATABASE, "server")


def stated(statement: str, fields: Fields) -> None:
    """Fill in a statement and the tables that it is about, of which each goes by its bare name, too."""
    fields["statement"] = statement
    tables = list(dict.fromkeys(_TABLE.findall(statement[:_READ])))[:_TABLES]
    if tables:
        fields.setdefault("object", tables[0])
        fields.setdefault("table", ", ".join(dict.fromkeys(name.rpartition(".")[2] for name in tables)))


class DatabaseReader:
    """Reads the lines of one file; of MySQL it remembers who began which connection."""

    name = "database log (PostgreSQL, MySQL)"

    def __init__(self) -> None:
        self._accounts: dict[str, Fields] = {}

    def read(self, text: str, line: int) -> list[Record] | None:
        """Return the event of a line."""
        for parse in (_postgres, self._mysql, _maria):
            if (found := parse(text)) is not None:
                return [Record(*found, line, self.name)]
        return None

    def rest(self) -> list[Record]:
        """Return nothing: no event is ever waiting."""
        return []

    def _mysql(self, text: str) -> tuple[Fields, LogSource, int] | None:
        found = _MYSQL.fullmatch(text)
        if found is None:
            return None
        stamp, connection, command, said = found.groups()
        fields = made({"message": said, "command": command})
        if command == "Connect" and len(_CONNECTED.findall(said)) > 1:
            # Name and database are what the client says: from where it comes stands between them, or within one.
            self._accounts.pop(connection, None)
            return fields, LogSource("mysql", "authentication", "server"), stamps.iso(stamp)
        if command == "Connect" and (who := _CONNECT.fullmatch(said)):
            if len(self._accounts) >= _CONNECTIONS:
                self._accounts.clear()
            self._accounts[connection] = made({"user": who[1], "src_ip": who[2], "database_name": who[3]})
            # Before the password is looked at: how it ended is told only if it was refused.
            fields.update(self._accounts[connection])
            return fields, LogSource("mysql", "authentication", "server"), stamps.iso(stamp)
        if command == "Connect" and (who := _DENIED.match(said)):
            self._accounts.pop(connection, None)
            fields.update(made({"user": who[1], "src_ip": who[2], "outcome": FAILURE}))
            return fields, LogSource("mysql", "authentication", "server"), stamps.iso(stamp)
        fields.update(self._accounts.get(connection, {}))
        if command in ("Query", "Execute"):
            stated(said, fields)
        return fields, LogSource("mysql", DATABASE, "server"), stamps.iso(stamp)


def _postgres(text: str) -> tuple[Fields, LogSource, int] | None:
    found = _HEAD.fullmatch(text)
    if found is None:
        return None
    stamp, zone, prefix, severity, message = found.groups()
    fields = made({"message": message, "severity": severity})
    # Name, database and application are what the client says; whom it says twice and differently, nobody can tell.
    if len(who := set(_WHO.findall(prefix))) == 1:
        fields["user"], fields["database_name"] = who.pop()
    if len(addresses := set(_FROM.findall(prefix))) == 1:
        fields["src_ip"] = addresses.pop()
    # An abbreviation of a zone means several; servers of databases run in UTC.
    time = stamps.any_time(stamp + (zone if zone[0] in "+-" else ""))
    if not message.startswith(_STATEMENTS) and _SEVERITY.search(message, 0, _READ):
        # What stands before it was a name, or behind it a message: no login can be told from it.
        return {"message": text}, LogSource("postgresql", DATABASE, "server"), time
    if severity in _FAILED:
        fields["outcome"] = FAILURE
    return fields, told(message, fields, "postgresql"), time


def _maria(text: str) -> tuple[Fields, LogSource, int] | None:
    found = _MARIA.fullmatch(text)
    if found is None:
        return None
    stamp, host, user, address, kind, database, quoted, bare, code = found.groups()
    statement = bare if quoted is None else quoted
    fields = made({"host": host, "user": user, "src_ip": address, "command": kind, "database_name": database})
    fields["outcome"] = SUCCESS if code == "0" else FAILURE
    if kind in ("CONNECT", "FAILED_CONNECT"):
        return fields, LogSource("mysql", "authentication", "audit"), _compact(stamp)
    # As of the other servers, whose messages are what rules search.
    fields["message"] = statement
    stated(statement, fields)
    return fields, LogSource("mysql", DATABASE, "audit"), _compact(stamp)


def _compact(stamp: str) -> int:
    return stamps.iso(f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:]}Z")


def _is_json(fields: Fields) -> bool:
    return "error_severity" in fields and "message" in fields and "pid" in fields


def _json(fields: Fields) -> LogSource:
    fill(fields, {"database_name": "dbname", "src_ip": "remote_host"})
    if fields["error_severity"] in _FAILED:
        fields["outcome"] = FAILURE
    return told(str(fields["message"]), fields, "postgresql")


JSON: Final = ObjectFormat("PostgreSQL (JSON)", _is_json, _json, ("timestamp",))
