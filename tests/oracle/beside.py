"""What the comparisons of whole outputs, clamscan's and candor's, have in common."""
import io
import os
import shutil
import subprocess
import tempfile
import zipfile


def skipped():
    """Whether there is no clamscan of ClamAV 1.4 to compare with; said as TAP does."""
    version = subprocess.run(["clamscan", "--version"], capture_output=True, text=True,
                             check=False).stdout if shutil.which("clamscan") else "no clamscan"
    if version.startswith("ClamAV 1.4."):
        return False
    print("1..0 # SKIP not ClamAV 1.4: " + version.strip())
    return True


def zipped(members):
    """A zip of members: their names and bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def one_round(candor, number, signatures, contents, options, must, others=None):
    """Both programs with the logical signatures over the files, and other databases (their names and lines): the same
    lines, and one that has `must`."""
    with tempfile.TemporaryDirectory() as place:
        os.makedirs(place + "/db")
        os.makedirs(place + "/files")
        for name, lines in {"a.ldb": signatures, **(others or {})}.items():
            with open(place + "/db/" + name, "w", encoding="ascii") as file:
                file.writelines(line + "\n" for line in lines)
        for i, data in enumerate(contents):
            with open("%s/files/%02d" % (place, i), "wb") as file:
                file.write(data)
        said = [set(subprocess.run([*words, "--no-summary", "-z", "-r", *options, "-d", place + "/db", place + "/files"],
                                   capture_output=True, text=True, check=False).stdout.splitlines())
                for words in (["clamscan"], [candor, "clamscan"])]
        wrong = sorted(said[0] ^ said[1])
        print("# %d lines" % len(said[0]))
        for line in wrong[:6]:
            name = line.split(": ")[0]
            print("# %s: %s in %r" % ("clamscan alone" if line in said[0] else "here alone", line.replace(place, ""),
                                      open(name, "rb").read() if os.path.exists(name) else b""))
        if wrong:
            print("".join("#   %s\n" % line for lines in (signatures, *(others or {}).values()) for line in lines), end="")
        good = not wrong and any(must in line for line in said[0])
        print("%sok %d - %d lines differ" % ("" if good else "not ", number, len(wrong)))
        return good
