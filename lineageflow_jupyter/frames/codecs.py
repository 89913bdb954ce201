"""Stored values: how the buffers of one chunk or manifest lie in a pack, compressed where that pays.

The form of a stored value is not part of any id: it may change without renaming an object. What the buffers mean
belongs to ``frames.canonical`` and ``model.objects``; checksums and packs belong to ``store``. Layout (little-endian;
``docs/format.md``)::

    u8 form   u8 W     bytes of each number that follows: 1, 2, 4 or 8
    uW count  uW header length
    count times:  u8 codec  u8 filter  uW raw bytes  uW stored bytes
    header, then the stored buffers in order, to the last byte of the value

Codec 0 is raw, 1 a Blosc frame (its own header names compressor and shuffle). A filter other than 0 says that the
frame holds integers ``n`` of 4 or 8 bytes (its low 4 bits) after a u64 ``base`` and a u64 ``unit``, and that the buffer
is ``base + unit * n``, or with `SUMMED` ``base + unit * (n[0] + … + n[i])``, modulo 2 to the number of bits.
"""

from __future__ import annotations

import math
import os
import struct
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineageflow_jupyter.errors import CorruptData, NewerFormat

FORM_FULL, FORM_PATCH, FORM_SELECTION = 0, 1, 2
"""Forms of a stored value; what header and buffers of a patch or selection mean is in ``derived``."""

RAW, BLOSC = 0, 1
NO_FILTER, SUMMED = 0, 16

SMALLEST = 256
"""Buffers below so many bytes are stored raw: the Blosc header alone takes 16."""
SMALL = 16 * 1024
"""Up to so many bytes a buffer is compressed as it is: to look for a better form costs more than it saves."""
LARGEST = 2**31 - 17
"""Blosc's limit; what is larger is stored raw."""
BLOCK = 1 << 20
"""One block a chunk, in all but very long text: smaller and faster than Blosc's own choice (docs/decisions/002)."""
WORTHWHILE = 1 / 32
"""Share of the bytes that compression must save."""

WORTH_ZSTD = 0.85
"""Zstd takes several times as long as LZ4 both ways: it must make a sample this much smaller than LZ4 does."""

_SAMPLE = 1024
_TRIAL = 32 * 1024
_ZSTD, _LZ4 = (b"zstd", 1), (b"lz4", 5)
_SMALLEST_UNIT = 100
_FILTERS = (NO_FILTER, 4, 8, 4 | SUMMED, 8 | SUMMED)
_PREFACE = struct.Struct("<QQ")
_NUMBERS = {1: "<BB", 2: "<HH", 4: "<II", 8: "<QQ"}
_ENTRIES = {1: "<BBBB", 2: "<BBHH", 4: "<BBII", 8: "<BBQQ"}
_BLOSC_HEADER = struct.Struct("<BBBBIII")
_MEMCPYED = 2
_FSCK = "Run fsck to see what is damaged"

Bytes = npt.NDArray[np.uint8]


def encode_value(header: bytes, buffers: Sequence[Any], widths: Sequence[int], *, form: int = FORM_FULL) -> list[Any]:
    """Encode a header and buffers as one stored value.

    Parameters
    ----------
    header : bytes
        Kept as it is.
    buffers : sequence of bytes-like
        Contiguous, of any length.
    widths : sequence of int
        For each buffer, bytes of one element; 1 for text and bitmaps.
    form : int
        What header and buffers mean.

    Returns
    -------
    list of bytes-like
        Parts of the stored value, in order. Buffers that are stored raw are not copied.
    """
    views = [_flat(buffer) for buffer in buffers]
    if any(SMALLEST <= len(view) <= LARGEST for view in views):
        stored = _off_main_thread(_store_all, views, widths)
    else:
        stored = [(RAW, NO_FILTER, view) for view in views]
    largest = max([len(header), len(views), *map(len, views)])
    width = next(width for width in _NUMBERS if largest < 1 << 8 * width)
    entry = struct.Struct(_ENTRIES[width])
    prefix = bytearray((form, width))
    prefix += struct.pack(_NUMBERS[width], len(views), len(header))
    for view, (codec, filter_, data) in zip(views, stored, strict=True):
        prefix += entry.pack(codec, filter_, len(view), len(data))
    return [bytes(prefix) + header, *(data for _, _, data in stored if len(data))]


