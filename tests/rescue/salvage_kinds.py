"""Documents of many kinds, made here, each with what is worth saving in it (ranges of the file),
what can be read of that (salvage_decodable), and a check of what comes back: how many bytes of
it are those of the original, or False when something is not."""
import csv, io, os, re, shutil, sqlite3, struct, subprocess, tarfile, tempfile, zipfile, zlib

from salvage_decodable import deflate_units

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
    """A file: its name, bytes, payload ranges, and whatever its kind needs for checks. Without
    units every plain byte of the payload can be read."""

    def __init__(self, name, data, payload, truth, units=None):
        self.name, self.data, self.payload, self.truth = name, data, payload, truth
        self.units = [([], [r], "all") for r in payload] if units is None else units


def lying_at(base):
    """Where bytes of something that begins at `base` lie."""
    return lambda a, b: [(base + a, base + b)]


def zip_payload(data):
    payload, truth, units = [], {}, []
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        for info in z.infolist():
            name, extra = struct.unpack_from("<HH", data, info.header_offset + 26)
            begin = info.header_offset + 30 + name + extra
            end = begin + info.compress_size
            payload.append((begin, end))
            units += deflate_units(data[begin:end], lying_at(begin)) \
                if info.compress_type == zipfile.ZIP_DEFLATED else [([], [(begin, end)], "all")]
            truth[info.filename] = z.read(info)
    return payload, truth, units


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
            z.writestr("word/media/image%d.png" % n, small_png(rng, 60, 60 + n % 90))
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



def small_png(rng, width, height):
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
    out, places, payload, streams, units = io.BytesIO(), {}, [], [], []
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
        if stream is None:
            units.append(([], [payload[-1]], "whole"))
            return
        start = begin + len(b"%d 0 obj\n%s\nstream\n" % (number, head))
        units.append(([], [(begin, start)], "whole"))
        units.extend(deflate_units(stream[2:], lying_at(start + 2)))
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
    return Made("contract.pdf", out.getvalue(), payload, streams, units)


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
    payload, units = [], []
    for here in range(page, len(data), page):
        if data[here] == 13:
            cells, content = struct.unpack(">HH", data[here + 3:here + 7])
            payload.append((here + content, here + page))
            starts = sorted(struct.unpack(">%dH" % cells, data[here + 8:here + 8 + 2 * cells]))
            units += [([], [(here + a, here + b)], "whole")
                      for a, b in zip(starts, starts[1:] + [page])]
    return Made("accounts.db", data, payload, rows, units)


def make_gz(rng, size):
    import gzip
    plain = text(rng, size * 3)
    data = gzip.compress(plain, 6, mtime=0)
    return Made("dump.sql.gz", data, [(10, len(data) - 8)], plain,
                deflate_units(data[10:], lying_at(10)))










# --- checks: what a part must be, to count ---

GAP = re.compile(rb"\n\[\d+ (?:bytes encrypted|packed bytes lost)\]\n|\[\d+\?\]|\?+")


def pieces_in(part, truth, least=24):
    """What is between gaps, if of 100 bytes at most one is not of the truth in its order: how many
    bytes are."""
    begin = right = wrong = 0
    for piece in GAP.split(part):
        if len(piece) < least:
            right += len(piece)
            continue
        found = truth.find(piece, begin)
        if found < 0:
            # A few bytes may be wrong before codes fell into step.
            wrong += least
            piece = piece[least:]
            found = truth.find(piece, begin) if len(piece) >= least else -1
        if found < 0:
            wrong += len(piece)
        else:
            begin = found + len(piece)
            right += len(piece)
        if wrong * 100 > len(part):
            return False
    return right


def check_zip(made, part, path):
    data = open(path, "rb").read()
    part["opens"] = True
    if part["kind"] == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as z:
            good = z.testzip() is None and all(z.read(i) == made.truth.get(i.filename)
                                               for i in z.infolist())
            return good and len(data)
    if part["kind"] in ("member", "file"):
        name = next((n for n in made.truth if part["name"].endswith(n)), None)
        if name is None:
            return False
        truth = made.truth[name]
        if name.endswith((".txt", ".xml")):
            return pieces_in(data, truth)
        # Data of no format (noise) are as usable with gaps as they can be.
        part["opens"] = data == truth or name.startswith(("pictures/", "Pictures/"))
        return check_blanked(data, truth)
    if part["kind"] == "PNG":
        from salvage_media import check_png, png_data
        name = next(n for n in made.truth if n[:-4] + "." in part["name"])
        truth = made.truth[name]
        row = struct.unpack(">I", truth[16:20])[0] * 3 + 1
        return check_png(Made(name, truth, [], (zlib.decompress(png_data(truth)[0]), row)), part, path)
    return False


def check_blanked(data, truth):
    """Equal but for zeros, in the same places: how many bytes are equal."""
    if len(data) > len(truth):
        return False
    right, step = 0, 512
    for i in range(0, len(data), step):
        a, b = data[i:i + step], truth[i:i + step]
        if a == b:
            right += len(a)
            continue
        if not all(x == y or x == 0 for x, y in zip(a, b)):
            return False
        right += sum(x == y for x, y in zip(a, b))
    return right


def check_text(made, part, path):
    part["opens"] = True
    return pieces_in(open(path, "rb").read(), made.truth)


