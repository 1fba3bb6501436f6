"""The kit holds a batch form to its single form, and names what differs."""

from collections.abc import Sequence

import pytest

from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import FrameKind
from plytalk.plugins.ciphers.aesgcm import AesGcm
from plytalk.plugins.messages.text import Text
from plytalk.testing import TypedFrames, check_cipher, check_framer, check_messages


class RepeatsItself(AesGcm):
    """One nonce for a batch."""

    def seal_batch(self, plaintexts: Sequence[bytes]) -> list[bytes]:
        self._draw()
        nonce = self._nonces.pop()
        return [nonce + self._encrypt(nonce, plaintext, None) for plaintext in plaintexts]


class Backwards(AesGcm):
    """Seals from the last to the first."""

    def seal_batch(self, plaintexts: Sequence[bytes]) -> list[bytes]:
        return super().seal_batch(plaintexts)[::-1]


class OpensBackwards(AesGcm):
    """Opens from the last to the first."""

    def open_batch(self, sealed: Sequence[bytes]) -> list[bytes]:
        return super().open_batch(sealed)[::-1]


class LeavesOut(AesGcm):
    """Leaves out what does not open."""

    def open_batch(self, sealed: Sequence[bytes]) -> list[bytes]:
        found = []
        for one in sealed:
            try:
                found.append(self.open(one))
            except Exception:
                continue
        return found


class Spent(AesGcm):
    """Cannot go on behind a batch with a bad one."""

    def open_batch(self, sealed: Sequence[bytes]) -> list[bytes]:
        try:
            return super().open_batch(sealed)
        except Exception:
            self.forget()
            raise


@pytest.mark.parametrize(
    ("cipher", "words"),
    [
        (RepeatsItself, "seals the same words alike"),
        (Backwards, "What `seal_batch` seals does not open"),
        (OpensBackwards, "`open_batch` does not open what `seal` sealed"),
        (LeavesOut, "of which number 1 was changed"),
        (Spent, "change nothing before all are opened"),
    ],
)
def test_a_cipher_whose_batch_form_differs_fails_in_words(cipher: type[AesGcm], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_cipher(cipher)


class Headless(TypedFrames):
    """Encodes without headers."""

    def encode_batch(self, kind: FrameKind, payloads: Sequence[bytes]) -> list[bytes]:
        return list(payloads)


class AnyKind(TypedFrames):
    """Gives frames of every kind."""

    def cut_batch(self, kind: FrameKind, most: int) -> list[bytes]:
        return [payload for _, payload in self.frames()] if most > 1 else super().cut_batch(kind, most)


class Greedy(TypedFrames):
    """Gives all there are."""

    def cut_batch(self, kind: FrameKind, most: int) -> list[bytes]:
        return super().cut_batch(kind, most * 1000 if most > 1 else 1)


class Unbounded(TypedFrames):
    """Lets its limit go where many are asked for."""

    def cut_batch(self, kind: FrameKind, most: int) -> list[bytes]:
        if most > 1:
            self.limit = 2**30
        return super().cut_batch(kind, most)


@pytest.mark.parametrize(
    ("framer", "words"),
    [
        (Headless, "`encode_batch` and `encode` differ"),
        (AnyKind, "gives .* frames where at most 2 were asked for|gives other frames than `frames`"),
        (Greedy, "gives .* frames where at most 2 were asked for"),
        (Unbounded, "`cut_batch` does not give the frames before one that is too long|accepts a frame longer than `limit`"),
    ],
)
def test_a_framer_whose_batch_form_differs_fails_in_words(framer: type[TypedFrames], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_framer(framer)


class NeverEnds(Text):
    """Takes a goodbye for a message."""

    def unpack_batch(self, plaintexts: Sequence[bytes]) -> list[Item]:
        return [plaintext.decode() for plaintext in plaintexts]


class GivesUp(Text):
    """Can do nothing."""

    def unpack_batch(self, plaintexts: Sequence[bytes]) -> list[Item]:
        raise ValueError


@pytest.mark.parametrize(
    ("messages", "words"), [(NeverEnds, "`unpack_batch` gives .*and `unpack`"), (GivesUp, "raises where `unpack` does not")]
)
def test_messages_whose_batch_form_differs_fail_in_words(messages: type[Text], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_messages(messages)
