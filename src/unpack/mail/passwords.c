#include "unpack/mail/passwords.h"

#include "unpack/mail/words.h"

enum {
    TEXT_MAX = 16 << 10,
    WORD_MIN = 3,
    WORD_MAX = 64,
    NEAR_WORDS = 6, /* words after "password" that are likely */
};

/* Beginnings of the words that announce one, in the languages of most mail. */
static const char *const announcing[] = {
    "passw",
    "pass:",
    "pwd",
    "pw:",
    "passcode",
    "kennwort",
    "contrase",
    "senha",
    "mot",
    "code",
    "clave",
    "parola",
    "haslo",
    "geslo",
    "jelsz",
    "wachtwoord",
    "\xd0\xbf\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb",
};

bool passwords_full(const struct passwords *passwords)
{
    return passwords->near_count == PASSWORDS_NEAR && passwords->far_count == PASSWORDS_FAR;
}

static void add_word(bytes *list, uint32_t *count, uint32_t max, bytes word)
{
    if (word.len < WORD_MIN || word.len > WORD_MAX || *count >= max)
        return;
    for (uint32_t i = 0; i < *count; i++)
        if (bytes_equal(list[i], word))
            return;
    list[(*count)++] = word;
}

static bool announces(bytes word)
{
    for (size_t i = 0; i < COUNT(announcing); i++)
        if (words_start(word, announcing[i]))
            return true;
    return false;
}

/* Signs around a word that are hardly its own. */
static bytes without_signs(bytes word)
{
    static const char open[] = "\"'`([{<*_:=", close[] = "\"'`)]}>*_.,;:!?";
    for (bool more = true; more && word.len;) {
        more = false;
        for (const char *c = open; *c && !more && word.len; c++)
            if (word.at[0] == (uint8_t)*c)
                word = bytes_slice(word, more = true, word.len);
    }
    for (bool more = true; more && word.len;) {
        more = false;
        for (const char *c = close; *c && !more; c++)
            if (word.at[word.len - 1] == (uint8_t)*c)
                more = true;
        word.len -= more;
    }
    return word;
}

/* A word as it stands, without its signs, and what follows a colon or an equals sign in it. */
static void add_forms(struct passwords *passwords, bytes word, bool near)
{
    bytes *list = near ? passwords->near : passwords->far;
    uint32_t *count = near ? &passwords->near_count : &passwords->far_count;
    uint32_t max = near ? PASSWORDS_NEAR : PASSWORDS_FAR;
    bytes bare = without_signs(word);
    add_word(list, count, max, bare);
    if (near)
        add_word(list, count, max, word);
    for (size_t i = 0; i + 1 < word.len; i++)
        if (word.at[i] == ':' || word.at[i] == '=') {
            add_word(list, count, max, without_signs(bytes_slice(word, i + 1, word.len)));
            break;
        }
}

/* Moves the next word from *rest to *word; tags are skipped. */
static bool next_word(bytes *rest, bytes *word)
{
    size_t i = 0;
    while (i < rest->len &&
           (words_space(rest->at[i]) || rest->at[i] == '<' || rest->at[i] == '>')) {
        size_t end = i;
        if (rest->at[i] == '<' && i + 1 < rest->len &&
            (ascii_alnum(rest->at[i + 1]) || rest->at[i + 1] == '/' || rest->at[i + 1] == '!'))
            while (end < rest->len && rest->at[end] != '>')
                end++;
        i = end + 1;
    }
    *rest = bytes_slice(*rest, i, rest->len);
    for (i = 0; i < rest->len && !words_space(rest->at[i]) && rest->at[i] != '<';)
        i++;
    *word = bytes_slice(*rest, 0, i);
    *rest = bytes_slice(*rest, i, rest->len);
    return i > 0;
}

void passwords_add_text(struct passwords *passwords, enum transfer how, bytes body)
{
    bytes rest = transfer_copy(passwords->arena, how, body, TEXT_MAX), word;
    unsigned near = 0;
    rest = bytes_slice(rest, 0, TEXT_MAX);
    while (next_word(&rest, &word)) {
        bool quoted = word.len > 2 && (word.at[0] == '"' || word.at[0] == '\'');
        if (announces(without_signs(word)) || announces(word))
            near = NEAR_WORDS + 1;
        add_forms(passwords, word, near > 0 || quoted);
        near -= near > 0;
    }
}

void passwords_into(const struct passwords *passwords, struct unpack_run *run)
{
    uint32_t n = 0, count = run->password_count;
    if (!passwords->near_count && !passwords->far_count)
        return;
    bytes *list = count > UINT32_MAX / 2
                      ? NULL
                      : PUSH_ARRAY(passwords->arena, bytes,
                                   (size_t)count + PASSWORDS_NEAR + PASSWORDS_FAR);
    if (!list)
        return;
    for (uint32_t i = 0; i < passwords->near_count; i++)
        list[n++] = passwords->near[i];
    for (uint32_t i = 0; i < count; i++)
        list[n++] = run->passwords[i];
    for (uint32_t i = 0; i < passwords->far_count; i++)
        list[n++] = passwords->far[i];
    run->passwords = list;
    run->password_count = n;
}
