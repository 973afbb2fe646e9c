"""A faithful local Studio API with a studio that lives behind it. Shares no code with the client.

In process: `FaultTransport(create_app(World(seed=7)))` is an httpx transport. On a socket: `server.serve(world)`.
Time: `world.advance_to`, `world.step`, or /_sandbox/clock. What happened: `world.ledger`, or /_sandbox/ledger.
"""
