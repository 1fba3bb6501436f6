"""The end of a conversation over slow, stalled and cut links: what was sent arrives, or the sender says what did not."""

import os
import re
import shutil
import threading
from pathlib import Path

import pytest
from peers import start
from programs import ENVIRONMENT, chat, connect, serve
from slow_links import slow_link

PROFILES = {"demo01": "demo01", "demo02": "demo02", "secure_chat": "secure-chat"}
MARK = {"demo01": "[Peer]: ", "demo02": "[Peer]: ", "secure_chat": "Message Received: "}
RATES = [(10_000, None), (None, 10_000), (125_000, 125_000), (250_000, None), (None, 250_000)]
STACKS = {"rooms": (), "alone": ("-p", "no:feature-rooms")}
rates = pytest.mark.parametrize(("up", "down"), RATES)
stacks = pytest.mark.parametrize("stack", STACKS)


@pytest.fixture
def homes(tmp_path: Path):
    def home(name: str) -> dict[str, str]:
        return {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / name)}

    return home


def pour(chat, lines: list[str]) -> None:
    """Send lines from a pipe, and end it."""

    def run() -> None:
        try:
            chat.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
            chat.process.stdin.close()
        except BrokenPipeError:
            pass

    threading.Thread(target=run, daemon=True).start()


def hear_all(chat, into: list[str]) -> threading.Thread:
    def run() -> None:
        while line := chat.hear_words():
            into.append(line)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def numbered(count: int, size: int = 85) -> list[str]:
    return [f"{number} ".ljust(size - 1, "x") for number in range(count)]


@stacks
@rates
def test_all_lines_of_a_pipe_arrive_at_a_server_over_a_slow_link(stack, up, down, homes):
    lines = numbered(350)
    with (
        serve(*STACKS[stack], environment=homes("s")) as server,
        slow_link(server.port, up, down) as link,
        connect(link.port, "--accept-new", *STACKS[stack], environment=homes("c")) as client,
    ):
        heard: list[str] = []
        hearing = hear_all(server, heard)
        pour(client, lines)
        assert client.status() == 0, client.told
        assert client.told[-1] == "You said exit."
        server.end_input()
        assert server.status() == 0, server.told
        hearing.join(180)
    assert heard == lines


@stacks
@pytest.mark.parametrize(("up", "down"), [(None, 10_000), (125_000, 125_000)])
def test_all_lines_of_a_server_s_pipe_arrive_at_a_client_over_a_slow_link(stack, up, down, homes):
    lines = numbered(350)
    with (
        serve(*STACKS[stack], environment=homes("s")) as server,
        slow_link(server.port, up, down) as link,
        connect(link.port, "--accept-new", *STACKS[stack], environment=homes("c")) as client,
    ):
        heard: list[str] = []
        hearing = hear_all(client, heard)
        pour(server, lines)
        assert server.status() == 0, server.told
        assert client.status() == 0, client.told
        hearing.join(180)
    assert heard == lines


@stacks
def test_all_lines_of_two_pipes_arrive_both_ways(stack, homes):
    ours, theirs = numbered(1500), [f"their {line}" for line in numbered(1500)]
    with (
        serve(*STACKS[stack], environment=homes("s")) as server,
        slow_link(server.port, 250_000, 250_000) as link,
        connect(link.port, "--accept-new", *STACKS[stack], environment=homes("c")) as client,
    ):
        heard: dict[str, list[str]] = {"server": [], "client": []}
        hearing = [hear_all(server, heard["server"]), hear_all(client, heard["client"])]
        client.tells("Talking to ")
        pour(server, theirs)
        pour(client, ours)
        assert client.status() == 0, client.told
        assert server.status() == 0, server.told
        for thread in hearing:
            thread.join(180)
    assert heard == {"server": ours, "client": theirs}


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize(("up", "down"), [(10_000, None), (125_000, 125_000)])
def test_all_lines_arrive_at_a_server_of_an_existing_chat_over_a_slow_link(name, up, down):
    lines = numbered(350)
    with (
        start(name, "server") as theirs,
        slow_link(theirs.port, up, down) as link,
        connect(link.port, "--profile", PROFILES[name]) as ours,
    ):
        pour(ours, lines)
        assert ours.status() == 0, ours.told
        heard = "".join(line.partition(": ")[2] for line in iter(theirs.hear, ""))
    if name == "demo01":  # it has no boundaries between messages
        assert heard.replace("[Peer]: ", "").removesuffix("exit") == "".join(lines)
    else:
        assert heard == "".join(lines)


