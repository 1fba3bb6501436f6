"""What a hostile client does once it is in: one deed after another, drawn by a random number generator.

Every deed gets the `Caller` that does it, and may leave the connection in any state: half a frame sent, answers unread, ended.
"""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from copy import deepcopy
from struct import pack
from typing import TYPE_CHECKING, Any

from plytalk.plugins.messages.records import BUCKETS, CAPACITY, HEAD, MAX_BODY
from plytalk.plugins.record_spans import MORE, Type
from plytalk.plugins.rooms.room_events import EVENT, ROOM

if TYPE_CHECKING:
    from tests.system.fuzz.callers import Caller

ROOMS = ("", "lobby", "kitchen", "garden", "attic", "cellar")
NAMES = (
    *("alice", "bob", "carol", "dave", "erin", "oper", "mod", "Operators", "alice.", "ali ce", "-alice", "user5", "userS"),
    *("alice has left. bob", "oper set the topic", "\u0430lice", "clara", "dara", "x" * 64, "\u202eecila", "a\nb", "\x1b[2J", ""),
)
INSTANCES = ("one", "two", "three", "")
COMMANDS = (
    *("help", "who", "rooms", "join", "name", "nick", "me", "msg", "topic", "kick", "ban", "unban", "mute", "unmute", "allow"),
    *("op", "deop", "keep", "whois", "away", "reply", "bans", "release", "nosuch", ""),
)
JUNK: tuple[Any, ...] = (None, True, 0, -1, 2**63, 2**64, 1.5, 1e400, "", "x" * 3000, [], [[]], {}, {"last": 0}, "\ud800", "\0")
MANY_RECORDS = 8
"""How many records full of the same item go out at once at most."""


