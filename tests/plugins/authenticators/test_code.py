import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from meeting import End, Meeting, end, meet
from people import environment, terminal
from programs import chat, serve

from plytalk.core.contracts.errors import Refused, StackMismatch, Usage, WrongSecret
from plytalk.core.contracts.handshake import HandshakeIO
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.authenticators.code import FORM, GUESSES, KEPT, SPAKE, SPAKE_BYTES, Code, fault, parse, words_for
from plytalk.trust.code_returns import Returns
from plytalk.trust.contacts import Contact, Contacts
from plytalk.trust.folders import user_file
from plytalk.trust.store_errors import StoreError
from plytalk.trust.word_list import WORDS

pexpect = pytest.importorskip("pexpect", reason="pexpect plays the two people: pip install pexpect")
spake2 = pytest.importorskip("spake2", reason="one-time codes need it: pip install spake2")
group = pytest.importorskip("spake2.ed25519_basic")

CODE = re.compile(r"The one-time code is ([1-9]-[a-z]+-[a-z]+)\. ")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    return tmp_path


async def alice(folder: Path, code: str, auth: type[Code] = Code, **options: object) -> End:
    return await end(Role.INITIATOR, folder / "alice", auth, secret=lambda prompt: code, code=True, **options)


async def bob(folder: Path, **options: object) -> End:
    return await end(Role.RESPONDER, folder / "bob", Code, code=True, **options)


def printed(server: End) -> str:
    """The code that the server told its user."""
    found = CODE.search("\n".join(server.told))
    assert found, server.told
    return found[1]


def other_than(code: str) -> str:
    """A code that is well written and wrong."""
    return "-".join([*code.split("-")[:2], next(word for word in WORDS if word not in code)])


@pytest.mark.parametrize(
    ("addresses", "number"),
    [
        (["127.0.0.1:7591", "412@relay.example.org:7592", "7@other.example:7592"], "412"),
        (["127.0.0.1:7591", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU@relay.example.org:7592"], "[1-9]"),
        (["/tmp/412@relay"], "[1-9]"),
    ],
)
async def test_the_code_begins_with_the_number_at_the_relay_so_that_one_is_read_out(tmp_path, addresses, number) -> None:
    code = Code()
    assert not await code.ready(Role.RESPONDER, str)
    words = code.words.partition("-")[2]
    [told] = code.listening(addresses)
    assert re.fullmatch(f"The one-time code is ({number})-{words}\\. Tell it only to the other side\\.", told)
    assert told.split()[4] == f"{code.words}."
    assert parse(code.words.replace("-", " ")) == code.words.encode()


class Guesser(Code):
    """Counts the exchanges that the server answers."""

    answered = 0

    async def agree(self, io: HandshakeIO, role: Role) -> bytes:
        key = await super().agree(io, role)
        type(self).answered += 1
        return key


# -- the code ----------------------------------------------------------------------------------------------------------------


async def test_a_code_is_a_number_and_two_words_and_each_time_another(tmp_path: Path) -> None:
    codes = [printed(await bob(tmp_path)) for _ in range(5)]
    for code in codes:
        assert set(code.split("-")[1:]) <= set(WORDS)
        assert parse(code) == code.encode()
    assert len(set(codes)) > 1


@pytest.mark.parametrize(
    "typed", ["7-orbit-velvet", " 7-orbit-velvet\n", "7 orbit velvet", "7-Orbit-VELVET", "7 - orbit - velvet"]
)
def test_a_code_may_be_typed_in_many_ways(typed: str) -> None:
    assert parse(typed) == b"7-orbit-velvet"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "7",
        "7-orbit",
        "orbit-velvet",
        "0-orbit-velvet",
        "07-orbit-velvet",
        "12345678901-orbit-velvet",
        "7-orbit-velvte",
        "7-orbit-velvet-orbit",
        "\u0667-orbit-velvet",
    ],
)
def test_what_can_be_no_code_is_refused_before_it_costs_a_guess_and_not_repeated(typed: str) -> None:
    with pytest.raises(Usage, match="not a one-time code") as refused:
        parse(typed)
    assert "velv" not in refused.value.sentence
    assert "orbit" not in refused.value.sentence


