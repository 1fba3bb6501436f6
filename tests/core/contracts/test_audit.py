"""What an audit is asked through, and what comes of it."""

from plytalk.core.contracts.audit import Audits, Finding, Grade
from plytalk.core.contracts.properties import Property
from plytalk.plugins.handshakes.none import NoHandshake
from plytalk.plugins.handshakes.plytalk1 import Plytalk1
from plytalk.plugins.handshakes.rsa import RsaOaep


def test_handshakes_that_can_look_at_a_server_are_found_by_it() -> None:
    assert isinstance(Plytalk1(), Audits)
    assert isinstance(RsaOaep(), Audits)
    assert not isinstance(NoHandshake(), Audits)


def test_a_finding_is_a_value() -> None:
    finding = Finding(Grade.WARN, "protection", "No secrecy.", lacks=Property.SECRECY)
    assert finding == Finding(Grade("warn"), "protection", "No secrecy.", "", Property.SECRECY)
