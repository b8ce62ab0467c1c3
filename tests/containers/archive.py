#!/usr/bin/env python3
"""Archives and compressed files: what unpack_tool finds in them, against what was put in.

usage: archive.py UNPACK_TOOL

Prints TAP. Samples are made with Debian's tools; by hand in Python where there is none (zip's
old methods and hidden members, SZDD, RAR). What a tool is missing for is skipped."""
import bz2, gzip, hashlib, io, lzma, os, random, re, shutil, struct, subprocess, sys, tarfile, tempfile
import zipfile, zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from tap import Skip, case, check, need, run_cases  # noqa: E402

os.environ.setdefault('ASAN_OPTIONS', 'allocator_may_return_null=1')  # libraries check what malloc gives
TOOL = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
rng = random.Random(3)
WORDS = [bytes(rng.choices(b'abcdefghijklmnopqrstuvwxyz', k=rng.randrange(2, 9))) for _ in range(300)]
TEXT = b' '.join(rng.choices(WORDS, k=9000)) + b'\n'
FILES = {
    'text.txt': TEXT,
    'one': b'1',
    'folder/noise': rng.randbytes(70000),
    'folder/deep/er/zeros and more': bytes(100000) + b'end',
    'name with spaces.bin': bytes(range(256)) * 300,
}
CLAM = '/usr/share/clamav-testfiles'


def run(*command, stdin=None, cwd=None):
    done = subprocess.run(command, input=stdin, capture_output=True, cwd=cwd)
    check(done.returncode == 0, command, done.stderr[-500:], done.stdout[-300:])
    return done.stdout


def made(*command, cwd='in', out='out', stdin=None):
    """The file that a command makes of the sample files; OUT in it stands for its name."""
    if os.path.exists(out):
        os.unlink(out)
    path = os.path.abspath(out)
    text = run(*[path if c == 'OUT' else c.replace('OUT', path) for c in command], cwd=cwd, stdin=stdin)
    return read(out) if os.path.exists(out) else text


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def unquote(text):
    raw = re.sub(r'\\x([0-9a-f]{2})', lambda m: chr(int(m[1], 16)), text)
    return raw.encode('latin-1').decode('utf-8', 'replace')


def tree(data, *arguments):
    """({path: [(size, sha256, partial)]}, [line of a gap])"""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        done = subprocess.run([TOOL, *arguments, file.name], capture_output=True, timeout=300)
    check(done.returncode == 0, 'unpack_tool', done.returncode, done.stderr[-1200:])
    objects, gaps = {}, []
    for line in done.stdout.decode('latin-1').split('\n'):
        m = re.match(r'object (\d+) ([0-9a-f]{64}) (partial )?(.*)$', line)
        if m:
            objects.setdefault(unquote(m[4]), []).append((int(m[1]), m[2], bool(m[3])))
        elif line.startswith('gap '):
            gaps.append(unquote(line))
    return objects, gaps


