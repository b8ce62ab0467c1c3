"""How nine published variants of eight families skip, as pure functions: a size in, ranges out.
The ranges of a buffer are then overwritten by a keystream. For tests: no files, no keys kept."""
import hashlib

from salvage_decodable import merged

KIB, MIB = 1 << 10, 1 << 20


def runs(start, run, stride, end, count=None):
    at, out = start, []
    while at < end and (count is None or len(out) < count):
        out.append((at, min(at + run, end)))
        at += stride
    return out


def basta(n):
    return runs(0, 64, 192, n & ~63) if n >= 5000 else [(0, n & ~63)]


def basta_large(n):
    """As of files above 1 GiB."""
    return [(0, 5000)] + runs(5000, 64, 6400, n)


def akira(n, percent=15):
    if n <= 2000000:
        return [(0, n * percent // 100)]
    run = n * percent // 100 // 3
    return runs(0, run, (n - 2 * run) // 3, n, 2)


def play(n):
    if n <= 16711680:
        return [(0, min(n, MIB))]
    middle = (n - 2 * MIB) // MIB
    return [(0, MIB)] + runs(2 * MIB, MIB, 2 * MIB, n - MIB, middle // 2) + [(n - MIB, n)]


def qilin(n):
    return runs(0, 64 * KIB, 1088 * KIB, n)


def blackcat(n):
    return [(0, MIB)] + runs(MIB + 4 * MIB, 256 * KIB, 256 * KIB + 4 * MIB, n)


def bianlian(n):
    return runs(0, 32 * KIB, 544 * KIB, n)


def lockbit3(n):
    return [(0, 0x20000)] + runs(0x20000 * 9, 0x20000, 0x20000 * 9, n)


def royal(n, percent=20):
    if n <= 5245000:
        return [(0, n)]
    tenth = n // 10
    return runs(0, tenth * percent // 100 & ~15, tenth, n, 10)


PATTERNS = {"basta": basta, "basta-1G": basta_large, "akira": akira, "play": play,
            "qilin": qilin, "blackcat": blackcat, "bianlian": bianlian, "lockbit3": lockbit3,
            "royal": royal}
TRAILERS = {"akira": 534, "play": 1064, "qilin": 550, "royal": 532}


def encrypt(plain, pattern, seed):
    """The file as the family leaves it, and the ranges of it that are ciphertext."""
    ranges = merged((a, min(b, len(plain))) for a, b in PATTERNS[pattern](len(plain)))
    stream = hashlib.shake_256(seed.encode()).digest(sum(b - a for a, b in ranges) +
                                                     TRAILERS.get(pattern, 0))
    out, at = bytearray(plain), 0
    for a, b in ranges:
        n = b - a
        out[a:b] = (int.from_bytes(plain[a:b], "little") ^
                    int.from_bytes(stream[at:at + n], "little")).to_bytes(n, "little")
        at += n
    return bytes(out) + stream[at:], ranges
