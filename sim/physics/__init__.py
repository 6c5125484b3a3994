"""What radio waves, satellites, batteries and chance do: pure formulas, each with its source.

Nothing here knows the loop, a clock or a node. Where chance is needed a `Random` is passed in; where time is
needed, `now_s`. The chapters "§" are those of `docs/simulator-physics.md`.
"""
