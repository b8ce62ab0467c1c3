#!/usr/bin/env python3
"""As round.py, for families that mark what they encrypt, or seal it with two keys: TeslaRVNG, Mimic, Surtr, Fonix,
HardBit, DeadBolt.

usage: round_marked.py PROGRAM
"""
import base64
import hashlib
import hmac
import os
import struct
import sys
import tempfile

import round as made
from round import Cipher, algorithms, chacha20, curve_key, modes, noise, oaep, pkcs1, plain_of, raw_public, \
    rsa_key, salsa_raw, xor

TESLA_BEGIN, TESLA_END = bytes.fromhex("fee76bb3"), bytes.fromhex("dc2d7f")
HERMES_LINE = 72


def at_64_bits(key, nonce, data):
    """ChaCha20 with the nonce of 8 bytes of its author's."""
    return Cipher(algorithms.ChaCha20(key, bytes(8) + nonce), None).encryptor().update(data)


def salsa20(key, nonce, data):
    text, words = struct.unpack("<4I", b"expand 32-byte k"), struct.unpack("<8I", key)
    state = [text[0], *words[:4], text[1], *struct.unpack("<2I", nonce), 0, 0, text[2], *words[4:], text[3]]
    return salsa_raw(struct.pack("<16I", *state), data)


def cbc(key, iv, data, padded=True):
    fill = 16 - len(data) % 16 if padded else -len(data) % 16
    data += bytes([fill if padded else 0]) * fill
    return Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor().update(data)


def run_over(data, runs, stream):
    """A stream that runs on over (place, length)."""
    used = 0
    joined = b"".join(bytes(data[at:at + length]) for at, length in runs)
    joined = stream(joined)
    for at, length in runs:
        length = min(length, len(data) - at)
        data[at:at + length] = joined[used:used + length]
        used += length


# --------------------------------------------------------------------------------- families

def teslarvng(keys, plain, skip=0, blocks=1):
    rsa_one, curve = keys
    own, mine, data, size = noise(40), curve_key(), bytearray(plain), len(plain)
    hashed = hashlib.sha384(mine.exchange(curve.public_key())).digest()
    inner = at_64_bits(hashed[:32], hashed[32:40], own + struct.pack("<BH", skip, blocks))
    header = TESLA_BEGIN + struct.pack("<I", 7) + oaep(rsa_one, inner + raw_public(mine), hashlib.sha384)
    block = min(blocks << 16, 2 << 20) if skip else blocks << 16
    step, block = block * (skip + 1), min(block, size)
    last = bool(skip) and size > block
    stop = size - block if last else size
    runs = [(0, block)]
    for at in range(step, stop, step):
        runs.append((at, min(block, stop - at)))
    if last:
        runs.append((max(block, size - block), min(block, size - block)))
    run_over(data, runs, lambda joined: at_64_bits(own[:32], own[32:], joined))
    if size <= len(header):
        return header + bytes(data) + TESLA_END
    return header + bytes(data[len(header):] + data[:len(header)]) + TESLA_END


def mimic_weight(letters):
    ret = 0.
    for i, letter in enumerate(letters):
        ret += letter * (0.0001 if i % 2 else 0.00001)
    return ret


def mimic_runs(key, size, block, percent):
    letters = base64.urlsafe_b64encode(key)[:43]
    rest = size - 2 * block
    each = (rest >> 24) * 2 + 1
    count = int((int(each / 0.6) - each + 1) * (mimic_weight(letters) * 1.4) + each)
    part = rest // count
    middle = part * percent // 100
    least = int(middle * 0.85)
    most = 2 * middle - least
    if most > part:
        least, most = 2 * middle - part, part
    runs = [(0, block)]
    for i in range(count):
        turn = i % 43 - 1 if i > 43 else i
        share = mimic_weight(letters[43 - max(turn, 1):]) * 1.4
        length = min(8 << 20, int(least + (most - least + 1) * share))
        runs.append((int(part * i + block + share * (part - length + 1)), length))
    return runs + [(size - block, block)]


def mimic_trailer(key, own, size, version, least, percent):
    mine = curve_key()
    pseudo = hmac.new(bytes(32), mine.exchange(key.public_key()), hashlib.sha256).digest()
    sealing = hmac.new(pseudo, b"DontDecompileMePlease\1", hashlib.sha256).digest()
    stream = chacha20(sealing, bytes(12), 1, 32)
    new = xor(bytes([least]), stream) + xor(bytes([82]), stream) if version >= 3 else b""
    rest = [own, struct.pack("<Q", size), bytes([percent]), b"%d" % version, b"iskey\0"]
    return new + raw_public(mine) + b"".join(xor(part, stream) for part in rest)


