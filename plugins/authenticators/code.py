"""`--code`: a code such as 7-orbit-velvet, told on the telephone and good for one conversation, is all that two strangers need.

    client                                          server
      | --- "A" and SPAKE2's element -------------> |      33 bytes each, between the preambles and message A
      | <-- "B" and SPAKE2's element -------------- |      then the handshake, with SPAKE2's key as pre-shared key

SPAKE2 is the package `spake2`, over its Ed25519 group: the password is the code as it is printed, in ASCII, and the identities
are `plytalk/1 client` and `plytalk/1 server`. The number only names the code; the two words are 16 bits. A peer that does not
know them learns from a connection only whether one guess was right. A guess is an exchange in which our element was sent, also
one that is broken off then; a malformed message is not a guess, and counts against its source as any failed handshake does. After
five guesses, or one that was right, no connection reaches the exchange any more, and the server ends. The number of wrong guesses
is kept across restarts until a person at a terminal asks for a new code.

A client that has given the code to `chat send` may come back: it sends "R" and 32 random bytes in place of an element, and is
answered with the same. The pre-shared key is then a hash of the two messages, keyed with a secret that both have from the first
time (trust/code_returns.py), and both must show the same keys again. That is not a guess.
"""

import asyncio
import re
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from plytalk.core.contracts.authenticator import Authenticator, Channel
from plytalk.core.contracts.errors import ChatError, HandshakeFailed, Refused, Usage
from plytalk.core.contracts.handshake import HandshakeIO, NegotiatingIO
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.optional import AsksWords
from plytalk.core.contracts.peers import Peer, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.spans import BINDING, Passed, Reader, Span
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.trust.code_returns import Returns
from plytalk.trust.contacts import Contact, Contacts, contact_name
from plytalk.trust.files import read, write
from plytalk.trust.folders import user_file
from plytalk.trust.word_list import WORDS, spoken

GUESSES, NUMBERS = 5, 9
CLIENT, SERVER = b"plytalk/1 client", b"plytalk/1 server"
SPAKE, SPAKE_BYTES = b"S", 33
BACK = b"R"
"""How the exchange of a client begins that comes back."""
KEPT = "code-guesses"
"""The file that holds how many wrong guesses there have been."""
HELP = "Begin with a one-time code: the server prints it, the client asks for it. Never an argument: others can see those."
NUMBER = "[1-9][0-9]{0,9}"
AT_RELAY = re.compile(f"({NUMBER})@")
"""The address of a server that holds a number at a relay. Its code begins with that number: there is one to read out."""
PROMPT, FORM = "One-time code: ", "A code is a number and two words, such as 7-orbit-velvet."
MALFORMED = "The other side's part of the exchange over the code is not what it should be."


