#!/usr/bin/env python3
"""candor scan and candor defs, run as a person or a program runs them.

usage: scan.py CANDOR

Prints TAP. Every case makes its own folder; nothing outside it is touched."""
import json, os, pty, select, shutil, signal, socket, subprocess, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from tap import Skip, case, check, run_cases  # noqa: E402

CANDOR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
EICAR = b'X5O!P%@AP[4\\PZX54(P^)7CC)7}$' + b'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'
RULE = '''rule mark : tag1 tag2 {
  meta: description = "a mark" hash = "1" hash = "2" number = 3 yes = true
  strings: $m = "MARK" $x = { 4d 41 52 ?? }
  condition: any of them }
'''


def run(*arguments, stdin=b'', timeout=600, **more):
    return subprocess.run([CANDOR, *arguments], input=stdin, capture_output=True, timeout=timeout,
                          check=False, **more)


def scan(*arguments, **more):
    return run('scan', '--no-default-definitions', '--rules', 'rule.yar', *arguments, **more)


def put(name, data=b''):
    os.makedirs(os.path.dirname(name) or '.', exist_ok=True)
    with open(name, 'wb') as file:
        file.write(data)


def lines(done):
    return [json.loads(line) for line in done.stdout.decode('utf-8').splitlines()]


def check_status(done, wanted):
    check(done.returncode == wanted, 'exit', done.returncode, 'wanted', wanted, done.stdout, done.stderr)


@case
def statuses():
    put('d/clean', b'nothing')
    put('found/x', b'a MARK here')
    check_status(scan('d'), 0)
    check_status(scan('d', 'found'), 1)
    check_status(scan('missing'), 2)
    check_status(scan('missing', 'found'), 1)
    check_status(scan('--wrong'), 2)
    check_status(scan(), 2)
    check_status(scan('--strict', 'd'), 0)
    check_status(scan('--strict', '--max-size', '3', 'd'), 3)
    check_status(scan('--max-size', '3', 'd'), 0)
    check_status(scan('--strict', '--max-size', '3', 'd', 'found'), 0 + 3)
    check_status(run('scan', '--rules', 'nothing.yar', 'd'), 2)
    check_status(run('nonsense'), 2)
    check_status(run('scan', '--help'), 0)


@case
def near_misses():
    check(b"did you mean '--rules'" in scan('--ruels', 'x').stderr)
    check(b"did you mean 'scan'" in run('scna').stderr)


@case
def embedded_definitions():
    put('eicar', EICAR)
    done = run('scan', 'eicar')
    check_status(done, 1)
    check(b'EICAR' in done.stdout, done.stdout)
    check_status(run('scan', '--no-default-definitions', '--rules', 'rule.yar', 'eicar'), 0)


@case
def json_lines():
    put('d/a', b'xx MARK yy MARK')
    put('d/b', b'clean')
    done = scan('--json', 'd')
    found, clean, summary = lines(done)
    check(found['path'] == 'd/a' and found['verdict'] == 'found' and found['size'] == 15, found)
    finding = found['findings'][0]
    check(finding['rule'] == 'mark' and finding['namespace'] == 'rule.yar', finding)
    check(finding['tags'] == ['tag1', 'tag2'], finding)
    check(finding['meta'] == {'description': 'a mark', 'hash': ['1', '2'], 'number': 3, 'yes': True}, finding)
    check([p['id'] for p in finding['patterns']] == ['$m', '$x'], finding)
    check(finding['patterns'][0]['matches'] == [
        {'offset': 3, 'length': 4, 'hex': '4d41524b', 'text': 'MARK'},
        {'offset': 11, 'length': 4, 'hex': '4d41524b', 'text': 'MARK'}], finding)
    check(clean == {'path': 'd/b', 'verdict': 'clean', 'size': 5, 'findings': []}, clean)
    summary = summary['summary']
    check(summary['files'] == 2 and summary['bytes'] == 20 and summary['found'] == 1 and summary['rules'] == 1, summary)
    check(len(lines(scan('--json', '--no-clean', 'd'))) == 2)