def with_gaps(stream, truth):
    """How many bytes of an unpacked stream are those of the original, gaps being zeros, or question
    marks and the brackets beside them; False: more than one of a hundred is not."""
    if len(stream) > len(truth) + 3 * stream.count(b"???"):
        return False
    if b"\0" not in stream:
        return pieces_in(re.sub(rb"(?<=\?)[()]|[()](?=\?)", b"?", stream), truth, 12)
    return check_blanked(stream, truth)


def check_pdf(made, part, path):
    """qpdf opens it, and its streams are those of the original or begin as they do; in packed
    ones that were written anew is, between gaps, what was there, but for a byte of a hundred."""
    run = subprocess.run(["qpdf", "--check", path], capture_output=True, text=True,
                         errors="replace")
    part["opens"] = not (run.returncode == 2 and "error" in run.stderr.lower())
    data, lost, wrong = open(path, "rb").read(), 0, 0
    known, plain = {}, [zlib.decompress(s) for s in made.truth]
    for s in made.truth + plain:
        known.setdefault(s[:24], []).append(s)
    for match in re.finditer(rb"\nstream\n", data):
        stream = data[match.end():data.find(b"\nendstream", match.end())]
        if len(stream) < 24 or any(t.startswith(stream) or
                                   # Behind a packed stream, a few bytes of a damaged
                                   # "endstream" do no harm.
                                   (stream.startswith(t) and len(stream) < len(t) + 12)
                                   for t in known.get(stream[:24], ())):
            continue
        size = int(re.findall(rb"/Length (\d+)", data[:match.end()][-400:])[-1])
        stream = zlib.decompress(data[match.end():match.end() + size])
        right = next((n for n in (with_gaps(stream, t) for t in plain) if n is not False), 0)
        lost += len(stream) - right
        wrong += 0 if right else len(stream)
    return wrong * 100 <= len(data) and len(data) - lost


def value_left(mine, true):
    """How many bytes of a value are the original's, gaps being NULL, question marks or zeros; False:
    it is another."""
    if mine == true:
        return len(true) if isinstance(true, (str, bytes)) else 8
    if mine is None:
        return 0
    if type(mine) is not type(true) or not isinstance(true, (str, bytes)) or len(mine) != len(true):
        return False
    gap = "?" if isinstance(true, str) else 0
    same = sum(x == y for x, y in zip(mine, true))
    return same if all(x == y or x == gap for x, y in zip(mine, true)) else False


def row_left(row, rows):
    """The same of a row: rows that may be it are those that begin or end alike somewhere."""
    for other in {o for value in row for key in keys_of(value) for o in rows.get(key, ())}:
        if len(other) == len(row):
            left = [value_left(a, b) for a, b in zip(row, other)]
            if not any(v is False for v in left):
                return sum(left)
    return False


def keys_of(value):
    if isinstance(value, (str, bytes)):
        gap = "?" if isinstance(value, str) else b"\0"
        return [k for k in (("from", value[:8]), ("to", value[-8:])) if len(k[1]) == 8 and gap not in k[1]]
    return [] if value is None else [("is", value)]


def check_sqlite(made, part, path):
    """sqlite3 reads it; every row is one of the original's, or what is left of one."""
    db = sqlite3.connect(":memory:")
    db.executescript(open(path).read())
    part["opens"] = True
    good = rows = size = hurt = known = 0
    index = {}
    for row in made.truth:
        for key in (k for value in row for k in keys_of(value)):
            index.setdefault(key, []).append(row)
    for (table,) in db.execute("select name from sqlite_master where type='table'").fetchall():
        for row in db.execute("select * from " + table):
            if str(row[-1]).startswith("CREATE "):
                continue  # the schema itself, its table's name being lost
            if table.startswith("damaged_"):
                if any(keys_of(value) for value in row[2:-1]):
                    left = row_left(row[2:-1], index)
                    hurt, known, size = hurt + 1, known + (left is not False), size + 16 + left
                continue
            rows += 1
            good += tuple(row[2:]) in made.truth
            size += 16 + sum(len(v) if isinstance(v, (str, bytes)) else 8 for v in row)
    part["note"] += " (%d of %d rows with gaps are right)" % (known, hurt)
    return good >= 0.999 * rows and known >= 0.99 * hurt and size


class Kind:
    def __init__(self, make, check, sizes):
        self.make, self.check, self.sizes = make, check, sizes


MB = 1000 * 1000
DOCUMENTS = {
    "zip": Kind(make_zip, check_zip, (7 * MB, 20 * MB)),
    "docx": Kind(make_docx, check_zip, (6 * MB, 18 * MB)),
    "odt": Kind(make_odt, check_zip, (6 * MB, 18 * MB)),
    "txt": Kind(make_txt, check_text, (6 * MB, 18 * MB)),
    "csv": Kind(make_csv, check_text, (6 * MB, 18 * MB)),
    "mbox": Kind(make_mbox, check_text, (6 * MB, 18 * MB)),
    "pdf": Kind(make_pdf, check_pdf, (6 * MB, 18 * MB)),
    "sqlite": Kind(make_sqlite, check_sqlite, (6 * MB, 18 * MB)),
    "gz": Kind(make_gz, check_text, (5 * MB, 9 * MB)),
}
