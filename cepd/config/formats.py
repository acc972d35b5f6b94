"""What a schema's `format` words mean: each turns a value, as written, into what the model holds, or says why not."""

import ipaddress
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cepd.config.findings import At, Findings, Span
from cepd.config.moments import read_date, read_moment
from cepd.config.pointers import Path, path_of, value_at
from cepd.config.sites import Site
from cepd.engine.paths import path_fault
from cepd.engine.trees import read_condition
from cepd.model.duration import parse_duration
from cepd.model.errors import ConditionError, ExpressionError, InputError, TemplateError
from cepd.model.json import Json
from cepd.model.keeping import read_target
from cepd.templating.environment import compile_text, compile_value


class Format(msgspec.Struct, frozen=True):
    """`code` of the finding where `read` raises InputError. `kinds`: the classes of values it reads."""

    code: str
    read: Callable[[Any], Any]
    kinds: tuple[type, ...] = (str,)


def read_sites(sites: list[Site], findings: Findings) -> dict[Path, Any]:
    """What the values at the sites mean, by path. What cannot be read, and what the schema refused, is left out."""
    meant: dict[Path, Any] = {}
    for site in sites:
        form = FORMATS.get(site.format)
        if form is None or not findings.clean(site.path) or not isinstance(site.value, form.kinds):
            continue
        try:
            meant[site.path] = _read(site.format, site.value) if isinstance(site.value, str) else form.read(site.value)
        except InputError as error:
            for one in (error, *error.others):
                _tell(one, form.code, site, findings)
    return meant


@lru_cache(maxsize=8192)
def _read(format: str, text: str) -> Any:
    """A text that stands in many places is read once, and once over reloads too."""
    return FORMATS[format].read(text)


_TEMPLATES = "write {{ field }}, or {{ '{{' }} for braces in the text"


def _tell(error: InputError, code: str, site: Site, findings: Findings) -> None:
    below = path_of(error.pointer, site.value) if isinstance(error, ConditionError | TemplateError) else ()
    help = error.help or (_TEMPLATES if isinstance(error, TemplateError) else "")
    at: At = "key" if isinstance(error, ConditionError) and error.at == "key" else "value"
    span = _span(error, value_at(site.value, below))
    findings.add(code, (*site.path, *below), error.message, help, at=at, span=span)


def _span(error: InputError, value: Json) -> Span | None:
    """The part of a text that an error is about; of a template, to the end of its line."""
    match error:
        case ConditionError():
            return (error.offset, error.end) if error.at == "text" else None
        case ExpressionError():
            return error.offset, error.end
        case TemplateError(offset=int(offset)) if isinstance(value, str) and offset < len(value):
            line = value[offset:].split("\n", 1)[0].rstrip()
            return offset, offset + max(len(line), 1)
    return None


def _words(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _fields(value: str | list[str]) -> tuple[str, ...]:
    """A list of field paths, each a field of its own, or one text with commas."""
    paths = [_key(part.strip()) for part in value.split(",")] if isinstance(value, str) else value
    for number, path in enumerate(paths):
        if path in paths[:number]:
            raise InputError(f"the field {path!r} is given twice", help="keep one of them")
    return tuple(paths)


def _field(path: str) -> str:
    fault = path_fault(path)
    if fault is not None:
        raise InputError(fault, help="write names joined by dots: request.ms")
    return path


def _positive_duration(text: str) -> int:
    span = parse_duration(text)
    if not span:
        raise InputError("a length of zero means nothing here", help="write a duration such as 5m")
    return span


_EXPRESSION = re.compile(r"[()\[\]{}<>=\"']|!=|\s([-+*/%]|and|or|in)\s")


def _key(path: str) -> str:
    if _EXPRESSION.search(path):
        help = "write the name of a field; what is worked out of fields cannot keep events apart"
        raise InputError(f"{path!r} is an expression", help=help)
    return _field(path)


def _cron(text: str) -> str:
    from cepd.policies.cron import check_cron

    check_cron(text)
    return text


@cache
def _zones() -> frozenset[str]:
    import zoneinfo

    return frozenset(zoneinfo.available_timezones())


def _timezone(name: str) -> str:
    import difflib

    if name in _zones():
        return name
    near = difflib.get_close_matches(name, sorted(_zones()), 1)
    help = f"did you mean {near[0]!r}?" if near else "write a name such as Asia/Seoul, Europe/Berlin or UTC"
    raise InputError(f"there is no time zone {name!r}", help=help)


def _url(text: str) -> str:
    if "{{" in text:
        raise InputError("an address is not a template", help="write it out; values of events go into what is sent")
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole or re.search(r"\s", text):
        help = "begin with https:// and a host"
        if text.startswith("/"):
            help += "; only the address of a poll is completed with metrics_base_url"
        raise InputError("this is not an address that can be called", help=help)
    return text


_RELATIVE = re.compile(r"/(?!/)\S*")


def _poll_url(text: str) -> str:
    return text if _RELATIVE.fullmatch(text) and "{{" not in text else _url(text)


_HOST = re.compile(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def _egress(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        if not _HOST.fullmatch(text):
            help = "write hooks.internal, hooks.internal:8443 or 10.0.0.0/8"
            raise InputError(f"{text!r} is not a host, host:port or network", help=help) from None
    return text


FORMATS: dict[str, Format] = {
    "condition": Format("CEP108", read_condition, (str, dict, list)),
    "cron": Format("CEP120", _cron),
    "duration": Format("CEP107", parse_duration),
    "egress": Format("CEP128", _egress),
    "field": Format("CEP105", _field),
    "fields": Format("CEP105", _fields, (str, list)),
    "instant": Format("CEP141", read_date),
    "moment": Format("CEP141", read_moment),
    "key": Format("CEP105", _key),
    "positive-duration": Format("CEP107", _positive_duration),
    "poll-url": Format("CEP127", _poll_url),
    "store-target": Format("CEP137", read_target),
    "template": Format("CEP109", compile_text),
    "templates": Format("CEP109", compile_value, (str, dict, list)),
    "timezone": Format("CEP121", _timezone),
    "url": Format("CEP127", _url),
    "words": Format("CEP105", _words, (str, list)),
}
