"""What bytes mean: sans-IO codecs. Bytes or values in, values or bytes out."""