def text(chance: random.Random, longest: int = 10) -> str:
    """Words of up to 2 ** longest bytes, mostly short."""
    size = int(2 ** chance.uniform(0, longest))
    return chance.choice(("x", "ä", "ส", "\x1b[31m", "\u202e", "😀", "exit", " ", "\n", "\0", "/")) * max(1, size // 4)


def item(kind: int, body: bytes) -> bytes:
    """An item as encoded in a record."""
    return pack(">BH", kind, len(body)) + body


def record(items: bytes) -> bytes:
    """Items in one record, padded to a bucket; too long where they are too many."""
    bucket = next((size for size in BUCKETS if size >= len(items)), CAPACITY)
    return items.ljust(bucket, b"\0")


def message(words: str) -> bytes:
    return item(Type.MESSAGE, words.encode(errors="replace")[:MAX_BODY])


async def speak(caller: "Caller") -> None:
    caller.seal(record(b"".join(message(text(caller.chance)) for _ in range(caller.chance.choice((1, 1, 1, 5, 40))))))


async def speak_at_length(caller: "Caller") -> None:
    """A message in many parts: whole, too long, or never finished."""
    for _ in range(caller.chance.choice((1, 2, 15, 16, 17))):
        caller.seal(record(item(Type.MESSAGE | MORE, b"y" * MAX_BODY)))
    if caller.chance.random() < 0.5:
        caller.seal(record(message("and that was all")))


async def any_item(caller: "Caller") -> None:
    chance = caller.chance
    kind = chance.choice((*range(16), 127, chance.randrange(128))) | chance.choice((0, 0, MORE))
    caller.seal(record(item(kind, chance.randbytes(chance.choice((0, 1, 8, 9, 300, 5000))))))


async def any_bytes(caller: "Caller") -> None:
    """Bytes that need not be items, sealed as they should be."""
    chance = caller.chance
    size = chance.choice((*BUCKETS[:4], chance.randrange(300)))
    caller.seal(chance.randbytes(size) if chance.random() < 0.5 else record(b"\x01\xff\xff" + chance.randbytes(20)))


async def fill_records(caller: "Caller") -> None:
    """Records full of one small item, such as a command with a long answer."""
    chance = caller.chance
    one = chance.choice(
        (
            *(
                message(words)
                for words in (
                    "/help",
                    "/who",
                    "/whois bob",
                    "/away",
                    "/bans",
                    "/rooms",
                    "/topic",
                    "",
                    "x",
                    "/msg bob x",
                    "/name alice",
                    "//",
                )
            ),
            *(item(kind, b"") for kind in (Type.PING, Type.PONG, Type.ACK, Type.RESERVED, 100, EVENT)),
            item(ROOM, b'{"do":"join"}'),
        )
    )
    full = record(one * ((CAPACITY - HEAD) // len(one)))
    for _ in range(chance.randint(1, MANY_RECORDS)):
        caller.seal(full)


async def empty_records(caller: "Caller") -> None:
    for _ in range(caller.chance.randint(1, 300)):
        caller.seal(record(b""))


async def ping(caller: "Caller") -> None:
    caller.seal(record(item(Type.PING, caller.chance.randbytes(caller.chance.choice((0, 8, 2000)))) * 3))


async def acknowledge(caller: "Caller") -> None:
    caller.seal(record(item(Type.ACK, pack(">Q", caller.chance.choice((0, 1, 2**63, 2**64 - 1))))))


async def say_goodbye(caller: "Caller") -> None:
    """With the right count of records, or another one; and then go on all the same."""
    chance = caller.chance
    count = chance.choice((caller.sealed, caller.sealed, 0, caller.sealed + 1, 2**64 - 1))
    caller.seal(record(item(Type.CLOSE, bytes([chance.randrange(8)]) + pack(">Q", count) + chance.choice((b"", b"why")))))


async def join(caller: "Caller") -> None:
    caller.seal(record(item(ROOM, request(caller))))


def request(caller: "Caller") -> bytes:
    """What asks to join: as it should be, with some of it replaced, or not JSON at all."""
    chance = caller.chance
    if chance.random() < 0.05:
        return chance.choice((b"", b"{", b"[]", b"null", b"\xff", b"[" * 4000, b'{"do":"join"}' + b" " * 4096))
    asked: dict[str, Any] = {"do": "join", "room": chance.choice(ROOMS), "name": chance.choice(NAMES)}
    asked["instance"] = caller.instance if chance.random() < 0.8 else chance.choice(INSTANCES)
    if chance.random() < 0.5:
        asked["resume"] = {"epoch": caller.some_epoch(), "last": chance.choice((0, 0, -1, 1, chance.randrange(2000), 2**63))}
    if chance.random() < 0.2:
        asked[chance.choice(("do", "room", "name", "instance", "resume", "else"))] = deepcopy(chance.choice(JUNK))
    if chance.random() < 0.1 and isinstance(asked.get("resume"), dict):
        asked["resume"][chance.choice(("epoch", "last"))] = deepcopy(chance.choice(JUNK))
    caller.asks_for(asked)
    return json.dumps(asked).encode()


async def command(caller: "Caller") -> None:
    chance = caller.chance
    name = chance.choice(COMMANDS)
    arguments = [chance.choice((*NAMES, *ROOMS, caller.some_key(), text(chance, 8))) for _ in range(chance.randrange(3))]
    if name == "join" and arguments:
        caller.asks_for({"room": arguments[0]})
    caller.seal(record(message(f"/{name} {' '.join(arguments)}")))


async def stop_reading(caller: "Caller") -> None:
    caller.stream.pause()


async def read_on(caller: "Caller") -> None:
    caller.stream.resume()


async def wait(caller: "Caller") -> None:
    await asyncio.sleep(caller.chance.choice((0, 0.001, 0.01, 0.05)))


async def unsealed(caller: "Caller") -> None:
    """A frame that does not decrypt."""
    caller.stream.send(caller.framed(caller.chance.randbytes(caller.chance.choice((1, 16, 80, 5000)))))


async def half_a_frame(caller: "Caller") -> None:
    whole = caller.framed(caller.chance.randbytes(80))
    caller.stream.send(whole[: caller.chance.randrange(1, len(whole))])


async def half_close(caller: "Caller") -> None:
    caller.stream.finish()


async def cut(caller: "Caller") -> None:
    caller.cut(reset=caller.chance.random() < 0.5)


Deed = Callable[["Caller"], Awaitable[None]]
DEEDS: dict[Deed, int] = {
    join: 14, speak: 10, command: 12, any_item: 6, any_bytes: 1, fill_records: 2, empty_records: 1, speak_at_length: 1, ping: 2,
    acknowledge: 2, say_goodbye: 1, stop_reading: 2, read_on: 2, wait: 12, unsealed: 1, half_a_frame: 1, half_close: 1, cut: 2,
}  # fmt: skip
"""What may be done, and how often."""
ROOMLESS: tuple[Deed, ...] = (speak, command, wait, any_bytes, stop_reading, read_on, unsealed, half_a_frame, half_close, cut)
"""What a guest can do, whose stack has no records."""


def draw(chance: random.Random, guest: bool) -> Deed:
    """The next deed."""
    if guest:
        return chance.choice(ROOMLESS)
    return chance.choices([*DEEDS], [*DEEDS.values()])[0]
