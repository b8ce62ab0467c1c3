#!/usr/bin/env python3
"""File systems and disk images, made by Debian's tools, against what unpack_tool finds in them.

usage: image.py UNPACK_TOOL

Prints TAP. Every file of a tree must come out with its path, size and SHA-256. What is cut short
must give a gap or everything; what has flipped bits must end well."""
import hashlib, os, random, shutil, struct, subprocess, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from tap import Skip, case, check, need, run_cases  # noqa: E402

TOOL = os.path.abspath(sys.argv[1]) if len(sys.argv) >= 2 else sys.exit(__doc__)


def run(*arguments, **more):
    more = {'stdin': subprocess.DEVNULL, 'capture_output': True, 'timeout': 120, 'check': False} | more
    if more.get('input') is not None:
        del more['stdin']
    done = subprocess.run([str(a) for a in arguments], **more)
    check(done.returncode == 0, arguments, done.stdout, done.stderr)
    return done


def noise(seed, size):
    return random.Random(seed).randbytes(size)


def sample_tree():
    """Names and contents that file systems treat differently."""
    tree = {'hello.txt': b'hello\n', 'EMPTY': b'', 'one byte': b'x',
            'a sector': noise(1, 512), 'more.bin': noise(2, 70001), 'large file.dat': noise(3, 600000),
            'a rather long name, as people give them.document': b'long' * 300,
            'd/inner.txt': b'inner\n', 'd/e/f/deep.bin': noise(4, 9000), 'UPPER.TXT': b'upper\n',
            'd/zeros': b'\0' * 30000}
    for i in range(150):
        tree[f'many/file number {i:03d}.txt'] = b'%d\n' % i * (i + 1)
    return tree


def unicode_tree():
    return {'viele gr\u00fc\u00dfe/\u65e5\u672c\u8a9e.txt': b'nihongo\n', '\u0416.txt': b'zh\n'}


def put_tree(tree, top):
    for name, data in tree.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(data)
    return top


def escape(name):
    raw = name if isinstance(name, bytes) else name.encode()
    return ''.join(chr(c) if 32 <= c < 127 and c != 92 else f'\\x{c:02x}' for c in raw)


def unpack(path, *options):
    done = subprocess.run([TOOL, *options, path], capture_output=True, timeout=300, check=False)
    check(done.returncode == 0, 'unpack_tool', options, path, done.returncode, done.stderr.decode(errors='replace'))
    found, gaps = {}, []
    for line in done.stdout.decode().splitlines():
        if line.startswith('object '):
            _, size, digest, rest = line.split(' ', 3)
            found.setdefault(rest, []).append((int(size), digest))
        else:
            gaps.append(line)
    return found, gaps


def same(path, tree, prefix='', others=None, gaps_fine=False):
    """Below `prefix`, exactly the files of the tree; no gaps."""
    found, gaps = unpack(path)
    wanted = {escape(prefix + name): (len(data), hashlib.sha256(data).hexdigest())
              for name, data in tree.items() if data}
    got = {name: values for name, values in found.items() if name.startswith(escape(prefix))}
    check(gaps_fine or not gaps, 'gaps', gaps[:5])
    for name, value in wanted.items():
        check(name in got, 'missing', name, 'got', list(got)[:8])
        check(value in got[name], 'differs', name, value, got[name])
    extra = [name for name in got if name not in wanted and not (others and others(name))]
    check(not extra, 'extra', extra[:5])
    return found, gaps


