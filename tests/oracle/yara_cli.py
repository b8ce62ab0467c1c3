#!/usr/bin/env python3
"""The yara command and `candor yara` must print the same, byte for byte, and exit alike.

usage: yara_cli.py CANDOR

Makes small inputs, runs both with many combinations of options, and compares stdout, stderr and
exit status. Directories are scanned with -p 1 by yara, whose order is free otherwise."""
import itertools, os, re, subprocess, sys, tempfile, time

RULES = r'''
rule first : alpha beta {
  meta: author = "me \"quoted\" \\ \t" number = 5 negative = -3 yes = true
  strings: $text = "abc" $hex = { 61 62 ?? } $ = "anonymous" private $hidden = "abc"
  condition: any of them }
private rule secret { condition: true }
rule second : beta { strings: $re = /x[a-z]{2,8}z/ $wide = "wide" wide condition: any of them }
rule third { strings: $no = "not there" condition: $no }
rule counts { strings: $a = "aa" $b = "bb" condition: #a > 1 or @b[1] > 5 or !a[1] == 9 }
rule xored { strings: $x = "secretkey" xor condition: $x }
rule nothing_but_true { condition: true }
'''
LATE = '''
global rule big { condition: filesize > 3 }
rule uses_external { condition: ext == 1 }
'''
MODULES = r'''
import "console"
import "math"
import "elf"
rule logs { condition: console.log("size ", filesize) and math.abs(-1) == 1 and elf.type >= 0 }
rule logs2 { condition: console.log("second") }
'''
BAD = {
    'syntax.yar': 'rule x {\n condition: true\n',
    'undefined.yar': 'rule x { condition: y }',
    'twice.yar': 'rule x { condition: true }\nrule x { condition: false }',
    'unreferenced.yar': 'rule x { strings: $a = "abc" condition: true }',
    'include.yar': 'include "missing.yar"\nrule x { condition: true }',
    'deep.yar': 'include "sub/inner.yar"\nrule y { condition: x }',
    'warn.yar': 'rule x { strings: $a = /a.*b/ condition: $a }',
    'slow.yar': 'rule x { strings: $a = { 61 ?? 62 } $b = "a" condition: any of them }',
    'empty.yar': '',
}


def make_inputs(top):
    def put(name, data):
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(data if isinstance(data, bytes) else data.encode())
    put('r.yar', RULES)
    put('late.yar', LATE)
    put('m.yar', MODULES)
    for name, text in BAD.items():
        put(name, text)
    put('sub/inner.yar', 'rule x { condition: z }')
    put('f', b'abc abd anonymous xyzzyz\x00\x01\xffabc aaaa bb' + b'w\0i\0d\0e\0')
    put('long', b'ab' + b'c' * 2000 + b'xaaz')
    put('none', b'....')
    put('empty', b'')
    put('xor', bytes(c ^ 0x41 for c in b'secretkey') + b' ' + bytes(c ^ 7 for c in b'secretkey'))
    put('1234', b'a file of digits abc')
    for i in range(4):
        put('d/f%d' % i, b'abc' * i + b'xqqz')
    put('d/sub/deeper/g', b'anonymous')
    put('list', 'f\nnone\nd\nmissing\n')
    os.symlink('../f', os.path.join(top, 'd/link'))
    with open('/bin/true', 'rb') as file:
        put('elf', file.read())


