"""The namespaces that tell about the server: `net`, `web3`, `rpc`."""

import platform
import sys
from typing import Final

from txpool.core.keccak import keccak
from txpool.rpc.arguments import Parameters, byte_string
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import data

NAMESPACE_VERSION: Final = "1.0"


def net_methods(network_id: int) -> Methods:
    """The network. There are no peers: transactions come from clients."""
    return {
        "net_listening": Method(lambda: True),
        "net_peerCount": Method(lambda: "0x0"),
        "net_version": Method(lambda: str(network_id)),
    }


def web3_methods(version: str) -> Methods:
    """Who we are, and a hash."""
    name = client_name(version)
    return {
        "web3_clientVersion": Method(lambda: name),
        "web3_sha3": Method(lambda octets: data(keccak(octets)), Parameters(byte_string)),
    }


def client_name(version: str) -> str:
    """Our name in the form that clients know: `txpool/v0.1.0/linux-x86_64/python3.11.7`."""
    system = f"{platform.system().lower()}-{platform.machine()}"
    python = ".".join(str(part) for part in sys.version_info[:3])
    return f"txpool/v{version}/{system}/python{python}"


def rpc_methods(names: set[str]) -> Methods:
    """Which namespaces there are."""
    modules = {name.partition("_")[0]: NAMESPACE_VERSION for name in sorted({*names, "rpc_modules"})}
    return {"rpc_modules": Method(lambda: modules)}
