"""PDT: what the police and emergency digital trunking standard adds to DMR, here the numbering."""
