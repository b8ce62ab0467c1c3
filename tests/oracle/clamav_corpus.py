#!/usr/bin/env python3
"""File by file: the names that clamscan and candor find with the same databases must be the same.

usage: clamav_corpus.py CANDOR [--databases PATH]... [--cache DIR] [PATH]...

Both scan every PATH with --allmatch; what one of them finds and the other does not is listed, with
its reason where clamav_explained.txt has one; a difference without a reason is a failure. --cache
keeps what clamscan said, which takes minutes. Without arguments the files of Debian's
clamav-testfiles are scanned, with signatures of the one program that they all hold: its digest,
and bytes of it."""
import argparse, collections, hashlib, os, re, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTFILES = '/usr/share/clamav-testfiles'


def reasons():
    """Lines `+|- NAME PATH reason`, NAME and PATH regular expressions: `+` candor finds more."""
    rows = []
    with open(os.path.join(HERE, 'clamav_explained.txt')) as file:
        for line in file:
            if line.strip() and not line.startswith('#'):
                sign, name, path, reason = line.strip().split(None, 3)
                rows.append((sign, re.compile(name), re.compile(path), reason))
    return rows


def explain(rows, sign, name, path):
    for row_sign, row_name, row_path, reason in rows:
        if row_sign == sign and row_name.fullmatch(name) and row_path.search(path):
            return reason
    return None


def found(text):
    """Names by file."""
    result = collections.defaultdict(set)
    for line in text.splitlines():
        match = re.fullmatch(r'(.*): (\S+) FOUND', line)
        if match:
            result[match[1]].add(match[2])
    return result


def run(argv):
    before = time.monotonic()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode not in (0, 1):
        sys.exit('%s ended with %d: %s' % (argv[0], done.returncode, done.stderr.decode()[-500:]))
    print('# %s: %.1f s' % (os.path.basename(argv[0]), time.monotonic() - before))
    return done.stdout.decode(errors='replace')


def kept(cache, argv, databases):
    """What clamscan says, from the cache where nothing has changed."""
    if not cache:
        return run(argv)
    state = [argv]
    for path in databases:
        names = [os.path.join(path, name) for name in sorted(os.listdir(path))] if os.path.isdir(path) else [path]
        state += [(name, os.stat(name).st_size, os.stat(name).st_mtime_ns) for name in names]
    path = os.path.join(cache, hashlib.sha256(repr(state).encode()).hexdigest()[:24] + '.clamscan')
    if not os.path.exists(path):
        os.makedirs(cache, exist_ok=True)
        text = run(argv)
        with open(path, 'w') as file:
            file.write(text)
    with open(path) as file:
        return file.read()


def compare(candor, databases, paths, cache):
    words = ['--allmatch', '--recursive', '--no-summary', '--max-filesize=2000M', '--max-scantime=0']
    for path in databases:
        words += ['-d', path]
    theirs = found(kept(cache, ['clamscan', *words, *paths], databases))
    ours = found(run([candor, 'clamscan', *words, *paths]))
    rows, equal, wrong, explained = reasons(), 0, 0, 0
    for path in sorted(theirs.keys() | ours.keys()):
        equal += len(theirs[path] & ours[path])
        differing = [('-', name) for name in sorted(theirs[path] - ours[path])]
        differing += [('+', name) for name in sorted(ours[path] - theirs[path])]
        for sign, name in differing:
            reason = explain(rows, sign, name, path)
            explained += reason is not None
            wrong += reason is None
            print('# %s %s %s: %s' % (sign, name, path, reason or 'NO REASON'))
    print('# %d findings in %d files are the same, %d differ with a reason, %d without'
          % (equal, len(theirs.keys() | ours.keys()), explained, wrong))
    print('%sok 1 - the same findings as clamscan\n1..1' % ('not ' if wrong or not equal + explained else ''))
    return wrong > 0


def test_databases(folder):
    """Signatures of clam.exe. Its bytes: from its own code, which no wrapping changes."""
    with open(TESTFILES + '/clam.exe', 'rb') as file:
        data = file.read()
    at = max(range(len(data) - 48), key=lambda i: len(set(data[i:i + 48])))
    with open(folder + '/test.hdb', 'w') as file:
        file.write('%s:%d:Clam.Digest\n' % (hashlib.md5(data).hexdigest(), len(data)))
    with open(folder + '/test.ndb', 'w') as file:
        file.write('Clam.Bytes:0:*:%s\nClam.Program:1:%d:%s\n' % (data[at:at + 48].hex(), at, data[at:at + 48].hex()))
    with open(folder + '/test.ldb', 'w') as file:
        file.write('Clam.Logic;Engine:51-255,Target:1,FileSize:%d-%d;(0&1);%s;4d5a\n'
                   % (len(data), len(data), data[at:at + 24].hex()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('candor')
    parser.add_argument('--databases', action='append', default=[])
    parser.add_argument('--cache')
    parser.add_argument('paths', nargs='*')
    given = parser.parse_intermixed_args()
    if not shutil.which('clamscan'):
        print('1..0 # SKIP there is no clamscan to compare with')
        return 0
    if given.paths:
        return compare(given.candor, given.databases, given.paths, given.cache)
    if not os.path.isdir(TESTFILES):
        print('1..0 # SKIP clamav-testfiles is not installed')
        return 0
    with tempfile.TemporaryDirectory() as folder:
        test_databases(folder)
        return compare(given.candor, given.databases or [folder], [TESTFILES], given.cache)


if __name__ == '__main__':
    sys.exit(main())
