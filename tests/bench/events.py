"""The events that are measured with: as lines, always the same."""

import json
import random
import time
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from cepd.model.duration import SECOND
from cepd.model.instant import Instant

TYPES = [f"metric.kind{number:03d}" for number in range(200)]
SERVICES = ("checkout", "search", "login", "billing")
FIRST = 1_795_168_800
"""Of the stream of metrics, in seconds since the epoch; a full hour."""
A_SECOND = 50
"""Of its events."""
MESSAGES = (
    "request completed in time for tenant",
    "connection to upstream was refused by peer",
    "disk usage of volume is close to its limit",
    "health probe succeeded after a retry",
    "queue depth above soft watermark",
)

KINDS = [f"kind.{number:02d}" for number in range(20)]
BEGIN = 1_763_596_800
"""Of the stream of hosts, in seconds since the epoch; a full hour."""
APART = 0.0015
"""Seconds between its events."""
_SEVERITIES = ("debug", "info", "info", "info", "warning", "warning", "error", "critical")
_SERVICES = ("svc-auth", "svc-cart", "svc-edge", "svc-mail", "svc-pay", "svc-search", "svc-store", "svc-user")
_REGIONS = ("eu-west-1", "eu-north-1", "us-east-1", "ap-south-1")


def line_of(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def metrics(count: int, types: int = len(TYPES)) -> list[bytes]:
    """Events of 251 bytes with nested data, of so many types, 1,000 hosts and five messages."""
    dice = random.Random(1)
    return [
        line_of(
            {
                "id": f"e-{number:010d}",
                "type": TYPES[dice.randrange(types)],
                "source": "agent/eu-1",
                "time": time.strftime("%Y-%m-%dT%H:%M:%S.123Z", time.gmtime(FIRST + number // A_SECOND)),
                "severity": ("info", "warning", "critical")[dice.randrange(3)],
                "host": f"web-{dice.randrange(1000):04d}",
                "service": SERVICES[dice.randrange(4)],
                "value": round(dice.random() * 100, 2),
                "data": {
                    "cpu": round(dice.random() * 100, 1),
                    "mem": dice.randrange(1 << 16),
                    "msg": MESSAGES[dice.randrange(5)],
                },
            }
        )
        for number in range(count)
    ]


def hosts(count: int) -> Iterator[dict[str, Any]]:
    """The fields of the events that other engines were measured with: 20 types, 1,000 hosts, in order of time."""
    dice = random.Random(7)
    for number in range(count):
        host = f"host-{dice.randrange(1000):04d}"
        yield {
            "id": f"{number:08x}-{dice.getrandbits(32):08x}",
            "type": KINDS[dice.randrange(20)],
            "source": host,
            "host": host,
            "severity": _SEVERITIES[dice.randrange(8)],
            "service": _SERVICES[dice.randrange(8)],
            "region": _REGIONS[dice.randrange(4)],
            "ts": round(BEGIN + number * APART, 3),
            "cpu": round(dice.random() * 100, 2),
            "mem": round(dice.random() * 100, 2),
            "disk": round(dice.random() * 100, 2),
            "latency_ms": round(dice.random() * 1000, 1),
            "errors": dice.randrange(1000),
        }


def metric_clock(number: int) -> Instant:
    """A moment after the event of that number."""
    return (FIRST + number // A_SECOND + 1) * SECOND


@cache
def host_lines(count: int) -> list[bytes]:
    return [line_of(fields) for fields in hosts(count)]


def host_clock(number: int) -> Instant:
    """When the event of that number happens."""
    return round((BEGIN + number * APART) * SECOND)
