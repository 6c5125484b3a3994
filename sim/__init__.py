"""The world that stands in for radios: virtual time, channels, modems, people, faults."""
