"""What a fuzzer can see is wrong with a handshake: each function gives sentences, none where nothing is wrong.

Those of the first part look at many undisturbed conversations, those of the second at one that was disturbed.
"""

import gc
import hashlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from types import FunctionType, ModuleType

from plytalk.core.contracts.errors import ChatError, RemoteError
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.testing.attempts import CLIENT, SERVER, Course

SHORTEST_KEY = 16
"""Bytes: 128 bits."""
WINDOW = 24
"""Bytes that are compared between conversations: less than a key, more than what repeats by chance."""
MOST_OBJECTS = 20_000
HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s", "sha3_256")

# -- many undisturbed conversations ------------------------------------------------------------------------------------------


def undisturbed(courses: Sequence[Course], client: Handshake, server: Handshake) -> Iterator[str]:
    """What is wrong with conversations that nobody disturbed."""
    gives = client.gives
    if Property.KEYS in gives and all(course.secrets[0].send for course in courses):
        yield from short_keys(courses)
        yield from repeated_keys(courses)
        yield from keys_on_the_wire(courses)
        yield from public_transcript(courses)
        yield from kept_keys(courses[-1], client, server)
    if {Property.FRESHNESS, Property.FORWARD_SECRECY} & gives:
        yield from repeated_messages(courses)


def keys_of(course: Course) -> list[bytes]:
    """The keys that the client is left with."""
    client, _ = course.secrets
    return [bytes(key) for key in dict.fromkeys((bytes(client.send), bytes(client.receive))) if key]


def short_keys(courses: Sequence[Course]) -> Iterator[str]:
    shortest = min(len(key) for course in courses for key in keys_of(course))
    if shortest < SHORTEST_KEY:
        yield f"A key has {shortest} bytes: {SHORTEST_KEY} are the least that cannot be tried out."


def repeated_keys(courses: Sequence[Course]) -> Iterator[str]:
    """Whole keys, or bytes of them, that are the same in all conversations."""
    keys = [b"".join(keys_of(course)) for course in courses]
    if len(set(keys)) < len(keys):
        yield "Two conversations had the same keys."
        return
    size = min(map(len, keys))
    constant = [at for at in range(size) if len({key[at] for key in keys}) == 1]
    if constant:
        yield f"{len(constant)} of {size} bytes of the keys are the same in {len(keys)} conversations."
        return
    narrow = [at for at in range(size) if not any(key[at] & 0x80 for key in keys)]
    if len(narrow) > size // 2:
        yield "The keys consist of characters, not of random bytes: they hold less than their length says."


def keys_on_the_wire(courses: Sequence[Course]) -> Iterator[str]:
    """A key that an eavesdropper reads, or computes by hashing what was sent."""
    for course in courses:
        sent = [payload for role in (CLIENT, SERVER) for _, payload in course.frames[role][:-1]]
        together = b"".join(sent)
        for key in keys_of(course):
            forms = (key, key.hex().encode(), b64encode(key).rstrip(b"="), key[::-1], bytes(255 - byte for byte in key))
            if any(form in together for form in forms):
                yield "A key goes over the wire, where an eavesdropper reads it."
                return
            if any(digest[: len(key)] == key for digest in digests(sent)):
                yield "A key is a hash of what goes over the wire, so that an eavesdropper can compute it."
                return


def digests(sent: Sequence[bytes]) -> Iterator[bytes]:
    whole = [*sent, b"".join(sent), b"".join(reversed(sent)), b"".join(sorted(sent))]
    parts = [payload[at : at + 32] for payload in sent for at in range(0, len(payload), 32)]
    for text in (*whole, *parts):
        for name in HASHES:
            yield hashlib.new(name, text, usedforsecurity=False).digest()


def public_transcript(courses: Sequence[Course]) -> Iterator[str]:
    client, _ = courses[0].secrets
    if any(key in bytes(client.transcript) for key in keys_of(courses[0])):
        yield "The transcript holds a key, and the transcript is public."


