"""x10 to x19: findings of the translation of the documents' dialect."""

from cepd.config.codes.code import Code

_BARE = """rule_id: cpu
trigger_spec: {field: cpu, op: ">", value: 85}
action_spec: {endpoint: "https://alerts.example.com"}
"""

DIALECT_CODES: tuple[Code, ...] = (
    Code(
        code="CEP110",
        severity="error",
        title="unknown field in a bare rule",
        explanation="A rule without `kind` is read in the documents' dialect, which has no such field here. Nothing is "
        "dropped in silence, so a misspelt field is an error.",
        bad=_BARE.replace("op:", "opp:"),
        good=_BARE,
    ),
    Code(
        code="CEP111",
        severity="error",
        title="a part of a bare rule has the wrong shape",
        explanation="`trigger_spec`, `action_config` and an aggregation are mappings, `actions` is a list. The part "
        "that has another shape is left out; the rest of the rule is still checked.",
        bad=_BARE.replace('{field: cpu, op: ">", value: 85}', "cpu > 85"),
        good=_BARE,
    ),
    Code(
        code="CEP112",
        severity="error",
        title="the same thing is said twice in a bare rule",
        explanation="The dialect has several spellings for one field, such as `op` and `operator`. Two of them at once "
        "leave open which one counts; so do two different `group_by`, or two aggregates with one name.",
        bad=_BARE.replace("op:", 'operator: ">=", op:'),
        good=_BARE,
    ),
    Code(
        code="CEP113",
        severity="error",
        title="a part of a bare rule needs another one",
        explanation="An aggregation needs a `duration` or a `window_config` to say over which time. An `action_config` "
        "needs `action`, the type of the actions that it is for, and their `circuit_breaker`.",
        bad=_BARE.replace("rule_id", "trigger_type: metric\nrule_id").replace("}\nact", ", aggregation: avg}\nact"),
        good=_BARE.replace("rule_id", "trigger_type: metric\nrule_id").replace(
            "}\nact", ", aggregation: avg, duration: 5m}\nact"
        ),
    ),
    Code(
        code="CEP310",
        severity="warning",
        title="text that looks like a number is read as one",
        explanation="Only numbers are ordered. The dialect writes some thresholds as text; under `> < >= <=` and as "
        "the threshold of a metric, text that looks like a number is that number.",
        bad=_BARE.replace("85", '"85"'),
        good=_BARE,
    ),
    Code(
        code="CEP311",
        severity="warning",
        title="a bare API cannot run yet",
        explanation="The document is an API definition of the dialect. Its id and name are known to the actions that "
        "call it; the API itself does not run yet.",
        bad="api_name: Double\nlogic_type: script\nlogic_body: |\n  def main(params, input_payload):\n"
        '      return {"value": params["x"] * 2}\n',
        good=_BARE,
    ),
    Code(
        code="CEP312",
        severity="warning",
        title="an action_config without an action",
        explanation="`action_config` gives its circuit breaker to the rule's actions of the type that it names. The "
        "rule has no action of that type, so it changes nothing.",
        bad=_BARE + "action_config: {action: notify, circuit_breaker: {failure_threshold: 3}}\n",
        good=_BARE + "action_config: {action: webhook, circuit_breaker: {failure_threshold: 3}}\n",
    ),
    Code(
        code="CEP313",
        severity="warning",
        title="a condition mixes an aggregated metric with other fields",
        explanation="Where a metric is aggregated, conditions on it are tested on the aggregate when the window "
        "closes. A part that joins the metric and another field by OR cannot move there: it is tested on each event.",
        bad="""rule_id: cpu
trigger_type: metric
trigger_spec: {metric_name: cpu, op: ">", threshold: 85, aggregation: avg, duration: 5m}
composite_condition: {logic: OR, conditions: [{field: cpu, op: ">", value: 85}, {field: disk, op: ">", value: 90}]}
action_spec: {endpoint: "https://alerts.example.com"}
""",
        good="""rule_id: cpu
trigger_type: metric
trigger_spec: {metric_name: cpu, op: ">", threshold: 85, aggregation: avg, duration: 5m}
composite_condition: {logic: AND, conditions: [{field: cpu, op: ">", value: 85}, {field: disk, op: ">", value: 90}]}
action_spec: {endpoint: "https://alerts.example.com"}
""",
    ),
    Code(
        code="CEP314",
        severity="warning",
        title="a duration and a window of different length",
        explanation="An aggregated metric has both a `duration` and a `window_config` whose size differs. The window "
        "counts and the duration says nothing more.",
        bad="""rule_id: cpu
trigger_type: metric
trigger_spec: {metric_name: cpu, op: ">", threshold: 85, aggregation: avg, duration: 5m}
window_config: {type: tumbling, size: 10m}
action_spec: {endpoint: "https://alerts.example.com"}
""",
        good="""rule_id: cpu
trigger_type: metric
trigger_spec: {metric_name: cpu, op: ">", threshold: 85, aggregation: avg}
window_config: {type: tumbling, size: 10m}
action_spec: {endpoint: "https://alerts.example.com"}
""",
    ),
)
