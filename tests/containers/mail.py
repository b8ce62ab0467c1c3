#!/usr/bin/env python3
"""Mail, encodings, HTML and scripts: what unpack_tool finds, against other programs.

usage: mail.py UNPACK_TOOL

Prints TAP. Oracles: Python's email, quopri, base64, mailbox; uuencode, munpack, ytnef, openssl,
zip where the machine has them. Broken messages, BinHex, yEnc, TNEF and HTML are made by hand."""
import base64, binascii, email, email.policy, hashlib, io, os, quopri, random, re, shutil, struct, subprocess
import sys, tempfile, zlib
from email.message import EmailMessage

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
import seeded  # noqa: E402
from tap import Skip, case, check, need, run_cases  # noqa: E402

TOOL = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else sys.exit(__doc__)
SAMPLES = '/usr/share/clamav-testfiles/'
CLAM = '71e7b604d18aefd839e51a39c88df8383bb4c071dc31f87f00a2b5df580d4495'
rng = random.Random(11)
NOISE = rng.randbytes(3000)


def unquote(text):
    return re.sub(rb'\\x([0-9a-f]{2})', lambda m: bytes([int(m[1], 16)]), text).decode('utf-8', 'replace')


class Tree:
    """What the tool says: paths in order, and gaps."""

    def __init__(self, data, *arguments):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            done = subprocess.run([TOOL, *arguments, file.name], capture_output=True, timeout=120, check=False)
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
        check((path, sum_of(data)) in [(p, s) for p, s, _ in self.objects], 'wanted', repr(path), data[:80], self)

    def holds(self, data):
        check(sum_of(data) in self.sums(), 'wanted', data[:80], self)

    def lacks(self, path):
        check(path not in [p for p, _, _ in self.objects], 'not wanted', path, self)

    def gap(self, kind, text=''):
        check(any(k == kind and text in t for k, t in self.gaps), 'wanted gap', kind, text, self)

    def __str__(self):
        return '\n'.join(str(x) for x in self.objects + self.gaps)


def sum_of(data):
    return hashlib.sha256(data).hexdigest()


def folded(data, width=76, end=b'\r\n'):
    text = base64.b64encode(data)
    return end.join(text[i:i + width] for i in range(0, len(text), width)) + end


def attachment(body, headers=b'', name=b'a.bin'):
    return (b'Content-Type: application/octet-stream; name="' + name + b'"\r\n' + headers + b'\r\n' + body)


def mail_of(parts, boundary=b'BOUND', header=None, start=b'', final=True):
    header = header or b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n'
    text = b'From: a@example.com\r\nTo: b@example.com\r\nMIME-Version: 1.0\r\n' + header + b'\r\n' + start
    for part in parts:
        text += b'--' + boundary + b'\r\n' + part + b'\r\n'
    return text + (b'--' + boundary + b'--\r\n' if final else b'')


B64 = b'Content-Transfer-Encoding: base64\r\n'

# --- messages ---


@case
def clamav_samples():
    for name in ('clam.mail', 'clam.exe.mbox.base64', 'clam.exe.mbox.uu', 'clam.exe.binhex', 'clam.tnef', 'clam.exe.html'):
        if not os.path.exists(SAMPLES + name):
            raise Skip('no clamav-testfiles')
        with open(SAMPLES + name, 'rb') as file:
            tree = Tree(file.read())
        check(CLAM in tree.sums(), name, tree)


def leaves(message):
    """What Python's email finds, without white space at the ends of texts."""
    for part in message.walk():
        if not part.is_multipart():
            yield part.get_filename(), part.get_payload(decode=True)


@case
def as_python_writes():
    for policy in (email.policy.SMTP, email.policy.default):
        message = EmailMessage(policy=policy)
        message['From'], message['To'] = 'a@example.com', 'b@example.com'
        message['Subject'] = 'Grüße und ein langer Betreff ' * 5
        message.set_content('Schöne Grüße\n' * 30, cte='quoted-printable')
        message.add_alternative('<p>Schöne Grüße</p>\n' * 30, subtype='html', cte='base64')
        for i, name in enumerate(('plain.bin', 'Übersicht für alle.bin', 'x' * 120 + '.bin', 'a "b" c.bin')):
            message.add_attachment(NOISE + bytes([i]), maintype='application', subtype='octet-stream', filename=name)
        data = message.as_bytes()
        tree = Tree(data)
        for name, content in leaves(email.message_from_bytes(data, policy=email.policy.default)):
            if name:
                tree.has(name, content)
            else:
                check(any(sum_of(content + end) in tree.sums() for end in (b'', b'\n', b'\r\n')) or
                      sum_of(content.rstrip(b'\n')) in tree.sums(), content, tree)
        check(not tree.gaps, tree)


@case
def as_munpack_reads():
    need('munpack')
    with open(SAMPLES + 'clam.mail', 'rb') if os.path.exists(SAMPLES + 'clam.mail') else io.BytesIO(
            mail_of([attachment(folded(NOISE), B64)])) as file:
        data = file.read()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(['munpack', '-q'], cwd=folder, input=data, check=True, capture_output=True)
        tree = Tree(data)
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), 'rb') as file:
                content = file.read()
            if not name.endswith('.desc'):
                check(sum_of(content) in tree.sums(), name, tree)


