"""SQL of every schema version, 001 upwards; a step once released is never edited."""
