"""The steps that stand for themselves: send, create, update, wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selftimer.facts.records import Kind
from selftimer.primitives.ids import EmailTemplateId
from selftimer.rulebook.build_when import date_field
from selftimer.rulebook.model import CreateStep, ItemTemplate, SendStep, UpdateStep, WaitStep
from selftimer.rulebook.sentences import Moment, SentenceError, later, parse_wait, similar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.rulebook.build_text import Checker, Ground
    from selftimer.rulebook.models import StepSource
    from selftimer.rulebook.source import Place
    from selftimer.rulebook.template import TextTemplate

CREATED = (Kind.INVOICE, Kind.QUOTE, Kind.CONTRACT, Kind.QUESTIONNAIRE)
SETTABLE = ("type", "first_name", "last_name", "email", "phone", "company", "job_title", "notes", "city", "country")
"""Fields of a client that `update` may set (studio-api.md, PUT /clients/{id})."""
_CLIENT_TYPES = ("client", "lead", "other")
_CREATE_KEYS = {
    "from": frozenset({Kind.QUOTE, Kind.CONTRACT, Kind.QUESTIONNAIRE, Kind.INVOICE}),
    "items": frozenset({Kind.INVOICE, Kind.QUOTE}),
    "due": frozenset({Kind.INVOICE, Kind.CONTRACT, Kind.QUESTIONNAIRE}),
    "with": frozenset({Kind.CONTRACT}),
}
_LATER_KEYS = ("code", "discount", "uses", "expires", "set")


def send_step(
    checker: Checker, source: StepSource, common: dict[str, Any], place: Place, ground: Ground
) -> SendStep | None:
    """`send: words`, or `send: et_…` with its variables."""
    words = source.send or ""
    if not words.startswith(EmailTemplateId.prefix):
        if source.with_ is None:
            return SendStep(**common, words=words)
        checker.add(
            place / "with", "'with' is for templates kept in the studio (send: et_…)", "say it in the words", key=True
        )
        return None
    if not EmailTemplateId.valid(words):
        checker.add(
            place / "send", f"{words!r} is no id of an email template", "copy it from the studio: et_ and 30 signs"
        )
        return None
    return SendStep(**common, template_id=words, variables=_texts(checker, place / "with", source.with_, ground))


def create_step(
    checker: Checker, source: StepSource, common: dict[str, Any], place: Place, ground: Ground
) -> CreateStep | None:
    """`create: invoice | quote | contract | questionnaire`."""
    said = source.create or ""
    if said in {"coupon", "lead"}:
        error = later(f"'create: {said}'")
        checker.add(place / "create", error.message, error.hint)
        return None
    if said not in {kind.value for kind in CREATED}:
        names = [kind.value for kind in CREATED]
        checker.add(
            place / "create", f"{said!r} can't be created", similar(said, names) or f"one of {', '.join(names)}"
        )
        return None
    kind = Kind(said)
    if not _create_fits(checker, source, kind, place):
        return None
    items = [
        (item, checker.text(at / "name", item.name, ground), checker.text(at / "amount", item.amount, ground))
        for item, at in ((item, place / "items" / n) for n, item in enumerate(source.items))
    ]
    return CreateStep(
        **common,
        kind=kind,
        template=checker.text(place / "from", source.from_, ground) if source.from_ else None,
        items=tuple(
            ItemTemplate(name=name, amount=amount, quantity=item.quantity)
            for item, name, amount in items
            if name is not None and amount is not None
        ),
        due=checker.span(place / "due", source.due),
        variables=_texts(checker, place / "with", source.with_, ground),
        draft=source.draft,
    )


def _create_fits(checker: Checker, source: StepSource, kind: Kind, place: Place) -> bool:
    before = len(checker.problems)
    for key in sorted(source.written() & {*_CREATE_KEYS, *_LATER_KEYS}):
        kinds = _CREATE_KEYS.get(key, frozenset())
        if kind not in kinds:
            fits = " or ".join(sorted(kinds)) or "a lead or a coupon"
            checker.add(place / key, f"{key!r} has no meaning for a {kind}", f"it belongs to {fits}", key=True)
    if kind is Kind.INVOICE and not source.items:
        checker.add(place / "create", "an invoice needs its lines", "add 'items: [{name: …, amount: …}]'")
    if kind is not Kind.INVOICE and source.from_ is None:
        checker.add(place / "create", f"a {kind} is made from a template", "add 'from: Name of the template'")
    return len(checker.problems) == before


def update_step(
    checker: Checker, source: StepSource, common: dict[str, Any], place: Place, ground: Ground
) -> UpdateStep | None:
    """`update: client` with `set:`."""
    if source.update != "client":
        checker.add(place / "update", f"{source.update!r} can't be updated", "only 'update: client' can")
        return None
    if not source.set:
        checker.add(place / "update", "nothing is set", "add 'set: {type: client}' or another field")
        return None
    for name, value in source.set.items():
        at = place / "set" / name
        if name not in SETTABLE:
            checker.add(
                at,
                f"a client's {name!r} can't be set",
                similar(name, SETTABLE) or f"one of {', '.join(SETTABLE)}",
                key=True,
            )
        elif name == "type" and "{{" not in value and value not in _CLIENT_TYPES:
            checker.add(at, f"client.type is never {value!r}", f"it is one of {', '.join(_CLIENT_TYPES)}")
    return UpdateStep(**common, kind=Kind.CLIENT, set=_texts(checker, place / "set", source.set, ground))


def wait_step(
    checker: Checker, source: StepSource, common: dict[str, Any], place: Place, ground: Ground
) -> WaitStep | None:
    """`wait: 2 days`, `wait: until …`, with `or_until`."""
    at = place / "wait"
    pause = checker.sentence(at, parse_wait, source.wait or "")
    or_until = checker.condition(place / "or_until", source.or_until, ground, any_of=True)
    if pause is None:
        return None
    if pause.moment is None:
        return WaitStep(**common, span=pause.span, at=pause.at, or_until=or_until)
    anchor = checker.sentence(at, lambda _: _anchor(pause.moment, ground), source.wait or "")
    if anchor is None:
        return None
    moment = pause.moment
    return WaitStep(**common, span=moment.span, anchor=anchor, sign=moment.sign, at=moment.at, or_until=or_until)


def _anchor(moment: Moment | None, ground: Ground) -> tuple[str, ...]:
    if moment is None or moment.anchor == ("start",):
        if moment is not None and moment.sign == -1:
            raise SentenceError("that is before the run began", "write 'after start'")
        return ("start",)
    said = ".".join(moment.anchor)
    kind, field = date_field(moment.anchor)
    if kind.value not in ground.names.roots:
        known = [k.value for k in Kind if k.value in ground.names.roots]
        raise SentenceError(f"there is no {kind} here, so no {said}", f"known here: start, {', '.join(known)}")
    if field.type.name == "date" and moment.at is None:
        raise SentenceError(f"{said} is a bare day: until what time?", "add a time, like 'at 10:00'")
    return (kind.value, field.attribute)


def _texts(checker: Checker, place: Place, values: Mapping[str, str] | None, ground: Ground) -> dict[str, TextTemplate]:
    compiled = {name: checker.text(place / name, text, ground) for name, text in (values or {}).items()}
    return {name: template for name, template in compiled.items() if template is not None}
