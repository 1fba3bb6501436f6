"""A server whose standard input has nothing to say: nobody is disconnected for it."""

import sys

import pytest
from people import environment
from programs import connect, serve

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
DEMO = ("--profile", "demo01")
OURS = ("--profile", "plytalk1")
ACCEPT = {DEMO: (), OURS: ("--accept-new",)}


def fed(redirection):
    """`chat`, with its standard input from somewhere else."""
    return ("/bin/sh", "-c", redirection.replace("{chat}", '"$0" -m plytalk "$@"'), sys.executable)


@pytest.mark.parametrize("input", ["exec {chat} </dev/null", "exec {chat} <&-", "exec {chat} <%s"])
@pytest.mark.parametrize("stack", [DEMO, OURS])
def test_a_server_that_keeps_on_without_input_goes_on_as_if_headless(input, stack, tmp_path):
    if "%" in input:
        (tmp_path / "empty").touch()
        input %= tmp_path / "empty"
    own = environment(tmp_path)
    with serve("--keep", *stack, environment=own, command=fed(input)) as server:
        assert any("goes on as with --headless" in line for line in server.told)
        for name in ("first", "second"):
            with connect(server.port, *stack, *ACCEPT[stack], environment=own) as caller:
                caller.tells("Talking to ")
                caller.say(f"I am {name}")
                caller.say("exit")
                assert caller.status() == 0
                assert caller.told[-1] == "You said exit."


@pytest.mark.parametrize("stack", [DEMO, OURS])
def test_a_server_without_input_listens_until_its_caller_leaves(stack, tmp_path):
    own = environment(tmp_path)
    with (
        serve(*stack, environment=own, command=fed("exec {chat} </dev/null")) as server,
        connect(server.port, *stack, *ACCEPT[stack], environment=own) as caller,
    ):
        caller.say("hello")
        assert server.hear_words() == "hello"
        caller.say("exit")
        assert caller.status() == 0
        assert server.status() == 0


def test_a_server_that_keeps_on_stays_when_its_input_ends():
    with serve("--keep", *DEMO) as server, connect(server.port, *DEMO) as caller:
        server.say("all I have to say")
        server.end_input()
        assert caller.hear_words() == "all I have to say"
        server.tells("Standard input has ended: nothing more can be typed here, and the server keeps running.")
        caller.say("still here")
        assert server.hear_words() == "still here"
        caller.say("exit")
        assert caller.status() == 0


def test_jsonl_goes_on_too():
    with serve("--keep", *DEMO, "--ui", "jsonl", command=fed("exec {chat} </dev/null")) as server:
        for _ in range(2):
            with connect(server.port, *DEMO) as caller:
                server.event("open")
                caller.say("hello")
                assert server.event("message")["text"] == "hello"
                caller.say("exit")
                server.event("closed")
                assert caller.status() == 0
