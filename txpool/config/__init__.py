"""Typed configuration: flag, then environment, then file, then default; each value knows where it came from."""

from txpool.config.load import Configuration, ConfigurationError, load
from txpool.config.sections import Address, Settings

__all__ = ["Address", "Configuration", "ConfigurationError", "Settings", "load"]
