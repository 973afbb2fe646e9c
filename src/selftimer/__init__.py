"""Selftimer: automations for photography studios that fire by themselves."""

__version__ = "0.1.0"
