"""Mail stores of Outlook as a kind for salvage_corpus: letters made here, in folders, with what of
the file each of them lies in, and a check of the mail boxes that come back, letter by letter."""
import email, email.policy, glob, mailbox, os, random, struct, subprocess

from salvage_decodable import merged, total, without
from salvage_kinds import Kind, Made, MB, check_blanked, noise, pieces_in, text
from salvage_pst import CYCLIC, NONE, PERMUTE, Store

ROOT, STORE, TOP, INBOX, SENT, PEOPLE = 0x122, 0x21, 0x8022, 0x8042, 0x8062, 0x8082
FOLDERS = {TOP: (ROOT, "Top of Outlook data file"), INBOX: (TOP, "Inbox"), SENT: (TOP, "Sent Items"),
           0x80a2: (INBOX, "Projekte \u00fcber 2024"), PEOPLE: (TOP, "Contacts")}
EPOCH = 116444736000000000  # 1970 in the time of Windows


class Letter:
    def __init__(self, number, rng, ansi=False):
        self.key = "<letter.%d@example.org>" % number
        self.subject = "Letter %d: %s" % (number, text(rng, 40).decode().strip().replace("\n", " "))
        if number % 5 == 0:
            self.subject = "Gr\u00fc\u00dfe " + self.subject
        self.body = text(rng, rng.choice((200, 900, 3000, 9000, 40000))).decode().replace("\n", "\r\n")
        if number % 4 == 0:
            self.body = "Sch\u00f6ne " + ("" if ansi else "\u0416") + "\u20ac\r\nFrom here on\r\n" + self.body
        self.html = b"<html><body><p>" + text(rng, rng.choice((300, 5000, 20000))) + b"</p></body></html>" \
            if number % 3 == 0 else None
        self.files = [("file %d-%d.dat" % (number, i), noise(rng, rng.choice((500, 7000, 60000, 300000))))
                      for i in range(rng.choice((0, 0, 0, 1, 1, 2)))]
        self.headers = "Received: from a.example.org\r\n\tby b.example.org; Mon, 1 Jan 2024 10:00:00 +0000\r\n" \
            "From: \"A Sender\" <sender@example.org>\r\nTo: to%d@example.org\r\nSubject: %s\r\n" \
            "Date: Mon, 1 Jan 2024 10:00:%02d +0000\r\nMessage-ID: %s\r\nMIME-Version: 1.0\r\n" \
            "Content-Type: text/plain;\r\n\tcharset=us-ascii\r\n" % (
                number, "" if number % 5 == 0 else self.subject, number % 60, self.key) \
            if number % 2 else None
        self.to = [("Person %d" % i, "to%d@example.org" % (number + i), 1 + i % 3)
                   for i in range(rng.choice((1, 2, 5)))]
        self.time = 1700000000 + 60 * number
        self.inner = None  # a letter in it
        self.spans = []    # where it lies in the file, but for what is attached
        self.attached = {} # name -> where that lies; the letter in it: None


def spans(written):
    return merged((at, at + n) for _, at, n in written)


def put_letter(store, letter):
    """Its node's two blocks."""
    columns = [0x0c150003, 0x3001001f, 0x3003001f, 0x3002001f, 0x39fe001f]
    table, below = store.table(columns, [{0x0c150003: kind, 0x3001001f: name, 0x3003001f: address,
                                          0x3002001f: "SMTP", 0x39fe001f: address}
                                         for name, address, kind in letter.to])
    sub = [(0x692, table, store.subnodes(below))]
    files = [(name, {0x3701: (0x102, data), 0x3705: (3, 1), 0x370e: (0x1f, "application/octet-stream")}, [])
             for name, data in letter.files]
    if letter.inner:
        inner = store.fresh(4)
        files.append((letter.inner.subject, {0x3701: (0xd, struct.pack("<II", inner, 0)), 0x3705: (3, 5)},
                      [(inner, *put_letter(store, letter.inner))]))
    table, below = store.table([0x0e200003, 0x37050003], [{"id": 0x8025 + 32 * i} for i in range(len(files))])
    if files:
        sub.append((0x671, table, store.subnodes(below)))
    for i, (name, values, below) in enumerate(files):
        values.update({0x3707: (0x1f, name), 0x3704: (0x1f, name[:8]), 0x0e20: (3, 0)})
        before = len(store.written)
        data, below = store.properties(values, below)
        sub.append((0x8025 + 32 * i, data, store.subnodes(below)))
        letter.attached[name] = spans(store.written[before:])
    stamp = EPOCH + letter.time * 10 ** 7
    values = {0x1a: (0x1f, "IPM.Note"), 0x37: (0x1f, "\x01\x01" + letter.subject), 0x1000: (0x1f, letter.body),
              0xe07: (3, 1 | (16 if files else 0)), 0xc1a: (0x1f, "A Sender"), 0xc1e: (0x1f, "SMTP"),
              0xc1f: (0x1f, "sender@example.org"), 0x39: (0x40, stamp), 0xe06: (0x40, stamp),
              0x3007: (0x40, stamp), 0x3008: (0x40, stamp), **{0xe05 - kind: (0x1f, "; ".join(n for n, _, k in letter.to if k == kind)) for kind in (1, 2, 3)},
              0x1035: (0x1f, letter.key), 0xe1b: (0xb, bool(files)), 0x17: (3, 1), 0x3fde: (3, 1252 if store.ansi else 65001), 0x3ffd: (3, 1252),
              0xe08: (3, len(letter.body)), 0x300b: (0x102, letter.key.encode()[-16:])}
    if letter.headers:
        values[0x7d] = (0x1f, letter.headers)
    if letter.html:
        values[0x1013] = (0x102, letter.html)
    data, sub = store.properties(values, sub)
    return data, store.subnodes(sub)


