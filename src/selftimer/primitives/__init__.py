"""Ids, money, time and the Clock: what every floor of the house may use."""
