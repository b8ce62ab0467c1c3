#!/usr/bin/env python3
"""Logical signatures with macros, and the members of their groups: what clamscan 1.4 and candor find with them.

usage: macros.py CANDOR [--rounds N] [--seed N] [--files N]

Bodies and members are three letters and more and do not overlap in the files: where a member begins within the
first three bytes of a match, clamscan's answer depends on which of them its tables meet first."""
import argparse
import random
import sys

import beside

BODIES = ("aaa", "bbb", "ccc")
MEMBERS = ("mmm", "nnn", "ooo", "ppp")
LOGIC = ("0&1", "0&1", "1", "1", "0|1", "1>1", "0=1&1", "0>1&1", "0=2&1", "0<3&1", "1=2", "(0&1)>3", "(0|1)=3,2", "1=0&0")
LOGIC_THREE = ("0&1&2", "2", "1&2", "0&(1|2)", "2>1", "0=2&1=1&2<9", "1=1&2=0", "(0|1|2)>3,2", "0&1=0&2", "1&2=0", "2&1<3", "0=1&2=1")
# With a signature like this one clamscan knows where the view of a text ends, for the others, too.
ENDS = "Ends;Engine:51-255,Target:7;0;EOF-9:7a7a7a"


def macro(rng):
    least = rng.choice((0, 3, 4, 5, 6, 8))
    return "${%d-%d}%d$" % (least, max(0, least + rng.choice((0, 1, 2, 4, 9, -1))), rng.choice((1, 1, 1, 2, 7, 31)))


def body(rng):
    offset = rng.choice(("", "", "", "", "0,20:", "4:", "EOF-30,29:", "2,9:"))
    modifiers = rng.choice(("", "", "", "::i", "::w", "::wa", "::f"))
    return offset + rng.choice(BODIES).encode().hex() + modifiers


def signature(rng, number):
    target = rng.choice((0, 0, 0, 0, 0, 7))
    around = rng.random()
    if around < .55:
        logic, parts = rng.choice(LOGIC), [body(rng), macro(rng)]
    elif around < .75:
        logic, parts = rng.choice(LOGIC_THREE), [body(rng), macro(rng), macro(rng)]
    elif around < .9:
        logic, parts = rng.choice(LOGIC_THREE), [body(rng), macro(rng), body(rng)]
    elif around < .95:
        logic, parts = rng.choice(LOGIC_THREE), [body(rng), body(rng), macro(rng)]
    else:
        logic, parts = rng.choice(LOGIC), [macro(rng), body(rng)]
    return "Macro%d;Engine:51-255,Target:%d;%s;%s" % (number, target, logic, ";".join(parts))


def members(rng):
    """Each member in one group: of equal ones in two clamscan sees one alone."""
    lines = []
    for i, text in enumerate(MEMBERS):
        group = rng.choice((1, 1, 1, 2, 7, 31))
        if rng.random() < .9:
            lines.append("Member%d:%d:$%d$:%s" % (i, rng.choice((0, 0, 0, 0, 7)), group, text.encode().hex()))
    return lines


def content(rng):
    parts = []
    for _ in range(rng.randint(2, 9)):
        word = rng.choice(BODIES[:2] if rng.random() < .8 else BODIES) if rng.random() < .55 else rng.choice(MEMBERS)
        if rng.random() < .1:
            word = word.upper()
        if rng.random() < .1:
            word = "".join(letter + "\0" for letter in word)
        parts.append(word + rng.choice(("", ".", "..", "...", "....", ". . .", "." * rng.randint(0, 12))))
    return (rng.choice(("", "", "", ".", "....", "text: ")) + "".join(parts)).ljust(6).encode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("candor")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--files", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if beside.skipped():
        return 0
    rng, fine = random.Random(options.seed), True
    print("1..%d" % options.rounds)
    for number in range(1, options.rounds + 1):
        signatures = [signature(rng, i) for i in range(40)] + [ENDS]
        others = {rng.choice(("a.ndb", "0.ndb", "z.ndb")): members(rng)}
        contents = [content(rng) for _ in range(options.files)]
        fine = beside.one_round(options.candor, number, signatures, contents, [], "Macro", others) and fine
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
