"""The page of `chat serve --web`: the files of the folder `page`, to be served or put into one file."""

import re
import zlib
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType

from plytalk.plugins.small_http import OWN_FILES_ONLY, HttpAnswer, source_hash
from plytalk.plugins.web.http_head import RequestHead
from plytalk.plugins.web.lean import lean_markup, lean_script, lean_style

FOLDER = Path(__file__).with_name("page")
MAIN, STYLE, LATER = "page.html", "page.css", "files.js"
LOADED_LATER = ("hashes.js", "transfers.js", LATER)
"""The scripts that are loaded as one when the first file comes or goes."""
MEMORY = 6
"""How much memory zlib takes (1 to 9) to compress. With less than its usual 8 blocks are shorter, each with other codes: these
files become 0.5 % smaller.
"""
KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
CHARSET = "<meta charset=utf-8>"
"""Behind this, the page as a file says what it may do."""
POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src data:; connect-src {connect}; "
    "base-uri 'none'; form-action 'none'"
)
WITH = {HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "GET"}, HTTPStatus.UPGRADE_REQUIRED: {"Upgrade": "websocket"}}
"""What an answer with this status says besides (RFC 9110, sections 15.5.6 and 15.5.22)."""

_PART = re.compile(r'<link rel="?stylesheet"? href="([\w-]+\.css)">|<script src="([\w-]+\.js)"></script>\n')
_TAKES_GZIP = re.compile(r"(^|,)\s*gzip\s*($|,|;\s*q\s*=\s*(1|0?\.\d*[1-9]))", re.IGNORECASE)


def file_text(name: str) -> str:
    """The text of a file of the page."""
    return (FOLDER / name).read_text(encoding="utf-8")


def names() -> list[str]:
    """The files of the page: the page, and what it names, in its order."""
    return [MAIN, *(style or script for style, script in _PART.findall(file_text(MAIN)))]


def served_page() -> tuple[str, str]:
    """The page as a server sends it, and its policy: it loads scripts from there, and connects to there."""
    return put_together([name for name in names() if name not in LOADED_LATER], "'self'", "'self'")


def lean_scripts(named: Iterable[str]) -> str:
    """These scripts as one."""
    return lean_script("".join(file_text(name) for name in named if name.endswith(".js")))


def put_together(named: Iterable[str], connect: str, *loads: str) -> tuple[str, str]:
    """The page with its style and these scripts in it, and its policy: where it connects, and what scripts it loads."""
    style, script = lean_style(file_text(STYLE)), lean_scripts(named)
    scripts = iter([f"<script>{script}</script>\n"])
    html = _PART.sub(lambda found: f"<style>{style}</style>" if found[1] else next(scripts, ""), lean_markup(file_text(MAIN)))
    allowed = " ".join([f"'{source_hash(script)}'", *loads])
    return html, POLICY.format(scripts=allowed, styles=f"'{source_hash(style)}'", connect=connect)


class PageFiles:
    """The files as answers, as they are and compressed. They are read once, so that a server has one version of them."""

    def __init__(self) -> None:
        page, policy = served_page()
        headers = {"Content-Security-Policy": f"{policy}; frame-ancestors 'none'"}
        self._answers = {"/": answers(MAIN, page, headers), f"/{LATER}": answers(LATER, lean_scripts(LOADED_LATER))}

    def answer(self, head: RequestHead) -> HttpAnswer:
        """The answer to a request that may ask."""
        found = self._answers.get(head.path)
        if not found:
            return plain(HTTPStatus.NOT_FOUND, "There is no such page.")
        return found[bool(_TAKES_GZIP.search(head.all("accept-encoding")))]


def answers(name: str, text: str, more: Mapping[str, str] = MappingProxyType({})) -> tuple[HttpAnswer, HttpAnswer]:
    """The answer that is a file, as it is and compressed, with more headers."""
    body, kind = text.encode(), KINDS[Path(name).suffix]
    headers = {**OWN_FILES_ONLY, **more, "Vary": "Accept-Encoding"}
    return (
        HttpAnswer(HTTPStatus.OK, body, kind, headers),
        HttpAnswer(HTTPStatus.OK, compressed(body), kind, {**headers, "Content-Encoding": "gzip"}),
    )


def plain(status: HTTPStatus, sentence: str) -> HttpAnswer:
    """An answer of one sentence."""
    return HttpAnswer(status, f"{sentence}\n", headers={**OWN_FILES_ONLY, **WITH.get(status, {})})


def compressed(data: bytes) -> bytes:
    """As gzip writes it, the same bytes every time."""
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS, memLevel=MEMORY)
    return packer.compress(data) + packer.flush()


def single_file() -> str:
    """The page as one file, which may run its own scripts and open WebSockets, and nothing else."""
    html, policy = put_together(names(), "ws: wss:")
    return html.replace(CHARSET, f'{CHARSET}\n<meta http-equiv="Content-Security-Policy" content="{policy}">', 1)
