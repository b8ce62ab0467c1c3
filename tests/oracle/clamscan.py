#!/usr/bin/env python3
"""clamscan and `candor clamscan` must print the same lines and exit alike.

usage: clamscan.py CANDOR [--rules] [--only TEXT]

Makes a tree with harmless markers, databases that name them, and runs both programs with some
hundred command lines, each in a tree of its own. Compared are standard output (times, dates, the
program's version and `Data scanned` masked), the exit status, whether there are errors on standard
error, and the files that are there afterwards. A case that may differ says what and why.
--rules: YARA rules take the place of ClamAV's signatures. --only: the cases with this text."""
import hashlib, os, re, shutil, subprocess, sys, tempfile, zipfile

ONE, TWO = b'MARKER-ONE-of-candor', b'MARKER-TWO-of-candor'
USER = 65534  # nobody
MASKS = (
    (r'(?m)^(Time|Start Date|End Date|Engine version|Data scanned): .*$', r'\1: ...'),
    (r'\(ratio [0-9.]+:1\)', '(ratio ...)'),
    (r'(?m)^Not fully examined: .*\n', ''),  # what clamscan is silent about
    (r'(?m)^WARNING: .*: not fully examined: .*\n', ''),  # the same, with --stdout
    (r'(?m)^(.* FOUND\n)\1+', r'\1'),  # --allmatch: it says again what it finds again in the same bytes
)


