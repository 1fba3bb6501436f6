"""No cipher: what is said is what is sent."""

from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.plugins.ciphers.none import NoCipher, layers
from plytalk.testing import check_cipher


def test_it_passes_the_kit_and_claims_nothing() -> None:
    check_cipher(NoCipher)
    assert not NoCipher.gives
    assert not NoCipher.needs


@given(st.binary())
def test_what_is_said_is_what_is_sent(plaintext: bytes) -> None:
    cipher = NoCipher(SessionSecrets.none(), Role.INITIATOR)
    assert cipher.seal(plaintext) == cipher.open(plaintext) == plaintext


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [NoCipher]
