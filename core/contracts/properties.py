"""Properties: what a layer can need or give, and what they mean for the people who talk.

A stack protects what its layers together give. `core/stack/selection.py` refuses a stack whose needs are not met, warns of what
is missing, and explains both in the sentences below. The lab checks whether they are true.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field


class Property(StrEnum):
    """One thing a layer needs from the others, or gives to the conversation."""

    BOUNDARIES = "boundaries"
    KEYS = "keys"
    STATES = "cipher states"
    PEER_KEY = "peer key"
    SECRECY = "secrecy"
    INTEGRITY = "integrity"
    DIRECTION_KEYS = "direction keys"
    ORDER = "order"
    CLEAN_END = "clean end"
    FRESHNESS = "freshness"
    PEER_IDENTITY = "peer identity"
    FORWARD_SECRECY = "forward secrecy"
    POST_QUANTUM = "post-quantum secrecy"
    LENGTH_HIDING = "length hiding"


class Meaning(Struct, frozen=True):
    """What having or lacking a property means, in the words of `chat explain`.

    `change` names the kinds of layer that can give it; empty for a property that matters only to other layers.
    """

    have: str
    lack: str
    change: tuple[str, ...] = ()


MEANINGS: Mapping[Property, Meaning] = {
    Property.BOUNDARIES: Meaning(
        "each message arrives as it was sent", "messages may run together or be cut in two", ("framer",)
    ),
    Property.KEYS: Meaning("both sides share a secret", "the two sides share no secret", ("handshake",)),
    Property.STATES: Meaning(
        "both sides hold the cipher states that their handshake left",
        "the handshake leaves no cipher states",
        ("handshake",),
    ),
    Property.PEER_KEY: Meaning("the other side shows a key that can be checked", "the other side shows no key", ("handshake",)),
    Property.SECRECY: Meaning(
        "an eavesdropper sees only ciphertext",
        "anyone on the network path can read every word",
        ("cipher", "handshake"),
    ),
    Property.INTEGRITY: Meaning(
        "a changed message is noticed",
        "an attacker can change or invent messages unnoticed",
        ("cipher", "handshake"),
    ),
    Property.PEER_IDENTITY: Meaning(
        "you know whose key you are talking to",
        "a man in the middle can pose as the other side to each of you, and read and rewrite everything",
        ("auth",),
    ),
    Property.DIRECTION_KEYS: Meaning(
        "a message sent back to its sender is refused",
        "an attacker can send your own messages back to you as if the other side had sent them",
        ("handshake", "cipher"),
    ),
    Property.ORDER: Meaning(
        "repeated, dropped and reordered messages are noticed",
        "an attacker can repeat, drop and reorder messages unnoticed",
        ("cipher",),
    ),
    Property.CLEAN_END: Meaning(
        "a cut connection cannot be mistaken for a normal end",
        "an attacker can cut the conversation short, and it looks like a normal end",
        ("messages",),
    ),
    Property.FRESHNESS: Meaning(
        "a replayed conversation is refused",
        "an attacker can record a conversation and replay its beginning, or all of it, to the server",
        ("handshake",),
    ),
    Property.FORWARD_SECRECY: Meaning(
        "recorded conversations stay secret when a long-lived key leaks later",
        "anyone who recorded the traffic can read all of it once a key leaks",
        ("handshake",),
    ),
    Property.POST_QUANTUM: Meaning(
        "recorded conversations stay secret against a future quantum computer",
        "anyone who recorded the traffic can read it once a large quantum computer exists",
        ("handshake",),
    ),
    Property.LENGTH_HIDING: Meaning(
        "only the approximate length of a message is visible",
        "the length of every message is visible on the wire",
        ("messages",),
    ),
}

# In the order of `chat explain`: worst first. The first three are what a warning names.
PROTECTIONS = (
    Property.SECRECY,
    Property.INTEGRITY,
    Property.PEER_IDENTITY,
    Property.DIRECTION_KEYS,
    Property.ORDER,
    Property.CLEAN_END,
    Property.FRESHNESS,
    Property.FORWARD_SECRECY,
    Property.POST_QUANTUM,
    Property.LENGTH_HIDING,
)


class Profile(Struct, frozen=True):
    """A whole stack under one name, with the port that its programs use. `layers` maps a kind of layer to a name; the other kinds
    follow from these. `greeting` is a regular expression for the first bytes of the side that speaks first. It identifies a peer
    with this stack. `options` are values for options of the layers, such as the prompt of the console; a flag overrides them.
    """

    name: str
    summary: str
    port: int
    layers: Mapping[str, str] = field(default_factory=dict)
    greeting: bytes = b""
    is_default: bool = False
    """Whether it is the default stack. Only one installed profile may say so."""
    otherwise: Mapping[str, str] = field(default_factory=dict)
    """For the default profile: the layer of each kind if neither the user nor a chosen layer decides."""
    options: Mapping[str, str] = field(default_factory=dict)
