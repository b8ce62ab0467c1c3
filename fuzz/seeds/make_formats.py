#!/usr/bin/env python3
"""Writes the seeds of the elf, macho and dotnet targets, field by field, into the folders beside
it. tests/unit/yara/test_{elf,macho,dotnet}.c know what is in them. (dex/hello is what
Android's dx made of a class with two fields and three methods.)"""
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
pack = struct.pack


def elf(order, wide):
    """An executable with a code section, symbols of both kinds and a dynamic segment."""
    head, sect, seg, sym, dyn = (64, 64, 56, 24, 16) if wide else (52, 40, 32, 16, 8)
    word = "Q" if wide else "I"
    names = b"\0.text\0.strtab\0.symtab\0.dynsym\0.shstrtab\0"
    strings = b"\0open_door\0Close\0main\0local\0"
    strings += b"\0".join(b"function_%02d" % i for i in range(40)) + b"\0"

    def symbol(name, info, section, value):
        at = strings.index(b"\0" + name + b"\0") + 1 if name else 0
        if wide:
            return pack(order + "IBBHQQ", at, info, 0, section, value, 8)
        return pack(order + "IIIBBH", at, value, 8, info, 0, section)

    functions = [symbol(b"function_%02d" % i, 0x12, 0, 0) for i in range(40)]
    symtab = symbol(b"", 0, 0, 0) + symbol(b"local", 0x01, 1, 0x400100)
    dynsym = symbol(b"", 0, 0, 0) + symbol(b"open_door", 0x12, 0, 0) \
        + symbol(b"Close", 0x22, 0, 0) + symbol(b"main", 0x12, 1, 0x400110) + b"".join(functions)
    code = b"\xc3" * 32
    dynamic = pack(order + 2 * word, 1, 1) + pack(order + 2 * word, 14, 5) \
        + pack(order + 2 * word, 0, 0)
    parts, at = {}, head + 2 * seg
    for key, data in (("code", code), ("strings", strings), ("symtab", symtab),
                      ("dynsym", dynsym), ("names", names), ("dynamic", dynamic)):
        parts[key] = (at, data)
        at += len(data)

    def section(name, kind, flags, address, key, link):
        place, data = parts[key] if key else (0, b"")
        at_name = names.index(b"\0" + name + b"\0") + 1 if name else 0
        return pack(order + "II" + 4 * word + "II" + 2 * word, at_name, kind, flags, address,
                    place, len(data), link, 0, 1, 0)

    def segment(kind, flags, key, address):
        place, data = parts[key]
        values = (place, address, address, len(data), len(data))
        if wide:
            return pack(order + "II6Q", kind, flags, *values, 4096)
        return pack(order + "8I", kind, *values, flags, 4096)

    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    header = ident + pack(order + "HHI" + 3 * word + "I6H", 2, 62 if wide else 20, 1, 0x400104,
                          head, at, 0, head, seg, 2, sect, 6, 5)
    segments = segment(1, 5, "code", 0x400100) + segment(2, 6, "dynamic", 0x600000)
    sections = section(b"", 0, 0, 0, None, 0) + section(b".text", 1, 6, 0x400100, "code", 0) \
        + section(b".strtab", 3, 0, 0, "strings", 0) \
        + section(b".symtab", 2, 0, 0, "symtab", 2) \
        + section(b".dynsym", 11, 2, 0, "dynsym", 2) \
        + section(b".shstrtab", 3, 0, 0, "names", 0)
    return header + segments + b"".join(data for _, data in parts.values()) + sections


def macho(order, wide):
    """An executable with two segments; its entry point is a command or in the registers."""
    word = "Q" if wide else "I"

    def section(name, address, size, offset):
        return pack(order + "16s16s" + 2 * word + "7I" + ("I" if wide else ""), name, b"__TEXT",
                    address, size, offset, 4, 0, 0, 0x80000400, 1, 2, *((3,) if wide else ()))

    def segment(name, address, offset, sections):
        body = pack(order + "16s" + 4 * word + "4I", name, address, 0x1000, offset, 0x200, 7, 5,
                    len(sections), 0) + b"".join(sections)
        return pack(order + "II", 0x19 if wide else 1, 8 + len(body)) + body

    commands = [segment(b"__PAGEZERO", 0, 0, []),
                segment(b"__TEXT", 0x1000, 0x100, [section(b"__text", 0x1010, 16, 0x110),
                                                   section(b"sixteen_letters_", 0x1020, 8, 0x120)])]
    if wide:
        commands.append(pack(order + "IIQQ", 0x80000028, 24, 0x118, 0x4000))
    else:
        state = [0] * 16
        state[10] = 0x1014  # eip
        commands.append(pack(order + "4I16I", 5, 80, 1, 16, *state))
    magic = 0xfeedfacf if wide else 0xfeedface
    cpu = (0x01000007, 3) if wide else (7, 3)
    body = b"".join(commands)
    head = pack(order + "7I" + ("I" if wide else ""), magic, *cpu, 2, len(commands), len(body),
                0x200085, *((9,) if wide else ()))
    return (head + body).ljust(0x300, b"\0")


