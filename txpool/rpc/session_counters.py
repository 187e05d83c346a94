"""What connections that stay have done since the start."""


class SessionCounters:
    """What happened since the start, as plain ints."""

    __slots__ = (
        "bytes_in",
        "connections",
        "connections_refused",
        "fell_behind",
        "messages",
        "notifications",
        "subscriptions",
    )

    def __init__(self) -> None:
        self.connections = 0
        self.connections_refused = 0
        self.messages = 0
        self.bytes_in = 0
        self.notifications = 0
        self.subscriptions = 0  # under way
        self.fell_behind = 0