@case
def messages_of_pythons_tests():
    """All leaves that Python finds, but where it takes a multipart for a text, or a text for a message."""
    import glob
    import sysconfig
    paths = sorted(glob.glob(sysconfig.get_path('stdlib') + '/test/test_email/data/*.txt'))
    if not paths:
        raise Skip("Python's own tests are not installed")
    for path in paths:
        if os.path.basename(path) in ('msg_19.txt', 'msg_25.txt', 'msg_31.txt'):
            continue
        with open(path, 'rb') as file:
            data = file.read()
        sums = Tree(data).sums()
        for part in email.message_from_bytes(data).walk():
            content = None if part.is_multipart() else part.get_payload(decode=True)
            if content and content.strip():
                ends = (content, content.rstrip(b'\r\n'), content + b'\n', content + b'\r\n', content[:-1])
                check(any(sum_of(end) in sums for end in ends), path, content)


@case
def nested_messages():
    inner = mail_of([attachment(folded(NOISE), B64, b'inner.bin')], b'INNER')
    for part in (b'Content-Type: message/rfc822\r\n\r\n' + inner,
                 b'Content-Type: message/rfc822\r\n' + B64 + b'\r\n' + folded(inner)):
        Tree(mail_of([b'\r\ntext', part])).has('part 2.eml > inner.bin', NOISE)
    odd = b'X-Odd: 1\r\n' + inner.split(b'\r\n', 3)[3]
    Tree(mail_of([b'Content-Type: message/rfc822\r\n\r\n' + odd])).holds(NOISE)
    body = attachment(folded(NOISE), B64)
    for i in range(20):
        mark = b'B%d' % i
        body = b'Content-Type: multipart/mixed; boundary=' + mark + b'\r\n\r\n--' + mark + b'\r\n' + body + \
            b'\r\n--' + mark + b'--\r\n'
    Tree(b'From: a\r\nSubject: x\r\nMIME-Version: 1.0\r\n' + body).has('a.bin', NOISE)
    for i in range(30):
        mark = b'C%d' % i
        body = b'Content-Type: multipart/mixed; boundary=' + mark + b'\r\n\r\n--' + mark + b'\r\n' + body
    Tree(b'From: a\r\nSubject: x\r\nMIME-Version: 1.0\r\n' + body).gap('limit', 'nested')


@case
def split_message():
    Tree(mail_of([b'Content-Type: message/partial; number=1; total=3; id="x"\r\n\r\nFrom: b\r\n'])).gap('unsupported')


@case
def odd_boundaries():
    good = attachment(folded(NOISE), B64)
    kind = b'Content-Type: multipart/mixed; '
    variants = {
        'no final boundary': mail_of([good], final=False),
        'unquoted': mail_of([good], header=kind + b'boundary=BOUND\r\n'),
        'blank at the end': mail_of([good], header=kind + b'boundary="BOUND  "\r\n'),
        'blanks after delimiter': mail_of([good]).replace(b'--BOUND\r\n', b'--BOUND \t\r\n'),
        'blanks around =': mail_of([good], header=kind + b'boundary = "BOUND"\r\n'),
        'no semicolon': mail_of([good], header=b'Content-Type: multipart/mixed boundary=BOUND\r\n'),
        'not closed': mail_of([good], header=kind + b'boundary="BOUND\r\n'),
        'continued': mail_of([good], header=kind + b'boundary*0="BO";\r\n boundary*1=UND\r\n'),
        'coded': mail_of([good], header=kind + b"boundary*=us-ascii'en'%42OUND\r\n"),
        'escaped': mail_of([good], header=kind + b'boundary="\\BOUND"\r\n'),
        'comment': mail_of([good], header=b'Content-Type: multipart/mixed; (a (b) c) boundary=(d)BOUND\r\n'),
        'upper case': mail_of([good], header=b'CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY=BOUND\r\n'),
        'encoded word': mail_of([good], header=kind + b'boundary="=?us-ascii?Q?BOUND?="\r\n'),
        'folded': mail_of([good], header=b'Content-Type:\r\n multipart/mixed;\r\n\tboundary=\r\n BOUND\r\n'),
        'two parameters': mail_of([good], header=kind + b'boundary=other; boundary=BOUND\r\n'),
        'two headers': mail_of([good], header=kind + b'boundary=other\r\n' + kind + b'boundary=BOUND\r\n'),
        'text first': mail_of([good], header=b'Content-Type: text/plain\r\n' + kind + b'boundary=BOUND\r\n'),
        'text last': mail_of([good], header=kind + b'boundary=BOUND\r\nContent-Type: text/plain\r\n'),
        'wrong type': mail_of([good], header=b'Content-Type: text/plain; boundary=BOUND\r\n'),
        'blank before colon': mail_of([good], header=b'Content-Type : multipart/mixed; boundary=BOUND\r\n'),
        'not told': mail_of([good], header=kind + b'charset=x\r\n'),
        'another told': mail_of([good], header=kind + b'boundary=other\r\n'),
        'longer delimiter': mail_of([good]).replace(b'--BOUND', b'--BOUNDLESS'),
        'after the last': mail_of([b'\r\ntext']) + b'--BOUND\r\n' + good,
        'empty': mail_of([good], b'', header=kind + b'boundary=""\r\n'),
        'no blank line': mail_of([good]).replace(b'BOUND"\r\n\r\n', b'BOUND"\r\n'),
        'encoded whole': b'From: a\r\nSubject: b\r\nMIME-Version: 1.0\r\n' + kind + b'boundary=BOUND\r\n' + B64 +
                         b'\r\n' + folded(b'--BOUND\r\n' + good + b'\r\n--BOUND--\r\n'),
        'line ends of Unix': mail_of([good]).replace(b'\r\n', b'\n'),
        'line ends of old Macs': mail_of([good]).replace(b'\r\n', b'\r'),
        'mixed line ends': mail_of([good]).replace(b'\r\n', b'\n', 5),
        'doubled returns': mail_of([good]).replace(b'\r\n', b'\r\r\n'),
        'a line of blanks ends the header': mail_of([good.replace(b'\r\n\r\n', b'\r\n \r\n')]),
    }
    for what, data in variants.items():
        try:
            Tree(data).has('a.bin', NOISE)
        except AssertionError as error:
            raise AssertionError(what + ': ' + str(error)) from error


