"""Scenarios: files that say who is where, what happens, and what must hold."""
