"""The composition root: settings (and a clock, and a transport) become a service. Only here do the parts meet."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import SecretStr

from selftimer.channels.conversation import MessageChannel, OpeningChannel
from selftimer.channels.coupons import CouponChannel
from selftimer.channels.documents import DocumentChannel
from selftimer.channels.dry import DryChannel
from selftimer.channels.files import Attachments
from selftimer.channels.leads import LeadChannel
from selftimer.channels.notify import NoteChannel
from selftimer.channels.outgoing import Target
from selftimer.channels.post import Board, PostTeller
from selftimer.channels.updates import UpdateChannel
from selftimer.channels.webhooks import Hook, WebhookChannel, key_of
from selftimer.engine.beginning import standings
from selftimer.engine.context import Context
from selftimer.engine.crowds import crowds, type_counts
from selftimer.engine.deliver import Deliver
from selftimer.engine.observe import Observe
from selftimer.engine.orders import carry_out
from selftimer.engine.preview import look_back
from selftimer.engine.purge import compact_if_wanted
from selftimer.engine.ruleset import RuleSet
from selftimer.engine.start import take_over
from selftimer.engine.tell import Tell
from selftimer.errors import RuleFileError
from selftimer.facts.records import Kind
from selftimer.plan.state import DOCUMENTS, Verb
from selftimer.primitives.clock import SystemClock
from selftimer.receiver.doors import Door
from selftimer.render.workdays import is_working_day
from selftimer.rulebook.files import read_attachments, read_workspace
from selftimer.rulebook.loader import LoadResult, Version, compile_version, load_workspace
from selftimer.rulebook.model import Rulebook
from selftimer.settings.outside import spoken_field
from selftimer.signing import base_url, credentials_of, keep_of, open_studio
from selftimer.store.peek import PeekStore
from selftimer.store.store import SqlStore
from selftimer.studio.api import Studio
from selftimer.studio.memory import Credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    import httpx
    from whenever import Instant

    from selftimer.engine.beginning import Standing
    from selftimer.engine.crowds import Crowd
    from selftimer.engine.preview import LookBack
    from selftimer.ports import Channel, Store, StudioApi, Teller, Tx
    from selftimer.primitives.clock import Clock
    from selftimer.settings import Settings

log = structlog.get_logger(__name__)
STUDIO = "studio"
"""The id under which a workspace's one studio is kept; a database that holds several gives each its own."""
_WITHOUT_RULES = frozenset({"pause", "resume", "suppress", "unsuppress", "purge"})
"""Orders that must work however broken the rule files are."""
CRASH_VARIABLE = "SELFTIMER_CRASH_AT"
"""`name:n`: the process kills itself at the n-th pass of that point. For tests of recovery; unset otherwise."""


@dataclass(slots=True, kw_only=True)
class Service:
    """One studio's three lanes over its store and its account."""

    settings: Settings
    context: Context
    store: Store
    api: StudioApi
    observe: Observe
    deliver: Deliver
    tell: Tell

    def receiver(self, wake: Callable[[], None]) -> AbstractAsyncContextManager[int] | None:
        """What takes calls of webhooks with `fields`, and gives its port; None where there are none.

        Its parts are imported only where they are needed: a service without it doesn't carry a web server.
        """
        doors = _doors(self.settings)
        if not doors:
            return None
        from selftimer.receiver.app import Reception, create_app
        from selftimer.receiver.server import serving

        settings = self.settings.receiver
        reception = Reception(doors, self.store, self.context.clock, per_minute=settings.per_minute, wake=wake)
        return serving(create_app(reception), settings.address, settings.proxies)

    def login_stamp(self) -> int:
        """Another number after somebody signed in or out by hand."""
        return keep_of(self.settings).login_stamp()

    async def start(self) -> None:
        """Take the workspace over: a new epoch, orphaned deliveries become unknown, the journal is compared."""
        await take_over(self.context)

    async def aclose(self) -> None:
        """Close the connections to the studio and the database."""
        await self.api.aclose()
        await self.store.aclose()


def load_rules(settings: Settings) -> LoadResult:
    """The workspace's rules with all their problems; nothing is raised but for a folder that can't be read."""
    return load_workspace(read_workspace(settings.workspace), settings.facts(), read_attachments(settings.workspace))


