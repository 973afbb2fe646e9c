"""From a step to the delivery row that will carry it out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never

from selftimer.facts.records import Kind
from selftimer.plan.keys import delivery_key, unique_of
from selftimer.plan.payloads import coupon_payload, lead_payload, webhook_payload
from selftimer.plan.state import REACHES_CLIENT, Delivery, DeliveryState, Hold, Run, Verb
from selftimer.plan.timing import late_until, next_free
from selftimer.plan.verdict import ignores_night, needs_yes
from selftimer.primitives.money import Money, MoneyError
from selftimer.primitives.time import move
from selftimer.rulebook.condition import ConditionError
from selftimer.rulebook.model import (
    CouponStep,
    CreateStep,
    EffectStep,
    LeadStep,
    NotifyStep,
    SendStep,
    UpdateStep,
    WebhookStep,
)
from selftimer.rulebook.template import MissingWord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from whenever import Instant

    from selftimer.plan.policy import Policy
    from selftimer.plan.program import AtEffect
    from selftimer.rulebook.model import Entry, Rule, Words
    from selftimer.rulebook.scope import Scope
    from selftimer.rulebook.template import TextTemplate


def verb_of(step: EffectStep) -> Verb:
    """What a step does outside."""
    match step:
        case SendStep():
            return Verb.MESSAGE
        case CreateStep(kind=kind):
            return Verb(kind.value)
        case CouponStep():
            return Verb.COUPON
        case LeadStep():
            return Verb.LEAD
        case WebhookStep():
            return Verb.WEBHOOK
        case UpdateStep():
            return Verb.UPDATE
        case NotifyStep():
            return Verb.NOTIFY
        case _:
            assert_never(step)


def _named(step: EffectStep, scope: Scope) -> str | None:
    """Its words' name as it is now: a document's template may be an input, a coupon's code is its own."""
    name = step.template if isinstance(step, CreateStep) else step.code if isinstance(step, CouponStep) else None
    if name is not None:
        with suppress(MissingWord, ConditionError):
            return name.render(scope)
    return words_of(step)


def words_of(step: EffectStep) -> str | None:
    """The name of the step's words or template, for people and logs."""
    match step:
        case SendStep(words=words, template_id=template_id):
            return words or template_id
        case CreateStep(template=template):
            return template.source if template else None
        case CouponStep(code=code):
            return code.source
        case NotifyStep(words=words):
            return words
        case WebhookStep(name=name):
            return name
        case UpdateStep() | LeadStep():
            return None


def plan_delivery(
    delivery_id: str,
    studio_id: str,
    run: Run,
    rule: Rule,
    entry: Entry,
    place: AtEffect,
    scope: Scope,
    *,
    policy: Policy,
    words: Mapping[str, Words],
    now: Instant,
    window_end: Instant | None,
) -> Delivery:
    """The row of an effect that a run has come to. `rule` is today's: mode, nights and approvals always are (19).

    `window_end` is when the moment's window closes, for the first effect of a run that a moment began.
    """
    step, verb = place.step, verb_of(place.step)
    key = delivery_key(studio_id, run.rule_id, run.subject_id, run.entry_id, run.occurrence, step.id, dry=run.dry)
    scope.unique = unique_of(key)
    free = place.allowed_at
    if verb in REACHES_CLIENT and not ignores_night(rule, scope):
        free = next_free(place.allowed_at, policy.quiet_hours, policy.zone)
    limit, cut = _limit(run, rule, entry, place, free, policy=policy, window_end=window_end)
    asks = needs_yes(rule, step, scope)
    return Delivery(
        id=delivery_id,
        key=key,
        run_id=run.id,
        rule_id=run.rule_id,
        rule_version=run.rule_version,
        entry_id=run.entry_id,
        step_id=step.id,
        verb=verb,
        purpose=rule.purpose,
        client_id=run.client_id,
        subject_kind=run.subject_kind,
        subject_id=run.subject_id,
        occurrence=run.occurrence,
        state=DeliveryState.HELD if asks else DeliveryState.READY,
        hold=Hold.APPROVAL if asks else None,
        planned_at=now,
        due_at=_answered_by(step, now, free, cut, policy) if asks else free,
        allowed_at=free,
        late_until=limit,
        words=_named(step, scope),
        text=_preview(step, words, scope) if asks else None,
        dry=run.dry,
    )


def _limit(
    run: Run, rule: Rule, entry: Entry, place: AtEffect, free: Instant, *, policy: Policy, window_end: Instant | None
) -> tuple[Instant, Instant | None]:
    """How late it may be, and when its window closes for good, if it does; `free` is when it may go at the earliest."""
    limit = late_until(free, place.step.late or entry.late or rule.late, policy)
    if window_end is None:
        return limit, None
    # A window that closes with its date closes for good; of another one the night takes nothing away (17).
    whole = late_until(run.start_at, entry.late or rule.late, policy)
    cut = window_end if window_end < whole else None
    return min(limit, cut or window_end + (free - place.allowed_at)), cut


