"""What to do: ledger, routing, delivery, roll call, API, daemon. Knows Links, never devices."""