@case
def awkward_names():
    names = [b'line\nbreak', b'\xff\xfe', b'quote"back\\slash', b'\x1b[31mred', 'über'.encode(), b'-dash', b' ']
    for name in names:
        put(b'd/' + name, b'MARK')
    done = scan('--json', 'd')
    got = {bytes.fromhex(x['path_hex']) if 'path_hex' in x else x['path'].encode() for x in lines(done)[:-1]}
    check(got == {b'd/' + name for name in names}, got)
    text = scan('d').stdout
    check(b'\x1b' not in text and b'line\\x0abreak' in text, text)
    listed = b''.join(b'd/' + name + b'\0' for name in names)
    done = scan('--json', '--files-from', '-', '-0', stdin=listed)
    check(len(lines(done)) == len(names) + 1, done.stdout)


@case
def sarif():
    put('d/a b', b'xx MARK')
    put('d/c', b'clean')
    put('d/large', b'clean and large')
    done = scan('--sarif', '--max-size', '10', 'd')
    log = json.loads(done.stdout)
    check(log['version'] == '2.1.0')
    results = log['runs'][0]['results']
    check(len(results) == 1 and results[0]['ruleId'] == 'rule.yar/mark', results)
    place = results[0]['locations'][0]['physicalLocation']
    check(place == {'artifactLocation': {'uri': 'd/a%20b'}, 'region': {'byteOffset': 3, 'byteLength': 4}}, place)
    check([r['id'] for r in log['runs'][0]['tool']['driver']['rules']] == ['rule.yar/mark'])
    notes = log['runs'][0]['invocations'][0]['toolExecutionNotifications']
    # Some kernels do not grant every wall, which is said.
    notes = [n for n in notes if 'the kernel refused' not in n['message']['text']]
    check(len(notes) == 1 and 'larger' in notes[0]['message']['text'], notes)
    check(json.loads(scan('--sarif', 'd/c').stdout)['runs'][0]['results'] == [])
    schema = os.environ.get('SARIF_SCHEMA')
    if schema:
        import jsonschema
        with open(schema, encoding='utf-8') as file:
            jsonschema.validate(log, json.load(file))


@case
def not_files():
    put('d/a', b'MARK')
    os.mkfifo('d/fifo')
    server = socket.socket(socket.AF_UNIX)
    server.bind('d/socket')
    os.symlink('a', 'd/link')
    os.symlink('.', 'd/loop')
    os.symlink('nowhere', 'd/dangling')
    done = scan('--json', 'd')
    server.close()
    found, summary = lines(done)
    check(found['path'] == 'd/a')
    check(summary['summary']['skipped']['special'] == 2 and summary['summary']['skipped']['links'] == 3, summary)
    check_status(scan('d/link'), 1)
    check_status(scan('d/fifo', timeout=120), 0)


@case
def kernel_file_systems():
    done = scan('/proc', '/sys')
    check_status(done, 0)
    check(done.stderr.count(b'not examined') == 2, done.stderr)
    put('maps.yar', b'rule maps { strings: $a = "[stack]" condition: $a }')
    check_status(run('scan', '--no-default-definitions', '--rules', 'maps.yar', '/proc/self/maps'), 1)


@case
def unreadable():
    if os.geteuid() == 0 and not shutil.which('setpriv'):
        raise Skip('no setpriv to drop root with')
    put('d/secret', b'MARK')
    put('d/open', b'clean')
    os.chmod('d/secret', 0)
    os.mkdir('d/closed', 0)
    os.chmod('.', 0o755)
    command = [CANDOR, 'scan', '--no-default-definitions', '--rules', 'rule.yar', '--json', 'd']
    if os.geteuid() == 0:
        command = ['setpriv', '--reuid=65534', '--clear-groups', '--regid=65534', *command]
    done = subprocess.run(command, capture_output=True, timeout=600, check=False)
    os.chmod('d/closed', 0o700)
    if b'setpriv' in done.stderr:
        raise Skip('cannot drop root here')
    check_status(done, 2)
    rows = {row.get('path'): row for row in lines(done)}
    check(rows['d/secret']['verdict'] == 'error' and 'Permission denied' in rows['d/secret']['reason'], rows)
    check(rows['d/closed']['verdict'] == 'error', rows)
    check(rows['d/open']['verdict'] == 'clean', rows)


