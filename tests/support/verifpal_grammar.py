"""Reads a model for Verifpal as the tool does (its user manual), and says what is wrong with it: the grammar, constants that
nobody made or that are made twice, and messages with constants that their sender does not have.
"""

import re
from dataclasses import dataclass, field

ARGUMENTS = {
    "HASH": (1, 5), "HKDF": (3, 3), "AEAD_ENC": (3, 3), "AEAD_DEC": (3, 3), "PKE_ENC": (2, 2), "PKE_DEC": (2, 2),
    "SIGN": (2, 2), "SIGNVERIF": (3, 3), "CONCAT": (2, 5), "SPLIT": (1, 1), "MAC": (2, 2), "ASSERT": (2, 2),
}  # fmt: skip
RESULTS = {"HKDF": (1, 5), "SPLIT": (1, 5)}
CHECKED = {"AEAD_DEC", "SIGNVERIF", "ASSERT", "SPLIT"}
CONSTANT = re.compile(r"[a-z][a-z0-9_]*")
CALL = re.compile(r"([A-Z_]+)\((.*)\)(\?)?")


@dataclass
class VerifpalReader:
    """The content of a model: the constants of each principal, and the faults."""

    has: dict[str, set[str]] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)

    def need(self, condition: object, fault: str) -> None:
        if not condition:
            self.faults.append(fault)

    def read(self, text: str) -> "VerifpalReader":
        lines = [line.partition("//")[0].rstrip() for line in text.splitlines()]
        lines = [line for line in lines if line.strip()]
        self.need(lines and lines[0] in {"attacker[active]", "attacker[passive]"}, "it does not begin with the attacker")
        block = ""
        for line in lines[1:]:
            if block and line == "]":
                block = ""
            elif block == "queries":
                self.query(line.strip())
            elif block:
                self.expression(block, line.strip())
            elif found := re.fullmatch(r"principal ([A-Z][a-z]*)\[", line):
                block = found[1]
                self.has.setdefault(block, {"nil"})
            elif line == "queries[":
                block = "queries"
            elif found := re.fullmatch(r"([A-Z][a-z]*) -> ([A-Z][a-z]*): (.+)", line):
                self.message(*found.groups())
            else:
                self.need(re.fullmatch(r"phase\[\d+\]", line), f"not understood: {line}")
        self.need(not block, "a block is not closed")
        self.need(self.queries, "it asks nothing")
        return self

    def expression(self, principal: str, line: str) -> None:
        has = self.has[principal]
        if found := re.fullmatch(r"(knows (?:public|private|password)|generates|leaks) (.+)", line):
            for name in found[2].split(", "):
                self.need(CONSTANT.fullmatch(name), f"no constant: {name}")
                if found[1] == "leaks":
                    self.need(name in has, f"{principal} leaks {name}, which it does not have")
                    continue
                how = found[1] if found[1].startswith("knows") else f"{found[1]} by {principal}"
                self.need(self.made.setdefault(name, how) == how, f"{name} is made twice")
                has.add(name)
            return
        left, equals, right = line.partition(" = ")
        self.need(equals, f"not understood: {line}")
        results = left.split(", ")
        self.value(principal, right, len(results))
        for name in results:
            self.need(CONSTANT.fullmatch(name), f"no constant: {name}")
            self.need(name not in self.made, f"{name} is made twice")
            self.made[name] = f"computed by {principal}"
            has.add(name)

    def value(self, principal: str, text: str, results: int) -> None:
        has = self.has[principal]
        if found := re.fullmatch(r"(G|[a-z][a-z0-9_]*)\^([a-z][a-z0-9_]*)", text):
            self.need(found[1] == "G" or found[1] in has, f"{principal} does not have {found[1]}")
            self.need(found[2] in has, f"{principal} does not have {found[2]}")
            return
        found = CALL.fullmatch(text)
        if not found or found[1] not in ARGUMENTS:
            self.faults.append(f"not understood: {text}")
            return
        arguments = found[2].split(", ")
        low, high = ARGUMENTS[found[1]]
        self.need(low <= len(arguments) <= high, f"{found[1]} takes {low} to {high} arguments: {text}")
        least, most = RESULTS.get(found[1], (1, 1))
        self.need(least <= results <= most, f"{found[1]} gives {least} to {most} results: {text}")
        self.need(not found[3] or found[1] in CHECKED, f"{found[1]} cannot be checked: {text}")
        for argument in arguments:
            self.need(argument in has, f"{principal} does not have {argument}")

    def message(self, sender: str, receiver: str, constants: str) -> None:
        for text in constants.split(", "):
            name = text.strip("[]")
            self.need(text in {name, f"[{name}]"}, f"not understood: {text}")
            self.need(name in self.has.get(sender, ()), f"{sender} sends {name}, which it does not have")
            self.has.setdefault(receiver, {"nil"}).add(name)

    def query(self, line: str) -> None:
        if found := re.fullmatch(r"confidentiality\? ([a-z0-9_]+)", line):
            self.need(found[1] in self.made, f"a query about {found[1]}, which nobody makes")
        elif found := re.fullmatch(r"authentication\? ([A-Z][a-z]*) -> ([A-Z][a-z]*): ([a-z0-9_]+)", line):
            self.need(found[3] in self.has.get(found[1], ()), f"a query about {found[3]}, which {found[1]} does not have")
            self.need(found[3] in self.has.get(found[2], ()), f"a query about {found[3]}, which {found[2]} does not have")
        else:
            self.faults.append(f"not understood: {line}")
        self.queries.append(line)


def faults_of(model: str) -> list[str]:
    """What is wrong with a model; empty for nothing."""
    return VerifpalReader().read(model).faults
