/* The magic module of YARA (docs/modules/magic): what file(1) would say. Undefined for
 * processes, for objects without a byte, and in builds without libmagic. */
#include "shim/magic.h"
#include "yara/modules/table.h"

#include <errno.h>

enum question { TYPE, MIME_TYPE, QUESTIONS };

/* What was answered for this object. */
struct answers {
    bool asked[QUESTIONS];
    struct value value[QUESTIONS];
};

static int ask(struct module_input *in, enum question question, struct value *ret)
{
    struct answers *answers = in->state;
    if (in->is_process || in->block_count == 0 || in->blocks[0].data.len == 0)
        return 0;
    if (!answers && !(answers = in->state = PUSH(in->arena, struct answers)))
        return -ENOMEM;
    if (!answers->asked[question]) {
        /* libmagic looks at the first megabytes only, with some thousand tests. */
        enum { STEPS = 1 << 20 };

        bytes text = {0};
        if (budget_charge(in->budget, STEPS))
            text = magic_describe(in->blocks[0].data, question == MIME_TYPE, in->arena);
        if (text.at)
            answers->value[question] = value_bytes(text);
        answers->asked[question] = true;
    }
    *ret = answers->value[question];
    return 0;
}

static int type(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)args;
    return ask(in, TYPE, ret);
}

static int mime_type(struct module_input *in, const struct value *args, struct value *ret)
{
    (void)args;
    return ask(in, MIME_TYPE, ret);
}

static const struct overload mime_type_calls[] = {{"", 's', mime_type}, {0}},
                             type_calls[] = {{"", 's', type}, {0}};

static const struct field fields[] = {FIELD_FUNCTION("mime_type", mime_type_calls),
                                      FIELD_FUNCTION("type", type_calls), FIELD_END};

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    return in->root ? 0 : -ENOMEM;
}

const struct module module_magic = {.name = "magic", .fields = fields, .load = load};
