import os
from pathlib import Path

import pytest
from meeting import End, Meeting, end, meet
from people import environment
from programs import chat, connect, serve

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ImpossibleStack, StackMismatch, Usage, WrongSecret
from plytalk.core.contracts.peers import Role
from plytalk.plugins.authenticators.code import Code
from plytalk.plugins.authenticators.psk import Psk, pre_shared_key
from plytalk.trust.store_errors import Exposed, StoreError

KEY = "00112233445566778899aabbccddeeff" * 2


def key_file(folder: Path, name: str = "psk", content: str = KEY + "\n", mode: int = 0o600) -> Path:
    file = folder / name
    file.write_text(content)
    file.chmod(mode)
    return file


async def alice(folder: Path, *auths: type[Authenticator], **options: object) -> End:
    return await end(Role.INITIATOR, folder / "alice", *auths, **options)


async def bob(folder: Path, *auths: type[Authenticator], **options: object) -> End:
    return await end(Role.RESPONDER, folder / "bob", *auths, **options)


# -- the file ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [KEY, KEY + "\n", KEY.upper() + "\r\n", f"  {KEY}  \n"])
def test_64_digits_are_a_key(tmp_path: Path, content: str) -> None:
    assert pre_shared_key(key_file(tmp_path, content=content)) == bytes.fromhex(KEY)


@pytest.mark.parametrize("content", ["", "\n", KEY[:-1], KEY + "0", KEY[:-1] + "g", KEY + "\n" + KEY, "\uff21" * 64])
def test_nothing_else_is_and_the_error_does_not_repeat_it(tmp_path: Path, content: str) -> None:
    with pytest.raises(StoreError, match="64 hexadecimal digits") as refused:
        pre_shared_key(key_file(tmp_path, content=content))
    assert "chat keys psk" in refused.value.hint
    assert KEY[:8] not in refused.value.sentence


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist") as refused:
        pre_shared_key(tmp_path / "psk")
    assert "chat keys psk FILE" in refused.value.hint


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such rights")
def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exposed):
        pre_shared_key(key_file(tmp_path, mode=0o640))


# -- two ends ----------------------------------------------------------------------------------------------------------------


async def test_two_who_hold_the_same_key_talk(tmp_path: Path) -> None:
    client = await alice(tmp_path, Psk, psk_file=key_file(tmp_path))
    server = await bob(tmp_path, Psk, psk_file=key_file(tmp_path, "copy"))
    async with Meeting(client, server) as meeting:
        assert meeting.outcomes == (None, None)
        meeting.client.say("hello")
        await server.person.until(messages=1)
    assert server.person.messages == ["hello"]
    theirs = server.stack.handshake.identity
    assert theirs
    assert [notice for notice in client.person.notices if theirs.fingerprint in notice and "pre-shared key" in notice]


async def test_with_another_key_both_hear_that_the_secret_is_wrong(tmp_path: Path) -> None:
    client = await alice(tmp_path, Psk, psk_file=key_file(tmp_path))
    server = await bob(tmp_path, Psk, psk_file=key_file(tmp_path, "other", "ff" * 32))
    for outcome in await meet(client, server):
        assert isinstance(outcome, WrongSecret)
        assert outcome.exit_code == 4


async def test_who_relays_under_keys_of_its_own_is_refused_by_both(tmp_path: Path) -> None:
    """And could have relayed, had it known the key: the control."""
    for known, refused in ((key_file(tmp_path, "guess", "ff" * 32), True), (key_file(tmp_path), False)):
        client = await alice(tmp_path, Psk, psk_file=key_file(tmp_path))
        server = await bob(tmp_path, Psk, psk_file=key_file(tmp_path))
        to_client = await end(Role.RESPONDER, tmp_path / "mallory", Psk, psk_file=known)
        to_server = await end(Role.INITIATOR, tmp_path / "mallory", Psk, psk_file=known)
        outcomes = (await meet(client, to_client))[0], (await meet(to_server, server))[1]
        assert [isinstance(outcome, WrongSecret) for outcome in outcomes] == [refused, refused]


