"""Time travel: the demo, its scripted owner, and the oracles that read the sandbox's ledger."""
