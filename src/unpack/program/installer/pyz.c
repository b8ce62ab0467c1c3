/* The modules of a program made by PyInstaller.
 *
 *   "PYZ\0", u32 magic number of Python, u32 big endian offset of the directory, modules
 *   directory: Python's marshal: list of (name, (kind, offset, size)), or a dictionary
 *
 * Each module is a zlib stream of marshalled code. Of marshal's values only texts and numbers
 * matter here: a name is followed by its three numbers. A byte's top bit says that the value
 * can be referred to. PyInstaller 6, PyInstaller/archive/writers.py; CPython, Python/marshal.c.
 */
#include "unpack/archive/decode.h"
#include "unpack/program/program.h"

enum { REFERABLE = 0x80, REFERENCES_MAX = 1 << 20 };

struct value {
    bytes text; /* .at is NULL for a number */
    uint32_t number;
};

struct pyz {
    struct unpack *unpack;
    bytes list;
    size_t at;
    VEC(struct value) references;
};

static bool take(struct pyz *pyz, unsigned width, uint32_t *ret)
{
    if (!bytes_has(pyz->list, pyz->at, width))
        return false;
    *ret = width == 1 ? pyz->list.at[pyz->at] : load_le32(pyz->list.at + pyz->at);
    pyz->at += width;
    return true;
}

/* The next text or number; containers are passed over, what is in them comes next. */
static bool next_value(struct pyz *pyz, struct value *ret)
{
    uint32_t type, n;
    while (take(pyz, 1, &type) && budget_charge(pyz->unpack->budget, 8)) {
        bool done = true;
        *ret = (struct value){0};
        switch (type & ~(uint32_t)REFERABLE) {
        case 'i':
            if (!take(pyz, 4, &ret->number))
                return false;
            break;
        case 'z':
        case 'Z':
        case 's':
        case 't':
        case 'a':
        case 'A':
        case 'u':
            if (!take(pyz, (type & 0x5f) == 'Z' ? 1 : 4, &n) ||
                !bytes_has(pyz->list, pyz->at, n))
                return false;
            ret->text = (bytes){pyz->list.at + pyz->at, n};
            pyz->at += n;
            break;
        case 'r':
            if (!take(pyz, 4, &n) || n >= pyz->references.n)
                return false;
            *ret = pyz->references.at[n];
            return true;
        case ')':
        case '(':
        case '[':
            if (!take(pyz, (type & 0x7f) == ')' ? 1 : 4, &n))
                return false;
            done = false;
            break;
        case '{':
        case '0':
        case 'N':
        case 'T':
        case 'F':
            done = false;
            break;
        default:
            return false;
        }
        if (type & REFERABLE && pyz->references.n < REFERENCES_MAX) {
            struct value *one = vec_push(pyz->unpack->arena, &pyz->references);
            if (!one)
                return false;
            *one = *ret;
        }
        if (done)
            return true;
    }
    return false;
}

static bool hand_out_module(struct pyz *pyz, bytes name, uint32_t at, uint32_t size)
{
    struct unpack *unpack = pyz->unpack;
    bytes part = bytes_slice(unpack->data, at, size);
    if (part.len < size)
        unpack_gap(unpack, name, GAP_DAMAGED, "%zu of its %u bytes are there", part.len, size);
    if (size == 0)
        return true;
    if (part.len && (part.at[0] & 15) != 8) {
        unpack_gap(unpack, name, GAP_ENCRYPTED, "encrypted with the program's key");
        return true;
    }
    return unpack_begin(unpack, name) &&
           decode_noted(unpack, decode_stream(unpack, STREAM_ZLIB, &part)) &&
           unpack_end(unpack);
}

void pyz_open(struct unpack *unpack)
{
    struct pyz pyz = {.unpack = unpack};
    struct value name = {0}, value;
    uint32_t offset, numbers[3];
    unsigned count = 0;
    if (!bytes_be32(unpack->data, 8, &offset) || offset >= unpack->data.len) {
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "it has no directory");
        return;
    }
    pyz.list = bytes_slice(unpack->data, offset, unpack->data.len);
    while (next_value(&pyz, &value)) {
        if (value.text.at) {
            name = value;
            count = 0;
            continue;
        }
        numbers[count++] = value.number;
        if (count < 3)
            continue;
        count = 0;
        if (!hand_out_module(&pyz, name.text, numbers[1], numbers[2]))
            return;
    }
    if (pyz.at < pyz.list.len && !unpack->run->stopped)
        unpack_gap(unpack, bytes_of(""), GAP_DAMAGED, "the directory is damaged");
}
