"""What the owner has set: `selftimer.toml` < `.env` < environment < systemd credentials.

Variables are `SELFTIMER_SECTION__KEY`. Secrets come from the three above the file only and are `SecretStr`. Every
mistake is a `ConfigError` that names the file and line, or the variable.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from selftimer.errors import ConfigError, WorkspaceError
from selftimer.facts.world import StudioFacts
from selftimer.plan.policy import Breaker, Cadence, Caps, Flood, Policy
from selftimer.rulebook.model import Where
from selftimer.settings.outside import Notify, Receiver, Webhooks, spoken_field
from selftimer.settings.places import FILE, PREFIX, Origin
from selftimer.settings.sections import (
    LOOPBACK,
    Account,
    BreakerSection,
    CapsSection,
    FloodSection,
    Limits,
    Log,
    Polling,
    RulesSection,
    StoreSection,
    Studio,
    mailed,
    patterns,
    spoken,
)

if TYPE_CHECKING:
    from pydantic_settings import PydanticBaseSettingsSource

__all__ = ["FILE", "STOP_FILE", "Log", "Settings"]
STOP_FILE = "PAUSE"
_CREDENTIALS = ("password", "cookie", "email")


class Settings(BaseSettings):
    """All settings of one workspace, checked. Made by `load`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        dotenv_filtering="only_existing",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    studio: Studio
    fallbacks: Annotated[dict[str, str], BeforeValidator(spoken)] = Field(default_factory=dict)
    kinds: dict[str, Annotated[tuple[str, ...], BeforeValidator(patterns)]] = Field(default_factory=dict)
    studio_mails: Annotated[dict[str, str], BeforeValidator(mailed)] = Field(default_factory=dict)
    account: Account = Account()
    polling: Polling = Polling()
    caps: CapsSection = CapsSection()
    flood: FloodSection = FloodSection()
    breaker: BreakerSection = BreakerSection()
    limits: Limits = Limits()
    rules: RulesSection = RulesSection()
    store: StoreSection = StoreSection()
    log: Log = Log()
    webhooks: Webhooks = Field(default_factory=dict)
    receiver: Receiver = Receiver()
    notify: Notify = Notify()
    email: str | None = Field(default=None, repr=False)
    """`SELFTIMER_EMAIL`, a shorter way to say `account.email`."""
    password: SecretStr | None = None
    cookie: SecretStr | None = None
    _workspace: Path = PrivateAttr(default=Path())
    _origin: Origin = PrivateAttr(default_factory=lambda: Origin("", ""))

    @classmethod
    def load(cls, workspace: Path) -> Settings:
        """The settings of that folder; `ConfigError` with every mistake, `WorkspaceError` where there are none."""
        folder = workspace.resolve()
        text, document = _read(folder)
        origin = Origin(text, _text(folder / ".env") or "")
        problems = [
            *origin.secrets(document),
            *origin.torn_lines(),
            *origin.unknown_variables(set(cls.model_fields)),
        ]
        if problems:
            raise ConfigError("\n".join(problems))
        try:
            settings = cls(_env_file=folder / ".env", _env_file_encoding="utf-8", **document)
        except ValidationError as error:
            raise ConfigError("\n".join(origin.sentences(cls, error.errors()))) from None
        except SettingsError as error:
            raise ConfigError(f"{error}: a variable for a whole section must be JSON") from None
        settings._workspace = folder
        settings._origin = origin
        return settings

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        """`SELFTIMER_EMAIL` is `account.email`."""
        if isinstance(data, dict) and data.get("email") and isinstance(data.get("account", {}), dict):
            data = {**data, "account": {**data.get("account", {}), "email": data["email"]}}
        return data

    @model_validator(mode="after")
    def _signed(self) -> Self:
        for name, hook in self.webhooks.items():
            variable = f"{PREFIX}WEBHOOKS__{name.upper().replace('-', '_')}__"
            if hook.url is not None and hook.secret is None:
                raise ValueError(
                    f"[webhooks.{name}] has no secret to sign with: put it into .env as {variable}SECRET=whsec_…"
                )
            if hook.fields and hook.secret is None and hook.token is None:
                raise ValueError(
                    f"[webhooks.{name}] has nothing to know its callers by: put {variable}SECRET=whsec_… into .env, or "
                    f"{variable}TOKEN=… for a form that can't sign"
                )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The highest first; `selftimer.toml` comes as the arguments."""
        del file_secret_settings  # it would want the prefix in file names; systemd's credentials are plain words
        return InitSettingsSource(settings_cls, _credentials()), env_settings, dotenv_settings, init_settings

    @property
    def workspace(self) -> Path:
        """The folder that they belong to."""
        return self._workspace

    def where(self, secret: str) -> str:
        """Where `password`, `cookie` or `email` was set, for a sentence about it."""
        if secret in _credentials():
            return f"the systemd credential {secret!r}"
        place = self._origin.where(secret)
        return place if place.startswith("the variable") else f"{PREFIX}{secret.upper()} ({place})"

    def place(self, *path: str) -> Where:
        """Where in `selftimer.toml` a setting stands, for a problem that is shown beside its line."""
        return Where(FILE, *self._origin.spot(*path))

    def where_is(self, *path: str) -> str:
        """Where a setting was set: `selftimer.toml:7`, `.env:2` or the variable's name."""
        return self._origin.where(*path)

    def notes(self) -> list[str]:
        """What isn't wrong but should be looked at, as sentences."""
        dotenv = self._workspace / ".env"
        if dotenv.is_file() and dotenv.stat().st_mode & 0o077:
            return [f"{dotenv} can be read by other users of this machine; run 'chmod 600 {dotenv}'"]
        return []

    @property
    def state_folder(self) -> Path:
        """Where database, send journal and lock are."""
        return self.database_path.parent

    @property
    def database_path(self) -> Path:
        """The database's file."""
        return self._workspace / self.store.path.expanduser()

    @property
    def stop_file(self) -> Path:
        """While this file is there nothing is sent; what stands in it is the reason."""
        return self._workspace / STOP_FILE

    @property
    def log_file(self) -> Path | None:
        """The log's file, if one is wanted."""
        return self._workspace / self.log.file.expanduser() if self.log.file else None

    @property
    def sandboxed(self) -> bool:
        """Whether the studio is a sandbox on this machine, which may have its own clock."""
        return urlsplit(self.account.url).hostname in LOOPBACK

    def at_studio(self, url: str, *, email: str, password: str) -> Settings:
        """The same for a studio elsewhere, such as a sandbox in this process: its address and its account."""
        account = self.account.model_copy(update={"url": url, "email": email, "account_id": None})
        return self.model_copy(update={"account": account, "password": SecretStr(password), "cookie": None})

    def policy(self) -> Policy:
        """What the pure floors need of them."""
        return Policy(
            zone=self.studio.time_zone,
            quiet_hours=self.studio.quiet_hours,
            caps=Caps(**self.caps.model_dump()),
            flood=Flood(**self.flood.model_dump()),
            breaker=Breaker(**self.breaker.model_dump()),
            cadence=Cadence(**self.polling.model_dump()),
            late=self.limits.late,
            approval_days=self.limits.approval_days,
            concurrency=self.limits.concurrency,
            away_hours=self.limits.away_hours,
            free_megabytes=self.limits.free_megabytes,
            fault_tries=self.limits.fault_tries,
            keep_traces_days=self.store.keep_traces_days,
        )

    def facts(self) -> StudioFacts:
        """The studio itself, as rules and messages see it."""
        shown = {field.name for field in dataclass_fields(StudioFacts)} & set(Studio.model_fields)
        said = {name: getattr(self.studio, name) for name in shown}
        return StudioFacts(
            **said,
            zone=self.studio.time_zone,
            kinds=self.kinds,
            fallbacks=self.fallbacks,
            webhooks=tuple(sorted(name for name, hook in self.webhooks.items() if hook.url is not None)),
            hooks={
                n: tuple(spoken_field(f) for f in hook.fields)
                for n, hook in sorted(self.webhooks.items())
                if hook.fields
            },
            mails=self.studio_mails,
        )


