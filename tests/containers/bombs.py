#!/usr/bin/env python3
"""Bombs: small files that unpack to more than anyone can examine. Each must end soon, in little
memory, and be said to be not fully examined.

usage: bombs.py UNPACK_TOOL

Prints TAP. All are made here: nested zips as 42.zip, a gzip file that holds itself, zip members
that share their data, gzip, bzip2, xz and zstd of zeros, archives of a million members, containers a
thousand deep. Limits are given to unpack_tool; memory is held to MEMORY by the system."""
import bz2, gzip, io, lzma, os, resource, shutil, struct, subprocess, sys, tarfile, tempfile
import zipfile, zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from tap import case, check, run_cases  # noqa: E402

os.environ.setdefault('ASAN_OPTIONS', 'allocator_may_return_null=1')  # libraries check what malloc gives
TOOL = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
ONE = 64 << 20       # bytes unpacked, of one member and in all
MEMORY = 512 << 20   # resident at most: the file, what is unpacked, the libraries, the sanitizer
STEPS = 60           # seconds of CPU: a bomb takes hours, or for ever


def defused(data, *arguments, least=1):
    """Ends, in bounds, with a gap of kind limit, after `least` objects or more."""
    with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryFile() as out:
        file.write(data)
        file.flush()
        command = [TOOL, '-b', str(ONE), *arguments, file.name]
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, preexec_fn=lambda:
                                 resource.setrlimit(resource.RLIMIT_CPU, (STEPS, STEPS)))
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        out.seek(0)
        lines = out.read().decode('latin-1').splitlines()
    check(status == 0, 'status', status, lines[-30:])
    check(any(line.startswith('gap limit') for line in lines), 'no gap:', lines[-10:])
    check(sum(line.startswith('object') for line in lines) >= least, lines[:10])
    check(usage.ru_maxrss * 1024 < MEMORY, usage.ru_maxrss // 1024, 'MiB of memory')
    return lines


def deflated(data):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(data) + c.flush()


def zip_of(files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', method) as z:
        for name, data in files:
            z.writestr(name, data)
    return out.getvalue()


@case
def nested_as_42_zip():
    data = zip_of([('0.dll', bytes(48 << 20))])
    for level in range(5):
        data = zip_of([(f'lib {i}.zip', data) for i in range(16)])
    defused(data)


class Bits:
    def __init__(self):
        self.value, self.count = 0, 0

    def put(self, value, count):
        self.value |= value << self.count
        self.count += count

    def code(self, value, count):  # Huffman codes have their high bit first
        self.put(int(f'{value:0{count}b}'[::-1], 2), count)


def repeat(size):
    """Five bytes of deflate that write the last `size` (17 to 20) bytes once more: two repeats."""
    bits = Bits()
    bits.put(1 << 1, 3)  # a block with fixed codes
    for length in (size // 2, size - size // 2):
        bits.code(length - 2, 7)  # symbol 257 is 3 bytes, and so on
        bits.code(8, 5)
        bits.put(size - 17, 3)
    bits.code(0, 7)
    check(bits.count == 40, bits.count)
    return bits.value.to_bytes(5, 'little')


def quine():
    """Russ Cox, "Zip Files All The Way Down" (2010): a gzip file that unpacks to itself. `say`
    writes what follows, `repeat` what was written last. Its checksum is in it twice; a checksum is
    linear, so the equation can be solved."""
    def say(units):
        return struct.pack('<BHH', 0, units, units ^ 0xffff)

    def file(sum_):
        head = b'\x1f\x8b\x08\x08' + bytes(6) + b'aa\0'
        tail = b'\1\0\0\xff\xff' + struct.pack('<LL', sum_, size)
        p, s = len(head) + 5, len(tail) + 5
        lp, rp, ls, rs = say(p), repeat(p), say(s), repeat(s)
        l0, l1, l4, r4 = say(0), say(5), say(20), repeat(20)
        return (head + lp + head + lp + rp + l1 + rp + l1 + l1 + l4 + rp + l1 + l1 + l4 + r4 + l4 + r4 + l4 + r4 +
                l4 + r4 + l4 + r4 + l0 + l0 + ls + r4 + l0 + l0 + ls + rs + tail + rs + tail)
    size = 0
    size = len(file(0))
    base = zlib.crc32(file(0))
    rows = []  # of (sum ^ crc(sum)) = base, one for each bit of the result
    columns = [zlib.crc32(file(1 << i)) ^ base ^ 1 << i for i in range(32)]
    for bit in range(32):
        rows.append([sum((columns[i] >> bit & 1) << i for i in range(32)), base >> bit & 1])
    answer, pivots = 0, []
    for i in range(32):
        row = next((r for r in rows if r[0] >> i & 1 and r not in pivots), None)
        if row is None:
            continue
        pivots.append(row)
        for other in rows:
            if other is not row and other[0] >> i & 1:
                other[0] ^= row[0]
                other[1] ^= row[1]
    for row in pivots:
        if row[1]:
            answer |= row[0] & -row[0]
    return file(answer)


@case
def gzip_that_holds_itself():
    data = quine()
    check(gzip.decompress(data) == data, 'the generator is wrong')
    lines = defused(data, least=30)
    check(len(lines) < 40, lines[:3])


@case
def gzip_that_grows():
    """Each layer is gzip of zeros after gzip."""
    data = gzip.compress(bytes(ONE * 2))
    for _ in range(6):
        data = gzip.compress(data)
    defused(data)


def literal(data):
    return b'\0' + struct.pack('<HH', len(data), len(data) ^ 0xffff) + data


@case
def zip_whose_members_overlap():
    """David Fifield, "A better zip bomb": every member's data is all the local headers that follow,
    quoted, and then the same kernel."""
    kernel = deflated(bytes(16 << 20))
    count = 1500
    size_of = 16 << 20
    packed = kernel
    heads = []
    for i in range(count, 0, -1):
        name = b'%04d' % i
        head = struct.pack('<4sHHHHHLLLHH', b'PK\3\4', 20, 0, 8, 0, 0x21, 0, len(packed), size_of, 4, 0) + name
        heads.append((name, len(packed), size_of, head))
        packed = literal(head) + packed  # the member before quotes this header
        size_of += len(head)
    # The first member's header is not quoted by any.
    out, at = heads[-1][3] + packed[5 + len(heads[-1][3]):], 0
    directory = b''
    for name, length, size, head in reversed(heads):
        directory += struct.pack('<4sHHHHHHLLLHHHHHLL', b'PK\1\2', 20, 20, 0, 8, 0, 0x21, 0, length, size, 4, 0, 0,
                                 0, 0, 0, at) + name
        at += len(head) + 5
    data = out + directory + struct.pack('<4sHHHHLLH', b'PK\5\6', 0, 0, count, count, len(directory), len(out), 0)
    defused(data)
    lines = defused(data, '-b', str(8 << 30)) if '--long' in sys.argv else []
    check(not lines or any('overlap' in line for line in lines), lines[-5:])


@case
def zip_with_one_member_many_times():
    """The directory names the same megabytes again and again, each time a byte further on."""
    plain = bytes(1 << 20)
    block = literal(b'')  # an empty block can begin anywhere
    packed = block * 2000 + deflated(plain)
    name = b'n'
    head = struct.pack('<4sHHHHHLLLHH', b'PK\3\4', 20, 0, 8, 0, 0x21, zlib.crc32(plain), len(packed), len(plain), 1, 0)
    out = head + name + packed
    directory = b''.join(struct.pack('<4sHHHHHHLLLHHHHHLL', b'PK\1\2', 20, 20, 0, 8, 0, 0x21, zlib.crc32(plain),
                                     len(packed) - i % 7, len(plain), 1, 0, 0, 0, 0, 0, 0) + name for i in range(60000))
    data = out + directory + struct.pack('<4sHHHHLLH', b'PK\5\6', 0, 0, 60000, 60000, len(directory), len(out), 0)
    defused(data)


def repeated(make, count):
    """`count` compressed pieces of zeros, one after the other: formats that concatenate."""
    return make(bytes(32 << 20)) * count


@case
def streams_of_zeros():
    for name, data in (('gzip', repeated(gzip.compress, 320)), ('bzip2', repeated(bz2.compress, 320)),
                       ('xz', repeated(lambda d: lzma.compress(d, preset=1), 320))):
        defused(data)
    for command in (['zstd', '-qc'], ['lz4', '-qc'], ['lzip', '-1c'], ['compress', '-c'], ['xz', '-1', '--format=lzma', '-c']):
        if shutil.which(command[0]):
            done = subprocess.run(command, input=bytes(100 << 20), capture_output=True)
            defused(done.stdout)
            if command[0] in ('zstd', 'lz4'):
                defused(done.stdout * 100)


@case
def dictionaries_of_gigabytes():
    """A header that asks for 4 GiB costs nothing, and is said."""
    lzma_alone = b'\x5d' + struct.pack('<LQ', 0xffffffff, 1 << 20) + lzma.compress(bytes(1 << 20), lzma.FORMAT_ALONE)[13:]
    defused(lzma_alone, least=0)
    if shutil.which('zstd'):
        big = subprocess.run(['zstd', '-qc', '--long=31', '--ultra', '-1'], input=bytes(1 << 20), capture_output=True)
        frame = bytearray(big.stdout)
        # Frame header: no single segment, window descriptor of 2 GiB, no content size.
        frame = frame[:4] + bytes([frame[4] & 4, 21 << 3]) + big.stdout[6:]
        defused(bytes(frame), least=0)


@case
def a_million_members():
    head = struct.pack('<4sHHHHHLLLHH', b'PK\3\4', 10, 0, 0, 0, 0x21, zlib.crc32(b'x'), 1, 1, 1, 0) + b'nx'
    central = [struct.pack('<4sHHHHHHLLLHHHHHLL', b'PK\1\2', 10, 10, 0, 0, 0, 0x21, zlib.crc32(b'x'), 1, 1, 1, 0, 0, 0, 0,
                           0, i * len(head)) + b'n' for i in range(1000000)]
    out, directory = head * 1000000, b''.join(central)
    end = struct.pack('<4sQHHLLQQQQ', b'PK\6\6', 44, 45, 45, 0, 0, 1000000, 1000000, len(directory), len(out))
    end += struct.pack('<4sLQL', b'PK\6\7', 0, len(out) + len(directory), 1)
    end += struct.pack('<4sHHHHLLH', b'PK\5\6', 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0)
    defused(out + directory + end, '-m', '2000', least=1999)
    defused(out, '-m', '2000', least=1999)  # without a directory
    info = tarfile.TarInfo('n')
    info.size = 1
    block = info.tobuf() + b'x'.ljust(512, b'\0')
    defused(block * 300000, '-m', '2000', least=1999)
    data = b'!<arch>\n' + (b'n/'.ljust(16) + b'0'.ljust(12) + b'0'.ljust(6) * 2 + b'644'.ljust(8) + b'2'.ljust(10) + b'`\nxx') * 1000000
    defused(data, '-m', '2000', least=1999)


@case
def a_thousand_deep():
    data = stored = b'at the bottom'
    for i in range(1000):
        data = zip_of([('n', data)]) if i % 2 else gzip.compress(data)
        stored = zip_of([('n', stored)], zipfile.ZIP_STORED)
    defused(data, least=20)
    defused(stored, least=20)


@case
def sparse_tar():
    """A few bytes of map stand for a terabyte."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=tarfile.PAX_FORMAT) as t:
        info = tarfile.TarInfo('n')
        info.pax_headers = {'GNU.sparse.size': str(1 << 40), 'GNU.sparse.numblocks': '1', 'GNU.sparse.map': f'{(1 << 40) - 1},1',
                            'GNU.sparse.name': 'n'}
        info.size = 1
        t.addfile(info, io.BytesIO(b'x'))
    defused(out.getvalue(), least=0)


sys.exit(run_cases(folders=False))
