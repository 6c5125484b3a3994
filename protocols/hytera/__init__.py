"""Hytera-style application protocols of DMR/PDT mobiles and repeaters: HRNP, HSTRP and HDAP.

Byte layouts: reference page "narrowband radios", sections 1.1-1.9.
"""
