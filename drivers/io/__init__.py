"""Byte streams and datagrams of the real world: pyserial descriptors, TCP, UDP."""
