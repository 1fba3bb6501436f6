"""The project's prose is plain English: code, help, messages and docs have none of the idioms that readers must translate."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
from surroundings import ROOT

# Each pattern with what to write in its place. They see one paragraph at a time, on one line.
PLAIN = {
    r"\b(?<!there )(?<!There )(?:is|are|was|were) no (?!longer\b|more\b|later\b|less\b)": "is not a",
    r"\banew\b": "again, or the verb with re-",
    r"\bwhoever\b": "the person who, anyone who, a peer that",
    r"\bwho(?:ever)? listens\b": "an eavesdropper",
    r"\bsomebody else\b": "someone else, another's",
    r"\b\w+ of (?:its|their|his|her|one's) own\b": "its own X",
    r"\bby another way\b": "out of band",
    r"\b(?:stand|stands|stood) for\b": "means, represents",
    r"\b(?:has|have|had|having) (?:a|no) say\b": "decides, or name what it does",
    r"\b(?:fall|falls|fell|falling) open\b": "fails open",
    r"\bthe other's\b": "the other side's, the peer's",
    r"(?:^|[.:;!?] |[-+*>|#] |\*\*)Who [^?]*?(?:[.;:]|$)": "name the subject",
    r"\bmade you a new\b": "created a new",
    r"\botherwise than\b": "differently from",
    r"\bobject a line\b": "object per line",
    r"\bheld against\b": "compared with, checked against",
    r"\bas (?:it|they) stands?\b": "unchanged, as written in",
    r"\bcomes? to nothing\b": "fails, is refused",
    r"\bfor good\b(?! reason)": "permanently",
    r"\bso many (?!(?:of|that|other)\b)": "this many, the number of",
    r"\b(?:stand|stands|standing|stood) (?:in|behind|before|beside|above|below|there)\b": "is in, follows, precedes, replaces",
    r"\bnone such\b": "none, no X like it",
    r"\bbeforehand\b": "in advance",
    r"\b(?:to|can|could|cannot) be had\b": "is available, can be opened",
    r"\breads? over (?:it|them|here|extensions)\b": "ignores",
    r"\bit is looked (?!up\b|at\b)": "check whether",
}
PATTERNS = {re.compile(pattern, re.IGNORECASE if "Who " not in pattern else 0): plain for pattern, plain in PLAIN.items()}
READ = (".py", ".md", ".js", ".html", ".py.txt", ".md.txt", ".toml", ".toml.txt")
MADE = {"site", "build", "dist", "node_modules", "__pycache__"}
"""Folders that hold what programs have written."""


def sources() -> list[Path]:
    """Everything that people read, in whatever folder it is."""
    files = [file for file in ROOT.rglob("*") if file.name.endswith(READ) and file != Path(__file__)]
    return sorted(file for file in files if not any(part in MADE or part[0] == "." for part in file.relative_to(ROOT).parts))


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a text, each on one line; a line of a list or a table begins another."""
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*(?:[-*|#>] |\d+\. |\S+ {2,}))", text):
        yield " ".join(paragraph.split())


def prose(file: str, text: str) -> Iterator[str]:
    """What people read in a file: all of a page; of code the comments, docstrings and strings, parts of one string joined."""
    if not file.endswith(".py"):
        yield from paragraphs(text if file.endswith(".md") else re.sub(r"(?m)^\s*(?://|\*|#) ?", "", text))  # comments are text
        return
    inside: set[int] = set()
    for node in ast.walk(ast.parse(text)):  # from the outside in, so an f-string comes before its parts
        if isinstance(node, ast.JoinedStr):
            inside.update(id(part) for part in node.values)
            yield from paragraphs("".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield from paragraphs(node.value)
    lines = [(token.start, token.string.lstrip("#: ")) for token in tokens(text) if token.type == tokenize.COMMENT]
    joined: list[str] = []
    last = (0, 0)
    for (row, column), comment in lines:  # a comment of several lines is one sentence
        if joined and (row, column) == (last[0] + 1, last[1]):
            joined[-1] += f" {comment}"
        else:
            joined.append(comment)
        last = (row, column)
    yield from joined


def tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text).readline)


def faults(file: str, text: str) -> list[str]:
    return [
        f"{file}: {found[0]!r} in {line[:120]!r}: write {plain}"
        for line in prose(file, text)
        for pattern, plain in PATTERNS.items()
        if (found := pattern.search(line))
    ]


def test_code_help_messages_and_docs_are_plain_english() -> None:
    found = [fault for file in sources() for fault in faults(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8"))]
    assert found == [], "\n".join(found)


def test_every_kind_of_file_is_read() -> None:
    read = {str(file.relative_to(ROOT)) for file in sources()}
    assert {"README.md", "core/contracts/errors.py", "plugins/handshakes/rsa.py", "cli/talk.py", "docs/tutorial.md"} <= read
    assert {"trust/identity.py", "lab/attacks/run.py", "src/plytalk/api/inbox.py", "src/plytalk/testing/parts.py"} <= read
    assert {"setup.py", "CHANGELOG.md"} <= read
    assert {"plugins/web/page/noise.js", "plugins/web/page/page.html", "cli/new-plugin/cipher.py.txt"} <= read
    assert {
        "docs/reference/commands.md",
        "tests/core/contracts/test_errors.py",
        "tests/system/fuzz/README.md",
    } <= read  # help, tests, side projects


@pytest.mark.parametrize(
    "sentence",
    [
        "That is no frame.",
        "These bytes were no frame of ours.",
        "The file is read anew.",
        "Whoever asks gets an answer.",
        "It is told to whoever asked.",
        "It is what who listens sees.",
        "The name is somebody else's.",
        "It runs in a process of its own.",
        "Compare it by another way.",
        "The number stands for a word.",
        "The peer has a say in it.",
        "A check that falls open is useless.",
        "Each side knows the other's key.",
        "Who asks without reading gets no answer.",
        "It is closed. Who comes later is refused.",
        "Made you a new identity.",
        "It is encoded otherwise than before.",
        "It prints one JSON object a line.",
        "Its length is held against a limit.",
        "Paste the line as it stands.",
        "A replay comes to nothing.",
        "The name is kept for good.",
        "It reads so many bytes at once.",
        "The key stands behind the name.",
        "It stands in the first row.",
        "A file has none such.",
        "The key is known beforehand.",
        "No connection can be had.",
        "A reader reads over them.",
        "Every second it is looked whether it moves.",
    ],
)
@pytest.mark.parametrize(
    ("file", "form"),
    [
        ("a.md", "A page.\n\n{}\n"),
        ("a.js", "const x = 1;\n// {}\n"),
        ("a.toml", "# {}\nx = 1\n"),
        ("a.py", '"""{}"""\n'),
        ("a.py", "x = 1  # {}\n"),
        ("a.py", 'def f() -> None:\n    raise Usage("{}", "Try again.")\n'),
    ],
)
def test_a_planted_sentence_is_found(sentence: str, file: str, form: str) -> None:
    assert faults(file, form.replace("{}", sentence))


def test_a_planted_sentence_is_found_across_lines() -> None:
    assert faults("a.py", 'x = (\n    f"That is "\n    f"no {x}."\n)\n')
    assert faults("a.py", "# It is told to the\n# one who asked, read\n# anew.\n")
    assert faults("a.js", "// It is told to the\n// one who asked, read\n// anew.\n")
    assert faults("a.md", "The name is somebody\nelse's.\n")
    assert faults("a.md", "- One.\n- Who asks is told.\n")
    assert faults("a.md", "## Who is kept out\n")


@pytest.mark.parametrize(
    "sentence",
    [
        "There is no config file.",
        "It is no longer valid.",
        "List who is here.",
        "Who said that?",
        "Messages on the other side are kept.",
        "Someone else has the key.",
        "There are so many of these that one more does no harm.",
        "The attacker stands between the two programs.",
    ],
)
def test_plain_sentences_pass(sentence: str) -> None:
    assert faults("a.md", sentence) == []
