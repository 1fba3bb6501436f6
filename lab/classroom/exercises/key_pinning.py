"""Exercise 7: pin a key. The answer is a known_hosts file; with it a real client must talk to one server and to no other."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.attendance import Attendance
from plytalk.lab.attacks.participants import ADDRESS, OutOfBand, ParticipantRecord, make_session, open_session
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.task import AnswerVerdict, Exercise, Files
from plytalk.trust.files import write
from plytalk.trust.identity import identity_key

SERVERS = 6
HOST, PORT = ADDRESS.split(":")
NAME = f"[{HOST}]:{PORT}"


def private_keys(draw: Draw) -> list[Ed25519PrivateKey]:
    """The keys of everyone who has answered at that address; `right` says which is the server's."""
    return [Ed25519PrivateKey.from_private_bytes(draw.key(f"server {number}")) for number in range(SERVERS)]


def right(draw: Draw) -> int:
    return draw.below("right", SERVERS)


def public(key: Ed25519PrivateKey) -> PublicKey:
    return identity_key(key.public_key().public_bytes_raw())


def make(draw: Draw) -> Files:
    keys = list(map(public, private_keys(draw)))
    wrong = keys[(right(draw) + 1) % SERVERS]
    collected = "".join(f"{key} seen-from-network-{number}\n" for number, key in enumerate(keys, 1))
    card = f"The server at {ADDRESS} has the key\n{keys[right(draw)].fingerprint}\n(printed, and given to you by hand)\n"
    return {
        "collected.pub": collected.encode(),
        "card.txt": card.encode(),
        "known_hosts": f"{NAME} {wrong}\n".encode(),
    }


def check(draw: Draw, answer: str) -> AnswerVerdict:
    for number, key in enumerate(private_keys(draw)):
        met = clock.run(meet(answer, key))
        genuine = number == right(draw)
        if met.asked:
            return AnswerVerdict(
                False, f"The client had to ask whether {public(key).fingerprint} is right: your file does not say."
            )
        if genuine and not met.opened:
            return AnswerVerdict(False, "The client refuses the server of the card: your file names another key for it.")
        if met.opened and not genuine:
            return AnswerVerdict(False, f"The client talks to {public(key).fingerprint}, which is not the key on the card.")
    return AnswerVerdict(True, "The client knows its server, and refuses the five others before it sends anything secret.")


async def meet(known_hosts: str, key: Ed25519PrivateKey) -> ParticipantRecord:
    """What the client's user sees where a server with this key answers, and the client has this file."""
    with TemporaryFolder() as folder:
        write(folder / "server", key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        write(folder / "known_hosts", known_hosts.encode())
        stacks = {
            Role.INITIATOR: identified({"identity": folder / "client", "known_hosts": folder / "known_hosts"}, ["known-hosts"]),
            Role.RESPONDER: identified({"identity": folder / "server"}, []),
        }
        records = {role: ParticipantRecord() for role in Role}
        sessions = []
        for role, stream in zip(Role, memory_stream_pair(), strict=True):
            await prepare(stacks[role].handshake, role, lambda prompt: "")
            sessions.append(make_session(stacks[role], stream, role, records[role], OutOfBand()))
        both = [*zip(sessions, records.values(), strict=True)]
        await asyncio.gather(*(open_session(session, record) for session, record in both))
        for session in (opened := [session for session, record in both if record.opened]):
            Attendance(session).enter()
            session.exit()
        await asyncio.gather(*(session.over() for session in opened))
        return records[Role.INITIATOR]


def identified(options: dict[str, Path], auths: Sequence[str]) -> Stack:
    registry = Registry()
    layers = {**registry.default_profile.layers, "transport": "memory", "ui": "none"}
    classes = choose_named(layers, registry.layer)
    return Stack.build(classes | {"auth": [registry.layer("auth", name) for name in auths]}, options)


HINTS = (
    "`ssh-keygen -l -f collected.pub` shows six fingerprints. One of them is on the card.",
    "Take the type and the key of that line (two words), and put them behind the first word of known_hosts.",
)
EXERCISE = Exercise("Pin a key", "the folder with your known_hosts, or that file", make, check, HINTS, answer_file="known_hosts")
