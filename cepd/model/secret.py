"""References to secrets. The value itself is read at use, by an adapter, and lives nowhere else."""

import msgspec

from cepd.model.json import Json


class SecretRef(msgspec.Struct, frozen=True):
    """`{env: NAME}` or `{file: PATH}`: exactly one of them."""

    env: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return f"env:{self.env}" if self.env is not None else f"file:{self.file}"


def read_reference(value: Json) -> SecretRef | None:
    """The reference that a document's value is; None where it is anything else."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((kind, name),) = value.items()
    if kind not in ("env", "file") or not isinstance(name, str):
        return None
    return SecretRef(env=name) if kind == "env" else SecretRef(file=name)