# -- two ends ----------------------------------------------------------------------------------------------------------------


async def test_two_strangers_with_the_code_talk(tmp_path: Path) -> None:
    server = await bob(tmp_path)
    client = await alice(tmp_path, printed(server).upper())
    async with Meeting(client, server) as meeting:
        assert meeting.outcomes == (None, None)
        meeting.client.say("hello")
        await server.person.until(messages=1)
    assert server.person.messages == ["hello"]
    for one, other in ((client, server), (server, client)):
        assert other.stack.handshake.identity
        assert one.person.notices[0].endswith(" knows the code. Next time, --save-as NAME keeps its key.")


def test_the_exchange_is_the_one_that_the_protocols_page_spells_out() -> None:
    page = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
    m, n = (group.bytes_to_element(bytes.fromhex(re.search(rf"\| `{name}` \| `([0-9a-f]{{64}})`", page)[1])) for name in "MN")
    password, names = b"7-orbit-velvet", (b"plytalk/1 client", b"plytalk/1 server")
    w = int.from_bytes(HKDF(SHA256(), 48, b"", b"SPAKE2 pw").derive(password), "big") % group.L

    server = spake2.SPAKE2_B(password, *names)
    answer, x = server.start(), 12345
    element = group.Base.scalarmult(x).add(m.scalarmult(w)).to_bytes()
    shared = group.bytes_to_element(answer[1:]).add(n.scalarmult(-w % group.L)).scalarmult(x).to_bytes()
    hashes = b"".join(sha256(each).digest() for each in (password, *names))
    assert sha256(hashes + element + answer[1:] + shared).digest() == server.finish(b"A" + element)


async def test_another_code_is_a_wrong_secret_for_both(tmp_path: Path) -> None:
    server = await bob(tmp_path)
    for outcome in await meet(await alice(tmp_path, other_than(printed(server))), server):
        assert isinstance(outcome, WrongSecret)
        assert outcome.exit_code == 4


async def test_the_number_is_part_of_the_code(tmp_path: Path) -> None:
    server = await bob(tmp_path)
    code = printed(server)
    other = f"{int(code[0]) % 9 + 1}{code[1:]}"
    assert isinstance((await meet(await alice(tmp_path, other), server))[1], WrongSecret)


async def test_a_code_is_good_for_one_conversation(tmp_path: Path) -> None:
    server = await bob(tmp_path)
    code = printed(server)
    assert await meet(await alice(tmp_path, code), server) == (None, None)
    outcome = (await meet(await alice(tmp_path, code), server))[1]
    assert isinstance(outcome, Refused)
    assert "has been used" in str(outcome)


async def test_a_client_whose_code_is_used_says_nothing_more_to_anybody(tmp_path: Path) -> None:
    """Nothing of a used code is left, so that anyone could answer, and would learn the client's key."""
    client, server = await alice(tmp_path, "7-orbit-velvet"), await bob(tmp_path)
    [used], [expecting] = client.stack.auths, server.stack.auths
    assert isinstance(used, Code)
    assert isinstance(expecting, Code)
    used._used, used._code, expecting._code = True, b"", b""
    mine, _ = await meet(client, server)
    assert isinstance(mine, Refused)
    assert "has been used" in str(mine)
    assert not expecting._guesses


async def returning(folder: Path, role: Role, who: str, secret: str = "") -> End:
    """A side that lets the other one come back, or comes back."""
    return await end(role, folder / who, Returning, secret=lambda prompt: secret, code=True)


class Returning(Code):
    """The code of `chat send` and `chat receive`."""

    def __init__(self, code: bool = True, save_as: str | None = None) -> None:
        super().__init__(code, save_as)
        self.returns = Returns("test")


