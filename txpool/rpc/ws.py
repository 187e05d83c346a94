"""JSON-RPC over WebSocket: one message a frame, fragments put together. The frames are picows' affair."""

import asyncio
from http import HTTPStatus
from typing import ClassVar, Final, cast

from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from txpool.rpc.send_buffer import bound_send_buffer
from txpool.rpc.service import JsonRpc
from txpool.rpc.session import FELL_BEHIND, SHUTTING_DOWN, TOO_LARGE, TOO_MUCH_HELD, TOO_SLOW, Session, SessionLimits
from txpool.rpc.session_server import BACKLOG, SessionServer
from txpool.rpc.subscriptions import Kinds
from txpool.rpc.ws_intake import Frames, Intake
from txpool.rpc.ws_origins import Origins

SHORT_BYTES_MAX: Final = 8192  # copied by picows
HEADER_BYTES: Final = 14
CLOSE_REASON_BYTES_MAX: Final = 123
_CODES: Final = {
    FELL_BEHIND: WSCloseCode.POLICY_VIOLATION,
    SHUTTING_DOWN: WSCloseCode.GOING_AWAY,
    TOO_LARGE.message: WSCloseCode.MESSAGE_TOO_BIG,
    TOO_MUCH_HELD.message: WSCloseCode.TRY_AGAIN_LATER,
    TOO_SLOW.message: WSCloseCode.POLICY_VIOLATION,
}
_DATA: Final = frozenset({WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION})


class WsServer(SessionServer):
    """Serves JSON-RPC to WebSocket clients at the path `/`.

    Args:
        rpc: the service.
        kinds: what can be subscribed to.
        limits: what a peer may take.
        origins: pages that may connect.
        handshake_seconds: to ask for a WebSocket.
        ping_seconds: without a word from the peer, until it is asked for a sign of life.
        pong_seconds: for the sign.
    """

    carrier: ClassVar[str] = "WebSocket"

    def __init__(
        self,
        rpc: JsonRpc,
        kinds: Kinds,
        limits: SessionLimits | None = None,
        *,
        origins: Origins | None = None,
        handshake_seconds: float = 10.0,
        ping_seconds: float = 30.0,
        pong_seconds: float = 30.0,
    ) -> None:
        super().__init__(rpc, kinds, limits)
        self._origins = origins or Origins()
        self._handshake_seconds = handshake_seconds
        self._ping_seconds = ping_seconds
        self._pong_seconds = pong_seconds

    async def listen(self, host: str, port: int) -> tuple[str, int]:
        """Serve on an address; port 0 takes a free one. Returns where it listens."""
        self._listener = await ws_create_server(
            self._welcome,
            host,
            port,
            websocket_handshake_timeout=self._handshake_seconds,
            enable_auto_ping=True,
            auto_ping_idle_timeout=self._ping_seconds,
            auto_ping_reply_timeout=min(self._pong_seconds, self._ping_seconds),
            enable_auto_pong=False,
            max_frame_size=self.limits.message_bytes_max,
            use_aiofastnet=False,
            backlog=BACKLOG,
        )
        name = self._listener.sockets[0].getsockname()
        return name[0], name[1]

    def _welcome(self, request: WSUpgradeRequest) -> "WsConnection | WSUpgradeResponseWithListener":
        """Take a client in, or tell it by HTTP why not."""
        if request.path.partition(b"?")[0] != b"/" or "websocket" not in request.headers.get("Upgrade", "").lower():
            return _refusal(HTTPStatus.NOT_FOUND)
        if not self._origins.admit(request.headers.get("Origin")):
            return _refusal(HTTPStatus.FORBIDDEN)
        if self.full:
            self.counters.connections += 1
            self.counters.connections_refused += 1
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE)
        return WsConnection(self)


def _refusal(status: HTTPStatus) -> WSUpgradeResponseWithListener:
    body = status.phrase.encode() + b"\n"
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(status, body), None)


