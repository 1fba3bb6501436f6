"""A key shown to an authenticator, outside a conversation: what it asks, what it says, and what it answers."""

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.peers import Identity, Peer, Role
from plytalk.core.contracts.public_key import PublicKey

# Keys of RFC 8032, section 7.1, tests 1 and 2.
ALICE = PublicKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea")
BOB = PublicKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID1AF8PoQ4lakrcKp00bfryWmCzPLsSWjMDNVfEq9GYM")


class Shown:
    """A key shown by a peer. `answers` is what the person says when asked; asking without one is an error."""

    def __init__(
        self,
        key: PublicKey | Identity,
        address: str = "chat.example.org:7591",
        role: Role = Role.INITIATOR,
        answers: bool | None = None,
    ) -> None:
        self.questions: list[str] = []
        self.said: list[str] = []
        self._answers = answers
        identity = key if isinstance(key, Identity) else Identity(key.type, key.blob)
        self.peer = Peer(role, address, identity, self._ask, say=self.said.append)

    async def _ask(self, question: str, otherwise: str) -> bool:
        self.questions.append(question)
        assert self._answers is not None, "it asks"
        return self._answers

    async def to(self, auth: Authenticator) -> "Shown":
        """Raises what the authenticator raises; returning means yes."""
        await auth.check(self.peer)
        return self
