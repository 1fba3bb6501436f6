import asyncio
import hmac
import os
from hashlib import sha256
from pathlib import Path

import pytest
from meeting import End, Meeting, Person, end, meet
from people import environment, terminal
from programs import connect, serve

from plytalk.core.contracts.authenticator import Channel
from plytalk.core.contracts.errors import HandshakeFailed, Refused, StackMismatch, TooSlow, UnknownPeer, WrongSecret
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, Peer, Role
from plytalk.lab.attacks import clock
from plytalk.plugins.authenticators.psk import Psk
from plytalk.plugins.authenticators.words import LENGTH, YES, Words, commitment, three_words
from plytalk.trust.word_list import WORDS

pexpect = pytest.importorskip("pexpect", reason="pexpect plays the two people: pip install pexpect")


async def alice(folder: Path, answer: bool | None = True, auth: type[Words] = Words, thinks: float = 0.0) -> End:
    return await end(Role.INITIATOR, folder / "alice", auth, person=Person(answer, thinks), words=True)


async def bob(folder: Path, answer: bool | None = True, auth: type[Words] = Words, thinks: float = 0.0) -> End:
    return await end(Role.RESPONDER, folder / "bob", auth, person=Person(answer, thinks), words=True)


def read_by(one: End) -> list[str]:
    """The three words that somebody was asked about."""
    [question] = one.person.questions
    return question.removeprefix("The three words are ").partition(". ")[0].split()


# -- the numbers -------------------------------------------------------------------------------------------------------------


def test_the_words_are_those_of_the_protocols_page() -> None:
    """HKDF-SHA256 (RFC 5869) written out: extract with the empty salt, expand to 3 bytes."""
    h, client, server = bytes(range(32)), b"c" * 32, b"s" * 32
    extracted = hmac.digest(bytes(32), h + client + server, "sha256")
    expanded = hmac.digest(extracted, b"plytalk/1 words\x01", "sha256")[:3]
    assert three_words(h, client + server) == tuple(WORDS[byte] for byte in expanded)


def test_the_commitment_is_the_one_of_the_protocols_page() -> None:
    assert commitment(b"h" * 32, b"r" * 32) == sha256(b"plytalk/1 sas" + b"h" * 32 + b"r" * 32).digest()


class Script:
    """A channel on which the other side says what is given in advance."""

    def __init__(self, *says: bytes) -> None:
        self.sent: list[bytes] = []
        self._says = list(says)

    async def send(self, message: bytes) -> None:
        self.sent.append(message)

    async def receive(self, person: bool = False) -> bytes:
        return self._says.pop(0)


@pytest.mark.parametrize("role", Role)
async def test_the_words_are_made_of_the_clients_number_and_then_the_servers(role: Role) -> None:
    """Both sides could agree on the other order and still differ from other implementations (docs/protocol.md)."""
    h, theirs, questions = b"h" * 32, b"t" * LENGTH, []

    async def yes(question: str, otherwise: str) -> bool:
        questions.append(question)
        return True

    is_client = role is Role.INITIATOR
    script = Script(theirs, YES) if is_client else Script(commitment(h, theirs), theirs, YES)
    await Words().verify(script, Peer(role, "127.0.0.1:1", Identity("", b""), yes, h))  # type: ignore[arg-type]
    mine = script.sent[1] if is_client else script.sent[0]
    words = three_words(h, mine + theirs if is_client else theirs + mine)
    assert words != three_words(h, theirs + mine if is_client else mine + theirs)
    assert questions == [f"The three words are {' '.join(words)}. Does the other side read the same?"]


# -- two people --------------------------------------------------------------------------------------------------------------


async def test_two_people_who_read_the_same_words_talk(tmp_path: Path) -> None:
    client, server = await alice(tmp_path), await bob(tmp_path)
    async with Meeting(client, server) as meeting:
        assert meeting.outcomes == (None, None)
        meeting.server.say("hello")
        await client.person.until(messages=1)
    assert client.person.messages == ["hello"]
    assert len(read_by(client)) == 3
    assert read_by(client) == read_by(server)


async def test_each_conversation_has_other_words(tmp_path: Path) -> None:
    client, server = await alice(tmp_path), await bob(tmp_path)
    for _ in range(3):
        assert await meet(client, server) == (None, None)
    assert len(set(client.person.questions)) == 3


@pytest.mark.parametrize(("client_says", "server_says"), [(False, True), (True, False), (False, False)])
async def test_one_no_ends_it_for_both(tmp_path: Path, client_says: bool, server_says: bool) -> None:
    outcomes = await meet(await alice(tmp_path, client_says), await bob(tmp_path, server_says))
    for outcome, says in zip(outcomes, (client_says, server_says), strict=True):
        assert isinstance(outcome, Refused)
        assert outcome.exit_code == 4
        assert str(outcome).startswith("The other side did not say yes" if says else "You said no")


