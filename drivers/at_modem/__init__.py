"""Terminals with AT commands and short messages (3GPP TS 27.005/27.007) as links; dialects are data."""

from drivers.at_modem.driver import DRIVER

__all__ = ["DRIVER"]
