"""Action `webhook`: calls an address.

Without a body of its own, POST and PUT tell the alert as JSON, like a webhook channel, and so also tell of storms,
summaries and resolves. Any other call is an effect that the rule asks for, and is made once, when the rule fires.
"""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode, urlsplit

import msgspec

from cepd.model.alert import Alert
from cepd.model.delivery import Delivery, Draft, Outcome, draft_of
from cepd.model.errors import TemplateError
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.json import Json
from cepd.model.message import message_of
from cepd.model.secret import SecretRef
from cepd.model.terms import terms_of
from cepd.ports import Directory, Plan, Tools
from cepd.templating.environment import compile_value
from cepd.templating.texts import error_text, message_text
from cepd.webhooks import Call, Concealed, concealed, deliver, signing_secrets


def prepare(definition: Definition, index: int, directory: Directory) -> Plan:
    """TemplateError, or InputError where an option cannot be read."""
    options = definition.rule.actions[index].options
    headers = {name: concealed(value, f"the header {name}") for name, value in options.get("headers", {}).items()}
    terms = terms_of(options)
    call = Call(
        method=options.get("method", "POST"),
        url=concealed(options.get("endpoint", options.get("url")), "endpoint"),
        headers={name: value for name, value in headers.items() if isinstance(value, SecretRef)},
        secrets=signing_secrets(options.get("secret")),
        deadline=terms.timeout,
    )
    carries = call.method in ("POST", "PUT")
    tells = carries and options.get("body") is None
    plain = {name: value for name, value in headers.items() if isinstance(value, str)}
    fill = _filler(call, {"params": options.get("params", {}), "headers": plain, "body": options.get("body")})

    def plan(firing: Firing, alert: Alert, names: Mapping[str, Json]) -> list[Draft]:
        if firing.kind != "fired" and not tells:
            return []
        said = message_text(None, firing, definition, names)
        try:
            made = fill(names, _told(firing, alert, said) if tells else None)
        except TemplateError as error:
            failed = error_text(error, firing, definition)
            made = _instead(call, _told(firing, alert, failed) if carries else None, failed)
        return [
            draft_of(
                firing,
                alert,
                action=index,
                type="webhook",
                target=_target(call),
                request=msgspec.json.encode(made),
                terms=terms,
            )
        ]

    return plan


async def perform(delivery: Delivery, tools: Tools, directory: Directory) -> Outcome:
    return await deliver(msgspec.json.decode(delivery.request, type=Call), delivery.id, tools, allow=tools.egress)


def _filler(call: Call, document: Json) -> Callable[[Mapping[str, Json], str | None], Call]:
    """Makes the call for one set of names: (names, the alert as JSON where the call tells it) to Call. `document` has
    the call's texts: params, headers, body. TemplateError now where one does not compile, later where one fails."""
    texts = compile_value(document)

    def fill(names: Mapping[str, Json], told: str | None) -> Call:
        filled = texts.render(names)
        headers: dict[str, Concealed] = {name: _text(value) for name, value in filled["headers"].items()}
        body = told if document["body"] is None else _text(filled["body"])
        return msgspec.structs.replace(
            call, query=_query(filled["params"]), headers={**call.headers, **headers}, body=body
        )

    return fill


def _instead(call: Call, told: str | None, failed: str) -> Call:
    """What goes out where a template of the call failed: the alert, if the method can carry it; else nothing, and the
    delivery says why."""
    return msgspec.structs.replace(call, body=told, fault="" if told is not None else failed)


def _told(firing: Firing, alert: Alert, text: str) -> str:
    return msgspec.json.encode(message_of(firing, alert, text)).decode()


def _query(params: Mapping[str, Json]) -> str:
    """A list repeats its name; null leaves it out."""
    pairs = [
        (name, _text(item))
        for name, value in params.items()
        for item in (value if isinstance(value, list) else [value])
        if item is not None
    ]
    return urlencode(pairs)


def _text(value: Json) -> str:
    """Text as it is, anything else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _target(call: Call) -> str:
    if isinstance(call.url, SecretRef):
        return f"{call.method} {call.url}"
    return f"{call.method} {urlsplit(call.url).netloc.rpartition('@')[2]}"
