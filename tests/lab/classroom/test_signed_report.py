"""Reports: signed ones are read; a thousand that were edited, copied or forged are refused."""

import json
import random
from base64 import b64encode
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.lab.classroom.signed_report import (
    CONTEXT,
    MAX_REPORT,
    BadReport,
    add_answer,
    canonical,
    parse_report,
    sign,
)
from plytalk.trust.identity import OwnIdentity, create

ANSWERS = {1: "onion curtain", 4: "again 00ff", 6: 'say "สวัสดี"\n'}


@pytest.fixture(scope="module")
def erin(tmp_path_factory: pytest.TempPathFactory) -> OwnIdentity:
    return create(tmp_path_factory.mktemp("erin") / "identity")


@pytest.fixture(scope="module")
def frank(tmp_path_factory: pytest.TempPathFactory) -> OwnIdentity:
    return create(tmp_path_factory.mktemp("frank") / "identity")


def test_what_was_signed_is_read(erin: OwnIdentity) -> None:
    report = parse_report(sign("erin", ANSWERS, erin))
    assert (report.name, report.key, report.answers, report.seed) == ("erin", erin.public, ANSWERS, erin.fingerprint)


def mutations(content: bytes, count: int) -> list[bytes]:
    """The report with bits flipped, bytes put in, left out, moved or repeated, and with words of JSON changed."""
    draw, found = random.Random(7), []
    while len(found) < count:
        at, to = sorted(draw.sample(range(len(content) + 1), 2))
        changed = draw.choice(
            [
                content[:at] + bytes([content[min(at, len(content) - 1)] ^ 1 << draw.randrange(8)]) + content[at + 1 :],
                content[:at] + bytes([draw.randrange(256)]) + content[at:],
                content[:at] + content[at + 1 :],
                content[:at] + content[to:],
                content[:at] + content[at:to] * 2 + content[to:],
                content[:at] + b" " + content[at:],
                content.replace(draw.choice([b"erin", b"onion", b"again", b'"4"']), draw.choice([b"frank", b"e", b"", b'"5"'])),
                content.replace(b'{"answers"', b'{"answers":{},"answers"'),
                content.replace(b"{", b"{ ", 1),
                json.dumps(json.loads(content)).encode(),
                content + content,
            ]
        )
        if changed != content:
            found.append(changed)
    return found


def test_a_thousand_edited_reports_are_refused(erin: OwnIdentity) -> None:
    for changed in mutations(sign("erin", ANSWERS, erin), 1000):
        with pytest.raises(BadReport):
            parse_report(changed)


def test_a_signature_has_one_spelling(erin: OwnIdentity) -> None:
    """The last digit of its base64 has four bits that decode to nothing."""
    real = json.loads(sign("erin", ANSWERS, erin))
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for last in set(digits) - {real["signature"][85]}:
        with pytest.raises(BadReport):
            parse_report(canonical(real | {"signature": f"{real['signature'][:85]}{last}=="}) + b"\n")


@pytest.mark.parametrize("version", [True, 1.0])
def test_a_version_has_one_spelling(erin: OwnIdentity, version: object) -> None:
    """Python takes `true` and `1.0` for 1, and its owner can sign such a report."""
    body = {name: value for name, value in json.loads(sign("erin", ANSWERS, erin)).items() if name != "signature"}
    body["plytalk_report"] = version
    signature = b64encode(erin.sign(CONTEXT + canonical(body))).decode()
    with pytest.raises(BadReport):
        parse_report(canonical(body | {"signature": signature}) + b"\n")


def test_forged_reports_are_refused(erin: OwnIdentity, frank: OwnIdentity) -> None:
    """What another can put together of a report and the public key: with own signatures, and with old ones of other texts."""
    real = json.loads(sign("erin", ANSWERS, erin))
    body = {name: value for name, value in real.items() if name != "signature"}
    other = json.loads(sign("frank", ANSWERS, frank))

    def signed(value: bytes, who: OwnIdentity) -> str:
        return b64encode(who.sign(value)).decode()

    forged = [
        real | {"signature": signed(CONTEXT + canonical(body), frank)},
        real | {"signature": signed(canonical(body), erin)},  # without the context: it was signed for something else
        real | {"signature": signed(b"plytalk/lab report/2\0" + canonical(body), erin)},
        real | {"key": other["key"]},
        real | {"key": other["key"], "signature": other["signature"]},
        real | {"signature": other["signature"]},
        real | {"name": "frank"},
        real | {"answers": {"1": "onion curtain"}},
        real | {"signature": real["signature"].rstrip("=")},
        real | {"signature": ""},
        real | {"signature": "AAAA" * 21 + "AA=="},
        real | {"more": 1},
    ]
    for report in forged:
        with pytest.raises(BadReport):
            parse_report(canonical(report) + b"\n")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "../erin"},
        {"name": "a" * 100},
        {"name": "admin"},
        {"name": "erin\nfrank"},
        {"name": " erin"},
        {"name": "C:\\erin"},
        {"name": ""},
        {"key": "ssh-ed25519 AAAA"},
        {"key": "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAwEAAQ=="},
        {"answers": {"9": "x"}},
        {"answers": {"01": "x"}},
        {"answers": {"1": 3}},
        {"answers": {"1": ""}},
        {"answers": {"1": "x" * 40_000}},
        {"answers": {"1": "\ud800"}},
        {"answers": {"one": "x"}},
        {"answers": []},
        {"plytalk_report": 2},
    ],
)
def test_a_right_signature_does_not_make_nonsense_a_report(body: dict, erin: OwnIdentity) -> None:
    """Students sign what they like with their own keys."""
    whole = {"plytalk_report": 1, "name": "erin", "key": str(erin.public), "answers": {}} | body
    signature = b64encode(erin.sign(CONTEXT + canonical(whole))).decode()
    with pytest.raises(BadReport):
        parse_report(canonical(whole | {"signature": signature}) + b"\n")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"[]",
        b"3",
        b"{",
        b"[" * 200_000,
        b"1" * 10_000,
        b"\xff\xfe",
        b"x" * (MAX_REPORT + 1),
        b'{"a":' * 50_000,
        b"NaN",
    ],
)
def test_what_is_none_is_refused(content: bytes) -> None:
    with pytest.raises(BadReport):
        parse_report(content)


def test_answers_are_added_and_replaced(erin: OwnIdentity, tmp_path: Path) -> None:
    file = tmp_path / "erin.report"
    add_answer(file, "erin", 1, "one", erin)
    add_answer(file, "", 2, "two", erin)
    report = add_answer(file, "erin-b", 1, "other", erin)
    assert (report.name, report.answers) == ("erin-b", {1: "other", 2: "two"})
    assert parse_report(file.read_bytes()) == report


def test_a_report_is_not_made_without_a_name_nor_continued_by_another(
    erin: OwnIdentity, frank: OwnIdentity, tmp_path: Path
) -> None:
    file = tmp_path / "r"
    with pytest.raises(Usage, match="your name"):
        add_answer(file, "", 1, "one", erin)
    with pytest.raises(ChatError):
        add_answer(file, "../x", 1, "one", erin)
    add_answer(file, "erin", 1, "one", erin)
    before = file.read_bytes()
    with pytest.raises(Usage, match="another key"):
        add_answer(file, "", 2, "two", frank)
    with pytest.raises(BadReport, match="would have more than"):
        add_answer(file, "", 2, "\x01" * 32_000, erin) and add_answer(file, "", 3, "\x01" * 32_000, erin)
    file.write_bytes(b"not a report")
    with pytest.raises(BadReport):
        add_answer(file, "", 2, "two", erin)
    assert before != file.read_bytes()
