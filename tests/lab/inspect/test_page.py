"""The page: stands alone, in a real browser, and takes nothing a peer said for markup."""

import re
import shutil
import subprocess

import pytest

from plytalk.core.contracts.spans import Span
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.frames import inspect_frames
from plytalk.lab.inspect.page import page

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=2000",
]


def events(text: str) -> list[TraceEvent]:
    return [
        TraceEvent("session", "", "started", b"", {"role": "client", "peer": text, "framer": "typed"}, 0.0),
        TraceEvent("messages", "out", "plaintext", text.encode(), {}, 0.001, "", [Span("text", 0, len(text), text, text)]),
        TraceEvent("cipher", "out", "sealed", b"\xa5" * 40, {}, 0.001),
        TraceEvent("framer", "out", "M", b"M" + b"\xa5" * 40, {}, 0.001),
        TraceEvent("session", "", "ended", text.encode(), {}, 0.002),
    ]


def rendered(tmp_path, text: str, script: str = "") -> str:
    """The page as the browser has it once its own script has run, and then `script`."""
    if BROWSER is None:
        pytest.skip("no Chromium is installed (Debian package chromium)")
    file = tmp_path / "page.html"
    file.write_text(
        page(inspect_frames(events(text)), "A talk").replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8"
    )
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'browser'}", "--dump-dom", file.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_page_loads_nothing_and_needs_nothing() -> None:
    html = page(inspect_frames(events("hello")), "A talk")
    assert "default-src 'none'" in html
    assert not re.search(r"(src|href)\s*=", html)


def test_a_browser_draws_an_arrow_with_the_words_and_opens_it_at_a_click(tmp_path) -> None:
    dom = rendered(tmp_path, "meet me at nine", "document.querySelector('button.arrow').click()")
    assert "<title>A talk</title>" in dom
    assert "\u201cmeet me at nine\u201d" in dom
    assert 'aria-expanded="true"' in dom
    assert [name for name in ("messages", "cipher", "framer") if f'class="layer {name}"' in dom] == [
        "messages",
        "cipher",
        "framer",
    ]
    assert "a5 a5 a5" in dom
    assert "ended: meet me at nine" in dom


def test_a_key_is_shown_with_its_bytes_at_a_click(tmp_path) -> None:
    key = TraceEvent("keys", "", "session key", b"\xa7" * 4, {}, 0.001, "", [Span("session key", 0, 4)])
    html = page(inspect_frames([key]), "A talk")
    assert '"a7a7a7a7"' in html
    assert 'make("details")' in html


def test_nothing_a_peer_said_is_markup(tmp_path) -> None:
    html = page(inspect_frames(events(HOSTILE)), HOSTILE)
    assert HOSTILE not in html
    assert html.count("</script>") == 2
    dom = rendered(tmp_path, HOSTILE, "document.querySelector('button.arrow').click()")
    assert "<title>A talk</title>" in dom
    assert "<img" not in dom
