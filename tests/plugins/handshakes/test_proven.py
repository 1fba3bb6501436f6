"""The handshake `proven`: the key that the transport has proven."""

import pytest

from plytalk.core.contracts.errors import ImpossibleStack
from plytalk.core.contracts.peers import Role
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import refuse_impossible
from plytalk.plugins.handshakes.proven import ProvenKey, layers
from plytalk.plugins.transports.ssh import Ssh
from plytalk.testing import check_handshake


def test_it_is_the_layer_of_its_module() -> None:
    check_handshake(ProvenKey)
    assert layers() == [ProvenKey]
    assert ProvenKey.shows == {Role.INITIATOR}


def test_it_needs_a_transport_that_proves_keys() -> None:
    registry = Registry()
    chosen = {kind: [registry.layer(kind, name)] for kind, name in Ssh.prefers.items()}
    refuse_impossible({**chosen, "transport": [Ssh]})
    with pytest.raises(ImpossibleStack, match="`proven` needs peer key"):
        refuse_impossible({**chosen, "transport": [registry.layer("transport", "tcp")]})
