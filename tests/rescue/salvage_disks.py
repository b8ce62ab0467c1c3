"""Disks full of files, made with Debian's tools; what comes out of them is checked as each file's
own kind is."""
import io, os, shutil, subprocess, tempfile, zipfile

from salvage_decodable import placed
from salvage_kinds import DOCUMENTS, GAP, MB, Kind, Made, check_blanked, noise, pieces_in
from salvage_media import MEDIA

INNER = {"txt": ("txt", 300), "csv": ("csv", 200), "docx": ("docx", 300), "odt": ("odt", 200),
         "pdf": ("pdf", 300), "png": ("png", 150), "jpg": ("jpeg", 300), "db": ("sqlite", 200),
         "zip": ("zip", 300), "mbox": ("mbox", 200), "dat": (None, 200)}


def user_files(rng, size):
    """Files of all kinds, a few hundred kB each: name to Made."""
    files, n, total = {}, 0, 0
    while total < size:
        n += 1
        ending = rng.choice(list(INNER))
        kind, most = INNER[ending]
        much = rng.randint(most * 100, most * 1000)
        if kind is None:
            body = noise(rng, much)
            made = Made("", body, [(0, len(body))], None, [([], [(0, len(body))], "whole")])
        else:
            made = {**DOCUMENTS, **MEDIA}[kind].make(rng, much)
        files["file%03d.%s" % (n, ending)] = made
        total += len(made.data)
    return files


def extents(data, index, body):
    """Where a file's bytes lie in an image, (place in it, in the image, how many): found by
    themselves, block by block."""
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
        out.append((at, here, n))
        at += n
    return out


def block_index(data):
    index = {}
    for at in range(0, len(data), 512):
        index.setdefault(data[at:at + 32], []).append(at)
    index.pop(bytes(32), None)
    return index