@case
def shrinking_file():
    """A file that is cut while it is mapped must not end the program."""
    put('slow.yar', b'rule slow { strings: $a = /[a-z]{3}[0-9]{4}[^a]{2}x/ $b = /([ab]c){4,9}q/ condition: all of them }')
    size = 64 << 20
    stop = threading.Event()

    def cut_and_grow():
        while not stop.is_set():
            with open('big', 'r+b') as file:
                file.truncate(4096 * 1200)
                time.sleep(0.002)
                file.truncate(size)
    put('big', b'q')
    with open('big', 'r+b') as file:
        file.truncate(size)
    thread = threading.Thread(target=cut_and_grow)
    thread.start()
    try:
        reasons = 0
        for _ in range(8):
            done = run('scan', '--no-default-definitions', '--rules', 'slow.yar', '--json', '--jobs', '1', 'big')
            check(done.returncode == 0, done.returncode, done.stderr, done.stdout)
            reasons += b'shorter' in done.stdout
        print('# seen to shrink in %d of 8 scans' % reasons)
    finally:
        stop.set()
        thread.join()


@case
def vanishing_files():
    for i in range(3000):
        put('d/%d' % i, b'x' * 100)
    process = subprocess.Popen([CANDOR, 'scan', '--no-default-definitions', '--rules', 'rule.yar', '--json', 'd'],
                               stdout=subprocess.PIPE)
    shutil.rmtree('d')
    out = process.communicate(timeout=600)[0]
    check(process.returncode in (0, 2), process.returncode)
    for line in out.splitlines():
        json.loads(line)


@case
def broken_pipe():
    for i in range(5000):
        put('d/%d' % i, b'MARK')
    process = subprocess.Popen([CANDOR, 'scan', '--no-default-definitions', '--rules', 'rule.yar', '--json', 'd'],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    error = process.communicate(timeout=600)[1]
    check(process.returncode == -signal.SIGPIPE, process.returncode)
    check(error == b'', error)


def wait_until_busy(process, seconds):
    """Until the children of `process` have had so much of the processor, which says more than the clock on a machine
    with much to do."""
    tick = os.sysconf('SC_CLK_TCK')
    for _ in range(6000):
        with open(f'/proc/{process.pid}/task/{process.pid}/children', encoding='ascii') as file:
            children = file.read().split()
        used = 0
        for child in children:
            with open(f'/proc/{child}/stat', encoding='ascii') as file:
                used += sum(int(n) for n in file.read().rsplit(')', 1)[1].split()[11:13])
        if used > seconds * tick:
            return
        time.sleep(0.01)
    raise AssertionError('no child did any work')


@case
def interrupt():
    put('big', b'')
    with open('big', 'r+b') as file:
        file.truncate(3 << 30)
    put('slow.yar', b'rule slow { strings: $a = /[^a]{2}[^b]{3}[^c]{2}x/ condition: $a }')
    process = subprocess.Popen([CANDOR, 'scan', '--no-default-definitions', '--rules', 'slow.yar', '--jobs', '1', '--json', 'rule.yar', 'big'],
                               stdout=subprocess.PIPE)
    wait_until_busy(process, 0.4)
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=600)[0]
    check(process.returncode == -signal.SIGINT, process.returncode, out)
    rows = [json.loads(line) for line in out.splitlines()]
    check(rows[-1]['summary']['interrupted'] is True, out)
    check(rows[0]['path'] == 'rule.yar', out)


@case
def timeout():
    put('big', b'')
    with open('big', 'r+b') as file:
        file.truncate(3 << 30)
    put('slow.yar', b'rule slow { strings: $a = /[^a]{2}[^b]{3}[^c]{2}x/ condition: $a }')
    done = run('scan', '--no-default-definitions', '--rules', 'slow.yar', '--json', '--strict', '--timeout', '1', 'big')
    check_status(done, 3)
    check(lines(done)[0]['verdict'] == 'partial' and 'time' in lines(done)[0]['reason'], done.stdout)


