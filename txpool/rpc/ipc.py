"""JSON-RPC over a Unix socket: a stream of JSON values each way, as go-ethereum's IPC has it.

Whoever may open the socket may do anything, so only its owner may: mode 0600.
"""

import asyncio
import logging
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final, cast

from txpool.rpc import errors
from txpool.rpc.errors import RpcError
from txpool.rpc.json_stream import JsonStream
from txpool.rpc.send_buffer import bound_send_buffer
from txpool.rpc.service import JsonRpc
from txpool.rpc.session import TOO_LARGE, Session, SessionLimits
from txpool.rpc.session_server import BACKLOG, SessionServer
from txpool.rpc.subscriptions import Kinds

LOG: Final = logging.getLogger(__name__)

FOLDER_MODE: Final = 0o751
SOCKET_MODE: Final = 0o600
PATH_BYTES_MAX: Final = 107  # what Linux has room for


class IpcServer(SessionServer):
    """Serves JSON-RPC at a path of the file system."""

    carrier: ClassVar[str] = "the Unix socket"

    def __init__(self, rpc: JsonRpc, kinds: Kinds, limits: SessionLimits | None = None) -> None:
        super().__init__(rpc, kinds, limits)
        self._path: Path | None = None
        self._inode = 0

    async def listen(self, path: str) -> str:
        """Serve at a path, which may begin with `~`. What a process that is gone has left there is taken away.

        Raises:
            OSError: somebody serves there, something else lies there, or the path is too long.
        """
        self._path, listening = _bind(path)
        self._inode = _inode(self._path)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_unix_server(lambda: IpcConnection(self), sock=listening, backlog=BACKLOG)
        return str(self._path)

    async def stop(self, *, seconds: float) -> None:
        """Take the path away, accept nothing more, answer what was read, close."""
        if self._path is not None:
            self._remove(self._path)
        await super().stop(seconds=seconds)

    def _remove(self, path: Path) -> None:
        """Take the path away, unless somebody else has put something there."""
        with suppress(FileNotFoundError):
            if path.stat().st_ino == self._inode:
                path.unlink()


def _bind(wanted: str) -> tuple[Path, socket.socket]:
    """Make the socket, in a folder that is made if need be."""
    try:
        path = Path(wanted).expanduser().absolute()
    except RuntimeError as error:
        raise OSError(f"{wanted}: {error}") from None
    if len(bytes(path)) > PATH_BYTES_MAX:
        raise OSError(f"the path of a Unix socket has {PATH_BYTES_MAX} bytes at most: {path}")
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    _clear(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(SOCKET_MODE)  # before anybody is listened to
    except OSError:
        listening.close()
        raise
    return path, listening


def _inode(path: Path) -> int:
    return path.stat().st_ino


def _clear(path: Path) -> None:
    """Take away a socket that nobody listens on.

    Raises:
        OSError: somebody does, or it is no socket.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(f"{path} is there and no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            LOG.info("took away a socket that was left behind: %s", path)
            path.unlink()
            return
    raise FileExistsError(f"another process listens on {path}")


class IpcConnection(asyncio.Protocol):
    """One connection: bytes to messages, and back."""

    def __init__(self, server: IpcServer) -> None:
        self.session = Session(server, self)
        self._server = server
        self._stream = JsonStream()
        self._transport: asyncio.Transport | None = None

    # --- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or say that there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        bound_send_buffer(transport.get_extra_info("socket"))
        if not self._server.admit(self):
            self.session.refuse(RpcError(errors.LIMIT_EXCEEDED, "too many connections"))

    def data_received(self, data: bytes) -> None:
        """Answer the messages that are complete now."""
        if self.session.ending:
            return
        session, stream = self.session, self._stream
        for message in stream.feed(data):
            session.receive(message)
        if stream.garbled:
            session.refuse(errors.NOT_JSON)
        elif stream.waiting > self._server.limits.message_bytes_max:
            session.refuse(TOO_LARGE)
        elif stream.waiting or session.half_read:
            session.note_half_read(stream.waiting)
        if session.ending:
            self._stream = JsonStream()  # what was half read is not needed any more

    def eof_received(self) -> bool:
        """Go on answering a peer that has sent all it wanted."""
        self.session.wind_down()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._transport = None
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
        """Send one message, with a line's end after it."""
        if self._transport is not None:
            self._transport.write(message + b"\n")

    def write_piece(self, piece: bytes) -> None:
        """Send a piece of a message."""
        if self._transport is not None:
            self._transport.write(piece)

    def end_message(self) -> None:
        """End the line."""
        self.write_piece(b"\n")

    def pause_reading(self) -> None:
        """Take nothing from the peer for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on taking."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def hang_up(self, why: str) -> None:
        """Close when all is sent; this carrier has no words for a reason."""
        if self._transport is not None:
            self._transport.close()

    def cut(self) -> None:
        """Close without waiting for the peer."""
        if self._transport is not None:
            self._transport.abort()
