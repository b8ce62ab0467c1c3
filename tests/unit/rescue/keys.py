#!/usr/bin/env python3
"""Keys in every form that people have them in, made by openssl or by a few lines from the numbers
that openssl tells, read by keyring_add: the numbers must come out, and nothing else of their kind.

keys.py RESCUE_KEYS"""

import base64
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
import seeded  # noqa: E402

RANDOM = random.Random(17)
tool = sys.argv[1]
count = failed = 0


def check(good, what):
    global count, failed
    count += 1
    failed += not good
    print(f"{'' if good else 'not '}ok {count} - {what}")


def skip(what, reason):
    global count
    count += 1
    print(f"ok {count} - {what} # SKIP {reason}")


def read(*files):
    """[(kind, {name: value})], errors, numbers that wait"""
    out = subprocess.run([tool, *files], capture_output=True, text=True, check=True).stdout
    keys, errors, waiting = [], [], 0
    for line in out.splitlines():
        if line.startswith("error "):
            errors.append(line[6:])
        elif line.startswith("waiting "):
            waiting = int(line[8:])
        else:
            parts = line.split(" # ")[0].split()
            keys.append((parts[0], dict(x.split("=") for x in parts[1:])))
    return keys, errors, waiting


def openssl(*args, given=None):
    return subprocess.run(["openssl", *args], input=given, capture_output=True, check=True).stdout


def number(value, size=None, order="big"):
    return value.to_bytes(size or (value.bit_length() + 7) // 8, order)


def b64(value, wrap=False, url=False):
    text = (base64.urlsafe_b64encode if url else base64.b64encode)(value).decode()
    if url:
        return text.rstrip("=")
    return "\n".join(text[i : i + 64] for i in range(0, len(text), 64)) if wrap else text


def numbers_of(pem):
    """n, e, d, p, q, in the words of `openssl rsa -text`"""
    text = openssl("rsa", "-noout", "-text", given=pem).decode()
    found, name = {}, None
    for line in text.splitlines():
        if not line.startswith(" "):
            name, _, rest = line.partition(":")
            found[name] = rest.strip()
        else:
            found[name] += line.strip().replace(":", "")
    n, d, p, q = (int(found[x], 16) for x in ("modulus", "privateExponent", "prime1", "prime2"))
    return n, int(found["publicExponent"].split()[0]), d, p, q, text


def rsa_forms(bits, pem):
    n, e, d, p, q, text = numbers_of(pem)
    size, half = bits // 8, bits // 16
    pkcs8 = openssl("pkcs8", "-topk8", "-nocrypt", given=pem)
    der = openssl("rsa", "-outform", "DER", "-traditional", given=pem)
    der8 = openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "DER", given=pem)
    crt = d % (p - 1), d % (q - 1), pow(q, -1, p)
    little = lambda value, length: number(value, length, "little")
    capi = struct.pack("<BBHI4sII", 7, 2, 0, 0xA400, b"RSA2", bits, e)
    capi += little(n, size) + b"".join(little(x, half) for x in (p, q) + crt) + little(d, size)
    cng = struct.pack("<6I", 0, bits, 3, size, half, half)[4:]
    cng += number(e) .rjust(3, b"\0") + number(n, size) + number(p, half) + number(q, half)
    full = b"RSA3" + cng + b"".join(number(x, half) for x in crt) + number(d, size)
    xml = "<RSAKeyValue>" + "".join(
        f"<{name}>{b64(number(x))}</{name}>"
        for name, x in (("Modulus", n), ("Exponent", e), ("P", p), ("Q", q), ("DP", crt[0]),
                        ("DQ", crt[1]), ("InverseQ", crt[2]), ("D", d))) + "</RSAKeyValue>"
    jwk = {"kty": "RSA", **{k: b64(number(x), url=True) for k, x in
                            (("n", n), ("e", e), ("d", d), ("p", p), ("q", q))}}
    yield "pkcs1.pem", pem
    yield "pkcs8.pem", pkcs8
    yield "pkcs1.der", der
    yield "pkcs8.der", der8
    yield "crlf.pem", pem.replace(b"\n", b"\r\n")
    yield "bom.pem", b"\xef\xbb\xbf" + pem
    yield "utf16.pem", b"\xff\xfe" + pem.decode().encode("utf-16-le")
    yield "text-around.pem", b"Your key:\n\n" + pem + b"\nDo not lose it.\n"
    yield "text.txt", text.encode()
    yield "text-and-pem.txt", text.encode() + pkcs8
    yield "der.b64", b64(der).encode()
    yield "der-lines.b64", b64(der8, wrap=True).encode() + b"\n"
    yield "pem.b64", b64(pem).encode()
    yield "der.hex", der.hex().encode()
    yield "der.hex-colons", der8.hex(":").upper().encode()
    yield "header-and-lines.txt", ("ID :ABCDE\nMail:a@b.c\nDate:1-1 21:45:28\n\n" +
                                   b64(der8, wrap=True) + "\n").encode()
    yield "capi.bin", capi
    yield "capi.b64", b64(capi).encode()
    yield "capi-2400.bin", capi[:4] + struct.pack("<I", 0x2400) + capi[8:]
    yield "cng2.bin", b"RSA2" + cng
    yield "cng3.bin", full
    yield "cng3-cut.bin", b"RSA3" + cng
    yield "cng3-tail.bin", b"RSA3" + cng + bytes(27)
    yield "xml.xml", xml.encode()
    yield "xml-lines.xml", xml.replace("><", ">\n  <").encode()
    yield "xml.b64", b64(xml.encode()).encode()
    yield "jwk.json", json.dumps(jwk, indent=1).encode()
    yield "decimal.json", json.dumps({"n": n, "e": e, "d": d}).encode()
    yield "texts.json", json.dumps({"modulus": str(n), "d": str(d)}).encode()
    yield "pem.json", json.dumps({"id": 7, "private_key": pem.decode()}).encode()
    yield "der.json", json.dumps({"victim": "x", "key": b64(der)}).encode()
    yield "named-hex.txt", f"n = 0x{n:x}\ne = 0x{e:x}\nd = 0x{d:x}\n".encode()
    yield "named-decimal.txt", f"d: {d}\nn: {n}\n".encode()
    yield "primes.txt", f"p={p}\nq={q}\ne={e}\n".encode()
    yield "lines-decimal.txt", f"{n}\n{d}\n".encode()
    yield "lines-hex.txt", f"{d:x}\n{n:X}\n".encode()
    for order in ("little", "big"):
        yield f"dn-{order}.bin", number(d, size, order) + number(n, size, order)
        yield f"nd-{order}.bin", number(n, size, order) + number(d, size, order)
    yield "dn.b64", b64(number(d, size, "little") + number(n, size, "little")).encode()
    yield "dn.hex", (number(d, size) + number(n, size)).hex().encode()


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def is_rsa(keys, wanted):
    found = [x for kind, x in keys if kind == "rsa"]
    return len(found) == 1 and int(found[0]["n"], 16) == wanted[0] and \
        int(found[0]["d"], 16) == wanted[2] and \
        {int(found[0].get("p", "0"), 16), int(found[0].get("q", "0"), 16)} == set(wanted[3:5])


