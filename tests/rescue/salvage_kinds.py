"""Files of many kinds, made here from nothing but Debian's tools, each with what is worth saving
in it (ranges of the file) and a check of what comes back."""
import csv, hashlib, io, os, random, re, shutil, sqlite3, struct, subprocess, tarfile, tempfile, zipfile, zlib

WORDS = ("the of and to in a is that for it as was with be by on not he his but at are this "
         "have from or had an they which one you were all her she there would their we him been "
         "has when who will no more if out so up said what its about than into them can only "
         "other time new some could these two may first then do any like my now over such our "
         "man me even most made after also did many fore must through years where much your way "
         "report invoice contract patient server backup ledger meeting project budget").split()


def text(rng, size):
    out, n = [], 0
    while n < size:
        line = " ".join(rng.choices(WORDS, k=rng.randint(5, 14))) + \
            (" %d.\n" % rng.randint(1, 10 ** 6))
        out.append(line)
        n += len(line)
    return "".join(out).encode()[:size]


def noise(rng, size):
    return rng.randbytes(size)


class Made:
    """A file: its name, bytes, payload ranges, and whatever its kind needs for checks."""

    def __init__(self, name, data, payload, truth):
        self.name, self.data, self.payload, self.truth = name, data, payload, truth


def zip_payload(data):
    out = []
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        for info in z.infolist():
            name, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
            at = info.header_offset + 30 + name + extra
            out.append((at, at + info.compress_size))
        truth = {i.filename: z.read(i) for i in z.infolist()}
    return out, truth


def make_zip(rng, size):
    buffer, n = io.BytesIO(), 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        while buffer.tell() < size:
            n += 1
            if rng.random() < 0.3:
                z.writestr(zipfile.ZipInfo("pictures/p%03d.bin" % n),
                           noise(rng, rng.randint(3000, 40000)), zipfile.ZIP_STORED)
            else:
                z.writestr("texts/t%03d.txt" % n, text(rng, rng.randint(2000, 60000)))
    data = buffer.getvalue()
    return Made("archive.zip", data, *zip_payload(data))


def make_docx(rng, size):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("[Content_Types].xml", '<?xml version="1.0"?><Types xmlns="http://schemas.'
                   'openxmlformats.org/package/2006/content-types"><Default Extension="xml" '
                   'ContentType="application/xml"/></Types>')
        z.writestr("_rels/.rels", "<Relationships/>")
        body = text(rng, 60000).decode().replace("\n", "</w:t></w:p><w:p><w:t>")
        z.writestr("word/document.xml", "<w:document><w:p><w:t>%s</w:t></w:p></w:document>" % body)
        n = 0
        while buffer.tell() < size:
            n += 1
            z.writestr("word/media/image%d.png" % n, picture_png(rng, 60, 60 + n % 90))
        z.writestr("docProps/core.xml", "<core/>")
    data = buffer.getvalue()
    return Made("report.docx", data, *zip_payload(data))


def make_odt(rng, size):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("mimetype"), "application/vnd.oasis.opendocument.text")
        n = 0
        while buffer.tell() < size:
            n += 1
            z.writestr("Pictures/%032x.jpg" % n, noise(rng, rng.randint(4000, 30000)),
                       zipfile.ZIP_STORED)
        z.writestr("content.xml", "<office>%s</office>" % text(rng, 50000).decode())
        z.writestr("META-INF/manifest.xml", "<manifest/>")
    data = buffer.getvalue()
    return Made("letter.odt", data, *zip_payload(data))


def picture_png(rng, width, height):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + \
            struct.pack(">I", zlib.crc32(kind + body))
    rows = []
    level = [rng.randint(60, 200) for _ in range(3)]
    for _ in range(height):
        row = bytearray(b"\0")
        for _ in range(width):
            level = [max(0, min(255, v + rng.randint(-6, 6))) for v in level]
            row += bytes(level)
        rows.append(bytes(row))
    packed = zlib.compress(b"".join(rows), 6)
    body = b"".join(chunk(b"IDAT", packed[i:i + 8192]) for i in range(0, len(packed), 8192))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + \
        body + chunk(b"IEND", b"")


