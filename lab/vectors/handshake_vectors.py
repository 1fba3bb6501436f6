"""Vectors of a handshake that can do without chance (`Seedable`): what each side drew, each message, and what both end with."""

from collections.abc import Callable, Mapping
from typing import Any

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.optional import Seedable
from plytalk.core.contracts.peers import Role
from plytalk.lab.vectors.seeded_draws import SeededDraws
from plytalk.testing.attempts import CLIENT, SERVER, Attempts, Course
from plytalk.testing.parts import TypedFrames


async def handshake_vector(make: Callable[[Role], Handshake], seed: int, number: int) -> Mapping[str, Any]:
    """A vector of the handshake that `make` gives. Raises Usage where it needs chance."""
    draws = {role: SeededDraws(seed, number, role.value) for role in Role}
    client, server = (seeded(make(role), draws[role]) for role in (CLIENT, SERVER))
    order: list[tuple[Role, bytes, bytes]] = []
    course = await Attempts(client, server, TypedFrames).once(
        edit=lambda sender, _, framer, kind, payload: order.append((sender, kind, payload))
    )
    ours, theirs = course.secrets
    keys = {"client_sends_with": ours.send, "server_sends_with": theirs.send}
    return {
        "handshake": client.name,
        **({"suite": ours.suite} if ours.suite else {}),
        "drawn": {role.value: draws[role].drawn for role in Role},
        "messages": [
            {"sender": sender.value, "kind": kind.decode("latin-1"), "payload": payload.hex()}
            for sender, kind, payload in order
            if not _is_last(course, sender, payload)
        ],
        **({"transcript": ours.transcript.hex()} if ours.transcript else {}),
        **{name: bytes(key).hex() for name, key in keys.items() if key},
    }


def seeded(handshake: Handshake, draws: SeededDraws) -> Handshake:
    """The handshake without chance. Raises Usage."""
    if not isinstance(handshake, Seedable):
        raise Usage(
            f"The handshake `{handshake.name}` takes no seed: its secrets come from its library's own randomness.",
            "Choose `noise` or `plytalk1`, a Noise protocol name, or give the handshake the method `seeded` of Seedable.",
        )
    return handshake.seeded(draws)


def _is_last(course: Course, sender: Role, payload: bytes) -> bool:
    """Whether a message is the one that each side says behind the handshake."""
    return payload is course.frames[sender][-1][1]
