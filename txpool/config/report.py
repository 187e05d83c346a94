"""The effective configuration, for people and for programs."""

from txpool.config.load import Configuration
from txpool.config.sections import Address


def describe_configuration(configuration: Configuration) -> str:
    """Write a file that would set the same, with the origin of each value beside it."""
    lines: list[str] = []
    section = ""
    for key, value, origin in configuration.items():
        here, name = key.split(".")
        if here != section:
            lines += ["", f"[{here}]"] if lines else [f"[{here}]"]
            section = here
        text = f"{name} = {_toml(value)}" if value is not None else f"# {name} is not set"
        lines.append(f"{text:<48}  # {origin}")
    return "\n".join(lines)


def configuration_json(configuration: Configuration) -> dict[str, object]:
    """Key to value and origin."""
    return {
        "valid": True,
        "settings": {key: {"value": _plain(value), "origin": origin} for key, value, origin in configuration.items()},
    }


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Address) else value


def _toml(value: object) -> str:
    value = _plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value)
