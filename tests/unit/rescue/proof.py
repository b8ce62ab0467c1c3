#!/usr/bin/env python3
"""What is said of files that came out right, and of such with something wrong in them: whatever
is cut, overwritten or turned into noise may not be called proven.

usage: proof.py PROOF_FILE

Prints TAP. Each kind's sample is made here, by Python's own libraries where they know it."""
import base64
import bz2
import gzip
import io
import lzma
import os
import random
import sqlite3
import struct
import subprocess
import sys
import tarfile
import tempfile
import wave
import zipfile
import zlib

PROOF_FILE = os.path.abspath(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
RANDOM = random.Random(7)
WORDS = "the quick brown fox jumps over a lazy dog and so on until nobody reads it".split()


def words(size):
    text = ""
    while len(text) < size:
        text += RANDOM.choice(WORDS) + RANDOM.choice([" ", " ", ", ", ".\n"])
    return text[:size].encode()


# Pictures of 96x72: sequential, progressive, gray with restart markers.
JPEG = base64.b64decode(
    """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA4KCw0LCQ4NDA0QDw4RFiQXFhQUFiwgIRokNC43NjMuMjI6QVNGOj1OPjIySGJJTlZY
XV5dOEVmbWVabFNbXVn/2wBDAQ8QEBYTFioXFypZOzI7WVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZ
WVlZWVlZWVn/wAARCABIAGADASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUF
BAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVW
V1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi
4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAEC
AxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVm
Z2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq
8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDRkugq9ay7m5L55qo90XPWpIY2lNefg8Apas9/L6CpwuyAwmVqsQabuI+WtG3tx/Cu4/pV
9LZgMsT/ACrrnKhB8kFzPy/zOPNcVaLSM+OySP72B9aSZ4o1+8Onaprx44AQTz6Cuevb4kkKv506dFTdnFX+b/I+F9nKrUuyxcXa
ZIGT9Kqh/Mf7hxVDznd/vge1aun25kP8TZ/Ku2VGnSjdr8F/wWfY5bTVKN2XLO0MhH7r9a3rWxQDlF/76pdPsgqr8iqfc1qMFjQ4
xkegryK1ZN2S/Bfqkd2LxLlGyKEsaxJ/BwKwdQuVUHG38jWlql3tXqQPcgVxuo3hdmG79Sa6cLhouV2vv/qx8xVw8pyuyWyRpWFd
LZ2hCqAOTVHRbLdtyK6uytxncefT6VFWvyUVCG8tP8z6h4lJWQlvaLGgJwB71UvbghSF+UfrV+8mAG0EbR+tcrq19ksifQmsMPDn
do7badX/AJHj4inKs7sztSvVUlR8x9BXPzStIx3NtU9qmupdzlVGT+lJa226TJG5ielfRUqapwtovy/zfocDpxpassadbNIw2p+d
djpdmAFySfYCs7TbPGN3zH0HSunt1ESjJx7L1rycVXv7q/r7tPzfkb0sS5OyLcSrEnRV4+pqjqF3tU8nHQ84FLc3QRCAQvsOtc7q
N0STg8+/JNcdChKTu/6/T70j26GHc1dlDUrosSAQf90VhOpdzgnOfX+grQmBlfnn6/4Cpra0JPTH6V7tNwoq2xw49xoo7PSrcRxb
scgZrQaUQwEjrjFU0lEdufpVC9vM7VB9+tfPQhKai/L83YrBU5VXdjdRvdkZAPJ6Vyt7KWJVT8x6+1XrqYyOzdQOBVVbdnOcfM36
V7GHjCklbp+X+bZ6eIpxpQuyhFbMz7VH1NbNjZBQMcAdTU1tZheMYA6mtBVWNQccDoKqtXuuVf8ADf116t6I+Fx2Jcp2RYtwsUYI
G0D8zT5bsIMA7fYdTWfLdbScEbu/oKz5Lrd0JA9e5rjjQlJ3f9f11/G70PUynDubTZdubotkDj2HWqBVnYj9B2/GljRpDgj8P8a1
LWyJwSMjPccVvdUun9f18u6PtZuNGmUYLPJHGBntx+tXo7cRrnp6Y4/+vWktuEGMcj1qldTCMH+ef61g6jm7L+v67HwWaVpVJNIr
zXn7oAHvVGSYu7kHoMCqaTGQIvPJzWha2xkI92/OtY01Sgmt9Py/4J9rgqcaUNRsNqXKL68mtCC0wN2OTwKv29ntzxgk4qeYLGpI
/wB0VzzxGvLH+v6Wvqzx81xLkrIz5FSJcH7q/qazLu62k4OD/IVLqF2EBA6Lx16muZu7ssx5J559zXXh6PNq/wCv6/zfVHydPDuc
7ssy3m4hVzj09aktVaRs5J9/8KzoFaV+T9cfyrptLs84yP8A63tXVWapLXp/X9f8Oz63BONGJcsLI4GQB7dq3orbYBwc9vX/AOtS
2duI1GRj+QqS5lWND6f5614E6rqysv6/r+uqNsRWlUVkUL2URoR/L/PNcpqd8MnDH860NVvcgjd69/8AP5Vyl3KXcmvVwdDZs8ap
hdbs2dMti5jJ966vTrMKqHGSATRRXJiptWt5flH/ACPelUly2NIhYU6D5R+tYep3YRSBj5eB9aKK5sLHmlr/AFv/AJI8qrFSepx2
o3ZZsKeRwKzY1Mjgjp24/Wiivp6aUY6f1t/n+COSSUdje0uyztJXHHHtXYafbLGo4xgce3/16KK8PGyd7en9f1/kTTqSbsaLyiNP
THp2rC1G8GMA/TFFFYYWnHmX9dbH0WGppq7OWvZTI5x+FU47cuwOOlFFe3zcsHb+tjhzF8q0P//Z
"""
)
JPEG_PROGRESSIVE = base64.b64decode(
    """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA4KCw0LCQ4NDA0QDw4RFiQXFhQUFiwgIRokNC43NjMuMjI6QVNGOj1OPjIySGJJTlZY
XV5dOEVmbWVabFNbXVn/2wBDAQ8QEBYTFioXFypZOzI7WVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZWVlZ
WVlZWVlZWVn/wgARCABIAGADASIAAhEBAxEB/8QAGQAAAgMBAAAAAAAAAAAAAAAAAwQAAgUB/8QAGAEAAwEBAAAAAAAAAAAAAAAA
AwQFAQL/2gAMAwEAAhADEAAAAWFRWXfGRk5Qry+dsIggNGsmf60oddBnGJLvpA1sqcEfKGmvn35RATZW1FOyg7nBeXRYu+DZYCCd
vMo4nGV3bsbCJ1dcLR1+tEtgOyAcAYAsd2+MMXGmutbMLJLZbTLWM/2yHa+UxktJu6sgn2UZBKY60lQT+xIjjCMg6OUGR4H/xAAc
EAACAwEBAQEAAAAAAAAAAAAAAgEDESESMRD/2gAIAQEAAQUClhmM0ishMJyBmPoi6KhMYWMeiI0VTyPkDuaVrpWh8LWLHE6Ioq4O
xY5M6VrpUhHCxixvylBFHktcaRV7WgvBmLGJ6KpUuRuRY/HkhREF5EsM35CELhuK7jTp5FQ+EsSxHRUPI04S/JkhSFJ4MxLi9EQh
R5wsc3RV0VCeFjDMR0qQRcGnC1xpK1K0PhYxYxHSpCtcNwscedIU/8QAHBEAAgMBAQEBAAAAAAAAAAAAAAIBAxEEEiET/9oACAED
AQE/AedPMHVb8PMsxzL5gts2Bq5mT9CxZc8wotmiV6X4hSssWLCwX2bJyV6TiKdTy0lKwsHVZoteyU4kFjyw1RLTg0aT8FaStTo+
H//EACARAAMAAgIBBQAAAAAAAAAAAAABAgMREkEhIjEykfD/2gAIAQIBAT8Bw4NjcLwvJMb6HEyi7MWNbKvUaXZjW/YmeKMt9EQ2
TqBJvRjSku+hQ2fE5bFPFDydIxxsv0jrkzDBlf76MS2yfCMzMUrZvSP/xAAXEAEAAwAAAAAAAAAAAAAAAAAwATFg/9oACAEBAAY/
AgrMQn//xAAiEAADAAEEAgIDAAAAAAAAAAAAAREhEDFBUWFxgaGR0eH/2gAIAQEAAT8hiihmL8CNw6NxJa20RfS/IhOBC6HY4dCo
m5GHpRbe55DIJYSHEIoo3kRsYUJQwYwKWNxzZcQxsI2BEnCIov8AwarLQ5Dh4N9Is4i3ZndkSP0RXWjm0cgMcBTC3GNxEiOgj4Kk
belAIGwi5sTP2yAkkI+yoj0SjXSrZeI5xEnhEymEK20oEB5xYkfcIEp9EfguxW2hAIQ8hZlhBIwvomvRV4Eo2MCEHDQoKM//2gAM
AwEAAgADAAAAEMd5dsP2bxq8oOg430B/NLj8ZnPwAIvP/8QAGBEBAQEBAQAAAAAAAAAAAAAAAQARITH/2gAIAQMBAT8QHVskF0mD
ZnwLZMkMJDWelnWEx1mEzraNlxJGLOCALs5xhJuzgBhdNbgRLsDxIciTWeOX/8QAJREAAQMDAwMFAAAAAAAAAAAAAQAR8CExQWGx
0XGRoVGBweHx/9oACAECAQE/EA1FG23acoBsQf3OycRHgfZQCWA8D5ARTiO8ZN1+jlO2stTJ4QmaDbk9E7RO1NzojjmfHcBEJrIa
Wm5ZAw2NuSU6GfkzkmgRRzJny5onGMnt6hEjYSeiAMi9NvtVoRq9SrgycnIRAa4k/SjtCSZCskooZtNuCuEvwEAoS3PgIzt0k4TB
MsqlpZf/xAAkEAEAAgEEAgEFAQAAAAAAAAABABEhMUFRYXGhsYGRwdHh8P/aAAgBAQABPxANSPfMVK4Rsw8zRjTaW0LfEN7qKj84
EzJ1OQRr0Yz1iMDkeoYtPxBUXPBGVPuTZ51EXJ9oORO2BNVZwTdEO0IxPksNRQAywStB3GEYPcURlwRRkNoY9sALK9BNJ4PLLTLW
jmiIkEfCM9Ld8/gmqEK7Z48QAolPcsfDWWoW+plEsdJRWpwaQCtrrVCcE6GsZWnPeVgc+fP6I66V6hYWQuCqa1UvgcukdKZa9Ssn
lggrAasAkKH3YZofA1Y1gx0axSPRt9ZcmKL2x7gWacVj+w08S6h71iaoGCI3X4IWFUGrADWDQlxpOXBNgoc7sUpPp+4rSll7mIBq
snMAPzf5mCDvEeOhREfNllZhlwSjP7GXGmn4JcLK45lgte/1HosDraVzDe3P8hqfH+zCtpfeMM2W4qO/umRilagQnhBKGmGurHTK
5z2zM3zXxLKs/nUALK+COeP9rLxO2/8AvtHdjtPcJNWgsTQmHuGwVsPMehZMEQU02x7ltmmMdQRiqMdf2Hw1xtCqh8VHWvpEJrSf
/9k=
"""
)
JPEG_RESTART = base64.b64decode(
    """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7
gYKBTmCNl4x9lnN+gXz/wAALCABIAGABAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUF
BAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVW
V1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi
4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEBAAA/ALjzgDrVGaYtVUxlzU0VlntVtLZU64FJI8aDrVKa4XOBk1AG3t904q5bW5cj5P1r
VgtVHVR+dSSIqL/DxWXeTgZ6fkaqNOWPWnxIXNXYYR2GTVpYCByar3DJEOTz6VkXN0ckKPzqn5rM33gPar9pCXP8RretLUKB8oB9
zV4gIvGPwFZl9cbV64/SudvLksSM/qTT7ZS5FbNvbnAA6mtSG3CLk8VBczYBA4FYF7cqpIHJrJkkZ25OAe1WbOAuw2r+ddFYW3Ay
SfpWuirGvQCqt3cYU8nH5Vz17OSSB+grKYFmPJ6+tbum22ccVvW0Izn8qdcSDGB0FYWoXXVV+hrAnkyxC8miCDc+T8zVuWVt0zyf
QVtwgIB29hSTThVIyB7DrWPeT5zjr79azJAXbn9f8KkhtyT6V0dhCETOOgq2ZBHETWXeXO1CAeT0rBuZCx2g8moI4CzYX8TWla2w
GMcAdTWrCAiDAwP1p0lwEGBx9OtUZpycgcewqrtLE/0qWK25HHH5VaSEIPT9K0VkCRGqtzc9ADWVPKXYt2HSoFhLHpy36VbhtgvH
QDqatqAgBxx2FRyXG3OCM/yqo8+ehx79zSIpfjH4Vfgts4yOP0q4sIUdOfeq08gQH+dQy3PyDnvVZ5CzMc9KWOAttH51cit8fNjk
9Ke6rGMdh/OqVxPjODz/ACFZ8lzuIA/KnQAuf6/4VsWlscDI/CtWODaKguZAikVgX10MnmolkLhR6mrcEBf8WrVhtsZ45PFSSAIp
x9BWXeXAUHHQfrWJcXG4n68+5pkQLtz+P+FbdjbZxn/9Vb1tCEA4x/SnzSBFPpWDf3XXn9awbiQsxNaVlDuKZres7YKqnHQZq4QI
1+grMvbgKCBjjgVzt5cEtgduBVJAXYY/CtWxts4OMf0rorSEIo4xxVtnCL6YrLvLkY4P5VhXMm9jiq6QliDiv//Z
"""
)


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = b"".join(b"\0" + RANDOM.randbytes(96) for _ in range(40))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 40, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(pixels[:1000]))
        + chunk(b"IDAT", zlib.compress(pixels))
        + chunk(b"IEND", b"")
    )


