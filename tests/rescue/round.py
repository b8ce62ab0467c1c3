#!/usr/bin/env python3
"""Files of any size, encrypted here as the families do it, come out byte for byte.

usage: round.py PROGRAM

The encryptors are functions of bytes and an explicit key, made from the facts and not from the
decoder, and encrypt nothing but what this test made. Sizes lie around each limit. A file that was
encrypted twice comes back as what it was after the first time, or is refused; with another key nothing claims to
be right.
"""
import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa, x25519
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    print("1..0 # SKIP no python3-cryptography")
    sys.exit(0)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import seeded  # noqa: E402

RANDOM = random.Random(5)
count = failed = 0


def check(good, what, *lines):
    global count, failed
    count += 1
    print("%sok %d - %s" % ("" if good else "not ", count, what))
    if not good:
        failed += 1
        for line in lines:
            print("#   %s" % str(line)[:300])


def noise(size):
    return RANDOM.randbytes(size)


def plain_of(size):
    """Text, so that a wrong byte is seen and a right head is known."""
    begin = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
    return (begin + hashlib.sha512(b"%d" % size).hexdigest().encode() * (size // 128 + 1))[:size]


# ------------------------------------------------------------------------------- primitives

def rotate(x, n):
    return (x << n | x >> (32 - n)) & 0xffffffff


def chacha_rounds(x, rounds):
    for _ in range(rounds // 2):
        for a, b, c, d in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
                           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            x[a] = (x[a] + x[b]) & 0xffffffff
            x[d] = rotate(x[d] ^ x[a], 16)
            x[c] = (x[c] + x[d]) & 0xffffffff
            x[b] = rotate(x[b] ^ x[c], 12)
            x[a] = (x[a] + x[b]) & 0xffffffff
            x[d] = rotate(x[d] ^ x[a], 8)
            x[c] = (x[c] + x[d]) & 0xffffffff
            x[b] = rotate(x[b] ^ x[c], 7)


def xor(a, b):
    return (int.from_bytes(a, "little") ^ int.from_bytes(b[:len(a)], "little")).to_bytes(len(a), "little")


def chacha8(key, nonce, block, data, constant=b"expand 32-byte k"):
    out = b""
    for i in range(0, len(data), 64):
        state = list(struct.unpack("<4I", constant) + struct.unpack("<8I", key)
                     + struct.unpack("<2I", struct.pack("<Q", block + i // 64))
                     + struct.unpack("<2I", nonce))
        x = list(state)
        chacha_rounds(x, 8)
        out += struct.pack("<16I", *((a + b) & 0xffffffff for a, b in zip(x, state)))
    return xor(data, out)


def hchacha(key, nonce):
    x = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key)
             + struct.unpack("<4I", nonce))
    chacha_rounds(x, 20)
    return struct.pack("<8I", *(x[:4] + x[12:]))


def salsa_raw(state, data, rounds=20):
    state = list(struct.unpack("<16I", state))
    out = b""
    for _ in range(0, len(data), 64):
        x = list(state)
        for _ in range(rounds // 2):
            for a, b, c, d in ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11),
                               (0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)):
                x[b] ^= rotate((x[a] + x[d]) & 0xffffffff, 7)
                x[c] ^= rotate((x[b] + x[a]) & 0xffffffff, 9)
                x[d] ^= rotate((x[c] + x[b]) & 0xffffffff, 13)
                x[a] ^= rotate((x[d] + x[c]) & 0xffffffff, 18)
        out += struct.pack("<16I", *((a + b) & 0xffffffff for a, b in zip(x, state)))
        counter = (state[8] | state[9] << 32) + 1
        state[8], state[9] = counter & 0xffffffff, counter >> 32 & 0xffffffff
    return xor(data, out)


def little_counter(key, counter, data):
    """AES-CTR whose counter is a little-endian number."""
    first = int.from_bytes(counter, "little")
    blocks = b"".join(((first + i) % (1 << 128)).to_bytes(16, "little")
                      for i in range((len(data) + 15) // 16))
    ecb = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return xor(data, ecb.update(blocks)) if data else b""


def mask(seed, size, algorithm):
    return b"".join(algorithm(seed + struct.pack(">I", i)).digest()
                    for i in range(size // algorithm().digest_size + 1))[:size]


def oaep(key, data, algorithm=hashlib.sha1):
    """RFC 8017, 7.1.1, with an empty label."""
    numbers, hashed = key.public_key().public_numbers(), algorithm(b"").digest()
    size, seed = (numbers.n.bit_length() + 7) // 8, noise(len(hashed))
    block = hashed + bytes(size - len(data) - 2 * len(hashed) - 2) + b"\x01" + data
    block = xor(block, mask(seed, len(block), algorithm))
    seed = xor(seed, mask(block, len(seed), algorithm))
    return pow(int.from_bytes(b"\0" + seed + block, "big"), numbers.e, numbers.n).to_bytes(size, "big")


def pkcs1(key, data):
    """RFC 8017, 7.2.1, as CryptoAPI writes it: the number the other way round."""
    numbers = key.public_key().public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    fill = bytes(RANDOM.choices(range(1, 256), k=size - 3 - len(data)))
    return pow(int.from_bytes(b"\0\2" + fill + b"\0" + data, "big"), numbers.e, numbers.n).to_bytes(size, "little")


def rsa_key(bits, index=0):
    n, e, d, p, q = seeded.rsa(bits, index)
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, n))
    return numbers.private_key()


def curve_key():
    return x25519.X25519PrivateKey.from_private_bytes(noise(32))


# --------------------------------------------------------------------------------- families

def akira(key, plain, mode, percent):
    own = noise(40)
    size, data = len(plain), bytearray(plain)
    share = size * percent // 100
    if mode == 2:
        parts = 3 if percent < 50 else 5
        number, length = parts - 1, share // parts
        step = (size - length * number) // parts
    else:
        number, length, step = 1, size if mode == 0 else share, 0
    for i in range(number):
        part = bytes(data[i * step:i * step + length])
        data[i * step:i * step + length] = chacha8(own[:32], own[32:], i * ((length + 63) // 64), part)
    sealed = pkcs1(key, own)
    return bytes(data) + sealed + bytes(12) + bytes([mode, percent]) + struct.pack("<Q", size)


def inc(key, plain):
    mine = curve_key()
    hashed = hashlib.sha512(mine.exchange(key.public_key())).digest()
    stream = Cipher(algorithms.AES(hashed[:16]), modes.CTR(hashed[16:32])).encryptor()
    data = bytearray(plain)
    for at in range(0, len(plain), 3000000):
        data[at:at + 1000000] = stream.update(bytes(data[at:at + 1000000]))
    return bytes(data) + raw_public(mine) + b"INC"


def raw_public(key):
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def enmity(key, plain, mark, whole):
    own, data = noise(48), plain
    if whole:
        data = AESGCM(own[:32]).encrypt(own[32:], plain, None)
    else:
        part, behind = (0x100000, 0x1400000) if mark else (0x19999, 0x19999)
        stream = Cipher(algorithms.AES(own[:32]), modes.GCM(own[32:])).encryptor()
        data, at = bytearray(plain), 0
        while at <= len(plain) - behind:
            data[at:at + part] = stream.update(bytes(data[at:at + part]))
            at += 0xa00000
    return bytes(data) + b"N:report.pdf" + oaep(key, own) + mark


def lokilocker(key, plain):
    at = [(0, len(plain))]
    if len(plain) >= 1572864:
        at = [(0, 0x40000), (len(plain) // 2 - 0x20000, 0x40000), (len(plain) - 0x40000, 0x40000)]
    data, sealed = bytearray(plain), b""
    for begin, length in at:
        own = noise(44)
        box = AESGCM(own[:32]).encrypt(own[32:], bytes(data[begin:begin + length]), None)
        data[begin:begin + length] = box[:-16]
        sealed += own + box[-16:]
    return bytes(data) + oaep(key, sealed)


def turns(data, at, length, streams, turn):
    for begin in range(at, at + length, 512):
        end = min(begin + 512, at + length)
        data[begin:end] = streams[turn[0] % len(streams)](bytes(data[begin:end]))
        turn[0] += 1


def xchacha_streams(own):
    ret = []
    for i in range(9):
        part = own[56 * i:56 * i + 56]
        key = hchacha(part[:32], part[32:48])
        ret.append(Cipher(algorithms.ChaCha20(key, bytes(8) + part[48:]), None).encryptor().update)
    return ret


HIVE = bytes.fromhex("6b5b59d507836e28a251f33bda52")
HUNTERS1 = bytes.fromhex("dcb8a7a5b618d296d3ba01d9f9039fc07a")
HUNTERS2 = bytes.fromhex("4d58995781d2d3335f77c37512abc2a948c122")


def hive(key, plain):
    own, data = noise(504), bytearray(plain)
    turns(data, 0x50, len(plain) - 0x50, xchacha_streams(own), [0])
    under, data[0x3e:0x50] = bytes(data[0x3e:0x50]), noise(4) + HIVE
    return bytes(data) + under + oaep(key, own, hashlib.sha3_512)


def hunters1(key, plain):
    own, data, start, turn = noise(504), bytearray(plain), 0x36 + 21, [0]
    streams, size = xchacha_streams(own), len(plain) - 0x36 - 21
    if size <= 0x500000:
        turns(data, start, size, streams, turn)
    else:
        first, rest = min(0x6400000, size * 10 // 100), min(0x6400000, size * 5 // 100)
        turns(data, start, first, streams, turn)
        space, blocks, at = size - first - rest, rest // 0x80000, start + first
        for _ in range(blocks):
            at += space // blocks
            turns(data, at, 0x80000, streams, turn)
            at += 0x80000
        at += space % blocks if blocks else space
        turns(data, at, rest % 0x80000, streams, turn)
    under, data[0x36:0x36 + 21] = bytes(data[0x36:0x36 + 21]), noise(4) + HUNTERS1
    return bytes(data) + under + oaep(key, own, hashlib.sha3_512)


def counters(own):
    ret = []
    for i in range(10):
        part, used = own[48 * i:48 * i + 48], [0]

        def add(data, part=part, used=used):
            got = little_counter(part[:32], part[32:], bytes(used[0]) + data)[used[0]:]
            used[0] += len(data)
            return got
        ret.append(add)
    return ret


def hunters2(key, plain, offset, mode):
    own, data, turn, at = noise(480), bytearray(plain), [0], 0x3e + 23 + offset
    streams, size = counters(own), len(plain) - at
    runs = [(0, size)]
    if mode in (2, 3, 8):
        first = size * (30 if mode == 8 else 10) // 100
        rest, number = size * (10 if mode == 8 else 20) // 100, 10 if mode == 8 else 5
        length, odd = divmod(rest, number)
        space, odd_space = divmod(size - first - rest, number)
    elif mode in (4, 5):
        first = min(0xa00000 if mode == 4 else 0x6400000, size * 5 // 100)
        rest = min(size - first, max(1 << 20, size * (45 if mode == 4 else 50) // 100))
        number, length, odd = min(50 if mode == 4 else 150, rest >> 20), 1 << 20, 0
        space, odd_space = divmod(size - first - number * length, number) if number else (0, 0)
    if mode not in (1, 6, 7):
        runs, where = [(0, first)], first
        for i in range(number):
            where += space + (0 if i else odd_space)
            runs.append((where, length + (0 if i else odd)))
            where += runs[-1][1]
    for begin, length in runs:
        turns(data, at + begin, length, streams, turn)
    under, data[0x3e:0x3e + 23] = bytes(data[0x3e:0x3e + 23]), noise(4) + HUNTERS2
    return bytes(data) + oaep(key, bytes([offset, mode]) + under + own, hashlib.sha3_512)


def spooky(word, seed):
    """The first half of SpookyHash V2 of 8 bytes."""
    mask = (1 << 64) - 1
    h = [seed, seed, (word + 0xdeadbeefdeadbeef) & mask, (0xdeadbeefdeadbeef + (8 << 56)) & mask]
    for i, bits in enumerate((15, 52, 26, 51, 28, 9, 47, 54, 32, 25, 63)):
        to, by = (i + 3) % 4, (i + 2) % 4
        h[to] ^= h[by]
        h[by] = (h[by] << bits | h[by] >> (64 - bits)) & mask
        h[to] = (h[to] + h[by]) & mask
    return h[0]


def rcru64_nonces(first):
    yield first
    word = b"sxuojgdg"
    while True:
        word = spooky(int.from_bytes(word, "little"), 4815).to_bytes(8, "big")
        yield word + word[4:]


def gcm(key, nonce, data):
    return Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor().update(data)


RCRU64_LAST = bytes.fromhex("7020f0364e2459bc3a0f0b6f395545619ecd18f7121e263b2f90452361629f4b")


def rcru64(key, plain, space, mark, chunk=b"0.5", end=b"nqpso5938fh71jfu"):
    """`space`: chunks and gaps of so many units, all of it; None: as sizes have it without."""
    own, told = noise(80), b""
    nonces, data = rcru64_nonces(own[32:44]), bytearray(plain + b"+")
    step, length, whole = 512000, 512000, len(plain)
    if space is None and len(data) < 2048000:
        data += end
        whole = len(data) - (16 if len(data) <= 512000 else 2)
        nonces = nonces if len(data) > 512000 else iter([own[32:64]])
        if len(data) <= 512000:  # the mark lies in bytes that are not encrypted
            whole = len(data) - 16
    elif space is None:
        data[:0x2d298] = gcm(own[:32], own[32:64], bytes(data[:0x2d298]))
        data[-512000:-16] = gcm(own[:32], RCRU64_LAST, bytes(data[-512000:-16]))
        whole = 0
    else:
        length = int(float(chunk) * 1024000)
        step = length + int(float(space) * 1024000)
        told = b"P7A1s%s:%s$f1;x=1;Fs1z3%d" % (chunk, space, whole)
    for at in range(0, whole, step):
        part = bytes(data[at:min(at + length, whole)])
        data[at:at + len(part)] = gcm(own[:32], next(nonces), part)
    return bytes(data) + b"wenf=" + oaep(key, b"d7j3" + own[:32] + b"y9a0" + own[32:] + b"m5ha") + told + mark


def sojusz(key, plain, whole):
    own, nonce = noise(32), noise(8)
    words = b"expand 32-byte k"
    size = len(plain) if whole else min(len(plain), 0x19000)
    state = words[:4] + own[:16] + words[4:8] + nonce + bytes(8) + words[8:12] + own[16:] + words[12:]
    return salsa_raw(state, plain[:size], 8) + plain[size:] + nonce + pkcs1(key, own).hex().encode()


def lockbit3_trailer(key, space, first, following):
    """The state of the stream, and what lies behind the file."""
    numbers = key.private_numbers()
    n, e = numbers.public_numbers.n, numbers.public_numbers.e
    modulus = n & 0xffffffff
    own, state = bytearray(noise(127) + b"\0"), noise(64)
    at = ((struct.unpack_from("<I", own, 124)[0] * 0x8088405 + 1) & 0xffffffff) * 0x78 >> 32
    struct.pack_into("<I", own, min(at, 120), modulus)
    sealed = pow(int.from_bytes(own, "little"), e, n).to_bytes(128, "little")
    check_sum = 0x0d6917a
    for _ in range(3):
        low, high = check_sum & 0xffff, check_sum >> 16
        for byte in sealed:
            low += byte
            high += low
        check_sum = ((low % 0x1000f + (high % 0x1000f << 16)) & 0xffffffff) ^ modulus
        check_sum = int.from_bytes(check_sum.to_bytes(4, "little"), "big")
    packed = b"a" + bytes([0b01100000]) + b"\x00" + b"\x00"  # "a" in UTF-16, and the end
    fields = struct.pack("<HQII", len(packed), space, first, following) + state
    metadata = salsa_raw(bytes(own[:64]), packed + fields)
    return state, metadata + struct.pack("<HI", len(metadata), check_sum) + sealed


def lockbit3(key, plain, space, first, following):
    state, trailer = lockbit3_trailer(key, space, first, following)
    data, begin = bytearray(plain), 0
    areas, size = [], len(plain)
    areas.append((0, (first + 1) * 0x20000))
    at = first * 0x20000 + space
    while space and at < size:
        areas.append((at, (following + 1) * 0x20000))
        at += following * 0x20000 + space
    taken = b"".join(bytes(data[a:a + l]) for a, l in areas)
    taken = salsa_raw(state, taken)
    for a, l in areas:
        part = taken[begin:begin + len(data[a:a + l])]
        data[a:a + l] = part
        begin += len(part)
    return bytes(data) + trailer


# ------------------------------------------------------------------- files of more than 4 GiB
#
# Of each: its trailer, and a function that gives the 64 bytes at a place of a file that is all
# zeros when it is encrypted: the stream there, or zeros where nothing is encrypted.

FAR = (5 << 30) + 77


def ctr(key, first, block, size):
    """AES-CTR from a block on; `first` is the counter of block 0, big endian."""
    counter = ((int.from_bytes(first, "big") + block) % (1 << 128)).to_bytes(16, "big")
    return Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor().update(bytes(size))


def chacha20(key, nonce, block, size):
    return Cipher(algorithms.ChaCha20(key, struct.pack("<I", block) + nonce), None).encryptor().update(bytes(size))


def far_of(runs, stream):
    """`runs`: (at, length, position in the stream); `stream`: 64 bytes at a position."""
    def far(place):
        out = bytearray(64)
        for at, length, position in runs:
            for i in range(64):
                if at <= place + i < at + length:
                    whole = position + place + i - at
                    out[i] = stream(whole // 64 * 64)[whole % 64]
        return bytes(out)
    return far


def far_akira(key, size, percent):
    own = noise(40)
    parts = 3 if percent < 50 else 5
    length = size * percent // 100 // parts
    step = (size - length * (parts - 1)) // parts
    runs = [(i * step, length, i * ((length + 63) // 64) * 64) for i in range(parts - 1)]
    trailer = pkcs1(key, own) + bytes(12) + bytes([2, percent])
    return (trailer + struct.pack("<Q", size), runs,
            far_of(runs, lambda at: chacha8(own[:32], own[32:], at // 64, bytes(64))))


def far_inc(key, size):
    mine = curve_key()
    hashed = hashlib.sha512(mine.exchange(key.public_key())).digest()
    runs = [(at, min(1000000, size - at), at // 3) for at in range(0, size, 3000000)]
    return (raw_public(mine) + b"INC", runs,
            far_of(runs[:2] + runs[-3:], lambda at: ctr(hashed[:16], hashed[16:32], at // 16, 64)),
            xor(plain_of(4096), ctr(hashed[:16], hashed[16:32], 0, 4096)))


def mammon(key, plain, kind):
    """`kind`: whole, part, spots (the second pass, over what the first one left)."""
    own = noise(48)
    if kind == "whole":
        return AESGCM(own[:32]).encrypt(own[32:], plain, None) + b"K:" + oaep(key, own)
    stream, data = Cipher(algorithms.AES(own[:32]), modes.GCM(own[32:])).encryptor(), bytearray(plain)
    spots = range(0, max(len(plain) - 0x640000, 0), 0x650000) if kind == "spots" else [0]
    for at in spots:
        length = 0x10000 if kind == "spots" else 0x32000
        data[at:at + length] = stream.update(bytes(data[at:at + length]))
    return bytes(data) + oaep(key, own)


def far_enmity(key, size):
    own = noise(48)
    first = Cipher(algorithms.AES(own[:32]), modes.GCM(own[32:])).encryptor().update(bytes(16))
    first = Cipher(algorithms.AES(own[:32]), modes.ECB()).decryptor().update(first)

    def stream(at):  # SP 800-38D: 32 bits of the counter count
        out = b""
        for block in range(at // 16, at // 16 + 4):
            low = (int.from_bytes(first[12:], "big") + block) % (1 << 32)
            out += Cipher(algorithms.AES(own[:32]), modes.ECB()).encryptor().update(
                first[:12] + low.to_bytes(4, "big"))
        return out
    part, behind, runs, at = 0x100000, 0x1400000, [], 0
    while at <= size - behind:
        runs.append((at, part, len(runs) * part))
        at += 0xa00000
    return (b"N:report.pdf" + oaep(key, own) + b"DB", runs,
            far_of(runs[:2] + runs[-3:], stream))


def far_gandcrab(key, size):
    own, nonce = noise(32), noise(8)
    words, part = b"expand 32-byte k", 1 << 20
    state = words[:4] + own[:16] + words[4:8] + nonce + bytes(8) + words[8:12] + own[16:] + words[12:]

    def stream(at):
        return salsa_raw(state[:32] + (at // 64).to_bytes(8, "little") + state[40:], bytes(64))
    sealed = b"".join(pkcs1(key, data) for data in (own, nonce))
    count = (size + part - 1) // part
    runs = [(i * part, min(part, size - i * part), 0) for i in range(count)]
    return (sealed + struct.pack("<QQ", size, count) + bytes(4) + bytes.fromhex("1829899381820300"), runs,
            far_of(runs[:2] + runs[-3:], stream))


def far_lockbit3(key, size):
    space, first, following = 48 << 20, 2, 3
    state, trailer = lockbit3_trailer(key, space, first, following)
    runs, at = [(0, (first + 1) * 0x20000, 0)], first * 0x20000 + space
    while at < size:
        runs.append((at, min((following + 1) * 0x20000, size - at), runs[-1][1] + runs[-1][2]))
        at += following * 0x20000 + space

    def stream(position):
        count = (int.from_bytes(state[32:40], "little") + position // 64) % (1 << 64)
        return salsa_raw(state[:32] + count.to_bytes(8, "little") + state[40:], bytes(64))
    return trailer, runs, far_of(runs[:2] + runs[-3:], stream)


def far_hive(key, size):
    own = noise(504)

    def byte(at):
        turn, within = divmod(at - 0x50, 512)
        part = own[56 * (turn % 9):56 * (turn % 9) + 56]
        position = turn // 9 * 512 + within
        xchacha = hchacha(part[:32], part[32:48])
        counter = struct.pack("<Q", position // 64) + part[48:]
        return Cipher(algorithms.ChaCha20(xchacha, counter), None).encryptor().update(bytes(64))[position % 64]
    head = bytearray(noise(4096))
    head[0x3e:0x50] = noise(4) + HIVE
    return (noise(18) + oaep(key, own, hashlib.sha3_512), [(0x50, 4096, 0), (1 << 32, 512, 0), (size - 700, 600, 0)],
            lambda place: bytes(byte(at) for at in range(place, place + 64)), bytes(head))


def far_qilin(key, size, aes):
    chunk, gap, own = 1 << 20, 15 << 20, noise(48)
    runs = [(at, min(chunk, size - at), i * chunk) for i, at in enumerate(range(0, size, chunk + gap))]
    sealed = oaep(key, own + struct.pack("<QQ", chunk, gap) + bytes([aes]), hashlib.sha256)

    def stream(at):
        if not aes:
            return chacha20(own[:32], own[32:44], at // 64, 64)
        counter = (int.from_bytes(own[32:], "little") + at // 16) % (1 << 128)
        return little_counter(own[:32], counter.to_bytes(16, "little"), bytes(64))
    return (sealed + b"\xff" * 8 + b"-----END CIPHERTEXT BLOCK-----", runs,
            far_of(runs[:2] + runs[-3:], stream))


def far_medusalocker3(key, size):
    aes, block, gap = noise(32), 1 << 20, 63 << 20
    zeros = Cipher(algorithms.AES(aes), modes.ECB()).decryptor().update(bytes(64))
    runs = [(at, min(block, size - at) & ~15, 0) for at in range(0, size, block + gap)]
    return (bytes(1280) + pkcs1(key, aes) + struct.pack("<QIII", size, 1, block, gap), runs,
            far_of(runs[:2] + runs[-3:], lambda at: zeros))


def far_conti(key, size):
    own, chunk = noise(40), size // 100 * 10
    runs = [(2 * i * chunk, chunk, i * ((chunk + 63) // 64) * 64) for i in range(5)]
    return (pkcs1(key, own) + noise(12) + bytes([0x25, 50]) + struct.pack("<Q", size), runs,
            far_of(runs, lambda at: chacha8(own[:32], own[32:], at // 64, bytes(64))))


def far_gandcrab(key, size):
    own, nonce, parts = noise(32), noise(8), (size >> 20) - 3
    text = struct.unpack("<4I", b"expand 32-byte k")
    words = struct.unpack("<8I", own)
    start = [text[0], *words[:4], text[1], *struct.unpack("<2I", nonce), 0, 0, text[2], *words[4:], text[3]]
    runs = [(i << 20, 1 << 20, 0) for i in range(parts)]

    def stream(at):
        start[8] = at // 64
        return salsa_raw(struct.pack("<16I", *start), bytes(64))
    return (pkcs1(key, own) + pkcs1(key, nonce) + struct.pack("<QQIQ", size, parts, 9, 0x0003828193892918), runs,
            far_of(runs[:3] + runs[-3:], stream))


def far_babuk_nas(key, size):
    mine = curve_key()
    own = hashlib.sha256(mine.exchange(key.public_key())).digest()
    nonce = hashlib.sha256(own).digest()[10:22]
    runs = [(i * (10 << 20), 1 << 20, i << 20) for i in range(size // (10 << 20))]
    return (raw_public(mine) + bytes.fromhex("abbccddeeff0"), runs,
            far_of(runs[:2] + runs[-3:], lambda at: chacha20(own, nonce, at // 64, 64)),
            xor(plain_of(4096), chacha20(own, nonce, 0, 4096)))


def checksum(data):
    value = 0xffffffff
    for bit in (byte >> 7 - i & 1 for byte in data for i in range(8)):
        value = (value << 1 & 0xffffffff) ^ (0x04c11db7 if value >> 31 ^ bit else 0)
    return value


def far_proxima(key, size):
    mine, nonce, block, gap = curve_key(), noise(8), 1 << 20, 30 << 20
    own = hashlib.sha256(mine.exchange(key.public_key())).digest()

    def stream(at):
        return chacha8(own, nonce, at // 64, bytes(64), b"hardcore blowjob")
    runs = [(at, min(block, size - at), 16 + i * block) for i, at in enumerate(range(0, size, block + gap))]
    info = xor(struct.pack("<QQ", 3, gap), stream(0))
    return (info + raw_public(mine) + nonce + struct.pack("<II", checksum(own), checksum(raw_public(mine))), runs,
            far_of(runs[:2] + runs[-3:], stream))


def far_phobos(key, size):
    aes, iv, each, count = noise(32), noise(16), 0x40000, 3
    data = noise(each * count)
    places = [i * (size - each) // (count - 1) for i in range(count)]
    end = 32 + 8 * count + len(data)
    head = struct.pack("<IIIIIIII", 0, 1, 0xaf77bc0f, count, each, zlib.crc32(data), end, 0)
    block = head + struct.pack("<3Q", *places) + data + "C:\\b.txt\0".encode("utf-16-le")
    block += bytes(-len(block) % 16)
    sealed = pkcs1(key, aes + bytes.fromhex("ba0babc0ffee0000"))[::-1]
    trailer = Cipher(algorithms.AES(aes), modes.CBC(iv)).encryptor().update(block) + bytes(20) + iv + bytes(4)
    runs = [(at, each, i * each) for i, at in enumerate(places)]
    return (trailer + sealed + struct.pack("<I", len(block) + 178) + bytes.fromhex("ba0babc0ffee"), runs,
            far_of(runs, lambda at: data[at:at + 64]), bytes(4096))


# ------------------------------------------------------------------------------------ tests

class Bench:
    def __init__(self, program, work):
        self.program, self.path = program, os.path.join(work, "file")
        self.work = work

    def key(self, name, key):
        path = os.path.join(self.work, name)
        with open(path, "wb") as file:
            if isinstance(key, x25519.X25519PrivateKey):
                file.write(key.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
                                             serialization.NoEncryption()))
            else:
                file.write(key.private_bytes(serialization.Encoding.PEM,
                                             serialization.PrivateFormat.TraditionalOpenSSL,
                                             serialization.NoEncryption()))
        return path

    def put(self, name, data):
        path = os.path.join(self.work, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def opened(self, family, encrypted, key, called="a"):
        with open(self.path, "wb") as file:
            file.write(encrypted)
        keys = [key] if isinstance(key, str) else key
        done = subprocess.run([self.program, self.path, called, *keys], text=True, capture_output=True,
                              timeout=120)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [line for line in lines if line.get("opened") == family], done.stdout + done.stderr[-2000:]

    def comes_out(self, what, family, plain, encrypted, key, called="a"):
        lines, text = self.opened(family, encrypted, key, called)
        good = any(line["sha256"] == hashlib.sha256(plain).hexdigest() and line["size"] == len(plain)
                   and not line["error"] for line in lines)
        check(good, "%s, %d bytes" % (what, len(plain)), *text.splitlines()[:12])

    def far(self, what, family, made, size, key):
        """A sparse file: its first bytes are noise, as encrypted ones are."""
        trailer, runs, expect, *head = made
        with open(self.path, "wb") as file:
            file.write(head[0] if head else noise(4096))
            file.truncate(size)
            file.seek(size)
            file.write(trailer)
        places = {size - 64, runs[0][1] - 30}
        for at, length, _ in runs[1:2] + runs[-2:]:
            places |= {at - 31, at, at + length - 33}
        places = sorted(min(p, size - 64) for p in places if p >= 4096)
        done = subprocess.run([self.program, "--at", ",".join(map(str, places)), self.path, "a", key],
                              text=True, capture_output=True, timeout=300)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        lines = [line for line in lines if line.get("opened") == family]
        got = [(line["at"], line["part"]) for line in lines if line["size"] == size]
        wanted = [(at, expect(at).hex()) for at in places]
        check(got == wanted, "%s, %d bytes" % (what, size),
              *[str(pair) for pair in zip(got, wanted) if pair[0] != pair[1]], done.stderr[-500:],
              *done.stdout.splitlines()[:3])

    def twice_and_wrong(self, family, once, again, key, other):
        lines, text = self.opened(family, again, key)
        good = all(line["sha256"] == hashlib.sha256(once).hexdigest() for line in lines)
        check(good and (lines or family in ("inc", "teslarvng")),
              "%s: encrypted twice, it is as after the first time, or refused" % family,
              *text.splitlines()[:8])
        lines, text = self.opened(family, once, other)
        check(not [line for line in lines if not line["guess"] and not line["error"]],
              "%s: another key claims nothing" % family, *text.splitlines()[:8])


def small(bench, rsa4096, other):
    name = bench.key("4096", rsa4096)
    for size in (0, 1, 63, 64, 65, 127, 6000):
        for mode, percent in ((0, 100), (1, 50), (2, 15), (2, 60)):
            plain = plain_of(size)
            bench.comes_out("akira, mode %d" % mode, "akira", plain, akira(rsa4096, plain, mode, percent), name)
    for percent in (15, 50):
        bench.far("akira, mode 2, %d percent" % percent, "akira", far_akira(rsa4096, FAR, percent), FAR, name)
    bench.far("enmity, DB", "enmity", far_enmity(rsa4096, FAR), FAR, name)
    bench.far("conti", "conti", far_conti(rsa4096, FAR), FAR, name)
    for aes in (0, 1):
        bench.far("qilin, %s" % ("AES" if aes else "ChaCha20"), "qilin", far_qilin(rsa4096, FAR, aes), FAR, name)
    once = akira(rsa4096, plain_of(3000), 1, 50)
    bench.twice_and_wrong("akira", once, akira(rsa4096, once, 1, 50), name, other)
    for size in (0, 1, 16, 17, 0xfffff, 0x100000, 0x10000f, 0x100010, 0xa00000 + 0x19998,
                 0xa00000 + 0x19999):
        plain = plain_of(size)
        modes = [(b"LB", True)] if size <= 0x100010 else []
        modes.append((b"", size < 0x100000))
        for mark, whole in modes:
            bench.comes_out("enmity, %s" % (mark or b"no mark"), "enmity", plain,
                            enmity(rsa4096, plain, mark, whole), name)
    for size in (1000, 0x1400000 - 1, 0x1400000, 0x1400000 + 0xa00000):
        plain = plain_of(size)
        bench.comes_out("enmity, DB", "enmity", plain, enmity(rsa4096, plain, b"DB", False), name)
    # Nothing but noise says so: what is known by its noise begins and ends with it.
    for size in (4200, 0x31fff, 0x32000, 0x32001, 900000):
        plain = noise(size)
        bench.comes_out("mammon, a part", "mammon", plain, mammon(rsa4096, plain, "part"), name)
        bench.comes_out("mammon, whole", "mammon", plain, mammon(rsa4096, plain, "whole"), name)
    for size in (5000, 0x640000, 0x640001, 0x650000 + 0x640000, 0x650000 + 0x640001):
        plain = noise(4096) + bytes(size - 4096)
        bench.comes_out("mammon, second pass", "mammon", plain, mammon(rsa4096, plain, "spots"), name, "a.v2")
    once = mammon(rsa4096, noise(5000), "part")
    bench.twice_and_wrong("mammon", once, mammon(rsa4096, once, "part"), name, other)
    once = enmity(rsa4096, plain_of(3000), b"LB", True)
    bench.twice_and_wrong("enmity", once, enmity(rsa4096, once, b"LB", True), name, other)


def of_2048(bench):
    key = rsa_key(2048)
    name = bench.key("2048", key)
    bench.far("gandcrab", "gandcrab", far_gandcrab(key, FAR), FAR, name)
    other = bench.key("2048b", rsa_key(2048, 1))
    for size in (512, 513, 4097, 100000, 1572863, 1572864, 2000001):
        # Of what is in parts, noise stands for what is known by its noise.
        plain = noise(size) if size >= 1572864 else plain_of(size)
        bench.comes_out("lokilocker", "lokilocker", plain, lokilocker(key, plain), name)
    for size in (0, 1, 15, 16, 17, 5000, 511982, 511983):
        for mark in (b"", b"&4r*3d"):
            bench.comes_out("rcru64, one chunk", "rcru64", plain_of(size), rcru64(key, plain_of(size), None, mark), name)
            bench.comes_out("rcru64, gaps", "rcru64", plain_of(size), rcru64(key, plain_of(size), b"3.25", mark), name)
    bench.comes_out("rcru64, the shorter mark", "rcru64", plain_of(5000),
                    rcru64(key, plain_of(5000), None, b"", end=b"qpso5938fh71jf+-"), name)
    for size in (511984, 600000, 1024000, 1023983, 2047982, 2048000, 5000000):
        bench.comes_out("rcru64, without gaps", "rcru64", plain_of(size), rcru64(key, plain_of(size), None, b""), name)
    bench.comes_out("rcru64, no mark at its end", "rcru64", plain_of(700001),
                    rcru64(key, plain_of(700001), None, b"", end=b""), name)
    for size, chunk, space in ((600000, b"0.5", b"1"), (3000000, b"0.5", b"0.25"), (3000001, b"0.125", b"0.001"),
                               (5000000, b"0.001", b"0"), (4200, b"0.001", b"0.002")):
        bench.comes_out("rcru64, many chunks", "rcru64", plain_of(size),
                        rcru64(key, plain_of(size), space, b"", chunk), name)
    for size in (1, 600, 5000, 0x19000, 0x19001, 0x19000 + 700, 200000):
        once = sojusz(key, plain_of(size), False)
        if not 0 < size - 0x19000 < 512:  # too little to tell noise by
            bench.comes_out("sojusz, its first part", "sojusz", plain_of(size), once, name, "a.bin")
        told = ".[%s].[a@b.c].nigra" % once[-512:-502].decode()
        bench.comes_out("sojusz, named so", "sojusz", plain_of(size), once, name, "a.svgz" + told)
        bench.comes_out("sojusz, whole", "sojusz", plain_of(size), sojusz(key, plain_of(size), True), name, "a.jpg")
    # Noise from begin to end: the name tells.
    plain = noise(150000)
    once, all_of_it = sojusz(key, plain, False), sojusz(key, plain, True)
    for made, ending in (once, ".svgz"), (all_of_it, ".docx"):
        bench.comes_out("sojusz, by its name", "sojusz", plain, made, name,
                        "a%s.[%s].[a@b.c].nigra" % (ending, made[-512:-502].decode()))
    once = sojusz(key, plain_of(3000), True)
    bench.twice_and_wrong("sojusz", once, sojusz(key, once, True), name, other)
    bench.far("medusalocker3", "medusalocker3", far_medusalocker3(key, FAR), FAR, name)
    bench.far("gandcrab", "gandcrab", far_gandcrab(key, FAR), FAR, name)
    once = rcru64(key, plain_of(3000), None, b"")
    bench.twice_and_wrong("rcru64", once, rcru64(key, once, None, b""), name, other)
    once = lokilocker(key, plain_of(3000))
    bench.twice_and_wrong("lokilocker", once, lokilocker(key, once), name, other)
    return other


def of_x25519(bench):
    key = curve_key()
    name = bench.key("x", key)
    other = bench.key("y", curve_key())
    for size in (0, 1, 15, 16, 17, 999999, 1000000, 1000001, 3000000, 3000001, 4000000, 6500000):
        plain = plain_of(size)
        bench.comes_out("inc", "inc", plain, inc(key, plain), name)
    bench.far("inc", "inc", far_inc(key, FAR), FAR, name)
    bench.far("babuk_nas", "babuk_nas", far_babuk_nas(key, FAR), FAR, name)
    bench.far("proxima", "proxima", far_proxima(key, FAR), FAR, name)
    once = inc(key, plain_of(3000))
    bench.twice_and_wrong("inc", once, inc(key, once), name, other)


def of_5120(bench, other):
    key = rsa_key(5120)
    name = bench.key("5120", key)
    for size in (0x50, 0x51, 0x50 + 512, 0x50 + 9 * 512 + 1, 100000):
        bench.comes_out("hive", "hive", plain_of(size), hive(key, plain_of(size)), name)
    bench.far("hive", "hive", far_hive(key, FAR), FAR, name)
    for size in (0x36 + 21, 1000, 0x500000 + 75, 0x500000 + 76, 6000000, 11000000):
        bench.comes_out("hunters 1", "hunters", plain_of(size), hunters1(key, plain_of(size)), name)
    for mode in (1, 2, 3, 4, 5, 6, 7, 8):
        for size in (0x3e + 23 + 7, 200, 100001) + ((3 << 20,) if mode in (4, 5) else ()):
            bench.comes_out("hunters 2, mode %d" % mode, "hunters", plain_of(size),
                            hunters2(key, plain_of(size), 7, mode), name)
    once = hunters2(key, plain_of(9000), 0, 1)
    lines, text = bench.opened("hunters", once, other)
    check(not lines, "hunters: another key claims nothing", text)


def of_1024(bench, other):
    key = rsa_key(1024)
    name = bench.key("1024", key)
    for size, space in ((512, 0), (1000, 0), (0x20000, 0), (0x20001, 0), (0x20000 * 3, 0x40000),
                        (0x20000 * 4 + 5, 0x40000), (0x20000 * 2, 0x20000)):
        # Noise where nothing is encrypted: a file of that family is known by its start.
        plain = plain_of(size)
        bench.comes_out("lockbit3, space %x" % space, "lockbit3", plain,
                        lockbit3(key, plain, space, 0, 0), name)
    bench.far("lockbit3", "lockbit3", far_lockbit3(key, FAR), FAR, name)
    bench.far("phobos", "phobos", far_phobos(key, FAR), FAR, name)
    lines, text = bench.opened("lockbit3", lockbit3(key, plain_of(1000), 0, 0, 0), other)
    check(not lines, "lockbit3: another key claims nothing", text)


def main():
    with tempfile.TemporaryDirectory(prefix="candor-round-") as work:
        bench = Bench(sys.argv[1], work)
        other = bench.key("4096b", rsa_key(4096, 1))
        small(bench, rsa_key(4096), other)
        other = of_2048(bench)
        of_x25519(bench)
        of_5120(bench, other)
        of_1024(bench, other)
    print("1..%d" % count)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
