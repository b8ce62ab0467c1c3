#!/usr/bin/env python3
"""Every kind of container that tools can make here, at every depth: what lies innermost is found with its whole path as
long as the profile's limit allows, and one container more is said to be a limit, never left out in silence.

usage: nesting.py CANDOR

Prints TAP, one line for each kind. A kind is nested in itself, and alone in zip and tar by turns, until there are 1, 2,
and 5 of it, then as many containers as the limit allows, and one more. The last steps to the limit are zips where a kind
counts for several containers (a .deb: ar, xz, tar). All files are scanned in one run for each profile."""
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import traceback
import zipfile

CANDOR = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
MARKER = b"\x01\x02candor: what lies innermost\x03\x04" + bytes(range(0x80, 0xc0))  # no container, nor text
RULE = f'rule innermost {{ strings: $m = "candor: what lies innermost" condition: $m at 2 and filesize == {len(MARKER)} }}'
LIMITS = {"mail": 16, "server": 32}  # docs/containers.md
COPIES = 1, 2, 5
KINDS = {}


class Kind:
    """`make` puts the file n in the working directory into a container of this kind, and returns the container's file."""

    def __init__(self, make, names, tools, profile, most, loose):
        self.make, self.names, self.tools, self.profile, self.most, self.loose = make, names, tools, profile, most, loose

    def wrap(self, data):
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/n", "wb") as file:
                file.write(data)
            path = self.make(folder)
            with open(f"{folder}/{path}", "rb") as file:
                return file.read()


def run(folder, *command, stdin=None):
    done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, check=False)
    if done.returncode:
        raise AssertionError(f"{command}: {done.returncode} {done.stdout[-300:]} {done.stderr[-300:]}")
    return done.stdout


def kind(name, *tools, names=("n",), profile="mail", most=99, loose=False):
    """`names`: what such a container adds to the path, one for each container that it counts for. `most`: of it in one
    file, for those that are large themselves; they are packed by a zip before they are put into the next. `loose`: found
    also where it does not begin the file, as in a tar."""
    def take(make):
        KINDS[name] = Kind(make, list(names), tools, profile, most, loose)
        return make
    return take


def simple(name, out, *command, names=("n",), profile="server", most=99):
    """A tool that reads n and writes `out`."""
    @kind(name, command[0], names=names, profile=profile, most=most)
    def _(folder):
        run(folder, *command)
        return out


def filtered(name, *command, stdin=None, names=("n",), profile="server"):
    """A tool that writes the container to its standard output."""
    @kind(name, command[0], names=names, profile=profile)
    def _(folder):
        with open(f"{folder}/out", "wb") as file:
            file.write(run(folder, *command, stdin=stdin))
        return "out"


def zeros(folder, name, size):
    with open(f"{folder}/{name}", "wb") as file:
        file.truncate(size)


def size_of(folder):
    return os.path.getsize(f"{folder}/n")


for method in "Deflate", "Deflate64", "BZip2", "LZMA", "PPMd", "Copy":
    simple(f"zip {method}", "o.zip", "7z", "a", "-tzip", f"-mm={method}", "o.zip", "n")
simple("zip", "o.zip", "zip", "-q", "o.zip", "n")
simple("7z", "o.7z", "7z", "a", "-mx=1", "o.7z", "n")
simple("7z PPMd", "o.7z", "7z", "a", "-m0=PPMd", "o.7z", "n")
for form in "v7", "oldgnu", "gnu", "ustar", "pax":
    simple(f"tar {form}", "o.tar", "tar", f"--format={form}", "-cf", "o.tar", "n")
for letter, name in ("z", "gzip"), ("j", "bzip2"), ("J", "xz"):
    simple(f"tar with {name}", "o.tar", "tar", f"-c{letter}f", "o.tar", "n", names=("data", "n"))
for form in "odc", "newc", "crc", "bin":
    filtered(f"cpio {form}", "cpio", "-o", "--quiet", "-H", form, stdin=b"n\n")
