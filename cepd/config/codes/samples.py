"""A small sound rule pack and channel, for the examples of the codes to break."""

PACK = """kind: RulePack
name: hosts
rules:
  - id: cpu-high
    trigger: {type: event, event_type: host.cpu}
    when: cpu_percent > 85
    actions: [{type: webhook, endpoint: "https://alerts.example.com"}]
"""

CHANNEL = """kind: Channel
name: ops-hook
type: webhook
url: https://alerts.example.com/in
"""

WINDOWED = """kind: RulePack
name: hosts
rules:
  - id: cpu-high
    trigger: {type: event, event_type: host.cpu}
    window: {type: sliding, size: 5m, slide: 1m}
    aggregate: {avg_cpu: {fn: avg, field: cpu_percent}}
    having: avg_cpu > 85
    actions: [{type: webhook, endpoint: "https://alerts.example.com"}]
"""


def with_trigger(trigger: str) -> str:
    """The pack with another trigger, in flow style."""
    return PACK.replace("{type: event, event_type: host.cpu}", trigger)


def with_action(action: str) -> str:
    """The pack with another action, in flow style."""
    return PACK.replace('{type: webhook, endpoint: "https://alerts.example.com"}', action)
