#!/usr/bin/env python3
"""Signed programs and catalogues: what clamscan 1.4 and candor find by .crb and .cat files, for made-up keys,
certificates, signatures and faults. Keys come from seeds (seeded.py).

usage: signers.py CANDOR [--files N] [--rounds N] [--seed N] [--keep DIR]"""
import argparse
import hashlib
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import seeded  # noqa: E402
import beside  # noqa: E402

PKCS1 = bytes.fromhex("2a864886f70d0101")
PKCS9 = bytes.fromhex("2a864886f70d0109")
MICROSOFT = bytes.fromhex("2b060104018237")
DIGESTS = {"md5": (bytes.fromhex("2a864886f70d0205"), 4), "sha1": (bytes.fromhex("2b0e03021a"), 5),
           "sha256": (bytes.fromhex("608648016503040201"), 11), "sha384": (bytes.fromhex("608648016503040202"), 12),
           "sha512": (bytes.fromhex("608648016503040203"), 13)}
MARK = b"what the signature is about"


def tlv(kind, *parts):
    data = b"".join(parts)
    size = len(data)
    if size < 128:
        return bytes([kind, size]) + data
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([kind, 0x80 | len(length)]) + length + data


def integer(value):
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def sequence(*parts):
    return tlv(0x30, *parts)


def algorithm(name, null=True):
    return sequence(tlv(6, name), tlv(5) if null else b"")


def utc(moment, rng=None):
    if rng and rng.random() < .06:
        return tlv(0x18, time.strftime("%Y%m%d%H%M%SZ", time.gmtime(moment)).encode())
    return tlv(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(moment)).encode())


def items(data):
    at = 0
    while at < len(data):
        size, head = data[at + 1], 2
        if size & 0x80:
            head += size & 0x7f
            size = int.from_bytes(data[at + 2:at + head], "big")
        yield data[at + head:at + head + size]
        at += head + size


