"""Everybody who plays a part; importing this registers them."""

from __future__ import annotations

from selftimer.sandbox.life import bookings, leads, papers, payers, routine

CAST = (routine, leads, bookings, payers, papers)
"""The modules whose acts and ears are registered."""
