"""seeded — keys for tests that are the same in every run: a test whose key is drawn anew fails once in some thousand
runs, and nobody can look at it again.

The primes are the first ones behind numbers from a seed, so that nothing secret stands here. How far behind is noted,
as the search takes seconds; `seeded.py` prints the table."""
import base64
import functools
import hashlib
import random

# bits of the prime: the distance of the first, second, ... number from the seed to the next prime that suits 65537.
DISTANCES = {
    256: (162, 256),
    512: (124, 6, 580, 384, 104, 214),
    768: (78, 1602),
    1024: (2790, 512, 440, 282, 92, 242, 900, 794),
    1536: (58, 1676),
    2048: (2370, 2928, 2544, 464),
    2560: (246, 482, 348, 3004),
}


def start_of(bits, index):
    """Its two highest bits are set: the product of two has twice as many."""
    return random.Random(f"prime {bits} {index}").getrandbits(bits) | 3 << (bits - 2) | 1


def is_prime(n):
    return all(pow(base, n - 1, n) == 1 for base in (2, 3, 5))


def search(bits, index):
    start, end = start_of(bits, index), 40000
    small = [p for p in range(3, 20000, 2) if all(p % q for q in range(3, int(p ** 0.5) + 1, 2))]
    left = bytearray(b"\1" * end)
    for p in small:
        first = -start % p
        left[first::p] = bytes(len(range(first, end, p)))
    return next(i for i in range(0, end, 2) if left[i] and (start + i) % 65537 != 1 and is_prime(start + i))


def prime(bits, index):
    known = DISTANCES.get(bits, ())
    return start_of(bits, index) + (known[index] if index < len(known) else search(bits, index))


@functools.lru_cache(maxsize=None)
def rsa(bits, index=0):
    """n, e, d, p, q; p > q"""
    q, p = sorted(prime(bits // 2, 2 * index + i) for i in range(2))
    d = pow(65537, -1, (p - 1) * (q - 1))
    return p * q, 65537, d, p, q


def secret(size, index=0):
    """Bytes that are a secret of a curve, or of a cipher."""
    return hashlib.shake_256(f"secret {size} {index}".encode()).digest(size)


# --- the forms in which programs take them (RFC 8017, A.1.2; RFC 5915; RFC 8410) ---


def der(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def der_number(value):
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def rsa_der(bits, index=0):
    n, e, d, p, q = rsa(bits, index)
    return der(0x30, *map(der_number, (0, n, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))))


def pem(name, data):
    text = base64.b64encode(data).decode()
    lines = "".join(text[i:i + 64] + "\n" for i in range(0, len(text), 64))
    return f"-----BEGIN {name}-----\n{lines}-----END {name}-----\n".encode()


def ec_pem(curve, size, index=0):
    """`curve`: its object identifier as DER holds it."""
    parts = der_number(1), der(4, secret(size, index)), der(0xa0, der(6, curve))
    return pem("EC PRIVATE KEY", der(0x30, *parts))


def x25519_pem(index=0):
    own = der(4, der(4, secret(32, index)))
    return pem("PRIVATE KEY", der(0x30, der_number(0), der(0x30, der(6, bytes.fromhex("2b656e"))), own))


def rsa_pem(bits, index=0):
    return pem("RSA PRIVATE KEY", rsa_der(bits, index))


if __name__ == "__main__":
    for size, count in ((256, 2), (512, 6), (768, 2), (1024, 8), (1536, 2), (2048, 4), (2560, 4)):
        print(f"    {size}: ({', '.join(str(search(size, i)) for i in range(count))}),", flush=True)
