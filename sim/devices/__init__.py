"""Byte-level models of the devices that drivers talk to."""
