"""The demo as people watch it: a live picture on a terminal, a line a day elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

from rich.console import Group
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from whenever import Instant

from selftimer.plan.state import Hold
from selftimer.simulation.report import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult

    from selftimer.simulation.feed import Feed, Line

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DIGEST = ("leads", "bookings", "payments", "client messages", "messages", "documents")
_STYLES = (("bot_", "bold green"), ("payment", "cyan"), ("session", "magenta"), ("lead", "yellow"), ("owner", "blue"))


class View(Protocol):
    """What shows a feed. A context manager."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_error: object) -> None: ...
    def show(self, feed: Feed) -> None:
        """Show what is new."""
        ...

    def last(self, feed: Feed) -> None:
        """Show the end."""
        ...


class Silence:
    """Nothing is shown."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        return None

    def show(self, feed: Feed) -> None:
        """Nothing."""

    def last(self, feed: Feed) -> None:
        """Nothing."""


class Digest(Silence):
    """A line for each day that has ended."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, feed: Feed) -> None:
        """The days that ended since the last call."""
        self._days(feed, whole=False)

    def last(self, feed: Feed) -> None:
        """The last day too."""
        self._days(feed, whole=True)

    def _days(self, feed: Feed, *, whole: bool) -> None:
        for date, counts in feed.over(whole=whole):
            said = ", ".join(_counted(counts[word], word) for word in _DIGEST if counts[word]) or "nothing"
            line = f"{date} {_DAYS[date.day_of_week().value - 1]}  {said}"
            self._console.print(Text(line), soft_wrap=True, highlight=False)


class Picture:
    """The whole terminal, drawn anew several times a second; as it was before when the demo has ended."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = title
        self._live = Live(console=console, screen=True, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def show(self, feed: Feed) -> None:
        """Draw it."""
        self._live.update(picture(feed, self._title), refresh=True)

    def last(self, feed: Feed) -> None:
        """Draw the end; the report comes in its place."""
        self.show(feed)


def picture(feed: Feed, title: str) -> Layout:
    """The feed, laid out to fill a terminal."""
    layout = Layout()
    layout.split_column(Layout(_head(feed, title), size=4), Layout(name="body"), Layout(_figures(feed), size=1))
    layout["body"].split_row(Layout(_Tail(feed.story), ratio=3), Layout(name="right", ratio=2))
    layout["right"].split_column(Layout(_message(feed)), Layout(_documents(feed), size=5), Layout(_asked(feed), size=6))
    return layout


def _head(feed: Feed, title: str) -> Panel:
    here = feed.now.to_tz(feed.zone)
    day = _DAYS[here.date().day_of_week().value - 1]
    line = Table.grid(expand=True)
    line.add_column()
    line.add_column(justify="right")
    line.add_row(
        Text(f"{day} {here.date()} {here.hour:02}:{here.minute:02}", style="bold"),
        Text(f"day {min(feed.day, feed.length)} of {feed.length}"),
    )
    return Panel(Group(line, ProgressBar(total=1.0, completed=feed.share)), title=title, title_align="left")


class _Tail:
    """As many of the last lines as fit."""

    def __init__(self, story: Sequence[Line]) -> None:
        self._story = story

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        """The panel for the height that there is."""
        room = max(1, (options.height or 20) - 2)
        rows = Table.grid(padding=(0, 1))
        rows.add_column(no_wrap=True, style="dim", min_width=11)
        rows.add_column(no_wrap=True, overflow="ellipsis")
        for line in list(self._story)[-room:]:
            rows.add_row(line.time, Text(clean(line.text), style=_style(line.kind)))
        yield Panel(rows, title="What happens", title_align="left", height=options.height)


def _style(kind: str) -> str:
    return next((style for start, style in _STYLES if kind.startswith(start)), "")


def _message(feed: Feed) -> Panel:
    if not feed.messages:
        return Panel(Text("none yet", style="dim"), title="The last message", title_align="left")
    row = feed.messages[-1]
    name = clean(feed.names.get(row["client_id"], row["client_id"]))
    lines = (clean(line) for line in row["content"]["content"].splitlines())
    return Panel(Text("\n".join(lines)), title=Text(f"To {name}, {_time(row, feed)}"), title_align="left")


def _documents(feed: Feed) -> Panel:
    rows = [
        f"{_time(row, feed)} {row['kind']} {clean(str(row['content'].get('template_name', '')))}"
        for row in list(feed.documents)[-3:]
    ]
    return Panel(Text("\n".join(rows), no_wrap=True, overflow="ellipsis"), title="Documents", title_align="left")


def _asked(feed: Feed) -> Panel:
    rows = [
        f"{delivery.rule_id}: {delivery.words or delivery.verb.value}"
        + ("" if delivery.hold is Hold.APPROVAL else f" ({clean(delivery.reason or 'held')})")
        for delivery in feed.held[:3]
    ]
    if len(feed.held) > 3:
        rows.append(f"and {len(feed.held) - 3} more")
    title = f"Waits for your yes ({feed.answered} answered)"
    return Panel(Text("\n".join(rows), no_wrap=True, overflow="ellipsis"), title=title, title_align="left")


def _figures(feed: Feed) -> Text:
    return Text("   ".join(_counted(feed.counts[word], word) for word in _DIGEST), style="bold", justify="center")


def _counted(count: int, words: str) -> str:
    """`1 lead`, `2 leads`."""
    return f"{count} {words.removesuffix('s') if count == 1 else words}"


def _time(row: Mapping[str, Any], feed: Feed) -> str:
    here = Instant.parse_iso(row["at"]).to_tz(feed.zone)
    return f"{str(here.date())[5:]} {here.hour:02}:{here.minute:02}"
