"""The worksheets as a hand-out: one page of HTML that prints well, and a PDF of it, made by Chromium where that is installed.

The worksheets use little of Markdown, and only that is understood here: headings, paragraphs, lists, code in fences and by
indentation, bold, code in a line, and links, of which the text is printed.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import escape
from pathlib import Path

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.lab.classroom.exercise_book import NUMBERS, worksheet
from plytalk.trust.files import write_new

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")
SECONDS = 120
"""How long the browser may take."""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Lab book</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
@page {{ size: A4; margin: 16mm 18mm; }}
body {{ font: 11pt/1.4 system-ui, sans-serif; color: #111; max-width: 174mm; margin: 0 auto; }}
section {{ break-after: page; }}
section:last-child {{ break-after: auto; }}
.name {{ display: flex; gap: 10mm; font-size: 10pt; color: #444; }}
.name span {{ flex: 1; border-bottom: 1px solid #888; padding-bottom: 1mm; }}
h1 {{ font-size: 18pt; margin: 6mm 0 3mm; }}
p, li {{ margin: 2mm 0; }}
pre {{ font: 8.5pt/1.35 ui-monospace, monospace; background: #f3f3f5; border: 1px solid #ccc; border-radius: 2mm;
  padding: 2mm 3mm; white-space: pre-wrap; overflow-wrap: anywhere; break-inside: avoid; margin: 2mm 0; }}
code {{ font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }}
</style>
</head>
<body>
{sections}
</body>
</html>
"""
NAME = '<div class="name"><span>Name</span><span>Fingerprint SHA256:</span></div>'


def as_page() -> str:
    """All worksheets as one page, each on paper by itself."""
    return PAGE.format(sections="\n".join(f"<section>{NAME}\n{as_html(worksheet(number))}</section>" for number in NUMBERS))


def as_html(markdown: str) -> str:
    """A worksheet's Markdown as HTML."""
    parts = re.split(r"^```\w*[^\n]*\n(.*?)^```$", markdown, flags=re.M | re.S)
    return "\n".join(
        f"<pre>{escape(part.rstrip())}</pre>" if number % 2 else "\n".join(blocks(part)) for number, part in enumerate(parts)
    )


def blocks(text: str) -> Iterator[str]:
    """The paragraphs and headings of a text without fences."""
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if not block.strip():
            continue
        if block.startswith("    "):
            yield f"<pre>{escape(re.sub('^    ', '', block, flags=re.M).rstrip())}</pre>"
        elif heading := re.fullmatch(r"(#{1,3}) (.*)", block.strip()):
            level = len(heading[1])
            yield f"<h{level}>{inline(heading[2])}</h{level}>"
        elif block.startswith("- "):
            yield f"<ul>{''.join(f'<li>{inline(one)}</li>' for one in re.split(r'^- ', block, flags=re.M)[1:])}</ul>"
        else:
            yield f"<p>{inline(block)}</p>"


def inline(text: str) -> str:
    """Bold, code and links in a line; code is left as it is."""
    parts = re.split(r"`([^`]+)`", " ".join(text.split()))
    return "".join(f"<code>{escape(part)}</code>" if number % 2 else marked(part) for number, part in enumerate(parts))


def marked(text: str) -> str:
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", escape(text))
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", re.sub(r"(?<!\*)\*([^*]+)\*(?!\*)", r"<em>\1</em>", text))


def write_handout(file: Path) -> None:
    """Write the hand-out, as HTML or as PDF, by the ending of the name. Raises Usage, StoreError."""
    if file.suffix == ".html":
        write_new(file, as_page().encode())
    elif file.suffix == ".pdf":
        write_new(file, as_pdf(as_page()))
    else:
        raise Usage(f"{shorten(file.name)} ends neither with .pdf nor with .html.", "Name it handout.pdf, for example.")


def as_pdf(page: str) -> bytes:
    """The page, printed by a browser. Raises Usage where there is none, or where it fails."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise Usage(
            "A PDF is printed by Chromium, which is not installed.",
            "Install it (Debian and Ubuntu: `apt install chromium`), or write handout.html and print that.",
        )
    with TemporaryFolder() as folder:
        source, target = Path(folder, "handout.html"), Path(folder, "handout.pdf")
        source.write_text(page, encoding="utf-8")
        flags = ["--headless=new", "--disable-gpu", "--no-pdf-header-footer", f"--user-data-dir={folder}/profile"]
        flags += ["--no-sandbox"] if is_root() else []  # it refuses to run as root otherwise
        command = [browser, *flags, f"--print-to-pdf={target}", source.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=SECONDS, check=True)
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            why = type(error).__name__
            raise Usage(f"{Path(browser).name} did not make a PDF ({why}).", "Write handout.html, and print that.") from None


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
