"""370 MHz PDT/DMR mobiles of the Hytera dialect as links."""

from drivers.hytera.driver import DRIVER

__all__ = ["DRIVER"]