def hurt(path, step=7, flips=24):
    """Cut short: a gap, or all that was there. Flipped: it ends."""
    whole, _ = unpack(path)
    with open(path, 'rb') as file:
        data = file.read()
    for i in range(1, step):
        with open('cut', 'wb') as file:
            file.write(data[:len(data) * i // step // 512 * 512 + (i % 3) * 7])
        found, gaps = unpack('cut')
        kept = all(any(v in found.get(name, []) for v in values) for name, values in whole.items())
        check(gaps or kept or not found, 'silent about what was cut off at', i, 'of', step)
    rng = random.Random(len(data))
    for i in range(flips):
        copy = bytearray(data)
        for _ in range(1 + i % 8):
            at = rng.randrange(min(len(copy), 1 << rng.randrange(8, 21)))
            copy[at] ^= 1 << rng.randrange(8)
        with open('flipped', 'wb') as file:
            file.write(copy)
        unpack('flipped', '-b', '20000000', '-d', '4')


def zeros(path, size):
    with open(path, 'wb') as file:
        file.truncate(size)
    return path


def mtools(*arguments):
    return run(*arguments, env=os.environ | {'MTOOLS_SKIP_CHECK': '1', 'LC_ALL': 'C.UTF-8'})


def make_fat(path, size, tree, *options):
    need('mkfs.vfat', 'mcopy')
    zeros(path, size)
    run('mkfs.vfat', '-i', '12345678', *options, path)
    put_tree(tree, 'tree')
    mtools('mcopy', '-s', '-i', path, *[f'tree/{n}' for n in sorted(os.listdir('tree'))], '::')


@case
def fat_sizes():
    small = {name: data for name, data in sample_tree().items() if 'many' not in name}
    for bits, size, options in ((12, 1440 << 10, []), (12, 4 << 20, ['-s', '4']), (16, 20 << 20, []),
                                (32, 70 << 20, ['-s', '1']), (16, 33 << 20, ['-S', '2048'])):
        shutil.rmtree('tree', ignore_errors=True)
        tree = (small if size < 2 << 20 else sample_tree()) | unicode_tree()
        make_fat('fat', size, tree, '-F', str(bits), *options)
        check(run(TOOL, '-k', 'fat').stdout == b'fat\n')
        same('fat', tree)
    hurt('fat')


@case
def fat_fragments():
    make_fat('fat', 2 << 20, {f'f{i:02d}': noise(i, 20000) for i in range(60)}, '-F', '12', '-s', '1')
    mtools('mdel', '-i', 'fat', *[f'::f{i:02d}' for i in range(0, 60, 2)])
    tree = {f'f{i:02d}': noise(i, 20000) for i in range(1, 60, 2)} | {'spread': noise(99, 500000)}
    put_tree({'spread': tree['spread']}, '.')
    mtools('mcopy', '-i', 'fat', 'spread', '::')
    same('fat', tree)
    with open('fat', 'r+b') as file:  # every chain ends at once
        file.seek(512)
        file.write(b'\xff' * 1536)
    check(unpack('fat')[1], 'silent about broken chains')
    hurt('fat')


@case
def partitions_mbr():
    need('sfdisk')
    make_fat('fat', 4 << 20, sample_tree(), '-F', '12', '-s', '4')
    zeros('disk', 64 << 20)
    run('sfdisk', 'disk', input=b'label: dos\n2048,8192,6\n12288,8192,83\n32768,,5\n34816,8192,1\n45056,8192,6,*\n')
    with open('fat', 'rb') as file, open('disk', 'r+b') as disk:
        data = file.read()
        for sector in (2048, 34816, 45056):
            disk.seek(sector * 512)
            disk.write(data)
    found, _ = same('disk', sample_tree(), 'partition 6 (FAT16) > ')
    for name in ('partition 1 (FAT16) > hello.txt', 'partition 5 (FAT12) > hello.txt', 'partition 2 (Linux)'):
        check(name in found, 'missing', name)
    hurt('disk', step=11)


@case
def partitions_gpt():
    need('sgdisk')
    make_fat('fat', 4 << 20, sample_tree(), '-F', '12', '-s', '4')
    zeros('disk', 32 << 20)
    run('sgdisk', '-n1:2048:+4M', '-t1:ef00', '-n2:20480:+4M', '-t2:8300', '-n5:40960:+1M', '-t5:8200', 'disk')
    with open('fat', 'rb') as file, open('disk', 'r+b') as disk:
        data = file.read()
        for sector in (2048, 20480):
            disk.seek(sector * 512)
            disk.write(data)
    same('disk', sample_tree(), 'partition 1 (EFI system) > ')
    found, _ = same('disk', sample_tree(), 'partition 2 (Linux) > ')
    check('partition 5 (Linux swap)' in found)
    with open('disk', 'r+b') as disk:  # the copy at the end serves
        disk.seek(512)
        disk.write(b'\0' * 512)
    same('disk', sample_tree(), 'partition 1 (EFI system) > ')
    hurt('disk')


@case
def partitions_apple():
    """No tool for it here: written by hand."""
    make_fat('fat', 4 << 20, sample_tree(), '-F', '12', '-s', '4')
    with open('fat', 'rb') as file:
        data = file.read()
    def entry(count, first, blocks, kind):
        return struct.pack('>HHIII32s32s', 0x504d, 0, count, first, blocks, b'name', kind).ljust(512, b'\0')
    with open('disk', 'wb') as disk:
        disk.write(struct.pack('>HHI', 0x4552, 512, 64 + len(data) // 512).ljust(512, b'\0'))
        disk.write(entry(2, 1, 63, b'Apple_partition_map') + entry(2, 64, len(data) // 512, b'DOS_FAT_12'))
        disk.seek(64 * 512)
        disk.write(data)
    same('disk', sample_tree(), 'partition 2 (DOS_FAT_12) > ')
    hurt('disk')


def exfat_image(files):
    """A small exFAT by hand: 512-byte sectors, one to a cluster; `files` are (name, data, written,
    in a row)."""
    heap, clusters = 128, 4000
    table, sectors, root = [0xfffffff8, 0xffffffff] + [0] * clusters, {}, []
    free = [2]

    def store(data, in_a_row, step=1):
        first = at = free[0]
        count = max(1, (len(data) + 511) // 512)
        for i in range(count):
            sectors[at] = data[512 * i:512 * i + 512].ljust(512, b'\0')
            follow = at + (1 if in_a_row else step)
            table[at] = 0 if in_a_row else 0xffffffff if i == count - 1 else follow
            at = follow
        free[0] = at
        return first

    def entries(name, data, written, in_a_row, folder=False):
        first = store(data, in_a_row, 2) if data else 0
        units = name.encode('utf-16-le')
        names = [units[i:i + 30].ljust(30, b'\0') for i in range(0, len(units), 30)]
        out = struct.pack('<BBHH', 0x85, 1 + len(names), 0, 0x10 if folder else 0x20).ljust(32, b'\0')
        out += struct.pack('<BBBBHHQIIQ', 0xc0, 3 if in_a_row else 1, 0, len(units) // 2, 0, 0, written, 0, first,
                           len(data))
        return out + b''.join(b'\xc1\0' + part for part in names)

    inner = b''.join(entries(*f) for f in files if '/' not in f[0])
    outer = b''.join(entries(f[0].split('/')[1], *f[1:]) for f in files if '/' in f[0])
    root = inner + entries('folder', outer.ljust(-(-len(outer) // 512) * 512, b'\0'), len(outer), False, True)
    start = store(root.ljust(-(-len(root) // 512) * 512, b'\0'), False)
    boot = bytearray(512)
    boot[0:11] = b'\xeb\x76\x90EXFAT   '
    struct.pack_into('<QQIIIIIIHHBBBB', boot, 64, 0, heap + clusters, 24, 40, heap, clusters, start, 1, 0x100, 0, 9, 0,
                     1, 128)
    boot[510:] = b'\x55\xaa'
    image = bytearray((heap + clusters) * 512)
    image[:512] = boot
    packed = struct.pack(f'<{len(table)}I', *table)
    image[24 * 512:24 * 512 + len(packed)] = packed
    for at, data in sectors.items():
        image[(heap + at - 2) * 512:][:0] = b''
        image[(heap + at - 2) * 512:(heap + at - 2) * 512 + 512] = data
    return bytes(image)


@case
def exfat_by_hand():
    files = [('row.bin', noise(1, 5000), 5000, True), ('chain.bin', noise(2, 9000), 9000, False),
             ('not all was written', noise(3, 4000), 1000, False), ('folder/in it \u65e5\u672c', b'x' * 700, 700, True),
             ('with a name that needs three entries, or more than that', b'name', 4, False)]
    with open('disk', 'wb') as file:
        file.write(exfat_image(files))
    same('disk', {n: d[:w].ljust(len(d), b'\0') for n, d, w, _ in files})
    hurt('disk')


def make_ext(path, size, tree, *options):
    need('mkfs.ext4')
    zeros(path, size)
    put_tree(tree, 'tree')
    run('mkfs.ext4', '-q', '-F', '-d', 'tree', *options, path)


@case
def ext_kinds():
    tree = sample_tree() | unicode_tree() | {'\U0001f600 smile': b':)', 'tiny': b'inline', 'tiny2': noise(7, 100),
                                             'd/sparse': b'\0' * 300000 + noise(8, 5000) + b'\0' * 100000}
    put_tree(tree, 'tree')
    with open('tree/d/sparse', 'wb') as file:
        file.seek(300000)
        file.write(noise(8, 5000))
        file.truncate(405000)
    os.symlink('hello.txt', 'tree/link')
    need('mkfs.ext4')
    for kind in ('ext2', 'ext3', 'ext4'):
        for options in ([], ['-b', '1024'], ['-b', '4096', '-I', '128'], ['-O', 'inline_data'], ['-O', '^64bit'],
                        ['-O', 'meta_bg,^resize_inode', '-g', '1024'], ['-O', '^filetype', '-b', '2048']):
            if kind != 'ext4' and 'inline_data' in options or options[:1] == ['-b'] and kind == 'ext4' and '128' in options:
                continue
            zeros('ext', 16 << 20)
            run('mkfs.' + kind, '-q', '-F', '-d', 'tree', *options, 'ext')
            # mke2fs writes holes at the end of a file wrongly with inline_data
            wrong = {'d/sparse'} if 'inline_data' in options else set()
            same('ext', {n: d for n, d in tree.items() if n not in wrong}, others=wrong.__contains__)
            check(run(TOOL, '-k', 'ext').stdout == b'ext\n')
    hurt('ext', flips=40)


# Below 300 MB it is made for tests only, which say so by these.
XFS_SMALL = {'TEST_DIR': '1', 'TEST_DEV': '1', 'QA_CHECK_FS': '1'}


def make_xfs(path, size, *options):
    need('mkfs.xfs')
    zeros(path, 0)
    os.truncate(path, size)
    run('mkfs.xfs', '-q', '-f', *options, path, env={**os.environ, **XFS_SMALL})


def xfs_prototype(tree, top):
    """What mkfs.xfs -p puts in (mkfs.xfs(8)): its names have no blanks."""
    lines, depth = ['/', '0 0', 'd--755 0 0'], []
    for name in sorted(tree, key=lambda n: n.split('/')[:-1]):
        folders = name.split('/')[:-1]
        common = len(os.path.commonprefix([depth, folders]))
        lines += ['$'] * (len(depth) - common) + [f'{f} d--755 0 0' for f in folders[common:]]
        depth = folders
        lines.append(f'{name.rsplit("/", 1)[-1]} ---644 0 0 {os.path.join(top, name)}')
    with open('proto', 'w', encoding='utf-8') as file:
        file.write('\n'.join(lines + ['$'] * (len(depth) + 1)) + '\n')
    return '-p', 'proto'


@case
def xfs_kinds():
    tree = {n: d for n, d in (sample_tree() | unicode_tree()).items() if ' ' not in n}
    for i in range(1200):  # a folder of several blocks, with an index of its own
        tree[f'many/{i:04d}-{"name" * (i % 9)}'] = b'%d' % i
    put_tree(tree, 'tree')
    for options in ([], ['-b', 'size=1024'], ['-m', 'crc=0'], ['-m', 'crc=0', '-n', 'ftype=0', '-i', 'size=256'],
                    ['-n', 'size=16384', '-i', 'size=2048'], ['-i', 'nrext64=1'], ['-d', 'agcount=5', '-i', 'sparse=0'],
                    ['-b', 'size=512', '-m', 'crc=0'], ['-m', 'reflink=0,bigtime=0', '-b', 'size=2048']):
        make_xfs('xfs', 96 << 20, *options, *xfs_prototype(tree, 'tree'))
        same('xfs', tree)
        check(run(TOOL, '-k', 'xfs').stdout == b'xfs\n')
    hurt('xfs', step=4, flips=30)


def fill_xfs(top):
    """As it becomes in use: fragments, a tree of extents with nodes, holes, room in stock, links."""
    for i in range(3000):
        with open(f'{top}/s{i}', 'wb') as file:
            file.write(noise(i, 4096))
    for i in range(0, 3000, 2):
        os.remove(f'{top}/s{i}')
    with open(f'{top}/holes', 'wb') as file:
        for i in range(900):
            file.seek(i * 8192)
            file.write(b'%04d' % i * 1024)
            os.fsync(file.fileno())
    with open(f'{top}/stock', 'wb') as file:
        os.posix_fallocate(file.fileno(), 0, 1 << 20)
        file.write(b'written')
    with open(f'{top}/big file', 'wb') as file:
        file.write(noise(5, 3 << 20))
    os.link(f'{top}/big file', f'{top}/the same')
    os.symlink('big file', f'{top}/link')
    deep = f'{top}/a/' + '/'.join(['deep'] * 40)
    os.makedirs(deep)
    with open(deep + '/x', 'wb') as file:
        file.write(b'deep')
    return {f's{i}': noise(i, 4096) for i in range(1, 3000, 2)} | {
        'holes': b''.join((b'%04d' % i * 1024).ljust(8192, b'\0') for i in range(900))[:-4096],
        'stock': b'written'.ljust(1 << 20, b'\0'), 'big file': noise(5, 3 << 20), 'the same': noise(5, 3 << 20),
        'a/' + 'deep/' * 40 + 'x': b'deep'}


@case
def xfs_used():
    need('mount', 'umount')
    for options in (['-b', 'size=1024', '-i', 'size=512'], []):
        make_xfs('xfs', 64 << 20, *options)
        os.makedirs('mnt', exist_ok=True)
        if subprocess.run(['mount', '-o', 'loop', 'xfs', 'mnt'], capture_output=True, check=False).returncode:
            raise Skip('no loop mounts of XFS')
        try:
            tree = fill_xfs('mnt')
        finally:
            run('umount', 'mnt')
        same('xfs', tree)
    hurt('xfs', step=4, flips=10)


@case
def ext_fragments():
    """Many extents (a tree of depth 1), and indirect blocks of every depth."""
    need('mkfs.ext4', 'mount', 'umount')
    big = noise(5, 3 << 20)
    for kind in ('ext2', 'ext4'):
        zeros('ext', 24 << 20)
        run('mkfs.' + kind, '-q', '-F', '-b', '1024', 'ext')
        os.makedirs('mnt', exist_ok=True)
        if subprocess.run(['mount', '-o', 'loop', 'ext', 'mnt'], capture_output=True, check=False).returncode:
            raise Skip('no loop mounts')
        try:
            for i in range(2000):
                with open(f'mnt/s{i}', 'wb') as file:
                    file.write(noise(i, 3000))
            for i in range(0, 2000, 2):
                os.remove(f'mnt/s{i}')
            with open('mnt/big', 'wb') as file:
                file.write(big)
            with open('mnt/far', 'wb') as file:  # triple indirect: behind 64 MiB
                file.seek(70 << 20)
                file.write(b'far')
            os.makedirs('mnt/a/' + '/'.join(['deep'] * 40))
            with open('mnt/a/' + '/'.join(['deep'] * 40) + '/x', 'wb') as file:
                file.write(b'deep')
        finally:
            run('umount', 'mnt')
        same('ext', {f's{i}': noise(i, 3000) for i in range(1, 2000, 2)} |
             {'big': big, 'far': b'\0' * (70 << 20) + b'far', 'a/' + 'deep/' * 40 + 'x': b'deep'})
    hurt('ext', flips=10)


def make_squashfs(path, tree, *options):
    need('mksquashfs')
    shutil.rmtree('tree', ignore_errors=True)
    put_tree(tree, 'tree')
    run('mksquashfs', 'tree', path, '-noappend', '-quiet', '-no-progress', '-mkfs-time', '0', *options)


@case
def squashfs_kinds():
    tree = sample_tree() | unicode_tree() | {'zeros': b'\0' * 400000, 'text': b'some text, again and again. ' * 30000}
    for options in (['-comp', 'gzip'], ['-comp', 'xz'], ['-comp', 'lz4'], ['-comp', 'zstd'], ['-comp', 'lzma'], ['-comp', 'lzo'],
                    ['-comp', 'gzip', '-b', '4096'], ['-comp', 'zstd', '-b', '1M'], ['-no-fragments'],
                    ['-always-use-fragments'], ['-noI', '-noD', '-noF'], ['-comp', 'xz', '-Xbcj', 'x86']):
        make_squashfs('sq', tree, *options)
        same('sq', tree)
        hurt('sq', step=4, flips=12)


@case
def appimage():
    """The program is any; the magic and what follows it count."""
    tree = sample_tree()
    make_squashfs('sq', tree)
    with open('/bin/true', 'rb') as file:
        program = bytearray(file.read())
    program[8:11] = b'AI\2'
    with open('sq', 'rb') as file, open('app', 'wb') as app:
        app.write(program + file.read())
    same('app', tree, others=lambda name: name.startswith('[overlay]'))
    with open('app', 'wb') as app:
        app.write(program)
    check(unpack('app')[1], 'silent about nothing')


class Mounted:
    """A file system that is mounted while it is written to."""
    def __init__(self, *command):
        self.command = command

    def __enter__(self):
        os.makedirs('mnt', exist_ok=True)
        done = subprocess.run([*self.command, 'mnt'], capture_output=True, check=False)
        if done.returncode:
            raise Skip(f'cannot mount: {done.stderr.decode(errors="replace").strip()}')

    def __exit__(self, *_):
        for _ in range(600):
            if not subprocess.run(['umount', 'mnt'], capture_output=True, check=False).returncode:
                break
            __import__('time').sleep(0.2)
        for _ in range(1200):  # a file system in a process ends after its mount
            if not shutil.which('fuser') or subprocess.run(['fuser', '-s', 'ntfs'], capture_output=True,
                                                           check=False).returncode:
                break
            __import__('time').sleep(0.1)


@case
def ntfs_kinds():
    need('mkfs.ntfs', 'ntfs-3g', 'umount')
    tree = sample_tree() | unicode_tree() | {'\U0001f600 smile': b':)', 'gone/x': b'stays'}
    text = b'the same line again and again\n' * 9000
    packed = {'packed/text': text, 'packed/noise': noise(11, 200000), 'packed/both': text[:70000] + noise(12, 70000) +
              b'\0' * 200000 + text[:5000], 'packed/short': b'abc' * 1000}
    for options in ([], ['-c', '512'], ['-c', '65536']):
        zeros('ntfs', 40 << 20)
        run('mkfs.ntfs', '-F', '-Q', '-q', *options, 'ntfs')
        wanted = dict(tree)
        with Mounted('ntfs-3g', '-o', 'compression,streams_interface=xattr', 'ntfs'):
            put_tree(tree, 'mnt')
            if options != ['-c', '65536']:
                os.mkdir('mnt/packed')
                attributes = struct.unpack('<I', os.getxattr('mnt/packed', 'system.ntfs_attrib'))[0]
                os.setxattr('mnt/packed', 'system.ntfs_attrib', struct.pack('<I', attributes | 0x800))
                put_tree(packed, 'mnt')
                wanted |= packed
            os.setxattr('mnt/hello.txt', 'user.note', b'a note')
            os.setxattr('mnt/d', 'user.of a folder', noise(13, 30000))
            wanted |= {'hello.txt:note': b'a note', 'd:of a folder': noise(13, 30000)}
            with open('mnt/sparse', 'wb') as file:
                file.seek(900000)
                file.write(b'end')
            wanted['sparse'] = b'\0' * 900000 + b'end'
            os.link('mnt/more.bin', 'mnt/d/another name')
            wanted['d/another name'] = tree['more.bin']
            os.remove('mnt/gone/x')
            del wanted['gone/x']
            if not options:  # many extents: a list of attributes
                for i in range(3000):
                    with open(f'mnt/t{i}', 'wb') as file:
                        file.write(noise(i, 4096))
                for i in range(0, 3000, 2):
                    os.remove(f'mnt/t{i}')
                with open('mnt/spread', 'wb') as file:
                    file.write(noise(77, 25 << 20))
                wanted |= {f't{i}': noise(i, 4096) for i in range(1, 3000, 2)} | {'spread': noise(77, 25 << 20)}
        same('ntfs', wanted)
        check(run(TOOL, '-k', 'ntfs').stdout == b'ntfs\n')
    hurt('ntfs', flips=40)


def iso_tree():
    return sample_tree() | {'d/' * depth + 'f': b'%d' % depth for depth in range(1, 12)}


def upper(tree):
    """What is left of names in plain ISO 9660 at its strictest: nothing to compare but contents."""
    return sorted((len(d), hashlib.sha256(d).hexdigest()) for d in tree.values() if d)


@case
def iso_kinds():
    need('genisoimage', 'xorriso')
    tree = iso_tree() | {'viele gr\u00fc\u00dfe/\u65e5\u672c\u8a9e.txt': b'nihongo\n'}
    put_tree(tree, 'tree')
    os.symlink('hello.txt', 'tree/link')
    for name, options in (('rock', ['-R']), ('joliet', ['-J', '-joliet-long']), ('both', ['-R', '-J', '-joliet-long']),
                          ('udf', ['-udf', '-R']), ('udf only names', ['-udf', '-iso-level', '3'])):
        run('genisoimage', '-quiet', '-input-charset', 'utf-8', *options, *([] if '-R' in options else ['-D']), '-o', 'iso', 'tree')
        if 'names' in name:
            found, gaps = unpack('iso')
            check(not gaps and sorted(v for values in found.values() for v in values) == upper(tree), name, gaps)
        else:
            same('iso', tree)
        check(run(TOOL, '-k', 'iso').stdout == b'iso\n')
    hurt('iso', flips=20)
    run('xorriso', '-outdev', 'xo', '-joliet', 'on', '-map', 'tree', '/')
    same('xo', tree)
    hurt('xo', flips=10)


@case
def iso_sessions():
    need('xorriso')
    first, second = {'first.txt': b'first', 'changed': b'before'}, {'second.txt': b'second', 'changed': b'after'}
    put_tree(first, 'one')
    put_tree(second, 'two')
    run('xorriso', '-outdev', 'iso', '-map', 'one', '/')
    run('xorriso', '-dev', 'iso', '-map', 'two', '/')
    found, gaps = unpack('iso')
    digests = {digest for values in found.values() for _, digest in values}
    for data in [*first.values(), *second.values()]:
        check(hashlib.sha256(data).hexdigest() in digests, 'a session is missing', found, gaps)


@case
def iso_boot():
    need('genisoimage')
    tree = {'hello.txt': b'hello\n', 'boot/loader.bin': noise(3, 2048)}
    put_tree(tree, 'tree')
    make_fat('fat', 1440 << 10, {'in the floppy.txt': b'floppy'}, '-F', '12')
    put_tree(tree, 'disc')
    shutil.copy('fat', 'disc/floppy.img')
    run('genisoimage', '-quiet', '-R', '-b', 'floppy.img', '-c', 'boot.cat', '-hide', 'floppy.img', '-o', 'iso', 'disc')
    found, _ = same('iso', tree, others=lambda name: True)
    check('[boot image 1] > in the floppy.txt' in found, list(found))
    hurt('iso')


@case
def iso_raw_sectors():
    need('genisoimage')
    tree = sample_tree()
    put_tree(tree, 'tree')
    run('genisoimage', '-quiet', '-R', '-o', 'iso', 'tree')
    with open('iso', 'rb') as file, open('raw', 'wb') as raw:
        while sector := file.read(2048):
            raw.write(b'\0' + b'\xff' * 10 + b'\0' + b'\0\0\0\1' + sector + noise(len(sector), 288))
    same('raw', tree)


@case
def udf_alone():
    need('genisoimage')
    tree = sample_tree() | {'viele gr\u00fc\u00dfe/\u65e5\u672c\u8a9e.txt': b'nihongo\n'}
    put_tree(tree, 'tree')
    run('genisoimage', '-quiet', '-input-charset', 'utf-8', '-udf', '-iso-level', '3', '-o', 'iso', 'tree')
    with open('iso', 'rb') as file:
        data = bytearray(file.read().replace(b'CD001', b'XX001'))
    for sector, name in ((16, b'\0BEA01\1'), (17, b'\0NSR02\1'), (18, b'\0TEA01\1')):
        data[sector * 2048:sector * 2048 + 2048] = name.ljust(2048, b'\0')
    with open('iso', 'wb') as file:
        file.write(data)
    check(run(TOOL, '-k', 'iso').stdout == b'udf\n')
    same('iso', tree)
    hurt('iso', flips=40)


def udf_image(files, streams=()):
    """UDF 2.50 with a metadata partition in two pieces, by hand: no tool writes files to one here.
    `files` are paths and contents; `streams` (path, name, content)."""
    size, start, pieces = 2048, 300, ((10, 30), (60, 400))
    blocks, free, meta = {}, [600], [0]

    def tag(kind, body, place=0):
        head = struct.pack('<HHBBHHHI', kind, 3, 0, 0, 0, 0, len(body), place)
        return head[:4] + bytes([sum(head) & 255]) + head[5:] + body

    def physical(block):
        for first, count in pieces:
            if block < count:
                return start + first + block
            block -= count
        raise AssertionError('metadata are full')

    def put_meta(data):
        block = meta[0]
        meta[0] += 1
        blocks[physical(block)] = data
        return block

    def put_data(data):
        first = free[0]
        for at in range(0, len(data), size):
            blocks[start + free[0]] = data[at:at + size]
            free[0] += 1
        free[0] += 1  # so that nothing lies in a row by chance
        return first

    def long_ad(length, block, part):
        return struct.pack('<IIH6x', length, block, part)

    def entry(kind, length, parts, flags, stream=None):
        body = struct.pack('<IHHHBB6xH', 0, 4, 0, 1, 0, kind, flags)
        body = body.ljust(40, b'\0') + struct.pack('<QQ', length, length)
        body = body.ljust(136, b'\0') + (long_ad(size, stream, 1) if stream is not None else b'')
        return tag(266, body.ljust(192, b'\0') + struct.pack('<II', 0, len(parts)) + parts)

    def file_entry(data, stream=None, number=0):
        if len(data) < 1000:
            return entry(5, len(data), data, 3, stream)
        half = len(data) // 2 // size * size  # in two parts, of which the second may be zeros
        parts = b''
        for part in (data[:half], data[half:]):
            if part and not any(part):
                parts += long_ad(len(part) | 2 << 30, 0, 0)
            elif part:
                parts += long_ad(len(part), put_data(part), 0)
        return entry(5, len(data), parts, 1, stream)

    def name_entry(name, block, folder):
        raw = b'\x08' + name.encode('latin-1') if all(ord(c) < 256 for c in name) else b'\x10' + name.encode('utf-16-be')
        body = struct.pack('<HBB', 1, 2 if folder else 0, len(raw)) + long_ad(size, block, 1) + struct.pack('<H', 0) + raw
        body = tag(257, body)
        return body + b'\0' * (-len(body) % 4)

    def folder(tree, path=''):
        content = tag(257, struct.pack('<HBB', 1, 10, 0) + long_ad(size, 1, 1) + b'\0\0') + b'\0\0'
        for name, value in tree.items():
            if isinstance(value, dict):
                content += name_entry(name, folder(value, path + name + '/'), True)
                continue
            own = [(n, d) for p, n, d in streams if p == path + name]
            stream = None
            if own:
                inner = b''.join(name_entry(n, put_meta(file_entry(d)), False) for n, d in own)
                stream = put_meta(entry(13, len(inner), inner, 3))
            content += name_entry(name, put_meta(file_entry(value, stream)), False)
        if len(content) < 1500:
            return put_meta(entry(4, len(content), content, 3))
        parts = b''
        for at in range(0, len(content), size):
            parts += struct.pack('<II', len(content[at:at + size]), put_meta(content[at:at + size]))
        return put_meta(entry(4, len(content), parts, 0))

    nested = {}
    for path, data in files.items():
        at = nested
        for part in path.split('/')[:-1]:
            at = at.setdefault(part, {})
        at[path.split('/')[-1]] = data
    meta[0] = 1
    root = folder(nested)
    blocks[physical(0)] = tag(256, b'\0' * 384 + long_ad(size, root, 1))
    blocks[start] = entry(250, 0, b''.join(struct.pack('<II', n * size, first) for first, n in pieces), 0)
    for place, name in ((16, b'\0BEA01\1'), (17, b'\0NSR03\1'), (18, b'\0TEA01\1')):
        blocks[place] = name
    maps = struct.pack('<BBHH', 1, 6, 1, 0) + (b'\2\x40\0\0\0*UDF Metadata Partition'.ljust(36, b'\0') +
                                              struct.pack('<HHIII', 1, 0, 0, 0, 0xffffffff)).ljust(64, b'\0')
    volume = b'\0' * 196 + struct.pack('<I', size) + b'\0' * 32 + long_ad(size, 0, 1) + struct.pack('<II', len(maps), 2)
    blocks[32] = tag(5, (b'\0' * 6 + struct.pack('<H', 0)).ljust(172, b'\0') + struct.pack('<II', start, 100000))
    blocks[33] = tag(6, volume.ljust(424, b'\0') + maps)
    blocks[34] = tag(8, b'\0' * 496)
    blocks[256] = tag(2, struct.pack('<IIII', 16 * size, 32, 16 * size, 32) + b'\0' * 480)
    image = bytearray((max(blocks) + 1) * size)
    for place, data in blocks.items():
        check(len(data) <= size, 'block too large', place, len(data))
        image[place * size:place * size + len(data)] = data
    return bytes(image)


@case
def udf_metadata():
    tree = sample_tree() | {'\u65e5\u672c\u8a9e.txt': b'nihongo\n', 'caf\u00e9': b'latin',
                            'half': noise(1, 40960) + b'\0' * 40960}
    with open('udf', 'wb') as file:
        file.write(udf_image(tree, [('hello.txt', 'a stream', b'of bytes'), ('d/inner.txt', 'large', noise(2, 5000))]))
    check(run(TOOL, '-k', 'udf').stdout == b'udf\n')
    same('udf', tree | {'hello.txt/a stream': b'of bytes', 'd/inner.txt/large': noise(2, 5000)})
    hurt('udf', flips=30)


@case
def udf_kinds():
    need('mkudffs', 'mount', 'umount')
    tree = iso_tree() | unicode_tree()
    for options in (['-m', 'hd', '-b', '512'], ['-m', 'hd', '-b', '2048'], ['-m', 'hd', '-r', '2.50'],
                    ['-m', 'dvdrw'], ['-r', '1.02'], ['-b', '4096']):
        zeros('udf', 32 << 20)
        run('mkudffs', *options, 'udf')
        with Mounted('mount', '-o', 'loop', '-t', 'udf', 'udf'):
            put_tree(tree, 'mnt')
        same('udf', tree)
    hurt('udf')


DISKS = (('qcow2', []), ('qcow2', ['-c']), ('qcow2', ['-c', '-o', 'compression_type=zstd']),
         ('qcow2', ['-o', 'compat=0.10']), ('qcow2', ['-o', 'cluster_size=2M']), ('qcow2', ['-o', 'extended_l2=on']),
         ('qcow2', ['-o', 'cluster_size=512']), ('vmdk', ['-o', 'subformat=monolithicSparse']),
         ('vmdk', ['-o', 'subformat=streamOptimized']), ('vpc', ['-o', 'subformat=dynamic']),
         ('vpc', ['-o', 'subformat=fixed']), ('vhdx', []), ('vhdx', ['-o', 'subformat=fixed']), ('vdi', []),
         ('vdi', ['-o', 'static=on']))


@case
def disks_small():
    need('qemu-img', 'sfdisk')
    tree = sample_tree()
    make_fat('fat', 4 << 20, tree, '-F', '12', '-s', '4')
    zeros('raw', 12 << 20)
    run('sfdisk', 'raw', input=b'label: dos\n2048,8192,6\n')
    with open('fat', 'rb') as file, open('raw', 'r+b') as disk:
        disk.seek(2048 * 512)
        disk.write(file.read())
    for kind, options in DISKS:
        run('qemu-img', 'convert', '-f', 'raw', '-O', kind, *options, 'raw', 'disk')
        found, gaps = unpack('disk')
        prefix = '' if options == ['-o', 'subformat=fixed'] and kind == 'vpc' else 'disk > '
        same('disk', tree, prefix + 'partition 1 (FAT16) > ')
        if 'vmdk' != kind:
            hurt('disk', step=4, flips=8)


@case
def disks_large():
    """Larger than is handed out at once: file systems are read where they lie."""
    need('qemu-img', 'sgdisk', 'mkfs.ext4', 'mkfs.ntfs', 'mksquashfs', 'genisoimage')
    tree = sample_tree()
    make_fat('fat', 4 << 20, tree, '-F', '12', '-s', '4')
    run('mkfs.ext4', '-q', '-F', '-d', 'tree', zeros('ext', 8 << 20))
    run('mksquashfs', 'tree', 'sq', '-quiet', '-no-progress')
    run('genisoimage', '-quiet', '-R', '-o', 'iso', 'tree')
    zeros('raw', 3 << 30)
    parts = [('fat', 'ef00'), ('ext', '8300'), ('sq', '8300'), ('iso', '0700')]
    arguments = []
    for number, (_, kind) in enumerate(parts, 1):
        arguments += [f'-n{number}:{number * 1024000}:+64M', f'-t{number}:{kind}']
    run('sgdisk', *arguments, '-n5:5500928:+40M', '-t5:8200', '-n6:5701632:+40M', '-t6:8300', 'raw')
    with open('raw', 'r+b') as disk:
        disk.write(noise(1, 440))
        disk.seek(100 * 512)
        disk.write(noise(2, 512))
        for number, (name, _) in enumerate(parts, 1):
            with open(name, 'rb') as file:
                disk.seek(number * 1024000 * 512)
                disk.write(file.read())
        disk.seek(5500929 * 512)
        disk.write(b'swapped out')
    names = ('1 (EFI system)', '2 (Linux)', '3 (Linux)', '4 (Microsoft basic data)')
    for kind, options in DISKS:
        if kind in ('vpc', 'vhdx', 'vdi') and options or '2M' in str(options) or '=512' in str(options):
            continue
        run('qemu-img', 'convert', '-f', 'raw', '-O', kind, *options, 'raw', 'disk')
        for name in names:
            found, gaps = same('disk', tree, f'partition {name}/', gaps_fine=True)
            check(gaps == ['gap unsupported partition 5 (Linux swap): no known file system'], kind, gaps)
        check('[boot code]' in found and '[boot area]' in found, kind, options)


@case
def disks_sparse():
    """A hundred gigabytes of nearly nothing, and one that builds on another."""
    need('qemu-img', 'mkfs.ext4')
    put_tree(sample_tree(), 'tree')
    run('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=1,nodiscard', '-O', '^has_journal', '-N', '4096', '-d', 'tree',
        zeros('raw', 100 << 30))
    run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', '-c', 'raw', 'disk')
    same('disk', sample_tree())
    run('qemu-img', 'create', '-f', 'qcow2', '-b', 'disk', '-F', 'qcow2', 'over')
    check('builds on another file' in str(unpack('over')[1]))
    for kind in ('monolithicFlat', 'twoGbMaxExtentSparse'):
        run('qemu-img', 'create', '-f', 'vmdk', '-o', 'subformat=' + kind, 'other.vmdk', '10M')
        check('in other files' in str(unpack('other.vmdk')[1]), kind)


def hfs_volume(tree):
    """xorriso writes an HFS+ volume into the partition of an ISO image."""
    need('xorriso')
    put_tree(tree, 'tree')
    run('xorriso', '-as', 'mkisofs', '-quiet', '-hfsplus', '-o', 'iso', 'tree')
    with open('iso', 'rb') as file:
        data = file.read()
    for at in range(0, len(data), 512):
        if data[at + 1024:at + 1028] in (b'H+\0\4', b'HX\0\5'):
            return data[at:at + struct.unpack_from('>I', data, at + 1024 + 44)[0] *
                        struct.unpack_from('>I', data, at + 1024 + 40)[0]]
    raise Skip('xorriso made no HFS+')


@case
def hfs_plus():
    tree = sample_tree() | {'viele gr\u00fc\u00dfe/x': b'y', 'd/e/f/g/h/i/j': b'deep'}
    volume = hfs_volume(tree)
    with open('hfs', 'wb') as file:
        file.write(volume)
    check(run(TOOL, '-k', 'hfs').stdout == b'hfs\n')
    found, gaps = unpack('hfs')
    check(not gaps, gaps)
    # accents are decomposed there
    same('hfs', {n: d for n, d in tree.items() if n.isascii()}, others=lambda name: name.startswith('viele '))
    check(len([n for n in found if n.startswith('viele ')]) == 1, list(found)[-5:])
    hurt('hfs', flips=30)


def adc(data):
    """Compresses runs of one byte only."""
    out, at = b'', 0
    while at < len(data):
        if at and data[at:at + 67] == data[at - 1:at] * 67:
            out += b'\x7f\0\0'
            at += 67
        else:
            out += b'\x80' + data[at:at + 1]
            at += 1
    return out


def dmg_file(disk, kinds):
    """By hand: no tool for it here. Chunks of 64 KiB, their kinds in turn."""
    import base64, bz2, lzma, zlib
    pack = {1: bytes, 0x80000004: adc, 0x80000005: zlib.compress, 0x80000006: bz2.compress, 0x80000008: lzma.compress}
    data, chunks = b'', b''
    for number, at in enumerate(range(0, len(disk), 65536)):
        part = disk[at:at + 65536]
        kind = kinds[number % len(kinds)] if any(part) else 2 * (number % 2)
        packed = pack[kind](part) if any(part) else b''
        chunks += struct.pack('>IIQQQQ', kind, 0, at // 512, len(part) // 512, len(data), len(packed))
        data += packed
    chunks += struct.pack('>IIQQQQ', 0xffffffff, 0, len(disk) // 512, 0, len(data), 0)
    table = struct.pack('>4sIQQQII', b'mish', 1, 0, len(disk) // 512, 0, 0, 0).ljust(200, b'\0')
    table += struct.pack('>I', len(chunks) // 40) + chunks
    text = base64.encodebytes(table).replace(b'\n', b'\n\t\t\t\t')
    plist = (b'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict><key>resource-fork</key><dict>'
             b'<key>blkx</key>\n<array><dict><key>Data</key>\n<data>\n' + text + b'</data></dict></array>'
             b'<key>plst</key><array><dict><key>Data</key><data>AAAA</data></dict></array></dict></dict></plist>')
    koly = bytearray(512)
    struct.pack_into('>4sIII', koly, 0, b'koly', 4, 512, 1)
    struct.pack_into('>QQ', koly, 24, 0, len(data))
    struct.pack_into('>QQ', koly, 216, len(data), len(plist))
    struct.pack_into('>Q', koly, 492, len(disk) // 512)
    return data + plist + koly


@case
def dmg():
    tree = {n: d for n, d in sample_tree().items()}
    volume = hfs_volume(tree)
    volume += b'\0' * (-len(volume) % 512)
    for size in (0, 40 << 20):
        for kinds in ([0x80000005], [0x80000005, 1, 0x80000006], [0x80000005, 0x80000008], [0x80000004]):
            with open('dmg', 'wb') as file:
                file.write(dmg_file(volume.ljust(size, b'\0'), kinds))
            same('dmg', tree, '' if size else 'disk > ', others=lambda name: name == 'disk')
    check(run(TOOL, '-k', 'dmg').stdout == b'dmg\n')
    with open('dmg', 'wb') as file:
        file.write(dmg_file(volume, [0x80000005]).replace(b'AAAA', b'AAAB'))
    hurt('dmg')


@case
def cramfs_and_romfs():
    need('mkfs.cramfs', 'genromfs')
    tree = sample_tree() | {'d/zeros in it': noise(1, 5000).ljust(20000, b'\0') + b'end'}
    put_tree(tree, 'tree')
    os.symlink('hello.txt', 'tree/link')
    run('mkfs.cramfs', '-z', 'tree', 'cramfs')
    same('cramfs', tree)
    hurt('cramfs')
    run('genromfs', '-d', 'tree', '-f', 'romfs')
    same('romfs', tree)
    hurt('romfs')


@case
def android():
    need('img2simg', 'mkbootimg', 'mkfs.ext4')
    put_tree(sample_tree(), 'tree')
    for size in (16 << 20, 48 << 20):
        run('mkfs.ext4', '-q', '-F', '-d', 'tree', zeros('ext', size))
        with open('ext', 'r+b') as file:  # what is filled with a word
            file.seek(size - 8192)
            file.write(b'\1\2\3\4' * 2048)
        run('img2simg', 'ext', 'sparse')
        same('sparse', sample_tree(), 'disk > ' if size < 32 << 20 else '', others=lambda name: name == 'disk')
    hurt('sparse')
    parts = {'kernel': noise(1, 10000), 'ramdisk': noise(2, 5000), 'dtb': noise(3, 3000)}
    put_tree(parts, '.')
    for version in (0, 2, 3):
        wanted = {n: d for n, d in parts.items() if version == 2 or n != 'dtb'}
        run('mkbootimg', '--kernel', 'kernel', '--ramdisk', 'ramdisk', *(['--dtb', 'dtb'] if version == 2 else []),
            '--header_version', version, '-o', 'boot')
        same('boot', wanted)
    run('mkbootimg', '--vendor_ramdisk', 'ramdisk', '--dtb', 'dtb', '--header_version', 3, '--vendor_boot', 'vendor')
    same('vendor', {n: parts[n] for n in ('ramdisk', 'dtb')})
    hurt('boot')


@case
def firmware():
    need('mkimage')
    put_tree({'one': noise(1, 5001), 'two': noise(2, 300)}, '.')
    run('mkimage', '-A', 'arm', '-T', 'kernel', '-C', 'none', '-n', 'a kernel', '-d', 'one', 'single')
    same('single', {'a kernel': noise(1, 5001)})
    run('mkimage', '-A', 'arm', '-T', 'multi', '-C', 'none', '-n', 'several', '-d', 'one:two', 'multi')
    same('multi', {'part 1': noise(1, 5001), 'part 2': noise(2, 300)})
    hurt('multi')
    with open('trx', 'wb') as file:  # by hand
        file.write(struct.pack('<4sIIHHIII', b'HDR0', 28 + 5301, 0, 0, 1, 28, 28 + 5001, 0) + noise(1, 5001) + noise(2, 300))
    same('trx', {'part 1': noise(1, 5001), 'part 2': noise(2, 300)})
    hurt('trx')


@case
def initramfs():
    need('cpio', 'gzip')
    put_tree({'early/micro.bin': noise(1, 3000)}, 'one')
    put_tree({'bin/sh': noise(2, 9000)}, 'two')
    data = b''
    for top, packed in (('one', False), ('two', True), ('one', True)):
        part = subprocess.run(f'cd {top} && find . -type f | cpio -o -H newc --quiet', shell=True, check=True,
                              stdout=subprocess.PIPE).stdout
        data += subprocess.run(['gzip'], input=part, check=True, stdout=subprocess.PIPE).stdout if packed else part
    with open('initrd', 'wb') as file:
        file.write(data)
    found, gaps = unpack('initrd')
    digests = {digest for values in found.values() for _, digest in values}
    for part in (noise(1, 3000), noise(2, 9000)):
        check(hashlib.sha256(part).hexdigest() in digests, list(found), gaps)


@case
def known():
    """Recognised and not opened: said so."""
    for name, at, magic in (('luks', 0, b'LUKS\xba\xbe'), ('lvm', 536, b'LVM2 001'), ('btrfs', 0x10040, b'_BHRfS_M'),
                            ('qed', 0, b'QED\0'), ('bitlocker', 3, b'-FVE-FS-')):
        with open(name, 'wb') as file:
            file.write(magic.rjust(at + len(magic), b'\0').ljust(1 << 17, b'\0'))
        check(unpack(name)[1], 'silent about', name)


@case
def wim():
    need('wimlib-imagex')
    tree = sample_tree() | unicode_tree() | {'text': b'some text, again and again. ' * 30000, 'mixed': noise(5, 40000) +
                                             b'abcdefgh' * 9000 + noise(6, 300)}
    with open(os.path.realpath('/bin/ls'), 'rb') as file:
        tree['program'] = file.read()
    put_tree(tree, 'tree')
    os.symlink('hello.txt', 'tree/link')
    for kind in ('none', 'XPRESS', 'LZX', 'XPRESS:90', 'LZX:100', 'LZX:20'):
        run('wimlib-imagex', 'capture', 'tree', 'wim', '--compress=' + kind)
        same('wim', tree)
        hurt('wim', step=4, flips=10)
    put_tree({'hello.txt': b'another\n', 'only in two': b'two'}, 'tree')
    run('wimlib-imagex', 'append', 'tree', 'wim', 'second')
    same('wim', tree, 'image 1/')
    same('wim', {'hello.txt': b'another\n', 'only in two': b'two'}, 'image 2/')
    for options in (['--compress=LZMS'], ['--solid']):
        run('wimlib-imagex', 'capture', 'tree', 'wim', *options)
        check('unsupported' in str(unpack('wim')[1]), options)


def wim_resource(path):
    """The compressed bytes of the only file in a WIM."""
    with open(path, 'rb') as file:
        data = file.read()
    at = struct.unpack_from('<Q', data, 56)[0]
    size = struct.unpack_from('<Q', data, 64)[0]
    for slot in range(at, at + size, 50):
        if data[slot + 7] == 4:
            length = int.from_bytes(data[slot:slot + 7], 'little')
            start = struct.unpack_from('<Q', data, slot + 8)[0]
            return data[start:start + length]
    raise AssertionError('no compressed file')


@case
def ntfs_overlay():
    """What Windows compresses with its overlay filter has the form of a WIM's resource."""
    need('mkfs.ntfs', 'ntfs-3g', 'umount', 'wimlib-imagex')
    zeros('ntfs', 20 << 20)
    run('mkfs.ntfs', '-F', '-Q', '-q', 'ntfs')
    tree = {}
    with Mounted('ntfs-3g', '-o', 'streams_interface=xattr', 'ntfs'):
        for method, (kind, chunk) in enumerate((('XPRESS', '4096'), ('LZX', '32768'), ('XPRESS', '8192'),
                                                ('XPRESS', '16384'))):
            shutil.rmtree('one', ignore_errors=True)
            text = b''.join(b'%d %d the same line\n' % (method, i * i) for i in range(4000)) + noise(method, 20000)
            put_tree({'file': text}, 'one')
            run('wimlib-imagex', 'capture', 'one', 'wim', '--compress=' + kind, '--chunk-size=' + chunk)
            name = f'program {method}.exe'
            tree[name] = text
            with open('mnt/' + name, 'wb') as file:
                file.truncate(len(text))
            os.setxattr('mnt/' + name, 'user.WofCompressedData', wim_resource('wim'))
            os.setxattr('mnt/' + name, 'system.ntfs_reparse_data',
                        struct.pack('<IHHIIII', 0x80000017, 16, 0, 1, 2, 1, method))
    same('ntfs', tree)
    hurt('ntfs', step=4, flips=10)


sys.exit(run_cases())