@pytest.mark.parametrize("stack", ["rooms", "alone", "secure-chat"])
def test_a_link_that_stalls_is_given_up_after_ten_seconds_and_says_how_much_is_missing(stack, homes):
    options = STACKS.get(stack, ("--profile", stack))
    news = ("--accept-new",) if stack in STACKS else ()
    lines = numbered(2000)
    with (
        serve(*options, environment=homes("s")) as server,
        slow_link(server.port, stall_after=60_000) as link,
        connect(link.port, *news, *options, environment=homes("c")) as client,
    ):
        heard: list[str] = []
        hearing = hear_all(server, heard)
        pour(client, lines)
        assert client.status() == 8, client.told
        link.close()
        server.status()
        hearing.join(180)
    said = re.search(r"([\d,]+) lines that you sent were not received: nothing moved for 10 s", client.told[-1])
    assert said, client.told
    missing = int(said[1].replace(",", ""))
    assert len(heard) + missing >= len(lines) if stack in STACKS else 0 < missing <= len(lines) - len(heard)
    assert heard == lines[: len(heard)]


def test_what_a_cut_left_out_is_delivered_after_reconnecting(homes):
    lines = numbered(2000)
    with (
        serve("--keep", environment=homes("s")) as server,
        slow_link(server.port, up=250_000, cut_after=60_000) as link,
        connect(link.port, "--accept-new", "--reconnect", environment=homes("c")) as client,
    ):
        heard: list[str] = []
        hear_all(server, heard)
        pour(client, lines)
        assert client.status() == 0, client.told
        assert link.connections == 2, client.told
        server.process.terminate()
        server.status()
    said = [line for line in heard if line[:1].isdigit()]
    assert said == lines


def test_five_thousand_lines_arrive_at_250_kilobytes_a_second(homes):
    lines = numbered(5000)
    with (
        serve(environment=homes("s")) as server,
        slow_link(server.port, up=250_000) as link,
        connect(link.port, "--accept-new", environment=homes("c")) as client,
    ):
        heard: list[str] = []
        hearing = hear_all(server, heard)
        pour(client, lines)
        assert client.status() == 0, client.told
        server.status()
        hearing.join(180)
    assert heard == lines


def test_twelve_messages_of_a_mebibyte_reach_a_member_with_two_megabytes_a_second_and_nobody_is_removed(homes):
    lines = numbered(12, 1024 * 1024 + 1)  # of which one is the end of the line
    with (
        serve("--keep", "--headless", environment=homes("s")) as server,
        slow_link(server.port, down=2_000_000) as link,
        connect(link.port, "--accept-new", "--name", "reader", environment=homes("r")) as reader,
        connect(server.port, "--accept-new", "--name", "writer", environment=homes("w")) as writer,
    ):
        for member in (reader, writer):
            member.tells("You are ")
        heard: list[str] = []
        hearing = hear_all(reader, heard)
        pour(writer, lines)
        assert writer.status() == 0, writer.told
        server.process.terminate()  # which says goodbye behind all that was said
        assert reader.status() == 0, reader.told
        hearing.join(180)
        assert server.status() == 0, server.told
    assert [line for line in heard if line[:1].isdigit()] == lines


@pytest.mark.parametrize("size", [1_000_000, 1024 * 1024])
def test_one_long_line_arrives(size, homes):
    with (
        serve(environment=homes("s")) as server,
        connect(server.port, "--accept-new", environment=homes("c")) as client,
    ):
        heard: list[str] = []
        hearing = hear_all(server, heard)
        pour(client, ["x" * size])
        assert client.status() == 0, client.told
        server.status()
        hearing.join(180)
    assert heard == ["x" * size]


def test_a_line_that_is_too_long_is_not_sent_and_sets_the_exit_code(homes):
    with (
        serve(environment=homes("s")) as server,
        connect(server.port, "--accept-new", environment=homes("c")) as client,
    ):
        pour(client, ["x" * (1024 * 1024 + 1)])
        assert client.status() == 1, client.told
        assert any("was not sent" in line for line in client.told)


@pytest.mark.parametrize(
    ("typed", "told", "code"),
    [
        ("/who", "operator", 0),
        ("/keep", "is yours", 0),
        ("/nosuch", "There is no command /nosuch.", 1),
        ("/name", "Say the new name", 1),
        ("/kick server", "is for operators", 1),
    ],
)
def test_the_answer_to_the_last_command_is_shown_and_a_failed_one_sets_the_exit_code(typed, told, code, homes):
    with (
        serve(environment=homes("s")) as server,
        connect(server.port, "--accept-new", environment=homes("c")) as client,
    ):
        pour(client, [typed])
        assert client.status() == code, client.told
        assert any(told in line for line in client.told), client.told


