"""The programs' and people's door: REST and WebSocket under `/api/v1`, and the status page."""
