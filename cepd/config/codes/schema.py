"""1xx: findings about the shape of a document. CEP110 to CEP119 belong to the dialect."""

from cepd.config.codes.code import Code
from cepd.config.codes.samples import CHANNEL, PACK, WINDOWED, with_action, with_trigger

_SEQUENCE = "{type: sequence, within: 10m, steps: [{event_type: auth.failed}, %s]}"

SCHEMA_CODES: tuple[Code, ...] = (
    Code(
        code="CEP100",
        severity="error",
        title="a document of no known kind",
        explanation="`kind` says what a document is: RulePack, Channel, and others. Only cepd.yaml at the root, "
        "which holds the settings, and bare rules of the documents' dialect have none.",
        bad=PACK.replace("RulePack", "Rulepack"),
        good=PACK,
    ),
    Code(
        code="CEP101",
        severity="error",
        title="an unknown field",
        explanation="There is no field of this name here. Unknown fields are errors because a misspelt one would "
        "be left out in silence.",
        bad=PACK.replace("when:", "whne:"),
        good=PACK,
    ),
    Code(
        code="CEP102",
        severity="error",
        title="a value of the wrong kind",
        explanation="The field takes text, a number, a list or a mapping, and was given something else. `yes`, "
        "`on` and `12:30` are text in YAML 1.2; only true and false are true and false.",
        bad=PACK.replace("name: hosts", "name: 5"),
        good=PACK.replace("name: hosts", 'name: "5"'),
    ),
    Code(
        code="CEP103",
        severity="error",
        title="a word that is not allowed",
        explanation="The field takes one of a few words.",
        bad=PACK.replace("    when:", "    severity: hihg\n    when:"),
        good=PACK.replace("    when:", "    severity: high\n    when:"),
    ),
    Code(
        code="CEP104",
        severity="error",
        title="a missing field",
        explanation="The mapping needs this field. The position is that of its first key.",
        bad=PACK.replace("  - id: cpu-high\n    trigger", "  - trigger"),
        good=PACK,
    ),
    Code(
        code="CEP105",
        severity="error",
        title="text of the wrong form",
        explanation="The text is not of the form that the field takes: a name, a field path, a rate.",
        bad=PACK.replace("id: cpu-high", "id: cpu high"),
        good=PACK,
    ),
    Code(
        code="CEP106",
        severity="error",
        title="too little or too much",
        explanation="A number, or the length of a text, list or mapping, is outside its limits.",
        bad=WINDOWED.replace("fn: avg, field", "fn: percentile, p: 150, field"),
        good=WINDOWED.replace("fn: avg, field", "fn: percentile, p: 95, field"),
    ),
    Code(
        code="CEP107",
        severity="error",
        title="not a duration",
        explanation="A duration is a number and a unit (us ms s m h d w), or several joined: 250ms, 30s, 1h30m. "
        "Windows, holds and silences of zero are refused: they would mean nothing.",
        bad=PACK.replace("    when:", "    suppress: 10 minutes\n    when:"),
        good=PACK.replace("    when:", "    suppress: 10m\n    when:"),
    ),
    Code(
        code="CEP108",
        severity="error",
        title="a condition that cannot be read",
        explanation="A condition is one line of text (comparisons, and, or, not, in, and a few functions) or a "
        "tree of {field, op, value}. Only numbers are ordered: > >= < <= against text is an error.",
        bad=PACK.replace("> 85", '> "85"'),
        good=PACK,
    ),
    Code(
        code="CEP109",
        severity="error",
        title="a template that cannot be read",
        explanation="Texts of actions are Jinja2 templates: {{ field }}, filters, if and for.",
        bad=with_action('{endpoint: "https://alerts.example.com", body: {host: "{{ host"}}'),
        good=with_action('{endpoint: "https://alerts.example.com", body: {load: "{{ cpu_percent }}"}}'),
    ),
    Code(
        code="CEP120",
        severity="error",
        title="not a cron expression",
        explanation="Five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday).",
        bad=with_trigger('{type: schedule, cron: "61 * * * *"}'),
        good=with_trigger('{type: schedule, cron: "0 * * * *"}'),
    ),
    Code(
        code="CEP121",
        severity="error",
        title="an unknown time zone",
        explanation="Zones have the names of the IANA time zone database, such as Asia/Seoul.",
        bad=with_trigger('{type: schedule, cron: "0 9 * * *", timezone: Asia/Soul}'),
        good=with_trigger('{type: schedule, cron: "0 9 * * *", timezone: Asia/Seoul}'),
    ),
    Code(
        code="CEP122",
        severity="error",
        title="a window that does not fit together",
        explanation="A sliding window is made of panes as long as its slide, so its size is a multiple of it, and "
        "not of more than 20,000 of them. "
        "Windows of the calendar divide a day, or are a day or a week. A time zone means something only to them.",
        bad=WINDOWED.replace("slide: 1m", "slide: 2m"),
        good=WINDOWED,
    ),
    Code(
        code="CEP123",
        severity="error",
        title="having, aggregate and window belong together",
        explanation="`having` compares aggregates, and aggregates are taken over a window. To test single events "
        "write `when`.",
        bad=PACK.replace("    when: cpu_percent", "    having: cpu_percent"),
        good=PACK,
    ),
    Code(
        code="CEP124",
        severity="error",
        title="half a threshold",
        explanation="A metric trigger has metric, op and threshold, all three; or none of them, and then `when` "
        "says what to look for.",
        bad=with_trigger("{type: metric, metric: cpu_percent, op: '>'}"),
        good=with_trigger("{type: metric, metric: cpu_percent, op: '>', threshold: 90}"),
    ),
    Code(
        code="CEP125",
        severity="error",
        title="a threshold beside a window",
        explanation="With a window it is not clear whether each value or an aggregate is meant. Name the aggregate "
        "and compare it in `having`.",
        bad=WINDOWED.replace(
            "type: event, event_type: host.cpu", 'type: metric, metric: cpu_percent, op: ">", threshold: 9'
        ),
        good=WINDOWED,
    ),
    Code(
        code="CEP126",
        severity="error",
        title="a sequence whose steps do not fit together",
        explanation="A step is an event, {not: …} between two events, or {absent: …} at the end. Ids are given once. "
        "With order: any nothing is between two steps. max_runs is of runs: all.",
        bad=with_trigger(_SEQUENCE % "{not: {event_type: auth.reset}}"),
        good=with_trigger(_SEQUENCE % "{absent: {event_type: auth.reset}}"),
    ),
    Code(
        code="CEP127",
        severity="error",
        title="not an address",
        explanation="An address begins with https:// or http:// and names a host; it is not a template. Only the "
        "address of a poll may begin with /, and is then completed with metrics_base_url.",
        bad=CHANNEL.replace("https://", "https//"),
        good=CHANNEL,
    ),
    Code(
        code="CEP128",
        severity="error",
        title="not a host or network",
        explanation="`egress` in cepd.yaml lists hosts, host:port, or networks such as 10.0.0.0/8.",
        bad="egress: {allow: [https://hooks.internal]}\n",
        good="egress: {allow: [hooks.internal]}\n",
    ),
    Code(
        code="CEP129",
        severity="error",
        title="a poll without one source",
        explanation="A poll fetches from a url, from prometheus, or from a datasource with sql: exactly one of them.",
        bad=with_trigger("{type: metric, poll: {every: 60s}}"),
        good=with_trigger('{type: metric, poll: {url: "https://metrics.example.com/cpu", every: 60s}}'),
    ),
    Code(
        code="CEP130",
        severity="error",
        title="P1 without somebody to call",
        explanation="A rule of priority P1 names an owner (or its pack does) and a backup owner.",
        bad=PACK.replace("    when:", "    priority: P1\n    when:"),
        good=PACK.replace(
            "    when:", "    priority: P1\n    owner: ops@example.com\n    backup_owner: sre@example.com\n    when:"
        ),
    ),
    Code(
        code="CEP131",
        severity="error",
        title="settings that are not one document",
        explanation="cepd.yaml at the root of the tree holds the settings: one document, without a kind.",
        bad="kind: RulePack\nname: hosts\n",
        good="lateness: 5s\n",
    ),
    Code(
        code="CEP132",
        severity="error",
        title="a hold or a resolve that the trigger cannot have",
        explanation="`for` waits while a condition holds, and `resolve: true` ends an alert when it turns false. A "
        "sequence, a new value and a time of the clock are points in time: they neither hold nor turn false. An "
        "absence has its timeout instead of `for`.",
        bad=with_trigger("{type: new_value, field: user.country}").replace("    when:", "    for: 5m\n    when:"),
        good=with_trigger("{type: new_value, field: user.country}").replace(
            "    when:", "    resolve: {after: 15m}\n    when:"
        ),
    ),
    Code(
        code="CEP133",
        severity="error",
        title="a window beside a trigger that remembers by itself",
        explanation="Sequences, absences, new values and anomalies keep what they need of past events; a trigger "
        "schedule has none. Windows, aggregates and `having` stand beside triggers event and metric.",
        bad=WINDOWED.replace("{type: event, event_type: host.cpu}", "{type: anomaly, value: cpu_percent}"),
        good=with_trigger("{type: anomaly, value: cpu_percent}"),
    ),
    Code(
        code="CEP134",
        severity="error",
        title="a parameter of another method",
        explanation="Each method of a trigger anomaly has parameters of its own; one of another would be left out in "
        "silence.",
        bad=with_trigger("{type: anomaly, value: ms, method: zscore, alpha: 0.3}"),
        good=with_trigger("{type: anomaly, value: ms, method: ema, alpha: 0.3}"),
    ),
    Code(
        code="CEP135",
        severity="error",
        title="an absence that can never be told",
        explanation="A key that is silent for as long as `forget` (a day where it is not given) is forgotten, so the "
        "timeout must be shorter.",
        bad=with_trigger("{type: absence, event_type: host.beat, timeout: 2d}"),
        good=with_trigger("{type: absence, event_type: host.beat, timeout: 2d, forget: 7d}"),
    ),
    Code(
        code="CEP136",
        severity="error",
        title="a name that cannot be said",
        explanation="Aggregates and steps are named in conditions and texts. `and`, `in` and the like are words of "
        "conditions; `event rule alert key values references` mean something else in every text.",
        bad=WINDOWED.replace("avg_cpu", "values"),
        good=WINDOWED,
    ),
    Code(
        code="CEP137",
        severity="error",
        title="a target that nothing can be stored in",
        explanation="An action store has the target file:NAME.ndjson, a file in the folder `stored` of the data "
        "directory, or DATASOURCE/TABLE. A file has a name and no path, so that no rule writes anywhere else.",
        bad=with_action("{type: store, target: 'file:../incidents.ndjson'}"),
        good=with_action("{type: store, target: 'file:incidents.ndjson'}"),
    ),
    Code(
        code="CEP138",
        severity="error",
        title="a type of cepd's own events that there is not",
        explanation="Types that begin with `cepd.` are of what cepd itself tells its rules: cepd.alert, cepd.ack, "
        "cepd.delivery_failed and cepd.breaker_opened. Nobody else can send such, so the rule would never fire.",
        bad=with_trigger("{type: event, event_type: cepd.delivery_failure}"),
        good=with_trigger("{type: event, event_type: cepd.delivery_failed}"),
    ),
)