@case
def odd_encodings():
    lines = folded(NOISE)
    variants = {
        'upper case': attachment(lines, B64.upper()),
        'quoted': attachment(lines, b'Content-Transfer-Encoding: "base64"\r\n'),
        'more after it': attachment(lines, b'Content-Transfer-Encoding: base64 (comment)\r\n'),
        'two, the first': attachment(lines, B64 + b'Content-Transfer-Encoding: 7bit\r\n'),
        'two, the last': attachment(lines, b'Content-Transfer-Encoding: quoted-printable\r\n' + B64),
        'garbage': attachment(lines.replace(b'A', b'!A').replace(b'Q', b'\x80Q*'), B64),
        'no padding': attachment(folded(NOISE[:2999]).replace(b'=', b''), B64),
        'one long line': attachment(base64.b64encode(NOISE), B64),
        'one character a line': attachment(b'\r\n'.join(bytes([c]) for c in base64.b64encode(NOISE)), B64),
        'padded runs': attachment(b'\r\n'.join(base64.b64encode(NOISE[i:i + 7]) for i in range(0, 3000, 7)), B64),
        'text after it': attachment(folded(NOISE[:2999]) + b'\r\n-- \r\nThe list of lists\r\n', B64),
        'quoted-printable': attachment(quopri.encodestring(NOISE, quotetabs=True).replace(b'\n', b'\r\n'),
                                       b'Content-Transfer-Encoding: quoted-printable\r\n'),
        'lower case hex': attachment(re.sub(b'=[0-9A-F]{2}', lambda m: m[0].lower(),
                                            quopri.encodestring(NOISE, quotetabs=True)),
                                     b'Content-Transfer-Encoding: quoted-printable\r\n'),
        'blanks after soft breaks': attachment(quopri.encodestring(NOISE, quotetabs=True).replace(b'=\n', b'= \t\r\n'),
                                               b'Content-Transfer-Encoding: quoted-printable\r\n'),
    }
    for what, part in variants.items():
        wanted = NOISE[:2999] if what in ('no padding', 'text after it') else NOISE
        if what == 'quoted-printable':
            wanted = NOISE.replace(b'\n', b'\r\n')
        try:
            Tree(mail_of([part])).has('a.bin', wanted)
        except AssertionError as error:
            raise AssertionError(what + ': ' + str(error)) from error


@case
def quoted_printable_as_python_reads():
    for i in range(60):
        alphabet = b'=\r\n \tAF09ax=\x80'
        text = bytes(rng.choice(alphabet) for _ in range(rng.randrange(5, 300))).replace(b'\r', b'') + b'.'
        text = re.sub(rb'=(?![0-9A-F]{2}|\n)', b'x', text)
        tree = Tree(mail_of([attachment(text, b'Content-Transfer-Encoding: quoted-printable\r\n')]))
        wanted = quopri.decodestring(text)
        if wanted.strip():
            tree.has('a.bin', wanted)


@case
def names():
    lines = folded(NOISE)
    for header, name in (
            (b'Content-Disposition: attachment; filename="b.exe"\r\n', 'b.exe'),
            (b'Content-Disposition: attachment; filename=b c.exe\r\n', 'b c.exe'),
            (b"Content-Disposition: attachment; filename*=utf-8''%C3%9Cber.exe\r\n", 'Über.exe'),
            (b"Content-Disposition: attachment; filename=x; filename*=utf-8''%C3%9Cber.exe\r\n", 'Über.exe'),
            (b"Content-Disposition: attachment;\r\n filename*0*=utf-8'en'one%20;\r\n filename*1=two.e;\r\n"
             b" filename*2=\"xe\"\r\n", 'one two.exe'),
            (b"Content-Disposition: attachment;\r\n filename*1=b.exe; filename*0=a\r\n", 'ab.exe'),
            (b'Content-Disposition: attachment; filename="=?utf-8?B?w5xiZXI=?= =?utf-8?Q?_x=2Eexe?="\r\n', 'Über x.exe'),
            (b'Content-Disposition: attachment; filename="=?iso-8859-1?Q?=DCber.exe?="\r\n', 'Über.exe'),
            (b'Content-Disposition: attachment; filename="../../etc/x"\r\n', '../../etc/x')):
        Tree(mail_of([attachment(lines, B64 + header)])).has(name, NOISE)