def make_key(bits, index=0):
    n, e, d, _, _ = seeded.rsa(bits, index)
    return {"n": n, "e": e, "d": d, "size": bits // 8}


def rsa(key, kind, data, flaw=None):
    info = sequence(algorithm(DIGESTS[kind][0]), tlv(4, hashlib.new(kind, data).digest()))
    if flaw == "padding":
        info += b"\0"
    block = b"\0\1" + b"\xff" * (key["size"] - len(info) - 3) + b"\0" + info
    return pow(int.from_bytes(block, "big"), key["d"], key["n"]).to_bytes(key["size"], "big")


class Certificate:
    """By `by` (a Certificate; None: by itself)."""
    def __init__(self, rng, key, name, by=None, **how):
        self.key, self.by, self.kind = key, by or self, how.get("kind", "sha256")
        self.serial = rng.getrandbits(64) | 1
        self.subject = tlv(0x31, sequence(tlv(6, b"\x55\x04\x03"), tlv(0x13, name.encode())))
        now = time.time()
        start, end = how.get("valid", (now - 86400 * 100, now + 86400 * 100))
        usage = how.get("usage")
        extensions = []
        if usage is not None:
            extensions.append(sequence(tlv(6, b"\x55\x1d\x0f"), tlv(1, b"\xff"), tlv(4, tlv(3, bytes([rng.choice((0, 1)), usage])))))
        if "purposes" in how:
            extensions.append(sequence(tlv(6, b"\x55\x1d\x25"), tlv(4, sequence(*[
                tlv(6, bytes.fromhex("2b060105050703") + bytes([p])) for p in how["purposes"]]))))
        if "authority" in how:
            extensions.append(sequence(tlv(6, b"\x55\x1d\x13"), tlv(1, b"\xff"), tlv(4, sequence(
                tlv(1, b"\xff") if how["authority"] else b""))))
        if rng.random() < .3:
            extensions.append(sequence(tlv(6, b"\x55\x1d\x0e"), tlv(4, tlv(4, b"key"))))
        rng.shuffle(extensions)
        sign = algorithm(PKCS1 + bytes([DIGESTS[self.kind][1]]), rng.random() < .9)
        point = sequence(algorithm(PKCS1 + b"\1"), tlv(3, b"\0" + sequence(integer(key["n"]), integer(key["e"]))))
        old = how.get("old")
        self.tbs = sequence(b"" if old else tlv(0xa0, integer(2)), integer(self.serial), sign, sequence(self.by.subject),
                            sequence(utc(start, rng), utc(end, rng)), sequence(self.subject), point,
                            tlv(0xa3, sequence(*extensions)) if extensions and not old else b"")
        self.start = int(start)
        self.signature = rsa(self.by.key, self.kind, self.tbs, how.get("flaw"))
        if how.get("flaw") == "signature":
            self.signature = self.signature[:-1] + bytes([self.signature[-1] ^ 1])
        self.der = sequence(self.tbs, sign, tlv(3, b"\0" + self.signature))

    def row(self, name, trusted, serial=True, code=1, stamp=1, cert=1, start=0, tail=""):
        number = self.serial.to_bytes(self.serial.bit_length() // 8 + 1, "big")
        return ";".join([name, str(int(trusted)), hashlib.sha1(self.subject).hexdigest(),
                         hashlib.sha1(number).hexdigest() if serial else "", "%X" % self.key["n"], "010001", str(code), str(stamp),
                         str(cert), str(start), "comment"]) + tail


def attribute(name, *values):
    return sequence(tlv(6, name), tlv(0x31, *values))


def signer(rng, by, kind, attributes, others=b"", flaw=None, bare=True, version=1):
    whole = tlv(0xa0, *attributes)
    number = by.serial
    value = rsa(by.key, kind, b"\x31" + whole[1:], flaw)
    if flaw == "attributes":
        whole = whole[:-1] + bytes([whole[-1] ^ 1])
    if flaw == "serial":
        number += 1
    return sequence(integer(version), sequence(sequence(by.by.subject), integer(number)), algorithm(DIGESTS[kind][0], rng.random() < .9), whole,
                    algorithm(PKCS1 + (b"\1" if bare else bytes([DIGESTS[kind][1]]))), tlv(4, value), others), value


def stamp(rng, by, message, kind, moment, flaw=None):
    digest = hashlib.new(kind, message + (b"x" if flaw == "message" else b"")).digest()
    attributes = [attribute(PKCS9 + b"\3", tlv(6, bytes.fromhex("2a864886f70d010701") if rng.random() < .7 else PKCS9 + b"\x10\1\4")),
                  attribute(PKCS9 + b"\4", tlv(4, digest)), attribute(PKCS9 + b"\5", utc(moment))]
    if flaw == "missing":
        del attributes[rng.randrange(3)]
    return signer(rng, by, kind, attributes, flaw=flaw, bare=rng.random() < .7, version=rng.choice((0, 1, 1, 2) if flaw else (0, 1, 1)))[0]


def signed(rng, content, name, certificates, by, kind, plan):
    """A PKCS #7 SignedData of `content`, which is a SEQUENCE."""
    body = b"".join(items(content))
    inner = content[len(content) - len(next(items(content))):]
    digest = hashlib.new(kind, inner + (b"x" if plan.get("flaw") == "message" else b"")).digest()
    attributes = [attribute(PKCS9 + b"\3", tlv(6, name)), attribute(PKCS9 + b"\4", tlv(4, digest)),
                  attribute(MICROSOFT + b"\2\1\x0c", sequence())]
    if plan.get("flaw") == "type":
        attributes[0] = attribute(PKCS9 + b"\3", tlv(6, name[:-1] + b"\x7f"))
    if plan.get("flaw") == "twice":
        attributes.append(attributes[1])
    rng.shuffle(attributes)
    state = rng.getstate()
    _, value = signer(rng, by, kind, attributes, flaw=plan.get("flaw"))
    rng.setstate(state)
    others = []
    if plan.get("stamp"):
        others.append(attribute(PKCS9 + b"\6", stamp(rng, plan["stamp"], value, rng.choice(("sha1", "sha256", kind)), plan["moment"],
                                                      plan.get("stamp_flaw"))))
    if rng.random() < .15:
        others.append(attribute(MICROSOFT + b"\2\4\1", sequence()))
    if rng.random() < .15:
        others.append(attribute(MICROSOFT + b"\3\3\1", sequence()))
    rng.shuffle(others)
    rng.setstate(state)
    info, _ = signer(rng, by, kind, attributes, tlv(0xa1, *others) if others else b"", plan.get("flaw"))
    assert body
    return sequence(tlv(6, bytes.fromhex("2a864886f70d010702")), tlv(0xa0, sequence(
        integer(1), tlv(0x31, algorithm(DIGESTS[kind][0])), sequence(tlv(6, name), tlv(0xa0, content)),
        tlv(0xa0, *[c.der for c in certificates]), tlv(0x31, info, info if plan.get("flaw") == "signers" else b""))))


def program(rng, wide):
    head = bytearray(0x400)
    head[:2] = b"MZ"
    struct.pack_into("<I", head, 60, 0x80)
    size = 0xf0 if wide else 0xe0
    struct.pack_into("<4sHHIIIHH", head, 0x80, b"PE", 0x8664 if wide else 0x14c, 1, 0, 0, 0, size, 0x102)
    struct.pack_into("<HBBIIIII", head, 0x98, 0x20b if wide else 0x10b, 8, 0, 512, 0, 0, 0x1000, 0x1000)
    struct.pack_into("<QII" if wide else "<III", head, 0x98 + (24 if wide else 28), 0x400000, 0x1000, 0x200)
    struct.pack_into("<II", head, 0x98 + 56, 0x2000, 0x400)
    struct.pack_into("<I", head, 0x98 + (108 if wide else 92), 16)
    struct.pack_into("<8sIIIIIIHHI", head, 0x98 + size, b".text", 512, 0x1000, 512, 0x400, 0, 0, 0, 0, 0x60000020)
    body = rng.randbytes(100) + MARK + rng.randbytes(300)
    return bytes(head) + body + bytes(512 - len(body))


def security(wide):
    return 0x98 + (112 if wide else 96) + 32


def covered(data, wide):
    """What a signature is about: all but the checksum, and where the signature lies."""
    at = security(wide)
    return data[:0x98 + 64] + data[0x98 + 68:at] + data[at + 8:]


def indirect(kind, value, what=b"\2\1\x0f"):
    return sequence(sequence(tlv(6, MICROSOFT + what), sequence(tlv(3, b"\0"))), sequence(algorithm(DIGESTS[kind][0]), tlv(4, value)))


class World:
    """Certificates, and the rows of a database that trust and block some."""
    def __init__(self, rng, keys):
        now = time.time()
        pick = rng.choice

        def authority(name, by=None):
            how = {"kind": pick(("sha1", "sha256", "sha256", "sha384", "sha512", "md5")), "usage": pick((4, 6, 6, None)),
                   "valid": (now - 86400 * 3000, now + 86400 * 3000)}
            if rng.random() < .7:
                how["authority"] = rng.random() < .95
            if rng.random() < .15:
                how = {"old": True, "kind": how["kind"], "valid": how["valid"]}
            if by and rng.random() < .1:
                how["flaw"] = pick(("signature", "padding"))
            return Certificate(rng, pick(keys), name, by, **how)
        self.roots = [authority("Root %d" % i) for i in range(3)]
        self.middle = [authority("Middle %d" % i, pick(self.roots)) for i in range(4)]
        self.leaves, self.stampers = [], []
        for i in range(9):
            how = {"kind": pick(("sha1", "sha256", "sha256", "md5")), "usage": pick((None, 128, 128, 132)), "purposes": pick(((3,), (3,), (3,), (3, 8), (1,), ()))}
            if rng.random() < .15:
                del how["purposes"]
            if rng.random() < .3:
                how["valid"] = pick(((now - 86400 * 900, now - 86400 * 300), (now + 86400 * 30, now + 86400 * 60)))
            if rng.random() < .1:
                how["flaw"] = pick(("signature", "padding"))
            self.leaves.append(Certificate(rng, pick(keys), "Leaf %d" % i, pick(self.roots + self.middle * 2), **how))
        for i in range(3):
            self.stampers.append(Certificate(rng, pick(keys), "Stamper %d" % i, pick(self.roots + self.middle), kind=pick(("sha1", "sha256")),
                                             usage=pick((None, 128)), purposes=pick(((8,), (8,), (8,), (3,)))))
        self.rows = []
        for i, one in enumerate(self.roots + self.middle):
            if rng.random() < (.8 if i < 3 else .25):
                self.rows.append(one.row("Trust-%d" % i, 1, rng.random() < .7, pick((1, 1, 1, 1, 0)), pick((1, 1, 1, 1, 0)), pick((1,) * 7 + (0,)),
                                         pick((0, 0, 0, one.start, one.start + 1)), pick(("", "", ";100", ";999", ";1;300", ";1;100"))))
        for i, one in enumerate(self.leaves + self.stampers):
            chance = rng.random()
            if chance < .12:
                self.rows.append(one.row(pick(("Blocked-%d" % i, "Blocked-%d" % i, "")), 0, rng.random() < .7))
            elif chance < .3:
                self.rows.append(one.row("Direct-%d" % i, 1, rng.random() < .7, pick((1, 1, 0)), pick((1, 0)), pick((1, 0))))
        if rng.random() < .2:
            self.rows.append(pick(self.middle).row("Blocked-middle", 0, rng.random() < .5))
        rng.shuffle(self.rows)
        self.rows = [row for row in self.rows]

    def plan(self, rng):
        by = rng.choice(self.leaves)
        chain, at = [by], by
        while at.by is not at:
            at = at.by
            chain.append(at)
        if rng.random() < .15:
            chain = chain[:rng.randint(1, len(chain))]
        plan = {"by": by, "chain": chain}
        if rng.random() < .45:
            plan["stamp"] = rng.choice(self.stampers)
            plan["moment"] = time.time() + rng.choice((-10, -10, -86400 * 500, -86400 * 50, 86400 * 45))
            at = plan["stamp"]
            for _ in range(3):
                if at not in chain:
                    chain.append(at)
                at = at.by
            if rng.random() < .25:
                plan["stamp_flaw"] = rng.choice(("message", "missing", "attributes", "serial", "padding"))
        if rng.random() < .15:
            plan["flaw"] = rng.choice(("message", "type", "twice", "attributes", "serial", "padding", "signers"))
        if rng.random() < .2:
            chain.append(rng.choice(self.leaves + self.middle))
        rng.shuffle(chain)
        return plan


def signed_program(rng, world):
    wide, plan = rng.random() < .5, world.plan(rng)
    data = bytearray(program(rng, wide))
    kind, told = rng.choice(("sha1", "sha256", "sha256", "sha384", "sha512")), rng.choice(("sha1", "sha256", "sha256", "md5"))
    content = indirect(told, hashlib.new(told, covered(bytes(data), wide)).digest(), b"\2\1\x0f" if rng.random() < .95 else b"\2\1\x19")
    blob = signed(rng, content, MICROSOFT + b"\2\1\4", plan["chain"], plan["by"], kind, plan)
    blob += bytes(-len(blob) % 8)
    revision, what = (0x200, 2) if rng.random() < .95 else rng.choice(((0x100, 2), (0x200, 1)))
    size = len(blob) + 8
    struct.pack_into("<II", data, security(wide), len(data), size)
    data += struct.pack("<IHH", size + (0 if rng.random() < .9 else 8), revision, what) + blob
    fault = rng.random()
    if fault < .08:     # in what is covered
        data[rng.choice((0x410, 0x5ff, 0x88, 20))] ^= 1
    elif fault < .16:   # in what is not
        data[0x98 + 64 + rng.randrange(4)] ^= 0x55
    elif fault < .24:
        data[-1 - rng.randrange(len(blob))] ^= 1 << rng.randrange(8)
    elif fault < .28:
        data += bytes(rng.choice((1, 8)))
    elif fault < .32:
        del data[-rng.randrange(1, size):]
    elif fault < .35:
        at = data.find(b"\x30\x82", len(data) - size)
        data[at + 3] ^= rng.choice((1, 2, 128))
    return bytes(data)


def catalogue(rng, world, files):
    """A list of some of the programs."""
    plan, entries = world.plan(rng), []
    for data, wide, cabinet in files:
        kind = rng.choice(("sha1", "sha256"))
        if cabinet:
            value, what = hashlib.new("sha1", data).digest(), b"\2\1\x19"
            kind = "sha1"
        else:
            value, what = hashlib.new(kind, covered(data, wide)).digest(), b"\2\1\x0f"
        values = [attribute(MICROSOFT + b"\x0c\2\2", sequence()), attribute(MICROSOFT + b"\2\1\4", indirect(kind, value, what))]
        entries.append(sequence(tlv(4, value), tlv(0x31, *values)))
    content = sequence(sequence(tlv(6, MICROSOFT + b"\x0c\1\1")), tlv(4, b"list"), utc(time.time()),
                       algorithm(MICROSOFT + b"\x0c\1" + rng.choice((b"\2", b"\3"))), sequence(*entries))
    return signed(rng, content, MICROSOFT + b"\x0a\1", plan["chain"], plan["by"], rng.choice(("sha1", "sha256")), plan)


def findings(words, place):
    said = subprocess.run(words + ["--no-summary", "-r", "-d", place + "/db", place + "/files"], capture_output=True, text=True, check=False)
    return sorted(set(said.stdout.replace(place, "").splitlines())), said.stderr


def make(rng, keys, place, count):
    os.makedirs(place + "/db")
    os.makedirs(place + "/files")
    world = World(rng, keys)
    with open(place + "/db/a.crb", "w", encoding="ascii") as file:
        file.writelines(row + "\n" for row in world.rows)
    with open(place + "/db/b.ndb", "w", encoding="ascii") as file:
        file.write("Mark:0:*:%s\nMember:0:*:%s\n" % (MARK.hex(), b"in a member".hex()))
    listed = []
    for i in range(count):
        name = "%s/files/%03d" % (place, i)
        if i % 5 == 4:
            wide = rng.random() < .5
            data, cabinet = program(rng, wide), rng.random() < .2
            if rng.random() < .6:
                listed.append((data, wide, cabinet))
        else:
            data = signed_program(rng, world)
        if i % 7 == 6:
            with zipfile.ZipFile(name, "w") as archive:
                archive.writestr("a.exe", data)
                archive.writestr("b.txt", b"in a member")
        else:
            with open(name, "wb") as file:
                file.write(data)
    for i in range(2):
        with open("%s/db/%d.cat" % (place, i), "wb") as file:
            file.write(catalogue(rng, world, listed[i::2]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("candor")
    parser.add_argument("--files", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=24)
    parser.add_argument("--keep")
    options = parser.parse_args()
    if beside.skipped():
        return 0
    rng, fine = random.Random(options.seed), True
    keys = [make_key(*which) for which in ((1024,), (1024, 1), (1536,), (2048,))]
    print("1..%d" % (options.rounds + 1))
    seen = 0
    for number in range(1, options.rounds + 1):
        with tempfile.TemporaryDirectory() as scratch:
            place = options.keep + "/%d" % number if options.keep else scratch
            make(rng, keys, place, options.files)
            more = [["-z"], [], [], ["--nocerts"]][number % 4]
            theirs, ours = findings(["clamscan", *more], place)[0], findings([options.candor, "clamscan", *more], place)[0]
            wrong = sorted(set(theirs) ^ set(ours))
            if more == ["-z"]:  # behind a blocked certificate clamscan may take any signature for a good one
                stopped = {line.split(":")[0] for line in theirs if "Block" in line or "CRB" in line}
                wrong = [line for line in wrong if line in theirs or line.split(":")[0] not in stopped]
            trusted = sum(line.endswith(": OK") for line in theirs)
            blocked = sum("Block" in line or "CRB" in line for line in theirs)
            print("# %s: %d lines, %d trusted, %d blocked" % (" ".join(more) or "plain", len(theirs), trusted, blocked))
            for line in wrong[:8]:
                print("# %s: %s" % ("clamscan alone" if line in theirs else "here alone", line))
            seen += trusted * ("--nocerts" not in more)
            good = not wrong
            print("%sok %d - %d lines differ" % ("" if good else "not ", number, len(wrong)))
            fine = fine and good
    print("%sok %d - %d were trusted" % ("" if seen > options.rounds else "not ", options.rounds + 1, seen))
    fine = fine and seen > options.rounds
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
