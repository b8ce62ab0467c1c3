#!/usr/bin/env python3
"""Documents: what unpack_tool finds in them, against what was put in and against other readers.

usage: document.py UNPACK_TOOL
       document.py --seeds FOLDER     writes small samples, for fuzz/seeds/document

Prints TAP. Compound files, macros, objects, RTF and the like are made here, by hand, as their
specifications say; PDF by hand and by qpdf. Oracles where the machine has them: olefile, oletools
(olevba, rtfobj), msoffcrypto, qpdf; a case that needs one that is missing is skipped."""
import hashlib, io, os, random, re, shutil, struct, subprocess, sys, tempfile, zipfile, zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from tap import Skip, case, check, run_cases  # noqa: E402

SEEDS = sys.argv[2] if sys.argv[1:2] == ['--seeds'] and len(sys.argv) == 3 else None
TOOL = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 or SEEDS else sys.exit(__doc__)
TEXT = b'The quick brown fox jumps over the lazy dog. ' * 3
rng = random.Random(7)


def unquote(text):
    raw = re.sub(r'\\x([0-9a-f]{2})', lambda m: chr(int(m[1], 16)), text)
    return raw.encode('latin-1').decode('utf-8', 'replace')


def tree(data, *arguments):
    """({path: [(size, sha256, partial)]}, [(kind, text)])"""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        done = subprocess.run([TOOL, *arguments, file.name], capture_output=True, timeout=120)
    check(done.returncode == 0, 'unpack_tool', done.returncode, done.stderr[-1200:])
    objects, gaps = {}, []
    for line in done.stdout.decode('latin-1').split('\n'):
        m = re.match(r'object (\d+) ([0-9a-f]{64}) (partial )?(.*)$', line)
        if m:
            objects.setdefault(unquote(m[4]), []).append((int(m[1]), m[2], bool(m[3])))
        elif line.startswith('gap '):
            gaps.append((line.split()[1], line))
    return objects, gaps


def sum_of(data):
    return hashlib.sha256(data).hexdigest()


def has(objects, path, data):
    found = objects.get(path, [])
    check(any(s == sum_of(data) for _, s, _ in found), 'wanted', repr(path), len(data), 'in',
          {p: [x[0] for x in v] for p, v in objects.items()})


def exactly(data, members, *arguments, more=()):
    """Every member and no other (but those whose path begins with one of `more`), no gap."""
    objects, gaps = tree(data, *arguments)
    for path, content in members.items():
        has(objects, path, content)
    extra = [p for p in objects if p not in members and not p.startswith(tuple(more) or '\0')]
    check(not extra and not gaps, 'extra', extra, 'gaps', gaps)


def damaged(data, tries=40, *arguments):
    """Cut at many places and with bits flipped: never a crash; with fewer objects, a gap."""
    whole = sum(map(len, tree(data, *arguments)[0].values()))
    for i in range(tries):
        bad = bytearray(data)
        if i % 2:
            bad = bad[:rng.randrange(1, len(bad))]
        else:
            for _ in range(3):
                bad[rng.randrange(len(bad))] ^= 1 << rng.randrange(8)
        objects, gaps = tree(bytes(bad), *arguments)
        if i % 2 and sum(map(len, objects.values())) < whole and kind(bytes(bad)):
            check(gaps, 'cut to', len(bad), 'of', len(data), 'objects', list(objects), 'no gap')


