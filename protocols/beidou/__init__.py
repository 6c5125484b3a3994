"""Beidou RDSS terminals: the BDS-2 "2.1 protocol" (reference page satellite-terminals, §1)."""
