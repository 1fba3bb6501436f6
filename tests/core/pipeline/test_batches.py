"""A batch through each layer, with its batch form and without, says the same, and what goes wrong comes in its place."""

from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plytalk.core.contracts.batch_methods import (
    BATCH_FORMS,
    LARGE,
    CipherBatch,
    EncodesEach,
    FramerBatch,
    HeadsBatch,
    MessagesBatch,
)
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import FrameTooLong, Tampered
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.items import Undecodable
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.pipeline.batches import BATCH, MANY, decode, encode_batch, offers
from plytalk.plugins.ciphers.aesgcm import AesGcm
from plytalk.plugins.framers.typed import Typed
from plytalk.plugins.messages.text import Text
from plytalk.testing.cutting import flipped
from plytalk.testing.parts import TypedFrames

SECRETS = SessionSecrets.shared(bytes(32))
Layers = tuple[Framer, Cipher, Messages]


class OneByOneCipher(AesGcm):
    """Has changed what the batch form would do."""

    def seal(self, plaintext: bytes) -> bytes:
        return super().seal(plaintext)

    def open(self, sealed: bytes) -> bytes:
        return super().open(sealed)


class Strict(AesGcm):
    """Ends at the first that does not open."""

    tolerant = False


class OneByOneFramer(Typed):
    """The same of a framer."""

    def encode(self, kind, payload):
        return super().encode(kind, payload)

    def frames(self):
        return super().frames()


class OneByOneMessages(Text):
    """The same of messages."""

    def unpack(self, plaintext):
        return super().unpack(plaintext)


def stack(cipher: type[AesGcm], framer: type[Typed], messages: type[Text]) -> Layers:
    return framer(), cipher(SECRETS, Role.INITIATOR), messages(True)


FORMS = [
    (AesGcm, Typed, Text),
    (OneByOneCipher, OneByOneFramer, OneByOneMessages),
    (AesGcm, OneByOneFramer, Text),
    (OneByOneCipher, Typed, Text),
    (AesGcm, Typed, OneByOneMessages),
]


def sealed(*words: bytes) -> list[bytes]:
    return [b"\1" * 12 + AESGCM(bytes(32)).encrypt(b"\1" * 12, word, None) for word in words]


def frames(payloads: Sequence[bytes], kind: bytes = b"M") -> bytes:
    return b"".join(TypedFrames().encode(kind, payload) for payload in payloads)


def outcomes(layers: Layers, data: bytes) -> list[object]:
    """What comes of these bytes, in order: items, sentences, an error."""
    framer, cipher, messages = layers
    framer.limit = 1000
    framer.feed(data)
    heard: list[object] = []
    try:
        for items, _, _ in decode(framer, cipher, messages, heard.append, []):
            heard += items
    except Exception as error:
        heard.append(type(error))
    return [one.split(" ")[0] if isinstance(one, str) else one for one in heard]


@pytest.mark.parametrize("layers", FORMS)
def test_with_batch_forms_and_without_the_same_is_heard_in_the_same_order(layers) -> None:
    one, two, three, odd = sealed(b"one", b"two", b"three", b"\xff")
    bad = flipped(two, 200)
    assert outcomes(stack(*layers), frames([one, two, three])) == ["one", "two", "three"]
    assert outcomes(stack(*layers), frames([one, bad, two, bad, bad, three])) == [
        "one",
        "A",
        "two",
        *["A"] * 2,
        "three",
    ]
    assert outcomes(stack(*layers), frames([one, odd, two])) == ["one", Undecodable("\ufffd"), "two"]
    stray = frames([one, two]) + frames([b"?"], b"Z") * 2 + frames([three])
    assert outcomes(stack(*layers), stray) == ["one", "two", "Ignored", "Ignored", "three"]
    assert outcomes(stack(*layers), frames([one, two, bytes(1001)])) == ["one", "two", FrameTooLong]
    assert outcomes(stack(*layers), frames([one, bad]) + frames([two, three])[:-1]) == ["one", "A", "two"]


def test_what_comes_before_a_bad_frame_is_given_and_what_is_behind_it_is_not_where_a_cipher_is_not_tolerant() -> None:
    one, two, three = sealed(b"one", b"two", b"three")
    layers = stack(Strict, Typed, Text)
    assert outcomes(layers, frames([one, two, flipped(three, 200), one])) == ["one", "two", Tampered]


def test_what_is_sealed_and_encoded_together_is_what_is_sealed_and_encoded_alone() -> None:
    framer, cipher, _ = stack(AesGcm, Typed, Text)
    words = [b"one", b"", b"three" * 100] * MANY
    together = encode_batch(framer, cipher, words)
    assert outcomes(stack(AesGcm, Typed, Text), b"".join(together)) == [word.decode() for word in words]


