"""3xx: what is allowed and probably not meant. `lint: {CEP303: error}` in cepd.yaml changes a level, `off` too.

CEP310 to CEP319 belong to the dialect.
"""

from cepd.config.codes.code import Code
from cepd.config.codes.samples import CHANNEL, PACK, WINDOWED, with_action, with_trigger

_POLL = "{type: metric, poll: {url: %s}}"
_FAILED = "{type: sequence, within: 10m, steps: [{id: fail, event_type: auth.failed, when: %s}, {id: ok}]}"

LINT_CODES: tuple[Code, ...] = (
    Code(
        code="CEP301",
        severity="warning",
        title="a rule that cannot run yet",
        explanation="This version of cepd knows the part and cannot run it. The rule as a whole stays inactive and "
        "says why; it starts to run with the version that can.",
        bad=with_trigger('{type: schedule, cron: "0 9 * * *"}'),
        good=PACK,
    ),
    Code(
        code="CEP302",
        severity="warning",
        title="a field without effect",
        explanation="This version of cepd knows the field and does nothing with it. Everything else of the "
        "channel, action or settings works.",
        bad=CHANNEL + "rate_limit: 1/s\n",
        good=CHANNEL,
    ),
    Code(
        code="CEP303",
        severity="warning",
        title="a name that nothing else mentions",
        explanation="A text of an action uses a name that is not in the rule's conditions, keys or aggregates, so "
        "it may be misspelt, and a text with an undefined name is replaced by a plain one. Fields that only the "
        "text needs are written with their root: {{ event.host }}.",
        bad=with_action('{endpoint: "https://alerts.example.com", body: {load: "{{ cpu_procent }}"}}'),
        good=with_action('{endpoint: "https://alerts.example.com", body: {load: "{{ cpu_percent }}"}}'),
    ),
    Code(
        code="CEP304",
        severity="warning",
        title="not over a field that may be missing",
        explanation="A test of a missing field is false, so `not` makes it true: the rule also fires on events "
        "that do not have the field at all. Ask for the field beside it if that is not meant.",
        bad=PACK.replace("cpu_percent > 85", 'not starts_with(env, "test")'),
        good=PACK.replace("cpu_percent > 85", 'exists(env) and not starts_with(env, "test")'),
    ),
    Code(
        code="CEP305",
        severity="warning",
        title="a kind of document without effect",
        explanation="This version of cepd knows the kind and does nothing with such documents yet.",
        bad="kind: Silence\nname: maintenance\n",
        good=PACK,
    ),
    Code(
        code="CEP306",
        severity="warning",
        title="a channel that cannot send yet",
        explanation="This version of cepd knows the type and cannot send to it. Its own fields are not checked, "
        "and deliveries to it fail and say so.",
        bad="kind: Channel\nname: ops-slack\ntype: slack\nwebhook_url: {env: SLACK_URL}\n",
        good=CHANNEL,
    ),
    Code(
        code="CEP307",
        severity="warning",
        title="a relative address with nothing before it",
        explanation="An address that begins with / is completed with `metrics_base_url` from cepd.yaml, which is "
        "not set.",
        bad=with_trigger(_POLL % "/metrics/cpu"),
        good=with_trigger(_POLL % '"https://metrics.example.com/cpu"'),
    ),
    Code(
        code="CEP308",
        severity="warning",
        title="a condition that is always the same",
        explanation="A part of the condition compares fixed values only. Names without quotes are fields, text has "
        'quotes: `"env" == "prod"` compares two texts, which are never the same.',
        bad=PACK.replace("cpu_percent > 85", 'cpu_percent > 85 and "env" == "prod"'),
        good=PACK.replace("cpu_percent > 85", 'cpu_percent > 85 and env == "prod"'),
    ),
    Code(
        code="CEP320",
        severity="warning",
        title="an eager window without a condition",
        explanation="emit: eager asks `having` at each event, so that a rule fires as soon as it holds. Without "
        "`having` that is the first event of each window.",
        bad=WINDOWED.replace("slide: 1m}", "slide: 1m, emit: eager}").replace("    having: avg_cpu > 85\n", ""),
        good=WINDOWED.replace("slide: 1m}", "slide: 1m, emit: eager}"),
    ),
    Code(
        code="CEP321",
        severity="warning",
        title="having names what has no value",
        explanation="`having` sees the aggregates and the keys of the rule. Another name is missing there, and a "
        "test of it is false. Fields of events are tested in `when`.",
        bad=WINDOWED.replace("having: avg_cpu", "having: avg_cpo"),
        good=WINDOWED,
    ),
    Code(
        code="CEP322",
        severity="warning",
        title="when names an aggregate",
        explanation="`when` is asked of each event before it enters the window, where the aggregate is not known. "
        "What the window must fulfil stands in `having`.",
        bad=WINDOWED.replace("    having:", "    when: avg_cpu > 50\n    having:"),
        good=WINDOWED.replace("    having:", "    when: cpu_percent > 50\n    having:"),
    ),
    Code(
        code="CEP323",
        severity="warning",
        title="a baseline that is too short",
        explanation="Over few values ordinary noise looks like an anomaly: a baseline below 100 values, or a z-score "
        "over fewer than 300, gives several times as many false alarms.",
        bad=with_trigger("{type: anomaly, value: ms, method: zscore, window: 60}"),
        good=with_trigger("{type: anomaly, value: ms, method: zscore, window: 1000}"),
    ),
    Code(
        code="CEP324",
        severity="warning",
        title="a step that names a later one",
        explanation="A step of a sequence sees the steps before it by their ids, as `fail.user`. A later step, or the "
        "step itself, has no event yet, and a test of it is false.",
        bad=with_trigger(_FAILED % "user == ok.user"),
        good=with_trigger(_FAILED % "attempts > 3"),
    ),
    Code(
        code="CEP325",
        severity="warning",
        title="a hold or a resolve of what is always true",
        explanation="`for` and `resolve: true` wait for a condition to turn false. A rule on single events without "
        "`when` has none: it opens one alert for each key and never another.",
        bad=PACK.replace("    when: cpu_percent > 85\n", "    resolve: true\n"),
        good=PACK.replace("    when:", "    resolve: true\n    when:"),
    ),
    Code(
        code="CEP330",
        severity="info",
        title="a condition that no index serves",
        explanation="The rule works as it should, and costs time at each event that it hears. The engine finds most "
        "rules by an index: those that ask for a field with == or in, for a text with contains, starts_with or "
        "ends_with, for a number above or below a limit, or with a pattern that holds two or more plain characters in "
        "a row outside groups. A pattern without such a text is searched for in every value, in about 1.6 µs, which is "
        "more than decoding the event takes; so is one that ignores case. Other conditions, such as != and not, an "
        "or of different fields, arithmetic or two fields compared, are tested one after the other: 20 to 300 ns each, "
        "and 2 µs for cidr. Up to 50 of these cost less than an index would and are not told.\n\n"
        "What helps: name the event_type, so that the rule hears fewer events; ask for something with == or contains "
        "beside it, joined by and; write an or of different fields as two rules; give the pattern the text that it "
        "must hold. `cepd explain --rule RULE --code` shows what is made of a rule.",
        bad=PACK.replace("cpu_percent > 85", 'matches(message, "[0-9]{3}")'),
        good=PACK.replace("cpu_percent > 85", 'matches(message, "status [0-9]{3}")'),
    ),
)
