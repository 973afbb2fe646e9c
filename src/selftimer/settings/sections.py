"""The sections of `selftimer.toml`, each key with its check and its sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from selftimer.errors import ConfigError
from selftimer.facts.schema import SCHEMA
from selftimer.plan.policy import Breaker, Cadence, Caps, Flood, Policy, QuietHours
from selftimer.primitives.time import Span, check_zone, parse_time
from selftimer.settings.countries import listed
from selftimer.settings.places import similar

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_NIGHT = re.compile(r"(\d\d:\d\d) ?- ?(\d\d:\d\d)\Z")
_CADENCE, _CAPS, _POLICY = Cadence(), Caps(), Policy(zone="UTC")
_FLOOD, _BREAKER = Flood(), Breaker()
STATE_FOLDER = ".selftimer"


def _zone(name: str) -> str:
    return check_zone(name)


def _locale(name: str) -> str:
    from babel import Locale, UnknownLocaleError

    plain = name.strip().replace("-", "_")
    try:
        Locale.parse(plain)
    except (UnknownLocaleError, ValueError) as error:
        raise ValueError(
            f"{name!r} is not a known language and country; write one like 'en_GB', 'en_US' or 'de_DE'"
        ) from error
    return plain


def _currency(code: str) -> str:
    from babel.numbers import list_currencies

    if code.upper() not in list_currencies():
        raise ValueError(f"{code!r} is not a currency; write the three letters of ISO 4217, like 'eur' or 'usd'")
    return code.lower()


def _country(code: str) -> str:
    country, _, part = code.upper().partition("-")
    if not code or listed(country, part):
        return code.upper()
    from holidays import list_supported_countries

    known = list_supported_countries()
    if country not in known:
        raise ValueError(f"no public holidays are known for {code!r}; write two letters like 'DE', or '' for none")
    if part and part not in known[country]:
        raise ValueError(f"{country} has no part {part!r}; known are {', '.join(known[country]) or 'none'}")
    return code.upper()


def _night(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    if text.strip().lower() in {"", "none"}:
        return None
    found = _NIGHT.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} are not quiet hours; write them like '21:00-08:00', or '' for none")
    return QuietHours(parse_time(found[1]), parse_time(found[2]))


def _span(text: Any) -> Any:
    return Span.parse(text) if isinstance(text, str) else text


def _url(text: str) -> str:
    parts = urlsplit(text)
    local = parts.hostname in LOOPBACK
    if not parts.hostname or parts.scheme not in ({"https", "http"} if local else {"https"}):
        raise ValueError(f"{text!r} must be an address that begins with https:// (http:// only for this machine)")
    if parts.path.rstrip("/") or parts.query or parts.username:
        raise ValueError(f"{text!r} must be the bare address, like https://studio.pixieset.com")
    return text.rstrip("/")


def patterns(value: Any) -> Any:
    """One pattern is written without a list too."""
    return (value,) if isinstance(value, str) else value


def spoken(value: Any) -> Any:
    """`client.first_name = "there"` without quotes is a table within a table; both ways mean the same."""
    if not isinstance(value, dict):
        return value
    flat: dict[str, Any] = {}
    for name, word in value.items():
        flat |= {f"{name}.{inner}": text for inner, text in word.items()} if isinstance(word, dict) else {name: word}
    for name in flat:
        table, _, field = name.partition(".")
        if table not in SCHEMA or field not in SCHEMA[table]:
            known = [f"{t}.{f.name}" for t, row in SCHEMA.items() for f in row.values() if f.own_words]
            raise ValueError(
                f"there is no field {name!r}{similar(name, known) or '; write one like client.first_name'}"
            )
    return flat


def mailed(value: Any) -> Any:
    """The studio's own mails: a name with the sentence that says when it goes out, as behind `when:`."""
    if not isinstance(value, dict):
        return value
    from selftimer.rulebook.build_when import date_field
    from selftimer.rulebook.model import EventTrigger
    from selftimer.rulebook.sentences import Moment, SentenceError, parse_when

    for name, sentence in value.items():
        try:
            parsed = parse_when(str(sentence))
            if isinstance(parsed, Moment):
                date_field(parsed.anchor)
        except SentenceError as error:
            raise ValueError(f"{name!r}: {error.message}" + (f"; {error.hint}" if error.hint else "")) from None
        if not isinstance(parsed, EventTrigger | Moment):
            raise ValueError(  # noqa: TRY004 - a wrong sentence, not a wrong type
                f"{name!r}: write an event (invoice.sent) or days from a date (2 days before session.start_at)"
            )
    return value