def test_a_server_that_is_told_to_end_says_so_to_its_members(homes):
    with (
        serve("--keep", "--headless", environment=homes("s")) as server,
        connect(server.port, "--accept-new", environment=homes("c")) as client,
    ):
        client.tells("You are ")
        server.process.terminate()
        assert client.status() == 0, client.told
        assert client.told[-1] == "The server was stopped."
        assert server.status() == 0, server.told


def test_a_member_that_is_kicked_is_told_by_whom_and_ends_with_its_own_exit_code(homes):
    with (
        serve("--keep", environment=homes("s")) as server,
        connect(server.port, "--accept-new", "--reconnect", "--name", "bob", environment=homes("c")) as client,
    ):
        client.say("hello")
        server.hear()
        server.say("/kick bob no spam")
        assert client.status() == 9, client.told
        assert client.told[-1] == "chat: You were removed from the server by server: no spam."


def test_both_say_exit_at_once(homes):
    with (
        serve(environment=homes("s")) as server,
        connect(server.port, "--accept-new", environment=homes("c")) as client,
    ):
        client.tells("Talking to ")
        pour(client, ["from the client", "exit"])
        pour(server, ["from the server", "exit"])
        assert (client.status(), server.status()) == (0, 0), (client.told, server.told)


@pytest.mark.parametrize("how", ["exit", "a signal"])
@pytest.mark.parametrize("profile", PROFILES.values())
def test_the_goodbye_of_a_server_that_has_read_everything_is_an_ordinary_end_for_the_client(profile, how):
    with serve("--profile", profile) as server, connect(server.port, "--profile", profile) as client:
        client.say("hello")
        assert server.hear().endswith("hello")
        if how == "exit":
            server.say("exit")
        else:
            server.process.terminate()
        assert client.status() == 0, client.told
        assert client.told[-1] == "The other side said exit."


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize(("up", "down"), [(250_000, None), (None, 10_000)])
def test_all_lines_of_our_server_s_pipe_arrive_at_a_client_of_an_existing_chat(name, up, down):
    lines = numbered(350)
    with (
        serve("--profile", PROFILES[name]) as ours,
        slow_link(ours.port, up, down) as link,
        start(name, "client", link.port) as theirs,
    ):
        pour(ours, lines)
        assert ours.status() == 0, ours.told
        heard = "".join(line.partition(": ")[2] for line in iter(theirs.hear, ""))
    if name == "demo01":
        assert heard.replace("[Peer]: ", "").removesuffix("exit") == "".join(lines)
    else:
        assert heard == "".join(lines)


def test_a_refused_client_whose_input_has_ended_exits_with_the_reason(homes, tmp_path):
    allowed = tmp_path / "allow"
    allowed.write_text("# no keys\n")
    with serve("--allow", str(allowed), environment=homes("s")) as server:
        for typed in ("", "hello\n", "exit\n"):
            run = chat("connect", f"127.0.0.1:{server.port}", "--accept-new", typed=typed, environment=homes("c"))
            assert run.returncode == 4, run.stderr
            assert "Your key is not on this server's list." in run.stderr
            assert "You said exit." not in run.stderr


def test_a_question_that_cannot_be_answered_since_the_input_has_ended_is_a_refusal(homes):
    with serve(environment=homes("s")) as server:
        run = chat("connect", f"127.0.0.1:{server.port}", typed="hello\n", environment=homes("c"))
        assert run.returncode == 4, run.stderr
        assert "You said exit." not in run.stderr


def test_every_line_of_a_pipe_arrives_at_full_speed(homes, tmp_path):
    """With more lines: PLYTALK_LINES=300000 ./run pytest -k full_speed."""
    lines = [str(number) for number in range(int(os.environ.get("PLYTALK_LINES", "20000")))]
    written = tmp_path / "heard"
    with (
        written.open("wb") as file,
        serve(environment=homes("s")) as server,
        connect(server.port, "--accept-new", environment=homes("c")) as client,
    ):
        moving = threading.Thread(target=shutil.copyfileobj, args=(server.process.stdout, file))
        moving.start()
        pour(client, lines)
        assert client.status() == 0, client.told
        server.status()
        moving.join(180)
    joined, *said, left = written.read_text().splitlines()
    assert [line.partition(": ")[2] for line in said] == lines
    assert joined.endswith("is here.")
    assert left.endswith("has left.")