def make_txt(rng, size):
    data = text(rng, size)
    return Made("notes.txt", data, [(0, len(data))], data)


def make_csv(rng, size):
    out = io.StringIO()
    writer = csv.writer(out)
    while out.tell() < size:
        writer.writerow([rng.randint(1, 10 ** 6), rng.choice(WORDS), rng.choice(WORDS),
                         "%.2f" % rng.uniform(1, 9999), "2024-%02d-%02d" % (rng.randint(1, 12), rng.randint(1, 28))])
    data = out.getvalue().encode()
    return Made("customers.csv", data, [(0, len(data))], data)


def make_mbox(rng, size):
    import base64
    out, n = io.BytesIO(), 0
    while out.tell() < size:
        n += 1
        out.write(b"From someone@example.org Mon Jan  1 00:00:00 2024\nFrom: someone@example.org\n"
                  b"To: other@example.org\nSubject: message %d\nMessage-ID: <%d@example.org>\n\n" % (n, n))
        out.write(text(rng, rng.randint(300, 6000)))
        if rng.random() < 0.3:
            out.write(b"\n" + base64.encodebytes(noise(rng, rng.randint(2000, 20000))))
        out.write(b"\n\n")
    data = out.getvalue()
    return Made("inbox.mbox", data, [(0, len(data))], data)


def make_tar(rng, size):
    buffer, n, truth, payload = io.BytesIO(), 0, {}, []
    with tarfile.open(fileobj=buffer, mode="w") as t:
        while buffer.tell() < size:
            n += 1
            body = text(rng, rng.randint(500, 40000)) if n % 3 else noise(rng, rng.randint(500, 60000))
            info = tarfile.TarInfo("home/user/folder%d/file%d.%s" % (n % 7, n, "txt" if n % 3 else "dat"))
            info.size = len(body)
            t.addfile(info, io.BytesIO(body))
            truth[info.name] = body
            payload.append((info.offset_data if info.offset_data else 0, len(body)))
    data = buffer.getvalue()
    with tarfile.open(fileobj=io.BytesIO(data)) as t:
        payload = [(m.offset_data, m.offset_data + m.size) for m in t]
    return Made("backup.tar", data, payload, truth)


def make_pdf(rng, size):
    """Pages of text, and pictures, each an object; as most writers lay them out."""
    out, places, payload, streams = io.BytesIO(), {}, [], []
    out.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def add(number, head, stream=None):
        places[number] = out.tell()
        begin = out.tell()
        out.write(b"%d 0 obj\n%s" % (number, head))
        if stream is not None:
            out.write(b"\nstream\n" + stream + b"\nendstream")
            streams.append(stream)
        out.write(b"\nendobj\n")
        payload.append((begin, out.tell() - 8))
    add(3, b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    number, pages = 4, []
    while out.tell() < size:
        body = b"BT /F1 9 Tf 20 780 Td 11 TL\n" + b"".join(
            b"(%s) '\n" % line.replace(b"(", b"").replace(b")", b"")
            for line in text(rng, rng.randint(1000, 6000)).split(b"\n")) + b"ET"
        packed = zlib.compress(body)
        picture = zlib.compress(noise(rng, 100 * 3 * rng.randint(20, 100)), 0)
        rows = (len(zlib.decompress(picture))) // 300
        add(number, b"<</Length %d/Filter/FlateDecode>>" % len(packed), packed)
        add(number + 1, b"<</Type/XObject/Subtype/Image/Width 100/Height %d/ColorSpace/DeviceRGB"
            b"/BitsPerComponent 8/Filter/FlateDecode/Length %d>>" % (rows, len(picture)), picture)
        add(number + 2, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents %d 0 R/Resources"
            b"<</Font<</F1 3 0 R>>/XObject<</I %d 0 R>>>>>>" % (number, number + 1))
        pages.append(number + 2)
        number += 3
    add(2, b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), b" ".join(b"%d 0 R" % p for p in pages)))
    add(1, b"<</Type/Catalog/Pages 2 0 R>>")
    at = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % number)
    for n in range(1, number):
        out.write(b"%010d 00000 n \n" % places[n])
    out.write(b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (number, at))
    return Made("contract.pdf", out.getvalue(), payload, streams)


