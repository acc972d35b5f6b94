"""Who is calling and what they may do: tokens from a file, by the SHA-256 of each.

A token travels in the Authorization header only, never in a URL. Without a token file the daemon listens on loopback
alone and every caller is `local` with every role; `cepd.web.loopback` then keeps web pages out.
"""

import hashlib
import hmac
import re
import stat
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import msgspec
from starlette.exceptions import HTTPException

from cepd.config.parse import parse
from cepd.model.errors import InputError, RefusedError, StartError

Role: TypeAlias = Literal["ingest", "read", "ack", "trigger", "execute", "admin"]
ROLES: frozenset[Role] = frozenset(get_args(Role))

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,127}", re.ASCII)


class Caller(msgspec.Struct, frozen=True):
    name: str
    roles: frozenset[Role]
    source: str
    """The source of events that name none."""
    tenant: str | None = None


LOCAL = Caller(name="local", roles=ROLES, source="http")


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    sha256: str
    roles: tuple[Role, ...]
    tenant: str | None = None


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tokens: tuple[Token, ...]


def read_tokens(data: bytes) -> tuple[Token, ...]:
    """The tokens of a token file's text: `tokens: [{name, sha256, roles, tenant}]`. Raises InputError."""
    parsed = parse("tokens", data)
    faults = [*parsed.faults, *(fault for document in parsed.documents for fault in document.faults)]
    if faults:
        raise InputError(f"line {faults[0].place.line}: {faults[0].message}", help=faults[0].help)
    if len(parsed.documents) != 1:
        raise InputError("it must hold one document", help="write `tokens:` and a list below it")
    try:
        tokens = msgspec.convert(parsed.documents[0].data, _Document).tokens
    except msgspec.ValidationError as error:
        raise InputError(
            str(error), help=f"each token has name, sha256 and roles of {', '.join(sorted(ROLES))}"
        ) from None
    _check(tokens)
    return tokens


def _check(tokens: tuple[Token, ...]) -> None:
    if not tokens:
        raise InputError("it holds no token", help="add one, or start without the file on a loopback address")
    for token in tokens:
        if not _NAME.fullmatch(token.name):
            raise InputError(f"{token.name!r} is not a name", help="use letters, digits and . _ @ - only")
        if not _SHA256.fullmatch(token.sha256):
            help = 'write 64 lower-case hex digits: printf %s "$TOKEN" | sha256sum'
            raise InputError(f"the sha256 of the token {token.name!r} is not one", help=help)
        if not token.roles:
            raise InputError(
                f"the token {token.name!r} has no role", help=f"give it some of {', '.join(sorted(ROLES))}"
            )
    for what, values in (("name", [one.name for one in tokens]), ("sha256", [one.sha256 for one in tokens])):
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise InputError(f"the {what} {twice!r} is given twice", help="give each token its own")


class TokenFile:
    """The tokens of one file, read at the start and again at each reload. A bad file never replaces good tokens."""

    def __init__(self, path: Path) -> None:
        """Raises StartError where the file cannot be used."""
        self.path = path
        self.error: str | None = None
        """Why the file as it stands now is not in use; None where it is."""
        try:
            self.tokens = read_tokens(path.read_bytes())
        except (OSError, InputError) as error:
            raise StartError(
                f"the token file {path} cannot be used: {error}", help=getattr(error, "help", "")
            ) from None

    def reload(self) -> str | None:
        """Read the file again; where that fails keep what is in use and say why, in `error` too."""
        try:
            self.tokens = read_tokens(self.path.read_bytes())
        except (OSError, InputError) as error:
            self.error = str(error)
        else:
            self.error = None
        return self.error

    def exposure(self) -> str | None:
        """A warning in words where other users of this machine can read the file."""
        if self.path.stat().st_mode & stat.S_IROTH:
            return f"{self.path} can be read by every user of this machine; chmod 640 it"
        return None

    def caller(self, token: bytes) -> Caller | None:
        """Whose token it is. Every entry is compared, each in constant time, so that timing tells nothing."""
        digest = hashlib.sha256(token).hexdigest()
        found = None
        for entry in self.tokens:
            if hmac.compare_digest(entry.sha256, digest):
                found = entry
        if found is None:
            return None
        roles = ROLES if "admin" in found.roles else frozenset(found.roles)
        return Caller(name=found.name, roles=roles, source=found.name, tenant=found.tenant)


def identify(authorization: str | None, tokens: TokenFile) -> Caller:
    """The caller that an Authorization header names. HTTPException 401 with the challenge where it names none."""
    if authorization is None:
        raise _unauthorized("this needs a token: send Authorization: Bearer <token>", "Bearer")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("the Authorization header must be Bearer and a token", "Bearer")
    caller = tokens.caller(token.strip().encode("latin-1"))
    if caller is None:
        raise _unauthorized("the token is not known", 'Bearer error="invalid_token"')
    return caller


def _unauthorized(detail: str, challenge: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": challenge})


def require(caller: Caller, role: Role) -> None:
    """RefusedError naming the role that is missing."""
    if role not in caller.roles:
        raise RefusedError(
            f"the token {caller.name!r} does not have the role {role!r}",
            help=f"it has {', '.join(sorted(caller.roles))}; add {role} in the token file and reload",
        )