def kept_keys(course: Course, client: Handshake, server: Handshake) -> Iterator[str]:
    """Keys of a conversation that the handshake object, which serves all of them, still holds."""
    keys = set(keys_of(course))
    for role, end in ((CLIENT, client), (SERVER, server)):
        if any(isinstance(one, bytes | bytearray) and bytes(one) in keys for one in reachable(end)):
            yield f"The {role.value}'s handshake object keeps a key after the handshake: leave it in local variables."


def reachable(root: object) -> Iterator[object]:
    """The data that an object refers to, over any number of steps; not code."""
    seen: set[int] = set()
    waiting: list[object] = [root]
    while waiting and len(seen) < MOST_OBJECTS:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType | Course):
            continue
        seen.add(id(one))
        yield one
        waiting += gc.get_referents(one)


def repeated_messages(courses: Sequence[Course]) -> Iterator[str]:
    """Messages, or long parts of them, that are the same in two conversations although each claims to be fresh."""
    for role in Role:
        first, second = (b"".join(payload for _, payload in course.frames[role][:-1]) for course in courses[:2])
        if not first:
            continue
        if first == second:
            yield f"The {role.value} sends the same in two conversations, though the handshake claims to be fresh."
            continue
        parts, shown = [first], [identity.key for identity in courses[0].wires[role.other].asked]
        if any(key not in first for key in shown):
            continue  # its long-lived key has another form on the wire, which is the same each time
        for key in shown:
            parts = [piece for part in parts for piece in part.split(key)]
        if any(window in second and looks_random(window) for part in parts for window in windows(part)):
            yield (
                f"The {role.value} sends the same {WINDOW} random bytes in two conversations: it uses a key or a nonce twice, "
                "unless they belong to its long-lived identity."
            )


def looks_random(data: bytes) -> bool:
    """Whether it can be a key or a nonce: padding repeats itself, and text consists of characters."""
    return len(set(data)) > len(data) // 2 and not all(32 <= byte < 127 or byte in b"\r\n\t" for byte in data)


def windows(data: bytes) -> Iterator[bytes]:
    return (data[at : at + WINDOW] for at in range(len(data) - WINDOW + 1))


# -- a conversation that was disturbed -----------------------------------------------------------------------------------------


def disturbed(course: Course, changed: bool) -> Iterator[str]:
    """What is wrong with a conversation of which one message was changed, if `changed`."""
    yield from crashes(course)
    if changed and agree(course):
        yield "A changed message is taken for the original: both sides go on with the same keys, and neither notices."


def crashes(course: Course) -> Iterator[str]:
    for role, result in course.results.items():
        if isinstance(result, BaseException) and not isinstance(result, RemoteError):
            where = f" ({raising_line(result)})" if raising_line(result) else ""
            what = "as if this side were at fault" if isinstance(result, ChatError) else "instead of HandshakeFailed"
            yield f"The {role.value} raises {type(result).__name__}{where} {what}."
        elif isinstance(result, SessionSecrets) and not isinstance(result.send, bytes | bytearray):
            yield f"The {role.value} leaves a key that is not bytes."


def raising_line(error: BaseException) -> str:
    """The file's name and the line that raised an error."""
    traceback = error.__traceback__
    lines = []
    while traceback:
        lines.append(f"{traceback.tb_frame.f_code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno}")
        traceback = traceback.tb_next
    return lines[-1] if lines else ""


def agree(course: Course) -> bool:
    """Whether both sides succeeded, with the same secrets."""
    client, server = course.results.get(CLIENT), course.results.get(SERVER)
    if not isinstance(client, SessionSecrets) or not isinstance(server, SessionSecrets):
        return False
    if client.states or server.states:
        return bool(client.transcript) and client.transcript == server.transcript
    same = bytes(client.send) == bytes(server.receive) and bytes(client.receive) == bytes(server.send)
    return bool(client.send) and same and client.transcript == server.transcript
