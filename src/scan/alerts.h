/* alerts — what is to be said of an object besides findings by signatures. */
#pragma once
#include "scan/examine/examine.h"

/* Says what was asked for and is so; `begun`: its type as by filetype_of. */
void alerts_say(const struct alert_options *options, struct reply *reply,
                struct reply_object *object, enum filetype begun, const volatile bool *stop);
