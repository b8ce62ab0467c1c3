#!/usr/bin/env python3
"""Makes a seed of fuzz/fuzz_image.c of an image: what is not zero, and where.

usage: image_seed.py IMAGE SEED"""
import re, struct, sys


def seed_of(data):
    out, end = b'', 0
    for part in re.finditer(rb'[^\0](?:\0{0,11}[^\0])*', data):
        zeros, text = part.start() - end, part.group()
        while zeros >= 1 << 20:
            out += struct.pack('>HH', 0xffff, 0)
            zeros -= 1 << 20
        while zeros >= 0xffff:
            out += struct.pack('>HH', 0xfffe, 0)
            zeros -= 0xfffe
        for at in range(0, len(text), 0xffff):
            out += struct.pack('>HH', zeros, len(text[at:at + 0xffff])) + text[at:at + 0xffff]
            zeros = 0
        end = part.end()
    return out


if len(sys.argv) != 3:
    sys.exit(__doc__)
with open(sys.argv[1], 'rb') as file:
    seed = seed_of(file.read())
with open(sys.argv[2], 'wb') as file:
    file.write(seed)
print(len(seed))