@case
def same_report_from_any_number_of_threads():
    for i in range(700):
        put('d/%d/%d' % (i % 7, i), b'x' * i + (b'MARK' if i % 3 == 0 else b''))
    reports = []
    for jobs in '1', '2', '5':
        rows = lines(scan('--json', '--jobs', jobs, 'd'))
        check(len(rows) == 701)
        reports.append(rows[:-1])
    check(reports[0] == reports[1] == reports[2])
    check([r['path'] for r in reports[0]] == sorted((r['path'] for r in reports[0]), key=lambda p: p.encode()))


@case
def excluding():
    for name in 'd/a', 'd/b.iso', 'd/cache/c', 'd/x/cache/d', 'd/keep/e':
        put(name, b'MARK')
    def paths(*arguments):
        return [r['path'] for r in lines(scan('--json', *arguments, 'd'))[:-1]]
    check(paths('--exclude', '*.iso') == ['d/a', 'd/cache/c', 'd/keep/e', 'd/x/cache/d'])
    check(paths('--exclude', 'cache') == ['d/a', 'd/b.iso', 'd/keep/e'])
    check(paths('--exclude', 'd/cache', '-x', '*.iso') == ['d/a', 'd/keep/e', 'd/x/cache/d'])
    check(paths('--one-file-system') == ['d/a', 'd/b.iso', 'd/cache/c', 'd/keep/e', 'd/x/cache/d'])


@case
def files_from():
    put('d/a', b'MARK')
    put('e', b'clean')
    put('list', b'd\ne\n\nmissing\n')
    done = scan('--json', '--files-from', 'list')
    check([(r['path'], r['verdict']) for r in lines(done)[:-1]] ==
          [('d/a', 'found'), ('e', 'clean'), ('missing', 'error')], done.stdout)
    check_status(scan('--files-from', 'nowhere'), 2)


@case
def variables_of_each_file():
    rule = b'''rule name { condition: filename == "Setup.EXE" }
rule path { condition: filepath == "%s/d/Setup.EXE" }
rule ending { condition: extension == ".exe" }
rule kind { condition: filetype == "EXE" }
rule who { condition: owner == "%s" }
rule own { condition: mine == 7 }'''
    import pwd
    user = pwd.getpwuid(os.geteuid()).pw_name
    put('vars.yar', rule % (os.getcwd().encode(), user.encode()))
    put('d/Setup.EXE', b'MZ...')
    put('d/other', b'other')
    done = run('scan', '--no-default-definitions', '--rules', 'vars.yar', '-d', 'mine=7', '--json', 'd')
    first, second = lines(done)[:2]
    check([f['rule'] for f in first['findings']] == ['name', 'path', 'ending', 'kind', 'who', 'own'], first)
    check([f['rule'] for f in second['findings']] == ['who', 'own'], second)


@case
def rule_folders():
    put('rules/one.yar', b'rule one { condition: true }')
    put('rules/sub/two.yara', b'rule one { condition: true }')
    put('rules/index.yar', b'// all\ninclude "one.yar"\ninclude "sub/two.yara"\n')
    put('rules/notes.txt', b'no rule')
    put('rules/bad.yar', b'rule good { condition: true } rule bad { condition: nonsense }')
    put('f', b'x')
    done = run('scan', '--no-default-definitions', '--rules', 'rules', '--json', 'f')
    check(sorted((f['namespace'], f['rule']) for f in lines(done)[0]['findings']) ==
          [('rules/bad.yar', 'good'), ('rules/one.yar', 'one'), ('rules/sub/two.yara', 'one')], done.stdout)
    check(b'rules/bad.yar:1:' in done.stderr and b'nonsense' in done.stderr, done.stderr)
    check(lines(done)[-1]['summary']['faulty_rules'] == 1)
    put('empty/x', b'')
    check_status(run('scan', '--rules', 'empty', 'f'), 2)


