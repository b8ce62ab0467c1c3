"""Pictures and films, made with PIL and ffmpeg; for their checks a second decoder."""
import io, itertools, os, random, shutil, struct, subprocess, tempfile, zlib

from salvage_decodable import deflate_units
from salvage_kinds import MB, Kind, Made, small_png

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def png_data(data):
    """The compressed stream of a picture, and (place in it, place in the file, size) of its parts."""
    places, at, packed = [], 8, b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IDAT":
            places.append((len(packed), at + 8, n))
            packed += data[at + 8:at + 8 + n]
        at += n + 12
    return packed, places


def make_png(rng, size):
    if size < 1 * MB:
        width = rng.randint(60, 200)
        data = small_png(rng, width, max(size // (width * 3), 8))
    else:
        width, buffer = rng.randint(900, 1800), io.BytesIO()
        photograph(rng, width, int(size / 2.4) // width).save(buffer, "PNG")
        data = buffer.getvalue()
    packed, places = png_data(data)

    def place(a, b):
        return [(outer + max(a + 2 - inner, 0), outer + min(b + 2 - inner, n))
                for inner, outer, n in places if a + 2 < inner + n and b + 2 > inner]
    return Made("photo.png", data, [(outer, outer + n) for _, outer, n in places],
                (zlib.decompress(packed), width * 3 + 1), deflate_units(packed[2:], place))


def equal_but_zeros(mine, true):
    """How many bytes of a row are those of the original, what is not known being zero; False: more
    than one of a hundred is something else."""
    right = wrong = 0
    for i in range(0, len(true), 32):
        a, b = mine[i:i + 32], true[i:i + 32]
        if a == b:
            right += len(a)
        else:
            right += sum(x == y for x, y in zip(a, b))
            wrong += sum(x != y and x != 0 for x, y in zip(a, b))
    return wrong * 100 <= len(true) and right


def check_png(made, part, path):
    """Opens with PIL; its rows are rows of the original, or what is known of those that stand
    where they do, counted from whole ones."""
    from PIL import Image
    with Image.open(path) as image:
        image.load()
    part["opens"] = True
    rows, row = zlib.decompress(png_data(open(path, "rb").read())[0]), made.truth[1]
    if len(rows) % row:
        return False
    truth = [made.truth[0][i:i + row] for i in range(0, len(made.truth[0]), row)]
    mine = [rows[i:i + row] for i in range(0, len(rows), row)]
    known = {r: i for i, r in reversed(list(enumerate(truth)))}
    shown = right = size = 0
    shifts = [0]
    for i, r in enumerate(mine):
        if not any(r[1:]):
            continue
        shown += 1
        if r in known:
            shifts = [known[r] - i] + [s for s in shifts if s != known[r] - i][:3]
            right, size = right + 1, size + row
            continue
        near = next((known[m] - k for k, m in enumerate(mine[i:i + 40], i) if m in known), 0)
        found = max(equal_but_zeros(r, truth[i + s]) for s in [near] + shifts if 0 <= i + s < len(truth)) \
            if any(0 <= i + s < len(truth) for s in [near] + shifts) else 0
        right, size = right + (found > row // 100), size + found
    part["note"] += " (%d of %d rows are right)" % (right, shown)
    return right > 0.9 * shown and size


def photograph(rng, width, height):
    """Something between a photograph and noise, of which a third is quiet."""
    from PIL import Image, ImageFilter
    planes = []
    for _ in range(3):
        slope = Image.linear_gradient("L").rotate(90 * rng.randint(0, 3)).resize((width, height))
        blobs = Image.frombytes("L", (width // 60, height // 60),
                                rng.randbytes((width // 60) * (height // 60)))
        blobs = blobs.resize((width, height), Image.BICUBIC)
        fine = Image.frombytes("L", (width, height), rng.randbytes(width * height))
        fine = fine.filter(ImageFilter.GaussianBlur(0.7))
        planes.append(Image.blend(Image.blend(slope, blobs, 0.5), fine, 0.3))
    return Image.merge("RGB", planes)


def make_jpeg(rng, size):
    """Every second one with restart markers, every fourth in 4:4:4."""
    from PIL import Image
    folder = tempfile.mkdtemp(prefix="salvage-jpeg-")
    try:
        pixels = size * 5
        width = int((pixels * rng.uniform(1, 2)) ** 0.5)
        image = photograph(rng, width, pixels // width)
        ppm, jpg = os.path.join(folder, "a.ppm"), os.path.join(folder, "a.jpg")
        image.save(ppm)
        restart = ["-restart", str(rng.randint(1, 4))] if rng.random() < 0.5 else []
        sample = ["-sample", "1x1"] if rng.random() < 0.25 else []
        subprocess.run(["cjpeg", "-quality", str(rng.randint(80, 93)), *restart, *sample,
                        "-outfile", jpg, ppm], check=True, **QUIET)
        data = open(jpg, "rb").read()
    finally:
        shutil.rmtree(folder)
    begin, kind = 2, 0
    while kind != 0xda:
        kind = data[begin + 1]
        begin += 2 + struct.unpack(">H", data[begin + 2:begin + 4])[0]
    return Made("holiday.jpg", data, [(begin, len(data) - 2)], [])


def scans(data):
    """Where the data of each scan begin and end."""
    out, at = [], 2
    while data[at + 1] != 0xd9:
        begin = at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        if data[at + 1] == 0xda:
            end = begin
            while data[end] != 0xff or data[end + 1] == 0 or data[end + 1] & 0xf8 == 0xd0:
                end += 1
            out.append((begin, end))
            begin = end
        at = begin
    return out


def squares(image, size):
    """The mean brightness of each square, row by row, and how many stand in a row."""
    from PIL import Image
    width, height = image.width // size, image.height // size
    return image.convert("L").crop((0, 0, width * size, height * size)).resize(
        (width, height), Image.BOX).tobytes(), width


def layered(folder, salvage):
    """A progressive picture with one gap in its last scan, one of its first coefficients, one of its
    means: what comes before and behind it stands where it did. Why not, or nothing."""
    from PIL import Image
    ppm, jpg = os.path.join(folder, "a.ppm"), os.path.join(folder, "a.jpg")
    photograph(random.Random("layers"), 1600, 1200).save(ppm)
    for options in ([], ["-restart", "1"]):
        subprocess.run(["cjpeg", "-progressive", "-quality", "88", *options, "-outfile", jpg, ppm],
                       check=True, **QUIET)
        data = open(jpg, "rb").read()
        truth, wide = squares(Image.open(jpg), 16)
        layers = scans(data)
        for which, alike, near in (len(layers) - 1, 30, 99), (1, 0, 90), (0, 0, 50):
            begin, end = layers[which]
            a, b = begin + (end - begin) * 35 // 100, begin + (end - begin) * 60 // 100
            path, out = os.path.join(folder, "a.jpg.locked"), os.path.join(folder, "out")
            with open(path, "wb") as f:
                f.write(data[:a] + random.Random(which).randbytes(b - a) + data[b:])
            said, why = salvage(path, out)
            if not said or len(said["parts"]) != 1:
                return why or "%d parts" % len(said["parts"])
            mine = os.path.join(out, said["parts"][0]["name"])
            run = subprocess.run(["djpeg", "-outfile", "/dev/null", mine], capture_output=True)
            if run.returncode or run.stderr:
                return "it does not open: %s" % run.stderr.decode()
            found = squares(Image.open(mine), 16)[0]
            shown = [i for i, v in enumerate(found) if v != 128]
            # Behind a gap of the means all of them can be too dark.
            last = [found[i] - truth[i] for i in shown if i >= len(found) * 4 // 5]
            middle = sorted(last)[len(last) // 2] if last else 0
            fits = sum(abs(found[i] - truth[i]) <= 10 or (which == 0 and i > len(found) // 2 and
                       abs(found[i] - truth[i] - middle) <= 16) for i in shown)
            same = sum(x == y for x, y in zip(Image.open(mine).convert("L").tobytes(),
                                              Image.open(jpg).convert("L").tobytes()))
            if len(shown) * 100 < near * len(found) * 95 // 100 or fits * 100 < len(shown) * 90 or \
               same * 100 < alike * 1600 * 1200:
                return "scan %d %s: of %d squares %d shown, %d right, %d samples the same" % (
                    which, options, len(found), len(shown), fits, same)
            shutil.rmtree(out)
    return ""


def mcu_blocks(data):
    """The brightness of the first 8x8 samples of each MCU, without its mean, in order."""
    from PIL import Image
    image = Image.open(io.BytesIO(data))
    layers = image.layer[0]
    step_x, step_y = 8 * layers[1], 8 * layers[2]
    image.draft("L", image.size)
    image = image.convert("L")
    width, height = image.size
    raw, out = image.tobytes(), []
    for y in range(0, height - height % step_y, step_y):
        rows = [raw[(y + k) * width:(y + k + 1) * width] for k in (0, 2, 5, 7)]
        for x in range(0, (width + step_x - 1) // step_x * step_x, step_x):
            out.append(b"".join(r[x:x + 8] for r in rows) if x + 8 <= width else b"")
    return out


def same_block(a, b):
    if len(a) != len(b) or not a:
        return False
    shifts = sorted(x - y for x, y in zip(a, b) if 0 < x < 255 and 0 < y < 255)
    return len(shifts) > 8 and shifts[-1] - shifts[0] <= 2


def slopes(block):
    """How each of its rows falls, whatever its brightness."""
    return [sum(block[i:i + 4]) - sum(block[i + 4:i + 8]) for i in range(0, len(block), 8)]


def block_places(blocks):
    """Their places by their slopes, roughly."""
    places = {}
    for i, block in enumerate(blocks):
        if block:
            places.setdefault(tuple(v >> 2 for v in slopes(block)), []).append(i)
    return places


def likely_places(places, block):
    near = [{(v - 2) >> 2, (v + 2) >> 2} for v in slopes(block)]
    return sorted(k for key in itertools.product(*near) for k in places.get(key, ()))


def segments(data):
    """(kind, begin, end) of what stands before a picture's scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xff and data[at + 1] != 0xda:
        end = at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        yield data[at + 1], at, end
        at = end


FLAT = b"".join(b"\xff\xdb\0\x43" + bytes([i]) + bytes([2] * 64) for i in range(4))


def flattened(data):
    """The picture with one scale for all coefficients, so small that nothing is cut off."""
    out, last = [data[:2], FLAT], 2
    for kind, a, b in segments(data):
        out.append(b"" if kind == 0xdb else data[a:b])
        last = b
    return b"".join(out) + data[last:]


def check_jpeg(made, part, path):
    """Opens with PIL and djpeg; its MCUs are, in order, those of the original, but for how bright
    they are (that is a sum over what is lost, too), for the scale of its coefficients where that
    is lost with its head, and for gaps of one colour."""
    data = open(path, "rb").read()
    run = subprocess.run(["djpeg", "-outfile", "/dev/null", path], capture_output=True)
    part["opens"] = run.returncode == 0
    if not made.truth:
        blocks = mcu_blocks(flattened(made.data))
        made.truth[:] = blocks, block_places(blocks)
    truth, places = made.truth
    mine, right, shown, shift, lost, searches, behind = mcu_blocks(flattened(data)), 0, 0, None, 0, 0, 0
    for i, block in enumerate(mine):
        if not block or max(block) - min(block) <= 2:
            continue  # of one colour: says nothing
        shown += 1
        if shift is not None and 0 <= i + shift < len(truth) and same_block(block, truth[i + shift]):
            right, lost, behind = right + 1, 0, i + shift
            continue
        lost += 1
        if (lost > 4 and lost % 32) or searches >= 2000:
            continue
        searches += 1
        for k in likely_places(places, block):
            if k >= behind and \
               all(same_block(*pair) for pair in zip(mine[i:i + 4], truth[k:k + 4])):
                shift, lost = k - i, 0
                right += 1
                break
    part["note"] += " (%d of %d blocks are right)" % (right, shown)
    return right > 0.9 * shown and len(data)


def packets(path):
    """MD5 and size of each packet, as ffmpeg reads them."""
    run = subprocess.run(["ffmpeg", "-v", "quiet", "-i", path, "-map", "0", "-c", "copy", "-f",
                          "framemd5", "-"], capture_output=True, text=True)
    rows = [line.split(",") for line in run.stdout.splitlines() if line and line[0] != "#"]
    return [(r[5].strip(), int(r[4])) for r in rows]


def boxes(data, begin, end):
    while begin + 8 <= end:
        size, kind = struct.unpack(">I4s", data[begin:begin + 8])
        if size < 8:
            return
        yield kind, begin + 8, begin + size
        begin += size


def samples(data, moov):
    """(offset, size) of every sample, by the tables (ISO/IEC 14496-12)."""
    out = []
    for kind, begin, end in boxes(data, *moov):
        if kind != b"trak":
            continue
        table = {}
        path = [(begin, end)]
        for name in (b"mdia", b"minf", b"stbl"):
            path = [next((a, b) for k, a, b in boxes(data, *path[0]) if k == name)]
        for k, a, b in boxes(data, *path[0]):
            table[k] = a
        fixed, count = struct.unpack(">II", data[table[b"stsz"] + 4:table[b"stsz"] + 12])
        sizes = [fixed] * count if fixed else struct.unpack_from(">%dI" % count, data, table[b"stsz"] + 12)
        chunks = struct.unpack_from(">%dI" % struct.unpack_from(">I", data, table[b"stco"] + 4),
                                    data, table[b"stco"] + 8)
        runs = struct.unpack_from(">I", data, table[b"stsc"] + 4)[0]
        each = [struct.unpack_from(">III", data, table[b"stsc"] + 8 + 12 * i) for i in range(runs)]
        n = 0
        for index, at in enumerate(chunks, 1):
            for _ in range(max(e for e in each if e[0] <= index)[1]):
                out.append((at, sizes[n]))
                at += sizes[n]
                n += 1
    return out


def make_mp4(rng, size):
    """H.264 and AAC; the table in front in every second one."""
    folder = tempfile.mkdtemp(prefix="salvage-mp4-")
    try:
        path = os.path.join(folder, "a.mp4")
        seconds, front = 60, rng.random() < 0.5
        rate = size * 8 // seconds - 100000
        subprocess.run(["ffmpeg", "-v", "quiet", "-f", "lavfi", "-i",
                        "testsrc2=s=640x360:r=25,noise=alls=20:allf=t:all_seed=%d" % rng.randint(1, 999),
                        "-f", "lavfi", "-i", "sine=f=%d" % rng.randint(200, 900), "-t", str(seconds),
                        "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-b:v", str(rate),
                        "-maxrate", str(rate), "-bufsize", str(rate), "-g", "50", "-c:a", "aac",
                        *(["-movflags", "+faststart"] if front else []), path], check=True)
        data = open(path, "rb").read()
        known = packets(path)
    finally:
        shutil.rmtree(folder)
    moov = next((a, b) for k, a, b in boxes(data, 0, len(data)) if k == b"moov")
    payload = [(a, a + n) for a, n in samples(data, moov)]
    return Made("film.mp4", data, payload, known, [([moov], [r], "whole") for r in payload])


def check_mp4(made, part, path):
    """ffprobe opens it; every packet is one of the original's."""
    run = subprocess.run(["ffprobe", "-v", "error", "-show_format", path], capture_output=True)
    part["opens"] = run.returncode == 0
    mine, known = packets(path), set(made.truth)
    right = sum(size for md5, size in mine if (md5, size) in known)
    part["note"] += " (%d of %d packets are right)" % (sum(p in known for p in mine), len(mine))
    return all(p in known for p in mine) and right


MEDIA = {
    "png": Kind(make_png, check_png, (6 * MB, 9 * MB)),
    "jpeg": Kind(make_jpeg, check_jpeg, (4 * MB, 6 * MB)),
    "mp4": Kind(make_mp4, check_mp4, (7 * MB, 18 * MB)),
}