def kind(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return subprocess.run([TOOL, '-k', file.name], capture_output=True).stdout.strip().decode()


def sum_of(data):
    return hashlib.sha256(data).hexdigest()


def clean_name(path):
    return re.sub(r'(^|> )(\./)+', r'\1', path)


def exactly(data, members, *arguments, names=True, folders=True):
    """All these members and no others, no gap. Without `names` only contents are compared;
    without `folders` only the last part of names."""
    objects, gaps = tree(data, *arguments)
    check(not gaps, gaps)
    found = [(clean_name(p), o) for p, all_of in objects.items() for o in all_of]
    wanted = [(p, (len(d), sum_of(d), False)) for p, d in members.items() if d]
    if not folders:
        found = [(p.rsplit('/', 1)[-1], o) for p, o in found]
        wanted = [(p.rsplit('/', 1)[-1], o) for p, o in wanted]
    if not names:
        found, wanted = [o for _, o in found], [o for _, o in wanted]
    check(sorted(found) == sorted(wanted), 'found', sorted(found), 'wanted', sorted(wanted))


def sums(objects):
    return {o[1] for all_of in objects.values() for o in all_of}


def damaged(data, *arguments, tries=24, silent=()):
    """Cut at many places and with bits flipped: never a crash, and where content is missing, a gap.
    `silent`: kinds whose format cannot tell."""
    whole, chance = sums(tree(data, *arguments)[0]), random.Random(tries)
    for i in range(tries):
        bad = bytearray(data)
        if i % 2:
            bad = bad[:1 + int(chance.random() * (len(bad) - 1))]
        else:
            for _ in range(1 + i % 5):
                bad[int(chance.random() * len(bad))] ^= 1 << chance.randrange(8)
        objects, gaps = tree(bytes(bad), *arguments)
        if i % 2 and kind(bytes(bad)) and not whole <= sums(objects) and kind(data) not in silent:
            check(gaps, kind(data), 'cut to', len(bad), 'of', len(data), 'objects', list(objects), 'no gap')


# --- zip ---

def zip_of(files, method=zipfile.ZIP_DEFLATED, **options):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', method, **options) as z:
        for name, data in files.items():
            z.writestr(name, data)
    return out.getvalue()


@case
def zip_by_zip():
    need('zip')
    for options in (['-r'], ['-0r'], ['-9r'], ['-r', '-Z', 'bzip2'], ['-rD'], ['-r', '-fz']):
        exactly(made('zip', '-q', *options, 'OUT', '.', out='o.zip'), FILES)
    exactly(made('zip', '-qr', '-', '.'), FILES)  # streamed: sizes follow the data


@case
def zip_by_7z():
    need('7z')
    for method in ('Copy', 'Deflate', 'Deflate64', 'BZip2', 'LZMA', 'PPMd'):
        exactly(made('7z', 'a', '-mm=' + method, 'OUT', '.', out='o.zip'), FILES)


@case
def zip_by_python():
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        data = zip_of(FILES, method)
        exactly(data, FILES)
        exactly(data[:-2] + b'\7\0comment', FILES)
        exactly(b'PK\3\4' + b'prefix' * 100 + data, FILES)
        damaged(data)
    for level in (1, 9):
        exactly(zip_of(FILES, compresslevel=level), FILES)

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise io.UnsupportedOperation
    out = Pipe()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
        for name, data in FILES.items():
            with z.open(name, 'w', force_zip64=True) as member:
                member.write(data)
    exactly(out.getvalue(), FILES)
    # The same without its directory: found by local headers, and said.
    data = out.getvalue()
    objects, gaps = tree(data[:data.index(b'PK\1\2')])
    check(sums(objects) == {sum_of(d) for d in FILES.values()}, list(objects))
    check(any('directory is missing' in g for g in gaps), gaps)


@case
def zip_zstd_and_xz():
    """By hand: no tool of Debian's writes them."""
    need('zstd')
    for method, data in ((93, run('zstd', '-c', stdin=TEXT)), (20, run('zstd', '-c', stdin=TEXT)),
                         (95, lzma.compress(TEXT))):
        exactly(raw_zip([('t', method, data, TEXT)]), {'t': TEXT})


def raw_zip(members, flags=0, directory=None):
    """[(name, method, packed, plain)]; `directory` (a list of the same, and the index of the local
    header) when it is to differ."""
    out, at = b'', []
    for name, method, packed, plain in members:
        at.append(len(out))
        name = name.encode()
        out += struct.pack('<4sHHHHHLLLHH', b'PK\3\4', 20, flags, method, 0, 0x21, zlib.crc32(plain),
                           len(packed), len(plain), len(name), 0) + name + packed
    start = len(out)
    rows = directory if directory is not None else [(*m, i) for i, m in enumerate(members)]
    for name, method, packed, plain, index in rows:
        name = name.encode()
        out += struct.pack('<4sHHHHHHLLLHHHHHLL', b'PK\1\2', 20, 20, flags, method, 0, 0x21, zlib.crc32(plain),
                           len(packed), len(plain), len(name), 0, 0, 0, 0, 0, at[index]) + name
    return out + struct.pack('<4sHHHHLLH', b'PK\5\6', 0, 0, len(rows), len(rows), len(out) - start, start, 0)


def deflated(data):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(data) + c.flush()


class LowBits:
    def __init__(self):
        self.value, self.count, self.out = 0, 0, bytearray()

    def put(self, value, count):
        self.value |= value << self.count
        self.count += count
        while self.count >= 8:
            self.out.append(self.value & 255)
            self.value >>= 8
            self.count -= 8

    def done(self):
        self.put(0, 7)
        return bytes(self.out)


def shrink(data, forget):
    """LZW as in PKZIP 1: codes grow by command; with `forget` of them, those that begin no other
    are forgotten."""
    bits, width, table, free = LowBits(), 9, {}, 256
    current = data[0]

    def put(code):
        nonlocal width
        while code >= 1 << width:
            bits.put(256, width)
            bits.put(1, width)
            width += 1
        bits.put(code, width)
    for byte in data[1:]:
        if (current, byte) in table:
            current = table[current, byte]
            continue
        put(current)
        if free >= forget and current < 256:
            bits.put(256, width)
            bits.put(2, width)
            parents = {prefix for prefix, _ in table}
            table = {k: v for k, v in table.items() if v in parents}
            free = 256
        used = set(table.values())
        free += 1
        while free < 8192 and free in used:
            free += 1
        if free < 8192:
            table[current, byte] = free
        free = min(free, 8191)
        current = byte
    put(current)
    return bits.done()


def matches(data, shortest, longest, window):
    """(byte, None) or (length, distance), greedily."""
    seen, at = {}, 0
    while at < len(data):
        key = data[at:at + shortest]
        before = seen.get(key)
        if len(key) == shortest and before is not None and at - before <= window:
            length = shortest
            while length < longest and data[before + length:before + length + 1] == data[at + length:at + length + 1] != b'':
                length += 1
            yield length, at - before
        else:
            length = 1
            yield data[at], None
        for i in range(at, at + length):
            seen[data[i:i + shortest]] = i
        at += length


def reduce(data, factor):
    first, mask = bytearray(), 255 >> factor
    for what, distance in matches(data, 4, 200, (1 << factor) * 256):
        if distance is None:
            first += bytes([what]) if what != 144 else b'\x90\0'
            continue
        length, high = what - 3, (distance - 1) >> 8
        first += bytes([144, min(length, mask) | high << (8 - factor)])
        first += bytes([length - mask]) if length >= mask else b''
        first.append((distance - 1) & 255)
    check(all(first[i + 1] or first[i] != 144 for i in range(len(first) - 1)) or 144 in data, 'mark')
    followers = {}
    for a, b in zip(first, first[1:]):
        followers.setdefault(a, {}).setdefault(b, 0)
        followers[a][b] += 1
    sets = {a: sorted(f, key=f.get)[-(1 + a % 33):] for a, f in followers.items() if a % 3}
    bits, last = LowBits(), 0
    for a in range(255, -1, -1):
        bits.put(len(sets.get(a, ())), 6)
        for b in sets.get(a, ()):
            bits.put(b, 8)
    for byte in first:
        choices = sets.get(last, [])
        if choices and byte in choices:
            bits.put(0, 1)
            bits.put(choices.index(byte), max(1, (len(choices) - 1).bit_length()))
        else:
            if choices:
                bits.put(1, 1)
            bits.put(byte, 8)
        last = byte
    return bits.done()


def implode(data, large, literals):
    bits, low, shortest = LowBits(), 7 if large else 6, 3 if literals else 2
    trees = ([(256, 8)] if literals else []) + [(64, 6), (64, 6)]
    for count, length in trees:
        bits.put(count // 16 - 1, 8)
        for _ in range(count // 16):
            bits.put((length - 1) | 0xf0, 8)

    def code(value, length):  # inverted, its high bit first
        for i in range(length - 1, -1, -1):
            bits.put(~value >> i & 1, 1)
    for what, distance in matches(data, shortest, 63 + 255 + shortest - 1, 64 << low):
        if distance is None:
            bits.put(1, 1)
            code(what, 8) if literals else bits.put(what, 8)
            continue
        bits.put(0, 1)
        bits.put((distance - 1) & ((1 << low) - 1), low)
        code((distance - 1) >> low, 6)
        length = what - shortest
        code(min(length, 63), 6)
        if length >= 63:
            bits.put(length - 63, 8)
    return bits.done()


def others_agree(data, plain):
    if shutil.which('7z'):
        with open('o.zip', 'wb') as file:
            file.write(data)
        check(run('7z', 'x', '-so', 'o.zip') == plain, '7z reads something else: the generator is wrong')


@case
def zip_of_the_nineties():
    """shrink, reduce 1-4, implode: by hand; 7z is asked where it knows the method."""
    plain = TEXT + bytes(range(256)) * 20 + bytes(3000) + TEXT[:5000]
    for forget in (600, 2000, 6000):
        data = raw_zip([('t', 1, shrink(plain, forget), plain)])
        others_agree(data, plain)
        exactly(data, {'t': plain})
        damaged(data)
    for factor in range(1, 5):
        data = raw_zip([('t', 1 + factor, reduce(plain, factor), plain)])
        exactly(data, {'t': plain})
    damaged(data)
    for large in (0, 2):
        for literals in (0, 4):
            data = raw_zip([('t', 6, implode(plain, large, literals), plain)], flags=large | literals)
            others_agree(data, plain)
            exactly(data, {'t': plain})
    damaged(data)


@case
def zip_encrypted():
    need('zip', '7z')
    samples = [made('zip', '-qr', '-P', 'infected', 'OUT', '.', out='o.zip'),
               made('zip', '-q0r', '-P', 'infected', 'OUT', '.', out='o.zip'),
               made('zip', '-qr', '-P', 'infected', '-', '.')]
    for cipher in ('AES128', 'AES192', 'AES256', 'ZipCrypto'):
        samples.append(made('7z', 'a', '-pinfected', '-mem=' + cipher, 'OUT', '.', out='o.zip'))
    for data in samples:
        exactly(data, FILES, '-p', 'wrong', '-p', 'infected')
        objects, gaps = tree(data, '-p', 'wrong')
        # ZipCrypto: one wrong password in 65,536 opens a single byte, and that is the right byte then.
        check(set(objects) <= {'one'} and len(gaps) == len(FILES) - len(objects), objects, gaps)
        check(all(g.startswith('gap encrypted') for g in gaps), gaps)
        damaged(data, '-p', 'infected', tries=8)


@case
def zip_hides_nothing():
    a, b, c = (b'A' * 500, b'B' * 600, TEXT)
    packed = [('a', 8, deflated(a), a), ('b', 8, deflated(b), b), ('c', 8, deflated(c), c)]
    # In local headers only; in the directory only some.
    for listed in ([], [0], [1], [2], [0, 2]):
        exactly(raw_zip(packed, directory=[(*packed[i], i) for i in listed]), {'a': a, 'b': b, 'c': c})
    # Two archives, one after the other; one inside padding.
    exactly(raw_zip(packed[:1]) + raw_zip(packed[1:]), {'a': a, 'b': b, 'c': c})
    exactly(raw_zip(packed[:1]) + bytes(1000) + raw_zip(packed[1:]) + bytes(100), {'a': a, 'b': b, 'c': c})
    # The directory says stored, the member's own header deflate: both are looked at.
    lie = raw_zip(packed[2:], directory=[('c', 0, deflated(c), c, 0)])
    objects, gaps = tree(lie)
    check(sum_of(c) in sums(objects) and gaps, objects, gaps)
    # A member twice in the directory is one.
    exactly(raw_zip(packed, directory=[(*packed[i % 3], i % 3) for i in range(9)]), {'a': a, 'b': b, 'c': c})
    # A wrong checksum is said, and the content is there.
    objects, gaps = tree(raw_zip([('a', 8, deflated(a), b)]))
    check(sum_of(a) in sums(objects) and 'damaged' in gaps[0], objects, gaps)
    # A method that nobody knows.
    objects, gaps = tree(raw_zip([('a', 77, a, a)]))
    check(gaps and gaps[0].startswith('gap unsupported'), gaps)


# --- compressed streams ---

STREAMS = {
    'gzip': ['gzip', '-c'], 'bzip2': ['bzip2', '-c'], 'xz': ['xz', '-c'], 'lzma': ['xz', '--format=lzma', '-c'],
    'lzip': ['lzip', '-c'], 'zstd': ['zstd', '-c'], 'lz4': ['lz4', '-c'], 'compress': ['compress', '-c'],
    'pigz': ['pigz', '-c'], 'lz4 legacy': ['lz4', '-l', '-c'], 'xz crc32': ['xz', '-Ccrc32', '-c'],
    'xz blocks': ['xz', '--block-size=9000', '-T2', '-c'], 'zstd long': ['zstd', '--long', '-19', '-c'],
    'compress 10': ['compress', '-b10', '-c'], 'compress 12': ['compress', '-b12', '-c'],
}


def only(data, plain, *arguments):
    """One object: the plain data."""
    objects, gaps = tree(data, *arguments)
    check(sums(objects) == {sum_of(plain)} and not gaps, objects, gaps)


@case
def streams():
    plain = TEXT * 30 + rng.randbytes(50000)
    missing = []
    for name, command in STREAMS.items():
        if not shutil.which(command[0]):
            missing.append(command[0])
            continue
        data = run(*command, stdin=plain)
        only(data, plain)
        objects, gaps = tree(data[:len(data) // 2])
        check(name.startswith(('compress', 'lz4 legacy')) or gaps, name, 'cut in half: no gap')
        check(objects or name.startswith('lz4'), name, 'cut in half: nothing of it came out')
        if name not in ('lzma', 'compress', 'compress 10', 'compress 12', 'xz blocks'):
            only(data + run(*command, stdin=TEXT), plain + TEXT)
        if name not in ('compress', 'compress 10', 'compress 12', 'lz4 legacy'):
            objects, gaps = tree(data + b'hidden behind the end')
            check(sums(objects) == {sum_of(plain), sum_of(b'hidden behind the end')}, name, objects, gaps)
        damaged(data, silent=('compress', 'lz4'), tries=10)
    if missing:
        raise Skip('not installed: ' + ' '.join(missing))


@case
def stream_names():
    with open('in name.txt', 'wb') as file:
        file.write(TEXT)
    exactly(run('gzip', '-c', 'in name.txt'), {'in name.txt': TEXT})
    # Within an archive, the last part of the name counts, if it has one.
    for name, inner in (('a/b.x/in.txt.gz', 'in.txt'), ('b.gz/', 'data'), ('/', 'data'), ('a/t.tgz', 't.tar')):
        objects, gaps = tree(zip_of({name: gzip.compress(TEXT)}, zipfile.ZIP_STORED))
        check(f'{name} > {inner}' in objects and not gaps, name, list(objects), gaps)
    skippable = struct.pack('<LL', 0x184d2a53, 5) + b'12345'
    if shutil.which('zstd'):
        only(skippable + run('zstd', '-c', stdin=TEXT) + skippable, TEXT)
    if shutil.which('lz4'):
        only(skippable + run('lz4', '-c', stdin=TEXT) + skippable, TEXT)


@case
def lzop_files():
    need('lzop')
    plain = TEXT * 30 + rng.randbytes(50000) + bytes(70000)
    with open('in.bin', 'wb') as file:
        file.write(plain)
    for options in (['-1'], ['-6'], ['-9'], ['-3', '--crc32'], ['--no-checksum']):
        data = run('lzop', '-c', *options, 'in.bin')
        exactly(data, {'in.bin': plain})
        objects, gaps = tree(data[:len(data) // 2])
        check(objects and gaps, options, objects, gaps)
        if '--no-checksum' not in options:
            damaged(data, tries=10)
    objects, gaps = tree(run('lzop', '-c', stdin=plain) + b'hidden behind the end')
    check(sums(objects) == {sum_of(plain), sum_of(b'hidden behind the end')} and not gaps, objects, gaps)
    two = run('lzop', '-c', 'in.bin') + run('lzop', '-c', stdin=TEXT)
    check(sums(tree(two)[0]) == {sum_of(plain), sum_of(TEXT)}, 'two files')


# --- archives that libarchive reads ---

@case
def tar_flavours():
    for flavour in ('v7', 'ustar', 'gnu', 'oldgnu', 'pax'):
        data = made('tar', '--format=' + flavour, '-cf', '-', '.')
        exactly(data, FILES)
        damaged(data, tries=10)
    long = {('d' * 90 + '/') * 3 + 'f' * 200: TEXT}
    for format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w', format=format) as t:
            for name, data in long.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                t.addfile(info, io.BytesIO(data))
        exactly(out.getvalue(), long)
    exactly(run('tar', '-czf', '-', 'text.txt', cwd='in') and made('tar', '-cf', '-', 'text.txt'), {'text.txt': TEXT})


@case
def tar_sparse():
    with open('sparse', 'wb') as file:
        file.seek(3 << 20)
        file.write(TEXT)
        file.seek(9 << 20)
        file.write(b'end')
    plain = read('sparse')
    for options in (['--format=gnu'], ['--format=posix'], ['--format=posix', '--sparse-version=0.0'],
                    ['--format=posix', '--sparse-version=0.1']):
        exactly(run('tar', '-S', *options, '-cf', '-', 'sparse'), {'sparse': plain}, names=False)


@case
def tar_hides_nothing():
    one, two = made('tar', '-cf', '-', 'text.txt'), made('tar', '-cf', '-', 'one')
    exactly(one + two, {'text.txt': TEXT, 'one': b'1'})
    # A header whose checksum is wrong: what follows is found, and the damage is said.
    whole = made('tar', '--format=ustar', '-cf', '-', 'one', 'text.txt', 'folder/noise')
    bad = bytearray(whole)
    bad[whole.index(b'text.txt') + 3] ^= 1
    objects, gaps = tree(bytes(bad))
    check(sum_of(FILES['folder/noise']) in sums(objects) and gaps, objects, gaps)


@case
def cpio_flavours():
    need('cpio')
    names = '\0'.join(FILES).encode() + b'\0'
    for flavour in ('bin', 'odc', 'newc', 'crc', 'hpodc', 'hpbin'):
        data = made('cpio', '-0', '-o', '--quiet', '-H', flavour, stdin=names)
        exactly(data, FILES)
        damaged(data, tries=8)


@case
def sevenzip_methods():
    need('7z')
    for options in (['-m0=LZMA'], ['-m0=LZMA2'], ['-m0=PPMd'], ['-m0=BZip2'], ['-m0=Deflate'], ['-m0=Copy'],
                    ['-ms=off'], ['-m0=BCJ', '-m1=LZMA'], ['-m0=BCJ2', '-m1=LZMA'], ['-m0=Delta:4', '-m1=LZMA2'],
                    ['-mhc=off']):
        data = made('7z', 'a', *options, 'OUT', '.', out='o.7z')
        exactly(data, FILES)
    damaged(data)


@case
def sevenzip_other_methods():
    """What libarchive lacks. One that nobody knows hides no other member."""
    need('7z')
    shutil.copy2('/bin/true', 'in/program')
    files = {**FILES, 'program': read('in/program')}
    for options in (['-m0=Deflate64'], ['-m0=PPMd'], ['-m0=ARM64', '-m1=LZMA2'], ['-m0=ARM', '-m1=LZMA'], ['-m0=ARMT', '-m1=LZMA'],
                    ['-m0=PPC', '-m1=LZMA'], ['-m0=SPARC', '-m1=LZMA'], ['-m0=IA64', '-m1=LZMA'], ['-m0=SWAP4', '-m1=LZMA'],
                    ['-m0=SWAP2', '-m1=BZip2'], ['-m0=Delta:3', '-m1=PPMd'], ['-m0=Delta:2', '-m1=BCJ', '-m2=LZMA']):
        for password in ([], ['-pinfected']):
            data = made('7z', 'a', *options, *password, 'OUT', '.', out='o.7z')
            exactly(data, files, '-p', 'infected')
    damaged(data, '-p', 'infected', tries=6)
    made('7z', 'a', '-m0=RISCV', '-m1=LZMA', 'OUT', 'one', 'text.txt', out='o.7z')
    run('7z', 'a', os.path.abspath('o.7z'), 'folder/noise', cwd='in')
    objects, gaps = tree(read('o.7z'))
    check(list(objects) == ['folder/noise'] and all(g.startswith('gap unsupported') for g in gaps) and len(gaps) == 2, objects, gaps)
    os.unlink('in/program')


@case
def sevenzip_passwords():
    """Each file as it went in, when one of the passwords is right; else none, and that is said."""
    need('7z')
    shutil.copy2('/bin/true', 'in/program')  # 7z gives programs a filter of their own
    files = {**FILES, 'program': read('in/program')}
    for options in (['-m0=LZMA'], ['-m0=LZMA2'], ['-m0=BZip2'], ['-m0=Deflate'], ['-m0=Copy'], ['-m0=PPMd', '-x!program'],
                    ['-ms=off'], ['-m0=BCJ', '-m1=LZMA'], ['-m0=BCJ2', '-m1=LZMA'], ['-m0=Delta:4', '-m1=LZMA2'],
                    ['-mhc=off'], ['-mf=off']):
        for names in ([], ['-mhe=on']):
            data = made('7z', 'a', '-pinfected', *options, *names, 'OUT', '.', out='o.7z')
            here = {n: d for n, d in files.items() if '-x!' + n not in options}
            exactly(data, here, '-p', 'wrong', '-p', 'infected', '-p', 'other')
            check(sum_of(run('7z', 'x', '-so', '-pinfected', 'o.7z', 'text.txt')) == sum_of(TEXT), '7z reads another')
            objects, gaps = tree(data, '-p', 'wrong', '-p', '')
            check(not objects and all(g.startswith('gap encrypted') for g in gaps), options, objects, gaps)
            check(len(gaps) == (1 if names else len(here)), options, names, gaps)
        damaged(data, '-p', 'infected', tries=6)
    os.unlink('in/program')
    exactly(made('7z', 'a', '-pgr\u00fc\u00df \U0001f511', 'OUT', '.', out='o.7z'), FILES, '-p', 'gr\u00fc\u00df \U0001f511')
    # Members with passwords of their own, and with none.
    made('7z', 'a', '-pinfected', 'OUT', 'one', out='o.7z')
    for password, name in (('-pother', 'text.txt'), (None, 'folder/noise')):
        run('7z', 'a', *([password] if password else []), os.path.abspath('o.7z'), name, cwd='in')
    data = read('o.7z')
    three = {n: FILES[n] for n in ('one', 'text.txt', 'folder/noise')}
    exactly(data, three, '-p', 'infected', '-p', 'other')
    for password, missing in (('infected', 'text.txt'), ('other', 'one')):
        objects, gaps = tree(data, '-p', password)
        check(sums(objects) == {sum_of(d) for n, d in three.items() if n != missing}, password, objects)
        check(len(gaps) == 1 and gaps[0].startswith(f'gap encrypted {missing}'), gaps)


def sevenzip_stored(contents, password, fill=b''):
    """One folder of stored files, encrypted with a key of a single round; `fill` stands behind them."""
    iv, plain = bytes(range(16)), b''.join(contents)
    key = hashlib.sha256(password.encode('utf-16-le') + bytes(8)).digest()
    packed = aes_cbc(key, iv, (plain + fill).ljust((len(plain) + 15) // 16 * 16, b'\0'))
    names = b''.join(f'{i}\0'.encode('utf-16-le') for i in range(len(contents)))
    sums_of = b''.join(struct.pack('<I', zlib.crc32(c)) for c in contents)
    count, size = bytes([len(contents)]), bytes([len(plain)])
    header = (b'\1\4\6\0\1\x09' + bytes([len(packed)]) + b'\0\7\x0b\1\0\2\x24\6\xf1\7\1\x12\x40\x0f' + iv
              + b'\1\0\1\0\x0c' + size + size + b'\0\x08\x0d' + count
              + (b'\x09' + bytes(len(c) for c in contents[:-1]) if len(contents) > 1 else b'') + b'\x0a\1' + sums_of
              + b'\0\0\5' + count + b'\x11' + bytes([len(names) + 1]) + b'\0' + names + b'\0\0')
    start = struct.pack('<QQI', len(packed), len(header), zlib.crc32(header))
    return b'7z\xbc\xaf\x27\x1c\0\4' + struct.pack('<I', zlib.crc32(start)) + start + packed + header


@case
def sevenzip_passwords_by_chance():
    """One password in 256 gives the first byte its checksum. It is not taken for the right one."""
    need('openssl')
    byte, more = b'1', b'a second file of the same folder'
    for contents, fits in (([byte], 'wrong 7'), ([byte, more], 'wrong 371')):
        data = sevenzip_stored(contents, 'right')
        if shutil.which('7z'):
            with open('o.7z', 'wb') as file:
                file.write(data)
            check(run('7z', 'x', '-so', '-pright', 'o.7z') == b''.join(contents), '7z reads something else')
            check(run('7z', 'x', '-so', '-p' + fits, 'o.7z', '0') == byte, fits)
        objects, gaps = tree(data, '-p', fits)
        check(not objects and len(gaps) == len(contents) and gaps[0].startswith('gap encrypted 0'), objects, gaps)
        exactly(data, {str(i): c for i, c in enumerate(contents)}, '-p', fits, '-p', 'right')
    # Something else than zeros behind the data: then a byte proves nothing, and four do.
    objects, gaps = tree(sevenzip_stored([byte], 'right', b'not zeros'), '-p', 'right')
    check(not objects and len(gaps) == 1 and gaps[0].startswith('gap encrypted 0'), objects, gaps)
    exactly(sevenzip_stored([b'four'], 'right', b'not zeros'), {'0': b'four'}, '-p', 'right')
    exactly(sevenzip_stored([byte, more], 'right', b'not zeros'), {'0': byte, '1': more}, '-p', 'right')


@case
def ar_and_deb():
    need('ar', 'dpkg-deb')
    flat = {n: d for n, d in FILES.items() if '/' not in n and ' ' not in n}
    exactly(made('ar', 'rcS', 'OUT', *flat, out='o.a'), flat)
    os.makedirs('deb/DEBIAN', exist_ok=True)
    shutil.copytree('in', 'deb/opt', dirs_exist_ok=True)
    with open('deb/DEBIAN/control', 'w') as file:
        file.write('Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n')
    for how in ('gzip', 'xz', 'zstd', 'none'):
        run('dpkg-deb', '-Z' + how, '--build', 'deb', 'o.deb')
        objects, gaps = tree(read('o.deb'))
        check({sum_of(d) for d in FILES.values()} <= sums(objects) and not gaps, how, list(objects), gaps)


@case
def rpm_packages():
    need('rpmbuild')
    with open('x.spec', 'w') as file:
        file.write('Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n'
                   '%description\nx\n%post\necho from-the-script\n%install\nmkdir -p %{buildroot}/opt\n'
                   f'cp -r {os.path.abspath("in")}/. %{{buildroot}}/opt/\n%files\n/opt\n')
    for how in ('w9.gzdio', 'w6.xzdio', 'w9.bzdio', 'w3.zstdio'):
        run('rpmbuild', '-bb', '--quiet', '--define', f'_topdir {os.path.abspath("rpm")}', '--define',
            f'_binary_payload {how}', '--define', '__os_install_post %{nil}', 'x.spec')
        data = read('rpm/RPMS/noarch/x-1-1.noarch.rpm')
        objects, gaps = tree(data)
        check({sum_of(d) for d in FILES.values()} <= sums(objects) and not gaps, how, list(objects), gaps)
    damaged(data, tries=10)


@case
def xar_warc_lha():
    need('bsdtar')
    exactly(made('bsdtar', '--format=xar', '-cf', '-', '.'), FILES)
    data = made('bsdtar', '--format=warc', '-cf', '-', *FILES)
    objects, gaps = tree(data)
    check({sum_of(d) for d in FILES.values()} <= sums(objects) and not gaps, objects, gaps)
    damaged(data, tries=8)
    if not shutil.which('jlha'):
        raise Skip('jlha is not installed')
    for level in ('5', '6', '7'):
        exactly(made('jlha', '-ao' + level, 'OUT', *FILES, out='o.lzh'), FILES)


@case
def xar_tables():
    """By hand what bsdtar does not write: folders, streams, encodings, names, what is wrong."""
    def xar(toc, heap):
        toc = b'<?xml version="1.0"?><!-- <file> > --><xar><toc><checksum style="none"><offset>0</offset></checksum>' + toc
        toc = zlib.compress(toc + b'</toc></xar>')
        return struct.pack('>4sHHQQL', b'xar!', 28, 1, len(toc), 0, 0) + toc + heap

    def member(name, data, packed=None, style='octet-stream', offset=0, attributes='', length=None):
        packed = data if packed is None else packed
        return (f'<data><length>{len(packed) if length is None else length}</length><offset>{offset}</offset>'
                f'<size>{len(data)}</size><encoding style="application/{style}"/><extracted-checksum style="sha1">'
                f'{hashlib.sha1(data).hexdigest()}</extracted-checksum></data><name{attributes}>{name}</name>').encode()
    for style, pack in (('octet-stream', bytes), ('x-gzip', zlib.compress), ('x-bzip2', bz2.compress), ('x-xz', lzma.compress),
                        ('x-lzma', lambda d: lzma.compress(d, lzma.FORMAT_ALONE)), ('x-lzma', lzma.compress)):
        packed = pack(TEXT)
        exactly(xar(b'<file id="1">' + member('t', TEXT, packed, style) + b'</file>', packed), {'t': TEXT})
    # A folder whose name stands behind what is in it, a stream beside a file, odd names; a link to itself.
    body = b"<file id='1'><type>directory</type><file id='2'>" + member('a &amp; &lt;b&gt;', b'one')
    body += b'<ea id="0"><name>com.apple.ResourceFork</name><offset>3</offset><length>3</length><size>3</size></ea></file>'
    body += b'<file id="3">' + member('YsOk', b'three', offset=6, attributes=' enctype="base64"') + b'</file><name>dir</name></file>'
    body += b'<file id="4"><type link="4">hardlink</type><name>l</name></file>'
    exactly(xar(body, b'onetwothree'), {'dir/a & <b>': b'one', 'dir/a & <b>:com.apple.ResourceFork': b'two',
                                        'dir/b\u00e4': b'three'})
    deep = b'<file>' * 100 + member('x', b'one') + b'</file>' * 100
    objects, gaps = tree(xar(deep + b'<file>' + member('y', b'one') + b'</file>', b'one'))
    check('y' in objects, objects)
    for body, heap, word in ((member('t', TEXT), TEXT[:-5], 'cut short'), (member('t', TEXT), TEXT[:-1] + b'?', 'checksum'),
                             (member('t', TEXT, length=5), TEXT, 'size'), (member('t', TEXT, zlib.compress(TEXT), 'x-gzip'), bytes(99), 'damaged')):
        objects, gaps = tree(xar(b'<file>' + body + b'</file>', heap))
        check(gaps and all(g.startswith('gap damaged t') for g in gaps) and any(word in g for g in gaps), word, gaps)
    objects, gaps = tree(xar((b'<file>' + member('t', TEXT) + b'</file>') * 2000, TEXT))
    check(sum(map(len, objects.values())) < 10 and any('overlap' in g for g in gaps), gaps)


@case
def volumes():
    """A part alone says which it is, and gives what it has whole."""
    need('7z', 'zip')
    os.makedirs('parts', exist_ok=True)
    noise = {f'f{i}': rng.randbytes(30000) for i in range(9)}
    for name, data in {**noise, 'text': TEXT}.items():
        with open('parts/' + name, 'wb') as file:
            file.write(data)
    for command, names, whole in (
            (['7z', 'a', '-v70k', '-mx=1', 'OUT', '.'], 'v.7z', 0), (['7z', 'a', '-v70k', '-ms=off', 'OUT', '.'], 'v.7z', 0),
            (['7z', 'a', '-v70k', 'OUT', '.'], 'v.zip', 5), (['zip', '-qrs', '100k', 'OUT', '.'], 'v.zip', 6)):
        for old in os.listdir('.'):
            if old.startswith('v.'):
                os.unlink(old)
        made(*command, cwd='parts', out=names)
        parts = sorted(n for n in os.listdir('.') if n.startswith('v.'))
        check(len(parts) > 2, command, parts)
        found = set()
        for i, part in enumerate(parts, 1):
            objects, gaps = tree(read(part), '-n', part)
            check(gaps and f'volume {i} of a split archive' in gaps[0], part, gaps)
            found |= sums(objects)
            if '.7z' in part:
                check(len(gaps) == 1 and bool(objects) == (i == 1), part, objects, gaps)
        check(len(found & {sum_of(d) for d in noise.values()}) >= whole, command, len(found))
    objects, gaps = tree(read(made('7z', 'a', 'OUT', 'text', cwd='parts', out='w.7z') and 'w.7z')[:-20])
    check(gaps and gaps[0].startswith('gap damaged'), gaps)
    exactly(read('w.7z'), {'text': TEXT}, '-n', 'w.7z.001')
    for make in (rar4, rar5):
        objects, gaps = tree(make(FILES, volume=1))
        check(len(gaps) == 1 and 'of a split archive' in gaps[0] and len(objects) == len(FILES), gaps)


# --- Microsoft's, ARJ ---

@case
def cabinets():
    need('gcab')
    for options in (['-c'], ['-cz']):
        data = made('gcab', *options, 'OUT', *FILES, out='o.cab')
        exactly(data, FILES)
        damaged(data, tries=10)


@case
def szdd():
    """By hand: blocks of eight literals."""
    body = b''.join(b'\xff' + TEXT[i:i + 8] for i in range(0, len(TEXT), 8))
    data = b'SZDD\x88\xf0\x27\x33A_' + struct.pack('<L', len(TEXT)) + body
    only(data, TEXT)
    damaged(data, tries=10)


@case
def arj_methods():
    need('arj')
    for method in range(5):
        data = made('arj', 'a', '-y', '-i', f'-m{method}', 'OUT', *FILES, out='o.arj')
        exactly(data, FILES)
        damaged(data, tries=8)
    objects, gaps = tree(made('arj', 'a', '-y', '-i', '-gsecret', 'OUT', *FILES, out='o.arj'))
    check(not objects and all(g.startswith('gap encrypted') for g in gaps) and gaps, objects, gaps)


# --- RAR: stored members by hand; there is no free program that writes it ---

def number(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def rar5_block(body, data=b''):
    sized = number(len(body)) + body
    return struct.pack('<L', zlib.crc32(sized)) + sized + data


def rar5(files, volume=0, encrypted=False):
    out = b'Rar!\x1a\7\1\0' + rar5_block(number(1) + number(0) + number(volume))
    for name, data in files.items():
        extra = number(1 + 1 + 1 + 1 + 16 + 16 + 12) + number(1) + number(0) + number(0) + bytes([15]) + bytes(44)
        extra = extra if encrypted else b''
        name = name.encode()
        body = number(2) + number(3 if extra else 2) + (number(len(extra)) if extra else b'') + number(len(data))
        body += number(4) + number(len(data)) + number(0o100644) + struct.pack('<L', zlib.crc32(data)) + number(0)
        body += number(1) + number(len(name)) + name + extra
        out += rar5_block(body, data)
    return out + rar5_block(number(5) + number(0) + number(0))


def rar4_block(kind, flags, body, data=b''):
    head = struct.pack('<BHH', kind, flags, 7 + len(body)) + body
    return struct.pack('<H', zlib.crc32(head) & 0xffff) + head + data


def rar4(files, volume=0):
    out = b'Rar!\x1a\7\0' + rar4_block(0x73, volume, bytes(6))
    for name, data in files.items():
        body = struct.pack('<LLBLLBBHL', len(data), len(data), 3, zlib.crc32(data), 0x21 << 16, 20, 0x30, len(name),
                           0o100644) + name.encode()
        out += rar4_block(0x74, 0x8000, body, data)
    return out + rar4_block(0x7b, 0x4000, b'')


@case
def rar_stored():
    for make in (rar4, rar5):
        exactly(make(FILES), FILES)
        damaged(make(FILES), tries=10)
        objects, gaps = tree(make(FILES, volume=1))
        check(any('volume' in g for g in gaps), gaps)
    objects, gaps = tree(rar5(FILES, encrypted=True))
    check(sum(g.startswith('gap encrypted') for g in gaps) == len(FILES), gaps)


def aes_cbc(key, iv, data):
    """Filled up to whole blocks."""
    return run('openssl', 'enc', f'-aes-{8 * len(key)}-cbc', '-nopad', '-K', key.hex(), '-iv', iv.hex(),
               stdin=data + bytes(-len(data) % 16))


def rar5_key(password, power, salt):
    """(key, what tells that it is right)"""
    def stretch(more):
        return hashlib.pbkdf2_hmac('sha256', password.encode(), salt, (1 << power) + more)
    check = stretch(32)
    check = bytes(check[i] ^ check[i + 8] ^ check[i + 16] ^ check[i + 24] for i in range(8))
    return stretch(0), check + hashlib.sha256(check).digest()[:4]


def rar5_locked(files, password, headers=False, other=None):
    """Stored members behind a password, those in `other` behind its second; `headers`: these, too."""
    out, power = b'Rar!\x1a\7\1\0', 5
    salt, iv = rng.randbytes(16), rng.randbytes(16)
    key, check = rar5_key(password, power, salt)

    def put(body, data=b''):
        block = rar5_block(body)
        return (iv + aes_cbc(key, iv, block) if headers else block) + data
    if headers:
        out += rar5_block(number(4) + number(0) + number(0) + number(1) + bytes([power]) + salt + check)
    out += put(number(1) + number(0) + number(0))
    for i, (name, data) in enumerate(files.items()):
        key_here, check_here = rar5_key(other[1], power, salt) if other and name in other[0] else (key, check)
        lock = number(1) + number(0) + number(1 + i % 2 * 2) + bytes([power]) + salt + iv + check_here
        lock, packed, name = number(len(lock)) + lock, aes_cbc(key_here, iv, data), name.encode()
        crc = zlib.crc32(data) ^ i % 2 * 99  # with flag 2 only the key tells whether it is right
        body = number(2) + number(3) + number(len(lock)) + number(len(packed)) + number(4) + number(len(data))
        body += number(0o100644) + struct.pack('<L', crc) + number(0) + number(1) + number(len(name)) + name + lock
        out += put(body, packed)
    return out + put(number(5) + number(0) + number(0))


def rar4_key(password, salt):
    """(key, vector)"""
    sha1, iv, text = hashlib.sha1(), b'', password.encode('utf-16-le') + salt
    for i in range(1 << 18):
        sha1.update(text + struct.pack('<L', i)[:3])
        if i % (1 << 14) == 0:
            iv += sha1.digest()[-1:]
    return b''.join(sha1.digest()[i:i + 4][::-1] for i in range(0, 16, 4)), iv


def rar4_locked(files, password, headers=False, other=None):
    out, salt = b'Rar!\x1a\7\0' + rar4_block(0x73, 0x80 if headers else 0, bytes(6)), rng.randbytes(8)
    keys = {p: rar4_key(p, salt) for p in ([password, other[1]] if other else [password])}

    def put(block):
        return salt + aes_cbc(*keys[password], block) if headers else block
    for name, data in files.items():
        key, iv = keys[other[1] if other and name in other[0] else password]
        packed = aes_cbc(key, iv, data)
        body = struct.pack('<LLBLLBBHL', len(packed), len(data), 3, zlib.crc32(data), 0x21 << 16, 29, 0x30, len(name),
                           0o100644) + name.encode() + salt
        out += put(rar4_block(0x74, 0x8404, body)) + packed
    return out + put(rar4_block(0x7b, 0x4000, b''))


@case
def rar_passwords():
    """By hand, with Python's hashes and openssl's AES."""
    need('openssl')
    flat = FILES
    for make in (rar4_locked, rar5_locked):
        for headers in (False, True):
            for password in ('infected', 'gr\u00fc\u00df'):
                exactly(make(flat, password, headers), flat, '-p', 'wrong', '-p', password)
            objects, gaps = tree(make(flat, 'infected', headers), '-p', 'wrong', '-p', '')
            check(not objects and all(g.startswith('gap encrypted') for g in gaps), objects, gaps)
            check(len(gaps) == (1 if headers else len(flat)), make, headers, gaps)
        damaged(make(flat, 'infected', headers), '-p', 'infected', tries=10)
        data = make(flat, 'infected', other=(['text.txt'], 'other'))
        exactly(data, flat, '-p', 'infected', '-p', 'other')
        objects, gaps = tree(data, '-p', 'infected')
        check(list(objects) == [n for n in flat if n != 'text.txt'], objects)
        check(len(gaps) == 1 and gaps[0].startswith('gap encrypted text.txt'), gaps)


@case
def rar_solid():
    """What of a solid archive of RAR 4 stands alone comes out, and the rest is said."""
    head = bytearray(rar4(FILES, volume=8))
    exactly(bytes(head), FILES)
    names = list(FILES)
    at = head.index(names[1].encode()) - 32  # second member: refers to the first, compressed
    head[at + 25] = 0x33
    head[at + 3] |= 0x10
    struct.pack_into('<H', head, at, zlib.crc32(head[at + 2:at + 32 + len(names[1])]) & 0xffff)
    objects, gaps = tree(bytes(head))
    check(sums(objects) == {sum_of(d) for n, d in FILES.items() if n != names[1]}, objects)
    check(len(gaps) == 1 and gaps[0].startswith(f'gap unsupported {names[1]}: solid'), gaps)


@case
def what_is_not_opened_is_said():
    for head in (b'RE~^', bytes(7) + b'**ACE**', b'StuffIt ', b'ALZ\1', b'EGGA', b'7kSt', b'LRZI',
                 b'\x1a\2NAME.TXT\0' + bytes(40), b'ArC\1'):
        objects, gaps = tree(head + bytes(100))
        check(gaps and gaps[0].startswith('gap unsupported'), head, gaps)


# --- all of them ---

@case
def test_files_of_clamav():
    """Each archive of clamav-testfiles holds the same small program."""
    if not os.path.exists(CLAM + '/clam.exe'):
        raise Skip('clamav-testfiles is not installed')
    wanted = sum_of(read(CLAM + '/clam.exe'))
    for name in ('clam.7z', 'clam.arj', 'clam.bin-be.cpio', 'clam.bin-le.cpio', 'clam.newc.cpio', 'clam.odc.cpio',
                 'clam.bz2.zip', 'clam.d64.zip', 'clam.impl.zip', 'clam.zip', 'clam.cab', 'clam.chm',
                 'clam.exe.bz2', 'clam.exe.szdd', 'clam.tar.gz', 'clam_cache_emax.tgz'):
        objects, gaps = tree(read(f'{CLAM}/{name}'))
        check(wanted in sums(objects) and not gaps, name, objects, gaps)


def wrappers():
    """{name: function of (name, data) to the archive that holds it}"""
    def tar(format):
        def make(name, data):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode='w', format=format) as t:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                t.addfile(info, io.BytesIO(data))
            return out.getvalue()
        return make

    def tool(*command, out='w.out'):
        def make(name, data):
            os.makedirs('wrap', exist_ok=True)
            with open('wrap/' + name, 'wb') as file:
                file.write(data)
            return made(*[name if c == 'NAME' else c for c in command], cwd='wrap', out=out,
                        stdin=(name + '\n').encode())
        return make
    found = {
        'zip': lambda n, d: zip_of({n: d}), 'stored zip': lambda n, d: zip_of({n: d}, zipfile.ZIP_STORED),
        'ustar': tar(tarfile.USTAR_FORMAT), 'pax': tar(tarfile.PAX_FORMAT),
        'gzip': lambda n, d: gzip.compress(d), 'bzip2': lambda n, d: bz2.compress(d),
        'xz': lambda n, d: lzma.compress(d), 'lzma': lambda n, d: lzma.compress(d, lzma.FORMAT_ALONE),
    }
    for name, command, out in (
            ('7z', ['7z', 'a', '-mx=1', 'OUT', 'NAME'], 'w.7z'), ('cab', ['gcab', '-cz', 'OUT', 'NAME'], 'w.cab'),
            ('arj', ['arj', 'a', '-y', '-i', 'OUT', 'NAME'], 'w.arj'), ('cpio', ['cpio', '-o', '--quiet', '-H', 'newc'], 'w.cpio'),
            ('ar', ['ar', 'rcS', 'OUT', 'NAME'], 'w.a'), ('xar', ['bsdtar', '--format=xar', '-cf', 'OUT', 'NAME'], 'w.xar'),
            ('lha', ['jlha', '-ao5', 'OUT', 'NAME'], 'w.lzh'), ('zstd', ['zstd', '-qc', 'NAME'], 'w.zst'),
            ('lz4', ['lz4', '-c', 'NAME'], 'w.lz4'), ('lzip', ['lzip', '-c', 'NAME'], 'w.lz')):
        if shutil.which(command[0]):
            found[name] = tool(*command, out=out)
    return found


@case
def everything_in_everything():
    kinds = wrappers()
    for outer in kinds:
        for inner in kinds:
            data = kinds[outer]('b', kinds[inner]('a', TEXT))
            objects, gaps = tree(data)
            check(sum_of(TEXT) in sums(objects) and not gaps, outer, 'of', inner, objects, gaps)
    for seed in range(12):
        data, path, chance = TEXT, [], random.Random(seed)
        for _ in range(chance.randrange(3, 14)):
            path.append(chance.choice(list(kinds)))
            data = kinds[path[-1]]('n', data)
        objects, gaps = tree(data)
        check(sum_of(TEXT) in sums(objects) and not gaps, path, objects, gaps)


@case
def texts_are_no_archives():
    for path in (__file__, '/etc/passwd', TOOL):
        check(kind(read(path)) in ('', 'elf', 'html', 'text'), path, kind(read(path)))


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    for sample, content in FILES.items():
        os.makedirs(os.path.dirname('in/' + sample), exist_ok=True)
        with open('in/' + sample, 'wb') as out:
            out.write(content)
    for at, folders, names in os.walk('in', topdown=False):  # what archives hold is the same in every run
        for name in names + folders:
            os.utime(os.path.join(at, name), (1700000000, 1700000000))
    os.utime('in', (1700000000, 1700000000))
    status = run_cases(folders=False)
sys.exit(status)