simple("ar", "o.a", "ar", "rcS", "o.a", "n")
simple("cab", "o.cab", "gcab", "-cz", "o.cab", "n")
simple("arj", "o.arj", "arj", "a", "-y", "-i", "o.arj", "n")
simple("lha", "o.lzh", "jlha", "-ao5", "o.lzh", "n")
simple("xar", "o.xar", "bsdtar", "--format=xar", "-cf", "o.xar", "n")
simple("warc", "o.warc", "bsdtar", "--format=warc", "-cf", "o.warc", "n", names=("file://n",))
filtered("gzip", "gzip", "-nc", "n", names=("data",))
filtered("bzip2", "bzip2", "-c", "n", names=("data",))
filtered("xz", "xz", "-c", "n", names=("data",))
filtered("lzma", "xz", "--format=lzma", "-c", "n", names=("data",))
filtered("lzip", "lzip", "-c", "n", names=("data",))
filtered("zstd", "zstd", "-qc", "n", names=("data",))
filtered("lz4", "lz4", "-qc", "n", names=("data",))
filtered("compress", "compress", "-fc", "n", names=("data",))
filtered("uuencode", "uuencode", "n", "n", profile="mail")
simple("mail", "o", "mpack", "-s", "x", "-o", "o", "n", profile="mail")
simple("iso", "o.iso", "genisoimage", "-quiet", "-R", "-o", "o.iso", "n", profile="mail", most=8)
simple("iso with Joliet", "o.iso", "genisoimage", "-quiet", "-J", "-o", "o.iso", "n", profile="mail", most=8)
simple("iso by xorriso", "o.iso", "xorriso", "-as", "mkisofs", "-quiet", "-o", "o.iso", "n", profile="mail", most=8)
simple("nsis", "o.exe", "makensis", "-V1", "-XOutFile o.exe", "-XSection", "-XFile n", "-XSectionEnd",
       names=("[overlay]", "n"), profile="mail", most=8)


@kind("squashfs", "mksquashfs")
def squashfs(folder):
    run(folder, "mksquashfs", "n", "o", "-quiet", "-no-progress", "-processors", "1")
    return "o"


@kind("romfs", "genromfs")
def romfs(folder):
    os.mkdir(f"{folder}/d")
    os.rename(f"{folder}/n", f"{folder}/d/n")
    run(folder, "genromfs", "-f", "o", "-d", "d")
    return "o"


@kind("cramfs", "mkfs.cramfs")
def cramfs(folder):
    os.mkdir(f"{folder}/d")
    os.rename(f"{folder}/n", f"{folder}/d/n")
    run(folder, "mkfs.cramfs", "d", "o")
    return "o"


