"""The hand-out: every worksheet on a page, and a PDF where a browser is installed."""

import re
import shutil
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.lab.classroom.exercise_book import EXERCISES
from plytalk.lab.classroom.handout import BROWSERS, as_html, as_page, as_pdf, write_handout
from plytalk.trust.store_errors import FileExists


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("# 1. A & B", "<h1>1. A &amp; B</h1>"),
        ("one\ntwo\n\nthree", "<p>one two</p>\n<p>three</p>"),
        ("**Your task.** Do *this* [here](../x.md#y).", "<p><strong>Your task.</strong> Do <em>this</em> here.</p>"),
        ("`a *b* <c>` d", "<p><code>a *b* &lt;c&gt;</code> d</p>"),
        ("    x < y\n    z", "<pre>x &lt; y\nz</pre>"),
        ("- one\n- two `x`", "<ul><li>one</li><li>two <code>x</code></li></ul>"),
        ("<script>", "<p>&lt;script&gt;</p>"),
    ],
)
def test_what_worksheets_use_of_markdown_is_understood(markdown: str, html: str) -> None:
    assert as_html(markdown) == html


def test_fences_are_printed_as_they_are() -> None:
    assert as_html("a\n\n```console\n$ chat <x>\n\n...\n```\n\nb") == "<p>a</p>\n<pre>$ chat &lt;x&gt;\n\n...</pre>\n<p>b</p>"


def test_no_markdown_is_left_in_the_page() -> None:
    page = as_page()
    assert re.findall(r"<h1>(.*?)</h1>", page) == [f"{number}. {one.title}" for number, one in enumerate(EXERCISES, 1)]
    words = re.sub(r"<(pre|code|style)>.*?</\1>", "", page, flags=re.S)
    assert not re.search(r"[`]|\*\*|\]\(|^#", words, re.M)
    assert "default-src 'none'" in page


def test_it_is_written_by_the_ending_of_the_name(tmp_path: Path) -> None:
    write_handout(tmp_path / "handout.html")
    assert (tmp_path / "handout.html").read_text() == as_page()
    with pytest.raises(FileExists):
        write_handout(tmp_path / "handout.html")
    with pytest.raises(Usage, match=r"neither with \.pdf nor"):
        write_handout(tmp_path / "handout.doc")


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="Chromium prints the PDF (Debian package chromium)")
def test_a_browser_prints_each_sheet_on_a_page(tmp_path: Path) -> None:
    write_handout(tmp_path / "handout.pdf")
    content = (tmp_path / "handout.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == len(EXERCISES)


def test_without_a_browser_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Usage, match="not installed") as refused:
        as_pdf("page")
    assert "apt install chromium" in refused.value.sentence


@pytest.mark.parametrize("script", ["exit 3", "exit 0"])
def test_a_browser_that_makes_none_is_told(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "chromium"
    browser.write_text(f"#!{shutil.which('sh')}\n{script}\n")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Usage, match="chromium did not make a PDF"):
        as_pdf("page")