def code_of(side: End) -> Returning:
    (auth,) = side.stack.auths
    assert isinstance(auth, Returning)
    return auth


async def test_one_that_has_given_the_code_comes_back_and_nobody_else_comes(tmp_path: Path) -> None:
    server = await returning(tmp_path, Role.RESPONDER, "bob")
    code = printed(server)
    client = await returning(tmp_path, Role.INITIATOR, "alice", code)
    for _ in range(3):
        assert await meet(client, server) == (None, None)
        assert code_of(server).spent == ""  # the server waits
    other = (await meet(await alice(tmp_path / "other", code), server))[1]
    assert isinstance(other, Refused)
    assert "has been used" in str(other)
    assert await meet(client, server) == (None, None)
    assert code_of(server)._guesses == 1


@pytest.mark.parametrize("restarted", ["alice", "bob", "both"])
async def test_one_comes_back_after_a_restart_of_either_side(tmp_path: Path, restarted: str) -> None:
    server = await returning(tmp_path, Role.RESPONDER, "bob")
    code = printed(server)
    client = await returning(tmp_path, Role.INITIATOR, "alice", code)
    assert await meet(client, server) == (None, None)
    if restarted != "bob":
        client = await returning(tmp_path, Role.INITIATOR, "alice", code)
    if restarted != "alice":
        server = await returning(tmp_path, Role.RESPONDER, "bob")
        assert printed(server) != code
    assert await meet(client, server) == (None, None)


async def test_one_with_another_key_or_another_secret_does_not_come_back(tmp_path: Path) -> None:
    server = await returning(tmp_path, Role.RESPONDER, "bob")
    code = printed(server)
    client = await returning(tmp_path, Role.INITIATOR, "alice", code)
    assert await meet(client, server) == (None, None)
    thief = await returning(tmp_path, Role.INITIATOR, "mallory", code)  # with what alice's file says
    outcome = (await meet(thief, server))[1]
    assert isinstance(outcome, Refused)
    assert "another key" in str(outcome)
    returns = code_of(client).returns
    assert returns
    assert returns.first
    returns.first = returns.first._replace(secret=bytes(32))
    assert isinstance((await meet(client, server))[1], WrongSecret)
    assert code_of(server)._guesses == 1


async def test_a_code_for_one_connection_knows_no_coming_back(tmp_path: Path) -> None:
    server = await bob(tmp_path)
    client = await returning(tmp_path, Role.INITIATOR, "alice", printed(server))
    assert await meet(client, server) == (None, None)
    assert isinstance((await meet(client, server))[1], Refused)


async def test_of_two_at_once_who_know_the_code_one_gets_in(tmp_path: Path) -> None:
    server = await bob(tmp_path)
    clients = [await alice(tmp_path, printed(server)) for _ in range(3)]
    outcomes = await asyncio.gather(*(meet(client, server) for client in clients))
    assert sum(outcome is None for _, outcome in outcomes) == 1


async def test_a_wrong_guess_leaves_the_code_to_whom_it_is_for(tmp_path: Path) -> None:
    server = await bob(tmp_path)
    code = printed(server)
    for _ in range(4):
        assert isinstance((await meet(await alice(tmp_path, other_than(code)), server))[1], WrongSecret)
    assert await meet(await alice(tmp_path, code), server) == (None, None)


async def test_of_a_hundred_guesses_five_reach_the_exchange(tmp_path: Path) -> None:
    """And then even the right code is refused."""
    Guesser.answered = 0
    server = await bob(tmp_path)
    code = printed(server)
    outcomes = [(await meet(await alice(tmp_path, other_than(code), Guesser), server))[1] for _ in range(100)]
    assert Guesser.answered == 5
    assert [type(outcome) for outcome in outcomes] == [WrongSecret] * 5 + [Refused] * 95
    last = (await meet(await alice(tmp_path, code, Guesser), server))[1]
    assert isinstance(last, Refused)
    assert "no longer valid after 5 wrong guesses" in str(last)
    assert Guesser.answered == 5


