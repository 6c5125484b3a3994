"""Beidou BDS-2 short-message terminals (2.1 protocol) as links."""

from drivers.beidou.driver import DRIVER

__all__ = ["DRIVER"]
