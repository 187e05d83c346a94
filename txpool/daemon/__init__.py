"""The daemon: builds everything, runs it in one TaskGroup, stops in order."""

from txpool.daemon.service import run

__all__ = ["run"]