def rsa(folder):
    for bits in (512, 1024, 2048, 3072):
        pem = seeded.rsa_pem(bits)
        wanted = numbers_of(pem)
        for name, data in rsa_forms(bits, pem):
            keys, errors, _ = read(write(folder, name, data))
            # d of p, q and e alone may be another one that opens the same.
            if name.startswith(("primes", "cng2", "cng3")) and keys:
                d = int(keys[0][1].get("d", "0"), 16)
                good = pow(pow(7, d, wanted[0]), wanted[1], wanted[0]) == 7
                keys = [(k, {**x, "d": f"{wanted[2]:x}"}) for k, x in keys] if good else keys
            check(is_rsa(keys, wanted) and not errors, f"RSA {bits}: {name}")
    first = seeded.rsa_pem(1024)
    keys, _, _ = read(write(folder, "both.pem", first + openssl("pkcs8", "-topk8", "-nocrypt", given=seeded.rsa_pem(2048))))
    check([k for k, _ in keys] == ["rsa", "rsa"], "two PEM blocks in one file")
    n, e, d, p, q, _ = numbers_of(first)
    for form in ("{}", "{:x}", "0x{:X}"):
        one, other = (write(folder, f"key_{k}.txt", form.format(x).encode())
                      for k, x in (("n", n), ("d", d)))
        _, errors, waiting = read(one)
        check(not errors and waiting == 1, f"a number alone waits ({form})")
        for files in ((one, other), (other, one)):
            check(is_rsa(read(*files)[0], (n, e, d, p, q)), f"numbers in two files ({form})")
    plain = [write(folder, k, number(x, 128)) for k, x in (("first", d), ("second", n))]
    check(is_rsa(read(*plain)[0], (n, e, d, p, q)), "numbers in two files, bytes")