async def test_where_nobody_can_be_asked_the_answer_is_no(tmp_path: Path) -> None:
    outcomes = await meet(await alice(tmp_path, None), await bob(tmp_path, True))
    assert isinstance(outcomes[0], UnknownPeer)
    assert "--peer" in outcomes[0].hint
    assert isinstance(outcomes[1], Refused)


def test_people_may_think_for_minutes_while_the_other_side_waits(tmp_path: Path) -> None:
    async def converse(seconds: float) -> list[type]:
        client, server = await alice(tmp_path), await bob(tmp_path, thinks=seconds)
        return [type(outcome) for outcome in await meet(client, server)]

    limits = Limits()
    assert clock.run(converse(limits.handshake * 20)) == [type(None), type(None)]
    assert clock.run(converse(limits.person * 2))[0] is TooSlow


async def test_the_order_in_which_checks_are_named_does_not_matter(tmp_path: Path) -> None:
    """Both of these exchange something after the handshake."""
    file = tmp_path / "psk"
    file.write_text("5a" * 32)
    file.chmod(0o600)
    client = await end(Role.INITIATOR, tmp_path / "alice", Words, Psk, person=Person(True), words=True, psk_file=file)
    server = await end(Role.RESPONDER, tmp_path / "bob", Psk, Words, person=Person(True), words=True, psk_file=file)
    assert await meet(client, server) == (None, None)


# -- attackers ---------------------------------------------------------------------------------------------------------------


async def test_whoever_stands_between_two_people_makes_their_words_differ(tmp_path: Path) -> None:
    """The attacker says yes to everything, and both people read the words to each other."""
    client, server = await alice(tmp_path), await bob(tmp_path)
    to_client = await end(Role.RESPONDER, tmp_path / "mallory", Words, person=Person(True), words=True)
    to_server = await end(Role.INITIATOR, tmp_path / "mallory", Words, person=Person(True), words=True)
    await asyncio.gather(meet(client, to_client), meet(to_server, server))
    assert read_by(client) != read_by(server)


async def test_passing_on_what_the_two_people_send_is_noticed(tmp_path: Path) -> None:
    """The attacker does a handshake with each and hands their parts of the words through: the commitment ties them to one."""
    from_client: asyncio.Queue[bytes] = asyncio.Queue()
    from_server: asyncio.Queue[bytes] = asyncio.Queue()

    class PosesAsServer(Words):
        async def verify(self, channel: Channel, peer: Peer) -> None:
            from_client.put_nowait(await channel.receive())
            await channel.send(await from_server.get())
            from_client.put_nowait(await channel.receive())

    class PosesAsClient(Words):
        async def verify(self, channel: Channel, peer: Peer) -> None:
            await channel.send(await from_client.get())
            from_server.put_nowait(await channel.receive())
            await channel.send(await from_client.get())
            await channel.receive()

    client, server = await alice(tmp_path), await bob(tmp_path)
    to_client = await end(Role.RESPONDER, tmp_path / "mallory", PosesAsServer, words=True)
    to_server = await end(Role.INITIATOR, tmp_path / "mallory", PosesAsClient, words=True)
    _, (_, outcome) = await asyncio.gather(meet(client, to_client), meet(to_server, server))
    assert isinstance(outcome, WrongSecret)
    assert server.person.questions == []


async def test_a_part_of_the_words_that_was_changed_after_the_commitment_is_refused(tmp_path: Path) -> None:
    """Without this, a client that has seen the server's number would grind its own until the words are those it wants."""

    class Grinds(Words):
        async def verify(self, channel: Channel, peer: Peer) -> None:
            promised = os.urandom(32)
            await channel.send(commitment(peer.binding, promised))
            theirs = await channel.receive()
            mine = next(
                number
                for number in (os.urandom(32) for _ in range(100_000))
                if three_words(peer.binding, number + theirs)[0] == WORDS[0]
            )
            await channel.send(mine)
            await channel.receive()

    server = await bob(tmp_path)
    outcome = (await meet(await alice(tmp_path, auth=Grinds), server))[1]
    assert isinstance(outcome, WrongSecret)
    assert "changed its part" in str(outcome)
    assert server.person.questions == []


