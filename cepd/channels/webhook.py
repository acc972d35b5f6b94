"""Channel `webhook`: the message as JSON to an address, with Standard Webhooks headers."""

import msgspec

from cepd.model.channel import ChannelSpec
from cepd.model.delivery import Outcome
from cepd.model.message import Message
from cepd.ports import Tools
from cepd.webhooks import Call, concealed, deliver, signing_secrets


class WebhookChannel(msgspec.Struct, frozen=True):
    """`call` is complete but for its body."""

    call: Call
    allow_private: bool
    tools: Tools

    def render(self, message: Message) -> bytes:
        return msgspec.json.encode(message)

    async def send(self, delivery_id: str, body: bytes) -> Outcome:
        call = msgspec.structs.replace(self.call, body=body.decode())
        return await deliver(call, delivery_id, self.tools, allow_private=self.allow_private)


def connect(spec: ChannelSpec, tools: Tools) -> WebhookChannel:
    """InputError where an option is neither text nor a secret reference. Reads no secret and connects to nothing."""
    headers = {name: concealed(value, f"the header {name}") for name, value in spec.options.get("headers", {}).items()}
    call = Call(
        method=spec.options.get("method", "POST"),
        url=concealed(spec.options.get("url"), "url"),
        headers=headers,
        secrets=signing_secrets(spec.options.get("secret")),
        deadline=spec.timeout,
    )
    return WebhookChannel(call, spec.allow_private, tools)
