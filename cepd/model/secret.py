"""References to secrets. The value itself is read at use, by an adapter, and lives nowhere else."""

import msgspec


class SecretRef(msgspec.Struct, frozen=True):
    """`{env: NAME}` or `{file: PATH}`: exactly one of them."""

    env: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return f"env:{self.env}" if self.env is not None else f"file:{self.file}"
