"""Syslog: RFC 3164 as `auth.log` and `messages` have it, RFC 5424, rsyslog's ISO template, and journald's JSON.

What sshd, sudo, su, PAM and cron say is read out of their messages; their forms are those of OpenSSH's `auth.c` and
`packet.c`, sudo's `logging.c`, Linux-PAM's `pam_unix` and cron's `do_command.c`. journald's fields are those of
systemd.journal-fields(7).
"""

import re
from datetime import UTC, datetime
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native import databases
from caponier.telemetry.security_logs.native.network import firewalls
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS, ObjectFormat, Parsed, Stateless, fill, made
from caponier.telemetry.security_logs.sources import LogSource

READ: Final = 8_192
"""Characters of a message that are looked at: RFC 5424 asks for no more, and what matters stands at its beginning."""
STRUCTURED: Final = "structureddata"
_HEAD: Final = r"(?:<\d{1,3}>)?"
_TAG: Final = r"(\S+) (?:: )?(?!\d{1,3}\.\d{1,3}\.\d)([^\s:\[{][^\s:\[]{0,63})(?:\[(\d+)\])?: ?(.*)"
_OLD: Final = re.compile(
    rf"{_HEAD}([A-Z][a-z]{{2}}) +(\d{{1,2}}) (?:(\d{{4}}) )?(\d\d:\d\d:\d\d(?:\.\d+)?):? {_TAG}", re.DOTALL
)
_ISO: Final = re.compile(rf"{_HEAD}(\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)) {_TAG}", re.DOTALL)
_UNTAGGED: Final = re.compile(
    rf"(?:{_HEAD}([A-Z][a-z]{{2}}) +(\d{{1,2}}) (\d\d:\d\d:\d\d(?:\.\d+)?)"
    r"|<\d{1,3}>(\d{4}-\d\d-\d\dT\S{8,27})) (\S{1,255}) "
    r"(\{\".*\}|[A-Za-z_][\w.\-]{0,63}=(?:\"|[^\s=\"]).*)",
    re.DOTALL,
)
"""A record straight behind the host, with no program before it."""
_HOSTLESS: Final = re.compile(
    rf"{_HEAD}([A-Z][a-z]{{2}}) +(\d{{1,2}}) (\d\d:\d\d:\d\d(?:\.\d+)?) ([^\s:\[\]]{{1,64}})\[(\d+)\]: ?(.*)", re.DOTALL
)
"""As a program writes it to the log of its own host."""
_FULL: Final = re.compile(rf"[A-Z][a-z]{{2}} (\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? UTC) {_TAG}", re.DOTALL)
"""As `journalctl -o short-full` prints it."""
_NEW: Final = re.compile(
    r"(?:<\d{1,3}>)?(?:1 (?=\S)|(?=\d{4}-\d\d-\d\dT[^\[]{16,512} \[[^\s\]]{1,64}@))"
    r"(\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]\\]|\\.)*+\])+)(?: \ufeff?(.*))?",
    re.DOTALL,
)
_COUNTED: Final = re.compile(r"\d{1,6} (?=<\d{1,3}>)")
"""How many bytes follow, as RFC 6587 has it before a message over TCP."""
_LEVELS: Final = frozenset(["DEBUG", "INFO", "NOTICE", "WARNING", "ERR", "ERROR", "CRIT", "ALERT", "EMERG"])
"""What stands in the place of the host where a template leaves that out, as ChromeOS's does."""
# A name may hold blanks, and claim an address of its own: the last one is what sshd saw.
_ACCEPTED: Final = re.compile(
    r"(Accepted|Failed|Postponed) (\S+) for (?:invalid user )?(.*) from (\S+) port (\d+)(?: .*)?", re.DOTALL
)
_KEYED: Final = re.compile(
    r"(Accepted|Failed) (publickey|hostbased) for (?:invalid user )?(.*?) from (\S+) port (\d+) ssh2: \S+ \S+"
    r"(?: ID .* \(serial \d+\) CA \S+ \S+)?",
    re.DOTALL,
)
"""Behind the address a certificate has a name that its owner chose."""
_INVALID: Final = re.compile(r"Invalid user (.*) from (\S+)(?: port (\d+))?", re.DOTALL)
_PAM: Final = re.compile(
    r"pam_\w+\([^)]*\): (?:session (?:opened|closed) for user ([^\s(]+)"
    # What somebody calls himself stands before where he comes from: the last such word is PAM's own.
    r"|(authentication failure)(?:.* rhost=(\S*))?(?:.*?\buser=(\S+))?)",
    re.DOTALL,
)
_SUDO: Final = re.compile(
    r"\s*(\S+) : (?:([^;=]+?) ; )?(?:HOST=\S+ ; )?TTY=(\S+) ; PWD=(.*?) ; USER=(\S+) ;"
    r"(?: GROUP=\S+ ;)?(?: TSID=\S+ ;)?(?: ENV=.*? ;)? COMMAND=(.*)",
    re.DOTALL,
)
_CRON: Final = re.compile(r"\(([^\s()]+)\) CMD \(\s*(.*?)\s*\)", re.DOTALL)
"""A command that cron starts, as Vixie's cron and cronie log it."""
_BECAME: Final = re.compile(r" ; USER=(\S+) ;")
_RAN: Final = re.compile(r"; COMMAND=(\S+)")
"""A folder may be called so, and a command be told so: where two stand, nobody can tell which one sudo wrote."""
_AUTHORISING: Final = frozenset(
    ["su", "login", "systemd-logind", "polkitd", "useradd", "usermod", "passwd", "groupadd"]
)
_CRONS: Final = frozenset(["cron", "crond"])
_DATABASES: Final = ("postgres", "mysqld", "mariadbd", "clickhouse")
_OWN_SERVICE: Final = {"cron": "cron", "crond": "cron", "clamd": "clamav", "vsftpd": "vsftpd", "guacd": "guacamole"}


