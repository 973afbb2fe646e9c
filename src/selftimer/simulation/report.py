"""What a simulated time came to: drawn from the sandbox's ledger, joined with the deliveries by what they made."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from selftimer.plan.state import DeliveryState
from selftimer.simulation import oracles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from selftimer.plan.state import Delivery
    from selftimer.simulation.oracles import Finding

SHOWN = 20
"""So many findings are told one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What one rule sent, by the ledger."""

    messages: int = 0
    documents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of a run, and everything that must never happen and did."""

    days: int
    seed: int
    wall_seconds: float
    requests: int
    rules: Mapping[str, Sums]
    held: int
    """Deliveries that wait for a person at the end."""
    unsettled: int
    """Writes that a delivery still looks for, or that the owner was asked about."""
    approved: int = 0
    declined: int = 0
    findings: tuple[Finding, ...] = field(default=())

    @property
    def messages(self) -> int:
        """Messages of the bot, whoever owns them."""
        return sum(sums.messages for sums in self.rules.values())

    @property
    def documents(self) -> int:
        """Documents of the bot."""
        return sum(sums.documents for sums in self.rules.values())

    def count(self, what: oracles.What) -> int:
        """How many findings of that kind."""
        return sum(finding.what == what for finding in self.findings)

    @property
    def clean(self) -> bool:
        """Nothing happened that must never happen."""
        return not self.findings

    def to_json(self) -> dict[str, Any]:
        """As `selftimer demo --json` prints it."""
        return {
            "days": self.days,
            "seed": self.seed,
            "wall_seconds": round(self.wall_seconds, 2),
            "messages": self.messages,
            "documents": self.documents,
            "doubled": self.count("doubled"),
            "misdirected": self.count("misdirected"),
            "after_payment": self.count("after_payment"),
            "unowned": self.count("unowned"),
            "unsent": self.count("unsent"),
            "held": self.held,
            "unsettled": self.unsettled,
            "approved": self.approved,
            "declined": self.declined,
            "requests": self.requests,
            "rules": {rule: asdict(sums) for rule, sums in self.rules.items()},
            "findings": [asdict(finding) for finding in self.findings],
        }


def draw_up(
    ledger: Mapping[str, Any],
    deliveries: Sequence[Delivery],
    *,
    days: int,
    seed: int,
    wall_seconds: float,
    told: Mapping[str, Any],
) -> Report:
    """The report of a run; `told` is what the service said of itself at the end."""
    match = oracles.match(ledger, deliveries)
    verdict = oracles.judge(ledger)
    return Report(
        days=days,
        seed=seed,
        wall_seconds=wall_seconds,
        requests=int(told.get("requests", 0)),
        rules=_rules(ledger, deliveries, match),
        held=sum(delivery.state is DeliveryState.HELD for delivery in deliveries),
        unsettled=len(match.unsettled),
        approved=int(told.get("approved", 0)),
        declined=int(told.get("declined", 0)),
        findings=(*verdict.findings, *match.unowned, *match.unsent),
    )


def _rules(ledger: Mapping[str, Any], deliveries: Sequence[Delivery], match: oracles.Match) -> dict[str, Sums]:
    rule_of = {delivery.id: delivery.rule_id for delivery in deliveries}
    messages: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    for row in oracles.bot_rows(ledger):
        rule = rule_of.get(match.owners.get(row["seq"], ""), "(no delivery)")
        messages[rule] += row["kind"] == "message"
        documents[rule] += row["kind"] in oracles.DOCUMENT_KINDS
    seen = sorted(rule for rule in messages if messages[rule] or documents[rule])
    return {rule: Sums(messages=messages[rule], documents=documents[rule]) for rule in seen}


def show(report: Report, console: Console) -> None:
    """The table, the figures that must be 0, and each finding."""
    table = Table(title=f"{report.days} days of a studio, seed {report.seed}", title_justify="left", show_footer=True)
    table.add_column("rule", footer="in all")
    table.add_column("messages", justify="right", footer=str(report.messages))
    table.add_column("documents", justify="right", footer=str(report.documents))
    for rule, sums in sorted(report.rules.items(), key=lambda item: (-item[1].messages - item[1].documents, item[0])):
        table.add_row(rule, str(sums.messages or ""), str(sums.documents or ""))
    console.print(table)
    console.print(_zeros(report))
    console.print(
        Text(
            f"Your answers: {report.approved} yes, {report.declined} no; {report.held} held at the end. "
            f"{report.requests:,} requests in {report.wall_seconds:.1f} s."
        )
    )
    if report.unsettled:
        console.print(Text(f"{report.unsettled} writes are still looked for.", style="yellow"))
    for finding in report.findings[:SHOWN]:
        console.print(
            Text(f"{finding.what}: {finding.at} client {finding.client_id}: {clean(finding.why)}", style="red")
        )
    if len(report.findings) > SHOWN:
        console.print(Text(f"and {len(report.findings) - SHOWN} more", style="red"))


def _zeros(report: Report) -> Text:
    line = Text("By the studio's own ledger: ")
    names: tuple[tuple[oracles.What, str], ...] = (
        ("doubled", "sent twice"),
        ("misdirected", "to the wrong client"),
        ("after_payment", "reminders after payment"),
        ("unowned", "without a delivery"),
        ("unsent", "said to be sent and not there"),
    )
    for place, (what, words) in enumerate(names):
        count = report.count(what)
        line.append(", " if place else "")
        line.append(f"{count} {words}", style="bold red" if count else "green")
    return line.append(".")


def clean(text: str) -> str:
    """What strangers wrote, fit for a terminal: on one line, without characters that steer it or turn the writing."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