async def test_a_server_without_the_key_cannot_pretend_to_have_it(tmp_path: Path) -> None:
    """psk3 comes last: until the server seals something, a client has only its own word for it."""

    class Silent(Psk):
        """A server that neither proves anything nor wants a proof."""

        async def verify(self, channel, peer):  # type: ignore[no-untyped-def]
            return

    client = await alice(tmp_path, Psk, psk_file=key_file(tmp_path))
    server = await bob(tmp_path, Silent, psk_file=key_file(tmp_path, "other", "ff" * 32))
    assert isinstance((await meet(client, server))[0], WrongSecret)


async def test_an_answer_that_belongs_to_another_conversation_is_refused(tmp_path: Path) -> None:
    class Mixes(Psk):
        async def verify(self, channel, peer):  # type: ignore[no-untyped-def]
            await channel.send(bytes(len(peer.binding)))
            await channel.receive()

    client = await alice(tmp_path, Psk, psk_file=key_file(tmp_path))
    assert isinstance((await meet(client, await bob(tmp_path, Mixes, psk_file=key_file(tmp_path))))[0], WrongSecret)


async def test_one_side_alone_with_a_key_is_another_stack(tmp_path: Path) -> None:
    options = {"psk_file": key_file(tmp_path)}
    for client, server in (
        (await alice(tmp_path, Psk, **options), await bob(tmp_path)),
        (await alice(tmp_path), await bob(tmp_path, Psk, **options)),
    ):
        for outcome in await meet(client, server):
            assert isinstance(outcome, StackMismatch)
            assert outcome.exit_code == 6


async def test_a_key_and_a_code_are_different_stacks(tmp_path: Path) -> None:
    client = await alice(tmp_path, Psk, psk_file=key_file(tmp_path))
    server = await bob(tmp_path, Code)
    assert [type(outcome) for outcome in await meet(client, server)] == [StackMismatch, StackMismatch]


async def test_a_key_and_a_code_at_once_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ImpossibleStack, match="room for one"):
        await alice(tmp_path, Psk, Code, psk_file=key_file(tmp_path))


async def test_every_suite_takes_a_key(tmp_path: Path) -> None:
    options = {"psk_file": key_file(tmp_path), "suite": "any"}
    for suite in ("hybrid", "classical", "any"):
        client, server = await alice(tmp_path, Psk, **{**options, "suite": suite}), await bob(tmp_path, Psk, **options)
        assert await meet(client, server) == (None, None)


def test_without_a_file_there_is_no_such_authenticator() -> None:
    with pytest.raises(Usage, match="no pre-shared key"):
        Psk()


# -- the command -------------------------------------------------------------------------------------------------------------


def test_the_command_makes_a_key_and_uses_it(tmp_path: Path) -> None:
    ours, theirs = environment(tmp_path / "alice"), environment(tmp_path / "bob")
    file = str(tmp_path / "psk")
    assert chat("keys", "psk", file, environment=ours).returncode == 0
    with (
        serve("--psk-file", file, environment=theirs) as server,
        connect(server.port, "--psk-file", file, environment=ours) as client,
    ):
        client.say("hello")
        assert server.hear_words() == "hello"
        client.say("exit")
        assert (client.status(), server.status()) == (0, 0)
    said = "\n".join(client.told + server.told)
    assert "holds the pre-shared key" in said
    assert Path(file).read_text().strip() not in said


def test_the_command_refuses_with_one_sentence_and_code_4(tmp_path: Path) -> None:
    ours, theirs = environment(tmp_path / "alice"), environment(tmp_path / "bob")
    right, wrong = str(key_file(tmp_path)), str(key_file(tmp_path, "wrong", "ff" * 32))
    with (
        serve("--psk-file", right, environment=theirs) as server,
        connect(server.port, "--psk-file", wrong, environment=ours) as client,
    ):
        assert "do not know the same secret" in server.tells("did not get in")
        assert client.status() == 4
        complaints = [line for line in client.told if line.startswith("chat: ")]
        assert len(complaints) == 1
        assert "does not know the same secret" in complaints[0]


def test_the_command_says_at_once_what_is_wrong_with_the_file(tmp_path: Path) -> None:
    ours = environment(tmp_path / "alice")
    for command in (("serve", "--port", "0"), ("connect", "127.0.0.1:1")):
        run = chat(*command, "--psk-file", str(tmp_path / "nowhere"), environment=ours)
        assert run.returncode == 1
        assert "chat keys psk FILE" in run.stderr


def test_a_key_of_zeros_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="a key of zeros, which everybody can guess"):
        pre_shared_key(key_file(tmp_path, content="0" * 64))