@case
def passwords_in_the_text():
    need('zip')
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, 'in.bin'), 'wb') as file:
            file.write(NOISE)
        subprocess.run(['zip', '-q', '-P', 'Zk7$q-pw', 'a.zip', 'in.bin'], cwd=folder, check=True)
        with open(os.path.join(folder, 'a.zip'), 'rb') as file:
            data = file.read()
    part = attachment(folded(data), B64, b'a.zip')
    if not any('>' in p or g for p, g in [(p, False) for p, _, _ in Tree(mail_of([part])).objects]) and \
            not Tree(mail_of([part])).gaps:
        raise Skip('no zip among the formats')
    Tree(mail_of([part])).gap('encrypted')
    for text in (b'\r\nThe password is Zk7$q-pw.\r\n', b'\r\nDas Kennwort: "Zk7$q-pw"\r\n',
                 b'Content-Type: text/html\r\n\r\n<p>password:<b>Zk7$q-pw</b></p>',
                 b'Content-Type: text/plain\r\n' + B64 + b'\r\n' + folded(b'Password:Zk7$q-pw')):
        Tree(mail_of([part, text])).has('a.zip > in.bin', NOISE)


@case
def not_mail():
    for text in (b'def f():\n    pass\n', b'Note: this is a text\nabout nothing\n', b'From here to there\nis a way\n',
                 b'Package: candor\nVersion: 1\nDescription: x\n', b'key: value\nother: value\nto: be\n',
                 b'#include <stdio.h>\nint main(void) { return 0; }\n', b'HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\n',
                 b'Format: 1.8\nDate: Mon, 1 Jan 2024\nSource: x\nBinary: y\n'):
        tree = Tree(text * 3)
        check(not tree.objects and not tree.gaps, text, tree)


@case
def folders():
    one = mail_of([attachment(folded(NOISE), B64)])
    two = mail_of([b'\r\nFrom the start\r\n\r\nFrom there on it was hard\r\n', attachment(folded(NOISE[1:]), B64)])
    for end in (b'\r\n', b'\n'):
        data = b''
        for text in (one, two):
            data += b'From a@example.com Thu Jul 31 13:49:50 2008\r\n' + text + b'\r\n'
        tree = Tree(data.replace(b'\r\n', end))
        tree.has('message 1.eml > a.bin', NOISE)
        tree.has('message 2.eml > a.bin', NOISE[1:])
        tree.lacks('message 3.eml')


# --- encodings ---