def refused(folder):
    pem = seeded.rsa_pem(1024)
    for args in (("rsa", "-aes128", "-traditional", "-passout", "pass:x"),
                 ("pkcs8", "-topk8", "-passout", "pass:x"),
                 ("pkcs8", "-topk8", "-passout", "pass:x", "-outform", "DER")):
        keys, errors, _ = read(write(folder, "enc", openssl(*args, given=pem)))
        check(not keys and len(errors) == 1 and "the key is encrypted" in errors[0],
              "an encrypted key is said to be one: " + " ".join(args))
    for args in (("rsa", "-pubout"), ("rsa", "-pubout", "-outform", "DER")):
        keys, errors, _ = read(write(folder, "pub", openssl(*args, given=pem)))
        check(not keys and len(errors) == 1 and "a public key" in errors[0],
              "a public key is said to be one: " + " ".join(args))
    n, e, d, p, q, _ = numbers_of(pem)
    wrong = f"n={n}\ne={e}\nd={d}\np={p}\nq={q + 2}\n".encode()
    keys, errors, _ = read(write(folder, "wrong", wrong))
    check(not [k for k, x in keys if k == "rsa" and int(x["d"], 16) != d],
          "numbers that contradict make no wrong key")
    for name, data in (("prose", b"This is no key.\nNothing of it is one.\n"),
                       ("empty", b""), ("noise", RANDOM.randbytes(70)),
                       ("der-cut", openssl("rsa", "-outform", "DER", given=pem)[:200])):
        keys, errors, waiting = read(write(folder, name, data))
        check(not keys and not waiting and len(errors) == 1, f"no key in: {name}")


def curves(folder):
    for made, kind, size in ((seeded.x25519_pem(), "curve25519", 32),
                             (seeded.ec_pem(bytes.fromhex("2b8104000a"), 32), "secp256k1", 32),
                             (seeded.ec_pem(bytes.fromhex("2b8104001f"), 24), "secp192k1", 24)):
        pem = openssl("pkey", given=made)
        text = openssl("pkey", "-noout", "-text", given=pem).decode()
        secret = "".join(text[text.index("priv:") + 5 : text.index("pub:")].split())
        secret = secret.replace(":", "").zfill(2 * size)[-2 * size :]
        forms = [("pem", pem), ("der", openssl("pkey", "-outform", "DER", given=pem)),
                 ("hex", secret.encode()), ("raw", bytes.fromhex(secret)),
                 ("b64", b64(bytes.fromhex(secret)).encode() + b"\n")]
        if kind.startswith("secp"):
            forms.append(("sec1", openssl("ec", given=pem)))
        for name, data in forms:
            keys, errors, _ = read(write(folder, name, data))
            check([x["secret"] for k, x in keys if k == kind] == [secret] and not errors,
                  f"{kind}: {name}")
            if name in ("hex", "raw", "b64"):
                check(secret in [x["secret"] for k, x in keys if k == "bytes"],
                      f"{kind}: {name}, as a symmetric key, too")
    pair = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
                         "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    keys, _, _ = read(write(folder, "pair", pair))
    check(("curve25519", {"secret": pair[:32].hex(), "pub": pair[32:].hex()}) in keys,
          "secret and public together (RFC 7748, 6.1)")
    jwk = {"kty": "OKP", "crv": "X25519", "d": b64(pair[:32], url=True),
           "x": b64(pair[32:], url=True)}
    keys, _, _ = read(write(folder, "okp.json", json.dumps(jwk).encode()))
    check(pair[:32].hex() in [x["secret"] for k, x in keys if k == "curve25519"], "JWK, X25519")


def symmetric(folder):
    for size in (16, 24, 32, 48, 64):
        key = RANDOM.randbytes(size - 1) + b"\x80"
        for name, data in (("raw", key), ("hex", key.hex().encode()),
                           ("hex spaced", key.hex(" ").encode()),
                           ("base64", b64(key).encode()),
                           ("named", f"AES key: {key.hex()}\n".encode()),
                           ("json", json.dumps({"id": 1, "key": b64(key)}).encode()),
                           ("in a list", f"{RANDOM.randbytes(size).hex()}\n{key.hex()}\n".encode())):
            keys, errors, _ = read(write(folder, "key", data))
            check(key.hex() in [x["secret"] for k, x in keys if k == "bytes"] and not errors,
                  f"{size} bytes: {name}")
    # Bytes that could be letters, and begin, end or go on as no key in a text does.
    for size in (16, 24, 32, 64):
        letters = bytes(RANDOM.randrange(0xa0, 0xff) for _ in range(size))
        for key in (b" " + letters[1:], letters[:-1] + b"\n", letters[:5] + b"\n" + letters[6:],
                    b"\t" + letters[1:9] + b"\r\n" + letters[11:], letters[:-2] + b"  "):
            keys, _, _ = read(write(folder, "key", key))
            check(key.hex() in [x["secret"] for k, x in keys if k == "bytes"],
                  f"{size} bytes that look like a text: {key.hex()}")
    word = "Gj5#kq!9"
    for data in (word.encode(), f"{word}\r\n".encode(), f"password: {word}\n".encode()):
        keys, _, _ = read(write(folder, "word", data))
        check(word.encode().hex() in [x["secret"] for k, x in keys if k == "text"], "a password")


