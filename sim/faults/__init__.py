"""Faults as data: what breaks, when, for how long, and why."""