@case
def uuencoded_files():
    need('uuencode')
    for arguments in ([], ['-m']):
        for size in (1, 2, 3, 44, 45, 46, 1000, 3000):
            coded = subprocess.run(['uuencode', *arguments, 'a b.bin'], input=NOISE[:size], capture_output=True,
                                   check=True).stdout
            Tree(coded).has('a b.bin', NOISE[:size])
            Tree(coded.replace(b'\n', b'\r\n')).has('a b.bin', NOISE[:size])
            both = Tree(coded + b'\nmore\n' + coded)
            check(both.sums().count(sum_of(NOISE[:size])) == 2, both)
        Tree(coded[:len(coded) // 2]).gap('damaged')


@case
def xxencoded_files():
    alphabet = '+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
    text = b'begin 644 x.bin\n'
    for i in range(0, len(NOISE), 45):
        piece = NOISE[i:i + 45]
        bits = ''.join(f'{b:08b}' for b in piece + b'\0' * (-len(piece) % 3))
        text += (alphabet[len(piece)] + ''.join(alphabet[int(bits[j:j + 6], 2)] for j in range(0, len(bits), 6)) +
                 '\n').encode()
    Tree(text + b'+\nend\n').has('x.bin', NOISE)


def yenc(data, name, part=None, total=None, whole=None, offset=0):
    out, column = b'', 0
    for byte in data:
        c = (byte + 42) & 255
        out += bytes([ord('='), (c + 64) & 255]) if c in (0, 10, 13, 61) else bytes([c])
        column += 1
        if column % 128 == 0:
            out += b'\r\n'
    size = whole or len(data)
    head = b'=ybegin %sline=128 size=%d name=%s\r\n' % (b'part=%d total=%d ' % (part, total) if part else b'', size, name)
    if part:
        head += b'=ypart begin=%d end=%d\r\n' % (offset + 1, offset + len(data))
    return head + out + b'\r\n=yend size=%d %s=%08x\r\n' % (len(data), b'pcrc32' if part else b'crc32', zlib.crc32(data))


@case
def yenc_files():
    data = bytes(range(256)) * 3 + NOISE
    coded = yenc(data, b'a b.bin')
    tree = Tree(coded)
    tree.has('a b.bin', data)
    check(not tree.gaps, tree)
    Tree(coded[:2000]).gap('damaged')
    Tree(coded[:-4] + (b'00' if coded[-4:-2] != b'00' else b'11') + coded[-2:]).gap('damaged', 'checksum')
    tree = Tree(yenc(data[:1000], b'p.bin', 1, 3, len(data)))
    tree.has('p.bin', data[:1000])
    tree.gap('unsupported', 'part 1')
    tree = Tree(yenc(data, b'p.bin', 1, 1, len(data)))
    check(not tree.gaps, tree)


def binhex(data, resource, name):
    def sealed(part):
        return part + struct.pack('>H', binascii.crc_hqx(part, 0))
    head = bytes([len(name)]) + name + b'\0TYPECREA\0\0' + struct.pack('>II', len(data), len(resource))
    raw = sealed(head) + sealed(data) + sealed(resource)
    packed, i = b'', 0
    while i < len(raw):
        run = 1
        while i + run < len(raw) and raw[i + run] == raw[i] and run < 255:
            run += 1
        packed += (b'\x90\0' if raw[i] == 0x90 else raw[i:i + 1])
        if run > 3 and raw[i] != 0x90:
            packed += bytes([0x90, run])
            i += run
        else:
            i += 1
    alphabet = b'!"#$%&\'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr'
    bits = ''.join(f'{b:08b}' for b in packed)
    bits += '0' * (-len(bits) % 6)
    text = b':' + bytes(alphabet[int(bits[i:i + 6], 2)] for i in range(0, len(bits), 6)) + b':'
    return b'(This file must be converted with BinHex 4.0)\r\r' + \
        b'\r'.join(text[i:i + 64] for i in range(0, len(text), 64)) + b'\r'


@case
def binhex_files():
    for data in (b'x', NOISE, b'a' * 1000 + b'\x90' * 20 + b'b' * 3):
        coded = binhex(data, b'resource' * 9, b'a b.bin')
        for text in (coded, coded.replace(b'\r', b'\n'), coded.replace(b'\r', b'\r\n')):
            tree = Tree(text)
            tree.has('a b.bin', data)
            tree.has('a b.bin [resource fork]', b'resource' * 9)
            check(not tree.gaps, tree)
    Tree(binhex(NOISE, b'', b'x')[:2000]).gap('damaged')
    broken = bytearray(binhex(NOISE, b'', b'x'))
    broken[1000] = ord('a') if broken[1000] != ord('a') else ord('b')
    Tree(bytes(broken)).gap('damaged', 'checksum')
    Tree(coded[:50]).gap('damaged')


@case
def apple_double():
    for magic in (0x00051600, 0x00051607):
        data = struct.pack('>II16xH', magic, 0x20000, 3) + struct.pack('>III', 3, 62, 4) + \
            struct.pack('>III', 2, 66, 9) + struct.pack('>III', 1, 75, len(NOISE)) + b'a.bi' + b'resources' + NOISE
        tree = Tree(data)
        tree.has('a.bi', NOISE)
        tree.has('[resource fork]', b'resources')
        Tree(data[:200]).gap('damaged')
        Tree(data[:30]).gap('damaged')


def tnef(attributes):
    out = struct.pack('<IH', 0x223e9f78, 1)
    for level, tag, data in attributes:
        out += struct.pack('<BII', level, tag, len(data)) + data + struct.pack('<H', sum(data) & 0xffff)
    return out


def properties(*rows):
    out = struct.pack('<I', len(rows))
    for kind, tag, value in rows:
        out += struct.pack('<HH', kind, tag)
        if tag >= 0x8000:
            out += bytes(16) + struct.pack('<II', 1, 6) + b'a\0b\0\0\0\0\0'
        if kind in (0x1e, 0x1f, 0x102, 0x0d):
            out += struct.pack('<II', 1, len(value)) + value + b'\0' * (-len(value) % 4)
        else:
            out += value
    return out


def melted(rtf):
    return struct.pack('<II4sI', len(rtf) + 12, len(rtf), b'MELA', 0) + rtf


@case
def tnef_files():
    inner = tnef([(1, 0x8c00c - 0x60000, b'inner body\0')])
    data = tnef([
        (1, 0x89006, struct.pack('<I', 0x10000)), (1, 0x9007, struct.pack('<II', 1252, 0)),
        (1, 0x69003, properties((3, 0x0037, b'abcd'), (0x102, 0x1009, melted(b'{\\rtf1 hello}')),
                                (0x1e, 0x8123, b'named\0'), (0x0b, 0x1, b'\1\0\0\0'),
                                (0x102, 0x1013, b'<p>hello</p>'))),
        (2, 0x69002, b'\1\0' + bytes(12)), (2, 0x18010, b'A~1.BIN\0'), (2, 0x6800f, NOISE),
        (2, 0x69005, properties((0x1f, 0x3707, 'a long name.bin\0'.encode('utf-16le')))),
        (2, 0x69002, b'\1\0' + bytes(12)), (2, 0x18010, b'b.bin\0'), (2, 0x6800f, NOISE[5:]),
        (2, 0x69002, b'\1\0' + bytes(12)), (2, 0x18010, b'message\0'),
        (2, 0x69005, properties((0x0d, 0x3701, bytes(16) + inner)))])
    tree = Tree(data)
    tree.has('a long name.bin', NOISE)
    tree.has('b.bin', NOISE[5:])
    tree.has('[body].rtf', b'{\\rtf1 hello}')
    tree.has('[body].html', b'<p>hello</p>')
    tree.has('message', inner)
    check(not tree.gaps, tree)
    for size in range(8, len(data), 301):
        tree = Tree(data[:size])
        check(tree.gaps or len(tree.objects) >= 1, size, tree)
    Tree(mail_of([attachment(folded(data), B64, b'winmail.dat')])).has('winmail.dat > b.bin', NOISE[5:])
    if shutil.which('ytnef'):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, 'w'), 'wb') as file:
                file.write(data)
            subprocess.run(['ytnef', '-f', folder, os.path.join(folder, 'w')], capture_output=True, check=False)
            for name in os.listdir(folder):
                if name.endswith('.bin'):
                    with open(os.path.join(folder, name), 'rb') as file:
                        check(sum_of(file.read()) in tree_sums(data), name)


