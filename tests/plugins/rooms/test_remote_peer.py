"""What a room knows about a peer. Marks and keys are also seen in test_member.py."""

from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms.remote_peer import key_of, source_for

KEY = PublicKey.of("ssh-ed25519", bytes(32))


def test_only_a_key_that_can_be_kept_counts() -> None:
    assert key_of(None) is None
    assert key_of(Identity("ssh-ed25519", KEY.blob)) == KEY
    assert key_of(Identity("X25519", bytes(32))) is None


def test_members_count_together_by_address_and_on_this_machine_by_key() -> None:
    assert source_for("192.0.2.1:5000", "alice") == source_for("192.0.2.1:6000", "bob")
    assert source_for("192.0.2.1:5000", "alice") != source_for("192.0.2.2:5000", "alice")
    assert source_for("127.0.0.1:5000", KEY) == KEY
