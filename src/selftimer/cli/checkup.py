"""Printing what a tour, or a browser's export, came to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from selftimer.cli.output import clean, console, plain, print_json, print_table, say
from selftimer.cli.workspace import load_settings, log_to_file, make_state_folder

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.settings import Settings
    from selftimer.studio.tour_report import Report, Row


def examine(workspace: Path, sandbox_clock: str | None, *, fields: bool, as_json: bool) -> int:
    """Over the account; 1 where something differs that matters."""
    settings = load_settings(workspace)
    make_state_folder(settings)
    log_to_file(settings)
    return show(asyncio.run(_tour(settings, sandbox_clock)), fields=fields, as_json=as_json)


async def _tour(settings: Settings, sandbox_clock: str | None) -> Report:
    from selftimer.cli.working import stepped_clock
    from selftimer.signing import tour

    if sandbox_clock is None:
        return await tour(settings)
    async with stepped_clock(settings, sandbox_clock) as clock:
        return await tour(settings, clock=clock)


def examine_har(har: Path, workspace: Path, *, fields: bool, as_json: bool) -> int:
    """Over a file; a workspace, where there is one, says at which address the studio is."""
    from selftimer.settings import FILE
    from selftimer.studio.har import judge_har

    hosts = [load_settings(workspace).account.url] if (workspace / FILE).exists() else []
    return show(judge_har(har, *hosts), fields=fields, as_json=as_json)


def show(report: Report, *, fields: bool = False, as_json: bool = False) -> int:
    """Print it; 1 where something differs that matters."""
    if as_json:
        findings = [plain(one) | {"sentence": one.sentence} for one in report.findings]
        print_json(plain(report) | {"differs": report.differs, "findings": findings})
    else:
        _print(report, fields=fields)
    return 1 if report.differs else 0


def _print(report: Report, *, fields: bool) -> None:
    rows = [
        (row.endpoint, "" if row.documented else "inferred", _answered(row), _list(row), _fields(row), _extras(row))
        for row in report.rows
    ]
    print_table(("endpoint", "", "answer", "list", "fields", ""), rows, empty="Nothing was visited.")
    for row in report.rows if fields else ():
        _all_fields(row)
    say("")
    for sentence in [*_about(report), *report.notes]:
        say(clean(sentence))
    matters = [one for one in report.findings if one.matters]
    harmless = [one for one in report.findings if not one.matters]
    if not report.findings:
        say("\nAll is as Selftimer knows it.")
    screen = console()
    for title, style, some in (("Differs, and matters", "red", matters), ("Differs, and does no harm", None, harmless)):
        if some:
            say(f"\n{title}:")
        for one in some:
            where = f" [{', '.join(one.seen_at)}]" if one.seen_at else ""
            screen.print(f"  {clean(one.sentence)}{where}", style=style, soft_wrap=True)


def _all_fields(row: Row) -> None:
    if row.fields:
        say(f"\n{row.endpoint} ({row.records} records):")
        found = [
            (one.name, " or ".join(f"{kind} {n}" for kind, n in one.types.items()), "new" if one.new else "")
            for one in row.fields
        ]
        found += [(name, "", "missing") for name in row.missing]
        print_table(("field", "types, and how often", ""), found, empty="")


def _answered(row: Row) -> str:
    if row.status is None:
        return row.note or "not visited"
    return f"{row.status}" if row.readable else f"{row.status}: {row.note}"


def _list(row: Row) -> str:
    if row.records is None:
        return ""
    said = [f"{row.records} seen" if row.records else "empty"]
    if row.total is not None:
        said.append("total told" if row.total else "no total")
    if row.page_size is not None:
        said.append(f"page size {row.page_size}")
    if row.newest_first is not None:
        said.append("newest first" if row.newest_first else "not newest first")
    return ", ".join(said)


def _fields(row: Row) -> str:
    if not row.fields:
        return ""
    new = [f"{one.name} ({' or '.join(sorted(one.types))})" for one in row.fields if one.new]
    said = [f"{len(row.fields)} seen"]
    if row.missing:
        said.append(f"missing: {', '.join(row.missing)}")
    if new:
        said.append(f"new: {', '.join(new)}")
    return "; ".join(said)


def _extras(row: Row) -> str:
    said = [f"links in {', '.join(row.links)}"] if row.links else []
    return "; ".join([*said, *row.conditional])


def _about(report: Report) -> list[str]:
    session = report.session
    rates = ", ".join(report.rate_headers) or "none"
    made = f"{report.requests} requests made" if report.source == "studio" else f"{report.requests} answers judged"
    said = [f"{made}; rate limit headers: {rates}"]
    conditional = sorted({name for row in report.rows for name in row.conditional})
    said.append(f"headers to ask for changes only: {', '.join(conditional) or 'none'}")
    linked = [row.endpoint for row in report.rows if row.links]
    said.append(f"documents with a link for the client: {', '.join(linked) or 'none seen'}")
    if report.skew is not None:
        said.append(f"the studio's clock is {abs(report.skew)} s {'ahead' if report.skew >= 0 else 'behind'}")
    if session.seconds_so_far is not None:
        said.append(f"the session ({session.kind}) has lasted {_long(session.seconds_so_far)} so far")
    if session.cookie_seconds is not None:
        said.append(f"its cookie says that it ends in {_long(session.cookie_seconds)}")
    return said


def _long(seconds: int) -> str:
    if seconds < 120:
        return f"{max(0, seconds)} seconds"
    return f"{seconds / 3600:.1f} hours" if seconds >= 7200 else f"{seconds // 60} minutes"
