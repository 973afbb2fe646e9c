"""What a command is told where its order can't be carried out."""

from __future__ import annotations


class Refusal(ValueError):  # noqa: N818 - an answer to the person who asked, not a fault
    """Why an order can't be carried out, as a sentence."""