@dataclass(frozen=True, slots=True, eq=False)
class StoredValue:
    """A parsed stored value, whose buffers are decoded when they are asked for.

    Parameters
    ----------
    header : memoryview
        As it was encoded.
    sizes : tuple of int
        Bytes of each decoded buffer.
    form : int
        What header and buffers mean.
    """

    header: memoryview
    sizes: tuple[int, ...]
    form: int
    _stored: tuple[tuple[int, int, memoryview], ...]

    def read(self, position: int) -> Bytes:
        """Decode a buffer into new, writable memory."""
        out = np.empty(self.sizes[position], np.uint8)
        self.read_into(position, out)
        return out

    def read_into(self, position: int, out: Any) -> None:
        """Decode a buffer into `out`.

        Parameters
        ----------
        position : int
            Which buffer.
        out : writable buffer
            Of exactly ``sizes[position]`` bytes, contiguous.

        Raises
        ------
        CorruptData
            If the stored bytes do not decode.
        """
        size = self.sizes[position]
        target = memoryview(out)
        if target.nbytes != size:
            raise ValueError(f"a buffer of {size} bytes was expected, not {target.nbytes}")
        if size == 0:
            return
        codec, filter_, data = self._stored[position]
        values = np.frombuffer(target, np.uint8)
        if codec == RAW:
            values[:] = np.frombuffer(data, np.uint8)
            return
        if filter_ == NO_FILTER:
            _off_main_thread(_decompress, data, values)
            return
        base, unit = _PREFACE.unpack_from(data)
        _off_main_thread(_decompress, data[_PREFACE.size :], values)
        numbers = values.view(f"<u{filter_ & ~SUMMED}")
        if unit != 1:
            numbers *= numbers.dtype.type(unit)
        if filter_ & SUMMED:
            np.add.accumulate(numbers, out=numbers)
        numbers += numbers.dtype.type(base)


def first_buffers(values: Sequence[Any]) -> list[Bytes]:
    """Decode the first buffer of each of many stored values, with one change of threads instead of one each.

    Parameters
    ----------
    values : sequence of bytes-like
        As `parse_value` takes them.

    Raises
    ------
    CorruptData
        If one is damaged.
    """
    found: list[Bytes] = _off_main_thread(lambda: [parse_value(value).read(0) for value in values])
    return found


def parse_value(data: Any) -> StoredValue:
    """Parse a stored value; nothing is decoded and nothing large is allocated.

    Parameters
    ----------
    data : bytes-like
        The stored value, whole. The result refers to it.

    Raises
    ------
    CorruptData
        If the bytes contradict themselves.
    NewerFormat
        If a later version of LineageFlow wrote them.
    """
    view = _flat(data)
    if len(view) < 2:
        raise _corrupt(f"it has {len(view)} bytes")
    form, width = view[0], view[1]
    if form not in (FORM_FULL, FORM_PATCH, FORM_SELECTION):
        raise _newer("form", form)
    if width not in _NUMBERS:
        raise _corrupt(f"its numbers have {width} bytes")
    at = 2 + 2 * width
    if len(view) < at:
        raise _corrupt("it ends within its first numbers")
    count, header_length = struct.unpack_from(_NUMBERS[width], view, 2)
    entry = struct.Struct(_ENTRIES[width])
    header_at = at + count * entry.size
    body_at = header_at + header_length
    if body_at > len(view):
        raise _corrupt("it ends within its table of buffers")
    sizes, stored, position = [], [], body_at
    for codec, filter_, raw, length in entry.iter_unpack(view[at:header_at]):
        if length > len(view) - position:
            raise _corrupt("it ends within a buffer")
        piece = view[position : position + length]
        _check_buffer(codec, filter_, raw, piece)
        sizes.append(raw)
        stored.append((codec, filter_, piece))
        position += length
    if position != len(view):
        raise _corrupt(f"{len(view) - position} bytes follow its last buffer")
    return StoredValue(view[header_at:body_at], tuple(sizes), form, tuple(stored))


