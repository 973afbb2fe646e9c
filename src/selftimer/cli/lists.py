"""Tables of runs and deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selftimer.cli.output import local, print_json, print_table, say, short
from selftimer.cli.workspace import find_client, load_settings, open_reader
from selftimer.plan.state import DeliveryState, RunState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from selftimer.plan.state import Delivery, Run
    from selftimer.ports.reader import StoreReader


def show_runs(
    workspace: Path, *, state: str | None, rule: str | None, client: str | None, limit: int, as_json: bool
) -> int:
    """The table of runs."""
    settings = load_settings(workspace)
    with open_reader(settings) as reader:
        found = reader.runs(
            state=RunState(state) if state else None, rule=rule, client=_client(reader, client), limit=limit
        )
        names = reader.client_names(run.client_id for run in found if run.client_id)
    if as_json:
        print_json(found)
        return 0
    print_runs(found, names, settings.studio.time_zone)
    return 0


def print_runs(found: Sequence[Run], names: dict[str, str], zone: str) -> None:
    """One line each."""
    rows = [
        (
            short(run.id),
            run.state.value,
            run.rule_id if run.entry_id in {"", run.rule_id} else f"{run.rule_id}/{run.entry_id}",
            names.get(run.client_id or "", run.client_id),
            run.subject_id,
            local(run.begun_at, zone),
            stands(run, zone),
        )
        for run in found
    ]
    columns = ("id", "state", "rule", "client", "about", "begun", "")
    print_table(columns, rows, empty="No runs: no rule has begun anything, or none fits what you asked for.")


def stands(run: Run, zone: str) -> str:
    """What a run waits for and until when; why it is held, or ended."""
    until = f"until {local(run.wake_at, zone)}" if run.wake_at is not None and run.ended_at is None else ""
    if run.state is RunState.HELD:
        return f"{run.reason or ''}; {until} at the latest" if until else run.reason or ""
    return "; ".join(part for part in (until, run.reason) if part)


def show_deliveries(
    workspace: Path, *, state: str | None, rule: str | None, client: str | None, limit: int, as_json: bool
) -> int:
    """The table of deliveries."""
    settings = load_settings(workspace)
    with open_reader(settings) as reader:
        found = reader.deliveries(
            state=DeliveryState(state) if state else None, rule=rule, client=_client(reader, client), limit=limit
        )
        asked = state == DeliveryState.HELD.value
        held = reader.runs(state=RunState.HELD, rule=rule, client=_client(reader, client), limit=limit) if asked else []
        clients = {one.client_id for one in found} | {run.client_id for run in held}
        names = reader.client_names(client for client in clients if client)
    if as_json:
        print_json(found)
        return 0
    print_deliveries(found, names, settings.studio.time_zone)
    if held:
        say("\nRuns that are held before they come to a delivery:")
        print_runs(held, names, settings.studio.time_zone)
    return 0


def print_deliveries(found: Sequence[Delivery], names: dict[str, str], zone: str) -> None:
    """One line each."""
    rows = [
        (
            short(one.id),
            state_of(one),
            one.rule_id,
            one.words or one.verb.value,
            names.get(one.client_id or "", one.client_id),
            local(one.sent_at or one.due_at, zone),
            one.reason,
        )
        for one in found
    ]
    columns = ("id", "state", "rule", "what", "client", "when", "")
    print_table(columns, rows, empty="No deliveries: nothing has been planned, or none fits what you asked for.")


def state_of(delivery: Delivery) -> str:
    """`held: approval`, `sent`, `sent (dry)`."""
    said = delivery.state.value.replace("_", " ")
    if delivery.hold is not None:
        said += f": {delivery.hold.value}"
    return f"{said} (dry)" if delivery.dry else said


def _client(reader: StoreReader, text: str | None) -> str | None:
    return None if text is None else find_client(reader, text).id
