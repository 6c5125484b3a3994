"""The demo: the daemon that ships, twice, as real processes in a simulated field."""
