"""What a run looks like to people: one HTML page, tables, a capture for Wireshark, sequence diagrams."""