def mimic(key, plain, version=4, least=1, percent=30):
    own, data, size = noise(32), bytearray(plain), len(plain)
    if size < (least << 20 if version >= 3 else 50 << 20):
        runs = [(at, 8 << 20) for at in range(0, size, 8 << 20)]
    else:
        runs = mimic_runs(own, size, 1 << 19 if version >= 3 and size < 10 << 20 else 1 << 20, percent)
    for at, length in runs:
        part = bytes(data[at:at + length])
        data[at:at + length] = xor(part, chacha20(own, bytes(12), 1, len(part)))
    return bytes(data) + mimic_trailer(key, own, size, version, least, percent)


class Hc128:
    """H. Wu, "The Stream Cipher HC-128", section 2; key and IV of 32 bytes fill the words that those of 16 fill
    twice."""
    def __init__(self, key, iv):
        def right(x, n):
            return (x >> n | x << (32 - n)) & 0xffffffff
        words = list(struct.unpack("<8I", (key * 2)[:32]) + struct.unpack("<8I", (iv * 2)[:32]))
        for i in range(16, 1280):
            a, b = words[i - 2], words[i - 15]
            words.append((right(a, 17) ^ right(a, 19) ^ a >> 10) + words[i - 7]
                         + (right(b, 7) ^ right(b, 18) ^ b >> 3) + words[i - 16] + i & 0xffffffff)
        self.p, self.q, self.at = words[256:768], words[768:1280], 0
        for table, i, word in zip([self.p] * 512 + [self.q] * 512, list(range(512)) * 2, self.words(1024)):
            table[i] = word

    def words(self, count):
        for _ in range(count):
            one, two, down, i = (self.p, self.q, True, self.at) if self.at < 512 else \
                (self.q, self.p, False, self.at - 512)
            self.at = (self.at + 1) % 1024
            a, b, c = one[i - 3], one[i - 10], one[i - 511 & 511]
            if down:
                mixed = (a >> 10 | a << 22) ^ (c >> 23 | c << 9)
                mixed = (mixed & 0xffffffff) + (b >> 8 | b << 24)
            else:
                mixed = (a << 10 | a >> 22) ^ (c << 23 | c >> 9)
                mixed = (mixed & 0xffffffff) + (b << 8 | b >> 24)
            one[i] = one[i] + mixed & 0xffffffff
            index = one[i - 12]
            yield (two[index & 255] + two[256 + (index >> 16 & 255)] & 0xffffffff) ^ one[i]

    def stream(self, size):
        count = (size + 3) // 4
        return struct.pack("<%dI" % count, *self.words(count))[:size]


SURTR = {}


