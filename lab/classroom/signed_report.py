"""A student's report: the answers, signed with the student's key (Ed25519, RFC 8032).

It is one line of JSON in canonical form: sorted keys, no spaces, ASCII. The signature covers CONTEXT and that form of all that is
not the signature, so a report has one spelling, and one byte more or less makes it another text. It does not hold verdicts: who
grades it judges the answers again, under the seed that is the fingerprint of the key. Another student's answers are wrong there.
"""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plytalk.core.contracts.errors import ChatError, LocalError, Usage
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.public_key import PublicKey
from plytalk.lab.classroom.exercise_book import NUMBERS
from plytalk.lab.classroom.small_files import read_small
from plytalk.lab.classroom.task import checked_answer
from plytalk.plugins.rooms.member_names import new_name
from plytalk.trust.files import write
from plytalk.trust.identity import OwnIdentity, raw_key, verify

CONTEXT = b"plytalk/lab report/1\0"
VERSION = 1
MAX_REPORT = 256 * KIB
"""The largest report, in bytes."""


class BadReport(LocalError):
    """That is not a report, or it was changed."""


@dataclass(frozen=True)
class SignedReport:
    """The answers of a student, by the number of the exercise, with the key that has signed them."""

    name: str
    key: PublicKey
    answers: Mapping[int, str]

    @property
    def seed(self) -> str:
        """The seed under which its answers are judged."""
        return self.key.fingerprint


def canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def body_of(report: SignedReport) -> dict[str, Any]:
    answers = {str(number): answer for number, answer in report.answers.items()}
    return {"plytalk_report": VERSION, "name": report.name, "key": str(report.key), "answers": answers}


def sign(name: str, answers: Mapping[int, str], identity: OwnIdentity) -> bytes:
    """A report, signed. Raises BadName, BadReport where it is too large."""
    body = body_of(SignedReport(new_name(name), identity.public, answers))
    signature = b64encode(identity.sign(CONTEXT + canonical(body))).decode()
    content = canonical(body | {"signature": signature}) + b"\n"
    if len(content) > MAX_REPORT:
        raise BadReport(f"The report would have more than {MAX_REPORT:,} bytes.", "Shorten an answer.")
    return content


def parse_report(content: bytes) -> SignedReport:
    """The report in these bytes, whose signature is right. Raises BadReport."""
    if len(content) > MAX_REPORT:
        raise BadReport(f"It has more than {MAX_REPORT:,} bytes.")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise BadReport("It is not a report.") from None
    match found:
        case {"plytalk_report": 1, "name": str(name), "key": str(key), "answers": dict(answers), "signature": str(signature)}:
            body = {"plytalk_report": VERSION, "name": name, "key": key, "answers": answers}  # not `true` or 1.0, which equal it
        case _:
            raise BadReport("It is not a report, or one of another version.")
    if canonical(body | {"signature": signature}) + b"\n" != content:
        raise BadReport("It was edited: a report has one spelling.")
    report = SignedReport(checked_name(name), checked_key(key), checked_answers(answers))
    if not verify(report.key, checked_signature(signature), CONTEXT + canonical(body)):
        raise BadReport("Its signature is wrong: it was edited, or signed with another key.")
    return report


def checked_signature(text: str) -> bytes:
    try:
        signature = b64decode(text, validate=True)
    except ValueError:
        signature = b""
    if b64encode(signature).decode() != text:  # base64 has several spellings: the last digit says more than is decoded
        raise BadReport("Its signature is wrong: it was edited.")
    return signature


def checked_name(name: str) -> str:
    try:
        if new_name(name) == name:
            return name
    except ChatError:
        pass
    raise BadReport("Its name cannot be a student's.")


def checked_key(text: str) -> PublicKey:
    try:
        key = PublicKey.parse(text)
        raw_key(key)
    except ValueError:
        raise BadReport("Its key is not an Ed25519 key.") from None
    if str(key) != text:
        raise BadReport("It was edited: a key has one spelling.")
    return key


def checked_answers(answers: Mapping[str, Any]) -> dict[int, str]:
    try:
        found = {int(number): checked_answer(answer.encode()) for number, answer in answers.items()}
    except (ValueError, AttributeError, Usage):
        raise BadReport("Its answers are not texts.") from None
    if not set(found) <= set(NUMBERS) or {str(number) for number in found} != set(answers):
        raise BadReport("It answers an exercise that does not exist.")
    return found


def read_report(path: Path) -> bytes:
    """The bytes of a report. Raises Usage."""
    return read_small(path, MAX_REPORT)


def add_answer(path: Path, name: str, number: int, answer: str, identity: OwnIdentity) -> SignedReport:
    """Put an answer into the report in this file, made if there is none, and sign it. Without a name it keeps its own.

    Raises Usage, BadName, BadReport, StoreError.
    """
    before = parse_report(read_report(path)) if os.path.lexists(path) else None
    if before and before.key != identity.public:
        raise Usage(f"The report {path} was signed with another key, {before.key.fingerprint}.", "Name another file.")
    if before is None and not name:
        raise Usage("A new report needs your name.", "Add --name, spelt as in the class's roster.")
    answers = {**(before.answers if before else {}), number: answer}
    content = sign(name or (before.name if before else ""), answers, identity)
    write(path, content)
    return parse_report(content)