def _flat(data: Any) -> memoryview:
    view = memoryview(data)
    return view.cast("B") if view.nbytes else memoryview(b"")  # cast refuses shapes with a zero


def _corrupt(found: str) -> CorruptData:
    return CorruptData(f"a stored value is damaged: {found}", remedy=_FSCK)


def _newer(what: str, number: int) -> NewerFormat:
    return NewerFormat(
        f"a stored value has {what} {number}, which this LineageFlow does not know",
        remedy="Update LineageFlow (pip install -U lineageflow-jupyter)",
    )


def _check_buffer(codec: int, filter_: int, raw: int, piece: memoryview) -> None:
    """See to it that the claimed size is true before anyone allocates it."""
    if codec not in (RAW, BLOSC):
        raise _newer("codec", codec)
    if filter_ not in _FILTERS:
        raise _newer("filter", filter_)
    if codec == RAW:
        if raw != len(piece) or filter_ != NO_FILTER:
            raise _corrupt(f"a raw buffer has {len(piece)} bytes, claims {raw} and has filter {filter_}")
        return
    if filter_ != NO_FILTER:
        width = filter_ & ~SUMMED
        if raw % width or len(piece) < _PREFACE.size or max(_PREFACE.unpack_from(piece)) >> 8 * width:
            raise _corrupt(f"a filter for integers of {width} bytes does not fit a buffer of {raw}")
        piece = piece[_PREFACE.size :]
    if len(piece) < _BLOSC_HEADER.size:
        raise _corrupt("a compressed buffer ends within its header")
    _, _, flags, _, size, block, length = _BLOSC_HEADER.unpack_from(piece)
    if size != raw or length != len(piece):
        raise _corrupt(f"a compressed buffer has {len(piece)} bytes for {raw}, its header says {length} for {size}")
    if not 0 < block <= max(size, 1):
        raise _corrupt(f"a compressed buffer of {size} bytes has blocks of {block}")
    if not flags & _MEMCPYED and _BLOSC_HEADER.size + 4 * -(-size // block) > length:
        raise _corrupt(f"a compressed buffer of {length} bytes cannot hold {size} in blocks of {block}")


def _store_all(views: Sequence[memoryview], widths: Sequence[int]) -> list[tuple[int, int, Any]]:
    return [_store(view, width) for view, width in zip(views, widths, strict=True)]


def _store(view: memoryview, width: int) -> tuple[int, int, Any]:
    """Codec, filter and stored bytes of one buffer."""
    size = len(view)
    if not SMALLEST <= size <= LARGEST:
        return RAW, NO_FILTER, view
    if width not in (2, 4, 8, 16, 32) or size % width:
        width = 1
    filter_, data = NO_FILTER, None
    if width in (4, 8) and size > SMALL:
        numbers: Any = np.frombuffer(view, f"<i{width}")
        sample = np.ascontiguousarray(numbers[:: max(1, len(numbers) // _SAMPLE)])
        reduced = _reduced(numbers, sample)
        if reduced is not None:
            filter_, preface, smaller = reduced
            data = preface + _compress(smaller, width)
        elif _repeats(sample):
            data = _compress(view, 1)  # whole values recur, which shuffled bytes would hide
    if data is None or (filter_ == NO_FILTER and len(data) * 2 > size):
        shuffled = _compress(view, width)
        data = shuffled if data is None or len(shuffled) <= len(data) else data
    if len(data) > size - size * WORTHWHILE:
        return RAW, NO_FILTER, view
    return BLOSC, filter_, data


def _reduced(numbers: Any, sample: Any) -> tuple[int, bytes, Any] | None:
    """Filter, preface and smaller integers, for what is sorted or counts in a coarse unit, else None."""
    width = numbers.itemsize
    mask = (1 << 8 * width) - 1
    differences = _differences(numbers, sample)
    if differences is not None:
        unit = _unit(differences, differences[1 :: max(1, len(differences) // 32)])
        smaller = differences if unit == 1 else differences // unit
        return width | SUMMED, _PREFACE.pack(int(numbers[0]) & mask, unit), smaller
    few = sample[:: max(1, len(sample) // 32)]
    if _common_unit(few, int(few[0])) == 1:  # almost always
        return None
    base = int(numbers.min())
    above = numbers.view(f"<u{width}") - np.array(base, numbers.dtype).view(f"<u{width}")
    unit = _unit(above, above[:: max(1, len(above) // 32)])
    return None if unit == 1 else (width, _PREFACE.pack(base & mask, unit), above // unit)


def _differences(numbers: Any, sample: Any) -> Any | None:
    """Zero and then the differences of what rises or falls throughout, else None."""
    rises, falls = bool((sample[1:] >= sample[:-1]).all()), bool((sample[1:] <= sample[:-1]).all())
    if rises == falls:  # neither, or constant
        return None
    out = np.empty_like(numbers)
    out[0] = 0
    np.subtract(numbers[1:], numbers[:-1], out=out[1:])  # wraps around where it must; so does the sum
    steady = (out >= 0).all() if rises else (out <= 0).all()
    return out if steady else None


def _unit(numbers: Any, few: Any) -> int:
    """Unit of which all numbers are multiples: seconds in nanoseconds, cents in tenths; 1 where there is no use."""
    unit = _common_unit(few, 0)
    if unit == 1:
        return 1
    quotient = numbers // numbers.dtype.type(unit)
    quotient *= numbers.dtype.type(unit)
    return unit if bool((quotient == numbers).all()) else 1


def _common_unit(few: Any, base: int) -> int:
    unit = math.gcd(*(value - base for value in few.tolist()))
    coarse = unit >= _SMALLEST_UNIT and unit & (unit - 1)  # shuffled bytes show powers of two by themselves
    return unit if coarse and not unit >> (8 * few.itemsize - 1) else 1


def _repeats(sample: Any) -> bool:
    """Whether whole values recur although several of their bytes vary: prices, codes, coordinates on a grid."""
    varying = np.bitwise_or.reduce(sample ^ sample[0]).tobytes()
    if len(varying) - varying.count(0) < 3:
        return False
    ordered = np.sort(sample)
    equal = ordered[1:] == ordered[:-1]
    several = int(np.count_nonzero(equal[1:] > equal[:-1]))  # values found twice or more, less perhaps the first
    return several * 100 > len(sample) or int(np.count_nonzero(equal)) * 2 > len(sample)


def _compress(data: Any, width: int) -> Any:
    """Blosc frame, by the compressor that a sample from the middle speaks for."""
    from numcodecs import blosc

    # The element width is passed through the dtype: the oldest supported numcodecs has no argument for it.
    typed = np.frombuffer(data, np.uint8).view("u1" if width == 1 else f"V{width}" if width > 8 else f"<u{width}")
    shuffle = blosc.NOSHUFFLE if width == 1 else blosc.SHUFFLE
    if len(typed) * width < 4 * _TRIAL:
        return blosc.compress(typed, *_ZSTD, shuffle, BLOCK)
    middle = len(typed) // 2
    trial = typed[middle : middle + _TRIAL // width]
    dense, quick = (len(blosc.compress(trial, *compressor, shuffle, BLOCK)) for compressor in (_ZSTD, _LZ4))
    return blosc.compress(typed, *(_ZSTD if dense < quick * WORTH_ZSTD else _LZ4), shuffle, BLOCK)


def _decompress(data: memoryview, out: Bytes) -> None:
    from numcodecs import blosc

    try:
        blosc.decompress(data, out)
    except (RuntimeError, ValueError) as error:
        raise _corrupt(f"a compressed buffer does not decode ({error})") from error


_lock = threading.Lock()
_worker: ThreadPoolExecutor | None = None


def _off_main_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Call where numcodecs uses no state of the process.

    On the main thread numcodecs compresses with Blosc's process-wide context, its threads and a lock, unless a global
    that belongs to the user says otherwise. On any other thread each call has a context of its own.
    """
    global _worker
    if threading.current_thread() is not threading.main_thread():
        return function(*args)
    try:
        with _lock:
            if _worker is None:
                _worker = ThreadPoolExecutor(1, thread_name_prefix="lineageflow-codec")
            future = _worker.submit(function, *args)
    except RuntimeError:  # the interpreter is shutting down and starts no threads any more
        return function(*args)
    return future.result()


def _after_fork() -> None:
    global _worker, _lock
    _worker, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
