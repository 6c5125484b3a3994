"""Short messages: the PDU codec of 3GPP TS 23.040 / 23.038 as TS 27.005 terminals carry it."""

from protocols.sms.alphabet import is_gsm7, septets_to_text, text_to_septets
from protocols.sms.fields import (
    Address,
    Alphabet,
    Timestamp,
    Validity,
    ValidityFormat,
    alphabet_of,
    message_class_of,
)
from protocols.sms.pdu import (
    Deliver,
    Invalid,
    Outcome,
    Pdu,
    StatusReport,
    Submit,
    cmgs_length,
    decode,
    decode_hex,
    encode,
)
from protocols.sms.segment import Assembled, Reassembler, dcs_for, split_text
from protocols.sms.userdata import MAX_UD_OCTETS, Concat, UserData

__all__ = [
    "MAX_UD_OCTETS",
    "Address",
    "Alphabet",
    "Assembled",
    "Concat",
    "Deliver",
    "Invalid",
    "Outcome",
    "Pdu",
    "Reassembler",
    "StatusReport",
    "Submit",
    "Timestamp",
    "UserData",
    "Validity",
    "ValidityFormat",
    "alphabet_of",
    "cmgs_length",
    "dcs_for",
    "decode",
    "decode_hex",
    "encode",
    "is_gsm7",
    "message_class_of",
    "septets_to_text",
    "split_text",
    "text_to_septets",
]