def make_sqlite(rng, size):
    folder = tempfile.mkdtemp(prefix="salvage-sqlite-")
    try:
        path, rows = os.path.join(folder, "a.db"), set()
        db = sqlite3.connect(path)
        db.execute("create table customers(id integer primary key, name text, note text, amount real)")
        db.execute("create table events(id integer primary key, what text, body blob)")
        total = n = 0
        while total < size:
            n += 1
            a = (rng.choice(WORDS) + str(rng.random()), text(rng, rng.randint(20, 400)).decode(), rng.uniform(0, 9999))
            b = (rng.choice(WORDS) + str(rng.random()), noise(rng, rng.randint(10, 900)))
            db.execute("insert into customers values(null,?,?,?)", a)
            db.execute("insert into events values(null,?,?)", b)
            rows |= {a, b}
            total += sum(map(len, a[:2])) + sum(map(len, b)) + 30
        db.commit()
        db.close()
        data = open(path, "rb").read()
    finally:
        shutil.rmtree(folder)
    page = struct.unpack(">H", data[16:18])[0]
    payload = []
    for at in range(page, len(data), page):
        if data[at] == 13:
            cells, content = struct.unpack(">HH", data[at + 3:at + 7])
            payload.append((at + content, at + page))
    return Made("accounts.db", data, payload, rows)


def make_gz(rng, size):
    import gzip
    plain = text(rng, size * 3)
    data = gzip.compress(plain, 6, mtime=0)
    return Made("dump.sql.gz", data, [(10, len(data) - 8)], plain)