def _read(folder: Path) -> tuple[str, dict[str, Any]]:
    text = _text(folder / FILE)
    if text is None:
        raise WorkspaceError(
            f"{folder} is not a workspace: it has no {FILE}. Make one with 'selftimer init {folder}', "
            f"or say where it is with --workspace"
        )
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        where = f"{FILE}:{place[1]}:{place[2]}" if place else FILE
        raise ConfigError(f'{where}: {str(error).split(" (at ")[0]}; texts need quotes: name = "Studio"') from None


def _text(path: Path) -> str | None:
    """What stands in a file; None where there is none."""
    try:
        return path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise WorkspaceError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path.name}: this is not UTF-8 text; save the file as UTF-8") from None


def _credentials() -> dict[str, Any]:
    """What systemd handed over by LoadCredential, in files that are named as `_credential` says."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return {}
    found: dict[str, Any] = {}
    for file in sorted(Path(folder).iterdir()):
        if (path := _credential(file.name)) is not None and file.is_file():
            inner = found
            for part in path[:-1]:
                inner = inner.setdefault(part, {})
            inner[path[-1]] = file.read_text("utf-8").strip()
    return found


def _credential(name: str) -> tuple[str, ...] | None:
    """The setting that a credential's file is for."""
    if name in _CREDENTIALS:
        return (name,)
    if webhook := re.match(r"webhook-(.+)-(secret|token)\Z", name):
        return "webhooks", webhook[1], webhook[2]
    return {
        "notify-email-password": ("notify", "email", "password"),
        "notify-webhook-token": ("notify", "webhook", "token"),
    }.get(name)
