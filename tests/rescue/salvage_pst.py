"""Outlook mail stores (.pst), made here as [MS-PST] lays them out, as no Debian tool makes any:
Unicode (version 23) and ANSI (version 14). readpst and pffexport read them (salvage_mail.py).

What Outlook leaves behind is there, too: pages of the trees that are no longer used, and messages
that were changed or deleted, whose blocks still stand where they stood."""
import struct, zlib

# 5.1: the table that decodes; and the middle one of the cyclic encoding (5.2).
DECODE = bytes.fromhex(
    "47f1b4e60b6a7248854e9eebe2f89453e0bba002e85a09abdbe3bac67cc310dd39059630f53760828cc9134a6b1df3fb"
    "8f2697ca911701c4322d6e3195ffd923d1005e79dc443b1a28c5615720903d83b943be67d2464276c06d5b7eb20f1629"
    "3ca903540dda5ddff6b7c762cd8d06d3695c86d614f7a56675acb1e94521700c879f74a4224c6fbf1f56aa2eb3783350"
    "b0a392bccf191ca763cb1e4d3e4b1b9b4fe7f0eead3ab55904ea40552551e57a893868527bfc27aed7bdfa07f4cc8e5f"
    "ef359c842b15d5773449b6120a7f7188fd9d18417d93d8582ccefe24afdeb836c8a180a69998a82f0e816573e4c2a28a"
    "d4e111d0088b2af2ed9a643fc16cf9ec")
MIDDLE = bytes.fromhex(
    "14530f56b3c87a9ceb65481716159f02cc547c83000d0c0ba262a876dbd9edc7c5a4dcac8574d6d0a79bae9a96716"
    "6c36399b8dd73928e847da55ed15d93b1575150808952944f4e0a6bbc8d7f6e47464140440111cb033ff7f4e1a98f3c3"
    "af9fbf0193082092ec99da08649ee6f4d6dc42d813425871b88aafc06a11238fd4c4272641337246a757743ffe6b44b3"
    "65ce4d8353d45b92cecb7312b290768a30e697b189e2139be281a5b78f523ca2ab0af3efe048ce7e5983295d3f64ae8a"
    "6eae9f3d52f7020f21f0567ad5510cecde3273bdabad7c226d4911dd21c2233f8faf15aefcf90b68bb5bdc0bf08971e6"
    "ce261e0c6c159abbb58de5fdf60797eb28a")
ENCODE = bytes(DECODE.index(i) for i in range(256))
NONE, PERMUTE, CYCLIC = range(3)
BLOCK_MOST, HEAP_MOST, AMAP_FIRST, AMAP_EVERY = 8192, 3580, 0x4400, 496 * 8 * 64


def crc(data):
    return ~zlib.crc32(data, 0xffffffff) & 0xffffffff


def signature(at, bid):
    value = (at ^ bid) & 0xffffffff
    return (value >> 16 ^ value) & 0xffff


def cyclic(data, bid):
    key, out = bid & 0xffffffff, bytearray(data)
    w = (key ^ key >> 16) & 0xffff
    for i, b in enumerate(out):
        low, high = w & 255, w >> 8
        b = MIDDLE[(ENCODE[(b + low) & 255] + high) & 255]
        out[i] = (DECODE[(b - high) & 255] - low) & 255
        w = (w + 1) & 0xffff
    return bytes(out)


class Heap:
    """A heap on a node: items by their ids, in blocks."""

    def __init__(self, kind, most):
        self.kind, self.most, self.blocks, self.root = kind, most, [], 0
        self.grow()

    def grow(self):
        n = len(self.blocks)
        head = 12 if n == 0 else 66 if n % 128 == 8 else 2
        self.blocks.append((bytearray(head), [head]))

    def add(self, item):
        data, places = self.blocks[-1]
        if len(data) + len(item) + 2 * len(places) + 12 > self.most:
            self.grow()
            data, places = self.blocks[-1]
        data += item
        places.append(len(data))
        return len(self.blocks) - 1 << 16 | len(places) - 1 << 5

    def put(self, hid, item):
        data, places = self.blocks[hid >> 16]
        at = places[(hid >> 5 & 0x7ff) - 1]
        data[at:at + len(item)] = item

    def done(self):
        out = []
        for n, (data, places) in enumerate(self.blocks):
            data += bytes(len(data) % 2)
            struct.pack_into("<H", data, 0, len(data))
            if n == 0:
                struct.pack_into("<HBBI", data, 0, len(data), 0xec, self.kind, self.root)
            out.append(bytes(data) + struct.pack("<HH%dH" % len(places), len(places) - 1, 0, *places))
        return out