def times(folder):
    """When the keys of Akira for Linux were drawn, as people write it down."""
    outer, inner = "t3=1786077189676504072 t4=1786077189678050965", "t1=1786077189676504001 t2=1786077189676504033 "
    for text, wanted in ((outer, outer), (inner + outer, inner + outer), (outer.replace(" ", "\n") + "\n", outer + " "),
                         (inner + outer + " percent=50", inner + outer + " percent=50")):
        keys, errors, _ = read(write(folder, "times", text.encode()))
        check(keys == [("text", {"secret": wanted.encode().hex(), "family": "akira-linux"})] and not errors, f"times: {text!r}")
    for text in ("t3=1786077189676504072", inner, "t1=1 " + outer, outer + " t3=5", outer + " t5=1", outer.replace("=", "=x"),
                 outer + " percent=", "t3=17860771896765040720 t4=1"):
        keys, _, _ = read(write(folder, "times", text.encode()))
        check(not [x for _, x in keys if "family" in x], f"no times: {text!r}")


def shared():
    """The published vectors beside the project, or above it."""
    at = os.path.dirname(os.path.abspath(__file__))
    while at != "/":
        at = os.path.dirname(at)
        path = os.path.join(at, "shared", "data", "ransomware-vectors.tar.xz")
        if os.path.exists(path):
            return path
    return None


def vectors(root):
    """Every published key file must give what its family needs."""
    wanted = [("akira/rsa_privkey.pem", "rsa", 512), ("akira/privkey.txt", "curve25519", 32),
              ("enmity/RSAdecr.keys.dec", "rsa", 512), ("enmity/rsa_privkey.txt", "rsa", 512),
              ("enmity/sprivkey.txt", "rsa", 512), ("hive6/rsa_privkey0.bin", "rsa", 640),
              ("hive6/rsa_privkey1.bin", "rsa", 640), ("hunters1/rsa_privkey0.bin", "rsa", 640),
              ("hunters1/rsa_privkey1.bin", "rsa", 640), ("inc/privkey.bin", "curve25519", 32),
              ("lockbit3/rsa_privkey.bin", "rsa", 128),
              ("lokilocker/rsa_privkey.xml", "rsa", 256),
              ("medusalocker3/privkey.txt", "rsa", 256), ("megazord/privkey.txt", "curve25519", 32),
              ("phobos/aes_key.bin", "bytes", 32), ("phobos/keys.txt", "bytes", 32),
              ("phobos/rsa_privkey.bin", "rsa", 128), ("play/rsa_privkey.bin", "rsa", 1024),
              ("proton/privkey.bin", "curve25519", 32), ("proxima/privkey.bin", "curve25519", 32),
              ("qilin/rsa_privkey.pem", "rsa", 512), ("trinity/privkey.txt", "curve25519", 32),
              ("hunters1/marker.bin", "bytes", 23)]
    for name, kind, size in wanted:
        keys, errors, _ = read(os.path.join(root, name))
        field = "n" if kind == "rsa" else "secret"
        good = [x for k, x in keys if k == kind and len(x[field]) == 2 * size]
        check(len(good) >= 1 and not errors and (kind != "rsa" or "p" in good[0]), name)
    files = [os.path.join(root, "zeppelin", f"rsa155_{x}.txt") for x in "nd"]
    n, d = (int(open(x).read(), 16) for x in files)
    for some in (files, files[::-1]):
        keys, _, _ = read(*some)
        check([(int(x["n"], 16), int(x["d"], 16)) for k, x in keys if k == "rsa"] == [(n, d)],
              "zeppelin: n and d in two files")


def main():
    with tempfile.TemporaryDirectory() as folder:
        if shutil.which("openssl"):
            rsa(folder)
            refused(folder)
            curves(folder)
            symmetric(folder)
            times(folder)
        else:
            skip("keys", "openssl is not installed")
        packed = shared()
        if packed:
            subprocess.run(["tar", "-xJf", packed, "-C", folder], check=True)
            vectors(os.path.join(folder, "vectors"))
        else:
            skip("published key files", "shared/data/ransomware-vectors.tar.xz is not there")
    print(f"1..{count}")
    return failed != 0


sys.exit(main())
