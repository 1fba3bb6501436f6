"""plytalk/1's handshake: which error an end gives for what the other one sent, and what the inspector is told of it."""

import asyncio

import pytest
from meeting import end

from plytalk.core.contracts.errors import HandshakeFailed, StackMismatch, Usage, WrongSecret
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.spans import Passed, describe
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.plugins.handshakes.plytalk1 import CLASSICAL, HYBRID, Plytalk1, suites_named
from plytalk.plugins.noise import preamble

CLIENT, SERVER = Role.INITIATOR, Role.RESPONDER


def framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(2, "big") + payload


async def told(role, tmp_path, *pieces: bytes) -> BaseException:
    """The error of our end, where the other one sends these bytes and closes."""
    ours = await end(role, tmp_path / role.value)
    streams = memory_stream_pair()
    stream, other = streams if role is CLIENT else reversed(streams)
    session = DirectChat(Connection(ours.stack, stream, role))
    other.deliver_to(lambda data: None, lambda error: None)
    opening = asyncio.ensure_future(session.open())
    for piece in pieces:
        other.send(piece)
    other.close()
    [error] = await asyncio.gather(opening, return_exceptions=True)
    assert isinstance(error, BaseException)
    return error


@pytest.mark.parametrize("greeting", [b"-----BEGIN PUBLIC KEY-----", b"hello", preamble.MAGIC[:-1] + b"?"])
async def test_a_client_that_begins_otherwise_runs_another_handshake(greeting: bytes, tmp_path) -> None:
    error = await told(SERVER, tmp_path, framed(greeting))
    assert isinstance(error, StackMismatch)
    assert "did not begin with its preamble" in str(error)


async def test_a_server_that_closes_without_a_byte_runs_another_stack(tmp_path) -> None:
    error = await told(CLIENT, tmp_path)
    assert isinstance(error, StackMismatch)
    assert "runs another stack, or is full" in str(error)


@pytest.mark.parametrize("beginning", [b"\0", b"\0\x20", framed(b"an answer")[:-1]], ids=len)
async def test_a_server_that_closes_within_its_answer_is_cut_off(beginning: bytes, tmp_path) -> None:
    error = await told(CLIENT, tmp_path, beginning)
    assert isinstance(error, HandshakeFailed)
    assert not isinstance(error, StackMismatch)


async def test_a_changed_last_message_is_no_wrong_secret_where_there_is_none(tmp_path) -> None:
    client, server = [await end(role, tmp_path / role.value, suite="classical") for role in Role]
    sent: list[bytes] = []

    def edit(data: bytes) -> list[bytes]:
        sent.append(data)
        return [data[:-1] + bytes([data[-1] ^ 1])] if len(sent) == 3 else [data]

    streams = memory_stream_pair(edit, lambda data: [data])
    sessions = [
        DirectChat(Connection(each.stack, stream, each.role)) for each, stream in zip((client, server), streams, strict=True)
    ]
    _, error = await asyncio.gather(*(session.open() for session in sessions), return_exceptions=True)
    assert isinstance(error, HandshakeFailed)
    assert not isinstance(error, WrongSecret)


def parts_of(layer: Plytalk1, raw: bytes) -> list[tuple[str, str]]:
    return [(span.name, span.value) for span in describe(layer, Passed(raw, b"P"))]


def test_what_the_inspector_is_told_of_the_preambles() -> None:
    layer, offer = Plytalk1(), preamble.Offer((HYBRID[0], CLASSICAL[1]))
    first, second = ("suite offered, number 1", HYBRID[0]), ("suite offered, number 2", CLASSICAL[1])
    lengths = [(f"{name}: length", str(len(suite))) for name, suite in (first, second)]
    assert parts_of(layer, offer.encode()) == [("magic", "PLYTALK1"), ("count", "2"), lengths[0], first, lengths[1], second]
    answer = parts_of(layer, preamble.Answer(HYBRID[0], HYBRID).encode())
    assert answer[1] == ("suite chosen", HYBRID[0])
    assert [value for name, value in answer if name.startswith("suite accepted") and "length" not in name] == list(HYBRID)
    assert parts_of(layer, preamble.Answer("", HYBRID).encode())[:2] == [("suite chosen: length", "0"), ("count", "2")]


def test_a_message_that_comes_before_the_preambles_is_not_described() -> None:
    assert [span.name for span in describe(Plytalk1(), Passed(bytes(32), b"A"))] == [""]


def test_suites_are_each_named_once_and_an_unknown_one_is_told_with_those_that_are_known() -> None:
    assert suites_named("hybrid,hybrid") == HYBRID
    assert suites_named(f" {CLASSICAL[1]} ,{CLASSICAL[0]}") == (CLASSICAL[1], CLASSICAL[0])
    assert suites_named("") == HYBRID
    with pytest.raises(Usage) as raised:
        suites_named("hybrid,quantum,none")
    known = f"Known: hybrid, classical, any, {', '.join((*HYBRID, *CLASSICAL))}."
    assert raised.value.sentence == f"plytalk/1 has no suite 'quantum'. {known}"


async def test_a_new_identity_is_told_of_once(tmp_path) -> None:
    new, again = Plytalk1(tmp_path / "identity"), Plytalk1(tmp_path / "identity")
    [notice] = await new.ready(CLIENT, lambda question: pytest.fail(question))
    assert new.identity.fingerprint in notice
    assert await again.ready(SERVER, lambda question: pytest.fail(question)) == []
    assert again.identity == new.identity
    assert (tmp_path / "identity").stat().st_mode & 0o777 == 0o600