def corrected(value: Any) -> Any:
    """Endpoints that are different for this studio: name to a path, or to a table of what is different.

    `quote.list = "/estimates"` without quotes is a table within a table; both ways mean the same. The client's table is
    loaded only where something is said about it.
    """
    if not isinstance(value, dict) or not value:
        return value
    from selftimer.studio.endpoints import ENDPOINTS, Endpoints

    flat = dict(_endpoints(value, ENDPOINTS))
    wrong = []
    for name, change in flat.items():
        try:
            Endpoints({name: change})
        except ConfigError as error:
            said = PydanticCustomError("value_error", "{error}", {"error": str(error)})
            wrong.append(InitErrorDetails(type=said, loc=(name,), input=change))
    if wrong:
        raise ValidationError.from_exception_data("endpoints", wrong)
    return flat


def _endpoints(table: dict[str, Any], known: Collection[str], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, change in table.items():
        name = f"{before}{key}"
        inner = name not in known and isinstance(change, dict) and any(one.startswith(f"{name}.") for one in known)
        if inner:
            yield from _endpoints(change, known, f"{name}.")
        else:
            yield name, change


Whole = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of `selftimer.toml`; a key that it doesn't have is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Studio(Section):
    """Who sends: what `studio.*` says in rules and messages, and the zone that all local times mean."""

    name: Annotated[str, Field(min_length=1)]
    time_zone: Annotated[str, AfterValidator(_zone)]
    currency: Annotated[str, AfterValidator(_currency)] = "usd"
    locale: Annotated[str, AfterValidator(_locale)] = "en_GB"
    country: Annotated[str, AfterValidator(_country)] = ""
    owner: str = ""
    phone: str = ""
    email: str = ""
    website: str = ""
    review_link: str = ""
    signature: str = ""
    quiet_hours: Annotated[InstanceOf[QuietHours] | None, BeforeValidator(_night)] = _night("21:00-08:00")


class Account(Section):
    """Where the studio is and how it is signed in to; the password is a secret and stands elsewhere."""

    url: Annotated[str, AfterValidator(_url)] = "https://studio.pixieset.com"
    email: str | None = None
    account_id: str | None = None
    """Pins the account: signing in to another one is refused."""
    requests_per_minute: Annotated[float, Field(ge=6, le=600)] = 120.0
    endpoints: Annotated[dict[str, str | dict[str, str | int | None]], BeforeValidator(corrected)] = Field(
        default_factory=dict
    )


class Polling(Section):
    """How often is read what, in seconds; `signals = 0` leaves the signals out."""

    signals: Annotated[int, Field(ge=0)] = _CADENCE.signals
    page_one: Annotated[int, Field(ge=30)] = _CADENCE.page_one
    open_pages: Annotated[int, Field(ge=60)] = _CADENCE.open_pages
    full: Annotated[int, Field(ge=600)] = _CADENCE.full


class CapsSection(Section):
    """At most so many messages and documents to clients."""

    rule_per_hour: Whole = _CAPS.rule_per_hour
    rule_per_day: Whole = _CAPS.rule_per_day
    studio_per_hour: Whole = _CAPS.studio_per_hour
    studio_per_day: Whole = _CAPS.studio_per_day
    client_per_day: Whole = _CAPS.client_per_day
    marketing_per_day: Whole = _CAPS.marketing_per_day
    marketing_per_week: Whole = _CAPS.marketing_per_week


class FloodSection(Section):
    """More effects on clients than so many at one moment are held for the owner."""

    by_events: Whole = _FLOOD.by_events
    by_moments: Whole = _FLOOD.by_moments
    in_all: Whole = _FLOOD.in_all


class BreakerSection(Section):
    """After so much trouble nothing is sent until a person says so."""

    unknown_per_hour: Whole = _BREAKER.unknown_per_hour
    failures_in_row: Whole = _BREAKER.failures_in_row


class Limits(Section):
    """How late something may still happen, how long a yes is waited for, what has to be in order to send."""

    late: Annotated[InstanceOf[Span], BeforeValidator(_span)] = Span(24, "hours")
    approval_days: Whole = _POLICY.approval_days
    concurrency: Annotated[int, Field(ge=1, le=50)] = _POLICY.concurrency
    away_hours: Whole = _POLICY.away_hours
    free_megabytes: Annotated[int, Field(ge=0)] = _POLICY.free_megabytes
    fault_tries: Whole = _POLICY.fault_tries


class RulesSection(Section):
    """Whether the tests of a rule file that changes while the service runs are run before it counts."""

    test_on_reload: bool = True


class StoreSection(Section):
    """Where the database is, from the workspace, and for how many days the reasons are kept."""

    path: Path = Path(STATE_FOLDER) / "selftimer.db"
    keep_traces_days: Whole = _POLICY.keep_traces_days


class Log(Section):
    """`auto` is coloured lines on a terminal and JSON lines elsewhere; `file` gets JSON lines in any case."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"
    file: Path | None = None
