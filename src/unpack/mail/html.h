/* html — pages, for rules that look for what they say and run: the HTML Living Standard. */
#pragma once
#include "unpack/unpack.h"

bool html_probe(bytes data);
void html_open(struct unpack *unpack);
/* Hands out the content of every "data:...;base64," in a text; false: stop. */
bool html_data_urls(struct unpack *unpack, bytes text) MUST_USE;
