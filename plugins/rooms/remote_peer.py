"""What a room knows about a peer: its key, its weaknesses, and its source."""

from functools import lru_cache

from plytalk.core.contracts.events import SSH_GUEST
from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.admission import source_of
from plytalk.core.io.address import is_local
from plytalk.plugins.rooms.room_events import Mark


@lru_cache(16)
def key_of(identity: Identity | None) -> PublicKey | None:
    """Return the peer's key, if it is one that can be stored; otherwise None."""
    return PublicKey(identity.key) if identity and identity.is_openssh else None


def marks_of(session: DirectChat) -> int:
    weak = 0
    if session.identity is None:
        weak |= Mark.NO_KEY.value
    if Property.SECRECY not in session.stack.gives:
        weak |= Mark.NOT_ENCRYPTED.value
    if session.stack.transport.guests == SSH_GUEST:
        weak |= Mark.SSH_GUEST.value
    return weak


def source_for(peer: str, person: object) -> object:
    """Return the source under which a member is counted: its address; for this machine, which may have proxies, its key."""
    return person if is_local(peer) else source_of(peer)