class WsConnection(WSListener):
    """One connection: frames to messages, and back."""

    def __init__(self, server: WsServer) -> None:
        self.session = Session(server, self)
        self.coming = 0  # bytes behind the last frame that has ended
        self._server = server
        self._transport: WSTransport | None = None
        self._parts = bytearray()  # of a message whose last fragment is yet to come
        self._deaf = False
        self._reading = True
        self._in_pieces = False  # the peer has a message's first piece, and not its last

    # --- the transport's side

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take the connection."""
        self._transport = transport
        underlying = transport.underlying_transport
        bound_send_buffer(underlying.get_extra_info("socket"))
        intake = Intake(cast("Frames", underlying.get_protocol()), self)
        underlying.set_protocol(cast("asyncio.BaseProtocol", intake))
        self._server.admit(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Answer a message that is complete now."""
        self.coming = frame.tail_size
        if frame.msg_type is WSMsgType.CLOSE:
            if not transport.is_close_frame_sent:
                transport.send_close(WSCloseCode.OK)
            transport.disconnect()
            return
        if self._deaf or self.session.ending:
            return
        if frame.msg_type is WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif frame.msg_type in _DATA:
            self._take(frame)

    def _take(self, frame: WSFrame) -> None:
        if frame.fin and not self._parts:
            self.session.receive(frame.get_payload_as_bytes())
            return
        if len(self._parts) + frame.payload_size > self._server.limits.message_bytes_max:
            self._parts = bytearray()
            self.session.refuse(TOO_LARGE)
            return
        self._parts += frame.get_payload_as_memoryview()
        if frame.fin:
            message, self._parts = bytes(self._parts), bytearray()
            self.session.receive(message)

    def is_user_specific_pong(self, frame: WSFrame) -> bool:
        """Whether it is the sign of life that was asked for."""
        self.coming = frame.tail_size
        return frame.msg_type is WSMsgType.PONG

    def send_user_specific_ping(self, transport: WSTransport) -> None:
        """Ask for a sign of life; not of a peer that is not read from: it counts as given, once picows waits for it."""
        if self._reading:
            transport.send_ping()
        else:
            asyncio.get_running_loop().call_soon(transport.notify_user_specific_pong_received)

    def look(self) -> None:
        """See to what is half read, and to a peer that picows hangs up on."""
        waiting = self.coming + len(self._parts)
        if waiting or self.session.half_read:
            self.session.note_half_read(waiting)
        if self._transport is not None and self._transport.is_close_frame_sent:
            self.session.part()

    def ended(self) -> None:
        """The peer sends no more, so it is closed on."""
        self.session.part()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Forget it."""
        self._transport = None
        self._deaf = True
        self._parts = bytearray()
        self.session.lost()
        self._server.forget(self)

    def pause_writing(self) -> None:
        """The peer does not take what it is sent."""
        self.session.stall()

    def resume_writing(self) -> None:
        """It does again."""
        self.session.flow()

    # --- the session's side

    def write(self, message: bytes) -> None:
        """Send one message."""
        self._send(WSMsgType.TEXT, message, fin=True)

    def write_piece(self, piece: bytes) -> None:
        """Send a piece of a message, as a frame of its own."""
        kind = WSMsgType.CONTINUATION if self._in_pieces else WSMsgType.TEXT
        self._in_pieces = True
        self._send(kind, piece, fin=False)

    def end_message(self) -> None:
        """Send the last frame, which is empty."""
        self._in_pieces = False
        self._send(WSMsgType.CONTINUATION, b"", fin=True)

    def _send(self, kind: WSMsgType, message: bytes, *, fin: bool) -> None:
        """Send one frame.

        picows hands a long one to the loop together with a view of its own header buffer, which the next message
        overwrites; so a long one gets its header in a buffer that is its own.
        """
        if self._transport is None:
            return
        if len(message) <= SHORT_BYTES_MAX:
            self._transport.send(kind, message, fin)
        else:
            framed = bytearray(HEADER_BYTES) + message
            self._transport.send_reuse_external_bytearray(kind, framed, HEADER_BYTES, fin)

    def pause_reading(self) -> None:
        """Take nothing from the peer for now; a sign of life that it was asked for counts as given: it is not seen."""
        self._reading = False
        if self._transport is not None and not self._transport.underlying_transport.is_closing():
            self._transport.underlying_transport.pause_reading()
            self._transport.notify_user_specific_pong_received()

    def resume_reading(self) -> None:
        """Go on taking."""
        self._reading = True
        if self._transport is not None and not self._transport.underlying_transport.is_closing():
            self._transport.underlying_transport.resume_reading()

    def hang_up(self, why: str) -> None:
        """Say why, and close when all is sent."""
        self._deaf = True
        if self._transport is not None:
            self._transport.send_close(_CODES.get(why, WSCloseCode.OK), why.encode()[:CLOSE_REASON_BYTES_MAX])
            self._transport.disconnect()

    def cut(self) -> None:
        """Close without waiting for the peer."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)
