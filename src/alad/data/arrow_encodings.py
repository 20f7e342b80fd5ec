"""Decode the Arrow encodings that most kernels do not support."""

from typing import Any

import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute  # made at import, where type checkers do not see it

RawColumn = Any  # pa.Array | pa.ChunkedArray: classes that type checkers do not see


def plain(raw: RawColumn) -> RawColumn:
    """Convert a column to an Arrow encoding that every kernel supports.

    Text views, run-end encoding, 8-bit booleans, and dictionaries of these come from polars,
    DataFusion and others; intervals of numbers (pandas.cut) become the text that pandas shows.
    Other columns are returned unchanged.
    """
    kind = raw.type
    if isinstance(raw, pa.ChunkedArray):
        special = raw.num_chunks and _is_special(kind)
        return pa.chunked_array([plain(chunk) for chunk in raw.chunks]) if special else raw
    if kind == pa.string_view():
        return raw.cast(pa.large_string())
    if pa.types.is_run_end_encoded(kind):
        return plain(pc.run_end_decode(raw))
    if pa.types.is_dictionary(kind) and _is_special(kind.value_type):
        return pa.DictionaryArray.from_arrays(raw.indices, plain(raw.dictionary))
    name = getattr(kind, "extension_name", "")
    if name == "arrow.bool8":
        return pc.not_equal(raw.storage, pa.scalar(0, pa.int8()))
    return _interval_text(raw) if name == "pandas.interval" else raw


def _is_special(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_special(kind.value_type)
    extension = getattr(kind, "extension_name", "") in ("arrow.bool8", "pandas.interval")
    return kind == pa.string_view() or pa.types.is_run_end_encoded(kind) or extension


def _interval_text(raw: RawColumn) -> RawColumn:
    """Format intervals as pandas shows them, (0.5, 1.0]; those of dates stay unchanged."""
    if pa.types.is_temporal(raw.type.subtype):
        return raw
    opening = "[" if raw.type.closed in ("left", "both") else "("
    closing = "]" if raw.type.closed in ("right", "both") else ")"
    cells = raw.storage.to_pylist()
    texts = [cell and f"{opening}{cell['left']}, {cell['right']}{closing}" for cell in cells]
    return pa.array(texts, pa.large_string())