def put(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(data)


def make_tree(top):
    put(top + '/t/one.txt', b'hello ' + ONE + b' world\n')
    put(top + '/t/clean.txt', b'hello\n')
    put(top + '/t/empty', b'')
    put(top + '/t/big.bin', bytes(range(256)) * 60 + TWO)
    put(top + '/t/with space', b'.' + TWO)
    put(top + '/t/sub/two.txt', b'a line with ' + TWO + b' in it\n')
    put(top + '/t/sub/deep/x', b'deep ' + TWO)
    put(top + '/t/sub/deep/deeper/y.txt', b'y ' + ONE)
    put(top + '/t/none/clean1', b'nothing here')
    put(top + '/t/none/clean2', b'nor here')
    put(top + '/t/secret', b'not for everyone')
    put(top + '/t/closed/inside', ONE)
    put(top + '/-dash', ONE)
    os.mkdir(top + '/t/vacant')
    os.mkfifo(top + '/t/fifo')
    os.symlink('one.txt', top + '/t/link')
    os.symlink('sub', top + '/t/dlink')
    os.symlink('nowhere', top + '/t/broken')
    with zipfile.ZipFile(top + '/t/two.zip', 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.writestr('inner/two', TWO * 20)
        archive.writestr('clean', b'clean ' * 20)
    for words in (['zip', '-q', '-P', 'secret', 'locked.zip', 'one.txt'], ['7z', 'a', '-psecret', 'locked.7z', 'one.txt']):
        if shutil.which(words[0]):
            subprocess.run(words, cwd=top + '/t', stdout=subprocess.DEVNULL, check=True)
    for words in (['zip', '-q', 'outer.zip', 'locked.zip'],):
        if shutil.which(words[0]):
            subprocess.run(words, cwd=top + '/t', stdout=subprocess.DEVNULL, check=True)
    put(top + '/list', b't/one.txt\nt/clean.txt\nt/none\n')
    put(top + '/list-crlf', b't/one.txt\r\nt/clean.txt\r\n')
    put(top + '/list-missing', b't/one.txt\nt/missing\nt/clean.txt')
    put(top + '/list-empty', b'')
    put(top + '/stdin', b'in standard input ' + ONE)
    put(top + '/stdin-clean', b'nothing in standard input')
    os.mkdir(top + '/away')
    os.chmod(top + '/t/secret', 0)
    os.chmod(top + '/t/closed', 0)


def make_databases(top, rules):
    if rules:
        put(top + '/db/a.yar', b'rule One { strings: $a = "%s" condition: $a }' % ONE)
        put(top + '/db/b.yar', b'rule Two { strings: $a = "%s" condition: $a }' % TWO)
        put(top + '/more.yar', b'rule Hello { strings: $a = "hello" condition: $a }')
        return
    put(top + '/db/a.ndb', b'Test.One:0:*:%s\n' % ONE.hex().encode())
    put(top + '/db/b.ldb', b'Test.Two;Engine:51-255,Target:0;0;%s\n' % TWO.hex().encode())
    put(top + '/more.hdb', b'%s:6:Test.Clean\n' % hashlib.md5(b'hello\n').hexdigest().encode())
    put(top + '/pua.ndu', b'PUA.Tool.Clean:0:*:%s\n' % b'nothing here'.hex().encode())


def nothing(text):
    return ''


def case(*words, **extra):
    return dict(words=words, **extra)


def cases(rules):
    more = 'more.yar' if rules else 'more.hdb'
    for words in ([], ['-r'], ['-i'], ['-o'], ['-v'], ['-z'], ['--quiet'], ['--no-summary'], ['--stdout'],
                  ['-ri'], ['-r', '-o'], ['-rz', '-i'], ['-r', '-v', '-i'], ['--bell'], ['-r', '--quiet'],
                  ['--infected', '--recursive'], ['--suppress-ok-results'], ['--verbose'], ['--allmatch']):
        yield case(*words, 't')
    for name in ('one.txt', 'clean.txt', 'empty', 'big.bin', 'with space', 'two.zip', 'link', 'dlink', 'fifo',
                 'missing', 'vacant', 'none', 'secret'):
        yield case('t/' + name)
        yield case('-i', '--no-summary', 't/' + name)
    yield case('t/broken', stderr='a link that leads nowhere is said')
    for paths in (['t/one.txt', 't/clean.txt'], ['t/clean.txt', 't/missing'], ['t/one.txt', 't/missing'],
                  ['t//sub//'], ['./t/one.txt'], ['t/sub', 't/none'], ['t/fifo', 't/clean.txt'],
                  ['--', '-dash'], ['t/sub/../one.txt'], ['t/one.txt', 't/one.txt']):
        yield case('--no-summary', *paths)
    for word in ('--recursive', '--recursive=yes', '--recursive=no', '--recursive=1', '--recursive=TRUE', '--rec',
                 '--recurs=no', '--infected', '--infected=no', '--no-summary=no', '--verbose=no', '--bell=no'):
        yield case(word, 't')
    yield case('-r', '--recursive=no', 't/sub')
    yield case('--recursive=no', '-r', 't/sub')
    for wrong in (['--bogus'], ['-x'], ['--recursive=maybe'], ['--max-filesize=x'], ['--max-filesize'],
                  ['--max'], ['--follow-dir-symlinks=3'], ['--follow-file-symlinks=9'], ['--max-files=-1'],
                  ['--move=', 't']):
        yield case(*wrong, 't/one.txt')
    yield case('t/one.txt', '-d')
    # What is scanned.
    for words in (['--exclude=two'], ['--exclude=\\.txt$'], ['--exclude=x$', '--exclude=^t/one'],
                  ['--include=two'], ['--include=\\.txt$', '--exclude=one'], ['--exclude-dir=deep'],
                  ['--exclude-dir=^t$'], ['--include-dir=sub'], ['--include-dir=^t', '--exclude-dir=deeper'],
                  ['--exclude=['], ['--exclude-dir=sub/'], ['--exclude=(one|two)'], ['-i', '--exclude=one'],
                  ['--exclude=^t/sub/'], ['--exclude-dir=/deep'], ['--include=nothing']):
        yield case('-r', *words, 't')
    for deep in range(6):
        yield case('-r', '--max-dir-recursion=%d' % deep, 't/sub', stderr='what lies deeper is said')
    for a in range(3):
        for b in range(3):
            yield case('-r', '--follow-dir-symlinks=%d' % a, '--follow-file-symlinks=%d' % b, 't')
            yield case('--no-summary', '--follow-dir-symlinks=%d' % a, '--follow-file-symlinks=%d' % b,
                       't/link', 't/dlink')
    yield case('-r', '--cross-fs=no', 't')
    yield case('-r', '--cross-fs=no', '/proc/self/net/stat', stdout=nothing)
    yield case('/proc/self/status')
    for name in ('list', 'list-crlf', 'list-missing', 'list-empty', 'list-none'):
        yield case('-f', name)
        yield case('--file-list=' + name, 't/sub')
    for words in ([], ['-i'], ['-o'], ['-z'], ['--quiet'], ['--no-summary']):
        yield case(*words, '-', input='stdin')
        yield case(*words, '-', input='stdin-clean')
    yield case('-', input='t/empty')
    yield case('t/one.txt', '-', 't/clean.txt', input='stdin')
    yield case('--tempdir=/nonexistent', '-', input='stdin')
    yield case('-f', '-', input='list')
    yield case('-d', '../../db', plain=True, here='t/none')
    # What is done with it.
    for deed in (['--remove'], ['--move=away'], ['--copy=away'], ['--move=away', '--copy=away'],
                 ['--remove', '--move=away'], ['--remove=no']):
        yield case(*deed, 't/one.txt', tree=True)
        yield case(*deed, '-r', 't/sub', 't/one.txt', tree=True)
        yield case(*deed, 't/clean.txt', 't/link', tree=True)
    for words in (['--move=nowhere'], ['--copy=t/one.txt']):
        yield case(*words, 't/one.txt', tree=True, stdout=nothing, stderr='an error is on standard error')
    yield case('--move=away', 't/one.txt', 't/sub/../one.txt', tree=True, stdout=nothing,
               stderr='what is moved away may have been examined again before')
    yield case('--copy=away', 't/one.txt', 't/one.txt', tree=True)
    yield case('--remove', '-r', '--follow-file-symlinks=2', 't', tree=True, stdout=nothing)
    # As a user without rights.
    for words in (['-r', 't'], ['-r', '-i', 't'], ['t/secret'], ['t/closed'], ['t/secret', 't/one.txt'],
                  ['--remove', 't/one.txt'], ['--move=away', 't/one.txt']):
        yield case(*words, user=True, tree=True, stdout=lambda text: re.sub(
            r'(?m)^(traverse|action_setup).*\n', '', text), **({'stderr': 'worded as an error'} if
            words[0] == '--move=away' else {}))
    # The report.
    for words in ([], ['-v'], ['-i'], ['--quiet'], ['--no-summary'], ['-o', '-r']):
        yield case(*words, '-l', 'log', 't', log=True)
    yield case('-l', '/nonexistent/log', 't/one.txt', stdout=nothing)
    yield case('--stdout', 't/missing')
    yield case('--stdout', '--quiet', 't/missing')
    # Databases.
    yield case('-d', more, 't')
    for words in (['-d', 'nowhere'], ['-d', 't/none']):  # what was read before it failed is counted
        yield case(*words, 't/one.txt', stdout=lambda text: re.sub('Known viruses: .*', '', text))
    yield case('--official-db-only', 't/one.txt')
    yield case('--fail-if-cvd-older-than=3', 't/one.txt')
    yield case('--database=db', '--database=' + more, '-r', 't', plain=True)
    yield case('--database', 'db', 't/one.txt', plain=True)
    if not rules:
        for words in ([], ['--detect-pua'], ['--detect-pua=no'], ['--detect-pua', '--exclude-pua=Tool'],
                      ['--detect-pua', '--include-pua=Tool'], ['--detect-pua', '--include-pua=Packed']):
            yield case('-d', 'pua.ndu', *words, 't/none')
    # Limits.
    for words in (['--max-filesize=10'], ['--max-filesize=1K'], ['--max-filesize=0'], ['--max-filesize=1G'],
                  ['--max-filesize=10', '--alert-exceeds-max'], ['--alert-exceeds-max'], ['--max-files=0'],
                  ['--max-recursion=1', '--alert-exceeds-max'], ['--max-recursion=3'], ['--max-scantime=0'],
                  ['--max-scansize=0'], ['--max-files=1000', '--max-scansize=1M']):
        yield case('--no-summary', *words, 't/one.txt', 't/two.zip', 't/big.bin', stderr='limits are said')
    for words in (['--alert-encrypted'], ['--alert-encrypted-archive'], ['--alert-encrypted-doc'], ['-z', '--alert-encrypted'],
                  ['--block-encrypted'], ['-i', '--alert-encrypted=yes'], ['--alert-encrypted=no']):
        yield case('--no-summary', *words, 't/locked.zip', 't/locked.7z', 't/outer.zip', 't/two.zip')
    yield case('--no-summary', '--alert-macros', 't/one.txt', 't/clean.txt', 't/two.zip')
    # Read past.
    for words in (['--scan-pe'], ['--scan-mail=yes'], ['--phishing-sigs=yes'], ['--heuristic-alerts'], ['--bytecode'],
                  ['--bytecode-timeout=100'], ['--disable-cache'], ['--normalize'], ['--nocerts'], ['--force-to-disk'],
                  ['--leave-temps=no'], ['--pcre-match-limit=5'], ['--max-embeddedpe=10M'], ['--alert-broken=no'],
                  ['--detect-structured=no'], ['--no-archive'], ['--block-encrypted'], ['--max-ratio=4'],
                  ['--structured-ssn-count=3'], ['--alert-encrypted'], ['--statistics=none'], ['--help=no']):
        yield case('--no-summary', *words, 't/one.txt', 't/clean.txt')


def masked(text):
    for pattern, by in MASKS:
        text = re.sub(pattern, by, text)
    return text


def snapshot(top):
    found = []
    for folder, _, names in os.walk(top):
        found += sorted((os.path.relpath(os.path.join(folder, name), top),
                         os.lstat(os.path.join(folder, name)).st_size) for name in names)
    return sorted(item for item in found if item[0] != 'log')


def drop():
    os.setgroups([])
    os.setgid(USER)
    os.setuid(USER)


def run(program, one, top, rules, cache):
    words = list(one['words']) if one.get('plain') else ['-d', 'db', *one['words']]
    folder = top + '/' + one.get('here', '')
    source = open(top + '/' + one['input'], 'rb') if 'input' in one else subprocess.DEVNULL
    environment = dict(os.environ, XDG_CACHE_HOME=cache, LC_ALL='C', TMPDIR='/tmp')
    done = subprocess.run(program + words, cwd=folder, stdin=source, capture_output=True, env=environment,
                          preexec_fn=drop if one.get('user') else None, timeout=120)
    out = masked(done.stdout.decode(errors='replace')).replace(top, 'TOP')
    result = {'stdout': one['stdout'](out) if 'stdout' in one else out, 'status': done.returncode}
    err = done.stderr.decode(errors='replace')
    if 'stderr' not in one:
        result['stderr'] = 'ERROR' in err or 'candor:' in err or 'unrecognized' in err
    if one.get('tree'):
        result['tree'] = snapshot(top)
    if one.get('log') and os.path.exists(top + '/log'):
        result['log'] = masked(open(top + '/log', errors='replace').read())
    return result, err


def main():
    arguments = sys.argv[1:]
    rules = '--rules' in arguments
    only = arguments[arguments.index('--only') + 1] if '--only' in arguments else ''
    if not shutil.which('clamscan'):
        print('1..0 # SKIP there is no clamscan to compare with')
        return 0
    programs = [['clamscan'], [os.path.abspath(arguments[0]), 'clamscan']]
    failed, number = 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)
        for one in cases(rules):
            name = ' '.join(one['words']) + (' < ' + one['input'] if 'input' in one else '')
            if only not in name:
                continue
            number += 1
            if one.get('user') and os.geteuid() != 0:
                print('ok %d - %s # SKIP only root can become another user' % (number, name))
                continue
            results = []
            for program in programs:
                top = scratch + '/tree'
                make_tree(top)
                make_databases(top, rules)
                results.append(run(program, one, top, rules, scratch + '/cache'))
                subprocess.run(['chmod', '-R', 'u+rwx', top], check=True)
                shutil.rmtree(top)
            (theirs, their_err), (ours, our_err) = results
            wrong = [key for key in theirs if theirs[key] != ours.get(key)]
            failed += bool(wrong)
            print('%sok %d - %s' % ('not ' if wrong else '', number, name))
            for key in wrong:
                print('#   %s\n#     clamscan: %r\n#     candor:   %r' % (key, theirs[key], ours.get(key)))
            if wrong:
                print('#   %r\n#   %r' % (their_err[:300], our_err[:300]))
            sys.stdout.flush()
    print('1..%d' % number)
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