class Code(Authenticator):
    """The other side must know the one-time code that the server shows."""

    name = "code"
    needs = {Property.PEER_KEY, Property.CLEAN_END}
    gives = {Property.PEER_IDENTITY}
    agrees = "code"
    other_side, replaces_peer = "--code", True
    options = (
        Option("code", HELP, bool, False, chooses=True),
        Option("save-as", "After the code, keep the other side's key under this name, for `chat connect @NAME`.", metavar="NAME"),
    )

    remembers = False
    returns: Returns | None = None
    """Lets the one that has given the code come back, as after a cut. None for a code that is good for one connection."""

    def __init__(self, code: bool = True, save_as: str | None = None) -> None:
        self._name = save_as and contact_name(save_as)
        self._code = b""
        self._guesses = 0
        self._used = False

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        spake2()
        if self._name:
            await asyncio.to_thread(Contacts(user_file("contacts")).free, self._name)
        if role is Role.INITIATOR:
            self._code = parse(secret.ask_words(PROMPT, words_for, fault) if isinstance(secret, AsksWords) else secret(PROMPT))
            await self._recall(self.words)
            return []
        await self._recall("")
        if self.remembers:
            self._guesses = await asyncio.to_thread(guesses_left_over)
        code = f"{1 + secrets.randbelow(NUMBERS)}-{'-'.join(spoken(secrets.token_bytes(2)))}"
        self._code = code.encode("ascii")
        return []

    def listening(self, addresses: Sequence[str]) -> Sequence[str]:
        if number := next((found[1] for found in map(AT_RELAY.match, addresses) if found), ""):
            self._code = f"{number}-{self.words.partition('-')[2]}".encode("ascii")
        return [f"The one-time code is {self.words}. Tell it only to the other side."]

    @property
    def words(self) -> str:
        """The code, at a server that has made one."""
        return self._code.decode()

    async def _recall(self, words: str) -> None:
        if self.returns:
            await asyncio.to_thread(self.returns.recall, words)

    @property
    def spent(self) -> str:
        return "" if self._may_return else self._why_not

    @property
    def _may_return(self) -> bool:
        return self.returns is not None and self.returns.first is not None

    @property
    def _why_not(self) -> str:
        if self._used:
            return "The one-time code has been used. Start again for a new one."
        if self._guesses >= GUESSES:
            return f"The one-time code is no longer valid after {GUESSES} wrong guesses. Start again at a terminal for a new one."
        return ""

    async def agree(self, io: HandshakeIO, role: Role) -> bytes:
        if self.spent:
            raise Refused(self.spent)
        if role is Role.INITIATOR and self.returns and self._may_return:
            ours = BACK + secrets.token_bytes(SPAKE_BYTES - 1)
            await io.send(SPAKE, ours)
            return self.returns.key(ours, await io.receive(SPAKE, SPAKE_BYTES))
        if role is Role.INITIATOR:
            client = spake2().SPAKE2_A(self._code, CLIENT, SERVER)
            await io.send(SPAKE, client.start())
            return self._agreed(io, client, finish(client, await self._answer(io)))
        theirs = await io.receive(SPAKE, SPAKE_BYTES)
        if self.returns and self._may_return and theirs[:1] == BACK and len(theirs) == SPAKE_BYTES:
            ours = BACK + secrets.token_bytes(SPAKE_BYTES - 1)
            await io.send(SPAKE, ours)
            return self.returns.key(theirs, ours)
        self._refuse_if_spent()  # others may have guessed while this one was silent
        if len(theirs) != SPAKE_BYTES:
            raise Refused(MALFORMED)
        server = spake2().SPAKE2_B(self._code, CLIENT, SERVER)
        ours = server.start()
        key = finish(server, theirs)  # a malformed element learns nothing, so it is not a guess
        self._guesses += 1  # before our answer leaves: from then on the other side can tell whether it guessed right
        if self.remembers:
            # Not in a thread: two guesses at once must not be written as one.
            write(user_file(KEPT), f"{self._guesses}\n".encode())
        await io.send(SPAKE, ours)
        return self._agreed(io, server, key)

    @staticmethod
    async def _answer(io: HandshakeIO) -> bytes:
        try:
            return await io.receive(SPAKE, SPAKE_BYTES)
        except HandshakeFailed as error:  # a server closes without a word once its code is spent
            raise HandshakeFailed(
                str(error), "A code works once, and is void after five wrong guesses: ask for a new one."
            ) from error

    def _agreed(self, io: HandshakeIO, side: Any, key: bytes) -> bytes:
        if isinstance(io, NegotiatingIO) and io.disclose:
            number = side.params.group.scalar_to_bytes(side.xy_scalar)
            parts = [
                Span("random number", 0, len(number), made_of="drawn for this exchange; it made the element that was sent"),
                Span("pre-shared key", len(number), len(key), made_of="the one-time code, the random number, both elements"),
            ]
            io.disclose("SPAKE2", number + key, parts)
        if self.returns:
            self.returns.agree(key)
        return key

    async def verify(self, channel: Channel, peer: Peer) -> None:
        await channel.prove(peer.binding)
        if self.returns and self.returns.comes_back:
            self.returns.check(peer.identity.key)
            self._used, self._code = True, b""
            return
        if self._used:
            raise Refused(self._why_not)
        self._used, self._code = True, b""
        if self.returns:
            await asyncio.to_thread(self.returns.note, peer.identity.key)
        if self.remembers:
            await asyncio.to_thread(user_file(KEPT).unlink, missing_ok=True)
        if self._name:
            peer.say(await asyncio.to_thread(self._keep, self._name, peer))
        else:
            peer.say(f"{peer.address} knows the code. Next time, --save-as NAME keeps its key.")

    def fields(self, message: Passed) -> Iterator[Span]:
        reader = Reader(message.data)
        if message.kind == SPAKE:
            yield reader.text("side", 1, "A for the client, B for the server, R for one that comes back")
            yield reader.rest("SPAKE2 element", made_of="the one-time code, a new random number")
        else:
            yield Span("binding", 0, len(message.data), made_of=BINDING)

    def _refuse_if_spent(self) -> None:
        if self._why_not:
            raise Refused(self._why_not)

    @staticmethod
    def _keep(name: str, peer: Peer) -> str:
        store = Contacts(user_file("contacts"))
        try:
            address = (
                peer.address if peer.role is Role.INITIATOR else None
            )  # the address a client connects from is not one to reach it at
            store.add(Contact(name, address, PublicKey(peer.identity.key)))
        except (ChatError, ValueError) as error:  # the code was right all the same
            return f"The key could not be kept as @{name}: {error}"
        back = f": from now on `chat connect @{name}`." if address else "."
        return f"{peer.address} knows the code. Kept its key as @{name} in {store.path}{back}"


