"""plytalk: a chat you can take apart.

The public API for plugin authors, one flat list: contracts, bases, items, errors, and what they are made of. What else there is
below `plytalk` may change; `plytalk.testing` is the conformance kit. Names are fetched on first use, so that importing the
package costs nothing.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "api.chat": "Chat connect",
    "api.hosting": "ChatServer serve",
    "core.bases.aead": "RandomNonceCipher",
    "core.bases.attacking": "Takeover",
    "core.bases.filter_listener": "FilterListener opened_client",
    "core.bases.filter_stream": "FilterStream",
    "core.bases.header_framer": "HeaderFramer",
    "core.bases.utf8_messages": "TextMessages",
    "core.contracts.attack": (
        "Attack AttackedStack AttackerConnection Evidence InterceptedFrame Interceptor Outcome Participant Target"
    ),
    "core.contracts.audit": "Audits Finding Grade Probe",
    "core.contracts.authenticator": "Authenticator Channel",
    "core.contracts.batch_methods": (
        "CipherBatch EncodesEach FramerBatch HeadsBatch MessagesBatch SealsEach SendsBatch SendsEach"
    ),
    "core.contracts.cipher": "Cipher",
    "core.contracts.commands": "Call Command",
    "core.contracts.endings": "EndedBy Ending",
    "core.contracts.errors": (
        "Answered BadFrame BrokenPlugin Busy CannotConnect ChangedPeer ChatError DuplicateLayer Exit FrameTooLong "
        "HandshakeFailed ImpossibleStack LocalError NotDone NotReceived OutputFailed PluginError Refused "
        "RemoteError Removed Shortage StackMismatch Tampered TooSlow Truncated UnknownLayer UnknownPeer Usage Withdrawn "
        "WrongSecret"
    ),
    "core.contracts.events": (
        "Closed Error Event File Joined Left MemberEvent Message Moderated Notice Open Read Renamed Result Sender Topic "
        "Typing You"
    ),
    "core.contracts.feature": "Feature",
    "core.contracts.framer": "Framer",
    "core.contracts.handler": "ClientFeature GroupFeature LastingConversation MakesChat RefusesStack ServerStack",
    "core.contracts.handshake": "Handshake HandshakeIO NegotiatingIO negotiating",
    "core.contracts.items": "Ack Close CloseReason Control Empty Extension Item Ping Pong Undecodable",
    "core.contracts.layer": "Buffer Failed Frame FrameKind Layer Option",
    "core.contracts.limits": "Limits",
    "core.contracts.measures": "Measure",
    "core.contracts.messages": "Messages",
    "core.contracts.optional": (
        "AdmitsKeys AsksWords ChecksOptions HasModel HasVariants KeepsKeys KnowsPeer KnowsPlaces NamesHost NamesSteps Opens "
        "Prepares Releases Remembers RevokesKeys RewritesText Seedable ServesPage SingleUse"
    ),
    "core.contracts.peers": "Identity Login Peer Reply Role SessionSecrets",
    "core.contracts.properties": "Profile Property",
    "core.contracts.public_key": "PublicKey parse_fingerprint",
    "core.contracts.questions": "Question",
    "core.contracts.sanitise": "clean",
    "core.contracts.sealed_count": "CountsSealed TellsSealed",
    "core.contracts.spans": "DescribesBytes Passed Reader Span",
    "core.contracts.transport": "Listener PassesThrough Stream Transport",
    "core.contracts.ui": "Conversation StackSummary Ui",
    "core.contracts.wire": "TellsWire WireUnit",
    "core.conversation.direct_chat": "DirectChat",
    "core.io.asyncio_stream": "AsyncioListener AsyncioStream",
    "core.io.lines": "LineReader",
    "core.io.queue_listener": "QueueListener",
    "core.registry.hookspecs": "hookimpl",
    "trust.files": "edited_lines read_lines",
    "trust.folders": "user_file",
    "trust.store_errors": "StoreError",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [*_HOME]

if TYPE_CHECKING:
    from plytalk.api.chat import Chat as Chat
    from plytalk.api.chat import connect as connect
    from plytalk.api.hosting import ChatServer as ChatServer
    from plytalk.api.hosting import serve as serve
    from plytalk.core.bases.aead import RandomNonceCipher as RandomNonceCipher
    from plytalk.core.bases.attacking import Takeover as Takeover
    from plytalk.core.bases.filter_listener import FilterListener as FilterListener
    from plytalk.core.bases.filter_listener import opened_client as opened_client
    from plytalk.core.bases.filter_stream import FilterStream as FilterStream
    from plytalk.core.bases.header_framer import HeaderFramer as HeaderFramer
    from plytalk.core.bases.utf8_messages import TextMessages as TextMessages
    from plytalk.core.contracts.attack import Attack as Attack
    from plytalk.core.contracts.attack import AttackedStack as AttackedStack
    from plytalk.core.contracts.attack import AttackerConnection as AttackerConnection
    from plytalk.core.contracts.attack import Evidence as Evidence
    from plytalk.core.contracts.attack import InterceptedFrame as InterceptedFrame
    from plytalk.core.contracts.attack import Interceptor as Interceptor
    from plytalk.core.contracts.attack import Outcome as Outcome
    from plytalk.core.contracts.attack import Participant as Participant
    from plytalk.core.contracts.attack import Target as Target
    from plytalk.core.contracts.audit import Audits as Audits
    from plytalk.core.contracts.audit import Finding as Finding
    from plytalk.core.contracts.audit import Grade as Grade
    from plytalk.core.contracts.audit import Probe as Probe
    from plytalk.core.contracts.authenticator import Authenticator as Authenticator
    from plytalk.core.contracts.authenticator import Channel as Channel
    from plytalk.core.contracts.batch_methods import CipherBatch as CipherBatch
    from plytalk.core.contracts.batch_methods import EncodesEach as EncodesEach
    from plytalk.core.contracts.batch_methods import FramerBatch as FramerBatch
    from plytalk.core.contracts.batch_methods import HeadsBatch as HeadsBatch
    from plytalk.core.contracts.batch_methods import MessagesBatch as MessagesBatch
    from plytalk.core.contracts.batch_methods import SealsEach as SealsEach
    from plytalk.core.contracts.batch_methods import SendsBatch as SendsBatch
    from plytalk.core.contracts.batch_methods import SendsEach as SendsEach
    from plytalk.core.contracts.cipher import Cipher as Cipher
    from plytalk.core.contracts.commands import Call as Call
    from plytalk.core.contracts.commands import Command as Command
    from plytalk.core.contracts.endings import EndedBy as EndedBy
    from plytalk.core.contracts.endings import Ending as Ending
    from plytalk.core.contracts.errors import Answered as Answered
    from plytalk.core.contracts.errors import BadFrame as BadFrame
    from plytalk.core.contracts.errors import BrokenPlugin as BrokenPlugin
    from plytalk.core.contracts.errors import Busy as Busy
    from plytalk.core.contracts.errors import CannotConnect as CannotConnect
    from plytalk.core.contracts.errors import ChangedPeer as ChangedPeer
    from plytalk.core.contracts.errors import ChatError as ChatError
    from plytalk.core.contracts.errors import DuplicateLayer as DuplicateLayer
    from plytalk.core.contracts.errors import Exit as Exit
    from plytalk.core.contracts.errors import FrameTooLong as FrameTooLong
    from plytalk.core.contracts.errors import HandshakeFailed as HandshakeFailed
    from plytalk.core.contracts.errors import ImpossibleStack as ImpossibleStack
    from plytalk.core.contracts.errors import LocalError as LocalError
    from plytalk.core.contracts.errors import NotDone as NotDone
    from plytalk.core.contracts.errors import NotReceived as NotReceived
    from plytalk.core.contracts.errors import OutputFailed as OutputFailed
    from plytalk.core.contracts.errors import PluginError as PluginError
    from plytalk.core.contracts.errors import Refused as Refused
    from plytalk.core.contracts.errors import RemoteError as RemoteError
    from plytalk.core.contracts.errors import Removed as Removed
    from plytalk.core.contracts.errors import Shortage as Shortage
    from plytalk.core.contracts.errors import StackMismatch as StackMismatch
    from plytalk.core.contracts.errors import Tampered as Tampered
    from plytalk.core.contracts.errors import TooSlow as TooSlow
    from plytalk.core.contracts.errors import Truncated as Truncated
    from plytalk.core.contracts.errors import UnknownLayer as UnknownLayer
    from plytalk.core.contracts.errors import UnknownPeer as UnknownPeer
    from plytalk.core.contracts.errors import Usage as Usage
    from plytalk.core.contracts.errors import Withdrawn as Withdrawn
    from plytalk.core.contracts.errors import WrongSecret as WrongSecret
    from plytalk.core.contracts.events import Closed as Closed
    from plytalk.core.contracts.events import Error as Error
    from plytalk.core.contracts.events import Event as Event
    from plytalk.core.contracts.events import File as File
    from plytalk.core.contracts.events import Joined as Joined
    from plytalk.core.contracts.events import Left as Left
    from plytalk.core.contracts.events import MemberEvent as MemberEvent
    from plytalk.core.contracts.events import Message as Message
    from plytalk.core.contracts.events import Moderated as Moderated
    from plytalk.core.contracts.events import Notice as Notice
    from plytalk.core.contracts.events import Open as Open
    from plytalk.core.contracts.events import Read as Read
    from plytalk.core.contracts.events import Renamed as Renamed
    from plytalk.core.contracts.events import Result as Result
    from plytalk.core.contracts.events import Sender as Sender
    from plytalk.core.contracts.events import Topic as Topic
    from plytalk.core.contracts.events import Typing as Typing
    from plytalk.core.contracts.events import You as You
    from plytalk.core.contracts.feature import Feature as Feature
    from plytalk.core.contracts.framer import Framer as Framer
    from plytalk.core.contracts.handler import ClientFeature as ClientFeature
    from plytalk.core.contracts.handler import GroupFeature as GroupFeature
    from plytalk.core.contracts.handler import LastingConversation as LastingConversation
    from plytalk.core.contracts.handler import MakesChat as MakesChat
    from plytalk.core.contracts.handler import RefusesStack as RefusesStack
    from plytalk.core.contracts.handler import ServerStack as ServerStack
    from plytalk.core.contracts.handshake import Handshake as Handshake
    from plytalk.core.contracts.handshake import HandshakeIO as HandshakeIO
    from plytalk.core.contracts.handshake import NegotiatingIO as NegotiatingIO
    from plytalk.core.contracts.handshake import negotiating as negotiating
    from plytalk.core.contracts.items import Ack as Ack
    from plytalk.core.contracts.items import Close as Close
    from plytalk.core.contracts.items import CloseReason as CloseReason
    from plytalk.core.contracts.items import Control as Control
    from plytalk.core.contracts.items import Empty as Empty
    from plytalk.core.contracts.items import Extension as Extension
    from plytalk.core.contracts.items import Item as Item
    from plytalk.core.contracts.items import Ping as Ping
    from plytalk.core.contracts.items import Pong as Pong
    from plytalk.core.contracts.items import Undecodable as Undecodable
    from plytalk.core.contracts.layer import Buffer as Buffer
    from plytalk.core.contracts.layer import Failed as Failed
    from plytalk.core.contracts.layer import Frame as Frame
    from plytalk.core.contracts.layer import FrameKind as FrameKind
    from plytalk.core.contracts.layer import Layer as Layer
    from plytalk.core.contracts.layer import Option as Option
    from plytalk.core.contracts.limits import Limits as Limits
    from plytalk.core.contracts.measures import Measure as Measure
    from plytalk.core.contracts.messages import Messages as Messages
    from plytalk.core.contracts.optional import AdmitsKeys as AdmitsKeys
    from plytalk.core.contracts.optional import AsksWords as AsksWords
    from plytalk.core.contracts.optional import ChecksOptions as ChecksOptions
    from plytalk.core.contracts.optional import HasModel as HasModel
    from plytalk.core.contracts.optional import HasVariants as HasVariants
    from plytalk.core.contracts.optional import KeepsKeys as KeepsKeys
    from plytalk.core.contracts.optional import KnowsPeer as KnowsPeer
    from plytalk.core.contracts.optional import KnowsPlaces as KnowsPlaces
    from plytalk.core.contracts.optional import NamesHost as NamesHost
    from plytalk.core.contracts.optional import NamesSteps as NamesSteps
    from plytalk.core.contracts.optional import Opens as Opens
    from plytalk.core.contracts.optional import Prepares as Prepares
    from plytalk.core.contracts.optional import Releases as Releases
    from plytalk.core.contracts.optional import Remembers as Remembers
    from plytalk.core.contracts.optional import RevokesKeys as RevokesKeys
    from plytalk.core.contracts.optional import RewritesText as RewritesText
    from plytalk.core.contracts.optional import Seedable as Seedable
    from plytalk.core.contracts.optional import ServesPage as ServesPage
    from plytalk.core.contracts.optional import SingleUse as SingleUse
    from plytalk.core.contracts.peers import Identity as Identity
    from plytalk.core.contracts.peers import Login as Login
    from plytalk.core.contracts.peers import Peer as Peer
    from plytalk.core.contracts.peers import Reply as Reply
    from plytalk.core.contracts.peers import Role as Role
    from plytalk.core.contracts.peers import SessionSecrets as SessionSecrets
    from plytalk.core.contracts.properties import Profile as Profile
    from plytalk.core.contracts.properties import Property as Property
    from plytalk.core.contracts.public_key import PublicKey as PublicKey
    from plytalk.core.contracts.public_key import parse_fingerprint as parse_fingerprint
    from plytalk.core.contracts.questions import Question as Question
    from plytalk.core.contracts.sanitise import clean as clean
    from plytalk.core.contracts.sealed_count import CountsSealed as CountsSealed
    from plytalk.core.contracts.sealed_count import TellsSealed as TellsSealed
    from plytalk.core.contracts.spans import DescribesBytes as DescribesBytes
    from plytalk.core.contracts.spans import Passed as Passed
    from plytalk.core.contracts.spans import Reader as Reader
    from plytalk.core.contracts.spans import Span as Span
    from plytalk.core.contracts.transport import Listener as Listener
    from plytalk.core.contracts.transport import PassesThrough as PassesThrough
    from plytalk.core.contracts.transport import Stream as Stream
    from plytalk.core.contracts.transport import Transport as Transport
    from plytalk.core.contracts.ui import Conversation as Conversation
    from plytalk.core.contracts.ui import StackSummary as StackSummary
    from plytalk.core.contracts.ui import Ui as Ui
    from plytalk.core.contracts.wire import TellsWire as TellsWire
    from plytalk.core.contracts.wire import WireUnit as WireUnit
    from plytalk.core.conversation.direct_chat import DirectChat as DirectChat
    from plytalk.core.io.asyncio_stream import AsyncioListener as AsyncioListener
    from plytalk.core.io.asyncio_stream import AsyncioStream as AsyncioStream
    from plytalk.core.io.lines import LineReader as LineReader
    from plytalk.core.io.queue_listener import QueueListener as QueueListener
    from plytalk.core.registry.hookspecs import hookimpl as hookimpl
    from plytalk.trust.files import edited_lines as edited_lines
    from plytalk.trust.files import read_lines as read_lines
    from plytalk.trust.folders import user_file as user_file
    from plytalk.trust.store_errors import StoreError as StoreError


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'plytalk' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"plytalk.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
