"""The states of a transfer.

outgoing   OFFERED <-> SENDING -> INTERRUPTED -> OFFERED
           any of these -> CANCELLED, FAILED; DONE and DECLINED if the offer is to one member
incoming   OFFERED -> ACCEPTED -> RECEIVING -> DONE, FAILED
           ACCEPTED, RECEIVING <-> INTERRUPTED, by a cut
           any of these -> DECLINED, CANCELLED, WITHDRAWN
           DECLINED, CANCELLED, FAILED -> ACCEPTED, while the offer is open
"""

from enum import StrEnum


class TransferState(StrEnum):
    """The state of a transfer. The values are the words in events and in replies."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    SENDING = "sending"
    RECEIVING = "receiving"
    INTERRUPTED = "interrupted"
    DONE = "done"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"