def guesses_left_over() -> int:
    """How many wrong guesses earlier codes have had since a person last asked for one; a person at a terminal begins at 0.

    Otherwise a service manager that starts the server again would give five new guesses each time. Raises Usage, StoreError.
    """
    if sys.stdin is not None and sys.stdin.isatty():
        user_file(KEPT).unlink(missing_ok=True)
        return 0
    kept = (read(user_file(KEPT)) or b"0").strip()
    guesses = int(kept) if kept.isdigit() and len(kept) == 1 else GUESSES
    if guesses >= GUESSES:
        raise Usage(
            f"Earlier one-time codes had {GUESSES} wrong guesses, so a new one is given only to a person.",
            f"Start the server at a terminal, or remove {user_file(KEPT)}.",
        )
    return guesses


def spake2() -> Any:
    """The package `spake2`. Raises Usage where it is not installed."""
    try:
        import spake2
    except ImportError:
        raise Usage("One-time codes need the package `spake2`.", "Install it with: pip install spake2") from None
    return spake2


def finish(side: Any, message: bytes) -> bytes:
    """SPAKE2's 32-byte key. Raises Refused for a message that no other side sends: no point, a point of low order, our own."""
    try:
        key: bytes = side.finish(message)
    except Exception:
        raise Refused(MALFORMED) from None
    return key


def parse(typed: str) -> bytes:
    """A code as the server printed it, however it was typed. Raises Usage, which does not repeat it."""
    if fault(typed):
        raise Usage(
            "That is not a one-time code.", "It is a number and two words, as the server printed them: check the spelling."
        )
    return "-".join(parts_of(typed)).encode("ascii")


def parts_of(typed: str) -> list[str]:
    return re.split(r"[\s-]+", typed.strip().lower())


def fault(typed: str) -> str:
    """What is wrong with a code, naming the word, for the person who has typed it; empty where nothing is."""
    number, *words = parts_of(typed)
    if not re.fullmatch(NUMBER, number) or len(words) != 2:
        return FORM
    for word in words:
        if word not in WORDS:
            from difflib import get_close_matches  # takes longer to load than all of this file

            near = get_close_matches(word, WORDS, n=1)
            return f"No code has the word '{shorten(word)}'." + (f" Did you mean '{near[0]}'?" if near else "")
    return ""


def words_for(typed: str) -> list[str]:
    """What the last part of a code, as far as it is typed, can become."""
    before, *words = re.split(r"[\s-]+", typed.lstrip().lower())
    if before and 1 <= len(words) <= 2 and words[-1]:
        return [word + "-" * (len(words) == 1) for word in WORDS if word.startswith(words[-1])]
    return []


@hookimpl
def layers() -> list[type[Code]]:
    return [Code]
