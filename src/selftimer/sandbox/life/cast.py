"""Everybody who plays a part."""

from __future__ import annotations

from selftimer.sandbox.life import bookings, leads, papers, payers, routine

PARTS = (routine.PART, leads.PART, bookings.PART, payers.PART, papers.PART)
"""The parts of a world's script, one a module of actors."""
