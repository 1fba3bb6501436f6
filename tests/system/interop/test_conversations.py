"""The real `chat` command against programs that are not ours: the three existing chats, both roles, by profile and by layers."""

import pytest
from peers import start
from programs import connect, serve

PROFILES = {"demo01": ("--profile", "demo01"), "demo02": ("--profile", "demo02"), "secure_chat": ("--profile", "secure-chat")}
LAYERS = {
    "demo01": ("--cipher", "none"),
    "demo02": ("--framer", "length"),
    "secure_chat": ("--cipher", "aesgcm", "--handshake", "rsa"),
}
CHOICES = [(name, options) for chosen in (PROFILES, LAYERS) for name, options in chosen.items()]
MARK = {"demo01": "[Peer]: ", "demo02": "[Peer]: ", "secure_chat": "Message Received: "}
STACK = {
    "demo01": "raw | none | none | trimmed",
    "demo02": "length | rsa | aesgcm | trimmed",
    "secure_chat": "typed | rsa | aesgcm | text",
}


def converse(name, ours, theirs):
    """Words in both directions, and what each chat makes of spaces around them."""
    theirs.say("Grüße, who is there?")
    assert ours.hear() == MARK[name] + "Grüße, who is there?"
    ours.say("  你好 \N{WAVING HAND SIGN}  ")
    assert theirs.hear() == MARK[name] + (
        "  你好 \N{WAVING HAND SIGN}  " if name == "secure_chat" else "你好 \N{WAVING HAND SIGN}"
    )
    theirs.say("x" * 900)
    assert ours.hear() == MARK[name] + "x" * 900


def part(ours, theirs, leaver):
    (ours if leaver == "ours" else theirs).say(" eXiT " if leaver == "ours" else "EXIT")
    assert (ours.status(), theirs.status()) == (0, 0)
    assert ours.hear() == theirs.hear() == ""
    assert ours.told[-1] == ("You said exit." if leaver == "ours" else "The other side said exit.")


@pytest.mark.parametrize(("name", "options"), CHOICES)
def test_our_server_and_their_client(name, options):
    leaver = "ours" if options in PROFILES.values() else "theirs"
    with serve(*options) as ours, start(name, "client", ours.port) as theirs:
        assert STACK[name] in ours.tells("Talking to 127.0.0.1:")
        converse(name, ours, theirs)
        part(ours, theirs, leaver)


@pytest.mark.parametrize(("name", "options"), CHOICES)
def test_our_client_and_their_server(name, options):
    leaver = "theirs" if options in PROFILES.values() else "ours"
    with start(name, "server") as theirs, connect(theirs.port, *options) as ours:
        assert STACK[name] in ours.tells(f"Talking to 127.0.0.1:{theirs.port}")
        converse(name, ours, theirs)
        part(ours, theirs, leaver)


@pytest.mark.parametrize(("name", "options"), PROFILES.items())
def test_empty_lines_each_chat_its_own_way_and_the_end_of_input(name, options):
    with start(name, "server") as theirs, connect(theirs.port, *options) as ours:
        ours.say("")
        ours.say("   ")
        ours.say("after")
        if name == "secure_chat":
            assert [theirs.hear(), theirs.hear()] == [MARK[name], MARK[name] + "   "]
        assert theirs.hear() == MARK[name] + "after"
        theirs.say("")
        theirs.say("after")
        if name == "secure_chat":
            assert ours.hear() == MARK[name]
        assert ours.hear() == MARK[name] + "after"
        ours.end_input()
        assert (ours.status(), theirs.status()) == (0, 0)
        assert theirs.hear() == ""


@pytest.mark.parametrize("name", ["demo02", "secure_chat"])
def test_lines_that_come_before_anybody_is_there_wait(name):
    with serve(*PROFILES[name]) as ours:
        ours.say("first")
        ours.say("second")
        ours.end_input()
        with start(name, "client", ours.port) as theirs:
            assert [theirs.hear(), theirs.hear(), theirs.hear()] == [MARK[name] + "first", MARK[name] + "second", ""]
            assert (ours.status(), theirs.status()) == (0, 0)