def test_a_large_payload_is_not_joined_to_its_head() -> None:
    framer, cipher, _ = stack(AesGcm, Typed, Text)
    words = [b"a" * LARGE, b"b" * LARGE]
    head, sealed, *others = encode_batch(framer, cipher, words)
    assert (len(head), len(sealed), len(others)) == (framer.header.size, LARGE + cipher.overhead, 2)
    framer, cipher, _ = stack(AesGcm, Typed, Text)
    framer.limit = 2 * LARGE
    framer.feed(b"".join([head, sealed, *others]))
    assert [cipher.open(payload) for _, payload in framer.frames()] == words


@pytest.mark.parametrize("layers", FORMS[1:4])
def test_without_a_batch_form_of_both_each_is_sealed_and_encoded_alone(layers) -> None:
    framer, cipher, _ = stack(*layers)
    alone = encode_batch(framer, cipher, [b"one"] * MANY)
    assert outcomes(stack(*layers), b"".join(alone)) == ["one"] * MANY


def sizes(layers: Layers, payloads: Sequence[bytes]) -> list[int]:
    """How many frames are in each batch."""
    framer, cipher, messages = layers
    framer.limit = 10**6
    framer.feed(frames(sealed(*payloads)))
    return [records for _, _, records in decode(framer, cipher, messages, pytest.fail, [])]


def test_a_batch_has_a_bounded_number_of_frames_and_a_long_one_is_alone() -> None:
    layers = (AesGcm, Typed, Text)
    assert sizes(stack(*layers), [b""] * (BATCH + 3)) == [BATCH, 3]
    assert sizes(stack(*layers), [b"", b"", bytes(100_000), b"", b"", bytes(5000), bytes(5000)]) == [2, 1, 2, 1, 1]
    assert sizes(stack(AesGcm, OneByOneFramer, Text), [b"one", b"two"]) == [1, 1]
    assert sizes(stack(OneByOneCipher, Typed, Text), [b"one", b"two"]) == [1, 1]
    assert sizes(stack(AesGcm, Typed, OneByOneMessages), [b"one", b"two"]) == [1, 1]


@pytest.mark.parametrize("layers", FORMS)
def test_what_is_skipped_is_charged_and_can_be_left_for_later(layers) -> None:
    """Thousands of frames of another type, or that do not open, were gone through at once: nobody else was served meanwhile."""
    good, bad = sealed(b"good")[0], bytes(40)
    for skipped in (frames([bad] * 1000), frames([b""] * 1000), frames([b""] * 1000, b"Z")):
        framer, cipher, messages = stack(*layers)
        framer.feed(skipped + frames([good]))
        heard: list[str] = []
        batches = decode(framer, cipher, messages, heard.append, [])
        for number in range(1, 100):
            items, _, records = next(batches)
            assert (*items, records, len(heard)) == (1, number)
        assert [item for items, _, _ in batches for item in items] == ["good"]


@pytest.mark.parametrize("layers", FORMS[1:])
def test_what_waits_to_be_read_can_be_counted(layers) -> None:
    one, two, three = sealed(b"one", b"two", b"three")
    framer, cipher, messages = stack(*layers)
    framer.feed(frames([one, two, three]))
    waiting: list[bytes] = []
    kept = [
        (*items, size, framer.unfinished + sum(map(len, waiting)))
        for items, size, _ in decode(framer, cipher, messages, pytest.fail, waiting)
    ]
    assert [item for item, _, _ in kept] == ["one", "two", "three"]
    assert [size for _, size, _ in kept] == [len(one), len(two), len(three)]
    assert kept[0][2] >= kept[1][2] >= len(b"three")
    assert kept[2][2] == 0


def test_a_batch_form_counts_only_while_the_single_form_is_that_of_the_same_class_or_an_older_one() -> None:
    assert offers(AesGcm, CipherBatch)
    assert offers(Typed, FramerBatch)
    assert offers(Typed, HeadsBatch)
    assert offers(Typed, EncodesEach)
    assert offers(Text, MessagesBatch)
    assert not offers(OneByOneCipher, CipherBatch)
    assert not offers(OneByOneFramer, FramerBatch)
    assert not offers(OneByOneFramer, HeadsBatch)
    assert not offers(OneByOneFramer, EncodesEach)
    assert not offers(OneByOneMessages, MessagesBatch)
    assert not offers(Text, CipherBatch)


def test_every_batch_form_names_what_it_does_many_times() -> None:
    forms = (CipherBatch, FramerBatch, MessagesBatch)
    assert {name for form in forms for name in vars(form) if not name.startswith("_")} <= BATCH_FORMS.keys()
