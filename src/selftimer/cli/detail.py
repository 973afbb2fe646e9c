"""A run or a delivery in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from selftimer.cli.lists import print_deliveries, state_of
from selftimer.cli.output import clean, console, local, print_json, say
from selftimer.cli.workspace import find_run_or_delivery, load_settings, open_reader
from selftimer.plan.state import Run, RunState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from selftimer.facts.stored import TraceRow
    from selftimer.plan.state import Delivery


def show_one(workspace: Path, ident: str, *, as_json: bool) -> int:
    """With its words and the path of every decision."""
    settings = load_settings(workspace)
    zone = settings.studio.time_zone
    with open_reader(settings) as reader:
        found = find_run_or_delivery(reader, ident)
        run_id = found.id if isinstance(found, Run) else found.run_id
        traces = sorted(reader.traces(run=run_id), key=lambda row: row.at)
        deliveries = list(reversed(reader.deliveries(run=run_id)))
        names = reader.client_names([found.client_id] if found.client_id else [])
    name = names.get(found.client_id or "", found.client_id or "")
    if isinstance(found, Run):
        if as_json:
            print_json({"run": found, "client": name, "deliveries": deliveries, "traces": traces})
            return 0
        _fields(_of_run(found, name, zone))
        say("")
        print_deliveries(deliveries, names, zone)
    else:
        if as_json:
            print_json({"delivery": found, "client": name, "traces": traces})
            return 0
        _fields(_of_delivery(found, name, zone))
        _words(found)
        traces = [row for row in traces if row.delivery_id in {None, found.id}]
    _traces(traces, zone)
    return 0


def _of_run(run: Run, client: str, zone: str) -> dict[str, str | None]:
    return {
        "run": run.id,
        "rule": f"{run.rule_id} (version {run.rule_version})",
        "state": run.state.value + (" (dry)" if run.dry else ""),
        "client": f"{client} {run.client_id or ''}",
        "about": f"{run.subject_kind.value} {run.subject_id}" if run.subject_kind else None,
        "occurrence": run.occurrence,
        "begun": local(run.begun_at, zone),
        "waits until": local(run.wake_at, zone) if run.state is RunState.WAITING else None,
        "too late after": local(run.wake_at, zone) if run.state is RunState.HELD else None,
        "ended": local(run.ended_at, zone),
        "reason": run.reason,
    }


def _of_delivery(delivery: Delivery, client: str, zone: str) -> dict[str, str | None]:
    return {
        "delivery": delivery.id,
        "run": delivery.run_id,
        "rule": f"{delivery.rule_id}, step {delivery.step_id} (version {delivery.rule_version})",
        "state": state_of(delivery),
        "what": f"{delivery.verb.value} {delivery.words or ''}",
        "purpose": delivery.purpose,
        "client": f"{client} {delivery.client_id or ''}",
        "about": f"{delivery.subject_kind.value} {delivery.subject_id}" if delivery.subject_kind else None,
        "planned": local(delivery.planned_at, zone),
        "due": None if delivery.sent_at else local(delivery.due_at, zone),
        "too late after": None if delivery.sent_at else local(delivery.late_until, zone),
        "approved": local(delivery.approved_at, zone),
        "attempts": str(delivery.attempt or ""),
        "sent": local(delivery.sent_at, zone),
        "in the studio": delivery.result_id,
        "reason": delivery.reason,
        "key": delivery.key,
    }


def _fields(pairs: Mapping[str, str | None]) -> None:
    width = max(map(len, pairs))
    for name, value in pairs.items():
        if value and value.strip():
            say(f"{name:<{width}}  {clean(value).strip()}")


def _words(delivery: Delivery) -> None:
    words = delivery.edited_text or delivery.text
    if words is None:
        return
    say("\nYour words:" if delivery.edited_text else "\nWords:")
    for line in words.splitlines():
        say(f"  {clean(line)}")


def _traces(rows: Iterable[TraceRow], zone: str) -> None:
    rows = list(rows)
    if not rows:
        return
    say("\nWhy:")
    for row in rows:
        say(f"  {local(row.at, zone)}  {clean(row.verdict)}: {clean(row.what)}")
        print_judgement(row.detail, "      ")


def print_judgement(detail: Mapping[str, Any], indent: str) -> None:
    """A trace as the conditions were judged: each with what it was, its parts below it."""
    if "text" in detail and "is" in detail:
        word = {True: "yes", False: "no", None: "unknown"}.get(detail["is"], str(detail["is"]))
        value = f", it is {detail['value']!r}" if detail.get("value") is not None else ""
        why = f" ({detail['why']})" if detail.get("why") else ""
        style = {"yes": "green", "no": "red"}.get(word, "yellow")
        console().print(clean(f"{indent}{word:<7} {detail['text']}{value}{why}"), style=style, soft_wrap=True)
        for part in detail.get("parts") or ():
            print_judgement(part, f"{indent}  ")
        return
    if detail.keys() == {"text", "value"}:
        value = "missing" if detail["value"] is None else detail["value"]
        say(f"{indent}        {clean(detail['text'])} is {clean(value)}")
        return
    for name, value in detail.items():
        if isinstance(value, Mapping):
            say(f"{indent}{clean(name)}:")
            print_judgement(value, f"{indent}  ")
        else:
            say(f"{indent}{clean(name)}: {clean(value)}")