def _answered_by(step: EffectStep, now: Instant, free: Instant, cut: Instant | None, policy: Policy) -> Instant:
    """When no answer is a no: in some days, or when the step, or its window, says so before."""
    due = now.add(hours=24 * policy.approval_days)
    if step.late is not None:
        due = min(due, late_until(free, step.late, policy))
    return min(due, cut or due)


def _preview(step: EffectStep, words: Mapping[str, Words], scope: Scope) -> str | None:
    """The words that the owner is asked about; None where they can't be had yet."""
    try:
        return render_step(step, words, scope).text
    except (MissingWord, ConditionError, KeyError):
        return None


def texts_of(step: EffectStep, words: Mapping[str, Words]) -> list[TextTemplate]:
    """The texts that a step is put into words with: what they lead to is read afresh as well."""
    match step:
        case SendStep(words=name, variables=variables):
            said = words.get(name or "")
            return [*_of_words(said), *variables.values()]
        case NotifyStep(words=name):
            return _of_words(words.get(name))
        case UpdateStep(set=values) | LeadStep(set=values) | WebhookStep(values=values):
            return list(values.values())
        case CouponStep(code=code, discount=discount):
            return [code, discount]
        case CreateStep(template=template, items=items, variables=variables):
            lines = [text for item in items for text in (item.name, item.amount)]
            return [*([template] if template else []), *lines, *variables.values()]
        case _:
            assert_never(step)


def _of_words(words: Words | None) -> list[TextTemplate]:
    if words is None:
        return []
    return [words.body] if words.subject is None else [words.subject, words.body]


@dataclass(frozen=True, slots=True)
class Rendered:
    """An effect in words and as the payload that goes out."""

    text: str
    body: dict[str, Any]


def render_step(step: EffectStep, words: Mapping[str, Words], scope: Scope) -> Rendered:
    """Render a step's words or payload from the scope.

    `MissingWord` for a value that is missing, `ConditionError` for one of a wrong type, `KeyError` for words that
    aren't there. Template names (`from:`) are left for the channel to find in the studio.
    """
    match step:
        case SendStep():
            return _message(step, words, scope)
        case NotifyStep():
            text = words[step.words]
            subject = text.subject.render(scope) if text.subject else step.words
            return Rendered(text.body.render(scope), {"subject": subject})
        case UpdateStep():
            changes = {name: text.value(scope) for name, text in step.set.items()}
            listed = ", ".join(f"{name} = {value}" for name, value in changes.items())
            return Rendered(listed, {"client_id": scope.client.id if scope.client else None, "set": changes})
        case CreateStep():
            return _document(step, scope)
        case CouponStep():
            return Rendered(*coupon_payload(step, scope))
        case LeadStep():
            return Rendered(*lead_payload(step, scope))
        case WebhookStep():
            return Rendered(*webhook_payload(step, scope))
        case _:
            assert_never(step)


def _message(step: SendStep, words: Mapping[str, Words], scope: Scope) -> Rendered:
    if step.words is None:
        variables = {name: text.render(scope) for name, text in step.variables.items()}
        return Rendered("", {"template_id": step.template_id, "variables": variables, **_files(step.attach)})
    text = words[step.words]
    subject = text.subject.render(scope) if text.subject else None
    body = text.body.render(scope).strip()
    signature = scope.studio.signature
    if signature and signature not in body:
        body = f"{body}\n\n{signature}"
    return Rendered(body, {"subject": subject, **_files((*text.attach, *step.attach))})


def _files(names: tuple[str, ...]) -> dict[str, Any]:
    """The files that go with a message, each once."""
    return {"attach": list(dict.fromkeys(names))} if names else {}


def _document(step: CreateStep, scope: Scope) -> Rendered:
    body: dict[str, Any] = {"client_id": scope.client.id if scope.client else None, "send_email": not step.draft}
    said = [step.kind.value]
    if step.template is not None:
        body["template"] = step.template.render(scope)
        said.append(f"from “{body['template']}”")
    if step.variables:
        body["variables"] = {name: text.render(scope) for name, text in step.variables.items()}
    if step.items:
        currency = scope.studio.currency
        body["items"] = [
            {
                "name": item.name.render(scope),
                "amount": _amount(item.amount.value(scope), currency).minor,
                "quantity": item.quantity,
            }
            for item in step.items
        ]
        said.append(", ".join(f"{line['name']} {Money(line['amount'], currency)}" for line in body["items"]))
    if step.due is not None:
        due = move(scope.now, step.due, 1, scope.studio.zone)
        body["due_date"] = due.to_tz(scope.studio.zone).date().format_iso()
    if step.kind is Kind.INVOICE:
        body["currency"] = scope.studio.currency
    return Rendered(" ".join(said), body)


def _amount(value: object, currency: str) -> Money:
    """An amount of an item: main units, or a sum of money in the studio's currency; `ConditionError` for another."""
    if isinstance(value, Money) and value.currency == currency:
        return value
    try:
        return Money.from_main(str(value), currency)
    except (MoneyError, ArithmeticError) as error:
        raise ConditionError("items.amount", f"{value} is no amount in {currency.upper()}") from error
