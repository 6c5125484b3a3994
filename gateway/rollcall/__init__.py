"""Roll call 点名: poll scheme over the bearer cascade, states with evidence, a kept and sealed record."""
