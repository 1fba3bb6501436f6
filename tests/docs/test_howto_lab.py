"""The plugin on the page about the lab, made of its two blocks, installed and run."""

import json
import re
from pathlib import Path

from fresh import PROJECT, Fresh

PAGE = (PROJECT / "docs" / "howto-lab.md").read_text()


def block(language: str) -> str:
    [text] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)
    return text


def test_the_attack_on_the_page_installs_and_does_what_it_predicts(tmp_path: Path) -> None:
    fresh = Fresh(tmp_path)
    folder = fresh.home / "plytalk-attack-mine"
    folder.mkdir()
    (folder / "plytalk_attack_mine.py").write_text(block("python"))
    (folder / "pyproject.toml").write_text(block("toml"))
    fresh.run("pip", "install", "-e", folder)
    stack = "plytalk1 --suite XX_25519_AESGCM"
    printed = fresh.run("chat", "lab", "--attack", "mine", "--stack", "demo02", "--stack", stack, "--json")
    cells = json.loads(printed[printed.index("[") :])
    measured = {cell["stack"]: cell["measured"] for cell in cells if cell["attack"] == "mine"}
    assert measured == {"demo02": "broken", stack: "held"}
