#!/usr/bin/env python3
"""Programs, installers and packers: what unpack_tool finds, against other programs.

usage: program.py UNPACK_TOOL
       program.py --seeds FOLDER         writes the small samples, as seeds for fuzzing

Prints TAP. Oracles: makensis and 7z, upx, asar, readelf's view of a file's end; Inno Setup's
compiler, when ISCC names a command that runs it. Programs for Windows, packed ELF files,
archives of PyInstaller and Electron, universal binaries, Chrome's extensions and small
installers of Inno Setup are made by hand."""
import bz2, hashlib, io, json, lzma, marshal, os, random, re, shutil, struct, subprocess, sys, tempfile
import zipfile, zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from tap import Skip, case, check, need, run_cases  # noqa: E402

TOOL = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else sys.exit(__doc__)
SAMPLES = '/usr/share/clamav-testfiles/'
rng = random.Random(5)
NOISE = rng.randbytes(5000)
TEXT = b''.join(b'line %d of a text\n' % i for i in range(900))


def sum_of(data):
    return hashlib.sha256(data).hexdigest()


def unquote(text):
    return re.sub(rb'\\x([0-9a-f]{2})', lambda m: bytes([int(m[1], 16)]), text).decode('utf-8', 'replace')


class Tree:
    """What the tool says: paths in order, and gaps."""

    def __init__(self, data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            done = subprocess.run([TOOL, file.name], capture_output=True, timeout=120, check=False)
        check(done.returncode == 0, 'unpack_tool', done.returncode, done.stderr[-1500:])
        self.objects, self.gaps = [], []
        for line in done.stdout.split(b'\n'):
            m = re.match(rb'object (\d+) ([0-9a-f]{64}) (partial )?(.*)$', line)
            if m:
                self.objects.append((unquote(m[4]), m[2].decode(), bool(m[3])))
            elif line.startswith(b'gap '):
                self.gaps.append((line.split()[1].decode(), unquote(line)))

    def sums(self):
        return [s for _, s, _ in self.objects]

    def has(self, path, data):
        check((path, sum_of(data)) in [(p, s) for p, s, _ in self.objects], 'wanted', repr(path), data[:60], self)

    def holds(self, data):
        check(sum_of(data) in self.sums(), 'wanted', data[:60], self)

    def whole(self):
        check(not self.gaps, 'no gap is wanted', self)

    def gap(self, kind, text=''):
        check(any(k == kind and text in t for k, t in self.gaps), 'wanted gap', kind, text, self)

    def __str__(self):
        return '\n'.join(str(x) for x in self.objects + self.gaps)


def zip_of(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


# --- programs for Windows ---


def resource_tree(items):
    """{type: {name: data}} as the bytes of a section at RVA 0x2000; names are numbers or texts."""
    base, tables, leaves, texts, blobs = 0x2000, b'', b'', b'', b''
    types = list(items.items())
    counts = [16 + 8 * len(types)] + [16 + 8 * len(names) for _, names in types]
    language_at = sum(counts)
    number = sum(len(names) for _, names in types)
    leaf_at = language_at + 24 * number
    text_at = leaf_at + 16 * number
    every = [k for k, _ in types] + [n for _, names in types for n in names]
    blob_at = text_at + sum(2 + 2 * len(n) for n in every if isinstance(n, str))
    blob_at += -blob_at % 8

    def entry(key, target):
        nonlocal texts
        if isinstance(key, int):
            return struct.pack('<II', key, target)
        at = text_at + len(texts)
        texts += struct.pack('<H', len(key)) + key.encode('utf-16-le')
        return struct.pack('<II', 0x80000000 | at, target)

    root = struct.pack('<IIHHHH', 0, 0, 0, 0, 0, len(types))
    for i, (kind, _) in enumerate(types):
        root += entry(kind, 0x80000000 | sum(counts[:i + 1]))
    n, names_tables, languages = 0, b'', b''
    for _, names in types:
        names_tables += struct.pack('<IIHHHH', 0, 0, 0, 0, 0, len(names))
        for name, data in names.items():
            names_tables += entry(name, 0x80000000 | (language_at + 24 * n))
            languages += struct.pack('<IIHHHHII', 0, 0, 0, 0, 0, 1, 1033, leaf_at + 16 * n)
            leaves += struct.pack('<IIII', base + blob_at + len(blobs), len(data), 0, 0)
            blobs += data + bytes(-len(data) % 8)
            n += 1
    tables = root + names_tables + languages + leaves + texts
    return tables + bytes(blob_at - len(tables)) + blobs


def pe(resources=None, overlay=b'', certificate=b'', clr=b'', names=(b'.text', b'.rsrc'), code=b'\xc3'):
    rsrc = resource_tree(resources) if resources else b'\0'
    text = code + b'\x90' * 64
    pad = lambda d: d + bytes(-len(d) % 0x200)
    if clr:  # a .NET resource at RVA 0x1100, its header at 0x1080
        text = text.ljust(0x80, b'\0') + struct.pack('<IHHIIIIII', 72, 2, 5, 0, 0, 1, 0, 0x1100, len(clr))
        text = text.ljust(0x100, b'\0') + clr
    text, rsrc = pad(text), pad(rsrc)
    directories = [(0, 0)] * 16
    if resources:
        directories[2] = (0x2000, len(rsrc))
    end = 0x400 + len(text) + len(rsrc) + len(overlay)
    if certificate:
        directories[4] = (end, len(certificate))
    if clr:
        directories[14] = (0x1080, 72)
    optional = struct.pack('<HBBIIIIIIIIIHHHHHHIIIIHHIIIIII', 0x10b, 14, 0, len(text), len(rsrc), 0, 0x1000,
                           0x1000, 0x2000, 0x400000, 0x1000, 0x200, 6, 0, 0, 0, 6, 0, 0, 0x100000, 0x400, 0, 3,
                           0, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional += b''.join(struct.pack('<II', *d) for d in directories)
    head = b'MZ'.ljust(60, b'\0') + struct.pack('<I', 64) + b'PE\0\0'
    head += struct.pack('<HHIIIHH', 0x14c, 2, 0, 0, 0, len(optional), 0x102) + optional
    at = 0x400
    for name, rva, data in ((names[0], 0x1000, text), (names[1], 0x2000, rsrc)):
        head += name.ljust(8, b'\0') + struct.pack('<IIIIIIHHI', len(data), rva, len(data), at, 0, 0, 0, 0,
                                                   0x60000020)
        at += len(data)
    return head.ljust(0x400, b'\0') + text + rsrc + overlay + certificate


@case
def resources():
    items = {10: {1: NOISE, 'NAME': TEXT, 7: b'small'}, 'CUSTOM': {3: b'x' * 100}, 3: {1: b'i' * 500},
             16: {1: b'v' * 500}}
    tree = Tree(pe(items))
    tree.whole()
    tree.has('resource/RCDATA/1/1033', NOISE)
    tree.has('resource/RCDATA/NAME/1033', TEXT)
    tree.has('resource/CUSTOM/3/1033', b'x' * 100)
    check(len(tree.objects) == 3, tree)


@case
def resource_in_resource():
    tree = Tree(pe({10: {1: pe({'A': {1: zip_of(inner=TEXT)}})}}))
    tree.has('resource/RCDATA/1/1033 > resource/A/1/1033 > inner', TEXT)


@case
def overlays():
    archive = zip_of(inside=TEXT)
    for between in (b'', b'a few bytes', b';!@Install@!UTF-8!\nTitle="x"\n;!@InstallEnd@!', NOISE):
        tree = Tree(pe(overlay=between + archive))
        tree.holds(between + archive)
        # Once: what is found in two ways would double with each program in a program.
        check([p.endswith(' > inside') for p, s, _ in tree.objects if s == sum_of(TEXT)] == [True], between[:30], tree)
    tree = Tree(pe(overlay=b'x' * 100, certificate=b'c' * 200))
    tree.has('[overlay]', b'x' * 100)
    check(len(tree.objects) == 1, tree)


@case
def programs_in_a_program():
    inner = pe(code=b'inner')
    outer = pe({10: {1: pe(code=b'resource')}, 2: {1: b'bitmap' * 20 + inner}}, code=b'code' * 30 + inner + bytes(70) + inner)
    tree = Tree(outer)
    tree.whole()
    first = outer.index(inner)
    second = outer.index(inner, first + 1)
    tree.has(f'[program+{first}]', outer[first:second])
    resource = outer.index(pe(code=b'resource'))
    tree.has(f'[program+{second}]', outer[second:resource])
    tree.has('resource/RCDATA/1/1033', pe(code=b'resource'))
    check(f'[program+{resource}]' not in [p for p, _, _ in tree.objects], 'once', tree)
    hidden = outer.index(inner, second + 1)
    check(f'[program+{hidden}]' in [p for p, _, _ in tree.objects], 'in a picture', tree)


@case
def overlay_of_zip_that_counts_from_the_program():
    program = pe()
    out = io.BytesIO()
    out.write(program)
    with zipfile.ZipFile(out, 'a', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('inside', TEXT)
    Tree(out.getvalue()).holds(TEXT)
    picture = b'GIF89a' + NOISE
    Tree(picture + zip_of(inside=TEXT)).has('[zip] > inside', TEXT)


@case
def overlay_of_7z_and_cab():
    need('7z')
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + '/inside', 'wb') as file:
            file.write(TEXT)
        subprocess.run(['7z', 'a', 'a.7z', 'inside'], cwd=folder, capture_output=True, check=True)
        with open(folder + '/a.7z', 'rb') as file:
            archive = file.read()
    tree = Tree(pe(overlay=b'stub' + archive + b'more'))
    tree.has('[overlay+4]', archive)


@case
def overlay_of_elf():
    need('true')
    with open(shutil.which('true'), 'rb') as file:
        program = file.read()
    check(not Tree(program).objects, 'a plain program has nothing behind it')
    tree = Tree(program + NOISE)
    tree.has('[overlay]', NOISE)
    Tree(program + zip_of(inside=TEXT)).holds(TEXT)


@case
def overlapping_resources():
    data = bytearray(pe({10: {i: b'%04d' % i * 400 for i in range(300)}}))
    first = data.find(struct.pack('<I', 1600)) - 4
    for i in range(300):
        struct.pack_into('<II', data, first + 16 * i, 0x2000, 400000)
    Tree(bytes(data)).gap('limit')


@case
def dotnet_resources():
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    library = pe({10: {1: TEXT}})
    items = [NOISE, TEXT, b'tiny', deflate.compress(library) + deflate.flush()]
    blob = b''
    for item in items:
        blob += struct.pack('<I', len(item)) + item
        blob += bytes(-len(blob) % 8)
    tree = Tree(pe(clr=blob))
    tree.whole()
    tree.has('dotnet/0', NOISE)
    tree.has('dotnet/1', TEXT)
    tree.has('dotnet/3/[deflate]', library)


# --- NSIS ---


def nsis(compressor, solid, unicode, files):
    need('makensis', '7z')
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            with open(folder + '/' + name, 'wb') as file:
                file.write(data)
        script = 'Unicode %s\nSetCompressor %s %s\nName "t"\nOutFile "o.exe"\nSection\nSetOutPath "$TEMP\\d"\n' % (
            unicode, solid, compressor) + ''.join('File %s\n' % n for n in files) + 'SectionEnd\n'
        with open(folder + '/t.nsi', 'w', encoding='ascii') as file:
            file.write(script)
        subprocess.run(['makensis', '-V1', 't.nsi'], cwd=folder, check=True, capture_output=True)
        with open(folder + '/o.exe', 'rb') as file:
            data = file.read()
        subprocess.run(['7z', 'x', '-oout', 'o.exe'], cwd=folder, check=True, capture_output=True)
        unpacked = {}
        for root, _, names in os.walk(folder + '/out'):
            for name in names:
                with open(os.path.join(root, name), 'rb') as file:
                    unpacked[name] = file.read()
    return data, unpacked


@case
def nsis_compressors():
    files = {'text': TEXT * 20, 'noise': NOISE * 30, 'runs': b'a' * 70000 + b'b' * 255 + b'c' * 4, 'one': b'1'}
    for compressor in ('zlib', 'bzip2', 'lzma'):
        for solid in ('', '/SOLID'):
            for unicode in ('true', 'false'):
                data, unpacked = nsis(compressor, solid, unicode, files)
                tree = Tree(data)
                tree.whole()
                for name, content in unpacked.items():
                    tree.has('[overlay] > $TEMP/d/' + name, content)
                check(set(files) <= set(unpacked), 'the oracle lost some', unpacked.keys())


@case
def nsis_damaged():
    for compressor, solid in (('zlib', '/SOLID'), ('bzip2', ''), ('lzma', '/SOLID')):
        data, _ = nsis(compressor, solid, 'true', {'text': TEXT, 'noise': NOISE})
        overlay = Tree(data).objects[-1]
        check(overlay, data)
        for cut in (40, 300, 2000):
            tree = Tree(data[:-cut])
            check(tree.gaps, 'silence about', compressor, cut, tree)
        broken(data, len(data) - 8000)


def broken(data, start=0, times=30):
    """Flips bits and cuts: no crash; that is all one can ask."""
    for _ in range(times):
        bad = bytearray(data)
        for _ in range(4):
            bad[rng.randrange(start, len(bad))] ^= 1 << rng.randrange(8)
        Tree(bytes(bad))
    for _ in range(times // 3):
        Tree(data[:rng.randrange(start, len(data))])


# --- UPX ---


def lzma_raw(data):
    return lzma.compress(data, lzma.FORMAT_RAW, filters=[{'id': lzma.FILTER_LZMA1, 'lc': 3, 'lp': 0, 'pb': 2,
                                                          'dict_size': 1 << 16}])


def elf(payload, behind):
    head = b'\177ELF\2\1\1'.ljust(16, b'\0') + struct.pack('<HHIQQQIHHHHHH', 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1,
                                                            0, 0, 0)
    size = 120 + len(payload)
    head += struct.pack('<IIQQQQQQ', 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000)
    return head + payload + behind


def upx_elf(payload=TEXT[:2000], behind=TEXT[2000:2500], magic=b'UPX!'):
    """(packed, unpacked): an ELF program as UPX packs it, with LZMA."""
    original = elf(payload, behind)

    def block(data):
        packed = b'\x1a\x03' + lzma_raw(data)
        if len(packed) >= len(data):
            return struct.pack('<IIBBBB', len(data), len(data), 0, 0, 0, 0) + data
        return struct.pack('<IIBBBB', len(data), len(packed), 14, 0, 0, 0) + packed

    stub = elf(b'', b'')
    info = struct.pack('<I4sHBB', 0, magic, 100, 13, 22) + struct.pack('<III', 0, len(original), len(original))
    blocks = block(original[:120]) + block(payload) + b'LOADER' * 20 + block(behind)
    trailer = struct.pack('<I', 0) + magic + magic + bytes([13, 22, 14, 9]) + struct.pack(
        '<IIIII', 0, 0, len(original), 0, len(original)) + bytes(4) + struct.pack('<I', 120)
    return stub + info + blocks + trailer, original


@case
def upx_by_hand():
    packed, original = upx_elf()
    tree = Tree(packed)
    tree.has('[upx]', original)
    check(not tree.gaps, tree)
    packed, original = upx_elf(magic=b'YTS\x99')  # as malware does
    Tree(packed).has('[upx]', original)
    broken(packed, 120)


@case
def upx_elf_programs():
    need('upx')
    for program in ('ls', 'bash', 'openssl'):
        path = shutil.which(program)
        for option in ('-1', '-9', '--lzma', '--nrv2b', '--nrv2d', '--nrv2e'):
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(['upx', '-qq', option, '-o', folder + '/p', path], capture_output=True, check=False)
                if done.returncode:
                    continue
                with open(folder + '/p', 'rb') as file:
                    packed = file.read()
                subprocess.run(['upx', '-qq', '-d', folder + '/p'], check=True, capture_output=True)
                with open(folder + '/p', 'rb') as file:
                    unpacked = file.read()
            tree = Tree(packed)
            tree.whole()
            tree.has('[upx]', unpacked)


# --- PyInstaller, Electron, Chrome, macOS ---


def pyz_of(modules):
    data, toc = b'', []
    for name, code in modules.items():
        packed = zlib.compress(code)
        toc.append((name, (0, 17 + len(data), len(packed))))
        data += packed
    return b'PYZ\0' + b'\x6f\x0d\x0d\x0a' + struct.pack('>I', 17 + len(data)) + bytes(5) + data + marshal.dumps(toc)


def carchive(members, cookie=88):
    data, toc = b'', b''
    for name, (kind, content) in members.items():
        packed = content if kind == b'z' else zlib.compress(content)
        size = -(-(18 + len(name) + 1) // 16) * 16
        toc += struct.pack('>IIIIB', size, len(data), len(packed), len(content), kind != b'z') + kind
        toc += name.encode().ljust(size - 18, b'\0')
        data += packed
    total = len(data) + len(toc) + cookie
    end = b'MEI\014\013\012\013\016' + struct.pack('>IIII', total, len(data), len(toc), 311)
    return data + toc + (end + b'libpython'.ljust(64, b'\0') if cookie == 88 else end)


@case
def pyinstaller():
    modules = {'json': TEXT, 'package.inner': NOISE, 'a' * 300: b'long name'}
    members = {'main': (b's', TEXT), 'lib.so': (b'b', NOISE), 'PYZ.pyz': (b'z', pyz_of(modules))}
    for cookie in (88, 24):
        for behind in (b'', NOISE):
            tree = Tree(pe(overlay=carchive(members, cookie) + behind))
            check(not tree.gaps, tree)
            tree.has('main', TEXT)
            tree.has('lib.so', NOISE)
            for name, code in modules.items():
                tree.has('PYZ.pyz > ' + name, code)
    broken(pe(overlay=carchive(members)), 0x400)


def asar(members):
    data, tree = b'', {}
    for path, content in members.items():
        at = tree
        *folders, name = path.split('/')
        for folder in folders:
            at = at.setdefault(folder, {'files': {}})['files']
        at[name] = {'size': len(content), 'offset': str(len(data))}
        data += content
    tree['link'] = {'link': 'a'}
    tree['outside'] = {'size': 5, 'unpacked': True}
    text = json.dumps({'files': tree}).encode()
    padded = text + bytes(-len(text) % 4)
    return struct.pack('<IIII', 4, 8 + len(padded), 4 + len(padded), len(text)) + padded + data


@case
def asar_archives():
    members = {'a': TEXT, 'd/e/f': NOISE, 'd/g.zip': zip_of(inner=b'inner' * 10)}
    tree = Tree(asar(members))
    tree.whole()
    for path, content in members.items():
        tree.has(path, content)
    tree.has('d/g.zip > inner', b'inner' * 10)
    Tree(asar(members)[:-2000]).gap('damaged')
    broken(asar(members))
    need('asar')
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(folder + '/t/d')
        for name, content in (('t/x', TEXT), ('t/d/y', NOISE), ('t/empty', b'')):
            with open(folder + '/' + name, 'wb') as file:
                file.write(content)
        subprocess.run(['asar', 'pack', 't', 't.asar'], cwd=folder, check=True, capture_output=True)
        with open(folder + '/t.asar', 'rb') as file:
            tree = Tree(file.read())
    tree.has('x', TEXT)
    tree.has('d/y', NOISE)


@case
def chrome_extensions():
    archive = zip_of(manifest=TEXT)
    Tree(b'Cr24' + struct.pack('<II', 3, 50) + b'k' * 50 + archive).has('[zip] > manifest', TEXT)
    Tree(b'Cr24' + struct.pack('<III', 2, 20, 30) + b'k' * 50 + archive).has('[zip] > manifest', TEXT)
    Tree(b'Cr24' + struct.pack('<II', 9, 50) + b'k' * 50).gap('unsupported')
    Tree(b'Cr24' + struct.pack('<II', 3, 5000) + b'k' * 50).gap('damaged')


def fat(slices, is_64=False):
    at, table, data = 4096, b'', b''
    for i, content in enumerate(slices):
        place = at + len(data)
        table += struct.pack('>IIQQII', 7 + i, 3, place, len(content), 12, 0) if is_64 else struct.pack(
            '>IIIII', 7 + i, 3, place, len(content), 12)
        data += content
    head = struct.pack('>II', 0xcafebabf if is_64 else 0xcafebabe, len(slices)) + table
    return head.ljust(4096, b'\0') + data


@case
def universal_binaries():
    for is_64 in (False, True):
        tree = Tree(fat([TEXT, NOISE], is_64))
        tree.whole()
        tree.has('slice/0-7', TEXT)
        tree.has('slice/1-8', NOISE)
        Tree(fat([TEXT, NOISE], is_64)[:-100]).gap('damaged')
    check(not Tree(b'\xca\xfe\xba\xbe\0\0\0\x34' + NOISE).objects, 'a class of Java')


# --- Android ---


def dex(size):
    return (b'dex\n035\0' + bytes(24) + struct.pack('<II', size, 112)).ljust(112, b'\0') + rng.randbytes(size - 112)


@case
def android():
    first, second = dex(500), dex(900)
    for head in (b'vdex021\0'.ljust(60, b'\0'), b'dey\n036\0'.ljust(40, b'\0')):
        tree = Tree(head + first + b'\0' * 4 + second + b'verifier')
        tree.whole()
        tree.holds(first)
        tree.holds(second)
        Tree(head + first + second[:-9]).gap('damaged')
    Tree(b'vdex021\0' + bytes(90)).whole()


# --- Inno Setup ---


def inno_block(data):
    filters = [{'id': lzma.FILTER_LZMA1, 'lc': 3, 'lp': 0, 'pb': 2, 'dict_size': 1 << 16}]
    packed = b'\x5d\0\0\1\0' + lzma.compress(data, lzma.FORMAT_RAW, filters=filters)
    body = b''.join(struct.pack('<I', zlib.crc32(packed[i:i + 4096])) + packed[i:i + 4096]
                    for i in range(0, len(packed), 4096))
    head = struct.pack('<IB', len(body), 1)
    return struct.pack('<I', zlib.crc32(head)) + head + body


def inno_filter(data):
    """What the compiler does: targets made absolute."""
    out, i = bytearray(data), 0
    while i + 5 <= len(out):
        if out[i] in (0xe8, 0xe9) and 0x10000 - i % 0x10000 >= 5:
            if out[i + 4] in (0, 255):
                target = int.from_bytes(out[i + 1:i + 4], 'little')
                if target & 0x800000:
                    out[i + 4] ^= 255
                out[i + 1:i + 4] = ((target + i + 5) & 0xffffff).to_bytes(3, 'little')
            i += 4
        i += 1
    return bytes(out)


CODE = b'\xe8\x10\0\0\0\x90\xe9\xf0\xff\xff\xff' * 50 + NOISE[:500] + b'\xe8\1\2\3\4' + b'\xe8\5'


def inno(method, encrypted=False, data_outside=False, text=TEXT, code=CODE):
    files = {'{app}\\text.txt': text, '{app}\\code.exe': code}
    chunk = text + inno_filter(code)
    raw = lambda f: lzma.compress(chunk, lzma.FORMAT_RAW, filters=[f])
    packed = {'stored': lambda: chunk, 'zlib': lambda: zlib.compress(chunk), 'bzip2': lambda: bz2.compress(chunk),
              'lzma': lambda: b'\x5d\0\0\1\0' + raw({'id': lzma.FILTER_LZMA1, 'dict_size': 1 << 16}),
              'lzma2': lambda: b'\x10' + raw({'id': lzma.FILTER_LZMA2, 'dict_size': 1 << 20})}[method]()
    script = places = b''
    for i, (name, content) in enumerate(files.items()):
        texts = ['', name] + [''] * 8
        script += b''.join(struct.pack('<I', 2 * len(t)) + t.encode('utf-16-le') for t in texts)
        script += bytes(20) + struct.pack('<IIQh', i, 32, 0, -1) + bytes(5)
        flags = 0x80 * (method != 'stored') | 0x10 * (i == 1) | 0x40 * encrypted
        places += struct.pack('<iiIQQQ', 0, 0, 0, i * len(text), len(content), len(packed)) + bytes(36)
        places += struct.pack('<H', flags)
    header = b'Inno Setup Setup Data (5.5.7) (u)'.ljust(64, b'\0') + inno_block(b'\x07' * 700 + script) + inno_block(places)
    program = bytearray(pe())
    start = len(program)
    program += header
    data_at = len(program)
    program += b'zlb\x1a' + packed
    table = b'rDlPtS\xcd\xe6\xd7{\x0b*' + struct.pack('<IIIIIIII', 1, 0, 0, 0, 0, start, 0 if data_outside else data_at, 0)
    struct.pack_into('<4sII', program, 0x30, b'Inno', len(program), len(program) ^ 0xffffffff)
    program[0x3c:0x40] = struct.pack('<I', 0x40)
    return bytes(program) + table + bytes(32), files


@case
def inno_by_hand():
    for method in ('stored', 'zlib', 'bzip2', 'lzma', 'lzma2'):
        data, files = inno(method)
        tree = Tree(data)
        check(not tree.gaps, method, tree)
        for name, content in files.items():
            tree.has(name.replace('\\', '/'), content)
    Tree(inno('lzma', encrypted=True)[0]).gap('encrypted')
    Tree(inno('lzma', data_outside=True)[0]).gap('unsupported', 'another file')
    broken(inno('zlib')[0], 0x400)


@case
def inno_compiled():
    if 'ISCC' not in os.environ:
        raise Skip('no compiler of Inno Setup (ISCC)')
    # ISCC: a command that is given the script's text and writes the installer to its output.
    for method in ('lzma2', 'lzma', 'zip', 'bzip', 'none'):
        done = subprocess.run(os.environ['ISCC'].split(), input=method.encode(), capture_output=True, check=True)
        tree = Tree(done.stdout)
        check(not tree.gaps and len(tree.objects) > 2, method, tree)


# --- AutoIt ---


def lagged(data, key):
    words, first, second = [], 0, 10
    for _ in range(17):
        key = (1 - key * 0x53a9b4fb) & 0xffffffff
        words.append(key)

    def step():
        nonlocal first, second
        turn = lambda w, n: (w << n | w >> (32 - n)) & 0xffffffff
        words[first] = (turn(words[first], 9) + turn(words[second], 13)) & 0xffffffff
        ret = words[first]
        first, second = (first - 1) % 17, (second - 1) % 17
        return ret

    for _ in range(9):
        step()
    return bytes(b ^ (step(), step())[1] >> 24 for b in data)


def autoit_file(kind, path, content):
    bits = ''.join('1' + format(b, '08b') for b in content[:-6])
    if content[-6:] == content[-12:-6]:  # a match of 6, 6 back
        bits += '0' + format(6, '015b') + '11' + '000'
    else:
        bits += ''.join('1' + format(b, '08b') for b in content[-6:])
    bits += '0' * (-len(bits) % 8)
    packed = b'EA06' + struct.pack('>I', len(content)) + int(bits, 2).to_bytes(len(bits) // 8, 'big')
    text = lambda t, mask, key: struct.pack('<I', len(t) ^ mask) + lagged(t.encode('utf-16-le'), len(t) + key)
    return (lagged(b'FILE', 0x18ee) + text(kind, 0xadbc, 0xb33f) + text(path, 0xf820, 0xf479) +
            struct.pack('<BIII', 1, len(packed) ^ 0x87bc, len(content) ^ 0x87bc, 0) + bytes(16) + lagged(packed, 0x2477))


def autoit():
    word = lambda kind, t: struct.pack('<BI', kind, len(t)) + b''.join(
        struct.pack('<H', ord(c) ^ len(t)) for c in t)
    tokens = struct.pack('<I', 2) + word(0x33, 'X') + b'\x41' + word(0x36, 'a text \u20ac') + b'\x7f'
    tokens += word(0x31, 'MSGBOX') + b'\x47' + struct.pack('<BI', 5, 64) + b'\x40' + word(0x33, 'X') + b'\x48\x7f'
    magic = bytes.fromhex('a3484bbe986c4aa9994c530a86d6487d')
    return magic + b'AU3!EA06' + bytes(16) + autoit_file('>>>AUTOIT SCRIPT<<<', 'C:\\s.au3', tokens) + autoit_file(
        'tool.exe', 'C:\\tool.exe', b'MZ' + TEXT[:300] + b'repeatrepeat') + b'AU3!EA06'


@case
def autoit_scripts():
    script = '$X = "a text \u20ac" \r\nMSGBOX ( 64 , $X ) \r\n'.encode()
    for data, path in ((pe(overlay=autoit()), '[overlay]'), (pe({10: {'SCRIPT': autoit()}}), 'resource/RCDATA/SCRIPT/1033'),
                       (pe(overlay=b'between' + autoit()), '[overlay+7]')):
        tree = Tree(data)
        tree.has(path + ' > script.au3', script)
        tree.has(path + ' > tool.exe', b'MZ' + TEXT[:300] + b'repeatrepeat')
        check(not tree.gaps, tree)
    Tree(pe(overlay=autoit()[:-200])).gap('damaged')
    broken(pe(overlay=autoit()), 0x600)


# --- InstallShield ---


def installshield(stream, files):
    """Both formats with a head; the first file is coded from end to end, the others in blocks."""
    out = (b'ISSetupStream\0' if stream else b'InstallShield\0') + struct.pack('<HI', len(files), 4 if stream else 0)
    out += bytes(26)
    for i, (name, content) in enumerate(files.items()):
        flags = (2, 6, 0)[i % 3]
        packed = zlib.compress(content) if i % 2 else content
        key = bytes(c ^ (0x13, 0x35, 0x86, 7)[k % 4] for k, c in enumerate(name.encode()))
        turn = lambda b: (b << 4 | b >> 4) & 255
        coded = bytes(turn(~b & 255 ^ key[(k % 1024 if flags & 4 else k) % len(key)])
                      for k, b in enumerate(packed)) if flags else packed
        if stream:
            wide = name.encode('utf-16-le')
            out += struct.pack('<IIHI8sH', len(wide), flags, 0, len(coded), bytes(8), i % 2) + bytes(24) + wide
        else:
            out += struct.pack('<260sIII8sH30s', name.encode(), flags, 0, len(coded), bytes(8), i % 2, bytes(30))
        out += coded
    return out


@case
def installshield_programs():
    files = {'setup.ini': TEXT, 'data.bin': NOISE, 'inner.zip': zip_of(inner=TEXT), 'long name.txt': TEXT * 2}
    for stream in (False, True):
        for between in (b'', b'NB10' + b'debug' * 10):
            tree = Tree(pe(overlay=between + installshield(stream, files)))
            check(not tree.gaps, tree)
            for name, content in files.items():
                check(any(p.endswith(' > ' + name) and s == sum_of(content) for p, s, _ in tree.objects), name, tree)
        Tree(pe(overlay=installshield(stream, files)[:-300])).gap('damaged')
    for wide in (False, True):
        code = (lambda t: t.encode('utf-16-le')) if wide else str.encode
        overlay = b''.join(code(f'{n}\0Disk1\\{n}\0001.0.0.0\0{len(c)}\0') + c for n, c in files.items())
        tree = Tree(pe(overlay=overlay))
        tree.whole()
        for name, content in files.items():
            tree.has('[overlay] > Disk1/' + name, content)
        Tree(pe(overlay=overlay[:-50])).gap('damaged')


def installshield_cabinet(files):
    data = b''
    for content in files:
        for i in range(0, max(len(content), 1), 0x10000):
            deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
            piece = deflate.compress(content[i:i + 0x10000]) + deflate.flush(zlib.Z_SYNC_FLUSH)
            data += struct.pack('<H', len(piece)) + piece
    return (b'ISc(' + struct.pack('<IIIII', 0x1009528, 0, 0x200, 0, 0x200)).ljust(0x200, b'\0') + data


@case
def installshield_cabinets():
    files = [TEXT, TEXT * 10, NOISE, b'x' * 70000]
    tree = Tree(installshield_cabinet(files))
    tree.whole()
    for content in files:
        tree.holds(content)
    tree = Tree(installshield_cabinet(files)[:-30] + b'stored')
    tree.gap('unsupported', 'not compressed')
    tree.holds(NOISE)
    Tree(b'ISc(' + bytes(600)).gap('damaged')
    broken(installshield_cabinet(files[:1] + files[2:3]), 0x200)


@case
def installshield_damaged():
    files = {'setup.ini': TEXT, 'data.bin': NOISE}
    broken(pe(overlay=installshield(True, files)), 0x600)


# --- Symbian ---


def sis(release6, files):
    wide = (lambda t: t.encode('utf-16-le')) if release6 else str.encode
    entry = 28 + (20 if release6 else 8)
    at = 0x64 + entry * len(files)
    table = data = b''
    for name, content in files.items():
        packed = zlib.compress(content) if release6 else content
        name = wide('!:\\' + name)
        place = at + len(data)
        table += struct.pack('<IIIIIIIII', 0, 0, 0, 0, 0, len(name), place, len(packed), place + len(name))
        table += struct.pack('<III', len(content), 0, 0) if release6 else b''
        data += name + packed
    head = struct.pack('<IIIIHHH', 1, 0x10003a12 if release6 else 0x1000006d, 0x10000419, 0, 0, 1, len(files))
    head = head.ljust(0x34, b'\0') + struct.pack('<I', 0x64)
    return head.ljust(0x64, b'\0') + table + data


@case
def symbian():
    for release6 in (False, True):
        tree = Tree(sis(release6, {'a.txt': TEXT, 'b.bin': NOISE}))
        tree.whole()
        tree.has('!:\\a.txt', TEXT)
        tree.has('!:\\b.bin', NOISE)
        Tree(sis(release6, {'a.txt': TEXT, 'b.bin': NOISE})[:-9]).gap('damaged')
    field = lambda kind, data: struct.pack('<II', kind, len(data)) + data + bytes(-len(data) % 4)
    item = lambda data: struct.pack('<I', len(data)) + data + bytes(-len(data) % 4)
    packed = lambda data: field(3, struct.pack('<IQ', 1, len(data)) + zlib.compress(data))
    unit = field(2, struct.pack('<I', 32) + item(packed(TEXT)) + item(packed(NOISE)))
    data = field(30, field(2, struct.pack('<I', 31) + item(unit)))
    tree = Tree(struct.pack('<IIII', 0x10201a7a, 0, 0, 0) + field(12, packed(b'controller' * 10) + data))
    tree.whole()
    for content in (TEXT, NOISE, b'controller' * 10):
        tree.has('[data]', content)


# --- packers that are known by name ---


@case
def packers_by_name():
    for names, packer in (((b'.aspack', b'.adata'), 'ASPack'), ((b'.vmp0', b'.vmp1'), 'VMProtect'),
                          ((b'UPX0', b'UPX1'), 'a modified UPX'), ((b'.MPRESS1', b'.MPRESS2'), 'MPRESS')):
        Tree(pe(names=names)).gap('unsupported', 'packed by ' + packer)
    code = bytes.fromhex('60e803000000e9eb045d4555c3e801')
    Tree(pe(code=code)).gap('unsupported', 'packed by ASPack 2.12')
    Tree(pe()).whole()
    Tree((b'MZ'.ljust(28, b'\0') + b'LZ91').ljust(600, b'\x90')).gap('unsupported', 'LZEXE 0.91')


@case
def clamav_samples():
    if not os.path.exists(SAMPLES + 'clam.exe'):
        raise Skip('no clamav-testfiles')
    with open(SAMPLES + 'clam.exe', 'rb') as file:
        clam = file.read()
    for name in ('clam-nsis.exe', 'clam.ea05.exe', 'clam.ea06.exe', 'clam.sis', 'clam_IScab_ext.exe', 'clam_IScab_int.exe',
                 'clam_ISmsi_ext.exe', 'clam_ISmsi_int.exe'):
        with open(SAMPLES + name, 'rb') as file:
            Tree(file.read()).holds(clam)


def seeds():
    files = {'overlay': pe({10: {1: TEXT[:300]}, 'N': {'x': NOISE[:100]}}, b'stub' + zip_of(a=b'text' * 20)),
             'upx': upx_elf(TEXT[:900], TEXT[900:1000])[0],
             'asar': asar({'a': TEXT[:200], 'd/e': NOISE[:100]}),
             'pyinstaller': pe(overlay=carchive({'m': (b's', TEXT[:300]), 'P': (b'z', pyz_of({'j': TEXT[:200]}))})),
             'crx': b'Cr24' + struct.pack('<II', 3, 5) + b'k' * 5 + zip_of(a=b'text' * 20),
             'autoit': autoit(),
            'installshield': installshield(True, {'a': TEXT[:200], 'b': NOISE[:100]}),
            'installshield-cab': installshield_cabinet([TEXT[:300], NOISE[:50]]),
            'sis': sis(True, {'a.txt': TEXT[:200]}),
            'inno': inno('zlib', text=TEXT[:200], code=CODE[:60])[0],
            'dotnet': pe(clr=struct.pack('<I', 200) + TEXT[:200])}
    if shutil.which('makensis'):
        for compressor in ('zlib', 'bzip2', 'lzma'):
            solid = '/SOLID' if compressor != 'zlib' else ''
            data = nsis(compressor, solid, 'true', {'t': TEXT[:400]})[0]
            at = data.find(b'\xef\xbe\xad\xdeNullsoftInst') - 4
            files['nsis-' + compressor] = data[at:]
    return files


def write_seeds(folder):
    for name, data in seeds().items():
        check(len(data) < 4096, name, len(data))
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(data)


if TOOL.endswith('--seeds'):
    write_seeds(sys.argv[2])
else:
    sys.exit(run_cases(folders=False))