async def test_guessing_side_by_side_wins_nothing(tmp_path: Path) -> None:
    """Each exchange counts when it begins, so that twenty at once are not twenty guesses."""
    Guesser.answered = 0
    server = await bob(tmp_path)
    guessers = [await alice(tmp_path, other_than(printed(server)), Guesser) for _ in range(20)]
    await asyncio.gather(*(meet(guesser, server) for guesser in guessers))
    assert Guesser.answered == 5


async def test_hanging_up_after_the_exchange_costs_a_guess_all_the_same(tmp_path: Path) -> None:
    class HangsUp(Guesser):
        async def agree(self, io: HandshakeIO, role: Role) -> bytes:
            await super().agree(io, role)
            raise Refused("I have seen enough.")

    HangsUp.answered = 0
    server = await bob(tmp_path)
    for _ in range(6):
        await meet(await alice(tmp_path, other_than(printed(server)), HangsUp), server)
    assert HangsUp.answered == 5


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"A",
        bytes(33),
        b"A" + bytes(32),
        b"A\x01" + bytes(31),
        b"A" + b"\xff" * 32,
        b"B" + b"\x58" + b"\x66" * 31,
        b"S" + b"\x58" + b"\x66" * 31,
    ],
    ids=["empty", "short", "no side", "low order", "neutral", "no point", "server's", "symmetric"],
)
async def test_what_is_not_part_of_the_exchange_is_refused_and_is_not_a_guess(tmp_path: Path, message: bytes) -> None:
    class Odd(Code):
        async def agree(self, io: HandshakeIO, role: Role) -> bytes:
            await io.send(SPAKE, message)
            return await io.receive(SPAKE, SPAKE_BYTES)

    server = await bob(tmp_path)
    for _ in range(GUESSES):
        outcome = (await meet(await alice(tmp_path, "7-orbit-velvet", Odd), server))[1]
        assert isinstance(outcome, Refused)
        assert "exchange over the code" in str(outcome)
    assert not user_file(KEPT).exists()
    assert await meet(await alice(tmp_path, printed(server)), server) == (None, None)