NAMED = (0x8083, 0x8208, 0x820d)  # numbers of names, which this store keeps from 0x8000 on


def put_other(store, number):
    """A contact or an appointment: its node's blocks, and what must be said of it."""
    name, mail = "Ada Person %d" % number, "ada.%d@example.net" % number
    if number % 2:
        data, sub = store.properties({0x1a: (0x1f, "IPM.Contact"), 0x37: (0x1f, name), 0x3001: (0x1f, name),
                                      0x3a16: (0x1f, "Example Ltd"), 0x3a1c: (0x1f, "+49 %d" % number),
                                      0x8000: (0x1f, mail)})
        said = ["Name: " + name, "Company: Example Ltd", "Mail: " + mail, "Phone (mobile): +49 %d" % number]
    else:
        data, sub = store.properties({0x1a: (0x1f, "IPM.Appointment"), 0x37: (0x1f, name), 0x8001: (0x1f, "Room 7"),
                                      0x8002: (0x40, EPOCH + (1700000000 + number) * 10 ** 7)})
        said = ["Place: Room 7", "Begins: Tue, 14 Nov 2023 22:13:%02d +0000" % (20 + number % 40)]
    return data, store.subnodes(sub), (name, said)


def put_folders(store, contents):
    for nid, (parent, name) in {ROOT: (ROOT, ""), **FOLDERS}.items():
        below = [n for n, (up, _) in FOLDERS.items() if up == nid]
        mine = contents.get(nid, [])
        data, sub = store.properties({0x3001: (0x1f, name), 0x3602: (3, len(mine)), 0x3603: (3, 0),
                                      0x360a: (0xb, bool(below))})
        store.node(nid, parent, data, store.subnodes(sub))
        for kind, columns, rows in (
                (0xd, [0x3001001f, 0x36020003, 0x36030003, 0x360a000b],
                 [{"id": n, 0x3001001f: FOLDERS[n][1], 0x36020003: len(contents.get(n, [])), 0x36030003: 0,
                   0x360a000b: any(up == n for up, _ in FOLDERS.values())} for n in below]),
                (0xe, [0x0037001f, 0x0e070003], [{"id": n, 0x0037001f: l.subject[:60], 0x0e070003: 1}
                                                 for n, l in mine]),
                (0xf, [0x0037001f], [])):
            # A column of one byte would have its own place in a row.
            data, sub = store.table([c for c in columns if c & 0xffff != 0xb], rows)
            store.node(nid & ~31 | kind, nid, data, store.subnodes(sub))
    uid = bytes(range(16))
    entry = bytes(4) + uid
    data, sub = store.properties({0x0ff9: (0x102, uid), 0x3001: (0x1f, "Outlook data file"),
                                  0x35e0: (0x102, entry + struct.pack("<I", TOP)), 0x35df: (3, 0x89),
                                  0x35e3: (0x102, entry + struct.pack("<I", SENT)),
                                  0x35e7: (0x102, entry + struct.pack("<I", SENT)), 0x67ff: (3, 0)})
    store.node(STORE, 0, data, store.subnodes(sub))
    data, sub = store.properties({0x0001: (3, 251), 0x0002: (0x102, uid), 0x0003: (0x102, b"".join(
        struct.pack("<IHH", n, 6 + 2 * i, i) for i, n in enumerate(NAMED))), 0x0004: (0x102, b"\0" * 4)})
    store.node(0x61, 0, data, store.subnodes(sub))


