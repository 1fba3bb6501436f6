"""Messages count by their cipher, or do not begin."""

import pytest

from plytalk.core.contracts.errors import BrokenPlugin
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.sealed_count import CountsSealed, count_by_cipher
from plytalk.testing.parts import PlainWords, Unsealed


class Goodbyes(PlainWords):
    """Says how many were sealed."""

    def count_by(self, cipher: CountsSealed) -> None:
        self.cipher = cipher


class Uncounted(Unsealed):
    """Does not count."""

    sealed_count = property()  # type: ignore[assignment]


def test_messages_that_ask_for_a_count_get_it_from_their_cipher() -> None:
    messages, cipher = Goodbyes(True), Unsealed(SessionSecrets.none(), Role.INITIATOR)
    count_by_cipher(messages, cipher)
    cipher.seal(b"")
    assert messages.cipher.sealed_count == 1


def test_messages_that_ask_for_none_go_with_any_cipher() -> None:
    cipher = Uncounted(SessionSecrets.none(), Role.INITIATOR)
    count_by_cipher(PlainWords(True), cipher)
    assert not hasattr(cipher, "sealed_count")


def test_a_cipher_that_does_not_count_is_refused() -> None:
    with pytest.raises(BrokenPlugin, match="does not say how many messages it has sealed"):
        count_by_cipher(Goodbyes(True), Uncounted(SessionSecrets.none(), Role.INITIATOR))
