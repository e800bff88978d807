"""Ask an MLflow tracking server about its registered models, by its REST API; its client's pins fight ours.

Paths and fields are those of https://mlflow.org/docs/latest/api_reference/rest-api.html (API 2.0), as servers of
MLflow 2.3 and later offer them: aliases came with 2.3.
"""

import base64
import http.client
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import orjson

from caponier.errors import InputError

REST: Final = "/api/2.0/mlflow"
ARTIFACTS: Final = "/api/2.0/mlflow-artifacts/artifacts"
USER, PASSWORD, TOKEN = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"
"""What MLflow's own client takes its credentials from."""
TIMEOUT: Final = 30.0
"""Seconds of silence after which a server is given up."""
MOST_PAGES: Final = 1_000
"""Of versions; a server that tells of ever more would never be done with."""
LONGEST: Final = 16 * 2**20
"""Bytes of an answer that is read as JSON."""
LONGEST_NUMBER: Final = 18
"""Digits of a version."""
TOLD: Final = 200
"""Characters of a server's own complaint that are repeated."""


BROKEN: Final = (OSError, http.client.HTTPException, ssl.SSLError)
"""What goes wrong with a connection."""


@dataclass(frozen=True)
class Download:
    """A file that is read from a server, to its end or not at all."""

    reply: http.client.HTTPResponse
    where: str

    def read(self, size: int, /) -> bytes:
        """Return at most `size` more bytes; nothing at the end.

        Raises:
            InputError: If the connection breaks before the end.
        """
        try:
            lot = self.reply.read(size)
        except BROKEN as failed:
            what = f"the file broke off: {type(failed).__name__}: {failed}"[:TOLD]
            raise InputError(what, where=self.where, hint="Try again.") from failed
        # Python's client takes the end of a connection for the end of a file, whatever length was announced.
        if not lot and self.reply.length:
            what = f"the file broke off: {self.reply.length:,} bytes are missing"
            raise InputError(what, where=self.where, hint="Try again.")
        return lot


@dataclass(frozen=True)
class MlflowVersion:
    """A version of a registered model, as the server tells it."""

    version: str
    status: str
    """`READY`, or not to be served."""
    tags: Mapping[str, str]


@dataclass(frozen=True)
class MlflowModel:
    """A registered model."""

    name: str
    aliases: Mapping[str, str]
    """The version of each."""
    tags: Mapping[str, str]
    versions: tuple[MlflowVersion, ...]
    """By number, the oldest first."""

    def version(self, name: str) -> MlflowVersion:
        """Return a version.

        Raises:
            InputError: If there is none of that name.
        """
        for one in self.versions:
            if one.version == name:
                return one
        known = ", ".join(one.version for one in self.versions) or "none"
        raise InputError(f"there is no version {name!r} of {self.name}", hint=f"Versions: {known}")


def is_address(text: str) -> bool:
    """Tell the address of a server from the path of a file."""
    return urlsplit(text).scheme in ("http", "https")


