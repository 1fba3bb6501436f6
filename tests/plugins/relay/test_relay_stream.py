import pytest

from plytalk.core.contracts.errors import CannotConnect, ChatError
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.plugins.relay.relay_frames import GO, JOIN, NO, RelayReason, first, frame, no
from plytalk.plugins.relay.relay_stream import SENTENCES, RelayStream, refusal
from plytalk.testing.verdict import idle


@pytest.mark.parametrize("reason", RelayReason)
def test_each_reason_has_a_sentence_that_says_what_to_do(reason: RelayReason) -> None:
    error = refusal(no(reason)[2:])
    assert isinstance(error, CannotConnect)
    assert (error.sentence.startswith(SENTENCES[reason][0]), bool(SENTENCES[reason][1])) == (True, True)


@pytest.mark.parametrize("payload", [NO, NO + b"\x63", NO + b"\1\1", b"?"])
def test_a_no_that_is_not_understood_is_a_no(payload: bytes) -> None:
    assert "does not say why" in refusal(payload).sentence


async def test_it_says_its_first_frame_and_then_carries_raw_bytes() -> None:
    below, relay = memory_stream_pair()
    came, heard = bytearray(), bytearray()
    relay.deliver_to(came.extend, lambda error: None)
    stream = RelayStream(below, first(JOIN, b"412"), "412@relay")
    stream.deliver_to(heard.extend, lambda error: None)
    stream.start()
    stream.send(b"early")
    await idle()
    assert bytes(came) == first(JOIN, b"412")
    relay.send(frame(GO) + b"first")
    await stream.opened()
    relay.send(b" second")
    await idle()
    assert bytes(came) == first(JOIN, b"412") + b"early"
    assert bytes(heard) == b"first second"
    assert stream.peer == "412@relay"


async def test_a_no_is_an_error_of_opening() -> None:
    below, relay = memory_stream_pair()
    relay.deliver_to(lambda data: None, lambda error: None)
    stream = RelayStream(below, first(JOIN, b"412"), "412@relay")
    stream.start()
    relay.send(no(RelayReason.NOBODY))
    with pytest.raises(ChatError, match="knows nobody of that name"):
        await stream.opened()


async def test_a_relay_that_ends_while_a_joiner_waits_is_out_of_reach_and_nothing_else() -> None:
    """As where it is restarted: that it speaks plyrelay/1 is in no doubt."""
    below, relay = memory_stream_pair()
    stream = RelayStream(below, first(JOIN, b"412"), "412@relay")
    stream.start()
    await idle()
    relay.close()
    with pytest.raises(CannotConnect, match="The relay closed the connection") as told:
        await stream.opened()
    assert told.value.exit_code == 3
