"""A wrapped layer is the layer in all but what passes it, tells each frame whole, and describes what it did not pack."""

import pytest

from plytalk.core.contracts.batch_methods import BATCH_FORMS
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.pipeline.traced_layers import Traced, TracedCipher, TracedFramer
from plytalk.core.pipeline.tracing import TraceEvent, Tracer
from plytalk.plugins.framers.typed import Typed
from plytalk.plugins.messages.records import Records
from plytalk.testing import TypedFrames
from plytalk.testing.parts import Unsealed


def test_what_is_not_traced_is_the_layer_s_and_is_set_there() -> None:
    tracer, framer, cipher = Tracer(lambda event: None), TypedFrames(), Unsealed(SessionSecrets.none(), Role.INITIATOR)
    traced = tracer.wrap_framer(framer)
    traced.limit = 12345
    traced.feed(b"M\0\0\0\4word")
    assert (framer.limit, traced.limit, framer.unfinished, traced.name) == (12345, 12345, 9, TypedFrames.name)
    assert tracer.wrap_cipher(cipher).overhead == Unsealed.overhead
    assert not vars(cipher)  # the layer itself stays as it was
    assert not hasattr(traced, "nothing_like_it")


@pytest.mark.parametrize("form", sorted(BATCH_FORMS))
def test_a_traced_layer_hides_its_batch_forms(form: str) -> None:
    class Fast:
        """A layer with every batch form."""

    setattr(Fast, form, staticmethod(lambda *arguments: []))
    assert hasattr(Fast(), form)
    assert not hasattr(Traced(Fast(), lambda *event: None), form)


def test_a_frame_that_arrives_in_pieces_is_told_whole() -> None:
    heard: list[TraceEvent] = []
    traced = Tracer(heard.append).wrap_framer(Typed())
    assert isinstance(traced, TracedFramer)
    raw = Typed().encode(b"M", b"one") + Typed().encode(b"M", b"three")
    for at in range(0, len(raw), 3):
        traced.feed(raw[at : at + 3])
        list(traced.frames())
    assert [event.data for event in heard] == [raw[:8], raw[8:]]
    assert [span.name for span in heard[0].spans] == ["type", "length", "payload"]


def test_what_was_packed_for_many_is_told_before_it_is_sealed_and_nothing_twice() -> None:
    heard: list[TraceEvent] = []
    tracer = Tracer(heard.append)
    messages = tracer.wrap_messages(Records(True))
    cipher = tracer.wrap_cipher(Unsealed(SessionSecrets.none(), Role.INITIATOR), messages)
    assert isinstance(cipher, TracedCipher)
    [packed] = messages.pack(["one"])
    [shared] = Records(True).pack(["two"])
    cipher.seal(shared)
    cipher.seal(packed)
    assert [(event.layer, event.data) for event in heard] == [
        ("messages", packed),
        ("messages", shared),
        ("cipher", shared),
        ("cipher", packed),
    ]
