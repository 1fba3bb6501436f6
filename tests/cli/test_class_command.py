"""`chat lab class`, with a teacher at a terminal's pipes, a student, and the page."""

import json
import re
import urllib.request
from pathlib import Path

import pytest
from programs import ENVIRONMENT, chat, connect, started


def home(folder: Path, who: str) -> dict[str, str]:
    return {**ENVIRONMENT, "PLYTALK_HOME": str(folder / who)}


def test_a_class_from_its_first_line_to_a_report(tmp_path: Path) -> None:
    roster = tmp_path / "roster.txt"
    roster.write_text("erin\nfrank\n")
    roster.chmod(0o600)
    options = ("--roster", str(roster), "--listen", "127.0.0.1:0", "--page", "127.0.0.1:0", "--reports", str(tmp_path / "in"))
    with started("lab", "class", *options, environment=home(tmp_path, "teacher")) as teacher:
        port = int(re.search(r"Listening on 127.0.0.1:(\d+)", teacher.tells("Listening on "))[1])
        page = re.search(r"http://\S+", teacher.tells("The page of the class"))[0]
        invitation = teacher.tells("Students connect with:")
        assert re.search(rf"chat connect 127.0.0.1:{port} --peer SHA256:\S+ --name NAME$", invitation)
        peer = re.search(r"SHA256:\S+", invitation)[0]
        with connect(port, "--name", "erin", "--peer", peer, environment=home(tmp_path, "erin")) as erin:
            erin.tells("You are erin in erin")
            answer = ("lab", "exercise", "1", "--check", "no idea", "--report", "r", "--name", "erin")
            assert chat(*answer, folder=tmp_path, environment=home(tmp_path, "erin")).returncode == 1
            handed_in = chat(
                "lab", "report", "r", f"127.0.0.1:{port}", "--peer", peer, folder=tmp_path, environment=home(tmp_path, "erin")
            )
            assert handed_in.stdout.splitlines() == ["Your report is in, erin.", "1  wrong"]
            assert handed_in.returncode == 0
            with urllib.request.urlopen(f"{page}state.json") as answered:
                state = json.load(answered)
            assert state["students"][0]["marks"] == {"1": "wrong"}
            assert (tmp_path / "in" / "erin.report").exists()
    assert "erin SHA256:" in roster.read_text()


@pytest.mark.parametrize(
    ("options", "code", "why"),
    [
        ((), 2, "Missing option '--roster'"),
        (("--roster", "none"), 2, "There is no roster"),
        (("--roster", "bad"), 2, "Line 1 of the roster"),
        (("--roster", "good", "--page", "nowhere"), 2, "--page nowhere is not HOST:PORT"),
        (("--roster", "good", "--listen", "a b"), 2, "a b"),
        (("--roster", "good", "--listen", "127.0.0.1:0", "--page", "192.0.2.1:1"), 3, "Cannot serve --page"),
        (("--roster", "good", "--listen", "192.0.2.1:1", "--page", "127.0.0.1:0"), 3, "192.0.2.1:1"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(options: tuple[str, ...], code: int, why: str, tmp_path: Path) -> None:
    for name, text in (("good", "erin\n"), ("bad", "../x\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    run = chat("lab", "class", *options, folder=tmp_path, environment=home(tmp_path, "teacher"))
    assert run.returncode == code
    assert why in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
