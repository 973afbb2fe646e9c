"""The steps that stand for themselves: send, create, update, webhook, wait."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from selftimer.facts.records import Kind
from selftimer.primitives.ids import EmailTemplateId
from selftimer.rulebook.build_when import date_field
from selftimer.rulebook.files import FILES
from selftimer.rulebook.model import (
    CouponStep,
    CreateStep,
    ItemTemplate,
    LeadStep,
    SendStep,
    UpdateStep,
    WaitStep,
    WebhookStep,
)
from selftimer.rulebook.sentences import Moment, SentenceError, parse_wait, similar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selftimer.rulebook.build_text import Checker, Ground
    from selftimer.rulebook.models import StepSource
    from selftimer.rulebook.source import Place
    from selftimer.rulebook.template import TextTemplate

DOCUMENTS = (Kind.INVOICE, Kind.QUOTE, Kind.CONTRACT, Kind.QUESTIONNAIRE)
CREATED = (*(kind.value for kind in DOCUMENTS), "coupon", "lead")
"""What `create:` can make."""
SETTABLE = ("type", "first_name", "last_name", "email", "phone", "company", "job_title", "notes", "city", "country")
"""Fields of a client that `update` may set (studio-api.md, PUT /clients/{id})."""
CLIENT_TYPES = ("client", "lead", "other")
CREATE_KEYS: dict[str, frozenset[str]] = {
    "from": frozenset({Kind.QUOTE, Kind.CONTRACT, Kind.QUESTIONNAIRE, Kind.INVOICE}),
    "items": frozenset({Kind.INVOICE, Kind.QUOTE}),
    "due": frozenset({Kind.INVOICE, Kind.CONTRACT, Kind.QUESTIONNAIRE}),
    "with": frozenset({Kind.CONTRACT}),
    "draft": frozenset(DOCUMENTS),
    "code": frozenset({"coupon"}),
    "discount": frozenset({"coupon"}),
    "uses": frozenset({"coupon"}),
    "expires": frozenset({"coupon"}),
    "set": frozenset({"lead"}),
}
"""Key of a `create` step to what it belongs to."""
LEAD_FIELDS = tuple(name for name in SETTABLE if name != "type")
"""Fields of a lead that `create: lead` may set."""


def send_step(
    checker: Checker, source: StepSource, common: dict[str, Any], place: Place, ground: Ground
) -> SendStep | None:
    """`send: words`, or `send: et_…` with its variables; with files either way."""
    words = source.send or ""
    common["attach"] = files = source.attach or ()
    for n, name in enumerate(files):
        at = place / "attach" / n if (place / "attach" / n).path in place.document.spots else place / "attach"
        if (wrong := not_a_file(name)) is not None:
            checker.add(at, *wrong)
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


def not_a_file(name: str) -> tuple[str, str] | None:
    """What is wrong with the name of an attached file, and what to do; None for one that can be."""
    if not name:
        return "no file is named", f"write the name of one in {FILES}, or take the line out"
    if "{{" in name:
        return f"{name[:60]!r} is no name of a file", "files are named as they are: the check has to find them"
    parts = name.split("/")
    if name.startswith(("/", "~")) or "\\" in name or any(part in {"", ".", ".."} for part in parts):
        return f"{name[:60]!r} leads out of {FILES}", f"put the file into {FILES} and write its name from there"
    return None


def create_step(
    checker: Checker, source: StepSource, common: dict[str, Any], place: Place, ground: Ground
) -> CreateStep | CouponStep | LeadStep | None:
    """`create: invoice | quote | contract | questionnaire | coupon | lead`."""
    said = source.create or ""
    if said not in CREATED:
        checker.add(
            place / "create", f"{said!r} can't be created", similar(said, CREATED) or f"one of {', '.join(CREATED)}"
        )
        return None
    if not _create_fits(checker, source, said, place):
        return None
    match said:
        case "coupon":
            return _coupon_step(checker, source, common, place, ground)
        case "lead":
            return LeadStep(**common, set=_texts(checker, place / "set", source.set, ground))
        case _:
            return _document_step(checker, source, common, place, ground)


def _document_step(
    checker: Checker, source: StepSource, common: dict[str, Any], place: Place, ground: Ground
) -> CreateStep:
    items = [
        (item, checker.text(at / "name", item.name, ground), checker.text(at / "amount", item.amount, ground))
        for item, at in ((item, place / "items" / n) for n, item in enumerate(source.items))
    ]
    return CreateStep(
        **common,
        kind=Kind(source.create or ""),
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


def _coupon_step(
    checker: Checker, source: StepSource, common: dict[str, Any], place: Place, ground: Ground
) -> CouponStep | None:
    if wrong := _not_a_discount(source.discount or ""):
        checker.add(place / "discount", *wrong)
        return None
    with_unique = replace(ground, names=ground.names.with_text("unique"))
    code = checker.text(place / "code", source.code or "", with_unique)
    discount = checker.text(place / "discount", source.discount or "", ground)
    if code is None or discount is None:
        return None
    expires = checker.span(place / "expires", source.expires)
    return CouponStep(**common, code=code, discount=discount, uses=source.uses or 1, expires=expires)


def _not_a_discount(said: str) -> tuple[str, str] | None:
    if "{{" in said:
        return None
    number, percent = said.strip().removesuffix("%").rstrip(), said.strip().endswith("%")
    try:
        value = Decimal(number)
    except InvalidOperation:
        return f"{said[:40]!r} is no discount", "write a percentage like 10%, or an amount in main units like 20"
    if percent and not (value == value.to_integral_value() and 1 <= value <= 100):
        return f"{said[:40]!r} is no discount", "a percentage is a whole number from 1% to 100%"
    return None if value > 0 else (f"{said[:40]!r} takes nothing off", "write how much it takes off")


def webhook_step(
    checker: Checker, source: StepSource, common: dict[str, Any], place: Place, ground: Ground
) -> WebhookStep:
    """`webhook: name`, with values to tell."""
    return WebhookStep(
        **common, name=source.webhook or "", values=_texts(checker, place / "with", source.with_, ground)
    )


def _create_fits(checker: Checker, source: StepSource, kind: str, place: Place) -> bool:
    before = len(checker.problems)
    for key in sorted(source.written() & CREATE_KEYS.keys()):
        kinds = CREATE_KEYS[key]
        if kind not in kinds:
            fits = " or ".join(sorted(kinds))
            checker.add(place / key, f"{key!r} has no meaning for a {kind}", f"it belongs to {fits}", key=True)
    match kind:
        case "invoice":
            if not source.items:
                checker.add(place / "create", "an invoice needs its lines", "add 'items: [{name: …, amount: …}]'")
        case "coupon":
            _coupon_fits(checker, source, place)
        case "lead":
            _settable(checker, source, place, LEAD_FIELDS, "lead")
            if "email" not in (source.set or {}):
                hint = "add 'set: {email: …}': by the address it is found where there is one already"
                checker.add(place / "create", "a lead needs an address", hint)
        case _:
            if source.from_ is None:
                checker.add(place / "create", f"a {kind} is made from a template", "add 'from: Name of the template'")
    return len(checker.problems) == before


def _coupon_fits(checker: Checker, source: StepSource, place: Place) -> None:
    if source.code is None:
        checker.add(place / "create", "a coupon needs its code", "add 'code: \"BACK-{{ unique }}\"'")
    if source.discount is None:
        checker.add(place / "create", "a coupon takes something off", "add 'discount: 10%', or an amount")
    if source.uses is None:
        checker.add(place / "create", "this coupon can be used by everybody for ever", "add 'uses: 1'")


def _settable(checker: Checker, source: StepSource, place: Place, known: tuple[str, ...], whose: str) -> None:
    for name in source.set or {}:
        if name not in known:
            hint = similar(name, known) or f"one of {', '.join(known)}"
            checker.add(place / "set" / name, f"a {whose}'s {name!r} can't be set", hint, key=True)


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
    _settable(checker, source, place, SETTABLE, "client")
    kind = source.set.get("type", "{{")
    if "{{" not in kind and kind not in CLIENT_TYPES:
        at = place / "set" / "type"
        checker.add(at, f"client.type is never {kind!r}", f"it is one of {', '.join(CLIENT_TYPES)}")
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
