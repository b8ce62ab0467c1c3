/* jpeg_scan — the entropy coded data of a baseline JPEG (ITU T.81, annex F), from anywhere.
 *
 * A scan is MCUs, each of a few blocks, each a DC difference and AC codes. Codes fall into step
 * by themselves; which block of an MCU it is, is found by trying: only the right one goes on
 * without an error. What was decoded is written again with the same tables: the AC bits as they
 * are, the DC as a difference to what now stands before it. */
#pragma once
#include "base/arena.h"
#include "base/budget.h"

enum { JPEG_BLOCKS = 10, JPEG_TABLES = 4, JPEG_COMPONENTS = 4 };

struct jpeg_code {
    uint8_t bits[17], count; /* of each length */
    uint16_t fast[1 << 9];   /* by the next 9 bits: symbol << 4 | length, 0: longer */
    uint8_t symbols[256];
    uint8_t length[256]; /* of each symbol's code, 0: none */
    uint16_t value[256];
};

/* What a picture's head says of its scan. */
struct jpeg_head {
    struct jpeg_code dc[JPEG_TABLES], ac[JPEG_TABLES];
    uint32_t width, height, restart; /* restart: MCUs between markers, 0: none */
    uint8_t components;
    uint8_t across[JPEG_COMPONENTS], down[JPEG_COMPONENTS];
    uint8_t dc_of[JPEG_COMPONENTS], ac_of[JPEG_COMPONENTS];
    uint8_t blocks, owner[JPEG_BLOCKS]; /* of an MCU: whose each block is */
    uint32_t columns, rows;             /* in MCUs */
};

/* Plain bytes of the scan without their stuffing, and where restart markers were. */
struct jpeg_stretch {
    uint8_t *at;
    size_t len;

    struct jpeg_restart {
        size_t at; /* byte of the stretch that follows it */
        uint8_t number;
    } * restarts;

    uint32_t restart_count, next; /* next: the first that was not passed */
    uint64_t bit;
    int32_t dc[JPEG_COMPONENTS];
};

struct jpeg_block {
    uint64_t ac, end; /* bits */
    int32_t dc;       /* its value, as far as known: differences since the stretch's begin */
};

/* Reads a DHT segment's tables. False: they are none. */
bool jpeg_tables(struct jpeg_head *head, bytes segment) MUST_USE;
/* The tables of annex K; and as they stand in a DHT segment. */
void jpeg_common(struct jpeg_head *head);
bytes jpeg_common_segment(void);
/* Fills in what follows from width, height and the components. False: not a baseline picture
 * that is read here. */
bool jpeg_lay_out(struct jpeg_head *head) MUST_USE;

/* 32 bits from `bit` on, the first one highest; ones behind the end. */
uint32_t jpeg_peek(const struct jpeg_stretch *stretch, uint64_t bit);
/* The symbol of the code that these bits begin with, -1: there is none. */
int jpeg_symbol(const struct jpeg_code *code, uint32_t bits, unsigned *ret_length);

/* The bytes [from, to) of a file; ends at a marker that is no restart. *ret_to: where. -ENOMEM.
 */
int jpeg_unstuff(bytes in, struct arena *arena, struct jpeg_stretch *ret,
                 size_t *ret_to) MUST_USE;
/* The next MCU. False: codes that are none, or the end; `bit` stays before it. */
bool jpeg_mcu(const struct jpeg_head *head, struct jpeg_stretch *stretch,
              struct jpeg_block *blocks) MUST_USE;
/* Goes behind the next restart marker; its number, -1: there is none. */
int jpeg_to_restart(struct jpeg_stretch *stretch);
/* True when the next thing is a restart marker, but for filling bits. */
bool jpeg_at_restart(const struct jpeg_stretch *stretch);
/* Places `bit` at an MCU's begin in the first bits from where it is. False: none is found. */
bool jpeg_step_in(const struct jpeg_head *head, struct jpeg_stretch *stretch,
                  struct budget *budget) MUST_USE;

struct jpeg_writer {
    bool (*put)(void *to, bytes data);
    void *to;
    uint32_t pending, count;
    int32_t dc[JPEG_COMPONENTS];
    uint8_t out[4096];
    size_t used;
    bool stopped;
};

/* `base` is added to each DC: one for each component. */
void jpeg_write(struct jpeg_writer *writer, const struct jpeg_head *head,
                const struct jpeg_stretch *stretch, const struct jpeg_block *blocks,
                const int32_t *base);
/* One block of 64 coefficients, in the order in which they are coded; values that cannot be are
 * made smaller. */
void jpeg_write_block(struct jpeg_writer *writer, const struct jpeg_head *head, unsigned owner,
                      const int16_t *values);
/* An MCU of the colour before it. */
void jpeg_write_flat(struct jpeg_writer *writer, const struct jpeg_head *head);
void jpeg_flush(struct jpeg_writer *writer);