def kind(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return subprocess.run([TOOL, '-k', file.name], capture_output=True).stdout.strip().decode()


def module(name):
    try:
        return __import__(name, fromlist=['x'])
    except ImportError as why:
        raise Skip(f'python has no {name}') from why


# --- compound files, by hand: [MS-CFB] ---

def ole2(streams, version=3, root_class=bytes(16), orphans=()):
    """A compound file of {'A/B/name': bytes}. Paths of `orphans` are in no storage's tree."""
    shift = 9 if version == 3 else 12
    size = 1 << shift
    nodes = [dict(name='Root Entry', type=5, kids=[], data=b'')]
    storages = {'': 0}

    def storage(path):
        if path not in storages:
            parent, _, name = path.rpartition('/')
            up = storage(parent)
            nodes.append(dict(name=name, type=1, kids=[], data=b''))
            storages[path] = len(nodes) - 1
            nodes[up]['kids'].append(len(nodes) - 1)
        return storages[path]

    for path, data in streams.items():
        parent, _, name = path.rpartition('/')
        nodes.append(dict(name=name, type=2, kids=[], data=data))
        index = len(nodes) - 1
        if path not in orphans:
            nodes[storage(parent)]['kids'].append(index)
    sectors, fat, mini, minifat = [], [], b'', []

    def put(data):
        first = len(sectors)
        count = (len(data) + size - 1) // size
        for i in range(count):
            sectors.append(data[i * size:(i + 1) * size].ljust(size, b'\0'))
            fat.append(first + i + 1 if i + 1 < count else 0xfffffffe)
        return first if count else 0xfffffffe

    for node in nodes[1:]:
        if node['type'] != 2:
            node['start'] = 0
        elif len(node['data']) >= 4096:
            node['start'] = put(node['data'])
        elif node['data']:
            node['start'] = len(minifat)
            count = (len(node['data']) + 63) // 64
            minifat += [node['start'] + i + 1 for i in range(count - 1)] + [0xfffffffe]
            mini += node['data'].ljust(count * 64, b'\0')
        else:
            node['start'] = 0xfffffffe
    nodes[0]['start'], nodes[0]['data'] = put(mini), mini
    minifat_at = put(struct.pack(f'<{len(minifat)}I', *minifat).ljust((len(minifat) * 4 + size - 1) // size * size, b'\xff'))
    raw = b''
    for node in nodes:
        node['left'] = node['right'] = 0xffffffff
    for node in nodes:
        for a, b in zip(node['kids'], node['kids'][1:]):
            nodes[a]['right'] = b
    for i, node in enumerate(nodes):
        name = node['name'].encode('utf-16-le') + b'\0\0'
        raw += (name.ljust(64, b'\0') + struct.pack('<HBBIII', len(name), node['type'], 1, node['left'], node['right'],
                node['kids'][0] if node['kids'] else 0xffffffff) + (root_class if i == 0 else bytes(16)) + bytes(20) +
                struct.pack('<IQ', node['start'], len(node['data'])))
    raw += (bytes(68) + b'\xff' * 12 + bytes(48)) * (-len(raw) // 128 % (size // 128))
    directory_at = put(raw)
    fat_count = difat_count = 0
    per = size // 4
    while fat_count * per < len(fat) + fat_count + difat_count:
        fat_count += 1
        difat_count = max(0, (fat_count - 109 + per - 2) // (per - 1))
    fat_sectors = list(range(len(sectors), len(sectors) + fat_count))
    difat_at = len(sectors) + fat_count
    table = fat + [0xfffffffd] * fat_count + [0xfffffffc] * difat_count
    table += [0xffffffff] * (fat_count * per - len(table))
    packed = struct.pack(f'<{len(table)}I', *table)
    sectors += [packed[i * size:(i + 1) * size] for i in range(fat_count)]
    more = fat_sectors[109:]
    for i in range(difat_count):
        part = more[i * (per - 1):(i + 1) * (per - 1)]
        part += [0xffffffff] * (per - 1 - len(part))
        part.append(difat_at + i + 1 if i + 1 < difat_count else 0xfffffffe)
        sectors.append(struct.pack(f'<{per}I', *part))
    head = (b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1' + bytes(16) + struct.pack(
        '<HHHHHHIIIIIIIIIII', 0x3e, version, 0xfffe, shift, 6, 0, 0, 0 if version == 3 else len(raw) // size, fat_count,
        directory_at, 0, 4096, minifat_at, (len(minifat) * 4 + size - 1) // size,
        difat_at if difat_count else 0xfffffffe, difat_count, *(fat_sectors[:1] or [0xffffffff])))
    first = fat_sectors[1:109]
    head += struct.pack(f'<{len(first)}I', *first) + b'\xff' * 4 * (108 - len(first))
    return head.ljust(size, b'\0') + b''.join(sectors)


# --- macros, by hand: [MS-OVBA] ---

def vba_compress(data):
    out = b'\1'
    for at in range(0, len(data), 4096):
        chunk, body, n = data[at:at + 4096], b'', 0
        while n < len(chunk):
            flags, tokens = 0, b''
            for bit in range(8):
                if n >= len(chunk):
                    break
                bits = 4
                while bits < 12 and 1 << bits < n:
                    bits += 1
                longest, back = 0, 0
                for length in range(min(len(chunk) - n, (0xffff >> bits) + 3), 2, -1):
                    found = chunk.rfind(chunk[n:n + length], 0, n + length - 1)
                    if 0 <= found < n:
                        longest, back = length, n - found
                        break
                if longest:
                    flags |= 1 << bit
                    tokens += struct.pack('<H', (back - 1) << (16 - bits) | (longest - 3))
                    n += longest
                else:
                    tokens += chunk[n:n + 1]
                    n += 1
            body += bytes([flags]) + tokens
        if len(body) > 4096:
            out += struct.pack('<H', 0x3fff) + chunk.ljust(4096, b'\0')
        else:
            out += struct.pack('<H', 0xb000 | len(body) - 1) + body
    return out


def vba_project(modules, folder='VBA', offset=37):
    """Streams of a project with {name: source}."""
    def record(number, data):
        return struct.pack('<HI', number, len(data)) + data
    raw = record(1, struct.pack('<I', 1)) + record(3, struct.pack('<H', 1252)) + record(4, b'Project')
    raw += struct.pack('<HIIH', 9, 4, 1, 2) + record(0xf, struct.pack('<H', len(modules)))
    streams = {}
    for i, (name, source) in enumerate(modules.items()):
        stream = f'Stream{i}'
        raw += record(0x19, name.encode('cp1252', 'replace')) + record(0x47, name.encode('utf-16-le'))
        raw += record(0x1a, stream.encode()) + record(0x32, stream.encode('utf-16-le'))
        raw += record(0x31, struct.pack('<I', offset)) + record(0x2c, b'\0\0') + record(0x21, b'') + record(0x2b, b'')
        streams[f'{folder}/{stream}'] = b'\xcc' * offset + vba_compress(source)
    streams[f'{folder}/dir'] = vba_compress(raw + record(0x10, b''))
    streams[f'{folder}/_VBA_PROJECT'] = b'\xcc\x61\xff\xff\0\0\0'
    return streams


SOURCE = b'Attribute VB_Name = "Module1"\r\nSub AutoOpen()\r\n' + b"  MsgBox \"harmless\" ' a comment\r\n" * 300 + b'End Sub\r\n'
NOISE = bytes(rng.randrange(256) for _ in range(5000))


@case
def compound_files():
    for version in 3, 4:
        for streams in ({'a': b'x'}, {'\5Summary': TEXT, 'A/B/C/deep': NOISE, 'A/empty': b'', 'A/B/ü': TEXT * 40},
                        {f'S{i % 7}/n{i}': bytes([i & 255]) * (i * 37) for i in range(300)}):
            data = ole2(streams, version)
            exactly(data, {p: d for p, d in streams.items() if d})
    exactly(ole2({'big': NOISE * 1700, 'small': b'1'}), {'big': NOISE * 1700, 'small': b'1'})


@case
def compound_files_as_olefile_reads_them():
    olefile = module('olefile')
    found = []
    for root in '/usr/share/clamav-testfiles', os.environ.get('OLE2_SAMPLES', '/nonexistent'):
        found += [os.path.join(at, n) for at, _, names in os.walk(root) for n in names]
    looked = 0
    for path in sorted(found):
        data = open(path, 'rb').read()
        if data[:8] != b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1':
            continue
        ole = olefile.OleFileIO(io.BytesIO(data))
        objects = tree(data)[0]
        if ole.root.clsid.startswith('000C10'):
            wanted = sorted(sum_of(ole.openstream(e).read()) for e in ole.listdir() if ole.get_size(e))
            have = sorted(s for rows in objects.values() for _, s, _ in rows)
            check(all(w in have for w in wanted), path)
        else:
            for entry in ole.listdir():
                if ole.get_size(entry):
                    has(objects, '/'.join(entry), ole.openstream(entry).read())
        looked += 1
    check(looked >= 2, 'only', looked, 'compound files')


@case
def orphans_and_lies():
    streams = {'A/seen': TEXT, 'lost': NOISE, 'lost too': b'mini'}
    exactly(ole2(streams, orphans=('lost', 'lost too')),
            {'A/seen': TEXT, '[orphan]/lost': NOISE, '[orphan]/lost too': b'mini'})
    data = bytearray(ole2(streams))
    data[48:52] = b'\xff\xff\0\0'  # the directory's first sector
    objects, gaps = tree(bytes(data))
    has(objects, 'A/seen', TEXT)
    check(gaps[0][0] == 'damaged', gaps)
    loop = bytearray(ole2({'a': NOISE}))
    fat = struct.unpack_from('<I', loop, 76)[0]
    struct.pack_into('<I', loop, (fat + 1) * 512, 0)  # sector 0 follows itself
    objects, gaps = tree(bytes(loop))
    check(list(objects) == ['a'], objects)
    damaged(ole2(streams))
    damaged(ole2({'Macros/' + p: d for p, d in vba_project({'Module1': SOURCE}).items()}))


@case
def macros():
    modules = {'Module1': SOURCE, 'ThisDocument': b'Attribute VB_Name = "ThisDocument"\r\n', 'Größe': SOURCE[:5000],
               'Odd': b"' no attribute at the start\r\n", 'Noise': b'Attribute ' + NOISE}
    streams = {'Macros/' + p: d for p, d in vba_project(modules).items()}
    data = ole2(streams)
    sources = {f'Macros/VBA/{n}.bas': s for n, s in modules.items()}
    objects, gaps = tree(data)
    for path, source in sources.items():
        if 'Noise' in path:  # the last chunk is stored whole, padded
            check(any(p[0] >= len(source) for p in objects[path]), path)
        else:
            has(objects, path, source)
    check(not gaps, gaps)
    # dir is damaged or absent: the source is found all the same
    for dir in b'\1\xff\xbf', b'', None:
        broken = dict(streams)
        broken['Macros/VBA/dir'] = dir
        if dir is None:
            del broken['Macros/VBA/dir']
        objects, _ = tree(ole2(broken))
        has(objects, 'Macros/VBA/Stream0.bas', SOURCE)
    # an offset that lies
    objects, gaps = tree(ole2({**streams, 'Macros/VBA/Stream0': b'\xcc' * 99 + vba_compress(SOURCE)}))
    has(objects, 'Macros/VBA/Stream0.bas', SOURCE)
    check(gaps, 'no gap')
    # nested: an archive's member
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, 'w') as z:
        z.writestr('word/vbaProject.bin', ole2(vba_project({'M': SOURCE})))
    if kind(inner.getvalue()):
        has(tree(inner.getvalue())[0], 'word/vbaProject.bin > VBA/M.bas', SOURCE)


@case
def macros_as_olevba_reads_them():
    olevba = module('oletools.olevba')
    data = ole2({'Macros/' + p: d for p, d in vba_project({'Module1': SOURCE, 'Two': SOURCE[:999]}).items()})
    objects, _ = tree(data)
    for module_stream in ('Macros/VBA/Stream0', 'Macros/VBA/Stream1'):
        packed = olevba.olefile.OleFileIO(io.BytesIO(data)).openstream(module_stream).read()[37:]
        plain = bytes(olevba.decompress_stream(bytearray(packed)))
        check(any(s == sum_of(plain) for rows in objects.values() for _, s, _ in rows), module_stream)


def package(name, data):
    inner = struct.pack('<H', 2) + name + b'\0C:\\x\\' + name + b'\0' + struct.pack('<HH', 0, 3)
    inner += struct.pack('<I', len(name) + 1) + name + b'\0' + struct.pack('<I', len(data)) + data
    return inner


@case
def packaged_files():
    native = package(b'fox.txt', TEXT)
    data = ole2({'ObjectPool/_1/\1Ole10Native': struct.pack('<I', len(native)) + native})
    has(tree(data)[0], 'fox.txt', TEXT)
    short = ole2({'\1Ole10Native': struct.pack('<I', len(native)) + native[:-20]})
    objects, gaps = tree(short)
    has(objects, 'fox.txt', TEXT[:-20])
    check(gaps, 'no gap')
    raw = ole2({'\1Ole10Native': struct.pack('<I', len(TEXT)) + TEXT})
    has(tree(raw)[0], '\1Ole10Native [data]', TEXT)


# --- PDF, by hand ---

def pdf(objects, trailer=b'/Root 1 0 R', junk=b''):
    """A file of [body or (dictionary, stream)], numbered from 1."""
    out, places = junk + b'%PDF-1.7\n', []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        if isinstance(body, tuple):
            body = b'<< /Length %d %s >>\nstream\n%s\nendstream' % (len(body[1]), body[0], body[1])
        out += b'%d 0 obj\n%s\nendobj\n' % (number, body)
    xref = len(out)
    out += b'xref\n0 %d\n0000000000 65535 f \n' % (len(places) + 1) + b''.join(b'%010d 00000 n \n' % p for p in places)
    return out + b'trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n' % (len(places) + 1, trailer, xref)


ROOT = [b'<< /Type /Catalog /Pages 2 0 R >>', b'<< /Type /Pages /Kids [] /Count 0 >>']


def encode_85(data):
    import base64
    return base64.a85encode(data) + b'~>'


def encode_run(data):
    return b''.join(bytes([len(data[i:i + 128]) - 1]) + data[i:i + 128] for i in range(0, len(data), 128)) + b'\x80'


def encode_lzw(data, early=1):
    bits, count, out = 0, 0, b''
    table, width, word = {bytes([i]): i for i in range(256)}, 9, b''

    def put(code):
        nonlocal bits, count, out
        bits, count = bits << width | code, count + width
        while count >= 8:
            out += bytes([bits >> (count - 8) & 255])
            count -= 8
        bits &= (1 << count) - 1
    put(256)
    number = 258
    for byte in data:
        byte = bytes([byte])
        if word + byte in table:
            word += byte
            continue
        put(table[word])
        table[word + byte] = number
        number += 1
        if number + early > 1 << width:
            width += 1
        if number >= 4094:
            put(256)
            table, width, number = {bytes([i]): i for i in range(256)}, 9, 258
        word = byte
    if word:
        put(table[word])
        number += 1
        if number + early > 1 << width and width < 12:
            width += 1
    put(257)
    if count:
        out += bytes([bits << (8 - count) & 255])
    return out


def predict_png(data, columns, kind):
    rows, before = b'', bytes(columns)
    for at in range(0, len(data), columns):
        row = data[at:at + columns]
        out = bytearray()
        for i, byte in enumerate(row):
            a, b, c = row[i - 1] if i else 0, before[i], before[i - 1] if i else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            out.append(byte - [0, a, b, (a + b) // 2, paeth][kind] & 255)
        rows += bytes([kind]) + bytes(out)
        before = row.ljust(columns, b'\0')
    return rows


@case
def pdf_filters():
    text = NOISE + TEXT * 200
    streams = {
        b'/Filter /FlateDecode': zlib.compress(text), b'/Filter/F#6cateDecode': zlib.compress(text),
        b'/Filter [/ASCII85Decode /FlateDecode]': encode_85(zlib.compress(text)),
        b'/Filter [ /AHx /Fl ]': zlib.compress(text).hex().encode() + b'>',
        b'/Filter /RunLengthDecode': encode_run(text), b'/Filter /LZWDecode': encode_lzw(text),
        b'/Filter /LZWDecode /DecodeParms << /EarlyChange 0 >>': encode_lzw(text, 0),
        b'/Filter [/FlateDecode /FlateDecode /FlateDecode]': zlib.compress(zlib.compress(zlib.compress(text))),
        b'': text, b'/Filter /DCTDecode': text}
    for kind in range(5):
        streams[b'/Filter /FlateDecode /DecodeParms << /Predictor %d /Columns 7 >>' % (10 + kind)] = \
            zlib.compress(predict_png(text, 7, kind))
    for head, data in streams.items():
        exactly(pdf(ROOT + [(head, data)]), {'obj 3': text})
    # what readers forgive: a wrong length, a length elsewhere, no xref, deflate without its header
    whole = pdf(ROOT + [(b'/Filter /FlateDecode', zlib.compress(text))])
    exactly(re.sub(rb'/Length \d+', b'/Length 9', whole), {'obj 3': text})
    exactly(re.sub(rb'/Length \d+', b'/Length 9 0 R', whole), {'obj 3': text})
    exactly(whole[:whole.index(b'xref')] + b'%%EOF', {'obj 3': text})
    exactly(b'x' * 900 + whole, {'obj 3': text})
    exactly(pdf(ROOT + [(b'/Filter /FlateDecode', b'\x79\x02' + zlib.compress(text)[2:])]), {'obj 3': text})
    for head in b'/Filter /Foo', b'/Filter [' + b'/RL ' * 60 + b']':
        objects, gaps = tree(pdf(ROOT + [(head, text)]))
        check(gaps, head)
    objects, gaps = tree(pdf(ROOT + [(b'/Filter /FlateDecode', zlib.compress(text)[:-900])]))
    check(objects['obj 3'] and gaps, objects, gaps)
    bomb = b'\0' * (64 << 20)
    for _ in range(2):
        bomb = zlib.compress(bomb, 9)
    objects, gaps = tree(pdf(ROOT + [(b'/Filter [/FlateDecode /FlateDecode]', bomb)]), '-b', str(1 << 20))
    check(gaps and gaps[0][0] == 'limit', gaps)
    for many in b'1 0 obj [ ', b'1 0 obj<<>>stream ', b'1 0 obj << /XFA [ ', b'trailer<< ':
        objects, gaps = tree(b'%PDF-1.7\n' + many * 6000)
        check(gaps, many)
    damaged(pdf(ROOT + [(b'/Filter /FlateDecode', zlib.compress(text)), (b'', TEXT)]), 24)


SCRIPT = b'app.alert("harmless (very)");'


def script_objects():
    files = [b'<< /Type /Filespec /F (fox.txt) /UF (fox.txt) /EF << /F 8 0 R >> >>',
             (b'/Type /EmbeddedFile /Filter /FlateDecode', zlib.compress(TEXT))]
    return [b'<< /Type /Catalog /Pages 2 0 R /OpenAction 3 0 R /Names << /EmbeddedFiles << /Names [(fox.txt) 7 0 R] >> >> '
            b'/Extra [4 0 R 5 0 R 9 0 R] /AcroForm << /XFA [(a) 10 0 R] >> >>', b'<< /Type /Pages /Kids [11 0 R] /Count 1 >>',
            b'<< /S /JavaScript /JS (app.alert\\("harmless \\(very\\)"\\);) >>',
            b'<< /S /JavaScript /J#53 <' + SCRIPT.hex().encode() + b'> >>', b'<< /S /JavaScript /JS 6 0 R >>',
            (b'/Filter /FlateDecode', zlib.compress(SCRIPT + b'//')), *files,
            b'<< /A << /S /URI /URI (http://example.org/x) >> /B << /S /Launch /Win << /F (cmd.exe) /P (/c dir) >> >> >>',
            (b'', b'<xfa/>'), b'<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>']


SCRIPTED = {'obj 3 javascript': SCRIPT, 'obj 4 javascript': SCRIPT, 'obj 6 javascript': SCRIPT + b'//', 'fox.txt': TEXT,
            'obj 10 xfa': b'<xfa/>',
            '[actions]': b'obj 9 URI URI http://example.org/x\nobj 9 Launch F cmd.exe\nobj 9 Launch P /c dir\n'}


@case
def pdf_scripts_and_files():
    exactly(pdf(script_objects()), SCRIPTED)
    wide = pdf(ROOT + [b'<< /JS <feff' + SCRIPT.decode().encode('utf-16-be').hex().encode() + b'> >>'])
    exactly(wide, {'obj 3 javascript': SCRIPT})
    packed = b'3 0 4 9 ' + b'<< /A 1>>' + b'<< /JS (' + SCRIPT.replace(b'(', b'\\(').replace(b')', b'\\)') + b') >>'
    exactly(pdf(ROOT + [(b'/Type /ObjStm /N 2 /First 8 /Filter /FlateDecode', zlib.compress(packed))]),
            {'obj 3': packed, 'obj 4 javascript': SCRIPT})


@case
def pdf_as_qpdf_writes_it():
    if not shutil.which('qpdf'):
        raise Skip('qpdf is not installed')
    weak = ['--allow-weak-crypto']
    encryptions = [[], ['--object-streams=generate'], ['--linearize'],
                   [*weak, '--encrypt', '', 'owner', '40', '--'], [*weak, '--encrypt', '', 'owner', '128', '--use-aes=n', '--'],
                   [*weak, '--encrypt', '', 'owner', '128', '--use-aes=y', '--'],
                   [*weak, '--encrypt', '', 'owner', '128', '--force-V4', '--cleartext-metadata', '--'],
                   [*weak, '--encrypt', '', 'owner', '256', '--force-R5', '--'], ['--encrypt', '', 'owner', '256', '--'],
                   ['--object-streams=generate', '--encrypt', '', 'owner', '256', '--']]
    wanted = sorted(sum_of(d) for p, d in SCRIPTED.items() if p[0] != '[')
    with tempfile.TemporaryDirectory() as folder:
        with open(f'{folder}/in.pdf', 'wb') as file:
            file.write(pdf(script_objects()))
        for options in encryptions:
            run = ['qpdf', '--preserve-unreferenced', *options, f'{folder}/in.pdf', f'{folder}/out.pdf']
            subprocess.run(run, capture_output=True, check=True)
            objects, gaps = tree(open(f'{folder}/out.pdf', 'rb').read())
            have = [s for rows in objects.values() for _, s, _ in rows]
            check(all(w in have for w in wanted) and not gaps and 'fox.txt' in objects, options, objects, gaps)
        for bits in '40', '128', '256':
            for given in 'user', 'owner':
                run = ['qpdf', *weak, '--preserve-unreferenced', '--encrypt', 'user', 'owner', bits, '--',
                       f'{folder}/in.pdf', f'{folder}/out.pdf']
                subprocess.run(run, capture_output=True, check=True)
                locked = open(f'{folder}/out.pdf', 'rb').read()
                gaps = tree(locked, '-p', 'wrong')[1]
                check([k for k, _ in gaps] == ['encrypted'], bits, gaps)
                objects, gaps = tree(locked, '-p', 'wrong', '-p', given)
                has(objects, 'fox.txt', TEXT)
                check(not gaps, gaps)
        damaged(locked, 20, '-p', 'user')


# --- RTF, by hand ---

def ole1(name, data):
    def text(t):
        return struct.pack('<I', len(t) + 1) + t + b'\0' if t else struct.pack('<I', 0)
    return struct.pack('<II', 0x501, 2) + text(name) + text(b'') + text(b'') + struct.pack('<I', len(data)) + data


def rtf(objdata, before=b'{\\*\\objdata ', after=b'}'):
    return b'{\\rtf1\\ansi{\\object\\objemb' + before + objdata + after + b'}text\\par}'


@case
def rtf_objects():
    inner = ole2({'\1Ole10Native': b'1234' + TEXT, 'x': TEXT})
    embedded, packaged = ole1(b'OLE2Link', inner), ole1(b'Package', package(b'fox.txt', TEXT))
    wanted = {'objdata 1': embedded, 'OLE2Link': inner, 'OLE2Link > x': TEXT}
    plain = embedded.hex().encode()

    def holds(data):
        objects, gaps = tree(data)
        for path, content in wanted.items():
            has(objects, path, content)
        check(not gaps, gaps)
    holds(rtf(plain))
    holds(rtf(b'\r\n'.join(plain[i:i + 64] for i in range(0, len(plain), 64)).upper()))
    holds(rtf(b' \t'.join(plain[i:i + 1] for i in range(len(plain)))))
    holds(rtf(plain[:21] + b'{\\*\\foo 1234{\\bar abcdef}}' + plain[21:]))
    holds(rtf(plain[:20] + b'{' + plain[20:40] + b'{\\b0 ' + plain[40:60] + b'}}' + plain[60:]))
    holds(rtf(plain[:20] + b'\\par\\foo123 ' + plain[20:31] + b"\\'3a\\\\" + plain[31:]))
    holds(rtf(plain[:20] + b'\\bin5 ' + embedded[10:15] + plain[30:]))
    holds(rtf(plain, b'\\objupdate{\\objdata\r\n'))
    holds(rtf(plain, b'{\\*\\foo{\\*\\objdata ', b'}}'))
    holds(b'{\\rtfxyz' + rtf(plain)[6:])
    has(tree(rtf(packaged.hex().encode()))[0], 'fox.txt', TEXT)
    # a header that is none, and digits out of step: the compound file is found all the same
    has(tree(rtf((b'\1\2\3' + inner).hex().encode()))[0], 'object > x', TEXT)
    has(tree(rtf(b'7' + inner.hex().encode()))[0], 'object > x', TEXT)
    objects, gaps = tree(rtf(plain)[:-400])
    check(gaps and objects, gaps)
    damaged(rtf(plain), 20)


@case
def rtf_fields():
    data = (b'{\\rtf1{\\*\\template http://example.org/t.dot}{\\field{\\*\\fldinst {\\b DDEAUTO c:\\\\\\\\x "{\\i a}"}}{\\fldrslt r}}'
            b"{\\field{\\*\\fldinst PAGE}}{\\pict\\wmetafile8 " + TEXT.hex().encode() + b'}}')
    exactly(data, {'[fields]': b'http://example.org/t.dot\nDDEAUTO c:\\\\x "a"\n', 'pict 1': TEXT})


@case
def rtf_as_rtfobj_reads_it():
    rtfobj = module('oletools.rtfobj')
    inner = ole2({'x': TEXT})
    plain = ole1(b'Foo', inner).hex().encode()
    for data in (rtf(plain), rtf(b' \n'.join(plain[i:i + 7] for i in range(0, len(plain), 7)))):
        objects, _ = tree(data)
        parser = rtfobj.RtfObjParser(data)
        parser.parse()
        check(len(parser.objects) == 1, len(parser.objects))
        has(objects, 'objdata 1', parser.objects[0].rawdata)
        has(objects, 'Foo', parser.objects[0].oledata)


@case
def presentations_and_hangul():
    inner = ole2({'x': TEXT})

    def record(head, number, data):
        return struct.pack('<HHI', head, number, len(data)) + data
    stream = record(15, 1000, record(0, 1, b'abc') + record(15, 2, b'')) + record(0x10, 0x1011, struct.pack('<I', len(inner)) + zlib.compress(inner))
    stream += bytes(77) + b'\x11\x10junk' + record(0, 0x1011, inner)
    objects, gaps = tree(ole2({'PowerPoint Document': stream}))
    for number in 1, 2:
        has(objects, f'PowerPoint Document/object {number} > x', TEXT)
    check(not gaps, gaps)
    check(tree(ole2({'PowerPoint Document': stream[:-50]}))[1], 'no gap')
    packed = zlib.compressobj(wbits=-15)
    packed = packed.compress(TEXT) + packed.flush()
    head = b'HWP Document File'.ljust(32, b'\0')
    streams = {'FileHeader': head + struct.pack('<II', 0x5000300, 1), 'BodyText/Section0': packed, 'BinData/BIN0001.ole': packed}
    exactly(ole2(streams), {**streams, 'BodyText/Section0 [unpacked]': TEXT, 'BinData/BIN0001.ole [unpacked]': TEXT})
    streams['FileHeader'] = head + struct.pack('<II', 0x5000300, 3)
    check(tree(ole2(streams))[1][0][0] == 'encrypted', 'no gap')


@case
def messages():
    text, name = 'Grüße'.encode('utf-16-le'), 'fox ü.txt'.encode('utf-16-le')
    rtf_text = b'{\\rtf1\\ansi fox}'
    folder = '__attach_version1.0_#00000000/__substg1.0_'
    streams = {'__properties_version1.0': bytes(40), '__substg1.0_1000001F': text, folder + '37010102': TEXT,
               folder + '3707001F': name, folder + '3704001F': 'fox~1.txt'.encode('utf-16-le'),
               '__substg1.0_10090102': struct.pack('<IIII', len(rtf_text) + 12, len(rtf_text), 0x414c454d, 0) + rtf_text}
    wanted = {p: d for p, d in streams.items() if '37010102' not in p}
    exactly(ole2(streams), {**wanted, 'body.txt': 'Grüße'.encode(), 'fox ü.txt': TEXT, 'body.rtf': rtf_text})


@case
def installers():
    """Names of an installer's streams, as msibuild writes them."""
    if not shutil.which('msibuild'):
        raise Skip('msibuild is not installed')
    with tempfile.TemporaryDirectory() as folder:
        with open(f'{folder}/fox', 'wb') as file:
            file.write(NOISE)
        def msibuild(*arguments):
            subprocess.run(['msibuild', f'{folder}/x.msi', *arguments], check=True, capture_output=True)
        msibuild('-s', 'Title', 'Author', 'Intel;1033', '{12345678-1234-1234-1234-123456789012}')
        msibuild('-a', 'fox.cab', f'{folder}/fox')
        data = open(f'{folder}/x.msi', 'rb').read()
    objects, gaps = tree(data)
    has(objects, 'fox.cab', NOISE)
    check('!_StringPool' in objects or '!_StringData' in objects or len(objects) > 1, objects)


def lnk(strings, wide=True, more=b''):
    flags, body = 0x80 if wide else 0, b''
    for bit, text in strings.items():
        flags |= 1 << bit
        body += struct.pack('<H', len(text)) + (text.encode('utf-16-le') if wide else text.encode('latin-1'))
    head = struct.pack('<I', 76) + bytes.fromhex('0114020000000000c000000000000046') + struct.pack('<I', flags | 3)
    return head.ljust(76, b'\0') + struct.pack('<H', 4) + b'abcd' + struct.pack('<I', 28) + bytes(24) + body + \
        struct.pack('<II', 8, 0xa0000006) + bytes(4) + more


@case
def small_documents():
    import lzma
    for wide in True, False:
        exactly(lnk({3: '..\\cmd.exe', 5: '/c dir' + ' ' * 300}, wide, TEXT),
                {'[shortcut]': b'path ..\\cmd.exe\narguments /c dir' + b' ' * 300 + b'\n', '[appended]': TEXT})
    check(tree(lnk({5: 'x' * 50})[:140])[1], 'no gap')
    guid = bytes.fromhex('e716e3bd65261145a4c48d4d0b7a9eac')
    one = bytes.fromhex('e4525c7b8cd8a74daeb15378d02996d3') + bytes(2000)
    for data in TEXT, NOISE:
        one += guid + struct.pack('<Q', len(data)) + bytes(12) + data + b'\0' * 9
    exactly(one, {'embedded 1': TEXT, 'embedded 2': NOISE})
    objects, gaps = tree(one[:-100])
    has(objects, 'embedded 1', TEXT)
    check(gaps, 'no gap')
    movie = struct.pack('<I', len(TEXT) + 8) + TEXT
    exactly(b'CWS\x0a' + movie[:4] + zlib.compress(TEXT), {'unpacked.swf': b'FWS\x0a' + movie})
    packed = lzma.compress(TEXT, lzma.FORMAT_ALONE)
    exactly(b'ZWS\x0d' + movie[:4] + struct.pack('<I', len(packed) - 13) + packed[:5] + packed[13:], {'unpacked.swf': b'FWS\x0d' + movie})
    inner = ole2({'x': TEXT})
    mso = b'ActiveMime' + bytes(40) + zlib.compress(inner)
    exactly(mso, {'document': inner, 'document > x': TEXT})
    exactly(b'ActiveMime' + bytes(61) + zlib.compress(inner), {'document': inner, 'document > x': TEXT})
    check(tree(mso[:-30])[1] and tree(mso[:60])[1], 'no gap')


@case
def office_xml():
    import base64
    inner = ole2({'x': TEXT})
    binary = base64.encodebytes(inner)
    word = b'<?xml version="1.0"?><?mso-application progid="Word.Document"?><w:wordDocument><w:binData w:name="editdata.mso">' + \
        binary + b'</w:binData></w:wordDocument>'
    exactly(word, {'editdata.mso': inner, 'editdata.mso > x': TEXT}, more=['[base64'])
    flat = b'<?xml version="1.0"?><pkg:package xmlns:pkg="http://schemas.microsoft.com/office/2006/xmlPackage">' \
        b'<pkg:part pkg:name="/word/vbaProject.bin"><pkg:binaryData>' + binary + b'</pkg:binaryData></pkg:part></pkg:package>'
    exactly(flat, {'/word/vbaProject.bin': inner, '/word/vbaProject.bin > x': TEXT}, more=['[base64'])
    rels = b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="a" Type="http://s/image" ' \
        b'Target="a.png"/><Relationship Id="b" Type="http://s/attachedTemplate" Target="http://example.org/t.dotm" TargetMode="External"/></Relationships>'
    exactly(rels, {'[external links]': b'attachedTemplate http://example.org/t.dotm\n'})
    exactly(rels.replace(b'External', b'Internal'), {})
    manifest = b'<?xml version="1.0"?><manifest:manifest><manifest:file-entry><manifest:encryption-data manifest:checksum="x"/></manifest:manifest>'
    objects, gaps = tree(manifest)
    check([k for k, _ in gaps] == ['encrypted'], gaps)


# --- workbooks, by hand: [MS-XLS], [MS-OFFCRYPTO] ---

def biff(number, data=b''):
    return struct.pack('<HH', number, len(data)) + data


def short(text):
    return bytes([len(text)]) + b'\0' + text


def workbook(filepass=b''):
    call = b'\x17' + short(b'cmd /c ') + b'\x17\3\1f\0o\0x\0' + b'\x08' + b'\x42\1\x6e\0'  # "cmd /c " "fox" & EXEC
    formula = struct.pack('<HHH', 2, 1, 15) + bytes(14) + struct.pack('<H', len(call)) + call
    name = struct.pack('<HBBH', 0x21, 0, 1, 5) + bytes(8) + b'\0\1' + b'\x24' + struct.pack('<HH', 2, 1)
    out = biff(0x809, struct.pack('<HH', 0x600, 5) + bytes(12)) + (biff(0x2f, filepass) if filepass else b'')
    out += biff(0x85, struct.pack('<IBB', 999, 2, 1) + short(b'Macro1')) + biff(0x85, struct.pack('<IBB', 999, 0, 0) + short(b'Sheet'))
    out += biff(0x18, name) + biff(0xfc, struct.pack('<II', 2, 2) + struct.pack('<H', 3) + b'\0fox' + struct.pack('<H', 1) + b'\x01\xfc\0')
    out += biff(0x1ae, struct.pack('<HH', 0, 5) + b'\0cmd\3x') + biff(0x5c, bytes(2500)) + biff(0xa)
    out += biff(0x809, struct.pack('<HH', 0x600, 0x40) + bytes(12)) + biff(6, formula) + biff(0x207, struct.pack('<H', 2) + b'\0ok')
    return out + biff(0xa)


LISTED = ('macro sheet very hidden "Macro1"\nsheet visible "Sheet"\nname hidden Auto_Open = R3C2 \n"fox"\n"ü"\n'
          'elsewhere "cmd\3x"\nR3C2 = "cmd /c " "fox" & EXEC(1) \n"ok"\n').encode()


def rc4(key, data):
    s, j, out = list(range(256)), 0, bytearray()
    for i in range(256):
        j = (j + s[i] + key[i % len(key)]) & 255
        s[i], s[j] = s[j], s[i]
    i = j = 0
    for byte in data:
        i = (i + 1) & 255
        j = (j + s[i]) & 255
        s[i], s[j] = s[j], s[i]
        out.append(byte ^ s[(s[i] + s[j]) & 255])
    return bytes(out)


def workbook_encrypt(plain, transform):
    """`transform` of (place in the stream, bytes, size of the record)."""
    out, at = b'', 0
    while at < len(plain):
        number, size = struct.unpack_from('<HH', plain, at)
        keep = size if number in (0x809, 0x2f) else 4 if number == 0x85 else 0
        body = plain[at + 4:at + 4 + size]
        out += plain[at:at + 4] + body[:keep] + transform(at + 4 + keep, body[keep:], size)
        at += 4 + size
    return out


def encrypt_rc4(password, api):
    salt, check = NOISE[:16], NOISE[16:32]
    text = password.encode('utf-16-le')
    if api:
        state, digest = hashlib.sha1(salt + text).digest(), hashlib.sha1
    else:
        state, digest = hashlib.md5((hashlib.md5(text).digest()[:5] + salt) * 16).digest()[:5], hashlib.md5

    def key(block):
        return digest(state + struct.pack('<I', block)).digest()[:16]
    sealed = rc4(key(0), check + digest(check).digest())
    info = struct.pack('<HH', 1, 1) + salt + sealed
    if api:
        head = struct.pack('<8I', 4, 0, 0x6801, 0x8004, 128, 1, 0, 0) + 'x\0'.encode('utf-16-le')
        info = struct.pack('<HHII', 4, 2, 4, len(head)) + head + struct.pack('<I', 16) + salt + sealed[:16] + struct.pack('<I', 20) + sealed[16:]
    plain = workbook(struct.pack('<H', 1) + info)
    stream = b''.join(rc4(key(b), bytes(1024)) for b in range(len(plain) // 1024 + 1))
    return plain, workbook_encrypt(plain, lambda at, d, _: bytes(x ^ y for x, y in zip(d, stream[at:])))


def encrypt_xor(password):
    verifier = 0
    for byte in reversed([len(password)] + list(password)):
        verifier = ((verifier >> 14 & 1) | (verifier << 1 & 0x7fff)) ^ byte
    key, pads = 0x1234, bytes.fromhex('bbffffbaffffb98000be0f00bf0f00')
    array = [(p ^ (key >> 8 if i % 2 else key & 255)) for i, p in enumerate((password + pads)[:16])]
    array = [(a >> 1 | a << 7) & 255 for a in array]
    plain = workbook(struct.pack('<HHH', 0, key, verifier ^ 0xce4b))
    return plain, workbook_encrypt(plain, lambda at, d, size: bytes(
        ((b << 5 | b >> 3) & 255) ^ array[(at + size + i) % 16] for i, b in enumerate(d)))


def unpassed(plain):
    at = plain.index(b'\x2f\0', 20)
    return plain[:at] + b'\0\0' + plain[at + 2:]


@case
def workbooks():
    exactly(ole2({'Workbook': workbook()}), {'Workbook': workbook(), 'Workbook.txt': LISTED})
    for password, given in ('VelvetSweatshop', []), ('secret', ['-p', 'wrong', '-p', 'secret']):
        for plain, locked in encrypt_rc4(password, False), encrypt_rc4(password, True), encrypt_xor(password.encode()):
            data = ole2({'Workbook': locked})
            exactly(data, {'Workbook': locked, 'Workbook [decrypted]': unpassed(plain), 'Workbook.txt': LISTED}, *given)
            if given:
                check([k for k, _ in tree(data)[1]] == ['encrypted'], 'no gap')
    damaged(ole2({'Workbook': workbook() + bytes(4000)}), 20)
    for locked in {'WordDocument': bytes(10) + b'\0\1' + bytes(60)}, {'Current User': bytes(12) + b'\xdf\xc4\xd1\xf3' + bytes(9)}:
        check([k for k, _ in tree(ole2(locked))[1]] == ['encrypted'], locked)


@case
def packages_that_are_encrypted():
    def aes(key, data, iv=None):
        mode = ['-aes-%d-%s' % (len(key) * 8, 'cbc' if iv else 'ecb'), '-K', key.hex()] + (['-iv', iv.hex()] if iv else [])
        return subprocess.run(['openssl', 'enc', '-nopad', *mode], input=data, capture_output=True, check=True).stdout
    if not shutil.which('openssl'):
        raise Skip('openssl is not installed')
    import base64
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, 'w') as z:
        z.writestr('word/document.xml', NOISE)
    inner = inner.getvalue()
    padded = inner + bytes(-len(inner) % 16)
    for password, given in ('VelvetSweatshop', []), ('sécret', ['-p', 'sécret']):
        text, salt, check_bytes = password.encode('utf-16-le'), NOISE[:16], NOISE[16:32]
        state = hashlib.sha1(salt + text).digest()
        for i in range(50000):
            state = hashlib.sha1(struct.pack('<I', i) + state).digest()
        state = hashlib.sha1(state + bytes(4)).digest()
        key = b''.join(hashlib.sha1(bytes(x ^ p for x, p in zip(state + bytes(44), [pad] * 64))).digest() for pad in (0x36, 0x5c))
        for bits in 128, 256:
            k = key[:bits // 8]
            head = struct.pack('<8I', 0x24, 0, 0x660e, 0x8004, bits, 0x18, 0, 0) + 'AES\0'.encode('utf-16-le')
            info = struct.pack('<HHII', 4, 2, 0x24, len(head)) + head + struct.pack('<I', 16) + salt + aes(k, check_bytes) + \
                struct.pack('<I', 20) + aes(k, hashlib.sha1(check_bytes).digest() + bytes(12))
            streams = {'EncryptionInfo': info, 'EncryptedPackage': struct.pack('<Q', len(inner)) + aes(k, padded)}
            objects, gaps = tree(ole2(streams), *given)
            has(objects, '[decrypted]', inner)
            check(not gaps, gaps)
        spun, secret = hashlib.sha512(salt + text).digest(), NOISE[100:132]
        for i in range(1000):
            spun = hashlib.sha512(struct.pack('<I', i) + spun).digest()
        names = {'encryptedVerifierHashInput': ('fea7d2763b4b9e79', check_bytes),
                 'encryptedVerifierHashValue': ('d7aa0f6d3061344e', hashlib.sha512(check_bytes).digest()),
                 'encryptedKeyValue': ('146e0be7abacd0d6', secret)}
        sealed = ' '.join('%s="%s"' % (n, base64.b64encode(aes(hashlib.sha512(spun + bytes.fromhex(b)).digest()[:32], d, salt)).decode())
                          for n, (b, d) in names.items())
        common = 'saltSize="16" blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" ' \
            'hashAlgorithm="SHA512" saltValue="%s"' % base64.b64encode(salt).decode()
        xml = '<encryption xmlns="x"><keyData %s/><keyEncryptors><keyEncryptor uri="y"><p:encryptedKey spinCount="1000" %s %s/>' \
            '</keyEncryptor></keyEncryptors></encryption>' % (common, common, sealed)
        package = b''.join(aes(secret, padded[i:i + 4096], hashlib.sha512(salt + struct.pack('<I', i // 4096)).digest()[:16])
                           for i in range(0, len(padded), 4096))
        data = ole2({'EncryptionInfo': struct.pack('<HHI', 4, 4, 0x40) + xml.encode(), 'EncryptedPackage': struct.pack('<Q', len(inner)) + package})
        objects, gaps = tree(data, *given)
        has(objects, '[decrypted]', inner)
        has(objects, '[decrypted] > word/document.xml', NOISE)
        check(not gaps, gaps)
        if given:
            check([g for g, _ in tree(data)[1]] == ['encrypted'], 'no gap')


@case
def packages_as_msoffcrypto_encrypts_them():
    msoffcrypto = module('msoffcrypto')
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(f'{folder}/x.docx', 'w') as z:
            z.writestr('[Content_Types].xml', b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>')
            z.writestr('_rels/.rels', b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"/>')
            z.writestr('word/document.xml', NOISE)
        for password in 'VelvetSweatshop', 'secret':
            locked = io.BytesIO()
            from msoffcrypto.format.ooxml import OOXMLFile
            OOXMLFile(open(f'{folder}/x.docx', 'rb')).encrypt(password, locked)
            objects, gaps = tree(locked.getvalue(), '-p', 'secret')
            has(objects, '[decrypted]', open(f'{folder}/x.docx', 'rb').read())
            check(not gaps, gaps)
        for book in encrypt_rc4('secret', True)[1], encrypt_rc4('secret', False)[1]:
            file = msoffcrypto.OfficeFile(io.BytesIO(ole2({'Workbook': book})))
            file.load_key(password='secret')
            out = io.BytesIO()
            file.decrypt(out)
            theirs = module('olefile').OleFileIO(out).openstream('Workbook').read()
            objects, _ = tree(ole2({'Workbook': book}), '-p', 'secret')
            at = book.index(b'\x2f\0', 20)
            record = book[at + 2:at + 4 + struct.unpack_from('<H', book, at + 2)[0]]
            has(objects, 'Workbook [decrypted]', theirs[:at] + b'\0\0' + record + theirs[at + 2 + len(record):])


def seeds():
    short = b'Attribute VB_Name = "M"\r\nSub A()\r\nEnd Sub\r\n' * 2
    yield 'vba', ole2({**vba_project({'M': short}), '\1Ole10Native': b'1234' + package(b'a', b'b')})
    yield "ole2_orphan", ole2({"A/x": b"x" * 80, "y": b"y"}, orphans=("y",))
    yield 'pdf', pdf(script_objects())
    yield 'pdf_filters', pdf(ROOT + [(b'/Filter [/A85 /Fl]', encode_85(zlib.compress(TEXT))), (b'/Filter /LZW', encode_lzw(TEXT)),
        (b'/Filter/RL', encode_run(TEXT)), (b'/Filter /Fl /DecodeParms << /Predictor 12 /Columns 5 >>',
                                            zlib.compress(predict_png(TEXT, 5, 2)))])
    yield 'pdf_packed', pdf(ROOT + [(b'/Type /ObjStm /N 1 /First 4', b'9 0 << /JS (x) >>')])
    yield 'shortcut', lnk({5: 'x'}, more=b'y')
    yield 'xml', b'<?mso-application?><w:binData w:name="a">eHg=</w:binData>'
    yield 'rels', b'<package/2006/relationships><Relationship Type="a/b" Target="c" TargetMode="External"/>'
    yield 'activemime', b'ActiveMime' + bytes(40) + zlib.compress(TEXT)
    yield 'flash', b'CWS\x0a' + struct.pack('<I', 143) + zlib.compress(TEXT)
    yield 'onenote', bytes.fromhex('e4525c7b8cd8a74daeb15378d02996d3e716e3bd65261145a4c48d4d0b7a9eac') + struct.pack('<Q', 1) + bytes(13)
    yield 'message', ole2({'__substg1.0_1000001F': b'a\0', 'A/__substg1.0_37010102': b'x', 'A/__substg1.0_3707001F': b'n\0'})
    yield 'slides', ole2({'PowerPoint Document': struct.pack('<HHII', 0x10, 0x1011, 60, 9) + zlib.compress(TEXT)})
    yield 'workbook', ole2({'Workbook': workbook().replace(biff(0x5c, bytes(2500)), b'')})
    yield 'rtf', rtf(ole1(b'Package', package(b'a', b'b')).hex().encode() + b'{\\*\\x 1}\\bin2 ab') + b'{\\fldinst DDE x}'


@case
def published_test_files():
    folder = '/usr/share/clamav-testfiles'
    if not os.path.isdir(folder):
        raise Skip('clamav-testfiles is not installed')
    inner = open(f'{folder}/clam.exe', 'rb').read()
    for name in PUBLISHED:
        objects, _ = tree(open(f'{folder}/{name}', 'rb').read())
        check(any(s == sum_of(inner) for rows in objects.values() for _, s, _ in rows), name, objects)


PUBLISHED = ['clam.ole.doc', 'clam.pdf', 'clam.exe.rtf', 'clam.ppt']


if SEEDS:
    for seed, content in seeds():
        with open(os.path.join(SEEDS, seed), 'wb') as out:
            out.write(content)
    sys.exit(0)
sys.exit(run_cases(folders=False))
