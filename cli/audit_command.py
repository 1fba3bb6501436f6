"""`chat audit`: a server seen from outside, graded by a policy."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import click
from msgspec.structs import replace

from plytalk.api.doors import connecting_address
from plytalk.api.urls import address_in, is_url, read_url
from plytalk.cli.main import paint
from plytalk.cli.parameters import FILE, TEXT
from plytalk.cli.proxy_option import proxy_option
from plytalk.cli.stacks import LayerName
from plytalk.cli.text_rows import hanging
from plytalk.cli.typed_words import Asker
from plytalk.core.contracts.audit import Finding, Grade
from plytalk.core.contracts.errors import ChatError, Exit, Usage
from plytalk.core.contracts.optional import ChecksOptions, prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import PROTECTIONS, Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.transport import Transport
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named, factory
from plytalk.lab.audit.report import PATIENCE, Known, Report
from plytalk.lab.audit.report import audit as look

EXAMPLES = """\b
Examples:
  chat audit chat.example.org                     a server, by the strictest policy
  chat audit 192.0.2.7:8000 --policy any          accept what a future quantum computer can break
  chat audit 127.0.0.1 --thorough --json          all of it, for programs
  chat audit wss://chat.example.org/              over another transport; also --transport NAME
"""
STRICT = frozenset(PROTECTIONS) - {Property.LENGTH_HIDING}
POLICIES = {"hybrid": STRICT, "any": STRICT - {Property.POST_QUANTUM}}
COLOURS = {Grade.GOOD: "32", Grade.WARN: "33", Grade.FAIL: "31"}
WIDTH = 110
MOST_PATIENCE = 60.0
"""How long, in seconds, a server may take for an answer on a way that is slow."""


@click.command(epilog=EXAMPLES)
@click.argument("address", type=TEXT, metavar="HOST[:PORT]|URL")
@click.option("--transport", type=LayerName("transport"), default="tcp", help="How to reach it (default tcp).")
@click.option("--tls-ca", type=FILE, metavar="FILE", help="With TLS: the CA certificates to trust (PEM).")
@click.option("--tls-name", type=TEXT, metavar="NAME", help="The name that the certificate must have (default: the host).")
@click.option("--proxy-command", type=TEXT, metavar="COMMAND", help="Reach it through this command, such as 'ssh -W %h:%p JUMP'.")
@proxy_option
@click.option(
    "--policy",
    type=click.Choice(list(POLICIES)),
    default="hybrid",
    show_default=True,
    help="What counts as weak: `hybrid` requires secrecy against a future quantum computer, `any` does not.",
)
@click.option("--thorough", is_flag=True, help="Run the slow checks too: half a minute, and 40 connections at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def audit(
    address: str,
    transport: str,
    tls_ca: Path | None,
    tls_name: str | None,
    proxy_command: str | None,
    proxy: str | None,
    policy: str,
    thorough: bool,
    as_json: bool,
) -> int:
    """Look at a server from outside: what it offers, and where it is weak.

    The server sees a visitor with a new key; one that waits for a single conversation takes the audit for it and ends.
    Exit code 1 means that something is broken, or weaker than the policy wants.
    """
    registry = Registry()
    options = {"tls_ca": tls_ca, "tls_name": tls_name, "proxy_command": proxy_command, "proxy": proxy}
    if is_url(address):
        transport, _, options["ws_path"] = read_url(address)
    elif proxy_command:
        transport = "command"
    layer = cast(type[Transport], registry.layer("transport", transport))
    if (tls_ca or tls_name) and not any(option.keyword == "tls_ca" for option in layer.options):
        raise Usage(f"The transport `{transport}` has no certificates: --tls-ca and --tls-name are for relay, tls, web and wss.")
    way = factory(layer, {name: value for name, value in options.items() if value})()
    server = connecting_address(way, address_in(address))
    if isinstance(way, ChecksOptions):
        way.check_given(server.host, [name for name, value in options.items() if value])
    port = server.port or registry.default_profile.port
    known = _known(registry, way)

    async def looked() -> Report:
        await prepare(way, Role.INITIATOR, Asker())
        patience = max(PATIENCE, min(way.patience, MOST_PATIENCE))
        return await look(known, server.host, port, required=POLICIES[policy], thorough=thorough, patience=patience)

    report = asyncio.run(looked())
    shown = address if is_url(address) else str(server)
    print(_as_json(shown, policy, report) if as_json else _as_text(shown, report))
    return Exit.OK if report.passed else Exit.FAILED


def _known(registry: Registry, way: Transport) -> list[Known]:
    """The installed profiles, each with its stack, over this transport."""
    known = []
    for profile in registry.profiles():
        with suppress(ChatError):  # one that does not work here is not recognised
            layers = choose_named(profile.layers, registry.layer)
            known.append((profile, replace(Stack.build(layers), transport=way)))
    return known


def _as_json(address: str, policy: str, report: Report) -> str:
    def shown(finding: Finding) -> dict[str, Any]:
        return {"grade": finding.grade, "about": finding.about, "says": clean(finding.says), "advice": clean(finding.advice)}

    return json.dumps(
        {
            "address": address,
            "profile": report.profile.name if report.profile else None,
            "policy": policy,
            "passed": report.passed,
            "findings": [shown(finding) for finding in report.findings],
        },
        indent=2,
    )


def _as_text(address: str, report: Report) -> str:
    what = f"{report.profile.name}: {report.profile.summary}" if report.profile else "nothing that is known here"
    lines = [*(paint(row, "1", 1) for row in hanging("", f"{address} speaks {what}", WIDTH)), ""]
    for finding in report.findings:
        head = f"{finding.grade:<5} {finding.about:<11} "
        first, *rest = hanging(head, clean(finding.says), WIDTH)
        lines += [paint(first[:4], COLOURS[finding.grade], 1) + first[4:], *rest]
        if finding.advice and finding.grade is not Grade.GOOD:
            lines += hanging(" " * len(head) + "-> ", clean(finding.advice), WIDTH)
    return "\n".join(lines)
