"""From flags, environment and file to settings.

Every value is looked at on its own, so one run names every mistake together with the place that holds it; where all are
in order, those that have to agree are looked at together.
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast, get_args

import msgspec

from txpool.config.contradictions import contradictions
from txpool.config.sections import Address, Settings
from txpool.core.settings import PoolSettings

ENVIRONMENT_PREFIX: Final = "TXPOOL_"
DEFAULT: Final = "default"


_CORRECTED: Final = "default, for"


class ConfigurationError(Exception):
    """The configuration cannot be used. `problems` says why, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Given(msgspec.Struct, frozen=True):
    """A value somebody wrote down: `key` is `section.name`, `origin` is for people."""

    key: str
    value: object
    origin: str
    is_text: bool  # flags and environment hold text; a file knows types


class Configuration(msgspec.Struct, frozen=True):
    """Settings, and the origin of each by key."""

    settings: Settings
    origins: Mapping[str, str]

    def items(self) -> Iterator[tuple[str, object, str]]:
        """Each setting as key, value and origin."""
        for key, origin in self.origins.items():
            section, name = key.split(".")
            yield key, getattr(getattr(self.settings, section), name), origin

    def corrections(self) -> list[str]:
        """What has been put in the place of values that make no sense, one line each."""
        return [f"{key} is {value} ({origin})" for key, value, origin in self.items() if origin.startswith(_CORRECTED)]


def load(
    *,
    file: str | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Iterable[tuple[str, str, str]] = (),
) -> Configuration:
    """Put the layers on each other.

    Args:
        file: path of a TOML file.
        environment: of it, what is named `TXPOOL_SECTION__KEY`.
        flags: key, text and the flag as it was spelt; a later one beats an earlier one.

    Raises:
        ConfigurationError: with every mistake in it.
    """
    problems: list[str] = []
    given = [
        *(_from_file(file, problems) if file is not None else ()),
        *_from_environment(environment or {}),
        *(Given(key, text, origin, is_text=True) for key, text, origin in flags),
    ]
    types = _types()
    chosen: dict[str, tuple[object, str]] = {}
    for one in given:
        if one.key not in types:
            problems.append(f"{one.origin}: unknown setting {one.key}{_suggestion(one.key, types)}")
            continue
        try:
            chosen[one.key] = (_convert(one, types[one.key]), one.origin)
        except msgspec.ValidationError as error:
            problems.append(f"{one.origin}: {one.key} is {one.value!r}: {_complaint(error, types[one.key])}")
    if problems:
        raise ConfigurationError(problems)
    return _assemble(types, chosen)


def _assemble(types: Mapping[str, object], chosen: Mapping[str, tuple[object, str]]) -> Configuration:
    origins = {key: chosen[key][1] if key in chosen else DEFAULT for key in types}
    sections = {}
    for field in msgspec.structs.fields(Settings):
        values = {key.split(".")[1]: value for key, (value, _) in chosen.items() if key.startswith(field.name + ".")}
        sections[field.name] = field.type(**values)
    sections["pool"] = _as_geth_reads_it(sections["pool"], origins)
    settings = Settings(**sections)
    if problems := list(contradictions(settings, origins)):
        raise ConfigurationError(problems)
    return Configuration(settings, origins)


def _as_geth_reads_it(pool: PoolSettings, origins: dict[str, str]) -> PoolSettings:
    """Put defaults for limits below 1, and say so in their origin."""
    sane = pool.sanitized()
    for name in pool.__struct_fields__:
        if getattr(sane, name) != getattr(pool, name):
            origins[f"pool.{name}"] = f"{_CORRECTED} {getattr(pool, name)} of {origins[f'pool.{name}']}"
    return sane


def _types() -> dict[str, object]:
    """Type by key, in the order of the sections."""
    return {
        f"{section.name}.{field.name}": field.type
        for section in msgspec.structs.fields(Settings)
        for field in msgspec.structs.fields(section.type)
    }


def _from_file(path: str, problems: list[str]) -> Iterator[Given]:
    origin = f"file {path}"
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{origin}: cannot be read: {error.strerror}")
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{origin}: is no TOML: {error}")
        return
    for section, table in document.items():
        if not isinstance(table, dict) or (not table and section not in Settings.__struct_fields__):
            yield Given(section, table, origin, is_text=False)
            continue
        for name, value in table.items():
            yield Given(f"{section}.{name}", value, origin, is_text=False)


def _from_environment(environment: Mapping[str, str]) -> Iterator[Given]:
    for variable, text in sorted(environment.items()):
        section, separator, name = variable.removeprefix(ENVIRONMENT_PREFIX).partition("__")
        if variable.startswith(ENVIRONMENT_PREFIX) and separator:
            yield Given(f"{section}.{name}".lower(), text, f"environment {variable}", is_text=True)


def _convert(one: Given, wanted: object) -> object:
    """Read a value as the type of its setting.

    Text is taken as it stands if the setting is text, else as a TOML value, else as a list with commas.

    Raises:
        msgspec.ValidationError: it is none of these.
    """
    if not one.is_text:
        return _typed(one.value, wanted)
    text = cast("str", one.value)
    readings: list[object] = [text, *_toml_value(text), [part.strip() for part in text.split(",") if part.strip()]]
    errors = []
    for reading in readings:
        try:
            return _typed(reading, wanted)
        except msgspec.ValidationError as error:
            errors.append(error)
    raise errors[-2]


def _typed(value: object, wanted: object) -> object:
    # msgspec.convert wants the type as an argument it can infer from; here it is only known at run time.
    return msgspec.convert(value, cast("Any", wanted), dec_hook=_decode_address)


def _decode_address(wanted: type, value: object) -> Address:
    assert wanted is Address, wanted
    return Address.parse(value)


def _toml_value(text: str) -> list[object]:
    try:
        return [tomllib.loads(f"value = {text}")["value"]]
    except tomllib.TOMLDecodeError:
        return []


def _suggestion(key: str, known: Iterable[str]) -> str:
    by_name = {one.split(".")[1]: one for one in known}
    name = key.rpartition(".")[2]
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.75)
    if not near:
        near = [by_name[near_name] for near_name in difflib.get_close_matches(name, by_name, n=1, cutoff=0.75)]
    return f"; did you mean {near[0]}?" if near else ""


def _complaint(error: msgspec.ValidationError, wanted: object) -> str:
    text = str(error)
    if text.startswith("Invalid enum value"):
        *most, last = dict.fromkeys(_choices(wanted))
        return f"expected {', '.join(most)} or {last}" if most else f"expected {last}"
    return text[:1].lower() + text[1:]


def _choices(wanted: object) -> Iterator[str]:
    """What a `Literal`, alone or beside a number, lets one write."""
    for part in get_args(wanted):
        yield from _choices(part) if get_args(part) else [str(part) if isinstance(part, str) else "a number"]
