"""Somebody on the line who changes one frame, and sees all of them."""

import pytest

from plytalk.core.contracts.errors import FrameTooLong, HandshakeFailed, Refused
from plytalk.testing import GivenKeys, TypedFrames, byte_by_byte
from plytalk.testing.attempts import CLIENT, SERVER, Attempts, Change
from plytalk.testing.verdict import shows


def attempts() -> Attempts:
    return Attempts(GivenKeys(), GivenKeys(), TypedFrames)


async def test_undisturbed_both_ends_have_their_secrets_and_every_frame_was_seen() -> None:
    course = await attempts().once(byte_by_byte)
    client, server = course.secrets
    assert client.send == server.receive
    assert course.frames == {
        CLIENT: [(b"K", client.send + client.receive), (b"M", b"said at once by the client")],
        SERVER: [(b"M", b"said at once by the server")],
    }


async def test_a_changed_frame_arrives_changed() -> None:
    change = Change(lambda framer, kind, payload: framer.encode(kind, bytes(64)))
    client, server = (await attempts().once(change=change)).secrets
    assert (server.send, server.receive) == (bytes(32), bytes(32))
    assert client.send != server.receive


async def test_a_huge_frame_is_refused_at_its_header() -> None:
    change = Change(lambda framer, kind, payload: framer.encode(kind, bytes(2**21))[:5])
    course = await attempts().once(change=change)
    assert isinstance(course.results[SERVER], FrameTooLong)
    with pytest.raises(AssertionError, match="fails at the server"):
        _ = course.secrets


async def test_a_cut_connection_is_heard_of() -> None:
    change = Change(lambda framer, kind, payload: framer.encode(kind, payload)[:9], ends=True)
    course = await attempts().once(change=change)
    assert isinstance(course.results[SERVER], HandshakeFailed)
    assert not shows(str(course.results[SERVER]), course.frames[CLIENT][0][1])


async def test_a_no_is_only_said_when_somebody_asks() -> None:
    course = await attempts().once(no=SERVER)
    assert not any(isinstance(result, Refused) for result in course.results.values())
