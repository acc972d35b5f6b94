"""Snapshots: the engine's state as bytes. JSON, because keys may hold integers that no binary format takes."""

import msgspec

from cepd.engine.muting import Muting
from cepd.engine.state import RuleState
from cepd.engine.watermarks import Watermark
from cepd.model.errors import InputError

FORMAT = 3


class EngineState(msgspec.Struct):
    """`watermark` is None before the first row; it holds the engine's clock. `units` holds what each unit saved, by
    State fingerprint."""

    watermark: Watermark | None = None
    rules: dict[str, RuleState] = msgspec.field(default_factory=dict)
    units: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)
    muting: Muting = msgspec.field(default_factory=Muting)


class _Snapshot(msgspec.Struct):
    format: int
    state: EngineState


class _Format(msgspec.Struct):
    format: int


class SavedState(msgspec.Struct):
    """An EngineState whose rules are encoded already, each by itself."""

    watermark: Watermark | None
    rules: dict[str, msgspec.Raw]
    units: dict[str, msgspec.Raw]
    muting: Muting


class _Saved(msgspec.Struct):
    format: int
    state: SavedState


def encode_state(state: SavedState) -> bytes:
    return msgspec.json.encode(_Saved(FORMAT, state))


def decode_state(data: bytes) -> EngineState:
    """Raises InputError for bytes that are no snapshot, or one of another format."""
    try:
        found = msgspec.json.decode(data, type=_Format).format
        if found != FORMAT:
            raise InputError(
                f"the snapshot has format {found}, this cepd reads {FORMAT}", help="replay the journal instead"
            )
        return msgspec.json.decode(data, type=_Snapshot).state
    except ValueError as error:
        raise InputError(f"these bytes are no snapshot: {error}", help="replay the journal instead") from None
