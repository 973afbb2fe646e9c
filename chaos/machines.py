"""State machines against dict models, fifty steps each: deliveries, the diff, the session, caps (delivery.md §7).

A seed is twenty-five examples of one of them. A failure becomes a violation that says the steps which lead to it;
`python -m chaos.machines SEED` looks for the shortest.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test
from structlog.testing import capture_logs

from chaos.campaign import Campaign, Result
from chaos.machine_caps import CapsMachine
from chaos.machine_delivery import DeliveryMachine
from chaos.machine_diff import DiffMachine
from chaos.machine_session import SessionMachine

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

STEPS, EXAMPLES = 50, 25
MACHINES: dict[str, type[RuleBasedStateMachine]] = {
    "delivery": DeliveryMachine,
    "diff": DiffMachine,
    "session": SessionMachine,
    "caps": CapsMachine,
}


def examples(machine: type[RuleBasedStateMachine], count: int, *, seed: int = 0, shorten: bool = False) -> str | None:
    """Run so many examples of a machine; None, or what went wrong and by which steps.

    `shorten` looks for the shortest way there, which can take minutes.
    """
    bounds = settings(
        max_examples=count,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        print_blob=False,
        phases=(Phase.generate, Phase.shrink) if shorten else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    fresh = type(machine.__name__, (machine,), {})  # the seed is kept on the class
    try:
        with capture_logs():
            run_state_machine_as_test(seeded(seed)(fresh), settings=bounds)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the campaign is for
        steps = "\n".join(getattr(error, "__notes__", []))
        return f"{machine.__name__}, seed {seed}: {type(error).__name__}: {error}\n{steps}"
    return None


def of_seed(seed: int, *, shorten: bool = False) -> tuple[str, str | None]:
    """Which machine a seed is for, and what its examples came to."""
    name = list(MACHINES)[seed % len(MACHINES)]
    return name, examples(MACHINES[name], EXAMPLES, seed=seed, shorten=shorten)


def run(seed: int) -> Result:
    """Twenty-five examples of one of the machines, in turn."""
    name, failed = of_seed(seed)
    return Result(
        seed=seed, count=EXAMPLES, violations=(failed,) if failed else (), notes={f"{name} examples": EXAMPLES}
    )


CAMPAIGN = Campaign(
    name="machines",
    title="state machines against dict models, 50 steps each: delivery, diff, session, caps",
    unit="examples",
    run=run,
    each=25,
    counts={"quick": 300, "night": 5_000, "release": 50_000},
    minutes={"quick": 0.5, "night": 1.5, "release": 15},
)

if __name__ == "__main__":
    for name, failed in (of_seed(int(seed), shorten=True) for seed in sys.argv[1:]):
        print(failed or f"{name}: nothing")
