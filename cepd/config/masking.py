"""What looks like a secret, and texts without it. Length is kept, so that positions stay true."""

import re

TOKEN = re.compile(
    r"""
      whsec_[A-Za-z0-9+/=_-]{16,}
    | gh[pousr]_[A-Za-z0-9]{20,} | github_pat_[A-Za-z0-9_]{20,} | glpat-[A-Za-z0-9_-]{16,}
    | xox[abeoprs]-[A-Za-z0-9-]{10,} | xapp-[A-Za-z0-9-]{10,}
    | hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9_/-]{16,}
    | discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{16,}
    | (?:AKIA|ASIA)[A-Z0-9]{16}
    | (?:sk|rk)_live_[A-Za-z0-9]{16,} | sk-[A-Za-z0-9_-]{20,} | SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}
    | AIza[A-Za-z0-9_-]{30,} | [0-9]{8,10}:AA[A-Za-z0-9_-]{30,}
    | eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}
    | -----BEGIN[ A-Z]*PRIVATE\ KEY-----
    """,
    re.VERBOSE,
)
URL_PASSWORD = re.compile(r"[a-zA-Z0-9+.-]://[^/\s:@]*:(?P<value>[^/\s@]+)@")
_NAMES = r"(?:secret|password|passwd|token|authorization|api[_-]?key|routing[_-]?key|access[_-]?key|credential)s?"
SECRET_FIELD = re.compile(rf"{_NAMES}$", re.IGNORECASE)
_FIELD_ON_LINE = re.compile(rf"""{_NAMES}["']?\s*:\s*(?!\{{|\[)(?P<value>[^\s,}}\]].*)""", re.IGNORECASE)


def without_tokens(text: str) -> str:
    """The text with every token, key and password in an address replaced by stars."""
    return URL_PASSWORD.sub(_starred, TOKEN.sub(_starred, text))


def masked(line: str) -> str:
    """A line of a file without tokens, and without what stands behind fields such as `password:`."""
    return _FIELD_ON_LINE.sub(_starred, without_tokens(line))


def _starred(found: re.Match[str]) -> str:
    group = "value" if "value" in found.re.groupindex else 0
    start, end = found.start(group) - found.start(), found.end(group) - found.start()
    return found[0][:start] + "*" * (end - start) + found[0][end:]