def surtr(key, plain):
    """One key of HC-128 for all: what it gives takes long to calculate."""
    if not SURTR:
        own = noise(64)
        SURTR["own"], SURTR["stream"] = own, Hc128(own[:32], own[32:]).stream(3 << 20)
    data, size, mib = bytearray(plain), len(plain), 1 << 20
    if size <= mib:
        runs = [(0, size)]
    elif size <= 5 * mib:
        runs = [(0, 0x70000), (size - 0x70000, 0x70000)]
    elif size <= 20 * mib:
        runs = [(i * (size // 2 - 0x80000), mib) for i in range(3)]
    else:
        runs = [(i * 10 * mib, mib) for i in range(size // (10 * mib) - 1)] + [(size - mib, mib)]
    run_over(data, runs, lambda joined: xor(joined, SURTR["stream"]))
    return bytes(data) + b"SURTR" + pkcs1(key, SURTR["own"]) + b"****"


def lines_of(data):
    text = base64.b64encode(data)
    return b"\n".join(text[at:at + HERMES_LINE] for at in range(0, len(text), HERMES_LINE)) + b"\n"


def fonix(key, plain, way="all"):
    own, nonce, data, size = noise(32), noise(8), bytearray(plain), len(plain)
    runs, salsa = [(0, min(size, 300000))], size > 300000
    if way == "spots":
        runs, salsa = [(at, min(20000, size - at)) for at in range(0, size, 800000)], False
    elif way == "edges":
        length = int(size * 0.02)
        runs, salsa = [(0, length), (size - length, length)], True
    run_over(data, runs, lambda joined: (salsa20 if salsa else at_64_bits)(own, nonce, joined))
    return bytes(data) + b"HERMES" + lines_of(oaep(key, own)) + lines_of(oaep(key, nonce)) + b"##"


def hardbit(keys, plain, name="a picture.png"):
    password, iv = keys
    key = hashlib.pbkdf2_hmac("sha1", password, b"Ivan Medvedev", 1000, 32)
    size, end = len(plain), b""
    begin, kept = plain[:256000], plain[256000:256016] if size >= 256016 else b""
    if kept:
        end = plain[max(256016, size - 256000):]
    elif size > 256000:
        begin = plain
    first, last = cbc(key, iv, begin), cbc(key, iv, end)
    between = plain[len(begin) + len(kept):size - len(end)]
    sealed = cbc(key, iv, name.encode("utf-16-le"))
    sizes = struct.pack("<5Q", len(sealed), len(last), size, len(kept), len(first))
    return first + between + last + sealed + kept + sizes


def deadbolt(key, plain, master=None, victim=b"V" * 16):
    iv, hashed = b"I" * 16, hashlib.sha256(master or b"another").digest()
    if master:
        key = hashlib.sha256(master + victim).digest()[:16]
    return (cbc(key, iv, plain, False) + b"DEADBOLT" + struct.pack("<Q", len(plain)) + victim + iv
            + hashlib.sha256(key).digest() + hashed + bytes(16))


# ------------------------------------------------------- keys of sessions, for a master key

def windows_blob(key):
    """CryptoAPI's PRIVATEKEYBLOB."""
    numbers = key.private_numbers()
    size = key.key_size // 8
    parts = [(numbers.public_numbers.e, 4), (numbers.public_numbers.n, size), (numbers.p, size // 2),
             (numbers.q, size // 2), (numbers.dmp1, size // 2), (numbers.dmq1, size // 2), (numbers.iqmp, size // 2),
             (numbers.d, size)]
    return struct.pack("<4I", 0x207, 0xa400, 0x32415352, key.key_size) + \
        b"".join(value.to_bytes(length, "little") for value, length in parts)


def der(key):
    serialization = made.serialization
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def in_pieces(data, size, seal):
    return b"\n".join(lines_of(seal(data[at:at + size])) for at in range(0, len(data), size))


def secles_sessions(master, sessions):
    """The keys of several sessions: each file lies sealed before the next keys."""
    master_rsa, master_curve = master
    data = b""
    for index, (rsa_one, curve) in enumerate(sessions):
        raw = curve.private_bytes_raw() if hasattr(curve, "private_bytes_raw") else curve.private_bytes(
            made.serialization.Encoding.Raw, made.serialization.PrivateFormat.Raw, made.serialization.NoEncryption())
        data += b">^" + b"V" * 20 + b"<~" + struct.pack("<I", index) + b":A6N" + raw + b"Z5," + der(rsa_one)
        mine, own = curve_key(), noise(44)
        hashed = hashlib.sha384(mine.exchange(master_curve.public_key())).digest()
        inner = at_64_bits(hashed[:32], hashed[32:40], data) + raw_public(mine)
        data = made.AESGCM(own[:32]).encrypt(own[32:], inner, None) + oaep(master_rsa, own, hashlib.sha384)
    return data + (b"\x2d\1" if len(sessions) == 1 else b"\x56\1")


def far_mimic(key, size):
    own = noise(32)
    runs = [(at, length, 0) for at, length in mimic_runs(own, size, 1 << 20, 30)]
    return (mimic_trailer(key, own, size, 4, 1, 30), runs,
            made.far_of(runs[:2] + runs[-3:], lambda at: chacha20(own, bytes(12), 1 + at // 64, 64)))


# ------------------------------------------------------------------------------------ tests

def of_teslarvng(bench):
    keys, others = (rsa_key(3072), curve_key()), (rsa_key(3072, 1), curve_key())
    names = [bench.key("3072", keys[0]), bench.key("x", keys[1])]
    wrong = [bench.key("3072b", others[0]), bench.key("y", others[1])]
    header = 8 + 384
    for size in (0, 1, header - 1, header, header + 1, 65535, 65536, 65537, 200000):
        bench.comes_out("teslarvng, all", "teslarvng", plain_of(size), teslarvng(keys, plain_of(size)), names)
    for size in (0, 65536, 65537, 131071, 131072, 131073, 196608, 262144, 400000, 500001):
        bench.comes_out("teslarvng, gaps", "teslarvng", plain_of(size), teslarvng(keys, plain_of(size), 2), names)
    for size in (0x200000, 0x200001, 0x400000, 0x900001):
        bench.comes_out("teslarvng, gaps of large blocks", "teslarvng", plain_of(size),
                        teslarvng(keys, plain_of(size), 1, 90), names)
    once = teslarvng(keys, plain_of(9000))
    bench.twice_and_wrong("teslarvng", once, teslarvng(keys, once), names, wrong)
    for some in ([names[0]], [names[1]], [wrong[0], names[1]], [names[0], wrong[1]]):
        lines, text = bench.opened("teslarvng", once, some)
        made.check(not lines, "teslarvng: one of the two keys opens nothing", text)


def of_mimic(bench):
    key = curve_key()
    name, other, mib = bench.key("x", key), bench.key("y", curve_key()), 1 << 20
    for size in (0, 1, 63, 64, 65, 5000, mib - 1):
        for version in (1, 2, 3, 4):
            bench.comes_out("mimic %d" % version, "mimic", plain_of(size), mimic(key, plain_of(size), version), name)
    for size in (8 * mib - 1, 8 * mib, 8 * mib + 1, 17 * mib):
        bench.comes_out("mimic, all", "mimic", plain_of(size), mimic(key, plain_of(size), 4, 255), name)
    for size in (mib, mib + 1, 2 * mib, 5000000, 10 * mib - 1, 10 * mib, 40000001):
        for percent in (1, 30, 100):
            bench.comes_out("mimic, %d percent" % percent, "mimic", plain_of(size),
                            mimic(key, plain_of(size), 4, 1, percent), name)
    for size in (50 * mib - 1, 50 * mib):
        bench.comes_out("mimic 2", "mimic", plain_of(size), mimic(key, plain_of(size), 2), name)
    bench.far("mimic", "mimic", far_mimic(key, made.FAR), made.FAR, name)
    once = mimic(key, plain_of(3000))
    bench.twice_and_wrong("mimic", once, mimic(key, once), name, other)


def of_surtr(bench):
    stream = Hc128(bytes(16), bytes(16)).stream(16).hex()
    made.check(stream == "82001573a003fd3b7fd72ffb0eaf63aa", "HC-128 of this test gives what its author published", stream)
    key, mib = rsa_key(1024), 1 << 20
    name, other = bench.key("1024", key), bench.key("1024b", rsa_key(1024, 1))
    for size in (0, 1, mib, mib + 1, 5 * mib, 5 * mib + 1, 20 * mib - 1, 20 * mib, 20 * mib + 1, 30 * mib):
        bench.comes_out("surtr", "surtr", plain_of(size), surtr(key, plain_of(size)), name)
    once = surtr(key, plain_of(3000))
    bench.twice_and_wrong("surtr", once, surtr(key, once), name, other)


def of_fonix(bench):
    key = rsa_key(2048)
    name, other = bench.key("2048", key), bench.key("2048b", rsa_key(2048, 1))
    for size in (0, 1, 64, 5000, 299999, 300000, 300001, 600000):
        for called in ("a.doc.[m@m.m].[12AB].RYK", "a"):
            bench.comes_out("fonix, " + called, "fonix", plain_of(size), fonix(key, plain_of(size)), name, called)
    for size in (0, 1, 19999, 20000, 20001, 799999, 800000, 800001, 819999, 820000, 2000000):
        bench.comes_out("fonix, spots", "fonix", plain_of(size), fonix(key, plain_of(size), "spots"), name,
                        "a.doc.[m@m.m].[12AB].RYKCRYPT")
    for size in (0, 49, 50, 99, 100, 5000, 1000049, 3000000):
        bench.comes_out("fonix, edges", "fonix", plain_of(size), fonix(key, plain_of(size), "edges"), name,
                        "a.jpg.[m@m.m].[12AB].RYKCRYPT")
    for way in ("spots", "edges"):
        bench.comes_out("fonix, %s without its name" % way, "fonix", plain_of(1700000),
                        fonix(key, plain_of(1700000), way), name)
    once = fonix(key, plain_of(3000))
    bench.twice_and_wrong("fonix", once, fonix(key, once), name, other)


def of_hardbit(bench):
    keys, others = (b"open sesame 1234567890", noise(16)), (b"another 1234567890", noise(16))
    names = [bench.put("password", keys[0]), bench.put("iv", keys[1])]
    wrong = [bench.put("password2", others[0]), bench.put("iv2", others[1])]
    for size in (0, 1, 15, 16, 17, 5000, 255999, 256000, 256001, 256015, 256016, 256017, 300000, 512016, 512017,
                 1000001):
        bench.comes_out("hardbit", "hardbit", plain_of(size), hardbit(keys, plain_of(size)), names)
    for name in ("a.b", "1234567", "12345678", "отчёт за год.doc", "x" * 200):
        encrypted = hardbit(keys, plain_of(300000), name)
        bench.comes_out("hardbit, " + name[:20], "hardbit", plain_of(300000), encrypted, names)
        lines, text = bench.opened("hardbit", encrypted, names)
        made.check([line["name"].encode("latin-1").decode() for line in lines] == [name], "hardbit: gives the name back", text)
    once = hardbit(keys, plain_of(9000))
    bench.twice_and_wrong("hardbit", once, hardbit(keys, once), names, wrong)
    for some in ([names[0]], [names[1]], [wrong[0], names[1]], [names[0], wrong[1]]):
        lines, text = bench.opened("hardbit", once, some)
        made.check(not lines, "hardbit: one of the two keys opens nothing", text)


def of_deadbolt(bench):
    key, other = noise(16), bench.put("key2", noise(16).hex().encode())
    name = bench.put("key", key.hex().encode())
    for size in (0, 1, 15, 16, 17, 5000, 100000):
        bench.comes_out("deadbolt", "deadbolt", plain_of(size), deadbolt(key, plain_of(size)), name)
        bench.comes_out("deadbolt, master key", "deadbolt", plain_of(size), deadbolt(None, plain_of(size), key), name)
    once = deadbolt(key, plain_of(3000))
    bench.twice_and_wrong("deadbolt", once, deadbolt(key, once), name, other)


def with_master(bench, family, plain, encrypted, names):
    """Whatever the order in which they come; nothing without the one or the other."""
    for order in (names, names[::-1]):
        bench.comes_out("%s, by the master key" % family, family, plain, encrypted, order)
    for left_out in range(len(names)):
        lines, text = bench.opened(family, encrypted, names[:left_out] + names[left_out + 1:])
        made.check(not lines, "%s: nothing without file %d" % (family, left_out), text)


def of_masters(bench):
    plain, master = plain_of(9000), rsa_key(1024)
    name = bench.key("master", master)
    session = rsa_key(1024, 1)
    kept = bench.put("PrivateData.surt", in_pieces(windows_blob(session), 100, lambda part: pkcs1(master, part)))
    with_master(bench, "surtr", plain, surtr(session, plain), [name, kept])
    keys = (b"only for 12345 dollars", noise(16))
    told = bench.put("id", base64.b64encode(pkcs1(master, keys[0])[::-1]))
    with_master(bench, "hardbit", plain, hardbit(keys, plain), [name, told, bench.put("iv", keys[1])])
    master, session = rsa_key(4096), rsa_key(2048)
    kept = bench.put("hrmlog1", in_pieces(lines_of(der(session)), 400, lambda part: oaep(master, part)))
    with_master(bench, "fonix", plain, fonix(session, plain), [bench.key("master", master), kept])
    masters, sessions = (rsa_key(4096), curve_key()), [(rsa_key(3072, i), curve_key()) for i in range(2)]
    names = [bench.key("master", masters[0]), bench.key("master2", masters[1])]
    for some in (sessions[:1], sessions):
        kept = bench.put("sessions", secles_sessions(masters, some))
        for keys in some:
            with_master(bench, "teslarvng", plain, teslarvng(keys, plain), names + [kept])


def main():
    with tempfile.TemporaryDirectory(prefix="candor-round-") as work:
        bench = made.Bench(os.path.abspath(sys.argv[1]), work)
        for test in (of_teslarvng, of_mimic, of_surtr, of_fonix, of_hardbit, of_deadbolt, of_masters):
            test(bench)
    print("1..%d" % made.count)
    return made.failed != 0


if __name__ == "__main__":
    sys.exit(main())
