"""How to talk to a device: one module per device family, each yields Links."""