def zip_entry(name, method):
    """With the same date in every run."""
    entry = zipfile.ZipInfo(name, (2023, 11, 14, 22, 13, 20))
    entry.compress_type, entry.external_attr = method, 0o600 << 16
    return entry


def archive(method):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for i in range(9):
            file.writestr(zip_entry(f"word/part{i}.xml", method), words(900 + 400 * i))
    return out.getvalue()


def streamed_zip():
    class Pipe(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    out = Pipe()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for i in range(5):
            file.writestr(zip_entry(f"part{i}", zipfile.ZIP_DEFLATED), words(2000))
    return out.data


def pdf(more=()):
    parts, at, out = [], [], b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    parts.append(b"<< /Type /Catalog /Pages 2 0 R >>")
    parts.append(b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
    parts.append(b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /MediaBox [0 0 200 200] >>")
    for i in range(6):
        page = zlib.compress(words(3000))
        parts.append(b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(page) + page + b"\nendstream")
    parts += more
    for i, part in enumerate(parts):
        at.append(len(out))
        out += b"%d 0 obj\n" % (i + 1) + part + b"\nendobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(at) + 1)
    out += b"".join(b"%010d 00000 n \n" % x for x in at)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(at) + 1, table)
    return out


PHOTO = b"<< /Subtype /Image /Filter [/DCTDecode] /Length 10 0 R >>\nstream\n" + JPEG + b"\nendstream"


def database():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.db")
        file = sqlite3.connect(path)
        file.execute("create table words (id integer primary key, word text)")
        file.executemany("insert into words (word) values (?)", [(words(90).decode(),) for _ in range(300)])
        file.execute("create index by_word on words (word)")
        file.commit()
        file.close()
        with open(path, "rb") as done:
            return done.read()


def sound():
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(RANDOM.randbytes(9000))
    return out.getvalue()


def tarball():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as file:
        for i in range(5):
            about = tarfile.TarInfo(f"part{i}")
            about.size = 1000
            file.addfile(about, io.BytesIO(words(1000)))
    return out.getvalue()


def movie():
    def box(kind, data):
        return struct.pack(">I", 8 + len(data)) + kind + data

    return (box(b"ftyp", b"isom\0\0\2\0isomiso2") + box(b"mdat", RANDOM.randbytes(5000))
            + box(b"moov", box(b"mvhd", bytes(100))))


# name: (file, verdict; what may stay proven of 100: with a changed bit, with a block of 16 bytes that is noise). Of
# a JPEG and a text nobody can prove that no bit was changed. Dates and names in the head of a gzip, a ZIP's
# directory and what stands between a PDF's streams are under no checksum.
SAMPLES = {
    "a.png": (png(), "proven", 0),
    "text": ("日本語のテキストです。\n".encode("utf-8") * 40, "plausible", 0),
    "c.txt": (("日本語のテキストです。\n" * 40).encode("utf-16"), "plausible", 0),
    "a.zip": (archive(zipfile.ZIP_DEFLATED), "proven", 0),
    "a.docx": (archive(zipfile.ZIP_STORED), "proven", 0),
    "b.zip": (archive(zipfile.ZIP_BZIP2), "proven", 0),
    "streamed.zip": (streamed_zip(), "proven", 0),
    "a.pdf": (pdf(), "proven", 6),
    "photo.pdf": (pdf([PHOTO]), "plausible", 0),
    "a.jpg": (JPEG, "plausible", 0),
    "b.jpg": (JPEG_PROGRESSIVE, "plausible", 0),
    "c.jpg": (JPEG_RESTART, "plausible", 0),
    "a.txt": (words(5000), "plausible", 0),
    "a.none": ("Größe, naïve, 日本語\n".encode() * 200, "plausible", 0),
    "b.txt": (("some words " * 90).encode("utf-16"), "plausible", 0),
    "old.txt": (("Gr\xf6\xdfe und so weiter, ein l\xe4ngerer Satz. " * 20).encode("latin-1"), "plausible", 0),
    "a.gz": (gzip.compress(words(9000), mtime=1700000000), "proven", 4),
    "a.bz2": (bz2.compress(words(9000)), "proven", 0),
    "a.xz": (lzma.compress(words(9000)), "proven", 0),
    "a.db": (database(), "plausible", 0),
    "a.wav": (sound(), "plausible", 0),
    "a.tar": (tarball(), "plausible", 0),
    "a.mp4": (movie(), "plausible", 0),
    "short.txt": (b"ok\n", "unknown", None),
    "empty": (b"", "unknown", None),
    "noise": (RANDOM.randbytes(20000), "failed", None),
    "noise.png": (RANDOM.randbytes(20000), "failed", None),
    "binary": (b"\0\1\2\3" * 4000, "unknown", None),
}


# Of 400 changed bits: those of dates, names, versions and rights, which no checksum covers.
BITS = {"a.zip": 20, "a.docx": 8, "b.zip": 20, "streamed.zip": 28, "a.pdf": 32, "photo.pdf": 4, "a.gz": 8}


def ask(*arguments):
    done = subprocess.run([PROOF_FILE, *arguments], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode or done.stderr:
        raise AssertionError(f"status {done.returncode}: {done.stderr[-1500:]}")
    return done.stdout


def still_proven(*arguments):
    return int(ask(*arguments).split()[1])


def look(name, data, verdict, flips):
    with open(name, "wb") as file:
        file.write(data)
    said = ask(name)
    yield f"{name} is {verdict}", said.split()[0] == verdict, said
    if flips is None:
        return
    yield f"{name} with bytes behind it", ask_more(name, data) in ("plausible", "unknown", "failed"), ""
    left = still_proven("--flip", "100", name)
    yield f"{name} with a block of noise: at most {flips} of 100 proven", left <= flips, left
    left = still_proven("--noise", "50", name)
    yield f"{name} that ends in noise: none proven", left == 0, left
    left = still_proven("--cut", "50", name)
    yield f"{name} cut short: none proven", left == 0, left
    left, most = still_proven("--bit", "400", name), BITS.get(name, 0)
    yield f"{name} with a changed bit: at most {most} of 400 proven", left <= most, left


def ask_more(name, data):
    more = "more-" + name
    with open(more, "wb") as file:
        file.write(data + RANDOM.randbytes(300))
    return ask("--as", name, more).split()[0]


def main():
    count = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, (data, verdict, flips) in SAMPLES.items():
            for what, good, got in look(name, data, verdict, flips):
                count += 1
                failed += not good
                print(f"{'ok' if good else 'not ok'} {count} - {what}")
                if not good:
                    print(f"#   got {got}")
        os.chdir("/")
    print(f"1..{count}")
    return failed != 0


sys.exit(main())