def commands():
    flags = ['-s', '-L', '-g', '-m', '-e', '-n', '-c', '-w', '-f']
    for count in (0, 1, 2, 3):
        for some in itertools.combinations(flags, count):
            yield [*some, 'r.yar', 'f']
    for target in ('f', 'long', 'none', 'empty', 'xor', 'elf', '1234', 'missing', '99999999', 'd'):
        for some in ([], ['-s'], ['-s', '-L', '-e', '-g', '-m'], ['-c'], ['-n'], ['-f', '-s']):
            yield [*some, '-p', '1', 'r.yar', target]
            yield [*some, '-p', '1', '-r', 'r.yar', target]
    for some in (['-t', 'alpha'], ['-t', 'beta', '-t', 'alpha'], ['-t', 'none'], ['-i', 'first'],
                 ['-i', 'first', '-i', 'second'], ['-t', 'beta', '-i', 'first'], ['-n', '-i', 'third'],
                 ['-l', '1'], ['-l', '2'], ['-l', '2', '-n'], ['-l', '1', '-c'], ['--max-rules=1'],
                 ['-sL'], ['-sLgme'], ['--print-strings'], ['--print-meta', '--print-tags'],
                 ['--count'], ['--negate'], ['--tag=beta'], ['--identifier=xored', '-s'],
                 ['-a', '60'], ['--timeout=60'], ['-k', '20000'], ['--stack-size=1000'],
                 ['-z', '10'], ['--skip-larger=10'], ['--max-strings-per-rule=100'],
                 ['-N'], ['-N', '-r']):
        yield [*some, 'r.yar', 'f']
        yield [*some, '-p', '1', 'r.yar', 'd']
        yield [*some, '-r', '-p', '1', 'r.yar', 'd'] if '-r' not in some else [*some, '-p', '1', 'r.yar', 'd']
    for value in ('ext=1', 'ext=2', 'ext=-1', 'ext=1.5', 'ext=true', 'ext=text', 'ext=', 'ext', '=1'):
        yield ['-d', value, 'late.yar', 'f']
        yield ['-d', value, '-n', 'late.yar', 'empty']
    yield ['-d', 'ext=1', '-d', 'ext=2', 'late.yar', 'f']
    yield ['-d', 'ext=1', '-n', 'late.yar', 'none']
    yield ['-d', 'ext=1', '-e', 'r.yar', 'late.yar', 'f']
    yield ['-d', 'ext=1', '-e', 'one:r.yar', 'two:late.yar', 'f']
    yield ['-e', 'one:r.yar', 'two:r.yar', 'f']
    yield ['r.yar', 'r.yar', 'f']
    yield ['one:missing.yar', 'f']
    for name in BAD:
        yield [name, 'f']
        yield ['-w', name, 'f']
        yield ['--fail-on-warnings', name, 'f']
        yield ['--fail-on-warnings', '-w', name, 'f']
    for target in ('f', 'elf', 'd', 'empty'):
        yield ['-p', '1', 'm.yar', target]
        yield ['-p', '1', '-D', 'm.yar', target]
    yield ['--scan-list', '-p', '1', 'r.yar', 'list']
    yield ['--scan-list', '-c', '-p', '1', 'r.yar', 'list']
    yield ['--scan-list', '-r', '-p', '1', 'r.yar', 'list']
    yield ['--scan-list', 'r.yar', 'd']
    yield ['--scan-list', 'r.yar', 'missing']
    for wrong in ([], ['r.yar'], ['-y', 'r.yar', 'f'], ['--wrong', 'r.yar', 'f'], ['-p', '33', 'r.yar', 'f'],
                  ['-p', 'x', 'r.yar', 'f'], ['r.yar', 'f', '-p'], ['-ss', 'r.yar', 'f'], ['-p2', 'r.yar', 'f'],
                  ['--tag', 'x', 'r.yar', 'f'], ['--timeout', 'r.yar', 'f'], ['-x', 'foo', 'r.yar', 'f'],
                  ['-x', 'foo=missing', 'r.yar', 'f'], ['-C', 'r.yar', 'f'], ['-C', 'missing', 'f'],
                  ['-C', 'r.yar', 'r.yar', 'f'], ['missing.yar', 'f']):
        yield wrong


def run(program, arguments, top):
    done = subprocess.run([*program, *arguments], cwd=top, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


# What a rule file that ends too early is told differs from version to version of YARA.
LATER_WORDING = re.compile(rb'(\.yar)\(\d+\)(: syntax error)[^\n]*')


def same(candor, arguments, top):
    want, got = run(['yara'], arguments, top), run([candor, 'yara'], arguments, top)
    want, got = ((*x[:2], LATER_WORDING.sub(rb'\1\2', x[2])) for x in (want, got))
    if want == got:
        return None
    lines = ['yara %s' % ' '.join(arguments)]
    for name, a, b in zip(('status', 'stdout', 'stderr'), want, got):
        if a != b:
            lines += ['  %s of yara   %s' % (name, repr(a)[-600:]), '  %s of candor %s' % (name, repr(b)[-600:])]
    return lines


def scan_process(candor, top):
    """A process that holds a text in its memory: the rules that match must be the same."""
    with open(os.path.join(top, 'p.yar'), 'w') as file:
        file.write('rule held { strings: $a = "the text that" $b = "is held" condition: all of them }\n'
                   'rule size { condition: filesize > 0 }\nrule not_held { strings: $a = { 00 ff 13 57 9b df 02 46 8a ce } condition: $a }')
    sleeper = subprocess.Popen(['sleep', '6000', ], env={'KEEP': 'the text that is held'})
    for _ in range(600):  # until it sleeps: its memory changes no more
        with open(f'/proc/{sleeper.pid}/stat', encoding='ascii') as file:
            if file.read().rsplit(')', 1)[1].split()[0] == 'S':
                break
        time.sleep(0.1)
    try:
        return same(candor, ['p.yar', str(sleeper.pid)], top)
    finally:
        sleeper.kill()
        sleeper.wait()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    candor = os.path.abspath(sys.argv[1])
    try:
        version = subprocess.run(['yara', '-v'], capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        print('1..0 # SKIP there is no yara to compare with')
        return 0
    failed = number = 0
    with tempfile.TemporaryDirectory() as top:
        make_inputs(top)
        print('# yara %s' % version)
        cases = [(' '.join(a), lambda a=a: same(candor, a, top)) for a in commands()]
        cases.append(('a process', lambda: scan_process(candor, top)))
        for name, case in cases:
            number += 1
            lines = case()
            failed += lines is not None
            print('%sok %d - %s' % ('not ' if lines else '', number, name or 'no arguments'))
            for line in lines or []:
                print('#', line)
    print('1..%d' % number)
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
