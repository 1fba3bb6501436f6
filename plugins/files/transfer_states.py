"""The states of a transfer.

outgoing   OFFERED <-> SENDING -> INTERRUPTED -> OFFERED
           any of these -> CANCELLED, FAILED; DONE, DECLINED by the reply of the only receiver
incoming   OFFERED -> ACCEPTED -> RECEIVING -> DONE
           ACCEPTED, RECEIVING -> INTERRUPTED, by a cut; INTERRUPTED -> RECEIVING, when the sender is back
           OFFERED -> DECLINED, FAILED, WITHDRAWN
           ACCEPTED, RECEIVING, INTERRUPTED -> CANCELLED, FAILED, WITHDRAWN
           DECLINED, CANCELLED, FAILED -> ACCEPTED, while the offer is open
           WITHDRAWN -> OFFERED, when the offer is made again
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
