"""Names at a relay."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.plugins.relay.relay_frames import signed_text
from plytalk.plugins.relay.relay_names import MAX_NUMBER, NUMBER, free_number, proven_name
from plytalk.trust.identity import identity_key

HOSTS = ("relay.example.org", "192.0.2.7")
NONCE = bytes(range(32))


def test_a_number_is_free_and_short_while_there_are_few() -> None:
    taken = {str(number) for number in range(1, 50)}
    for _ in range(200):
        number = free_number(taken)
        assert NUMBER.fullmatch(number)
        assert number not in taken
        assert int(number) <= 99
    assert free_number(taken, "412") == "412"
    assert free_number(taken, "7") not in taken
    many = {str(number) for number in range(1, MAX_NUMBER)}
    assert free_number(many) == str(MAX_NUMBER)


def test_a_key_has_its_name_by_a_signature_for_one_of_the_hosts() -> None:
    private = Ed25519PrivateKey.generate()
    key = private.public_key().public_bytes_raw()
    name = identity_key(key).fingerprint
    for host in HOSTS:
        assert proven_name(key, private.sign(signed_text(host, NONCE, key)), NONCE, key, HOSTS) == name


def test_a_key_is_proven_with_what_was_asked_for() -> None:
    private = Ed25519PrivateKey.generate()
    key = private.public_key().public_bytes_raw()
    signature = private.sign(signed_text(HOSTS[0], NONCE, b"412"))
    assert proven_name(key, signature, NONCE, b"412", HOSTS) == identity_key(key).fingerprint
    assert proven_name(key, signature, NONCE, b"413", HOSTS) == ""
    assert proven_name(key, signature, NONCE, key, HOSTS) == ""


def test_anything_else_proves_nothing() -> None:
    private = Ed25519PrivateKey.generate()
    key, other = private.public_key().public_bytes_raw(), Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    signature = private.sign(signed_text(HOSTS[0], NONCE, key))
    assert proven_name(key, signature, NONCE, key, ("elsewhere.example.org",)) == ""
    assert proven_name(key, signature, bytes(32), key, HOSTS) == ""
    assert proven_name(key, signature, NONCE, other, HOSTS) == ""
    assert proven_name(other, signature, NONCE, other, HOSTS) == ""
    assert proven_name(key, bytes(64), NONCE, key, HOSTS) == ""
    assert proven_name(b"\xff" * 32, signature, NONCE, b"\xff" * 32, HOSTS) == ""
