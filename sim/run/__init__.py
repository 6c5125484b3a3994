"""Running scenarios: phases, promises, metrics, sweeps, replay and shrinking."""