def ruleset(settings: Settings, book: Rulebook) -> RuleSet:
    """A rulebook as the engine uses it: indexed, with older versions compiled when a run needs them."""
    facts = settings.facts()

    def compile_again(source: Mapping[str, Any], kept: Callable[[str], tuple[str, str] | None]) -> Version:
        return compile_version(source, facts, kept, book.all_rules)

    return RuleSet(book, compile_again)


async def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    seed: int | None = None,
    book: Rulebook | None = None,
    store: Store | None = None,
) -> Service:
    """The service of a workspace.

    `clock`, `transport` and `seed` (of the jitter) are given by simulations and tests; live, they are the system's.
    So are `book`, some of the rules only, and `store`, which is closed with the service.
    `RuleFileError` with every error of the rules, `ConfigError` where credentials are missing.
    """
    rules = book or _rulebook(settings)
    time = clock or SystemClock()
    if store is None:
        settings.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # With a store of their own, tests and simulations leave nothing in the workspace: no session, no account.
    keep = keep_of(settings) if store is None else None
    api = open_studio(settings, credentials_of(settings, keep), keep, clock=clock, transport=transport, seed=seed)
    store = store or _store(settings)
    context = make_context(settings, rules, store=store, api=api, clock=time)
    return Service(
        settings=settings,
        context=context,
        store=store,
        api=api,
        observe=Observe(context),
        deliver=Deliver(context),
        tell=Tell(context),
    )


def _rulebook(settings: Settings) -> Rulebook:
    loaded = load_rules(settings)
    if loaded.rulebook is None:
        raise RuleFileError(list(loaded.errors))
    return loaded.rulebook


def _store(settings: Settings) -> SqlStore:
    return SqlStore(settings.database_path, STUDIO, crash_point=crash_points(os.environ.get(CRASH_VARIABLE)))


