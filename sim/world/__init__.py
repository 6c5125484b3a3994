"""A world: who is where with what power, what lies between them, and what people there do."""