def fat(files):
    head, bodies, at = pack(">II", 0xcafebabe, len(files) + 1), b"", 0x100
    for cpu, subtype, data in files:
        head += pack(">5I", cpu, subtype, at + len(bodies), len(data), 4)
        bodies += data
    head += pack(">5I", 18, 0, 0x100, 0x1000000, 4)  # one that is not there
    return head.ljust(at, b"\0") + bodies


def blob_heap(entries):
    """Heap and the index of each entry."""
    heap, index = b"\0", []
    for entry in entries:
        index.append(len(heap))
        heap += (bytes([len(entry)]) if len(entry) < 128 else pack(">H", 0x8000 | len(entry))) + entry
    return heap.ljust((len(heap) + 4) & ~3, b"\0"), index


def string_heap(texts):
    heap, index = b"\0", {"": 0}
    for text in texts:
        index[text] = len(heap)
        heap += text.encode() + b"\0"
    return heap.ljust((len(heap) + 4) & ~3, b"\0"), index


def metadata():
    """A module with classes that show nesting, generics, arrays, bases and broken rows."""
    strings, s = string_heap([
        "Seed.dll", "<Module>", "System", "Object", "GuidAttribute", ".ctor", "mscorlib", "Seed",
        "Fruit", "Basket`1", "IBox", "Inner", "T", "U", "Pick", "count", "Fill", "native.dll",
        "picture", "Give", "en"])
    sig_class, sig_void, sig_generic, sig_array, guid, text, spec, key, broken = range(9)
    blobs, b = blob_heap([
        bytes([0x00, 1, 0x12, 0x08, 0x08]),                      # Fruit Pick(int)
        bytes([0x20, 0, 0x01]),                                  # void .ctor()
        bytes([0x30, 1, 1, 0x1d, 0x1e, 0, 0x15, 0x12, 0x0c, 1, 0x13, 0]),  # U[] Fill(Basket<T>)
        bytes([0x00, 2, 0x14, 0x0e, 2, 1, 3, 1, 2, 0x0f, 0x10, 0x1b, 0, 1, 1, 0x0d, 0x1c]),
        b"\x01\x00\x040102\0\0",
        "text".encode("utf-16le"),
        bytes([0x15, 0x12, 0x0c, 1, 0x0e]),                      # Basket<string>
        bytes(range(8)),
        bytes([0x00, 1, 0x01, 0x7e])])                           # an unknown type
    user, _ = blob_heap(["hello".encode("utf-16le") + b"\0", "ü".encode("utf-16le") + b"\1"])

    def type_def(flags, name, namespace, extends, field, method):
        return pack("<IHHHHH", flags, s[name], s[namespace], extends, field, method)

    def method(flags, name, signature, param):
        return pack("<IHHHHH", 0x2050, 0, flags, s[name], b[signature], param)

    tables = {
        0x00: [pack("<HHHHH", 0, s["Seed.dll"], 1, 0, 0)],
        0x01: [pack("<HHH", 6, s["Object"], s["System"]),
               pack("<HHH", 6, s["GuidAttribute"], s["System"])],
        0x02: [type_def(0, "<Module>", "", 0, 1, 1),
               type_def(0x101, "Fruit", "Seed", 5, 1, 1),
               type_def(0x81, "Basket`1", "Seed", 6, 1, 3),
               type_def(0xa1, "IBox", "Seed", 0, 1, 5),
               type_def(0x3, "Inner", "", 8, 1, 5)],
        0x06: [method(0x96, "Pick", sig_class, 1), method(0x1886, ".ctor", sig_void, 2),
               method(0x1c6, "Fill", sig_generic, 2), method(0x91, "Give", sig_array, 9),
               method(0x464, "Give", broken, 1)],
        0x08: [pack("<HHH", 0, 1, s["count"]), pack("<HHH", 0, 1, s[""])],
        0x09: [pack("<HH", 2, 16), pack("<HH", 3, 6)],
        0x0a: [pack("<HHH", 2 << 3 | 1, s[".ctor"], b[sig_void])],
        0x0b: [pack("<HHH", 0x08, 4, b[text]), pack("<HHH", 0x0e, 4, b[text])],
        0x0c: [pack("<HHH", 1 << 5 | 0x0e, 1 << 3 | 3, b[guid])],
        0x1a: [pack("<H", s["native.dll"])],
        0x1b: [pack("<H", b[spec])],
        0x1d: [pack("<IH", 0x2010, 1)],
        0x20: [pack("<IHHHHIHHH", 0x8004, 1, 2, 3, 4, 0, 0, s["Seed"], s["en"])],
        0x23: [pack("<HHHHIHHHH", 4, 0, 1, 2, 0, b[key], s["mscorlib"], 0, 0)],
        0x28: [pack("<IIHH", 0, 1, s["picture"], 0)],
        0x29: [pack("<HH", 5, 3)],
        0x2a: [pack("<HHHH", 0, 0, 3 << 1, s["T"]), pack("<HHHH", 0, 0, 3 << 1 | 1, s["U"])],
    }
    valid = sum(1 << number for number in tables)
    tilde = pack("<IBBBBQQ", 0, 2, 0, 0, 1, valid, 0)
    tilde += b"".join(pack("<I", len(rows)) for rows in tables.values())
    tilde += b"".join(b"".join(rows) for rows in tables.values()) + b"\0" * 8
    guids = bytes(range(1, 17))
    streams = [(b"#~", tilde), (b"#Strings", strings), (b"#US", user), (b"#GUID", guids),
               (b"#Blob", blobs)]
    version = b"v4.0.30319\0\0"
    head = pack("<IHHII", 0x424a5342, 1, 1, 0, len(version)) + version
    head += pack("<HH", 0, len(streams))
    size = len(head) + sum(8 + len(name) + 4 - len(name) % 4 for name, _ in streams)
    bodies = b""
    for name, data in streams:
        head += pack("<II", size + len(bodies), len(data)) + name + bytes(4 - len(name) % 4)
        bodies += data
    return head + bodies