def tree_sums(data):
    return Tree(data).sums()


@case
def compressed_rtf():
    try:
        import compressed_rtf as oracle
    except ImportError as error:
        raise Skip('no compressed_rtf') from error
    for text in (b'{\\rtf1\\ansi hello hello hello\\par}', b'x' * 9000, bytes(NOISE[:2000]),
                 b'{\\rtf1\\ansi ' + b'The quick brown fox. ' * 500 + b'}'):
        Tree(tnef([(1, 0x69003, properties((0x102, 0x1009, oracle.compress(text, compressed=True))))])).has(
            '[body].rtf', text)


@case
def signed_and_encrypted():
    need('openssl')
    inner = attachment(folded(NOISE), B64 + b'MIME-Version: 1.0\r\n')
    with tempfile.TemporaryDirectory() as folder:
        def openssl(*arguments):
            done = subprocess.run(['openssl', *arguments], cwd=folder, capture_output=True, check=False)
            check(done.returncode == 0, arguments, done.stderr)

        with open(os.path.join(folder, 'k'), 'wb') as file:
            file.write(seeded.rsa_pem(2048))
        openssl('req', '-x509', '-key', 'k', '-set_serial', '7', '-out', 'c', '-subj', '/CN=x', '-days', '9')
        with open(os.path.join(folder, 'in'), 'wb') as file:
            file.write(inner)
        for extra in ([], ['-stream']):
            for command, form in (('smime', 'SMIME'), ('smime', 'DER'), ('smime', 'PEM'), ('cms', 'SMIME'), ('cms', 'DER')):
                openssl(command, '-sign', '-nodetach', '-binary', '-signer', 'c', '-inkey', 'k', '-in', 'in', '-out', 'out',
                        '-outform', form, *extra)
                with open(os.path.join(folder, 'out'), 'rb') as file:
                    data = file.read()
                if form == 'SMIME':
                    data = b'From: a@example.com\r\nTo: b@example.com\r\n' + data
                tree = Tree(data)
                tree.holds(inner)
                tree.holds(NOISE)
                check(not tree.gaps, command, form, tree)
        Tree(data[:1500]).gap('damaged')
        openssl('smime', '-sign', '-binary', '-signer', 'c', '-inkey', 'k', '-in', 'in', '-out', 'out')
        with open(os.path.join(folder, 'out'), 'rb') as file:
            tree = Tree(b'From: a@example.com\nTo: b@example.com\n' + file.read())
        tree.holds(NOISE)
        for command, form in (('smime', 'DER'), ('cms', 'DER'), ('smime', 'PEM')):
            openssl(command, '-encrypt', '-in', 'in', '-out', 'out', '-outform', form, '-aes256', 'c')
            with open(os.path.join(folder, 'out'), 'rb') as file:
                Tree(file.read()).gap('encrypted')
        done = subprocess.run(['openssl', 'cms', '-compress', '-binary', '-in', 'in', '-out', 'out', '-outform', 'DER'],
                              cwd=folder, capture_output=True, check=False)
        if done.returncode == 0:
            with open(os.path.join(folder, 'out'), 'rb') as file:
                Tree(file.read()).holds(NOISE)


@case
def closed_formats():
    Tree(b'-----BEGIN PGP MESSAGE-----\n\nabcd\n-----END PGP MESSAGE-----\n').gap('encrypted')
    for magic in (b'!BDN', b'\xcf\xad\x12\xfe', b'\x1a\0\0\4\0\0', b'*mbx*\r\n'):
        Tree(magic + bytes(600)).gap('unsupported', 'not examined')


# --- pages and texts ---