def fat(folder, size=None):
    zeros(folder, "o", size or size_of(folder) + (64 << 10) + size_of(folder) // 64)
    run(folder, "mkfs.vfat", "o")
    run(folder, "mcopy", "-i", "o", "n", "::n")
    return "o"


kind("fat", "mkfs.vfat", "mcopy")(fat)


@kind("ext4", "mkfs.ext4", most=8)
def ext4(folder, out="o"):
    os.mkdir(f"{folder}/d")
    os.rename(f"{folder}/n", f"{folder}/d/n")
    zeros(folder, out, os.path.getsize(f"{folder}/d/n") * 17 // 16 + (256 << 10))
    run(folder, "mkfs.ext4", "-q", "-O", "^has_journal", "-N", "16", "-d", "d", out)
    return out


@kind("mbr", "sfdisk", "mkfs.vfat", "mcopy", names=("partition 1 (FAT32)", "n"), most=3)  # more tables in partitions are a limit of their own
def mbr(folder):
    fat(folder)
    size = os.path.getsize(f"{folder}/o")
    zeros(folder, "disk", (size + 511) // 512 * 512 + (1 << 20))
    run(folder, "sfdisk", "-q", "disk", stdin=b"2048,,c\n")
    with open(f"{folder}/disk", "r+b") as disk, open(f"{folder}/o", "rb") as part:
        disk.seek(1 << 20)
        disk.write(part.read())
    return "disk"


@kind("gpt", "sgdisk", "mkfs.vfat", "mcopy", names=("partition 1 (Linux)", "n"), most=3)
def gpt(folder):
    fat(folder)
    size = os.path.getsize(f"{folder}/o")
    zeros(folder, "disk", (size + 511) // 512 * 512 + (2 << 20))
    run(folder, "sgdisk", "-n", "1:2048:0", "disk")
    with open(f"{folder}/disk", "r+b") as disk, open(f"{folder}/o", "rb") as part:
        disk.seek(1 << 20)
        disk.write(part.read())
    return "disk"


def disk(form):
    @kind(form, "qemu-img", "mkfs.vfat", "mcopy", names=("disk", "n"), most=2 if form == "vhdx" else 5)
    def _(folder):
        run(folder, "qemu-img", "convert", "-f", "raw", "-O", form, fat(folder), "o.disk")
        return "o.disk"


for form in "qcow2", "vmdk", "vpc", "vhdx", "vdi":
    disk(form)


@kind("wim", "wimlib-imagex")
def wim(folder):
    os.mkdir(f"{folder}/d")
    os.rename(f"{folder}/n", f"{folder}/d/n")
    run(folder, "wimlib-imagex", "capture", "d", "o.wim", "--threads=1")
    return "o.wim"


@kind("deb", "dpkg-deb", names=("data.tar.xz", "data.tar", "./n"))
def deb(folder):
    os.makedirs(f"{folder}/d/DEBIAN")
    os.rename(f"{folder}/n", f"{folder}/d/n")
    with open(f"{folder}/d/DEBIAN/control", "w", encoding="ascii") as control:
        control.write("Package: a\nVersion: 1\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: a\n")
    run(folder, "dpkg-deb", "--root-owner-group", "-Zxz", "-b", "d", "o.deb")
    return "o.deb"


@kind("rpm", "rpmbuild", names=("payload", "data", "./n"))
def rpm(folder):
    with open(f"{folder}/a.spec", "w", encoding="ascii") as spec:
        spec.write(f"Name: a\nVersion: 1\nRelease: 1\nSummary: a\nLicense: a\nBuildArch: noarch\n%description\na\n"
                   f"%install\ncp {folder}/n %{{buildroot}}/n\n%files\n/n\n")
    run(folder, "rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}/top", "a.spec")
    return "top/RPMS/noarch/a-1-1.noarch.rpm"


@kind("android sparse image", "img2simg", "mkfs.ext4", names=("disk", "n"), most=5)
def sparse(folder):
    ext4(folder)
    run(folder, "img2simg", "o", "o.simg")
    return "o.simg"


@kind("u-boot image", "mkimage", names=("a",))
def uboot(folder):
    run(folder, "mkimage", "-A", "arm", "-T", "firmware", "-C", "none", "-n", "a", "-d", "n", "o")
    return "o"


@kind("zip with a customary password", "zip")
def locked(folder):
    run(folder, "zip", "-q", "-P", "infected", "o.zip", "n")
    return "o.zip"


@kind("pdf", "qpdf", loose=True)
def pdf(folder):
    run(folder, "qpdf", "--empty", "--add-attachment", "n", "--", "o.pdf")
    return "o.pdf"


def zip_around(data):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("z", data)
    return out.getvalue(), ["z"]


def tar_around(data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        head = tarfile.TarInfo("t")
        head.size = len(data)
        archive.addfile(head, io.BytesIO(data))
    return out.getvalue(), ["t"]


class Nest:
    """What was put around the marker so far, and the way to it."""

    def __init__(self, data=MARKER, path=()):
        self.data, self.path = data, list(path)

    def around(self, wrapped):
        data, names = wrapped
        return Nest(data, names + self.path)

    def up_to(self, depth):
        """Zips and tars by turns until so many containers are around it."""
        nest = self
        while len(nest.path) < depth:
            nest = nest.around((tar_around if len(nest.path) % 2 else zip_around)(nest.data))
        return nest


def nests(each):
    """Of one kind: in itself, and alone in others; at all depths up to the limit, and one more."""
    limit = LIMITS[each.profile]
    own, packed = Nest(), each.most < limit
    alone = own.around((each.wrap(own.data), each.names))
    if each.loose:
        alone = alone.around(zip_around(alone.data))
    for copy in range(1, min(each.most, limit + 1) + 1):
        between = packed and copy > 1
        if len(own.path) + between + len(each.names) > limit + (len(each.names) == 1):
            break
        if between:
            own = own.around(zip_around(own.data))
        own = own.around((each.wrap(own.data), each.names))
        if copy in COPIES or len(own.path) >= limit:
            yield own
    for depth in limit, limit + 1:
        if len(own.path) < depth:
            own = own.up_to(depth)
            yield own
    for depth in (*COPIES[1:], limit, limit + 1):
        if len(alone.path) <= depth:
            yield alone.up_to(depth)


def verify(row, path, limit):
    """What a kind has beside the file (the control file of a .deb) may be too deep where the file is not."""
    objects = [finding["object"] for finding in row.get("findings", [])]
    gaps = [(gap["kind"], gap["object"], gap["reason"]) for gap in row.get("gaps", [])]
    beside = [gap for gap in gaps if gap[0] != "limit" or len(gap[1]) != limit or gap[1] == path[:len(gap[1])]]
    if len(path) <= limit:
        good = path in objects and not beside and row["verdict"] == "found"
    else:
        good = (not objects and any(gap[1] == path[:limit] for gap in gaps) and row["verdict"] == "partial" and
                all(gap[0] == "limit" and len(gap[1]) == limit for gap in gaps))
    if not good:
        raise AssertionError(f"{len(path)} containers: {row['verdict']}, found {objects}, gaps {gaps}, wanted {path}")


def scan(folder, profile):
    command = [CANDOR, "scan", "--json", "--no-default-definitions", "--rules", f"{folder}/rule", "--profile", profile,
               f"{folder}/{profile}"]
    done = subprocess.run(command, capture_output=True, check=False)
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return {os.path.basename(row["path"]): row for row in rows if "path" in row}


def make_all(folder):
    """Files for all kinds; {kind: paths to the marker} or what is missing."""
    made = {}
    for number, (name, each) in enumerate(KINDS.items()):
        missing = [tool for tool in each.tools if not shutil.which(tool)]
        made[name] = f"no {', '.join(missing)}" if missing else []
        for i, nest in enumerate([] if missing else nests(each)):
            made[name].append((f"{number}-{i}", nest.path))
            with open(f"{folder}/{each.profile}/{number}-{i}", "wb") as file:
                file.write(nest.data)
    return made


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/rule", "w", encoding="ascii") as rule:
            rule.write(RULE)
        for profile in LIMITS:
            os.mkdir(f"{folder}/{profile}")
        made = make_all(folder)
        rows = {profile: scan(folder, profile) for profile in LIMITS}
    print(f"1..{len(KINDS)}")
    for number, (name, each) in enumerate(KINDS.items(), 1):
        if isinstance(made[name], str):
            print(f"ok {number} - {name} # SKIP {made[name]}")
            continue
        limit = LIMITS[each.profile]
        try:
            depths = sorted(len(path) for _, path in made[name])
            assert len(depths) >= 8 and depths[-4:] == [limit, limit, limit + 1, limit + 1], depths
            for file, path in made[name]:
                verify(rows[each.profile][file], path, limit)
            print(f"ok {number} - {name}: {len(depths)} nests of up to {limit}")
        except Exception:  # whatever goes wrong is this kind's failure
            failed += 1
            print(f"not ok {number} - {name}")
            for line in traceback.format_exc().splitlines():
                print("#", line)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