class Store:
    def __init__(self, method=PERMUTE, ansi=False):
        self.ansi, self.method, self.out = ansi, method, bytearray(AMAP_FIRST)
        self.word = "I" if ansi else "Q"
        self.most = BLOCK_MOST - (12 if ansi else 16)
        self.bid, self.page_bid, self.pages = 4, 0x1000, []
        self.blocks, self.mail, self.others, self.inner = [], [], [], 0x8000
        self.leaves = {0x80: [], 0x81: []}
        self.free, self.written = False, []  # blocks to come are none of the tree's; those since asked
        self.deleted = []  # nodes that only pages have that are no longer used

    # --- pages and blocks ---

    def room(self, size, align):
        """Where so much fits; maps of what is allocated stand in between."""
        while True:
            if len(self.out) >= AMAP_FIRST and (len(self.out) - AMAP_FIRST) % AMAP_EVERY == 0:
                self.pages.append(len(self.out))
                self.out += bytes(512)
                if (len(self.pages) - 1) % 8 == 0:
                    self.page(0x83, b"\xff" * 496)
            at = -(-len(self.out) // align) * align
            end = AMAP_FIRST + ((len(self.out) - AMAP_FIRST) // AMAP_EVERY + 1) * AMAP_EVERY
            if at + size <= end:
                self.out += bytes(at - len(self.out))
                return at
            self.out += bytes(end - len(self.out))

    def sealed(self, kind, body, at, bid):
        sig = 0 if kind in (0x83, 0x84) else signature(at, bid)
        if self.ansi:
            body = body.ljust(500, b"\0")
            return body + struct.pack("<BBHII", kind, kind, sig, bid, crc(body))
        body = body.ljust(496, b"\0")
        return body + struct.pack("<BBHIQ", kind, kind, sig, crc(body), bid)

    def page(self, kind, body):
        at = len(self.out) if kind == 0x83 else self.room(512, 512)
        self.page_bid += 4
        self.out += self.sealed(kind, body, at, at if kind == 0x83 else self.page_bid)
        return self.page_bid, at

    def block(self, data, inner=False):
        bid, self.bid = self.bid | (2 if inner else 0), self.bid + 4
        if not inner:
            data = data.translate(ENCODE) if self.method == PERMUTE else \
                cyclic(data, bid) if self.method == CYCLIC else data
        trail = 12 if self.ansi else 16
        size = -(-(len(data) + trail) // 64) * 64
        at = self.room(size, 64)
        body = data + bytes(size - trail - len(data))
        sig = signature(at, bid)
        self.out += body + (struct.pack("<HHII", len(data), sig, bid, crc(data)) if self.ansi else
                            struct.pack("<HHIQ", len(data), sig, crc(data), bid))
        self.written.append((bid, at, len(data)))
        if not self.free:
            self.blocks.append((bid, at, len(data)))
            self.leaf(0x80, self.blocks)
        return bid

    def leaf(self, kind, entries, last=False):
        """Takes full leaves off the entries, and writes them where they come to be; before some, a
        part of it as it was earlier."""
        size = {(0x80, 1): 12, (0x81, 1): 16, (0x80, 0): 24, (0x81, 0): 32}[kind, self.ansi]
        most = (496 if self.ansi else 488) // size
        while len(entries) >= most or (last and entries):
            some, entries[:most] = entries[:most], []
            if len(self.leaves[kind]) % 3 == 0:
                gone = [e for e in self.deleted if some[0][0] < e[0] < some[-1][0]] if kind == 0x81 else []
                self.tree(kind, 0, [self.entry(kind, e) for e in sorted(some[:most // 2 + 1] + gone)])
            self.leaves[kind].append((some[0][0], *self.tree(kind, 0, [self.entry(kind, e) for e in some])))

    def entry(self, kind, entry):
        if kind == 0x80:
            return struct.pack("<" + 2 * self.word + "HH", *entry, 2) + (b"" if self.ansi else bytes(4))
        return struct.pack("<" + 3 * self.word + "I", *entry) + (b"" if self.ansi else bytes(4))

    def tree(self, kind, level, entries):
        size = len(entries[0])
        room = 496 if self.ansi else 488
        body = b"".join(entries).ljust(room, b"\0")
        return self.page(kind, body + struct.pack("<BBBB", len(entries), room // size, size, level))

    def root(self, kind):
        level, below = 0, sorted(self.leaves[kind])
        while len(below) > 1:
            level, above = level + 1, []
            for i in range(0, len(below), 20):
                some = below[i:i + 20]
                above.append((some[0][0], *self.tree(kind, level, [struct.pack("<" + 3 * self.word, *e)
                                                                   for e in some])))
            below = above
        return below[0][1:]

    # --- nodes ---

    def data(self, parts):
        """Parts as blocks, and what is above them."""
        bids = [self.block(p) for p in parts]
        sizes = [len(p) for p in parts]
        level = 1
        while len(bids) > 1:
            most = (self.most - 8) // struct.calcsize(self.word)
            groups = [slice(i, i + most) for i in range(0, len(bids), most)]
            bids = [self.block(struct.pack("<BBHI%d%s" % (len(bids[g]), self.word), 1, level, len(bids[g]),
                                           sum(sizes[g]), *bids[g]), True) for g in groups]
            sizes = [sum(sizes[g]) for g in groups]
            level += 1
        return bids[0] if bids else 0

    def bytes_data(self, data):
        return self.data([data[i:i + self.most] for i in range(0, len(data), self.most)])

    def subnodes(self, nodes):
        if not nodes:
            return 0
        pad = b"" if self.ansi else bytes(4)
        size = 3 * struct.calcsize(self.word)
        most = (self.most - 8) // size
        nodes = sorted(nodes)
        groups = [nodes[i:i + most] for i in range(0, len(nodes), most)]
        bids = [self.block(struct.pack("<BBH", 2, 0, len(g)) + pad +
                           b"".join(struct.pack("<" + 3 * self.word, *n) for n in g), True) for g in groups]
        if len(bids) == 1:
            return bids[0]
        return self.block(struct.pack("<BBH", 2, 1, len(bids)) + pad + b"".join(
            struct.pack("<" + 2 * self.word, g[0][0], b) for g, b in zip(groups, bids)), True)

    def node(self, nid, parent, data, sub=0):
        """Those of messages must come by their numbers."""
        if nid & 31 == 4:
            self.mail.append((nid, data, sub, parent))
            self.leaf(0x81, self.mail)
        else:
            self.others.append((nid, data, sub, parent))

    def fresh(self, kind):
        self.inner += 32
        return self.inner | kind

    def properties(self, values, sub=()):
        """A property context of {id: (type, value)}: its data, and its subnodes beside `sub`."""
        heap, sub, rows = Heap(0xbc, self.most), list(sub), b""
        heap.root = heap.add(bytes(8))
        for key, (kind, value) in sorted(values.items()):
            if kind == 0x1f and self.ansi:
                kind = 0x1e
            raw = value
            if isinstance(value, str):
                raw = value.encode("cp1252" if kind == 0x1e else "utf-16-le")
            if isinstance(raw, int) and kind in (2, 3, 0xb):
                rows += struct.pack("<HHI", key, kind, raw & 0xffffffff)
                continue
            if kind in (0x14, 0x40):
                raw = struct.pack("<Q", value)
            if not raw:
                rows += struct.pack("<HHI", key, kind, 0)
            elif len(raw) <= HEAP_MOST:
                rows += struct.pack("<HHI", key, kind, heap.add(raw))
            else:
                nid = self.fresh(0x1f)
                sub.append((nid, self.bytes_data(raw), 0))
                rows += struct.pack("<HHI", key, kind, nid)
        heap.put(heap.root, struct.pack("<BBBBI", 0xb5, 2, 6, 0, heap.add(rows)))
        return self.data(heap.done()), sub

    def table(self, columns, rows):
        """A table context: columns [(tag)], rows [{tag: value}] whose row ids are their numbers."""
        heap, sub = Heap(0x7c, self.most), []
        heap.root = heap.add(bytes(22 + 8 * (len(columns) + 2)))
        tags = sorted([0x67f20003, 0x67f30003, *columns], key=lambda t: (t != 0x67f20003, t != 0x67f30003, t))
        ends, widths = len(tags) * 4, (len(tags) + 7) // 8
        matrix, index = b"", b""
        for n, row in enumerate(rows):
            row = {0x67f20003: row.get("id", n), 0x67f30003: n, **row}
            index += struct.pack("<II" if not self.ansi else "<IH", row[0x67f20003], n)
            bits = bytearray(widths)
            for i, tag in enumerate(tags):
                value = row.get(tag)
                if value is not None:
                    bits[i // 8] |= 0x80 >> i % 8
                if isinstance(value, str):
                    value = heap.add(value.encode("cp1252" if self.ansi else "utf-16-le")) if value else 0
                matrix += struct.pack("<I", value or 0)
            matrix += bits
        rows_at, width = 0, ends + widths
        if len(matrix) > HEAP_MOST:
            rows_at = self.fresh(0x1f)
            each = self.most // width * width
            parts = [matrix[i:i + each].ljust(self.most, b"\0") if i + each < len(matrix) else matrix[i:]
                     for i in range(0, len(matrix), each)]
            sub.append((rows_at, self.data(parts), 0))
        elif matrix:
            rows_at = heap.add(matrix)
        row_index = heap.add(struct.pack("<BBBBI", 0xb5, 4, 2 if self.ansi else 4, 0, heap.add(index) if index and
                                         len(index) <= HEAP_MOST else 0))
        info = struct.pack("<BB4HIII", 0x7c, len(tags), ends, ends, ends, width, row_index, rows_at, 0)
        heap.put(heap.root, info + b"".join(
            struct.pack("<IHBB", tag if not self.ansi or tag & 0xffff != 0x1f else tag - 1, 4 * i, 4, i)
            for i, tag in enumerate(tags)))
        return self.data(heap.done()), sub

    def finish(self):
        for kind, entries in ((0x81, self.mail), (0x81, sorted(self.others)), (0x80, self.blocks)):
            self.leaf(kind, entries, True)
        nbt, bbt = self.root(0x81), self.root(0x80)
        self.room(64, 64)
        end = AMAP_FIRST + -(-(len(self.out) - AMAP_FIRST) // AMAP_EVERY) * AMAP_EVERY
        self.out += bytes(end - len(self.out))
        for at in self.pages:
            page = self.sealed(0x84, b"\xff" * (500 if self.ansi else 496), at, at)
            self.out[at:at + 512] = page
        marks = struct.pack("<32I", *[0x10000] * 32)
        if self.ansi:
            root = struct.pack("<9IBBH", 0, end, self.pages[-1], 0, 0, *nbt, *bbt, 2, 0, 0)
            body = struct.pack("<HHHBBII", 0x4d53, 14, 19, 1, 1, 0, 0) + struct.pack(
                "<III", self.bid, self.page_bid, 1) + marks + root + b"\xff" * 256 + struct.pack(
                "<BBH", 0x80, self.method, 0)
            body = body.ljust(8 + 496, b"\0")
            head = b"!BDN" + struct.pack("<I", crc(body[:471])) + body
        else:
            root = struct.pack("<I8QBBH", 0, end, self.pages[-1], 0, 0, *nbt, *bbt, 2, 0, 0)
            body = struct.pack("<HHHBBII", 0x4d53, 23, 19, 1, 1, 0, 0) + struct.pack(
                "<QQI", 0, self.page_bid, 1) + marks + bytes(8) + root + bytes(4) + b"\xff" * 256 + \
                struct.pack("<BBHQ", 0x80, self.method, 0, self.bid)
            body += struct.pack("<I", crc(body[:516]))
            body = body.ljust(556, b"\0")
            head = b"!BDN" + struct.pack("<I", crc(body[:471])) + body
        self.out[:len(head)] = head
        return bytes(self.out)