def dotnet():
    """A PE file with one section: CLI header, a resource, the metadata."""
    data = metadata()
    resource = pack("<I", 6) + b"pixels\0\0"
    rva, at = 0x2000, 72 + len(resource)
    cli = pack("<IHHIIIIII", 72, 2, 5, rva + at, len(data), 1, 0, rva + 72, len(resource))
    body = (cli.ljust(72, b"\0") + resource + data).ljust(0xa00, b"\0")
    dos = b"MZ".ljust(60, b"\0") + pack("<I", 64)
    coff = b"PE\0\0" + pack("<HHIIIHH", 0x14c, 1, 0, 0, 0, 224, 0x2102)
    optional = pack("<HBBIIIIII", 0x10b, 11, 0, len(body), 0, 0, 0, rva, 0)
    optional += pack("<III6HIIIIHH6I", 0x400000, 0x2000, 0x200, 4, 0, 0, 0, 4, 0, 0, 0x4000, 0x200,
                     0, 3, 0, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    directories = [(0, 0)] * 16
    directories[14] = (rva, 72)
    optional += b"".join(pack("<II", *entry) for entry in directories)
    section = b".text".ljust(8, b"\0") + pack("<IIIIIIHHI", len(body), rva, len(body), 0x200, 0, 0,
                                               0, 0, 0x60000020)
    return (dos + coff + optional + section).ljust(0x200, b"\0") + body


def write(name, data):
    (HERE / name).parent.mkdir(exist_ok=True)
    (HERE / name).write_bytes(data)


write("elf/little64", elf("<", True))
write("elf/big32", elf(">", False))
write("macho/little64", macho("<", True))
write("macho/big32", macho(">", False))
write("macho/fat", fat([(7, 3, macho("<", False)), (0x01000007, 3, macho("<", True))]))
write("dotnet/library", dotnet())