@dataclass(frozen=True)
class MlflowServer:
    """A tracking server."""

    address: str
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no address; a password in one would get into records and logs."""
        # Whatever comes before the last @, or after a question mark, may be a secret, and so may what is said of it.
        shown = self.address.rpartition("@")[2].partition("?")[0]
        try:
            parts = urlsplit(self.address)
            _ = parts.port
        except ValueError:
            hint = "Such as http://127.0.0.1:5000"
            raise InputError("this is no address of a server", where=shown, hint=hint) from None
        if parts.username or parts.password:
            hint = f"Set {USER} and {PASSWORD}, or {TOKEN}, as for MLflow's own client."
            raise InputError("the address holds a password, which would be recorded", where=parts.hostname, hint=hint)
        if not is_address(self.address) or not parts.hostname or parts.query or parts.fragment:
            raise InputError("this is no address of a server", where=shown, hint="Such as http://127.0.0.1:5000")

    def model(self, name: str) -> MlflowModel:
        """Return a registered model with all of its versions.

        Raises:
            InputError: If there is none of that name, or the server does not answer as MLflow does.
        """
        plain = self._object(self._asked("GET", f"{REST}/registered-models/get", {"name": name}), "registered_model")
        versions: list[MlflowVersion] = []
        query = {"filter": f"name={_quoted(name)}", "max_results": "200"}
        for _ in range(MOST_PAGES):
            page = self._asked("GET", f"{REST}/model-versions/search", query)
            versions += [
                MlflowVersion(str(one["version"]), str(one.get("status", "READY")), _pairs(one.get("tags")))
                for one in self._list(page, "model_versions")
                if one.get("name") == name and _is_number(str(one.get("version", "")))
            ]
            if not page.get("next_page_token") or page["next_page_token"] == query.get("page_token"):
                break
            query["page_token"] = str(page["next_page_token"])
        else:
            raise InputError(f"there are more than {MOST_PAGES:,} pages of versions of {name}", where=self.address)
        aliases = _pairs(plain.get("aliases"), "alias", "version")
        versions.sort(key=lambda one: int(one.version))
        return MlflowModel(name, aliases, _pairs(plain.get("tags")), tuple(versions))

    def place(self, model: str, version: str) -> str:
        """Return the URI under which the files of a version lie."""
        asked = {"name": model, "version": version}
        return str(self._asked("GET", f"{REST}/model-versions/get-download-uri", asked).get("artifact_uri", ""))

    def aliased(self, model: str, alias: str) -> str:
        """Return the version that an alias names now."""
        answer = self._asked("GET", f"{REST}/registered-models/alias", {"name": model, "alias": alias})
        return str(self._object(answer, "model_version").get("version", ""))

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Let an alias name another version; the server does that in one step."""
        self._asked("POST", f"{REST}/registered-models/alias", {"name": model, "alias": alias, "version": version})

    def set_tag(self, model: str, key: str, value: str, version: str | None = None) -> None:
        """Write a tag of a model, or of one of its versions."""
        about = {"name": model, "key": key, "value": value} | ({"version": version} if version else {})
        self._asked("POST", f"{REST}/{_noun(version)}/set-tag", about)

    def delete_tag(self, model: str, key: str, version: str | None = None) -> None:
        """Take a tag away."""
        about = {"name": model, "key": key} | ({"version": version} if version else {})
        self._asked("DELETE", f"{REST}/{_noun(version)}/delete-tag", about)

    def listed(self, folder: str) -> list[tuple[str, bool]]:
        """Return name and kind (whether it is a folder) of what lies in a folder of the server's artifacts."""
        files = self._list(self._asked("GET", ARTIFACTS, {"path": folder}), "files")
        return [(str(one.get("path", "")), bool(one.get("is_dir"))) for one in files]

    @contextmanager
    def opened(self, path: str) -> Iterator["Download"]:
        """Yield a file of the server's artifacts, to be read."""
        with self._reply("GET", f"{ARTIFACTS}/{quote(path)}") as reply:
            yield Download(reply, f"{self.address}, {path}")

    def _asked(self, method: str, path: str, told: Mapping[str, str]) -> dict[str, Any]:
        query = f"?{urlencode(told)}" if method == "GET" else ""
        body = None if method == "GET" else orjson.dumps(told)
        with self._reply(method, path + query, body) as reply:
            said = reply.read(LONGEST + 1)
        try:
            found = orjson.loads(said) if len(said) <= LONGEST else None
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise InputError("this does not answer as an MLflow server does", where=self.address)
        return found

    @contextmanager
    def _reply(self, method: str, path: str, body: bytes | None = None) -> Iterator[http.client.HTTPResponse]:
        parts = urlsplit(self.address)
        made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = made(parts.hostname or "", parts.port, timeout=TIMEOUT)
        headers = {"Content-Type": "application/json", "User-Agent": "caponier", **self._credentials()}
        try:
            connection.request(method, parts.path.rstrip("/") + path, body, headers)
            reply = connection.getresponse()
            # A redirect is followed nowhere: it could lead a password to somebody else.
            if reply.status // 100 != 2:
                raise self._refused(reply.status, reply.read(LONGEST))
            yield reply
        except (*BROKEN, ValueError) as failed:
            why = f"{type(failed).__name__}: {failed}"[:TOLD]
            raise InputError(
                f"the MLflow server cannot be asked: {why}",
                where=self.address,
                hint="Start it there, or give another address with --registry",
            ) from failed
        finally:
            connection.close()

    def _credentials(self) -> dict[str, str]:
        if user := self.environ.get(USER):
            pair = f"{user}:{self.environ.get(PASSWORD, '')}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        token = self.environ.get(TOKEN)
        if token and not (token.isascii() and token.isprintable()):
            # HTTP cannot carry it, and what its library says of that repeats it.
            hint = "Look for the end of a line in it."
            raise InputError(f"{TOKEN} holds characters that no token holds", where="the environment", hint=hint)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _refused(self, status: int, said: bytes) -> InputError:
        if status in (401, 403):
            hint = f"It takes {USER} and {PASSWORD}, or {TOKEN}, from the environment."
            return InputError(f"the MLflow server does not let us ({status})", where=self.address, hint=hint)
        try:
            why = str(orjson.loads(said)["message"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            why = "no reason was given"
        return InputError(f"the MLflow server refused ({status}): {why[:TOLD]}", where=self.address)

    def _object(self, answer: Mapping[str, Any], key: str) -> dict[str, Any]:
        found = answer.get(key)
        if not isinstance(found, dict):
            raise InputError(f"the answer of the MLflow server has no {key!r}", where=self.address)
        return found

    def _list(self, answer: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        found = answer.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise InputError(f"{key!r} in the answer of the MLflow server is no list of objects", where=self.address)
        return found


def _pairs(plain: Any, key: str = "key", value: str = "value") -> dict[str, str]:
    rows = plain if isinstance(plain, list) else []
    return {str(one[key]): str(one.get(value, "")) for one in rows if isinstance(one, dict) and key in one}


def _is_number(version: str) -> bool:
    return version.isdecimal() and len(version) <= LONGEST_NUMBER


def _noun(version: str | None) -> str:
    return "model-versions" if version else "registered-models"


def _quoted(name: str) -> str:
    """Return a name as the server's filter takes it: in whichever quotes are not in it.

    Raises:
        InputError: If both are.
    """
    if "'" not in name:
        return f"'{name}'"
    if '"' not in name:
        return f'"{name}"'
    raise InputError("a model whose name holds both kinds of quotes cannot be searched for", where=name)