@case
def compiled_definitions():
    done = run('defs', 'compile', 'rule.yar', '-o', 'rule.cdr')
    check_status(done, 0)
    put('f', b'MARK')
    fresh = scan('--json', 'f')
    mapped = run('scan', '--no-default-definitions', '--definitions', 'rule.cdr', '--json', 'f')
    check(lines(fresh)[0] == lines(mapped)[0], mapped.stdout, mapped.stderr)
    check_status(run('defs', 'check', 'rule.cdr'), 0)
    check(b'mark' in run('defs', 'list', 'rule.cdr').stdout)
    with open('rule.cdr', 'rb') as file:
        data = bytearray(file.read())
    data[len(data) // 2] ^= 1
    put('damaged.cdr', bytes(data))
    put('short.cdr', bytes(data[:200]))
    for name in 'damaged.cdr', 'short.cdr', 'rule.yar', 'missing':
        done = run('scan', '--no-default-definitions', '--definitions', name, 'f')
        check_status(done, 2)
        check(done.stderr.startswith(b'candor: '), done.stderr)
    put('bad.yar', b'rule x { condition: y }')
    done = run('defs', 'compile', 'bad.yar', '-o', 'bad.cdr')
    check_status(done, 2)
    check(not os.path.exists('bad.cdr'))
    check(b'rule x { condition: y }' in done.stderr and b'^' in done.stderr, done.stderr)
    check([n for n in os.listdir('.') if n.startswith('rule.cdr.') or n.startswith('bad.cdr')] == [])


@case
def checking():
    put('bad.yar', b'rule x { condition: y }\nrule z { strings: $a = "unused" condition: true }')
    done = run('defs', 'check', 'bad.yar')
    check_status(done, 2)
    check(done.stderr.count(b'error') == 2, done.stderr)
    check_status(run('defs', 'check', 'rule.yar'), 0)


def on_terminal(*arguments, stop=None, **environment):
    """What a person at a terminal sees; ends the scan when `stop` says so of it."""
    primary, secondary = pty.openpty()
    process = subprocess.Popen([CANDOR, 'scan', '--no-default-definitions', '--rules', 'rule.yar', *arguments],
                               stdout=secondary, stderr=secondary, stdin=secondary,
                               env={'TERM': 'xterm', 'PATH': '/usr/bin:/bin', **environment})
    os.close(secondary)
    seen, end = b'', time.monotonic() + 900
    while select.select([primary], [], [], 600)[0]:
        if time.monotonic() > end:
            process.kill()
            raise AssertionError('the scan does not end; last seen: %r' % seen[-300:])
        try:
            part = os.read(primary, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
        if stop and stop(seen):
            process.terminate()
            stop = None
    process.wait(timeout=600)
    os.close(primary)
    return seen


@case
def terminal():
    """Colours and progress are for terminals only, and obey NO_COLOR."""
    for i in range(200):
        put('d/%d' % i, b'MARK' if i == 7 else b'')

    check(b'\x1b[1;31m' in on_terminal('d'))
    check(b'\x1b[1;31m' not in on_terminal('d', NO_COLOR='1'))
    check(b'\x1b' not in scan('d').stdout)
    check(b'\x1b[1;31m' in scan('--color=always', 'd').stdout)
    check(all(b'the kernel refused' in line for line in scan('d').stderr.splitlines()))


@case
def progress():
    """How many files there are is counted while the first are examined: with and without walls."""
    put('slow.yar', b'rule slow { condition: for any i in (0 .. filesize * 1000) : (uint8(i) == 0x2a) }')
    for i in range(300):
        put(f'd/{i:04}', b'x' * 100)
    for i in range(20):
        put(f'd/slow/{i}', bytes(20000))
    os.mkfifo('d/fifo')
    os.symlink('0001', 'd/link')
    for walls in [], ['--no-walls']:
        seen = on_terminal('-j', '2', '--rules', 'slow.yar', *walls, 'd', stop=lambda seen: b' left' in seen)
        check(b' of 320 files' in seen and b'%' in seen and b' left' in seen, walls, seen[-500:])


@case
def deep_tree():
    top = os.getcwd()
    os.mkdir('deep')
    os.chdir('deep')
    for _ in range(2500):
        os.mkdir('d')
        os.chdir('d')
    os.chdir(top)
    done = scan('--json', 'deep')
    check_status(done, 2)
    check('deep' in lines(done)[0]['reason'], done.stdout[-300:])
    subprocess.run(['rm', '-rf', 'deep'], check=True)


@case
def full_disk():
    if not os.path.exists('/dev/full'):
        raise Skip('no /dev/full')
    put('f', b'MARK')
    with open('/dev/full', 'wb') as full:
        done = subprocess.run([CANDOR, 'scan', '--no-default-definitions', '--rules', 'rule.yar', 'f'], stdout=full,
                              stderr=subprocess.PIPE, timeout=600, check=False)
    check(done.returncode == 2 and b'No space left' in done.stderr, done.returncode, done.stderr)


def zipped(members, method=None):
    import io
    import zipfile
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED if method is None else method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


@case
def objects_in_files():
    inner = zipped([('deep/mark', b'xx MARK'), ('clean', b'clean')])
    put('d/a.zip', zipped([('b.zip', inner), ('mark', b'MARK')]))
    done = scan('--json', 'd')
    check_status(done, 1)
    row, summary = lines(done)
    check([(f['object'], f['rule']) for f in row['findings']] ==
          [(['b.zip', 'deep/mark'], 'mark'), (['mark'], 'mark')], row)
    check(row['findings'][0]['patterns'][0]['matches'][0]['offset'] == 3, row)
    check('gaps' not in row and summary['summary']['objects'] == 4, row, summary)
    check(summary['summary']['unpacked'] == len(inner) + 7 + 5 + 4, summary)
    text = scan('d').stdout
    check(b'd/a.zip > b.zip > deep/mark\n' in text and b'4 objects in them' in text, text)
    tree = lines(scan('--json', '--tree', 'd'))[0]['objects']
    check([(o['object'], o['size']) for o in tree] ==
          [(['b.zip'], len(inner)), (['b.zip', 'deep/mark'], 7), (['b.zip', 'clean'], 5), (['mark'], 4)], tree)
    check(tree[0]['kind'] == 'zip' and 'kind' not in tree[1], tree)
    tree = scan('--tree', 'd').stdout.decode().splitlines()
    check(tree[:3] == ['d/a.zip  %d B' % len(put_size('d/a.zip')), '    b.zip  %d B  zip' % len(inner),
                       '        deep/mark  7 B'], tree)
    log = json.loads(scan('--sarif', 'd').stdout)
    place = log['runs'][0]['results'][0]['locations'][0]
    check(place['logicalLocations'] == [{'fullyQualifiedName': 'b.zip > deep/mark'}], place)


def put_size(name):
    with open(name, 'rb') as file:
        return file.read()


@case
def hostile_names_in_files():
    put('a.zip', zipped([('\x1b[31mred\n', b'MARK'), ('../../etc/passwd', b'MARK')]))
    text = scan('a.zip').stdout
    check(b'\x1b' not in text and b'\\x1b[31mred\\x0a' in text and b'../../etc/passwd' in text, text)
    objects = [f['object'] for f in lines(scan('--json', 'a.zip'))[0]['findings']]
    check(objects == [['\x1b[31mred\n'], ['../../etc/passwd']], objects)
    check(os.listdir('.') == ['rule.yar', 'a.zip'] or sorted(os.listdir('.')) == ['a.zip', 'rule.yar'])


@case
def limits_are_said():
    data = zipped([('x', b'MARK')])
    for _ in range(40):
        data = zipped([('z', data)], 0)
    put('deep.zip', data)
    put('many.zip', zipped([('%d' % i, b'x') for i in range(50)]))
    put('large.zip', zipped([('large', b'x' * 3000000), ('mark', b'MARK')]))
    def gaps(*arguments):
        row = lines(scan('--json', *arguments))[0]
        check(row['verdict'] == ('found' if row['findings'] else 'partial'), row)
        return [(len(g['object']), g['kind'], g['reason']) for g in row['gaps']]
    check(gaps('deep.zip') == [(32, 'limit', 'nested deeper than 32 containers')], gaps('deep.zip'))
    check(gaps('--profile', 'mail', 'deep.zip')[0][0] == 16)
    check(lines(scan('--json', '--profile', 'deep', 'deep.zip'))[0]['verdict'] == 'found')
    check(gaps('--max-depth', '0', 'many.zip') == [(0, 'limit', 'nested deeper than 0 containers')])
    check('more than 20 members' in gaps('--max-members', '20', 'many.zip')[0][2])
    check('limit' in gaps('--max-unpacked', '1M', 'large.zip')[0][1])
    check_status(scan('--strict', '--max-members', '20', 'many.zip'), 3)
    check_status(scan('--max-members', '20', 'many.zip'), 0)
    summary = lines(scan('--json', '--max-members', '20', 'many.zip'))[-1]['summary']
    check(summary['gaps']['limit'] == 1 and summary['partial'] == 1, summary)
    text = scan('--max-members', '20', 'many.zip').stdout
    check(b'not fully examined  many.zip: more than 20 members' in text and b'not examined: 1 limit' in text, text)


@case
def passwords_are_tried():
    if not shutil.which('7z'):
        raise Skip('no 7z to encrypt with')
    put('mark', b'MARK')
    for name, password in ('customary.zip', 'infected'), ('own.zip', 'correct horse'):
        subprocess.run(['7z', 'a', '-tzip', '-p' + password, name, 'mark'], stdout=subprocess.DEVNULL, check=True)
    check(lines(scan('--json', 'customary.zip'))[0]['findings'][0]['object'] == ['mark'])
    row = lines(scan('--json', 'own.zip'))[0]
    check(row['verdict'] == 'partial' and row['gaps'][0]['kind'] == 'encrypted' and row['gaps'][0]['object'] == ['mark'], row)
    check(lines(scan('--json', '--password', 'wrong', '--password', 'correct horse', 'own.zip'))[0]['verdict'] == 'found')


@case
def variables_of_objects():
    put('vars.yar', b'''rule name { condition: filename == "Setup.EXE" }
rule path { condition: filepath == "%s/d/a.zip/sub/Setup.EXE" }
rule ending { condition: extension == ".exe" }
rule kind { condition: filetype == "EXE" }''' % os.getcwd().encode())
    put('d/a.zip', zipped([('sub/Setup.EXE', b'MZ...')]))
    done = run('scan', '--no-default-definitions', '-r', 'vars.yar', '--json', 'd')
    check([(f['object'], f['rule']) for f in lines(done)[0]['findings']] ==
          [(['sub/Setup.EXE'], r) for r in ('name', 'path', 'ending', 'kind')], done.stdout)


@case
def pages_agree_with_options():
    """Every option of --help is in the man page and the completions."""
    import re
    for command in ('scan', 'yara'):
        text = run('help', command).stdout.decode()
        names = set(re.findall(r'--([a-z][a-z0-9-]+)', text))
        check(len(names) > 15, names)
        man = run('dev-docs', 'man', command).stdout.decode().replace('\\-', '-')
        for page in (man, *(run('dev-docs', shell).stdout.decode() for shell in ('bash', 'zsh', 'fish'))):
            missing = [n for n in names if n not in page]
            check(not missing, command, missing)
    man = run('dev-docs', 'man', 'defs').stdout.decode().replace('\\-', '-')
    for command in 'compile', 'check', 'list':
        for name in re.findall(r'--([a-z][a-z0-9-]+)', run('help', 'defs', command).stdout.decode()):
            check(name in man, command, name)
    for parent in 'defs', 'quarantine', 'rescue':
        commands = re.findall(r'^  ([a-z]+)  ', run('help', parent).stdout.decode().split('Exit status')[0], re.M)
        check(len(commands) >= 4, parent, commands)
        for command in commands:
            man = run('dev-docs', 'man', parent, command).stdout.decode().replace('\\-', '-')
            check(f'.TH "candor-{parent}-{command}"' in man, parent, command)
            for name in re.findall(r'--([a-z][a-z0-9-]+)', run('help', parent, command).stdout.decode()):
                check(name in man, parent, command, name)
    for shell in 'bash', 'zsh', 'fish':
        if shutil.which(shell):
            page = run('dev-docs', shell).stdout
            check_status(subprocess.run([shell, '-n'], input=page, capture_output=True, check=False), 0)


sys.exit(run_cases(begin=lambda: put('rule.yar', RULE.encode())))
