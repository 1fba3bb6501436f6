import pytest
from judging import ALICE, BOB, Shown
from programs import ENVIRONMENT, chat

from plytalk.core.contracts.errors import ChangedPeer, Usage
from plytalk.plugins.authenticators.peer import PinnedPeer


async def test_the_key_with_this_fingerprint_passes_without_a_question() -> None:
    shown = await Shown(ALICE).to(PinnedPeer(ALICE.fingerprint))
    assert shown.questions == []


async def test_every_other_key_is_refused_with_both_fingerprints() -> None:
    with pytest.raises(ChangedPeer) as refused:
        await Shown(BOB).to(PinnedPeer(ALICE.fingerprint))
    assert ALICE.fingerprint in str(refused.value)
    assert BOB.fingerprint in str(refused.value)
    assert "telephone" in refused.value.hint


@pytest.mark.parametrize(
    "given",
    [
        ALICE.fingerprint[:-1],  # a part of one is none: somebody could make a key for the rest
        ALICE.fingerprint + "=",
        ALICE.fingerprint.removeprefix("SHA256:"),
        ALICE.fingerprint.lower(),
        "MD5:16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48",
        ALICE.fingerprint[:-1] + "B",  # two bits too many
        str(ALICE),
    ],
)
def test_anything_but_a_whole_fingerprint_is_refused_at_once(given: str) -> None:
    with pytest.raises(Usage, match="is not a fingerprint"):
        PinnedPeer(given)


def test_the_command_says_so_too() -> None:
    run = chat("connect", "127.0.0.1:1", "--peer", "SHA256:short")
    assert run.returncode == 2
    assert "`chat serve` prints its own" in run.stderr


def test_where_no_fingerprint_was_given_it_says_which_option_gives_one() -> None:
    for options, variables in ((["--auth", "peer"], {}), ([], {"PLYTALK_AUTH": "peer"})):
        run = chat("connect", "127.0.0.1:1", *options, environment={**ENVIRONMENT, **variables})
        assert run.returncode == 2
        assert run.stderr.startswith("chat: No fingerprint says whom to talk to. Give --peer SHA256:")