@pytest.fixture
def remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `chat serve`."""
    monkeypatch.setattr(Code, "remembers", True)


@pytest.mark.usefixtures("remembers")
async def test_a_restart_gives_no_new_guesses(tmp_path: Path) -> None:
    for _ in range(2):
        server = await bob(tmp_path)
        code = printed(server)
        await meet(await alice(tmp_path, other_than(code)), server)
        await meet(await alice(tmp_path, other_than(code)), server)
    server = await bob(tmp_path)
    code = printed(server)
    await meet(await alice(tmp_path, other_than(code)), server)
    outcome = (await meet(await alice(tmp_path, code), server))[1]
    assert "no longer valid after 5 wrong guesses" in str(outcome)
    with pytest.raises(Usage, match="given only to a person"):
        await bob(tmp_path)


@pytest.mark.usefixtures("remembers")
async def test_a_right_code_ends_the_count_of_wrong_guesses(tmp_path: Path) -> None:
    server = await bob(tmp_path)
    code = printed(server)
    await meet(await alice(tmp_path, other_than(code)), server)
    assert user_file(KEPT).read_text() == "1\n"
    assert await meet(await alice(tmp_path, code), server) == (None, None)
    assert not user_file(KEPT).exists()


@pytest.mark.usefixtures("remembers")
@pytest.mark.parametrize("kept", ["5", "none", "-1", "0" * 5000])
async def test_a_person_at_a_terminal_gets_a_new_code(kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user_file(KEPT).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    user_file(KEPT).write_text(kept)
    with pytest.raises(Usage, match="given only to a person"):
        await bob(tmp_path)

    class Terminal:
        """A person sits there."""

        @staticmethod
        def isatty() -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    assert printed(await bob(tmp_path))
    assert not user_file(KEPT).exists()


async def test_the_servers_part_sent_back_by_a_server_is_refused(tmp_path: Path) -> None:
    class Echo(Code):
        async def agree(self, io: HandshakeIO, role: Role) -> bytes:
            await io.send(SPAKE, await io.receive(SPAKE, SPAKE_BYTES))
            return bytes(32)

    server = await end(Role.RESPONDER, tmp_path / "bob", Echo, code=True)
    outcome = (await meet(await alice(tmp_path, "7-orbit-velvet"), server))[0]
    assert isinstance(outcome, Refused)
    assert "exchange over the code" in str(outcome)


@pytest.mark.parametrize("knows", [False, True])
async def test_who_relays_without_the_code_is_refused_by_both(tmp_path: Path, knows: bool) -> None:
    """And could have relayed, had it known the code: the control."""
    server = await bob(tmp_path)
    code = printed(server)
    guess = code if knows else other_than(code)

    class PosesAsServer(Code):
        async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
            self._code = guess.encode()
            return ()

    client = await alice(tmp_path, code)
    to_client = await end(Role.RESPONDER, tmp_path / "mallory", PosesAsServer, code=True)
    to_server = await end(Role.INITIATOR, tmp_path / "mallory", Code, secret=lambda prompt: guess, code=True)
    outcomes = (await meet(client, to_client))[0], (await meet(to_server, server))[1]
    assert [isinstance(outcome, WrongSecret) for outcome in outcomes] == [not knows] * 2


async def test_passing_on_the_exchange_without_the_code_is_refused_by_both(tmp_path: Path) -> None:
    """The attacker hands SPAKE2's messages through and does its own handshake with each side: it lacks the key."""
    from_client: asyncio.Queue[bytes] = asyncio.Queue()
    from_server: asyncio.Queue[bytes] = asyncio.Queue()

    class PosesAsServer(Code):
        async def agree(self, io: HandshakeIO, role: Role) -> bytes:
            from_client.put_nowait(await io.receive(SPAKE, SPAKE_BYTES))
            await io.send(SPAKE, await from_server.get())
            return bytes(32)

    class PosesAsClient(Code):
        async def agree(self, io: HandshakeIO, role: Role) -> bytes:
            await io.send(SPAKE, await from_client.get())
            from_server.put_nowait(await io.receive(SPAKE, SPAKE_BYTES))
            return bytes(32)

    server = await bob(tmp_path)
    client = await alice(tmp_path, printed(server))
    to_client = await end(Role.RESPONDER, tmp_path / "mallory", PosesAsServer, code=True)
    to_server = await end(Role.INITIATOR, tmp_path / "mallory", PosesAsClient, secret=lambda _: "7-orbit-velvet", code=True)
    (first, _), (_, second) = await asyncio.gather(meet(client, to_client), meet(to_server, server))
    assert isinstance(first, WrongSecret)
    assert isinstance(second, WrongSecret)


async def test_one_side_alone_with_a_code_is_another_stack(tmp_path: Path) -> None:
    server = await bob(tmp_path)
    for client, listening in (
        (await end(Role.INITIATOR, tmp_path / "alice"), server),
        (await alice(tmp_path, "7-orbit-velvet"), await end(Role.RESPONDER, tmp_path / "bob")),
    ):
        assert [type(outcome) for outcome in await meet(client, listening)] == [StackMismatch, StackMismatch]


async def test_every_suite_takes_a_code(tmp_path: Path) -> None:
    """The longest names there are, `/code` included, fit into a preamble."""
    server = await bob(tmp_path, suite="any")
    assert await meet(await alice(tmp_path, printed(server), suite="any"), server) == (None, None)


# -- keeping the key ---------------------------------------------------------------------------------------------------------