async def offline_orders(
    settings: Settings, orders: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[Mapping[str, Any]]:
    """Carry out a command's orders in this process, where no service runs; the caller holds the workspace's lock.

    No request is made: what an order sets going is done by the service when it runs next.
    """
    loaded = load_rules(settings)
    book = loaded.rulebook
    if book is None:
        if any(what not in _WITHOUT_RULES for what, _ in orders):
            raise RuleFileError(list(loaded.errors))
        book = Rulebook(rules={}, words={})
    async with _offline(settings, book) as context:
        now = context.clock.now()

        def work(tx: Tx) -> list[Mapping[str, Any]]:
            numbers = [tx.control.add_order(now, what, args) for what, args in orders]
            carry_out(tx, context, now)
            return [tx.control.order_result(number) or {} for number in numbers]

        results = await context.store.write(work)
        await compact_if_wanted(context.store)
        return results


async def explain(settings: Settings, client_id: str, rule_id: str | None = None) -> list[Standing]:
    """How each rule of the workspace's files stands towards a client, on what the store knows; nothing is changed.

    `RuleFileError` where the files can't be used.
    """
    loaded = load_rules(settings)
    if loaded.rulebook is None:
        raise RuleFileError(list(loaded.errors))
    async with _offline(settings, loaded.rulebook) as context:
        now = context.clock.now()
        return await context.store.read(lambda tx: standings(tx, context, now, client_id, rule_id))


@asynccontextmanager
async def _offline(settings: Settings, book: Rulebook, store: Store | None = None) -> AsyncIterator[Context]:
    """The parts of a service that makes no request."""
    clock = SystemClock()
    nobody = Credentials(cookie=SecretStr("unused"))  # the client is only asked to understand stored records
    api = Studio(nobody, clock, random.Random(), base_url=base_url(settings))
    store = store or SqlStore(settings.database_path, STUDIO)
    try:
        yield make_context(settings, book, store=store, api=api, clock=clock)
    finally:
        await api.aclose()
        await store.aclose()


async def preview_backfill(settings: Settings, book: Rulebook, now: Instant) -> list[LookBack]:
    """What rules with `backfill` would begin if the service ran with that book now, by what the database knows.

    The database is only looked at, also where a service of another version works on it: `StoreError` then.
    """
    store = PeekStore(settings.database_path, STUDIO)
    async with _offline(settings, book, store) as context:
        return await store.read(lambda tx: look_back(tx, context, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database says of rules that aren't at work yet: session types with their sessions, and crowds."""

    types: Mapping[str, int]
    crowds: Sequence[Crowd]


async def look_ahead(settings: Settings, book: Rulebook, now: Instant) -> Known:
    """What the records that are known mean for that book; looked at only, as `preview_backfill` does."""
    store = PeekStore(settings.database_path, STUDIO)
    async with _offline(settings, book, store) as context:
        return Known(types=await type_counts(context), crowds=await crowds(context, now))


def make_context(settings: Settings, book: Rulebook, *, store: Store, api: StudioApi, clock: Clock) -> Context:
    """What the lanes share, from settings and the parts."""
    facts = settings.facts()
    channels = _channels(settings, api, clock)
    return Context(
        studio_id=STUDIO,
        api=api,
        store=store,
        clock=clock,
        policy=settings.policy(),
        facts=facts,
        rules=ruleset(settings, book),
        channels=channels,
        dry_channels={verb: DryChannel(channel) for verb, channel in channels.items()},
        tellers=tellers(settings, clock),
        is_working_day=lambda date: is_working_day(date, facts.country),
        stop_file=lambda: f"{settings.stop_file.name} lies in the workspace" if settings.stop_file.exists() else None,
        free_space=lambda: free_bytes(settings.state_folder),
        crash_point=crash_points(os.environ.get(CRASH_VARIABLE)),
    )


def free_bytes(folder: Path) -> int | None:
    """What is free for this user on the disk of that folder; None where it can't be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _channels(settings: Settings, api: StudioApi, clock: Clock) -> dict[Verb, Channel]:
    documents: dict[Verb, Channel] = {verb: DocumentChannel(api, Kind(verb.value)) for verb in DOCUMENTS}
    return documents | {
        Verb.MESSAGE: MessageChannel(api, Attachments(api, settings.workspace)),
        Verb.CONVERSATION: OpeningChannel(api),
        Verb.UPDATE: UpdateChannel(api),
        Verb.COUPON: CouponChannel(api),
        Verb.LEAD: LeadChannel(api),
        Verb.WEBHOOK: WebhookChannel(_hooks(settings), clock),
        Verb.NOTIFY: NoteChannel(),
    }


def _hooks(settings: Settings) -> dict[str, Hook]:
    return {
        name: Hook(target=Target(url=hook.url, local=hook.allow_local), key=key_of(hook.secret.get_secret_value()))
        for name, hook in settings.webhooks.items()
        if hook.url is not None and hook.secret is not None
    }


def _doors(settings: Settings) -> dict[str, Door]:
    return {
        name: Door(
            name=name,
            fields={field: spoken_field(field) for field in hook.fields},
            key=key_of(hook.secret.get_secret_value()) if hook.secret is not None else None,
            token=hook.token.get_secret_value() if hook.token is not None else None,
        )
        for name, hook in settings.webhooks.items()
        if hook.fields
    }


def tellers(settings: Settings, clock: Clock) -> list[Teller]:
    """The ways to the owner that are set (`[notify]`)."""
    found: list[Teller] = []
    if (mail := settings.notify.email) is not None:
        from selftimer.channels.mail import Mailbox, MailTeller  # with smtplib, which few need

        mailbox = Mailbox(
            host=mail.host,
            port=mail.port,
            security=mail.security,
            sender=mail.sender,
            receiver=mail.to,
            username=mail.username,
            password=mail.password.get_secret_value() if mail.password is not None else None,
        )
        found.append(MailTeller(mailbox, clock))
    if (hook := settings.notify.webhook) is not None:
        token = hook.token.get_secret_value() if hook.token is not None else None
        target = Target(url=hook.url, local=hook.allow_local)
        found.append(PostTeller(Board(target=target, format=hook.format, topic=hook.topic, token=token)))
    return found


def crash_points(order: str | None) -> Callable[[str], None]:
    """A function that kills this process at the n-th pass of a named point, as `name:n` orders; else does nothing."""
    if not order:
        return lambda _name: None
    name, _, count = order.partition(":")
    passed: Counter[str] = Counter()

    def point(here: str) -> None:
        passed[here] += 1
        if here == name and passed[here] == int(count or 1):
            os.kill(os.getpid(), signal.SIGKILL)

    return point
