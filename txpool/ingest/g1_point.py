"""What is wrong with the 48 bytes of a point of BLS12-381's first group, in the words of geth's library.

c-kzg only says that something is. This is the slow way to say what, for those that it has refused already.
"""

from typing import Final

_PRIME: Final = int(
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab", 16
)
_ORDER: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_CURVE_B: Final = 4

# The three leading bits: compressed, infinity, the larger of the two y.
_UNCOMPRESSED: Final = frozenset({0b000, 0b010})
_NO_ENCODING: Final = frozenset({0b001, 0b011, 0b111})
_INFINITY: Final = 0b110

# Jacobian coordinates; z is 0 at infinity.
Point = tuple[int, int, int]


def point_fault(text: bytes) -> str | None:
    """The fault, or None for a point of the group."""
    flags = text[0] >> 5
    x = int.from_bytes(text, "big") & (1 << 381) - 1
    if flags in _NO_ENCODING:
        return "invalid point encoding"
    if flags in _UNCOMPRESSED:
        return "short buffer"
    if flags == _INFINITY:
        return "invalid infinity point encoding" if x else None
    if x >= _PRIME:
        return "invalid fp.Element encoding"
    y_squared = (x**3 + _CURVE_B) % _PRIME
    y = pow(y_squared, (_PRIME + 1) // 4, _PRIME)
    if y * y % _PRIME != y_squared:
        return "invalid compressed coordinate: square root doesn't exist"
    return None if _times_order_is_infinity(x, y) else "invalid point: subgroup check failed"


def _times_order_is_infinity(x: int, y: int) -> bool:
    total: Point = (0, 1, 0)
    for bit in f"{_ORDER:b}":
        total = _double(total)
        if bit == "1":
            total = _add_affine(total, x, y)
    return total[2] == 0


def _double(point: Point) -> Point:
    x, y, z = point
    y_squared = y * y % _PRIME
    s = 4 * x * y_squared % _PRIME
    m = 3 * x * x % _PRIME
    doubled = (m * m - 2 * s) % _PRIME
    return doubled, (m * (s - doubled) - 8 * y_squared * y_squared) % _PRIME, 2 * y * z % _PRIME


def _add_affine(point: Point, x: int, y: int) -> Point:
    """Add a point of z 1; equal points are doubled."""
    x1, y1, z1 = point
    if not z1:
        return x, y, 1
    z_squared = z1 * z1 % _PRIME
    h = (x * z_squared - x1) % _PRIME
    r = (y * z_squared * z1 - y1) % _PRIME
    if not h:
        return _double(point) if not r else (0, 1, 0)
    h_squared = h * h % _PRIME
    h_cubed = h * h_squared % _PRIME
    v = x1 * h_squared % _PRIME
    x3 = (r * r - h_cubed - 2 * v) % _PRIME
    return x3, (r * (v - x3) - y1 * h_cubed) % _PRIME, z1 * h % _PRIME
