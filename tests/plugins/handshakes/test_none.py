"""No handshake: the conversation begins with its first byte."""

from plytalk.plugins.handshakes.none import NoHandshake, layers
from plytalk.testing import check_handshake
from plytalk.testing.attempts import Attempts
from plytalk.testing.parts import TypedFrames


def test_it_passes_the_kit() -> None:
    check_handshake(NoHandshake)


async def test_nothing_is_said_and_nothing_is_agreed_on() -> None:
    course = await Attempts(NoHandshake(), NoHandshake(), TypedFrames).once()
    assert [secrets.send + secrets.receive for secrets in course.secrets] == [b"", b""]
    assert all(kind == b"M" for frames in course.frames.values() for kind, _ in frames), "only what the conversation says"


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [NoHandshake]
