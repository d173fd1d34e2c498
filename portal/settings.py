"""Every setting of the portal: variable, default and one line of help, read once from the environment.

A secret `PORTAL_X` may stand in a file named by `PORTAL_X_FILE` instead (Docker and Kubernetes secrets).
docs/operate.md lists the same table and a test compares the two.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HOME = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """A setting is missing or wrong; the message says which and what to do."""


def _setting(default: Any, help: str, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class Settings:
    var: Path = _setting(Path("var"), "Folder for the database, keys, lock files and other things that change")
    database_url: str = _setting("", "sqlite:///path or postgres://user:password@host:5432/name; empty: SQLite in PORTAL_VAR")
    base_url: str = _setting("http://127.0.0.1:8000", "Public address of the portal; links in mails are built from it alone")
    host: str = _setting("127.0.0.1", "Address the server listens on")
    port: int = _setting(8000, "Port the server listens on")
    demo: bool = _setting(False, "1: the demo company with its conveniences; never with real people's data")
    master_key: str = _setting("", "32 random bytes in base64 that wrap every data key (portal init makes one)", secret=True)
    former_master_key: str = _setting(
        "", "The master key until now, while `portal vault rotate` changes it; afterwards destroy it", secret=True
    )
    log_key: str = _setting("", "32 random bytes in base64: the Ed25519 seed that signs the audit log", secret=True)
    policies: Path = _setting(HOME / "policies", "Folder of the company's words and rules")
    systems: str = _setting("", "File that lists the connected systems (TOML); empty: none but the portal itself")
    smtp_url: str = _setting("", "smtp://user:password@host:587 for outgoing mail; empty: mails wait", secret=True)
    mail_from: str = _setting("privacy@example.com", "Sender of the portal's mails")
    languages: str = _setting("en,ro", "Languages offered, the first is the fallback; en, ro, th and vi have all words")
    time_zone: str = _setting("Europe/Bucharest", "The controller's time zone: legal dates are dates there")
    trusted_proxies: str = _setting("", "Networks whose X-Forwarded-For is believed, comma-separated")
    outbound_allow: str = _setting("", "Private networks that connectors and webhooks may reach, comma-separated")
    anchor_mail: str = _setting("officers", "Who gets the log's signed state by mail each day: officers, addresses, or nothing")
    timestamp_url: str = _setting("", "Time stamping authority (RFC 3161) that stamps the log's signed state; empty: none")
    timestamp_roots: str = _setting("", "File with the root certificates (PEM) that its time stamps must lead to")
    openid_issuer: str = _setting("", "Issuer of the company's OpenID provider, for customers who sign in with it; empty: none")
    openid_client: str = _setting("", "The portal's client id there")
    openid_secret: str = _setting("", "The portal's client secret there", secret=True)
    witness_url: str = _setting("", "Submission prefix of a C2SP witness that cosigns the log; empty: none")
    witness_key: str = _setting("", "That witness's verifier key: name+0123abcd+base64")
    processes: int = _setting(1, "How many processes answer requests; beside several, one more does the jobs and signs the log")
    log_open: bool = _setting(
        False, "1: anybody may read the log's tiles and entries below /audit/; how much of what happens here shows in them"
    )
    worker: bool = _setting(True, "0: this process only serves; `portal work` does the jobs and signs the log elsewhere")
    body_limit: int = _setting(1_000_000, "Largest request body in bytes")
    files_limit: int = _setting(10_000_000, "Largest message with files that a person may send, in bytes")
    list_limit: int = _setting(500_000_000, "Largest list (imports, scrubs) that another program may send, in bytes")
    api_per_minute: int = _setting(60_000, "Requests that one key of another program may send in a minute")
    choices_per_minute: int = _setting(600, "Answers of visitors that one network may send a website in a minute")
    undo_seconds: int = _setting(60, "How long answers to several requests at once can be undone before they are given")
    log_level: str = _setting("info", "debug, info, warning or error")

    @cached_property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.var / 'portal.db'}"

    @cached_property
    def is_sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    @cached_property
    def language_list(self) -> list[str]:
        return [language.strip() for language in self.languages.split(",") if language.strip()]


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of an environment; raises SettingsError naming the variable that is wrong."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for each in fields(Settings):
        text = _text(environ, f"PORTAL_{each.name.upper()}", secret=each.metadata["secret"])
        if text is not None:
            values[each.name] = _parse(f"PORTAL_{each.name.upper()}", type(each.default), text)
    _require_whole_provider(values)
    return Settings(**values)


def _text(environ: Mapping[str, str], variable: str, *, secret: bool) -> str | None:
    path = environ.get(f"{variable}_FILE") if secret else None
    if path:
        try:
            return Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else "it is no text"
            raise SettingsError(f"{variable}_FILE names {path}, which cannot be read: {why}.") from problem
    return environ.get(variable)


def _parse(variable: str, kind: type, text: str) -> Any:
    if kind is bool:
        return text.strip().lower() in {"1", "true", "yes", "on"}
    if kind is int:
        try:
            return int(text)
        except ValueError as problem:
            raise SettingsError(f"{variable} must be a whole number, not {text!r}.") from problem
    return Path(text) if issubclass(kind, Path) else text


def _require_whole_provider(values: Mapping[str, Any]) -> None:
    """Half of it would be a button that leads nowhere; without TLS, whoever stands between could be anybody there."""
    issuer = values.get("openid_issuer", "")
    if issuer and not is_by_tls(issuer):
        raise SettingsError(f"PORTAL_OPENID_ISSUER must begin with https://, not {issuer!r}.")
    if issuer and not (values.get("openid_client") and values.get("openid_secret")):
        raise SettingsError("Beside PORTAL_OPENID_ISSUER, PORTAL_OPENID_CLIENT and PORTAL_OPENID_SECRET have to be set.")


def is_by_tls(address: str) -> bool:
    """Whether nobody on the way can read or change what is said there: TLS, or it stays on this machine."""
    try:
        place = urlsplit(address)
        _port = place.port  # raises where it is none
    except ValueError:
        return False
    return bool(place.hostname) and (
        place.scheme == "https" or (place.scheme == "http" and place.hostname in ("127.0.0.1", "localhost", "::1"))
    )


_in_use: Settings | None = None


def get() -> Settings:
    """The settings in use: those of the environment unless `use` said otherwise."""
    global _in_use
    if _in_use is None:
        _in_use = load()
    return _in_use


def use(settings: Settings) -> Settings:
    """Take these settings from now on (start-up, command lines, tests)."""
    global _in_use
    _in_use = settings
    return settings
