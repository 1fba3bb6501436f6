"""`chat send` and `chat receive`, each as its own program."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from offering import written
from shells import Shell


def sending(tmp_path: Path, *files: str) -> tuple[Shell, str, str]:
    """Somebody sends files; the address and the code that the other side needs."""
    sender = Shell(tmp_path / "sender", "send", *files, "--port", "0")
    command, address = sender.line().rsplit(" ", 1)
    assert command == "chat receive"
    return sender, address, sender.line()


def test_a_file_goes_from_one_shell_to_another(tmp_path: Path) -> None:
    film = written(tmp_path / "film.mkv", 2_000_000)
    sender, address, code = sending(tmp_path, str(film))
    receiver = Shell(tmp_path / "receiver", "receive", address, "--yes", typed=f"{code}\n".encode())
    status, events, said = receiver.ends()
    assert (status, said) == (0, "")
    assert events[0]["state"] == "offered"
    assert events[-1]["state"] == "done"
    assert (receiver.folder / "film.mkv").read_bytes() == film.read_bytes()
    status, events, said = sender.ends()
    assert (status, said) == (0, "")
    assert [events[0]["state"], events[-1]["state"]] == ["offered", "done"]


def test_to_receive_loads_no_server() -> None:
    program = "import sys, plytalk.cli.file_transfer; print('plytalk.core.endpoints.server' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False\n"


def test_each_file_is_asked_about_and_may_be_declined(tmp_path: Path) -> None:
    sender, address, code = sending(tmp_path, str(written(tmp_path / "a", 10)), str(written(tmp_path / "b", 10)))
    receiver = Shell(tmp_path / "receiver", "receive", address, typed=f"{code}\nyes\nno\n".encode())
    status, _, said = receiver.ends()
    assert status == 1
    assert "[server] offers a (10 B). Receive it? [yes/no]" in said
    assert [one.name for one in receiver.folder.iterdir()] == ["a"]
    assert sender.ends()[0] == 1


@pytest.mark.parametrize(
    ("options", "answer", "names"),
    [(["--overwrite"], "yes", ["a"]), (["--overwrite"], "no", ["a", "a (1)"]), ([], "", ["a", "a (1)"])],
)
def test_a_file_that_exists_is_replaced_only_where_the_user_says_so(
    tmp_path: Path, options: list[str], answer: str, names: list[str]
) -> None:
    (tmp_path / "receiver" / "here").mkdir(parents=True)
    (tmp_path / "receiver" / "here" / "a").write_text("before")
    sender, address, code = sending(tmp_path, str(written(tmp_path / "a", 10)))
    receiver = Shell(tmp_path / "receiver", "receive", address, *options, typed=f"{code}\nyes\n{answer}\n".encode())
    status, _, said = receiver.ends()
    assert status == 0
    assert ("a exists. Replace it? [yes/no]" in said) is bool(options)
    assert sorted(one.name for one in receiver.folder.iterdir()) == names
    assert ((receiver.folder / "a").read_bytes() == b"before") is (len(names) == 2)
    assert (receiver.folder / names[-1]).read_bytes() == (tmp_path / "a").read_bytes()
    assert sender.ends()[0] == 0


def test_nothing_is_written_where_nobody_answers(tmp_path: Path) -> None:
    sender, address, code = sending(tmp_path, str(written(tmp_path / "a", 10)))
    receiver = Shell(tmp_path / "receiver", "receive", address, typed=f"{code}\n".encode())
    status, _, said = receiver.ends()
    assert status == 1
    assert "Nobody answers here: --yes accepts what is offered." in said
    assert not list(receiver.folder.iterdir())
    assert sender.ends()[0] == 1


def test_an_answer_that_is_neither_yes_nor_no_is_asked_for_again(tmp_path: Path) -> None:
    sender, address, code = sending(tmp_path, str(written(tmp_path / "a", 10)))
    receiver = Shell(tmp_path / "receiver", "receive", address, typed=f"{code}\nyse\n\nyes\n".encode())
    status, _, said = receiver.ends()
    assert status == 0
    assert said.count("Receive it? [yes/no]") == 3
    assert "Type yes or no." in said
    assert [one.name for one in receiver.folder.iterdir()] == ["a"]
    assert sender.ends()[0] == 0


def test_where_the_other_side_leaves_before_all_has_come_both_say_so(tmp_path: Path) -> None:
    sender, address, code = sending(tmp_path, str(written(tmp_path / "a", 10)))
    receiver = Shell(tmp_path / "receiver", "receive", address, typed=f"{code}\n".encode(), ends_input=False)
    assert '"offered"' in receiver.line()
    receiver.process.send_signal(signal.SIGINT)
    assert receiver.ends()[0] == 130
    status, _, said = sender.ends()
    assert status == 1
    assert "chat: The other side has left before everything was transferred." in said


def test_a_folder_that_is_missing_is_named_before_the_code_is_used(tmp_path: Path) -> None:
    receiver = Shell(tmp_path / "receiver", "receive", "127.0.0.1:1", "--into", "far/away", typed=b"7-orbit-velvet\n")
    status, _, said = receiver.ends()
    assert status == 2
    assert "chat: --into far/away is not a folder. Make it first, or name another one." in said


def test_the_line_for_a_receiver_names_the_transport(tmp_path: Path) -> None:
    film = written(tmp_path / "film.mkv", 10)
    sender, address, code = sending(tmp_path, str(film), "--transport", "ws")
    assert address.startswith("ws://")
    receiver = Shell(tmp_path / "receiver", "receive", address, "--yes", typed=f"{code}\n".encode())
    status, _, said = receiver.ends()
    assert (status, said) == (0, "")
    assert (receiver.folder / "film.mkv").read_bytes() == film.read_bytes()
    assert sender.ends()[0] == 0


def test_a_wrong_code_is_refused(tmp_path: Path) -> None:
    sender, address, code = sending(tmp_path, str(written(tmp_path / "a", 10)))
    wrong = f"{int(code[0]) % 9 + 1}{code[1:]}"
    assert Shell(tmp_path / "eve", "receive", address, "--yes", typed=f"{wrong}\n".encode()).ends()[0] == 4
    assert Shell(tmp_path / "receiver", "receive", address, "--yes", typed=f"{code}\n".encode()).ends()[0] == 0
    assert sender.ends()[0] == 0


@pytest.mark.parametrize("name", ["missing", "link", "~/missing"])
def test_a_file_that_cannot_be_sent_is_an_error_before_there_is_a_code(tmp_path: Path, name: str) -> None:
    """The other side had to come with the code before anybody was told."""
    (tmp_path / "sender" / "here").mkdir(parents=True)
    (tmp_path / "sender" / "here" / "link").symlink_to(tmp_path)
    sender = Shell(tmp_path / "sender", "send", str(written(tmp_path / "a", 10)), name, "--port", "0")
    assert sender.line() == ""
    status, _, said = sender.ends()
    assert status == 1
    assert "cannot be read" in said or "is a symbolic link" in said


def test_quiet_shows_nothing(tmp_path: Path) -> None:
    sender, address, code = sending(tmp_path, str(written(tmp_path / "a", 10)), "--quiet")
    receiver = Shell(tmp_path / "receiver", "receive", address, "--yes", "--quiet", typed=f"{code}\n".encode())
    assert receiver.ends() == (0, [], "")
    assert sender.ends() == (0, [], "")


def test_what_one_program_writes_another_reads(tmp_path: Path) -> None:
    said = bytes(range(256)) * 200  # less than a pipe holds: it is read when somebody receives it
    sender = Shell(tmp_path / "sender", "send", "-", "--port", "0", typed=said)
    address, code = sender.line().split()[-1], sender.line()
    receiver = Shell(tmp_path / "receiver", "receive", address, "--yes", "--into", "-", typed=f"{code}\n".encode())
    with receiver.process as process:
        assert process.stdout
        assert process.stdout.read() == said
    assert process.returncode == 0
    assert not list(receiver.folder.iterdir())
    status, events, told = sender.ends()
    assert (status, events[0]["size"], events[-1]["done"]) == (0, None, len(said))
    assert "cannot be resumed" in told


def test_a_file_whose_name_begins_like_a_members_is_a_file(tmp_path: Path) -> None:
    """It was taken for the member to whom nothing was sent."""
    (tmp_path / "sender" / "here").mkdir(parents=True)
    written(tmp_path / "sender" / "here" / "@bob", 10)
    sender, address, code = sending(tmp_path, "@bob")
    receiver = Shell(tmp_path / "receiver", "receive", address, "--yes", typed=f"{code}\n".encode())
    assert receiver.ends()[0] == 0
    assert [one.name for one in receiver.folder.iterdir()] == ["@bob"]
    assert sender.ends()[0] == 0


def test_a_folder_does_not_go_to_standard_output(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    sender, address, code = sending(tmp_path, str(tmp_path / "photos"))
    receiver = Shell(tmp_path / "receiver", "receive", address, "--yes", "--into", "-", typed=f"{code}\n".encode())
    status, _, said = receiver.ends()
    assert (status, said) == (
        1,
        "chat: photos is a folder, which standard output cannot take: choose another place with --into.\n",
    )
    assert sender.ends()[0] == 0


def test_a_file_goes_to_a_chat_that_is_open(tmp_path: Path) -> None:
    film = written(tmp_path / "film.mkv", 100_000)
    server = Shell(tmp_path / "server", "serve", "--port", "0", "--ui", "jsonl", "--yes", "--keep")
    with server.process:
        while (event := json.loads(server.line())).get("code") != "listening":
            pass
        sender = Shell(tmp_path / "sender", "send", str(film), "--to", event["data"]["address"], "--accept-new")
        assert sender.ends()[0] == 0
        assert (server.folder / "film.mkv").read_bytes() == film.read_bytes()
        server.process.terminate()


@pytest.mark.parametrize("words", [("send",), ("receive",)])
def test_what_is_missing_is_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    status, _, said = Shell(tmp_path, *words).ends()
    assert status == 2
    assert "Missing argument" in said
