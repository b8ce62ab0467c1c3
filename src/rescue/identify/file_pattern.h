/* file_pattern — names as ransomware makes them: text in which wildcards stand for ids.
 *
 *     {any}      anything, at least one byte
 *     {hex}      hexadecimal digits       {digit}   decimal digits
 *     {letter}   ASCII letters            {alnum}   letters and digits
 *     {id}       letters, digits, - and _ {mail}    a mail address
 *     {hex:8}    exactly eight of them; so with digit, letter, alnum and id
 *
 * Case does not count. */
#pragma once
#include "base/arena.h"

/* Whether all its wildcards are known. */
bool file_pattern_sound(bytes pattern);
/* Whether it matches all of the name; names over 255 bytes match nothing. Time: the product of
 * both lengths at most. */
bool file_pattern_matches(bytes pattern, bytes name);
/* As people read it: "*.id[????????-????].[MAIL].*". Empty when memory is out. */
bytes file_pattern_shown(bytes pattern, struct arena *arena);
/* How much a match tells: bits, of the literal text and of the ids that are the right length.
 */
unsigned file_pattern_bits(bytes pattern);