def tool(*command, env=None):
    subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def disk(rng, size, system):
    folder = tempfile.mkdtemp(prefix="salvage-disk-")
    try:
        image, home = os.path.join(folder, "image"), os.path.join(folder, "home")
        files = user_files(rng, size * 7 // 10)
        with open(image, "wb") as f:
            f.truncate(size)
        os.mkdir(home)
        for name, made in files.items():
            with open(os.path.join(home, name), "wb") as f:
                f.write(made.data)
        if system == "ext4":
            # Blocks as on disks of any size, so that files have no holes.
            tool("mkfs.ext4", "-q", "-F", "-b", "4096", "-g", "2048", "-d", home,
                 image)
        elif system == "ntfs":
            tool("mkfs.ntfs", "-q", "-F", "-Q", "-T", image)
            for name in files:
                tool("ntfscp", image, os.path.join(home, name), name)
        elif system == "xfs":
            # A prototype file: mkfs.xfs puts the files in (mkfs.xfs(8), -p).
            with open(os.path.join(folder, "proto"), "w") as f:
                f.write("/\n0 0\nd--755 0 0\n" + "".join(
                    "%s ---644 0 0 %s\n" % (n, os.path.join(home, n)) for n in files) + "$\n")
            # Below 300 MB it is made for tests only, which say so by these.
            tool("mkfs.xfs", "-q", "-f", "-p", os.path.join(folder, "proto"), image,
                 env={**os.environ, "TEST_DIR": "1", "TEST_DEV": "1", "QA_CHECK_FS": "1"})
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
        index, payload, units = block_index(data), [], []
        for made in files.values():
            parts = extents(data, index, made.data)

            def place(a, b):
                return [(outer + max(a - inner, 0), outer + min(b - inner, n))
                        for inner, outer, n in parts if a < inner + n and b > inner]
            payload += [r for a, b in made.payload for r in place(a, b)]
            units += placed(made.units, place)
        return Made(name, data, payload, files, units)
    return make


def check_files(made, part, path):
    """Named files: whole ones equal, others as their own kind is checked."""
    name = max((n for n in made.truth if part["name"].endswith(n) or "/%s/" % n in part["name"] or
                "/%s.parts/" % n in part["name"] or "/%s." % n.rsplit(".", 1)[0] in part["name"]),
               key=len, default=None)
    if name is None:
        return check_orphan(made, part, path)
    inner = made.truth[name]
    with open(path, "rb") as f:
        data = f.read()
    if data == inner.data:
        part["opens"] = True
        return len(data)
    kind = INNER[name.rsplit(".", 1)[1]][0]
    if ".parts/" in part["name"] and kind in ("zip", "docx", "odt"):
        return DOCUMENTS[kind].check(inner, part, path)
    part["opens"] = kind in ("txt", "csv", "mbox", None)
    if part["verdict"] != "partial" and part["kind"] == "file":
        return False
    if part["kind"] == "file":
        return check_blanked(data, inner.data)
    return {**DOCUMENTS, **MEDIA}[kind].check(inner, part, path)


def check_orphan(made, part, path):
    """A file whose name is lost: one of the files, by its contents."""
    with open(path, "rb") as f:
        data = f.read()
    if "/lost/" in part["name"]:
        data = data.rstrip(b"\0")  # a member of tar ends with a block
    for inner in made.truth.values():
        if data == inner.data:
            part["opens"] = True
            return len(data)
    for name, inner in made.truth.items():
        kind = INNER[name.rsplit(".", 1)[1]][0]
        if part["kind"] == "file" and ".parts/" not in part["name"]:
            # What is lost of its begin is zeros.
            lost = (len(data) - len(data.lstrip(b"\0"))) // 512 * 512
            begin = inner.data.find(data[lost:lost + 64])
            good = begin >= lost and len(data) >= lost + 64 and \
                check_blanked(data, inner.data[begin - lost:])
            part["opens"] = kind in ("txt", "csv", "mbox", None)
        elif kind:
            try:
                good = {**DOCUMENTS, **MEDIA}[kind].check(inner, part, path)
            except Exception:
                good = False
        else:
            good = False
        if good:
            return good
    return False


# --- archives of files as they are ---

def make_tar(rng, size):
    import tarfile
    buffer, files = io.BytesIO(), {}
    with tarfile.open(fileobj=buffer, mode="w") as t:
        for name, made in user_files(rng, size).items():
            info = tarfile.TarInfo("home/user/" + name)
            info.size = len(made.data)
            t.addfile(info, io.BytesIO(made.data))
            files[info.name] = made
    data, payload, units = buffer.getvalue(), [], []
    with tarfile.open(fileobj=io.BytesIO(data)) as t:
        for member in t:
            def place(a, b, base=member.offset_data):
                return [(base + a, base + b)]
            payload += [r for a, b in files[member.name].payload for r in place(a, b)]
            units += placed(files[member.name].units, place)
    return Made("backup.tar", data, payload, files, units)


SMALL, DISK, LARGE = [(a * MB // 4096 * 4096, b * MB // 4096 * 4096) for a, b in ((24, 48), (48, 64), (64, 96))]
DISKS = {
    "tar": Kind(make_tar, check_files, (6 * MB, 18 * MB)),
    "ext4": Kind(make_disk("ext4", None, "server-flat.vmdk"), check_files, SMALL),
    "ntfs": Kind(make_disk("ntfs", None, "windows.img"), check_files, SMALL),
    "fat": Kind(make_disk("fat", None, "stick.img"), check_files, DISK),
    "xfs": Kind(make_disk("xfs", None, "database-flat.vmdk"), check_files, LARGE),
    "qcow2": Kind(make_disk("ext4", "qcow2", "guest.qcow2"), check_files, SMALL),
    "vmdk": Kind(make_disk("ntfs", "vmdk", "guest.vmdk"), check_files, SMALL),
    "vhdx": Kind(make_disk("ntfs", "vhdx", "guest.vhdx"), check_files, SMALL),
}
