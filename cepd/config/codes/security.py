"""4xx: what must not be merged."""

from cepd.config.codes.code import Code
from cepd.config.codes.samples import CHANNEL, with_action

SECURITY_CODES: tuple[Code, ...] = (
    Code(
        code="CEP401",
        severity="error",
        title="a text that looks like a secret",
        explanation="The text has the form of a token or key. Files are in git, which forgets nothing: take the "
        "secret back where it was made, and refer to the new one. The value is shown nowhere.",
        bad=CHANNEL.replace("alerts.example.com/in", "hooks.slack.com/services/T00000000/B00000000/" + "X" * 24),
        good=CHANNEL.replace("https://alerts.example.com/in", "{env: OPS_HOOK_URL}"),
    ),
    Code(
        code="CEP402",
        severity="error",
        title="a secret given as it is",
        explanation="Fields such as secret, password and token hold {env: NAME} or {file: PATH}, which is read "
        "when it is needed and stored nowhere.",
        bad=CHANNEL + "secret: correct-horse\n",
        good=CHANNEL + "secret: {env: HOOK_SECRET}\n",
    ),
    Code(
        code="CEP403",
        severity="error",
        title="an address with a password",
        explanation="A password in an address ends up in logs of every machine on the way. Refer to the whole "
        "address, or send the password in a header.",
        bad=CHANNEL.replace("https://", "https://ops:correct-horse@"),
        good=CHANNEL.replace("https://alerts.example.com/in", "{env: OPS_HOOK_URL}"),
    ),
    Code(
        code="CEP404",
        severity="error",
        title="a private address without leave",
        explanation="Private and loopback addresses are refused when they are called, so that a rule cannot reach "
        "into the network it runs in. A channel says allow_private: true; for actions cepd.yaml lists them under "
        "egress. Link-local, metadata and reserved addresses open to neither: no channel reaches them, and an action "
        "only where egress names the address itself or a network around it.",
        bad=with_action('{endpoint: "http://127.0.0.1:9000/in"}'),
        good=with_action('{endpoint: "https://alerts.example.com/in"}'),
    ),
)
