"""TFRecord files seen from outside: where records lie, whether they are whole, which is damaged."""

import hashlib
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from roadseg.errors import RoadsegError

_HEADER, _FOOTER = 12, 4  # length (8 bytes) and its checksum; checksum of the data
_POLYNOMIAL = 0x82F63B78
_LANES = 1024  # pieces of a record whose checksums are computed side by side


def count_records(path: Path) -> int:
    """Return the number of records in a file, by hopping from length to length.

    Reads 16 bytes a record, none of the data. Raises RoadsegError for a truncated file.
    """
    return sum(1 for _ in _hops(path))


def record_spans(path: Path) -> np.ndarray:
    """Return (first byte, length) of the data of every record of a file, (records, 2) int64.

    Raises RoadsegError for a truncated file.
    """
    spans = [(start, length) for start, length, _ in _hops(path)]
    return np.array(spans, np.int64).reshape(-1, 2)


def fingerprint(path: Path) -> str:
    """Return what tells the content of a file from any other: its lengths and checksums, hashed."""
    digest = hashlib.sha256()
    for _, _, marks in _hops(path):
        digest.update(marks)
    return digest.hexdigest()[:32]


def read_record(path: Path, start: int, length: int) -> bytes:
    """Return the data of one record; raise RoadsegError if it is cut short or damaged."""
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(length + _FOOTER)
    if len(data) < length + _FOOTER:
        raise RoadsegError(f"{path}: shorter than at the start; convert the data set again")
    data, mark = data[:length], struct.unpack("<I", data[length:])[0]
    if masked_crc(data) != mark:
        raise RoadsegError(
            f"{path}: the record at byte {start - _HEADER} is damaged (its checksum differs); copy "
            "the file again, or convert the data set again"
        )
    return data


def first_damage(path: Path) -> str | None:
    """Return which record of a file is damaged first, in words; None if all are sound."""
    try:
        for number, (start, length, marks) in enumerate(_hops(path)):
            try:
                if masked_crc(marks[:8]) != struct.unpack_from("<I", marks, 8)[0]:
                    return f"{path}, record {number}: damaged (the checksum of its length differs)"
                read_record(path, start, length)
            except RoadsegError:
                return f"{path}, record {number}: damaged (its checksum differs)"
    except RoadsegError as error:
        return str(error).partition(";")[0]
    return None


def masked_crc(data: bytes) -> int:
    """Return the checksum of a record's data as TFRecord files keep it: CRC-32C, masked."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of `data`, 2 MB in some 20 ms.

    The bytes are cut into equal lanes, whose checksums NumPy computes side by side; they are then
    put together two by two, since a checksum is linear in what comes before it.
    """
    table, _ = _tables()
    crc = 0xFFFFFFFF
    steps = len(data) // _LANES
    if steps >= 16:
        lanes = np.frombuffer(data, np.uint8, _LANES * steps).reshape(_LANES, steps)
        found = np.zeros(_LANES, np.uint32)
        # Contiguous, so that each step reads its bytes in a row.
        for column in np.ascontiguousarray(lanes.T):
            found = table[(found ^ column) & 255] ^ (found >> np.uint32(8))
        shift = _zeros_operator(steps)
        while len(found) > 1:
            found = _apply(shift, found[0::2]) ^ found[1::2]
            # Twice as many zeros: the next pieces are twice as long.
            shift = _apply(shift, shift)
        whole = _apply(shift, np.array([crc], np.uint32)) ^ found
        crc = int(whole[0])
    for value in data[_LANES * steps if steps >= 16 else 0 :]:
        crc = int(table[(crc ^ value) & 255]) ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _hops(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield (first byte of the data, length, length and both checksums) of every record."""
    size, position, count = path.stat().st_size, 0, 0
    with path.open("rb") as file:
        while position < size:
            file.seek(position)
            header = file.read(_HEADER)
            start = position + _HEADER
            # A header cut short: its record ends beyond the file in any case.
            length = struct.unpack_from("<Q", header)[0] if len(header) == _HEADER else size
            position = start + length + _FOOTER
            if position > size:
                raise RoadsegError(
                    f"{path}: truncated after {count} records; convert the data set again"
                )
            file.seek(position - _FOOTER)
            yield start, length, header + file.read(_FOOTER)
            count += 1


@cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Return the checksum's step for each byte, and its operator for one bit of zeros."""
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, np.uint32(_POLYNOMIAL) ^ (values >> 1), values >> 1)
    bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
    one = np.where(bits & 1, np.uint32(_POLYNOMIAL) ^ (bits >> 1), bits >> 1).astype(np.uint32)
    return values.astype(np.uint32), one


@cache
def _zeros_operator(count: int) -> np.ndarray:
    """Return what `count` bytes of zeros make of a checksum: its image of each of the 32 bits."""
    result = np.uint32(1) << np.arange(32, dtype=np.uint32)
    power = _tables()[1]
    bits = 8 * count
    while bits:
        if bits & 1:
            result = _apply(power, result)
        power = _apply(power, power)
        bits >>= 1
    return result


def _apply(operator: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return an operator on 32 bits, (32,), applied to each of `values`; all uint32."""
    result = np.zeros_like(values)
    for bit in range(32):
        chosen = (values >> np.uint32(bit)) & np.uint32(1)
        result ^= np.where(chosen, operator[bit], np.uint32(0))
    return result
