#include "scan/alerts.h"

#define ALERT_STEPS (UINT64_C(1) << 34)

void alerts_say(const struct alert_options *options, struct reply *reply,
                struct reply_object *object, enum filetype begun, const volatile bool *stop)
{
    struct budget budget = {.steps = ALERT_STEPS, .stop = stop};
    if (!options || object->derived)
        return;
    uint64_t alerts =
        alert_check(options, object->data, begun, (enum filetype)object->type, &budget);
    for (uint32_t i = 0; i < ALERTS; i++)
        if (alerts >> i & 1)
            reply_alert(reply, object, (uint8_t)i);
}