PAGE = b"""<!DOCTYPE html>
<html><head><title>Hi &amp; there</title><style>p { color: red }</style>
<script src="http://example.com/a.js">var a = "<b>";</script></head>
<body onload="go(&quot;x&quot;)"><!-- hidden --><p>pass<b></b>word &#65;&#x42; 1 < 2</p>
<!--[if IE]><p>shown</p><![endif]--><a href='java&#115;cript:alert(1)'>click</a>
<img src="data:image/png;base64,iVBORw0KGgo="><a href="&#100;ata:application/x-a;base64,TVqQAAMAAAA=">x</a>
<form action=/post><iframe src="data:text/html,%3Cscript%3Egoing()%3C/script%3E"></iframe>
<meta http-equiv=refresh content="0;url=http://example.org/">
<script>last()</script></body></html>
"""


@case
def pages():
    tree = Tree(PAGE)
    tree.has('[text]', b'Hi & there pass' + b'word AB 1 < 2 shownclick x'.replace(b'shownclick', b'shown click'))
    tree.has('[scripts]', b'var a = "<b>";\ngo("x")\njavascript:alert(1)\nlast()\n')
    tree.has('[links]', b'http://example.com/a.js\ndata:application/x-a;base64,TVqQAAMAAAA=\n/post\n'
             b'data:text/html,%3Cscript%3Egoing()%3C/script%3E\n0;url=http://example.org/\n')
    tree.has('[data 1] image/png', b'\x89PNG\r\n\x1a\n')
    tree.has('[data 1] application/x-a', b'MZ\x90\0\3\0\0\0')
    tree.has('[data] text/html', b'<script>going()</script>')
    tree.has('[data] text/html > [scripts]', b'going()\n')
    for size in range(40, len(PAGE), 61):
        Tree(PAGE[:size])


@case
def visible_text_as_python_reads():
    import html.parser

    class Reader(html.parser.HTMLParser):
        def __init__(self):
            super().__init__()
            self.out, self.hidden = '', 0

        def handle_starttag(self, tag, attrs):
            self.hidden += tag in ('style', 'script')
            self.out += ' ' if tag in ('p', 'div', 'li', 'td', 'br', 'h1') else ''

        def handle_endtag(self, tag):
            self.hidden -= tag in ('style', 'script')
            self.out += ' ' if tag in ('p', 'div', 'li', 'td', 'br', 'h1') else ''

        def handle_data(self, data):
            self.out += '' if self.hidden else data

    words = ['one', ' two ', '&lt;x&gt;', '&#x41;', '\n', 'Grüße', '&euro;', ' a&b ', '&nbsp;']
    for _ in range(40):
        text = '<html><body>'
        for _ in range(40):
            tag = rng.choice(['p', 'b', 'i', 'div', 'li', 'td', 'h1', 'span', 'style', 'script'])
            text += '<%s class="a > b" title=\'"\'>%s</%s>' % (tag, ''.join(rng.choices(words, k=3)), tag)
        reader = Reader()
        reader.feed(text)
        reader.close()
        Tree(text.encode()).has('[text]', ' '.join(reader.out.split()).encode())


@case
def wide_texts():
    text = 'Grüße €\U0001f600, and a line of text for all.\n' * 9
    for name in ('utf-16', 'utf-32', 'utf-16-be', 'utf-16-le', 'utf-32-le', 'utf-32-be'):
        coded = (text if name in ('utf-16', 'utf-32') else 'And at first an ASCII text.' + text).encode(name)
        Tree(coded).has('[utf-8]', coded.decode(name).encode())
    page = '<html><body>\n' + text + '<script>a + b</script>'
    Tree(page.encode('utf-16')).has('[utf-8] > [scripts]', b'a + b\n')
    seven = b'<html><meta charset=utf-7>' + \
        '<script>alert(1+1)</script>ü€'.encode('utf-7').replace(b'<', b'+ADw-').replace(b'>', b'+AD4-')
    Tree(seven).has('[utf-8]', seven.decode('utf-7').encode())


@case
def base64_in_texts():
    program = b'MZ' + NOISE
    for before, lines, after in ((b'a = "', base64.b64encode(program), b'";\n'),
                                 (b'text\n\n', folded(program), b'\n-- \nend of it\n'),
                                 (b'<data>\n', folded(program, 60, b'\n\t\t'), b'</data>'),
                                 (b'', folded(program, 64, b'\n'), b'')):
        tree = Tree(before + lines + after)
        tree.has('[base64 1]', program)
        check(len([p for p, _, _ in tree.objects if '>' not in p]) == 1, tree)
    tree = Tree(b'sums:\n' + b''.join(hashlib.sha256(bytes([i])).hexdigest().encode() + b'  file\n' for i in range(99)))
    check(not tree.objects, tree)
    tree = Tree(b'x = "' + base64.b64encode(NOISE) + b'"\n')
    check(not tree.objects, tree)


@case
def encoded_files_in_mail_texts():
    need('uuencode')
    coded = subprocess.run(['uuencode', 'in.bin'], input=NOISE, capture_output=True, check=True).stdout
    long = b'\r\n' + b'Some text of the mail.\r\n' * 100
    Tree(mail_of([long + coded])).has('part 1.txt > in.bin', NOISE)
    Tree(mail_of([long + yenc(NOISE, b'y.bin')])).has('part 1.txt > y.bin', NOISE)
    Tree(mail_of([long + binhex(NOISE, b'', b'b.bin')])).has('part 1.txt > b.bin', NOISE)
    Tree(b'A text.\n' + coded).has('in.bin', NOISE)