@pytest.mark.parametrize("part", [b"", b"short", bytes(31), bytes(33), bytes(64), b"yes"])
async def test_a_part_of_another_length_is_refused(tmp_path: Path, part: bytes) -> None:
    class Odd(Words):
        async def verify(self, channel: Channel, peer: Peer) -> None:
            if peer.role is Role.INITIATOR:
                await channel.send(commitment(peer.binding, part))
                await channel.receive()
            else:
                await channel.receive()
            await channel.send(part)
            await channel.receive()

    for number, (client, server) in enumerate(((Odd, Words), (Words, Odd))):
        ends = await alice(tmp_path, auth=client), await bob(tmp_path, auth=server)
        outcome = (await meet(*ends))[1 - number]
        assert isinstance(outcome, Refused)
        assert ends[1 - number].person.questions == []


@pytest.mark.parametrize("answer", [b"no", b"", b"YES", b"yes "])
async def test_nothing_but_yes_is_a_yes(tmp_path: Path, answer: bytes) -> None:
    class Mumbles(Words):
        async def verify(self, channel: Channel, peer: Peer) -> None:
            mine = os.urandom(32)
            await channel.send(commitment(peer.binding, mine))
            await channel.receive()
            await channel.send(mine)
            await channel.send(answer)
            await channel.receive()

    outcome = (await meet(await alice(tmp_path, auth=Mumbles), await bob(tmp_path)))[1]
    assert isinstance(outcome, Refused)


# -- one side alone ----------------------------------------------------------------------------------------------------------


def test_a_server_that_waits_for_words_in_vain_says_so_in_time(tmp_path: Path) -> None:
    async def converse() -> tuple[object, object]:
        return await meet(await end(Role.INITIATOR, tmp_path / "alice"), await bob(tmp_path))

    client, server = clock.run(converse())
    assert isinstance(server, TooSlow)
    assert "`words`" in str(server)
    assert isinstance(client, Refused)
    assert "The server says: This server uses the authenticator `words`" in str(client)


async def test_a_client_that_talks_instead_of_comparing_is_refused(tmp_path: Path) -> None:
    class Talks(Words):
        async def verify(self, channel: Channel, peer: Peer) -> None:
            await channel.say("hello?")

    client, server = await meet(await alice(tmp_path, auth=Talks), await bob(tmp_path))
    assert isinstance(client, Refused)
    assert isinstance(server, HandshakeFailed)
    assert "began to talk before" in str(server)


async def test_a_server_that_compares_no_words_ends_both(tmp_path: Path) -> None:
    client, server = await alice(tmp_path), await end(Role.RESPONDER, tmp_path / "bob")
    async with Meeting(client, server) as meeting:
        refused, opened = meeting.outcomes
        assert isinstance(refused, HandshakeFailed)
        assert opened is None
        ending = await meeting.server.over()
    assert isinstance(ending.error, StackMismatch)
    assert "Choose the same authenticators on both sides." in ending.reason


# -- the command -------------------------------------------------------------------------------------------------------------


QUESTION = r"The three words are (\w+ \w+ \w+)\. Does the other side read the same\? \[yes/no\] "


def test_two_terminals_compare_words_and_talk(tmp_path: Path) -> None:
    with terminal(tmp_path / "bob", "serve", "--port", "0", "--words") as server:
        server.expect(r"Listening on (\S+) ")
        address = server.match[1]
        server.expect(r"connects with:  chat (connect .*) --words\r\n")
        with terminal(tmp_path / "alice", "connect", address, "--words") as client:
            for one in (client, server):
                one.expect(QUESTION)
            assert client.match[1] == server.match[1]
            client.sendline("yes")
            server.sendline("yes")
            client.expect("Type Message: ")
            client.sendline("hello")
            server.expect(": hello")
            server.sendline("exit")
            for one in (client, server):
                one.expect(pexpect.EOF)
                one.close()
                assert one.exitstatus == 0


def test_a_no_at_one_terminal_ends_the_client_with_code_4(tmp_path: Path) -> None:
    with terminal(tmp_path / "bob", "serve", "--port", "0", "--words") as server:
        server.expect(r"Listening on (\S+) ")
        with terminal(tmp_path / "alice", "connect", server.match[1], "--words") as client:
            for one in (client, server):
                one.expect(QUESTION)
            server.sendline("no")
            server.expect("did not get in: You said no to the words")
            client.sendline("yes")
            client.expect("The other side did not say yes to the words")
            client.expect(pexpect.EOF)
            client.close()
            assert client.exitstatus == 4


def test_off_a_terminal_nobody_says_yes(tmp_path: Path) -> None:
    with (
        serve("--words", environment=environment(tmp_path / "bob")) as server,
        connect(server.port, "--words", environment=environment(tmp_path / "alice")) as client,
    ):
        assert "There is no terminal to ask on" in server.tells("did not get in")
        assert client.status() == 4