async def test_both_sides_may_keep_the_key_under_a_name(tmp_path: Path) -> None:
    server = await bob(tmp_path, save_as="Alice")
    client = await alice(tmp_path, printed(server), save_as="@bob")
    assert await meet(client, server) == (None, None)
    kept = {contact.name: contact for contact in Contacts(tmp_path / "contacts").all()}
    for name, one, address in (("alice", client, None), ("bob", server, "memory:server")):
        assert one.stack.handshake.identity
        assert kept[name] == Contact(name, address, PublicKey(one.stack.handshake.identity.key))


async def test_a_name_that_cannot_be_given_is_refused_at_the_start(tmp_path: Path) -> None:
    server = await bob(tmp_path, save_as="alice")
    assert await meet(await alice(tmp_path, printed(server)), server) == (None, None)
    with pytest.raises(StoreError, match="@alice is taken"):
        await bob(tmp_path, save_as="alice")
    with pytest.raises(Usage, match="not a valid contact name"):
        await bob(tmp_path, save_as="no name")


async def test_a_key_that_cannot_be_kept_leaves_the_conversation_alone(tmp_path: Path) -> None:
    server = await bob(tmp_path, save_as="alice")
    (tmp_path / "contacts").write_text("nonsense\n")
    assert await meet(await alice(tmp_path, printed(server)), server) == (None, None)
    assert any("could not be kept as @alice" in notice for notice in server.person.notices)


# -- the command -------------------------------------------------------------------------------------------------------------


def begins(server: "pexpect.spawn[str]") -> tuple[str, str]:
    """The code and the address that a server prints."""
    server.expect(r"The one-time code is (\S+)\. ")
    code = server.match[1]
    server.expect(r"connects with:  chat connect (\S+) --code\r\n")
    return code, server.match[1]


def ended(one: "pexpect.spawn[str]") -> int:
    """The exit code, once it has ended by itself."""
    one.expect(pexpect.EOF)
    one.close()
    return one.exitstatus


def test_strangers_begin_with_a_code_and_come_back_by_name(tmp_path: Path) -> None:
    with terminal(tmp_path / "bob", "serve", "--port", "0", "--code", "--save-as", "alice") as server:
        code, address = begins(server)
        with terminal(tmp_path / "alice", "connect", address, "--code", "--save-as", "bob") as client:
            client.expect("One-time code: ")
            client.sendline(code)
            client.expect("Kept its key as @bob .* `chat connect @bob`")
            client.expect("Type Message: ")
            client.sendline("hello")
            server.expect(": hello")
            client.sendline("exit")
            assert (ended(client), ended(server)) == (0, 0)
    port = address.rpartition(":")[2]
    with terminal(tmp_path / "bob", "serve", "--port", port) as server:
        server.expect("Listening on")
        with terminal(tmp_path / "alice", "connect", "@Bob") as client:
            client.expect(f"Talking to {address} over .* peer ")
            server.expect("known as alice")
            client.expect("Type Message: ")
            client.sendline("exit")
            assert (ended(client), ended(server)) == (0, 0)
    with terminal(tmp_path / "mallory", "serve", "--port", port) as server:
        server.expect("Listening on")
        with terminal(tmp_path / "alice", "connect", "@bob") as client:
            client.expect("it is someone else, or someone is between you")
            assert ended(client) == 5


def test_five_wrong_guesses_end_the_server_and_each_guesser_with_code_4(tmp_path: Path) -> None:
    with terminal(tmp_path / "bob", "serve", "--port", "0", "--keep", "--code") as server:
        code, address = begins(server)
        for _ in range(5):
            with terminal(tmp_path / "mallory", "connect", address, "--code") as client:
                client.expect("One-time code: ")
                client.sendline(other_than(code))
                client.expect("does not know the same secret")
                assert ended(client) == 4
            server.expect("did not get in: The two sides do not know the same secret")
        server.expect("no longer valid after 5 wrong guesses")
        assert ended(server) == 4


