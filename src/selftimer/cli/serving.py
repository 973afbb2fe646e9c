"""The sandbox on a socket, from a command."""

from __future__ import annotations

import asyncio
import pickle
import signal
from typing import TYPE_CHECKING

from selftimer.cli.output import note, say
from selftimer.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from selftimer.sandbox.world import World


def serve_sandbox(*, seed: int, port: int, population: int, real: bool, state: Path | None) -> int:
    """Until Ctrl-C or SIGTERM; then save, if there is a file to save to."""
    world = _world(seed=seed, population=population, real=real, state=state)
    try:
        asyncio.run(_serve(world, port))
    except OSError as error:
        raise ConfigError(f"port {port} can't be used ({error.strerror}); choose another with --port") from error
    finally:
        if state is not None:
            world.save(state)
            note(f"Saved to {state}")
    return 0


def _world(*, seed: int, population: int, real: bool, state: Path | None) -> World:
    from selftimer.sandbox.world import World

    if state is None or not state.exists():
        return World(seed=seed, population=population, mode="real" if real else "stepped")
    try:
        return World.load(state)
    except (OSError, pickle.UnpicklingError, EOFError, AttributeError, ImportError, TypeError) as error:
        raise ConfigError(f"{state} is not a state that this version of 'selftimer sandbox' saved ({error})") from error


async def _serve(world: World, port: int) -> None:
    from selftimer.sandbox.server import serve

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(world, port=port, stop=stop, ready=lambda origin: _tell(world, origin))


def _tell(world: World, origin: str) -> None:
    from selftimer.sandbox.faults import ABOUT

    profile = world.profile
    stepped = world.clock.mode == "stepped"
    say(f"{profile.name} (seed {world.seed}) is at {origin}; it is {world.now}, zone {profile.zone}")
    say(f"Watch it, and act as its clients: {origin}/_sandbox/")
    say(f"Its API, described: {origin}/openapi.json")
    say("In another terminal, from a workspace:")
    say(f"  export SELFTIMER_ACCOUNT__URL={origin}")
    say(f"  export SELFTIMER_EMAIL={profile.email} SELFTIMER_PASSWORD={profile.password}")
    say("  selftimer run" + (f" --sandbox-clock {origin}" if stepped else ""))
    say("What happens, as data:")
    say(f"  curl {origin}/_sandbox/story      curl {origin}/_sandbox/ledger")
    say("Order a fault, here the next message is applied and its answer lost:")
    say(
        f"  curl {origin}/_sandbox/faults -d "
        """'{"match": {"method": "POST", "path": "/conversation_messages"}, "fault": "drop_after", "times": 1}'"""
    )
    for kind, about in ABOUT.items():
        say(f"    {kind:<14} {about}")
    say(f"Cancel what is under order: curl -X DELETE {origin}/_sandbox/faults")
    say("Have its payloads drift, here a word that nobody knows; 'selftimer doctor' finds it:")
    say(
        f"  curl {origin}/_sandbox/drift -d "
        """'{"drift": "new_word", "path": "/invoices/", "field": "status", "value": "on_hold"}'"""
    )
    say("Stop with Ctrl-C.")
