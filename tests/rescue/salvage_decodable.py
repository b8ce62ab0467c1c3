"""Which of the bytes that survive anyone could read: worked out from the original and the pattern
alone, without the program that is measured.

A unit is (needs, covers, mode), lists of ranges of the file. When all that it needs is plain, then
    all     the plain bytes that it covers can be read (text, rows of a table of bytes)
    whole   only when all that it covers is plain (a cell of a table, a sample of a film)
    codes   a compressed stream whose code tables are in `needs`: its plain bytes up to the first
            hole, and later stretches of at least RESYNC bytes: codes fall into step by themselves
What needs lost bytes, as codes whose table is encrypted, nobody can read."""
import bisect, ctypes

RESYNC = 1024
Z_TREES, RAW = 6, -15


def merged(ranges):
    out = []
    for a, b in sorted(ranges):
        if a >= b:
            continue
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return out


def without(ranges, holes):
    """The ranges (sorted or not) but for the holes (sorted, apart)."""
    out = []
    for a, b in ranges:
        i = max(0, bisect.bisect_right(holes, (a, 1 << 62)) - 1)
        for x, y in holes[i:]:
            if x >= b:
                break
            if y <= a:
                continue
            if x > a:
                out.append((a, x))
            a = max(a, y)
        if a < b:
            out.append((a, b))
    return out


def total(ranges):
    return sum(b - a for a, b in ranges)


def decodable(units, holes):
    """The plain bytes that can be read at all."""
    out = []
    for needs, covers, mode in units:
        if total(without(needs, holes)) != total(needs):
            continue
        left = without(covers, holes)
        if mode == "whole":
            if total(left) == total(covers):
                out += left
        elif mode == "all":
            out += left
        else:
            first = covers[0][0] if covers else 0
            out += [(a, b) for a, b in left if a == first or b - a >= RESYNC]
    return merged(out)


class Stream(ctypes.Structure):
    _fields_ = [("next_in", ctypes.c_void_p), ("avail_in", ctypes.c_uint),
                ("total_in", ctypes.c_ulong), ("next_out", ctypes.c_void_p),
                ("avail_out", ctypes.c_uint), ("total_out", ctypes.c_ulong),
                ("msg", ctypes.c_char_p), ("state", ctypes.c_void_p),
                ("zalloc", ctypes.c_void_p), ("zfree", ctypes.c_void_p),
                ("opaque", ctypes.c_void_p), ("data_type", ctypes.c_int),
                ("adler", ctypes.c_ulong), ("reserved", ctypes.c_ulong)]


def deflate_blocks(raw):
    """(begin of the header, its end, end of the block) of each block, in bits: zlib says where."""
    lib, stream = ctypes.CDLL("libz.so.1"), Stream()
    lib.inflateInit2_(ctypes.byref(stream), RAW, b"1.2.11", ctypes.sizeof(stream))
    data, room = ctypes.create_string_buffer(raw, len(raw)), ctypes.create_string_buffer(1 << 20)
    stream.next_in, stream.avail_in = ctypes.addressof(data), len(raw)
    blocks, begun, head = [], 0, None
    while True:
        stream.next_out, stream.avail_out = ctypes.addressof(room), 1 << 20
        result = lib.inflate(ctypes.byref(stream), Z_TREES)
        bit = stream.total_in * 8 - (stream.data_type & 7)
        if stream.data_type & 256 and head is None:
            head = bit
        elif stream.data_type & 128 and bit > begun:
            blocks.append((begun, begun + 3 if head is None else head, bit))
            begun, head = bit, None
        if result != 0:
            break
    lib.inflateEnd(ctypes.byref(stream))
    return blocks


def deflate_units(raw, place):
    """Of a raw deflate stream; place(a, b) gives the ranges of the file for bytes of it."""
    return [(place(a // 8, (h + 7) // 8), place(h // 8, (b + 7) // 8), "codes")
            for a, h, b in deflate_blocks(raw)]


def placed(units, place):
    """Units of a file that lies in another."""
    return [([r for a, b in needs for r in place(a, b)],
             [r for a, b in covers for r in place(a, b)], mode) for needs, covers, mode in units]
