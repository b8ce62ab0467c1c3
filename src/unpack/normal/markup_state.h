/* markup_state — shared by the files of markup. */
#pragma once
#include "filetype/plain.h"
#include "unpack/normal/links.h"
#include "unpack/normal/markup.h"
#include "unpack/normal/markup_word.h"

enum {
    MARKUP_LINE = 8191, /* bytes read at once */
};

enum markup_state {
    MARKUP_ENDED, /* nothing is known to follow: reading ends */
    MARKUP_TEXT,
    MARKUP_SKIP,   /* white space, then what is next */
    MARKUP_SHRINK, /* the same, as one blank */
    MARKUP_WIDE,   /* characters above 0x7f */
    MARKUP_TAG,
    MARKUP_NAMED, /* an attribute's name */
    MARKUP_NAMED_BLANK,
    MARKUP_VALUE,
    MARKUP_COMMENT,
    MARKUP_ACT, /* a tag has been read */
    MARKUP_REFERENCE,
    MARKUP_REFERENCE_NAME,
    MARKUP_REFERENCE_NUMBER,
    MARKUP_DATA_TYPE, /* "data:" URLs: the members of a page, so only read past here */
    MARKUP_DATA,
    MARKUP_DATA_END,
    MARKUP_DATA_DIGITS,
    MARKUP_STATES,
};

enum markup_inside { MARKUP_OUTSIDE, MARKUP_SCRIPT, MARKUP_STYLE };

struct markup {
    struct markup_views *views;
    struct arena *arena;
    struct budget *budget;
    bytes data;
    size_t offset;                 /* of the next line */
    uint8_t line[MARKUP_LINE + 1]; /* ends in a NUL, has no other */
    size_t at, len;
    enum markup_state state, next;
    enum markup_inside inside;
    bool blank;  /* the last of the words is one */
    bool binary; /* ends of lines count */
    bool escaped, hex;
    uint8_t quote; /* around the value, 0: none */
    struct markup_word tag, name, value, reference;
    struct markup_word href, src; /* of the tag that is read: the first of each */
    bool has_href, has_src;
    uint32_t wide, wide_value; /* characters above 0x7f, up to three bytes of them */
    int64_t number;
    unsigned digits;
    struct script *script; /* the one that is open */
    size_t script_from;    /* in the line */
    size_t style_from;
    bool failed;         /* the budget or memory */
    struct links *links; /* that are collected; NULL: none are */
};

/* Reads a page into a markup that is all zero, but for `links`. As markup_views. */
bool markup_run(struct markup *markup, bytes page, struct arena *arena, struct budget *budget,
                struct markup_views *views) MUST_USE;

static inline void markup_go(struct markup *markup, enum markup_state state,
                             enum markup_state next)
{
    markup->state = state;
    markup->next = next;
}

/* To what was next; after it nothing is. */
static inline void markup_return(struct markup *markup)
{
    markup_go(markup, markup->next, MARKUP_ENDED);
}

static inline void markup_page(struct markup *markup, uint8_t c)
{
    output_byte(&markup->views->page, c);
}

/* What becomes of characters of several bytes: full stops of other scripts are full stops,
 * others stay. True: `c` belonged to it. */
bool markup_wide(struct markup *markup, uint32_t wide, uint8_t c, struct markup_word *value);

/* In markup_value.c: a character in each state. */
void markup_in_value(struct markup *markup, uint8_t c);
void markup_in_reference(struct markup *markup, uint8_t c);
void markup_in_reference_name(struct markup *markup, uint8_t c);
void markup_in_reference_number(struct markup *markup, uint8_t c);
void markup_in_data_type(struct markup *markup, uint8_t c);
void markup_in_data(struct markup *markup, uint8_t c);
void markup_in_data_digits(struct markup *markup, uint8_t c);
/* A reference that the page's end cut off. */
void markup_end_reference(struct markup *markup);
