/* find — which originals belong to which encrypted files, by their names and sizes. It opens
 * nothing: whoever walks says what there is, pair_learn finds out who does not belong. */
#pragma once
#include "base/arena.h"
#include "scan/walk.h"

enum { FIND_GROWTH = 64 << 10, FIND_MOST = 4 << 20 };

struct find_file {
    bytes path;
    uint32_t name;  /* offset of its last part */
    uint32_t below; /* offset of what lies below the folder that was walked */
    uint64_t size;
};

struct find_list {
    VEC(struct find_file) file;
    bool full; /* there were more: those are left out */
};

struct find_pair {
    uint32_t original, encrypted; /* places in the lists */
    bool by_name;
};

/* Copies the path, which was found below `folder` or is it, to the arena; false when there is
 * no room, which list->full says too. */
bool find_add(struct find_list *list, struct arena *arena, bytes path, bytes folder,
              uint64_t size);
/* The same of what a walk came to; what is empty or cannot be looked at is left out. */
bool find_add_walked(struct find_list *list, struct arena *arena, const struct walk_file *file,
                     bytes folder);
/* At most `max` pairs: an encrypted file is called as its original, or as that and more
 * ("a.doc.locked"), and is not shorter, nor longer by more than FIND_GROWTH. The largest, and
 * of the others some of each size. Where no name tells anything: files that are longer than an
 * original by what is most often seen. Their number. */
size_t find_pairs(const struct find_list *originals, const struct find_list *encrypted,
                  struct arena *arena, struct find_pair *ret, size_t max);
/* What the encryptor put behind names, when all pairs that have it by name agree: ".locked". */
bytes find_extension(const struct find_list *originals, const struct find_list *encrypted,
                     const struct find_pair *pairs, size_t count);