def of_program(program: str, message: str, fields: Fields) -> LogSource:
    """Read the message of a program, fill its fields in, and say what it is of."""
    name, message = program.rsplit("/", 1)[-1].lower(), message[:READ]
    if name.startswith("sshd"):
        return _sshd(message, fields)
    if name == "sudo":
        return _sudo(message, fields)
    if name in _CRONS and (started := _CRON.fullmatch(message)):
        fields.update(made({"user": started[1], "commandline": started[2]}))
        return LogSource("linux", "process_creation", "cron")
    if name in _AUTHORISING:
        return _pam(message, fields, "auth")
    if name == "kernel" and (found := firewalls.netfilter(message, fields)):
        return found
    if name[:1] == "%" and (found := firewalls.cisco(f"{program}: {message}", fields)):
        return found
    if name.startswith(_DATABASES):
        severity, colon, said = message.partition(":  ")
        told = databases.told(said if colon and severity.isupper() else message, fields, "linux")
        return told._replace(service="syslog")
    return LogSource("linux", None, _OWN_SERVICE.get(name, "syslog"))


def _sshd(message: str, fields: Fields) -> LogSource:
    if found := _ACCEPTED.match(message):
        said, method, user, address, port = found.groups()
        if said == "Postponed":
            return LogSource("linux", None, "sshd")
        keyed = _KEYED.fullmatch(message)
        if keyed and keyed.groups() != found.groups():
            # Whoever was let in has an account, and nobody gave that such a name; of others either may be chosen.
            user, address, port = keyed.groups()[2:] if said == "Accepted" else (None, None, None)
        fields.update(made({"user": user, "src_ip": address, "src_port": port, "method": method}))
        fields["outcome"] = SUCCESS if said == "Accepted" else FAILURE
        return LogSource("linux", "authentication", "sshd")
    if found := _INVALID.match(message):
        fields.update(made({"user": found[1], "src_ip": found[2], "src_port": found[3], "outcome": FAILURE}))
        return LogSource("linux", "authentication", "sshd")
    return _pam(message, fields, "sshd")


