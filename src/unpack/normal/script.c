#include "unpack/normal/script.h"

struct script {
    struct budget *budget;
};

struct script *script_new(struct arena *arena, struct budget *budget)
{
    struct script *script = PUSH(arena, struct script);
    if (script)
        script->budget = budget;
    return script;
}

void script_feed(struct script *script, bytes piece)
{
    (void)script;
    (void)piece;
}

bool script_finish(struct script *script, struct output *out)
{
    (void)script;
    (void)out;
    return true;
}
