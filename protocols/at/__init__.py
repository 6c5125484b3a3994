"""AT terminals (ITU-T V.250, 3GPP TS 27.005 and 27.007): what they send, and what it means."""

from protocols.at.decoder import (
    CTRL_Z,
    ESCAPE,
    MAX_LINE_OCTETS,
    Decoder,
    Echo,
    Event,
    Garbage,
    Prompt,
    Result,
)
from protocols.at.lines import Line, Parameter, encode_line, parse_line
from protocols.at.meaning import Meaning, interpret
from protocols.at.words import Words, error_words, report_words

__all__ = [
    "CTRL_Z",
    "ESCAPE",
    "MAX_LINE_OCTETS",
    "Decoder",
    "Echo",
    "Event",
    "Garbage",
    "Line",
    "Meaning",
    "Parameter",
    "Prompt",
    "Result",
    "Words",
    "encode_line",
    "error_words",
    "interpret",
    "parse_line",
    "report_words",
]