def make_png(rng, size):
    width = rng.randint(300, 900)
    data = picture_png(rng, width, size // (width * 3))
    payload, at, raw = [], 8, b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IDAT":
            payload.append((at + 8, at + 8 + n))
            raw += data[at + 8:at + 8 + n]
        at += n + 12
    return Made("photo.png", data, payload, (zlib.decompress(raw), width * 3 + 1))


def user_files(rng, size):
    files, n, total = {}, 0, 0
    while total < size:
        n += 1
        kind = rng.choice(["txt", "csv", "odt", "dat", "txt"])
        if kind == "docx":
            body = make_docx(rng, rng.randint(30000, 300000)).data
        elif kind == "dat":
            body = noise(rng, rng.randint(5000, 400000))
        else:
            body = text(rng, rng.randint(500, 300000))
        files["file%03d.%s" % (n, kind)] = body
        total += len(body)
    return files


def extents(data, index, body):
    """Where a file's bytes lie in an image: found by themselves, block by block."""
    out, at = [], 0
    while at < len(body):
        here = next((p for p in index.get(body[at:at + 32], ())
                     if data[p:p + 512] == body[at:at + 512] or
                     data[p:p + len(body) - at] == body[at:]), None)
        if here is None:
            at += 512
            continue
        n = min(512, len(body) - at)
        while at + n < len(body) and data[here + n:here + n + 512] == body[at + n:at + n + 512]:
            n += 512
        n = min(n, len(body) - at)
        out.append((here, here + n))
        at += n
    return out


def block_index(data):
    index = {}
    for at in range(0, len(data), 512):
        index.setdefault(data[at:at + 32], []).append(at)
    index.pop(bytes(32), None)
    return index


def tool(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def disk(rng, size, system):
    folder = tempfile.mkdtemp(prefix="salvage-disk-")
    try:
        image, home = os.path.join(folder, "image"), os.path.join(folder, "home")
        files = user_files(rng, size * 7 // 10)
        with open(image, "wb") as f:
            f.truncate(size)
        os.mkdir(home)
        for name, body in files.items():
            with open(os.path.join(home, name), "wb") as f:
                f.write(body)
        if system == "ext4":
            tool("mkfs.ext4", "-q", "-F", "-d", home, image)
        elif system == "ntfs":
            tool("mkfs.ntfs", "-q", "-F", "-Q", "-T", image)
            for name in files:
                tool("ntfscp", image, os.path.join(home, name), name)
        else:
            tool("mkfs.vfat", "-F", "32", image)
            tool("mcopy", "-i", image, *[os.path.join(home, n) for n in files], "::/")
        with open(image, "rb") as f:
            return f.read(), files
    finally:
        shutil.rmtree(folder)


def converted(data, kind):
    folder = tempfile.mkdtemp(prefix="salvage-disk-")
    try:
        a, b = os.path.join(folder, "a"), os.path.join(folder, "b")
        with open(a, "wb") as f:
            f.write(data)
        tool("qemu-img", "convert", "-f", "raw", "-O", kind, a, b)
        with open(b, "rb") as f:
            return f.read()
    finally:
        shutil.rmtree(folder)


def make_disk(system, kind, name):
    def make(rng, size):
        data, files = disk(rng, size, system)
        if kind:
            data = converted(data, kind)
        index = block_index(data)
        payload = [e for body in files.values() for e in extents(data, index, body)]
        return Made(name, data, payload, files)
    return make


# --- checks: what a part must be, to count ---

GAP = re.compile(rb"\n\[\d+ (?:bytes encrypted|packed bytes lost)\]\n|\[\d+\?\]|\?+")


def pieces_in(part, truth, least=24):
    """All longer stretches between gaps are in the truth, in its order."""
    at = 0
    for piece in GAP.split(part):
        if len(piece) < least:
            continue
        found = truth.find(piece, at)
        if found < 0:
            # A question mark of the text itself, or a few bytes before codes fell into step.
            return False
        at = found
    return True


def check_zip(made, part, path):
    data = open(path, "rb").read()
    if part["kind"] == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as z:
            return z.testzip() is None and all(z.read(i) == made.truth.get(i.filename)
                                               for i in z.infolist())
    if part["kind"] == "member":
        name = next((n for n in made.truth if part["name"].endswith(n)), None)
        if name is None:
            return False
        truth = made.truth[name]
        if name.endswith((".txt", ".xml")):
            return pieces_in(data, truth)
        return check_blanked(data, truth)
    return False


def check_blanked(data, truth):
    """Equal but for zeros, in the same places."""
    if len(data) > len(truth):
        return False
    step = 512
    return all(a == b or all(x == y or x == 0 for x, y in zip(a, b))
               for a, b in ((data[i:i + step], truth[i:i + step])
                            for i in range(0, len(data), step)))


def check_text(made, part, path):
    return pieces_in(open(path, "rb").read(), made.truth)


def check_files(made, part, path):
    """Named files: whole ones equal, others equal but for zeros."""
    name = max((n for n in made.truth if part["name"].endswith(n) or "/%s/" % n in part["name"] or
                "/%s.parts/" % n in part["name"]), key=len, default=None)
    if name is None:
        return check_orphan(made, part, path)
    if name.endswith("odt") and part["kind"] in ("zip", "member"):
        return check_zip(Made(name, b"", [], zip_payload(made.truth[name])[1]), part, path)
    data, truth = open(path, "rb").read(), made.truth[name]
    if data == truth:
        return True
    part["opens"] = name.endswith((".txt", ".csv"))
    return part["verdict"] == "partial" and (check_blanked(data, truth) or pieces_in(data, truth))


def check_pdf(made, part, path):
    """qpdf opens it, and its streams are those of the original or begin as they do."""
    run = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True)
    if run.returncode == 2 and "error" in run.stderr.lower():
        part["opens"] = False
    data, at = open(path, "rb").read(), 0
    known = {s[:24]: s for s in made.truth}
    for match in re.finditer(rb"\nstream\n", data):
        stream = data[match.end():data.find(b"\nendstream", match.end())]
        truth = known.get(stream[:24])
        if truth is None or (truth != stream and not truth.startswith(stream)):
            if len(stream) >= 24:
                return False
    return True


def check_sqlite(made, part, path):
    """sqlite3 reads it; every row is one of the original's."""
    db = sqlite3.connect(":memory:")
    db.executescript(open(path).read())
    good = all_rows = 0
    for (table,) in db.execute("select name from sqlite_master where type='table'").fetchall():
        for row in db.execute("select * from " + table):
            all_rows += 1
            good += tuple(row[2:]) in made.truth
    return good >= 0.999 * all_rows


def check_orphan(made, part, path):
    """A file whose name is lost: one of the files, by its contents."""
    data = open(path, "rb").read()
    if "/carved/" in part["name"] and (part["kind"] in ("zip", "member") or
                                       part["name"].endswith(".txt")):
        if part["kind"] == "zip":
            with zipfile.ZipFile(io.BytesIO(data)) as z:
                return z.testzip() is None
        part["opens"] = part["name"].endswith(".txt")
        return any(all(p in body for p in GAP.split(data) if len(p) > 24)
                   for body in made.truth.values())
    return any(data == body for body in made.truth.values()) or \
        any(data.startswith(body) or body.startswith(data) or check_blanked(data, body)
            for body in made.truth.values())


def check_png(made, part, path):
    """Opens with PIL; its rows are rows of the original."""
    from PIL import Image
    with Image.open(path) as image:
        image.load()
    data, at, raw = open(path, "rb").read(), 8, []
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IDAT":
            raw.append(data[at + 8:at + 8 + n])
        at += n + 12
    rows, row = zlib.decompress(b"".join(raw)), made.truth[1]
    if len(rows) % row:
        return False
    known = {made.truth[0][i:i + row] for i in range(0, len(made.truth[0]), row)}
    mine = [rows[i:i + row] for i in range(0, len(rows), row)]
    right = sum(r in known for r in mine)
    return right > 0.9 * sum(any(r) for r in mine)


class Kind:
    def __init__(self, make, check, sizes):
        self.make, self.check, self.sizes = make, check, sizes


MB = 1000 * 1000
DISKS = (24 * MB // 4096 * 4096, 48 * MB // 4096 * 4096)
KINDS = {
    "zip": Kind(make_zip, check_zip, (7 * MB, 20 * MB)),
    "docx": Kind(make_docx, check_zip, (6 * MB, 18 * MB)),
    "odt": Kind(make_odt, check_zip, (6 * MB, 18 * MB)),
    "txt": Kind(make_txt, check_text, (6 * MB, 18 * MB)),
    "csv": Kind(make_csv, check_text, (6 * MB, 18 * MB)),
    "tar": Kind(make_tar, check_files, (6 * MB, 18 * MB)),
    "gz": Kind(make_gz, check_text, (5 * MB, 9 * MB)),
    "png": Kind(make_png, check_png, (6 * MB, 9 * MB)),
    "ext4": Kind(make_disk("ext4", None, "server-flat.vmdk"), check_files, DISKS),
    "ntfs": Kind(make_disk("ntfs", None, "windows.img"), check_files, DISKS),
    "fat": Kind(make_disk("fat", None, "stick.img"), check_files, (48 * MB // 4096 * 4096, 64 * MB // 4096 * 4096)),
    "qcow2": Kind(make_disk("ext4", "qcow2", "guest.qcow2"), check_files, DISKS),
    "vhdx": Kind(make_disk("ntfs", "vhdx", "guest.vhdx"), check_files, DISKS),
    "pdf": Kind(make_pdf, check_pdf, (6 * MB, 18 * MB)),
    "sqlite": Kind(make_sqlite, check_sqlite, (6 * MB, 18 * MB)),
    "mbox": Kind(make_mbox, check_text, (6 * MB, 18 * MB)),
}