def make(rng, size, method=PERMUTE, ansi=False):
    store, letters, contents, number, gone, people = Store(method, ansi), [], {}, 0, [], []
    while len(store.out) < size:
        number += 1
        letter = Letter(number, rng, ansi)
        if number % 7 == 0:
            letter.inner = Letter(100000 + number, rng, ansi)
        folder = (INBOX, INBOX, SENT, 0x80a2)[number % 4]
        before = len(store.out)
        if number % 11 == 0:
            store.free = True  # as it was before it was read
            put_letter(store, letter)
            store.free = False
        store.written.clear()
        data, sub = put_letter(store, letter)
        letter.spans = without(spans(store.written), merged(sum(letter.attached.values(), [])))
        nid = 0x200004 + 64 * number
        if number % 10 == 3:
            store.free = True
            other = Letter(200000 + number, rng, ansi)
            store.deleted.append((nid + 32, *put_letter(store, other), folder))
            gone.append(other)
            store.free = False
        store.node(nid, folder, data, sub)
        if number % 6 == 0:
            data, sub, said = put_other(store, number // 6)
            store.node(nid + 32, PEOPLE, data, sub)
            people.append(said)
        contents.setdefault(folder, []).append((nid, letter))
        letters.append(letter)
    put_folders(store, contents)
    data = store.finish()
    payload = [s for l in letters for s in l.spans + sum(l.attached.values(), [])]
    made = Made("archive.pst", data, payload, letters)
    made.by_key = {l.key: l for l in letters + [l.inner for l in letters if l.inner]}
    made.people = dict(people)
    made.all = letters + [l.inner for l in letters if l.inner] + gone
    made.gone = {l.key for l in gone}
    made.files = dict(f for l in letters + [l.inner for l in letters if l.inner] + gone for f in l.files)
    made.folder = {l.key: (FOLDERS[f][1]) for f, mine in contents.items() for _, l in mine}
    return made


def lines(data):
    return data.replace(b"\r\n", b"\n").rstrip(b"\n")


class Read:
    """What a message says: its text, its HTML, files by their names, letters in it."""

    def __init__(self, message):
        self.text = self.html = None
        self.files, self.inner = [], []
        self.walk(message)

    def walk(self, part):
        kind = part.get_content_type()
        if kind == "message/rfc822":
            self.inner.append(part.get_payload(0))
        elif part.is_multipart():
            for one in part.iter_parts():
                self.walk(one)
        elif part.get_filename():
            self.files.append((part.get_filename(), part.get_payload(decode=True)))
        elif kind == "text/plain" and self.text is None:
            self.text = part.get_payload(decode=True).decode(part.get_content_charset("ascii"), "replace").encode()
        elif kind == "text/html":
            self.html = part.get_payload(decode=True)


def differs(letter, message, quoted=False):
    """Why they are not the same, or nothing. `message`: an email.message.EmailMessage. `quoted`: as
    readpst writes it, which does not put letters in letters as others do."""
    read = Read(message)
    if quoted:
        read.text = (read.text or b"").replace(b"\n>From ", b"\nFrom ")
    if message["subject"] != letter.subject and not (letter.headers and letter.subject[:2] == "Gr"):
        return "subject %r" % message["subject"]
    if lines(read.text or b"") != lines(letter.body.encode()):
        return "text"
    if letter.html and lines(read.html or b"") != lines(letter.html):
        return "html"
    if sorted(read.files) != sorted(letter.files):
        return "files"
    if letter.inner and not quoted:
        return "letter in it: " + differs(letter.inner, read.inner[0]) if read.inner and \
            differs(letter.inner, read.inner[0]) else "" if read.inner else "letter in it"
    return ""


GAP = b"[some of it is encrypted]"


def is_file(name, data, files):
    """Whether it is one of these, but for gaps; one without its name any of them."""
    return any(check_blanked(data, f) is not False for n, f in files.items()
               if n == name or name.startswith("value-"))


def is_of(letter, message):
    """Whether a letter with gaps has nothing that the original has not; what is attached is data of no
    format, and as usable with gaps as it can be."""
    read, files = Read(message), dict(letter.files)
    text, html = (lines(t or b"").replace(GAP, b"") + b"\n" for t in (read.text, read.html))
    if pieces_in(text, lines(letter.body.encode()) + b"\n") is False or \
            pieces_in(html, lines(letter.html or b"") + b"\n") is False:
        return False
    files.update(letter.inner.files if letter.inner else ())
    if not all(is_file(name, data, files) for name, data in read.files):
        return False
    return not read.inner or not letter.inner or is_of(letter.inner, read.inner[0])


def letter_of(made, message):
    """That which it is, where its number is lost by its subject, or its text."""
    letter = made.by_key.get(str(message["message-id"]))
    if letter or message["message-id"]:
        return letter
    pieces = lines(Read(message).text or b"").replace(GAP, b"").split(b"\n")
    return next((l for l in made.truth if l.subject == message["subject"]), None) or \
        next((l for l in made.truth if any(len(p) > 24 and p.decode() in l.body for p in pieces)), None)


def details(message):
    return Read(message).text.decode().split("\n\n")[0].split("\n") if Read(message).text.strip() else []


def check_box(made, part, path):
    """Each letter is as it was made, once; what there is of those with gaps is. Where pages
    are lost, it may not be known that some were deleted."""
    seen, part["opens"], size = set(), True, 0
    hurt = part["verdict"] == "partial"
    for message in messages(path):
        if message["message-id"] in made.gone:
            continue
        if message["x-message-class"] in ("IPM.Contact", "IPM.Appointment"):
            if not set(details(message)) <= set(made.people[message["subject"]]):
                part["note"] += " %s is wrong" % message["subject"]
                return False
            size += 2000
            continue
        letter = letter_of(made, message)
        if not letter and not message["message-id"]:
            # Nothing of it is left that tells whose they are.
            if not all(is_file(name, data, made.files) and (hurt or data == made.files[name])
                       for name, data in Read(message).files):
                part["note"] += " files of no letter"
                return False
            continue
        if not message["message-id"]:
            letter = next((l for l in made.all if is_of(l, message)), letter)
        why = "not one" if not letter else "twice" if letter.key in seen and message["message-id"] else \
            ("" if is_of(letter, message) else "wrong") if hurt else differs(letter, message)
        if why:
            part["note"] += " %s: %s" % (message["message-id"], why)
            return False
        seen.add(letter.key)
        size += total(letter.spans + sum(letter.attached.values(), []))
    return total(part["from"]) if hurt or "(found" in part["name"] else size


def messages(path):
    return mailbox.mbox(path, factory=lambda f: email.message_from_binary_file(f, policy=email.policy.default))


VARIANTS = (("none", NONE, False), ("permute", PERMUTE, False), ("cyclic", CYCLIC, False),
            ("ANSI", PERMUTE, True))


def read_by_readpst(folder):
    """What another reader says of stores made here. Why they are not right, or nothing."""
    for name, method, ansi in VARIANTS:
        made = make(random.Random(name), MB, method, ansi)
        path, out = os.path.join(folder, name + ".pst"), os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(made.data)
        os.mkdir(out)
        run = subprocess.run(["readpst", "-q", "-r", "-j", "0", "-o", out, path], capture_output=True, text=True)
        keys = set()
        for box in glob.glob(out + "/**/mbox", recursive=True):
            for message in messages(box) if "Contacts" not in box else ():
                letter = made.by_key.get(str(message["message-id"]))
                why = differs(letter, message, True) if letter else "not one"
                if why or made.folder[letter.key] != box.split("/")[-2]:
                    return "%s, %s in %s: %s" % (name, message["message-id"], box, why)
                keys.add(letter.key)
        if len(keys) != len(made.truth):
            return "%s: %d of %d letters %s" % (name, len(keys), len(made.truth), run.stderr)
    return ""


def heads_lost(folder, salvage):
    """Stores of which the first 4 % are lost: each letter behind that comes back as it was, in its
    folder; none that was deleted does. Why not, or nothing. `salvage`: path, out -> what was said."""
    for name, method, ansi in VARIANTS:
        made = make(random.Random(name), MB, method, ansi)
        lost = len(made.data) * 4 // 100
        path, out = os.path.join(folder, name + ".pst.locked"), os.path.join(folder, name)
        with open(path, "wb") as f:
            f.write(random.Random(1).randbytes(lost) + made.data[lost:])
        said, why = salvage(path, out)
        if not said:
            return why
        keys = set()
        for part in said["parts"]:
            if check_box(made, part, os.path.join(out, part["name"])) is False:
                return "%s, %s: %s" % (name, part["name"], part["note"])
            for message in messages(os.path.join(out, part["name"])) if part["verdict"] == "proven" else ():
                if message["message-id"] in made.gone:
                    return "%s: %s was deleted" % (name, message["message-id"])
                if not message["message-id"]:
                    keys |= {message["subject"]} if details(message) == made.people[message["subject"]] else set()
                elif made.folder[message["message-id"]] not in part["name"]:
                    return "%s: %s is in %s" % (name, message["message-id"], part["name"])
                keys.add(message["message-id"])
        missing = set(list(made.people)[1:]) - keys or [l.key for l in made.truth if l.key not in keys and
                   min(a for a, _ in l.spans + sum(l.attached.values(), [])) >= lost]
        if missing or not keys:
            return "%s: %d come back, not %s" % (name, len(keys), ", ".join(missing))
    return ""


MAIL = {"pst": Kind(make, check_box, (6 * MB, 18 * MB))}
