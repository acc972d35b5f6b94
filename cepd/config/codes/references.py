"""2xx: findings about what documents say of one another."""

from cepd.config.codes.code import Code
from cepd.config.codes.ruletests import TESTED
from cepd.config.codes.samples import CHANNEL, PACK, with_action

_NOTIFY = CHANNEL + "---\n" + with_action("{type: notify, channels: [%s]}")
_SECOND = CHANNEL.replace("ops-hook", "night-hook") + "---\n"


def _rule(name: str, next_name: str) -> str:
    return f"""  - id: {name}
    trigger: {{type: event, event_type: []}}
    actions: [{{type: trigger_rule, rule_id: {next_name}}}]
"""


_LAST = PACK.partition("rules:\n")[2]
_HEAD = "kind: RulePack\nname: chain\nrules:\n"

REFERENCE_CODES: tuple[Code, ...] = (
    Code(
        code="CEP201",
        severity="error",
        title="a name that is taken",
        explanation="Names of rules, rule packs and channels are unique over the whole tree. The finding stands at "
        "the second and names the first.",
        bad=CHANNEL + "---\n" + CHANNEL,
        good=CHANNEL,
    ),
    Code(
        code="CEP202",
        severity="error",
        title="an unknown channel",
        explanation="A channel is called by its name, or by its type where the tree has one channel of the type.",
        bad=_NOTIFY % "ops-hok",
        good=_NOTIFY % "ops-hook",
    ),
    Code(
        code="CEP203",
        severity="error",
        title="a channel that can mean several",
        explanation="A type's name means its one channel, or the one that says default: true.",
        bad=_SECOND + _NOTIFY % "webhook",
        good=_SECOND + _NOTIFY % "ops-hook",
    ),
    Code(
        code="CEP204",
        severity="error",
        title="a fallback to itself",
        explanation="A fallback takes over when a channel fails; the channel itself cannot.",
        bad=CHANNEL + "fallback: ops-hook\n",
        good=_SECOND + CHANNEL + "fallback: night-hook\n",
    ),
    Code(
        code="CEP205",
        severity="error",
        title="an unknown rule",
        explanation="The rule that an action triggers, or that a test names, is not in the tree.",
        bad=_HEAD + _rule("first", "cpu-hihg") + _LAST,
        good=_HEAD + _rule("first", "cpu-high") + _LAST,
    ),
    Code(
        code="CEP206",
        severity="error",
        title="rules that trigger one another in a circle",
        explanation="Each run would start the next for ever. The finding stands at the link that closes the circle.",
        bad=_HEAD + _rule("first", "second") + _rule("second", "first"),
        good=_HEAD + _rule("first", "cpu-high") + _LAST,
    ),
    Code(
        code="CEP207",
        severity="warning",
        title="a long chain of rules",
        explanation="Three links and more are hard to follow, and a chain ends after five.",
        bad=_HEAD + _rule("first", "second") + _rule("second", "third") + _rule("third", "cpu-high") + _LAST,
        good=_HEAD + _rule("first", "cpu-high") + _LAST,
    ),
    Code(
        code="CEP208",
        severity="error",
        title="an unknown API",
        explanation="The API that an action calls is not in the tree, neither by id nor by name.",
        bad=with_action("{type: api_script, api_id: clean-up}"),
        good=PACK,
    ),
    Code(
        code="CEP209",
        severity="error",
        title="a reload that is not there",
        explanation="A step of a rule test reloads a file that holds another version of its rules. Its path begins at "
        "the test's own folder, and its name ends in .reload.yaml, which the tree itself never runs.",
        bad=TESTED.replace("    expect:", "      - {at: 1m, reload: hosts.reload.yaml}\n    expect:"),
        good=TESTED,
    ),
    Code(
        code="CEP210",
        severity="error",
        title="an unknown datasource",
        explanation="An action store keeps what it is told in a table of a datasource of the tree, DATASOURCE/TABLE, "
        "or in a file of the data directory, file:NAME.ndjson.",
        bad=with_action("{type: store, target: warehouse/incidents}"),
        good=with_action("{type: store, target: 'file:incidents.ndjson'}"),
    ),
)
