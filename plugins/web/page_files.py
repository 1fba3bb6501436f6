"""The page of `chat serve --web`: the files of the folder `page`, to be served or put into one file."""

import gzip
import re
from http import HTTPStatus
from pathlib import Path

from plytalk.plugins.small_http import OWN_FILES_ONLY, HttpAnswer, source_hash
from plytalk.plugins.web.http_head import RequestHead
from plytalk.plugins.web.lean import lean_markup, lean_script, lean_style

FOLDER = Path(__file__).with_name("page")
MAIN, SCRIPT = "page.html", "page.js"
LATER = ("hashes.js", "files.js")
"""The scripts that are loaded when the first file comes or goes, by the name of the last one."""
KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
CHARSET = "<meta charset=utf-8>"
"""Behind this, the single file says what it may do."""
WITH = {HTTPStatus.METHOD_NOT_ALLOWED: {"Allow": "GET"}, HTTPStatus.UPGRADE_REQUIRED: {"Upgrade": "websocket"}}
"""What an answer with this status says besides (RFC 9110, sections 15.5.6 and 15.5.22)."""

_PART = re.compile(r'<link rel="?stylesheet"? href="([\w-]+\.css)">|<script src="([\w-]+\.js)"></script>')
_TAKES_GZIP = re.compile(r"(^|,)\s*gzip\s*($|,|;\s*q\s*=\s*(1|0?\.\d*[1-9]))", re.IGNORECASE)


def file_text(name: str) -> str:
    """The text of a file of the page."""
    return (FOLDER / name).read_text(encoding="utf-8")


def names() -> list[str]:
    """The files of the page: the page, and what it names, in its order."""
    return [MAIN, *(style or script for style, script in _PART.findall(file_text(MAIN)))]


def parts() -> dict[str, str]:
    """What a browser is sent: the page, its style, its scripts as one, and as another one those that it loads later."""
    style, *named = names()[1:]
    scripts = [name for name in named if name not in LATER]
    tags = iter([f'<script src="{SCRIPT}"></script>'])
    html = _PART.sub(lambda found: found[0] if found[1] else next(tags, ""), file_text(MAIN))
    script = lean_script("".join(map(file_text, scripts)))
    later = lean_script("".join(map(file_text, LATER)))
    return {MAIN: lean_markup(html), style: lean_style(file_text(style)), SCRIPT: script, LATER[-1]: later}


class PageFiles:
    """The files as answers, as they are and compressed. They are read once, so that a server has one version of them."""

    def __init__(self) -> None:
        self._answers = {"/" if name == MAIN else f"/{name}": answers(name, text) for name, text in parts().items()}

    def answer(self, head: RequestHead) -> HttpAnswer:
        """The answer to a request that may ask."""
        found = self._answers.get(head.path)
        if not found:
            return plain(HTTPStatus.NOT_FOUND, "There is no such page.")
        return found[bool(_TAKES_GZIP.search(head.all("accept-encoding")))]


def answers(name: str, text: str) -> tuple[HttpAnswer, HttpAnswer]:
    """The answer that is a file, as it is and compressed."""
    body, kind = text.encode(), KINDS[Path(name).suffix]
    headers = {**OWN_FILES_ONLY, "Vary": "Accept-Encoding"}
    return (
        HttpAnswer(HTTPStatus.OK, body, kind, headers),
        HttpAnswer(HTTPStatus.OK, compressed(body), kind, {**headers, "Content-Encoding": "gzip"}),
    )


def plain(status: HTTPStatus, sentence: str) -> HttpAnswer:
    """An answer of one sentence."""
    return HttpAnswer(status, f"{sentence}\n", headers={**OWN_FILES_ONLY, **WITH.get(status, {})})


def compressed(data: bytes) -> bytes:
    """The same bytes every time."""
    return gzip.compress(data, mtime=0)


def single_file() -> str:
    """The page as one file, which may run its own scripts and open WebSockets, and nothing else."""
    files = parts()
    files[SCRIPT] += files[LATER[-1]]
    hashes: dict[str, list[str]] = {"style": [], "script": []}

    def inlined(found: re.Match[str]) -> str:
        kind, text = "style" if found[1] else "script", files[found[1] or found[2]]
        hashes[kind].append(f"'{source_hash(text)}'")
        return f"<{kind}>{text}</{kind}>"

    html = _PART.sub(inlined, files.pop(MAIN))
    policy = (
        f"default-src 'none'; script-src {' '.join(hashes['script'])}; style-src {' '.join(hashes['style'])}; "
        "img-src data:; connect-src ws: wss:; base-uri 'none'; form-action 'none'"
    )
    return html.replace(CHARSET, f'{CHARSET}\n<meta http-equiv="Content-Security-Policy" content="{policy}">', 1)
