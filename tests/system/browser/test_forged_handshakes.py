"""Forged handshakes, each against the page in a real Chromium: it refuses every one, and sends nothing more."""

from collections.abc import Iterator

import pytest
from browser import browser
from forger import FORGERIES, Forger, Responder, forging, replays
from page_user import PageUser

from plytalk.plugins.web.page_files import single_file

Opened = tuple[PageUser, Forger, str]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    file = tmp_path_factory.mktemp("page") / "chat.html"
    file.write_text(single_file())
    with forging() as (forger, address), browser() as driver:
        yield PageUser(driver, file.as_uri()), forger, address


def refusal(opened: Opened, code: str) -> str:
    page, forger, address = opened
    forger.over.clear()
    forger.behind.clear()
    page.join(address, answer="", code=code)
    page.wait_until(forger.over.is_set, "the end of the connection")
    return page.is_refused()


@pytest.mark.parametrize("name", FORGERIES)
def test_it_is_refused(opened: Opened, name: str) -> None:
    forge, sentence = FORGERIES[name]
    opened[1].forge = forge
    code = "7-orbit-velvet" if "code" in name or "element" in name else ""
    if forge is replays:
        opened[1].forge = keeps_b
        opened[0].join(opened[2], answer="no")
        assert opened[0].is_refused() == "You said no to the server's key."
        opened[1].forge = forge
    assert sentence in refusal(opened, code)
    assert opened[1].behind == []


def keeps_b(server: Responder) -> None:
    """All is as it should be: the page asks about the key."""
    server.seen.pop("B", None)
    replays(server)


def test_an_honest_handshake_of_the_same_server_is_answered(opened: Opened) -> None:
    page, forger, address = opened
    forger.over.clear()
    forger.behind.clear()
    forger.forge = Responder.shake
    page.join(address.replace("127.0.0.1", "localhost"), answer="yes", code="")  # by another name, so that its key is kept apart
    page.wait_until(lambda: bool(forger.behind), "message C")
    assert len(forger.behind[0]) == 243
