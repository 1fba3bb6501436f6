"""What a handshake pattern gives each payload: Noise section 7.7, worked out from the pattern's own tokens.

Source, how the sender of a payload is authenticated to its recipient:

    0  not at all
    1  by `ss` alone: a thief of the recipient's static key can pose as any sender
    2  by a DH of the sender's static key with the recipient's ephemeral one

Destination, to whom a payload is confidential:

    0  to nobody in particular: cleartext
    1  to the sender of the ephemeral key (`ee`)
    2  to the recipient's static key, without its ephemeral one: the message can be replayed, and is read by who steals that key
    3  to both, but nothing has tied the ephemeral key to the static one yet
    4  to both, tied together by `ss` alone
    5  to both, tied together by a message that only the recipient could send
"""

from typing import NamedTuple

from plytalk.plugins.noise.patterns import Pattern


class Payload(NamedTuple):
    """The properties of one payload; `psk` and `kem` say whether a pre-shared key and the KEM's secret protect it as well."""

    by_initiator: bool
    source: int
    destination: int
    psk: bool
    kem: bool


def payloads(pattern: Pattern) -> list[Payload]:
    """Those of the handshake's messages, and then of the first transport message of each side, in turn."""
    found: list[Payload] = []
    done: set[str] = set()
    messages = [*pattern.messages] if pattern.one_way else [*pattern.messages, (), ()]
    for number, tokens in enumerate(messages):
        done |= set(tokens)
        initiator = number % 2 == 0
        source = _source(done, initiator)
        theirs = max((one.source for one in found if one.by_initiator != initiator), default=0)
        found.append(Payload(initiator, source, _destination(done, initiator, theirs), "psk" in done, "ekem1" in done))
    return found


def _source(done: set[str], initiator: bool) -> int:
    if ("se" if initiator else "es") in done:
        return 2
    return 1 if "ss" in done else 0


def _destination(done: set[str], initiator: bool, theirs: int) -> int:
    """`theirs` is how the recipient was authenticated by what it has sent so far."""
    to_static = ("es" if initiator else "se") in done or "ss" in done
    if "ee" not in done:
        return 2 if to_static else 0
    return 3 + theirs if to_static else 1


def proves_presence(pattern: Pattern) -> bool:
    """Whether the initiator's last handshake message shows the responder that it is there now, and holds its static key if it
    has one. Otherwise the handshake may be a recording until the first transport message opens.
    """
    last = (len(pattern.messages) - 1) // 2 * 2
    fresh = any("ee" in tokens for tokens in pattern.messages[:last])  # with a key that the responder made for this one
    keyed = "s" in pattern.initiator_pre + pattern.sent(initiator=True)
    return fresh and (payloads(pattern)[last].source > 0 or not keyed)


def keeps_forward_secrecy(pattern: Pattern) -> bool:
    """Whether what is said after the handshake stays secret when static keys leak later."""
    return "ee" in {token for tokens in pattern.messages for token in tokens}
