"""The threat model and `chat explain` say of every transport what it protects, and who sees what."""

import re
from pathlib import Path

import pytest

from plytalk.core.registry.registry import Registry

ROOT = Path(__file__).resolve().parents[2]
BUILT_IN = [name for name in Registry().names("transport") if Registry().found["transport", name].distribution == "plytalk"]
NOBODY_BETWEEN = {"memory", "tcp", "unix"}
"""Those of which there is nothing to say besides what the stack protects: nobody is between but the network."""


def row(name: str) -> str:
    """The row of the threat model's table that names a transport."""
    lines = (ROOT / "docs" / "threat-model.md").read_text().splitlines()
    return next((line for line in lines if re.match(rf"\| [^|]*`{name}`", line)), "")


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "memory"])
def test_the_threat_model_has_every_transport(name: str) -> None:
    assert row(name).count("|") == 4
    assert all(cell.strip() for cell in row(name).split("|")[1:-1])


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name not in NOBODY_BETWEEN])
def test_explain_has_a_note_on_every_transport_with_somebody_between(name: str) -> None:
    assert Registry().layer("transport", name).caution


@pytest.mark.parametrize(
    ("who", "can"),
    [
        ("A relay", ["cut", "delay", "connect a caller to another server", "cannot read", "connect any caller"]),
        ("Tor", ["does not hide the identity", "links"]),
        ("A server that serves the page", ["gives away the member's key"]),
        ("A guest by ssh", ["host key", "The server can read what guests say"]),
        ("The local network", ["fingerprint", "recognise"]),
        ("A web server in front of a server", ["terminates TLS", "cut"]),
        ("A page from another origin", ["refused because of its origin"]),
    ],
)
def test_what_each_third_party_can_do_is_told(who: str, can: list[str]) -> None:
    text = " ".join((ROOT / "docs" / "threat-model.md").read_text().split())
    [said] = re.findall(rf"- \*\*{who}\*\* ?(.*?)(?= - \*\*| ## )", text)
    assert [part for part in can if part not in said] == []
