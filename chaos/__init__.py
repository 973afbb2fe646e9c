"""Campaigns: the service against crashes, faults and hostile input, over many seeds (delivery.md §7)."""
