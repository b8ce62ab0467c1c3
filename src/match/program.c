/* program — laying a program out, and checking one that comes from a file. */
#include "match/program.h"

#include <string.h>

enum { ALIGN = 8 };

uint32_t program_text(struct program_draft *draft, bytes text)
{
    uint32_t at = draft->texts.n;
    uint8_t *to;

    if (text.len > UINT32_MAX / 4 - at)
        return UINT32_MAX;
    if (!text.len)
        return at;
    to = vec_push_many(draft->arena, &draft->texts, text.len);
    if (!to)
        return UINT32_MAX;
    memcpy(to, text.at, text.len);
    return at;
}

static uint64_t place(uint64_t *end, uint64_t count, size_t size)
{
    uint64_t at = (*end + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);

    *end = at + count * size;
    return at;
}

static void copy_to(uint8_t *to, const void *from, size_t size)
{
    if (size)
        memcpy(to, from, size);
}

bytes program_seal(struct program_draft *draft)
{
    struct program *head = &draft->head;
    uint64_t end = sizeof *head;
    uint8_t *at;

    head->magic = PROGRAM_MAGIC;
    head->part_count = draft->parts.n;
    head->atom_count = draft->atoms.n;
    head->inst_count = draft->insts.n;
    head->step_count = draft->steps.n;
    head->set_count = draft->sets.n;
    head->text_length = draft->texts.n;
    head->parts = (uint32_t)place(&end, draft->parts.n, sizeof *draft->parts.at);
    head->atoms = (uint32_t)place(&end, draft->atoms.n, sizeof *draft->atoms.at);
    head->insts = (uint32_t)place(&end, draft->insts.n, sizeof *draft->insts.at);
    head->steps = (uint32_t)place(&end, draft->steps.n, sizeof *draft->steps.at);
    head->sets = (uint32_t)place(&end, draft->sets.n, sizeof *draft->sets.at);
    head->texts = (uint32_t)place(&end, draft->texts.n, 1);
    place(&end, 0, 1);
    end = (end + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
    if (end > UINT32_MAX)
        return (bytes){NULL, 0};
    head->size = (uint32_t)end;
    at = arena_push(draft->arena, end);
    if (!at)
        return (bytes){NULL, 0};
    memcpy(at, head, sizeof *head);
    copy_to(at + head->parts, draft->parts.at, draft->parts.n * sizeof *draft->parts.at);
    copy_to(at + head->atoms, draft->atoms.at, draft->atoms.n * sizeof *draft->atoms.at);
    copy_to(at + head->insts, draft->insts.at, draft->insts.n * sizeof *draft->insts.at);
    copy_to(at + head->steps, draft->steps.at, draft->steps.n * sizeof *draft->steps.at);
    copy_to(at + head->sets, draft->sets.at, draft->sets.n * sizeof *draft->sets.at);
    copy_to(at + head->texts, draft->texts.at, draft->texts.n);
    return (bytes){at, end};
}

static bool inside(const struct program *p, uint32_t at, uint32_t count, size_t size)
{
    return at % ALIGN == 0 && at >= sizeof *p && at <= p->size &&
           (uint64_t)count * size <= p->size - at;
}

static bool valid_forms(const struct program *p)
{
    if (p->forms < 1 || p->forms > 2)
        return false;
    for (uint32_t i = 0; i < p->forms; i++) {
        const struct text_form *form = &p->form[i];
        if (!form->length || form->text > p->text_length ||
            form->length > p->text_length - form->text || form->window >= form->length)
            return false;
    }
    return true;
}

static bool valid_part(const struct program *p, const struct program_part *part)
{
    uint32_t limit = part->kind == PART_LITERAL ? p->text_length : p->step_count;

    if (part->kind == PART_GENERAL)
        return true;
    return (part->kind == PART_LITERAL || part->kind == PART_SIMPLE) && part->start <= limit &&
           part->count <= limit - part->start && part->count <= INT32_MAX / 4;
}

static bool valid_atom(const struct program *p, const struct program_atom *atom)
{
    const struct program_part *part;

    if (atom->length > FIND_BYTES || atom->part >= p->part_count ||
        atom->group >= PROGRAM_GROUPS)
        return false;
    part = &program_parts(p)[atom->part];
    if (part->kind == PART_GENERAL)
        return atom->forward < p->inst_count &&
               (atom->backward == UINT32_MAX || atom->backward < p->inst_count);
    if (part->kind == PART_SIMPLE)
        return atom->forward >= part->start && atom->forward <= part->start + part->count;
    return true;
}

static bool valid_inst(const struct program *p, const struct re_inst *inst, uint32_t at)
{
    bool last = at + 1 == p->inst_count;

    if (!inst->op || inst->op >= OP_COUNT || (last && inst->op != OP_MATCH))
        return false;
    if (inst->op == OP_CLASS)
        return inst->a < p->set_count;
    if (inst->op == OP_BESIDE)
        return inst->b <= BESIDE_SPLIT_LINE;
    if (inst->op >= OP_SPLIT_NEXT)
        return inst->target < p->inst_count && inst->a < 128;
    return true;
}

static bool valid_step(const struct hex_step *step)
{
    return step->op >= STEP_BYTE && step->op <= STEP_GAP;
}

static bool valid_tables(const struct program *p)
{
    for (uint32_t i = 0; i < p->part_count; i++)
        if (!valid_part(p, &program_parts(p)[i]))
            return false;
    for (uint32_t i = 0; i < p->atom_count; i++)
        if (!valid_atom(p, &program_atoms(p)[i]))
            return false;
    for (uint32_t i = 0; i < p->inst_count; i++)
        if (!valid_inst(p, &program_insts(p)[i], i))
            return false;
    for (uint32_t i = 0; i < p->step_count; i++)
        if (!valid_step(&program_steps(p)[i]))
            return false;
    return true;
}

bool program_valid(bytes file)
{
    const struct program *p = (const struct program *)(const void *)file.at;

    if (file.len < sizeof *p || (uintptr_t)file.at % ALIGN || p->magic != PROGRAM_MAGIC ||
        p->size != file.len || p->finder.depth > FIND_BYTES || p->counters > RE_MAX_DEPTH + 1 ||
        p->first > p->set_count || (p->run && p->run_set >= p->set_count))
        return false;
    if (!inside(p, p->parts, p->part_count, sizeof(struct program_part)) ||
        !inside(p, p->atoms, p->atom_count, sizeof(struct program_atom)) ||
        !inside(p, p->insts, p->inst_count, sizeof(struct re_inst)) ||
        !inside(p, p->steps, p->step_count, sizeof(struct hex_step)) ||
        !inside(p, p->sets, p->set_count, sizeof(struct re_set)) ||
        !inside(p, p->texts, p->text_length, 1) || p->part_count > PROGRAM_MAX_PARTS ||
        p->atom_count > PROGRAM_MAX_ATOMS)
        return false;
    if (p->kind == PROGRAM_TEXT)
        return valid_forms(p);
    if (p->kind == PROGRAM_SUBJECT)
        return p->inst_count && valid_tables(p);
    return p->kind == PROGRAM_ATOMS && p->part_count && p->atom_count && valid_tables(p);
}

/* ClamAV's delimiters of words (libclamav 1.4): before a match 1, behind it 2, 3 both. */
static uint8_t delimiter(uint8_t c)
{
    switch (c) {
    case ' ':
    case '-':
    case '/':
    case '_':
        return 3;
    case '\n':
    case '\r':
    case '"':
    case '\'':
    case '=':
    case '>':
        return 2;
    case '.':
    case '<':
    case '@':
        return 1;
    default:
        return 0;
    }
}

bool program_is_edge(uint8_t kind, uint8_t byte)
{
    return kind == EDGE_WORD ? !ascii_alnum(byte) : delimiter(byte) != 0;
}

static bool wide_word_edge(bool left, bytes object, size_t at)
{
    const uint8_t *p = object.at + at;

    if (left)
        return at <= 1 || !(ascii_alnum(p[-2]) && p[-1] == 0);
    if (object.len - at == 1)
        return !ascii_alnum(p[0]);
    return !(ascii_alnum(p[0]) && p[1] == 0);
}

bool program_edge_at(uint8_t edge, bool left, bytes object, size_t at)
{
    const uint8_t *p = object.at + at;
    bool is_edge = left ? at == 0 : at == object.len;

    if (is_edge)
        return !(edge & EDGE_NOT);
    switch (edge & EDGE_KIND) {
    case EDGE_DELIMITER:
        is_edge = delimiter(left ? p[-1] : p[0]) & (left ? 1 : 2);
        break;
    case EDGE_LINE:
        is_edge = left ? p[-1] == '\n'
                       : p[0] == '\n' || (p[0] == '\r' && object.len - at > 1 && p[1] == '\n');
        break;
    default:
        is_edge = edge & EDGE_WIDE ? wide_word_edge(left, object, at)
                                   : !ascii_alnum(left ? p[-1] : p[0]);
    }
    return is_edge != !!(edge & EDGE_NOT);
}