# --- scripts ---


def folded_script(name, text):
    """The tool's answer for a script by that name: the file's name tells the language, so it comes in a mail."""
    return Tree(mail_of([attachment(folded(text.encode()), B64, name.encode())]))


@case
def folded_strings():
    for name, text, wanted in (
            ('a.js', "x = 'W'+'Scr' + \"ipt\" + '.S\\x68e\\u006c\\154';", "x = 'WScript.Shell';"),
            ('a.js', 'c = String.fromCharCode(72, 0x65, 108+0) + "x"', 'c = "Helx"'),
            ('a.js', '"use"+"d"; go()', '"used"; go()'),
            ('a.js', 'eval(unescape("%61%6c%65rt%u0028"))', 'eval("alert(")'),
            ('a.js', 'eval(atob("YWxlcnQoMSk="));', 'eval("alert(1)");'),
            ('a.js', '// don\'t\n/* "x */ a = "b" + "c"', '// don\'t\n/* "x */ a = "bc"'),
            ('a.js', '\\u0065val("x\\"y")', 'eval("x\\"y")'),
            ('a.vbs', "' don't\nx = Chr(72) & ChrW(&H65) & \"l\" & _\n  \"o\"", "' don't\nx = \"Helo\""),
            ('a.vbs', 'p = "C:\\" & "temp"', 'p = "C:\\temp"'),
            ('a.php', "$a = 'ev'.'al'; $b = base64_decode('aGVsbG8=');", "$a = 'eval'; $b = 'hello';"),
            ('a.ps1', 'I`E`X ("{1}{0}{2}" -f \'w-Ob\',\'Ne\',\'ject\')', 'IEX ("New-Object")'),
            ('a.ps1', "[char]72+[char]0x65+'y'; [char[]](72,105) -join ''", "\"Hey\"; \"Hi\" -join ''"),
            ('a.ps1', '"a`tb`q"', '"a`tbq"'),
            ('a.bat', 'p^o^w^ers^hell ^\r\n -x "a^b"', 'powershell  -x "a^b"')):
        tree = folded_script(name, text)
        tree.has(name + ' > [script]', wanted.encode())
    for name, text in (('a.js', 'var a = "x" + b + "y"; f("\\n\\x1b[0m");'), ('a.py', 'print("a" "b", chr(x))'),
                       ('a.js', 'var long = "one" +\n  "two";'), ('a.txt', "x = 'a'+'b'"), ('a.sh', 'echo "a" \'b\'')):
        folded_script(name, text).lacks(name + ' > [script]')


@case
def encoded_commands():
    command = 'IEX (New-Object Net.WebClient)'
    coded = base64.b64encode(command.encode('utf-16le')).decode()
    for name, text in (('a.bat', '@echo off\r\npowershell -nop -e ' + coded), ('a.ps1', 'powershell /EncodedCommand "%s"' % coded),
                       ('a.vbs', 'CreateObject("WScript.Shell").Run "powershell -enc ' + coded + '"'),
                       ('a.ps1', '[Text.Encoding]::Unicode.GetString([Convert]::FromBase64String("%s"))' % coded),
                       ('a.js', 'var later = "%s";' % coded)):
        tree = folded_script(name, text)
        check(sum_of(command.encode()) in tree.sums(), name, text, tree)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b'Write-Host "hello"') + packer.flush()
    text = '$s = New-Object IO.Compression.DeflateStream([Convert]::FromBase64String("%s"))'
    folded_script('a.ps1', text % base64.b64encode(packed).decode()).has('a.ps1 > [inflated 1]', b'Write-Host "hello"')
    text = "<?php eval(gzinflate(base64_decode('%s')));"
    folded_script('a.php', text % base64.b64encode(packed).decode()).has('a.php > [inflated 1]', b'Write-Host "hello"')


@case
def encoded_scripts():
    coded = b'#@~^DgAAAA==\\ko$K6,JC\x7fV^GJqAQAAA==^#~@'
    Tree(coded).has('[decoded 1]', b'MsgBox "Hello"')
    Tree(b'<html><script language="VBScript.Encode">' + coded + b'</script>').has(
        '[scripts] > [decoded 1]', b'MsgBox "Hello"')
    Tree(coded[:22]).gap('damaged')


# --- all ---


@case
def damaged_messages():
    """Cut anywhere or with flipped bits: it ends, without a fault, and gives what is there."""
    data = mail_of([b'\r\npassword x', attachment(folded(NOISE), B64), b'Content-Type: message/rfc822\r\n\r\n' +
                    mail_of([attachment(folded(NOISE[2:]), B64)], b'IN')])
    for size in range(100, len(data), 397):
        Tree(data[:size])
    for _ in range(40):
        broken = bytearray(data)
        for _ in range(5):
            broken[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        Tree(bytes(broken))


sys.exit(run_cases(folders=False))
