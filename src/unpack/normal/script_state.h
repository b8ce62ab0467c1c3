/* script_state — shared by the files of script. */
#pragma once
#include "unpack/normal/script.h"

enum { SCRIPT_NONE = UINT32_MAX };

/* Tokens are told apart as far as something depends on it. */
enum script_kind {
    SCRIPT_END,
    SCRIPT_OTHER, /* operators and reserved words: as they stand */
    SCRIPT_VAR,
    SCRIPT_NAME,
    SCRIPT_MEMBER, /* a name after a dot: stays as it is */
    SCRIPT_FUNCTION,
    SCRIPT_FUNCTION_END, /* not written */
    SCRIPT_TEXT,
    SCRIPT_INTEGER,
    SCRIPT_REAL,
    SCRIPT_PLUS,
    SCRIPT_DOT,
    SCRIPT_COMMA,
    SCRIPT_SEMICOLON,
    SCRIPT_PARENTHESIS,
    SCRIPT_PARENTHESIS_END,
    SCRIPT_BRACKET,
    SCRIPT_BRACKET_END,
    SCRIPT_BRACE,
    SCRIPT_BRACE_END,
};

struct script_token {
    enum script_kind kind;
    uint32_t name; /* of a NAME; the scope of a FUNCTION */

    union {
        bytes text;
        int64_t integer;
        double real;
    };
};

typedef VEC(struct script_token) script_tokens;
typedef VEC(uint8_t) script_text;

/* Where a declaration is expected. */
enum script_expects {
    SCRIPT_EXPECTS_NONE,
    SCRIPT_EXPECTS_VARIABLE,
    SCRIPT_EXPECTS_VALUE, /* of a variable, or what else follows its name */
    SCRIPT_EXPECTS_FUNCTION,
    SCRIPT_EXPECTS_PARAMETERS,
    SCRIPT_EXPECTS_PARAMETER,
};

struct script_scope {
    uint32_t up; /* the scope around it, SCRIPT_NONE: the outermost */
    enum script_expects expects;
    enum script_kind last;
    uint32_t brackets, braces;
};

/* A place of an open hash table; key 0 is free. */
struct script_place {
    uint64_t key;
    uint32_t value;
};

struct script_map {
    struct script_place *at;
    uint32_t size, used;
};

enum script_lexing {
    SCRIPT_LEXING,
    SCRIPT_IN_COMMENT,
    SCRIPT_IN_LINE_COMMENT,
    SCRIPT_IN_NUMBER,
    SCRIPT_IN_DOUBLE,
    SCRIPT_IN_SINGLE,
    SCRIPT_IN_NAME,
};

struct script {
    struct arena *arena;
    struct budget *budget;
    bool failed;
    /* The lexer: a word may go on in the next piece. */
    bytes piece;
    size_t at;
    enum script_lexing lexing;
    script_text word;
    /* Names are numbered; so are scopes; a variable is a name in a scope. */
    struct script_map names, variables;
    VEC(bytes) spellings;
    VEC(struct script_scope) scopes;
    uint32_t scope;
    uint32_t variable_count;
    script_tokens tokens;
    /* The text that others are being joined to: its token, and what it has become. */
    uint32_t joined;
    script_text joined_text;
};

/* False, and the script has failed: memory or the budget is used up. */
bool script_charge(struct script *script, uint64_t steps);
/* Adds the tokens of a piece to the script's. */
void script_parse(struct script *script, bytes piece);
/* The number of a variable as it is seen in a scope, SCRIPT_NONE for others. */
uint32_t script_variable(struct script *script, uint32_t scope, uint32_t name);

/* In script_words.c: the next token; SCRIPT_END at the end of the piece. */
enum script_kind script_lex(struct script *script, struct script_token *ret);
/* Appends the text that a literal stands for; a byte. */
void script_literal(struct script *script, script_text *to, bytes text);
void script_byte(struct script *script, script_text *to, uint8_t c);

/* In script_fold.c: what can be computed without running anything. */
void script_fold(struct script *script);
void script_unpack(struct script *script);
/* Follows a token into a function or out of it. False: it is not written. */
bool script_enter(struct script *script, const struct script_token *token);