def _sudo(message: str, fields: Fields) -> LogSource:
    if found := _SUDO.match(message):
        user, refusal, tty, folder, target, command = found.groups()
        # As Sigma's rules for sudo call them; `user` is who became another.
        fields.update(made({"user": user, "tty": tty, "pwd": folder, "target_user": target, "command": command}))
        fields["outcome"] = FAILURE if refusal else SUCCESS
        if len(set(_BECAME.findall(message))) > 1:
            del fields["target_user"]
        if not refusal:
            ran = set(_RAN.findall(message))
            image = min(ran) if len(ran) == 1 else None
            fields.update(made({"commandline": command, "image": image, "currentdirectory": folder}))
            return LogSource("linux", "process_creation", "sudo")
        return LogSource("linux", None, "sudo")
    return _pam(message, fields, "sudo")


def _pam(message: str, fields: Fields, service: str) -> LogSource:
    found = _PAM.match(message)
    if found is None:
        return LogSource("linux", None, service)
    user, failed, address, other = found.groups()
    fields.update(made({"user": user or other, "src_ip": address}))
    if failed:
        fields["outcome"] = FAILURE
        return LogSource("linux", "authentication", service)
    # That a session opens says nothing of where from; sshd has said it already.
    return LogSource("linux", None, service)


def _parse(text: str) -> Parsed:
    if text[:1].isdigit() and (counted := _COUNTED.match(text)):
        text = text[counted.end() :]
    if found := _OLD.fullmatch(text):
        month, day, year, clock, host, program, pid, message = found.groups()
        try:
            time = _moment(month, day, year, clock)
        except ValueError:
            return None
        return _made(time, host, program, pid, message)
    if found := _ISO.fullmatch(text) or _FULL.fullmatch(text):
        stamp, host, program, pid, message = found.groups()
        return _made(stamps.iso(stamp), host, program, pid, message)
    if found := _UNTAGGED.fullmatch(text):
        month, day, clock, stamp, host, message = found.groups()
        try:
            return _made(stamps.iso(stamp) if stamp else _moment(month, day, None, clock), host, "-", None, message)
        except ValueError:
            return None
    if found := _HOSTLESS.fullmatch(text):
        month, day, clock, program, pid, message = found.groups()
        try:
            return _made(_moment(month, day, None, clock), "-", program, pid, message)
        except ValueError:
            return None
    if found := _NEW.fullmatch(text):
        stamp, host, program, pid, _, data, message = found.groups()
        fields, origin, at = _made(None if stamp == "-" else stamps.iso(stamp), host, program, pid, message or "")
        return {**fields, **made({STRUCTURED: data})}, origin, at
    return None


def _moment(month: str, day: str, year: str | None, clock: str) -> int:
    if year is None:
        return stamps.without_year(month, day, clock, datetime.now(UTC))
    return stamps.any_time(f"{month} {day} {year} {clock}")


def _made(
    time: int | None, host: str, program: str, pid: str | None, message: str
) -> tuple[Fields, LogSource, int | None]:
    if host in _LEVELS:
        host = "-"
    fields = made({"host": host, "program": program, "pid": pid, "message": message})
    return fields, of_program(program, message, fields), time


def reader() -> Stateless:
    """Return a reader of syslog lines."""
    return Stateless("syslog", _parse)


def _is_journal(fields: Fields) -> bool:
    return "__realtime_timestamp" in fields and "message" in fields


def _journal(fields: Fields) -> LogSource:
    fill(fields, {"host": "_hostname", "program": ("syslog_identifier", "_comm"), "pid": "_pid"})
    return of_program(str(fields.get("program", "")), str(fields["message"]), fields)


JOURNAL: Final = ObjectFormat(
    "systemd journal", _is_journal, _journal, ("_source_realtime_timestamp", "__realtime_timestamp")
)
