"""Tests of rules, as photographers write them in `rules/tests/*.yaml`: a diary of what happens and what must follow.

Each test gets a studio of its own (the sandbox, in this process) and a service wired as in production over it. Time is
the sandbox's clock. Nothing here judges a rule: what the diary says is done in the studio's books, and what the service
did is read from the studio's ledger and the service's own rows, and compared.
"""
