/* judge — one conformance case: rules and an object go in, and whether the answer is the
 * expected one comes out. */
#pragma once
#include "base/base.h"

enum expectation { EXPECT_MATCH, EXPECT_NOMATCH, EXPECT_ERROR, EXPECT_COMPILES };

struct conformance_case {
    bytes rules, object;
    enum expectation expect;
    bool has_match; /* one of the matches of the matching rules' patterns is exactly `match` */
    bytes match;
    int count;      /* of matching rules; -1: any */
    bytes code;     /* EXPECT_ERROR: an error of that code is among those reported */
    bool additions; /* YARA-X's semantics where it and YARA 4.5 differ */
};

struct judgement {
    char text[1024]; /* what was wrong */
};

/* True when the case holds. */
bool judge_case(const struct conformance_case *it, struct judgement *ret);