def test_a_used_code_ends_a_server_that_was_to_keep_on(tmp_path: Path) -> None:
    with terminal(tmp_path / "bob", "serve", "--port", "0", "--keep", "--code") as server:
        code, address = begins(server)
        with terminal(tmp_path / "alice", "connect", address, "--code") as client:
            client.expect("One-time code: ")
            client.sendline(code)
            client.expect("Type Message: ")
            with terminal(tmp_path / "late", "connect", address, "--code") as late:
                late.expect("One-time code: ")
                late.sendline(code)
                late.expect("ask for a new one")
                assert ended(late) == 4
            client.sendline("exit")
            assert (ended(client), ended(server)) == (0, 0)


def test_ctrl_c_at_the_question_for_the_code_ends_it(tmp_path: Path) -> None:
    with terminal(tmp_path / "alice", "connect", "127.0.0.1:1", "--code") as client:
        client.expect("One-time code: ")
        client.sendintr()
        client.expect("Interrupted")
        assert ended(client) == 130


def test_off_a_terminal_the_code_is_the_first_line_and_the_rest_is_said(tmp_path: Path) -> None:
    with serve("--code", environment=environment(tmp_path / "bob")) as server:
        code = server.tells("The one-time code is ").removeprefix("The one-time code is ").partition(".")[0]
        run = chat(
            "connect", f"127.0.0.1:{server.port}", "--code", environment=environment(tmp_path / "alice"), typed=f"{code}\nhello\n"
        )
        assert run.returncode == 0, run.stderr
        assert code not in run.stdout + run.stderr
        assert server.hear_words() == "hello"


@pytest.mark.parametrize(
    ("typed", "said", "status"),
    [
        ("", "One-time code: none was given. Without a terminal, write it as the first line of standard input.", 4),
        ("7-orbit-velvt\n", "That is not a one-time code.", 2),
    ],
)
def test_off_a_terminal_nobody_is_asked_again_and_no_word_is_repeated(tmp_path: Path, typed: str, said: str, status: int) -> None:
    run = chat("connect", "127.0.0.1:1", "--code", environment=environment(tmp_path), typed=typed)
    assert run.returncode == status
    assert said in run.stderr
    assert "velv" not in run.stderr


def test_without_the_package_the_command_says_what_to_install(tmp_path: Path) -> None:
    program = "import sys; sys.modules['spake2'] = None; from plytalk.cli.main import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", program, "serve", "--port", "0", "--code"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(tmp_path),
        timeout=180,
        check=False,
    )
    assert run.returncode == 2
    assert b"pip install spake2" in run.stderr


@pytest.mark.parametrize("given", [("--code=7-orbit-velvet",), ("--code", "7-orbit-velvet")])
def test_a_code_is_not_an_argument(tmp_path: Path, given: tuple[str, ...]) -> None:
    """What is in the argument list, every user of the machine can read."""
    run = chat("connect", "127.0.0.1:1", *given, environment=environment(tmp_path))
    assert run.returncode == 2
    assert "A code is never an argument, because other users can see those" in run.stderr
    assert "orbit" not in run.stderr


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("7-orbit-velvet", ""),
        (" 7 ORBIT  velvet ", ""),
        ("7-orbitt-velvet", "No code has the word 'orbitt'. Did you mean 'orbit'?"),
        ("7-orbit-xyzzy", "No code has the word 'xyzzy'."),
        ("orbit-velvet", FORM),
        ("0-orbit-velvet", FORM),
        ("7-orbit", FORM),
        ("7-orbit-velvet-again", FORM),
        ("", FORM),
    ],
)
def test_a_person_is_told_which_word_is_wrong(typed: str, said: str) -> None:
    assert fault(typed) == said


@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("7-orbi", ["orbit-"]),
        ("7-or", ["orange-", "orbit-", "orchid-"]),
        ("7 ORBIT ve", ["velvet"]),
        ("7-orbit-", []),
        ("7", []),
        ("or", []),
        ("7-orbit-velvet-a", []),
    ],
)
def test_a_code_is_completed_word_by_word(typed: str, becomes: list[str]) -> None:
    assert words_for(typed) == becomes
