"""Everybody who plays a part."""

from __future__ import annotations

from selftimer.sandbox.life import bookings, galleries, leads, papers, payers, routine

PARTS = (routine.PART, leads.PART, bookings.PART, galleries.PART, payers.PART, papers.PART)
"""The parts of a world's script, one a module of actors."""
