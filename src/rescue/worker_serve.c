#include "rescue/worker_serve.h"

#include "rescue/formats/families.h"
#include "rescue/keys/published.h"
#include "rescue/output.h"
#include "rescue/seed/seed.h"
#include "rescue/seed/weak.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    FITS = 64, /* of those without a mark, any may be it: the key tells */
    AT_HAND = 128 << 10,
    HEAD = 64 << 10, /* bytes of a result that choose among keys that cannot be checked */
    LEARNED_LEAST =
        64, /* bytes: smaller ones are not undone that are not called as encrypted */
};

/* Steps of a proof: far more than any file of that size needs that is no trap. */
#define PROOF_LEAST ((uint64_t)1 << 34)
#define PROOF_EACH  64

static void put_text(char *to, size_t room, const char *text)
{
    snprintf(to, room, "%s", text ? text : "");
}

static int32_t rows(void)
{
    int32_t n = 0;
    while (formats[n])
        n++;
    return n;
}

static int keep(struct worker_serve *serve, const struct worker_found *found, struct why *why)
{
    if (found->family < 0 || found->family >= rows() || found->kind > KEY_SEED ||
        found->secret_len > WORKER_SECRET || serve->ring.key.n >= WORKER_KEYS)
        return fail(why, EINVAL, "there is no such key");
    struct key *key = vec_push(serve->keys, &serve->ring.key);
    if (!key)
        return fail(why, ENOMEM, "out of memory");
    *key = (struct key){.kind = found->kind,
                        .origin = bytes_of("found by search"),
                        .secret =
                            arena_copy(serve->keys, (bytes){found->secret, found->secret_len}),
                        .seed = found->seed,
                        .only = found->only,
                        .family = formats[found->family]->family};
    serve->read.keys = serve->ring.key.n;
    return 0;
}

/* Of an RSA key of which there is only the public half: whether it was made badly. */
static void try_weak(struct worker_serve *serve)
{
    const struct keyring *ring = &serve->ring;
    bytes *others = PUSH_ARRAY(serve->arena, bytes, ring->number.n);
    for (uint32_t i = 0; others && i < ring->number.n; i++) {
        struct weak_case what = {
            .n = ring->number.at[i].number, .others = others, .stop = &serve->page->stop};
        struct key key = {0};
        struct why why = {""};
        bool solved = ring->number.at[i].name != 'n';
        for (uint32_t k = 0; k < ring->key.n && !solved; k++)
            solved =
                ring->key.at[k].kind == KEY_RSA && bytes_equal(ring->key.at[k].rsa.n, what.n);
        if (solved)
            continue;
        serve->read.unread += !serve->read.unread; /* so that it is said */
        for (uint32_t k = 0; k < ring->number.n; k++)
            if (k != i && ring->number.at[k].name == 'n')
                others[what.count++] = ring->number.at[k].number;
        if (!weak_find(&what, serve->keys, &key, &why)) {
            struct key *place = vec_push(serve->keys, &serve->ring.key);
            if (place)
                *place = key;
            snprintf(serve->read.why.text, sizeof serve->read.why.text,
                     "a public key of %zu bits was made badly: its private key is %.*s",
                     what.n.len * 8, (int)key.origin.len, (const char *)key.origin.at);
            continue;
        }
        snprintf(serve->read.why.text, sizeof serve->read.why.text,
                 "a public key of %zu bits cannot open files, and is not weak: %.160s",
                 what.n.len * 8, why.text);
    }
}

/* Says what waits for a master key in vain. */
static void say_sealed(struct worker_serve *serve)
{
    for (uint32_t i = 0; i < serve->ring.sealed.n; i++) {
        const struct keyring_sealed *sealed = &serve->ring.sealed.at[i];
        if (sealed->opened || !sealed->only)
            continue;
        serve->read.unread++;
        snprintf(
            serve->read.why.text, sizeof serve->read.why.text,
            "'%.*s': no key by itself; if it is a session's that is sealed for a master key, "
            "that one is not here",
            (int)(sealed->origin.len < 60 ? sealed->origin.len : 60),
            (const char *)sealed->origin.at);
    }
}

void worker_serve_keys(struct worker_serve *serve)
{
    for (size_t i = 0; i < serve->options->key_count; i++) {
        const struct worker_key_file *file = &serve->options->keys[i];
        struct why why = {""};
        if (!keyring_add(&serve->ring, file->data, file->origin, serve->keys, &why))
            continue;
        serve->read.unread++;
        snprintf(serve->read.why.text, sizeof serve->read.why.text, "'%.*s': %.160s",
                 (int)(file->origin.len < 60 ? file->origin.len : 60),
                 (const char *)file->origin.at, why.text);
    }
    if (serve->ring.full) {
        serve->read.unread++;
        snprintf(
            serve->read.why.text, sizeof serve->read.why.text,
            "there are more than %u keys: the others are not tried; hand them over in parts",
            serve->ring.key.n);
    }
    say_sealed(serve);
    try_weak(serve);
    for (size_t i = 0; i < serve->options->found_count; i++)
        if (keep(serve, &serve->options->found[i], NULL))
            break;
    /* Beside what was given: what is public, each for its own family. */
    if (published_add(&serve->ring, serve->keys))
        snprintf(serve->read.why.text, sizeof serve->read.why.text,
                 "no memory for the keys that are public");
    serve->read.keys = serve->ring.key.n < WORKER_KEYS ? serve->ring.key.n : WORKER_KEYS;
    struct privatekey_memory *memory = PUSH(serve->keys, struct privatekey_memory);
    for (uint32_t i = 0; i < serve->ring.key.n; i++)
        serve->ring.key.at[i].rsa.memory = memory;
}

static int say_key(struct worker_serve *serve, const struct worker_request *request,
                   struct worker_key *ret, struct why *why)
{
    if (request->key < 0 || (uint32_t)request->key >= serve->read.keys)
        return fail(why, EINVAL, "there is no such key");
    const struct key *key = &serve->ring.key.at[request->key];
    ret->kind = key->kind;
    key_describe(key, ret->text, sizeof ret->text);
    snprintf(ret->origin, sizeof ret->origin, "%.*s",
             (int)(key->origin.len < 150 ? key->origin.len : 150),
             (const char *)key->origin.at);
    return 0;
}

/* --- which format, which key --- */

struct head {
    uint8_t *at;
    size_t len, room;
};

static int take_head(void *context, bytes part)
{
    struct head *head = context;
    size_t left = head->room - head->len, n = part.len < left ? part.len : left;
    memcpy(head->at + head->len, part.at, n);
    head->len += n;
    return head->len == head->room ? -ECANCELED : 0;
}

/* How well the beginning of what comes out looks: 2 as a kind of file, 1 as nothing that is
 * known, 0 as noise. */
static int look_at_head(struct worker_serve *serve, const struct source *source,
                        const struct recipe *recipe)
{
    struct head head = {.at = arena_push_raw(serve->arena, HEAD), .room = HEAD};
    struct budget budget = {.steps = PROOF_LEAST};
    struct proof_result result;
    if (!head.at)
        return 0;
    int error = recipe_apply(recipe, source, 0, take_head, &head, NULL);
    if (error && error != -ECANCELED)
        return 0;
    const struct source plain = source_of_bytes((bytes){head.at, head.len}, (bytes){0});
    if (proof_check(&plain, serve->arena, &budget, &result, NULL))
        return 0;
    return result.kind ? 2 : result.proof != PROOF_FAILED;
}

static void fill_plan(struct worker_plan *ret, int32_t key, const struct recipe *recipe)
{
    ret->key = key;
    ret->plain = recipe->size;
    ret->sizes_known = true;
    ret->lost = recipe->lost;
    ret->guess = recipe->guess;
    ret->seeks = recipe_seeks(recipe);
    ret->name_len = 0;
    if (recipe->name.len && recipe->name.len < WORKER_NAME) {
        memcpy(ret->name, recipe->name.at, recipe->name.len);
        ret->name_len = (uint16_t)recipe->name.len;
    }
}

/* A file that is planned. */
struct planning {
    const struct source *source;
    const struct format *format;
    uint32_t ticket;
    int32_t first; /* a key that is tried before all others, or WORKER_KEY_NO */
    uint64_t mark;
};

/* What comes of one key: 3 when the file itself confirms it, else how its result looks. */
static int try_key(struct worker_serve *serve, const struct planning *planning, int32_t place,
                   int best, struct worker_plan *ret)
{
    const struct key *key = place < 0 ? NULL : &serve->ring.key.at[place];
    struct arena_mark mark = arena_mark(serve->arena);
    struct recipe recipe = {0};
    struct why why = {""};
    int error = planning->format->open(planning->source, key, serve->arena, &recipe, &why);
    if (error && (error != -EKEYREJECTED || !ret->refusal.text[0]))
        ret->refusal = why;
    int looks = error ? 0 : recipe.guess ? look_at_head(serve, planning->source, &recipe) : 3;
    if (looks > best) {
        fill_plan(ret, place, &recipe);
        kept_put(&serve->kept, planning->ticket, ret->family, place, &recipe);
    }
    arena_pop(serve->arena, mark);
    return looks > best ? looks : best;
}

static bool can_open(const struct worker_serve *serve, const struct planning *planning,
                     uint32_t i)
{
    const struct format *format = planning->format;
    const struct key *key = i < serve->read.keys ? &serve->ring.key.at[i] : NULL;
    return key && format->keys >> key->kind & 1 &&
           (!key->family || !strcmp(key->family, format->family)) &&
           (!key->only || key->only == planning->mark);
}

/* The first key that the file itself confirms; else the one that gives the best beginning. */
static bool find_key(struct worker_serve *serve, const struct planning *planning,
                     struct worker_plan *ret)
{
    const struct format *format = planning->format;
    int best = format->keys ? 0 : try_key(serve, planning, WORKER_KEY_OWN, 0, ret);
    /* Of thousands of keys, the one that opened the file before. */
    int32_t first = planning->first < 0 ? serve->lucky : planning->first;
    if (first >= 0 && can_open(serve, planning, (uint32_t)first))
        best = try_key(serve, planning, first, best, ret);
    for (uint32_t i = 0; i < serve->read.keys && best < 3 && !serve->page->stop; i++)
        if ((int32_t)i != first && can_open(serve, planning, i))
            best = try_key(serve, planning, (int32_t)i, best, ret);
    if (best == 3)
        serve->lucky = ret->key;
    return best > 0;
}

static int32_t place_of(const struct format *format)
{
    for (int32_t i = 0; formats[i]; i++)
        if (formats[i] == format)
            return i;
    return -1;
}

/* Whether the file is whole as it is: what only looks like noise to a format without a mark. */
static bool is_whole(struct worker_serve *serve, const struct source *source)
{
    struct budget budget = {.steps = PROOF_LEAST, .stop = &serve->page->stop};
    struct proof_result result;
    return !proof_check(source, serve->arena, &budget, &result, NULL) && result.kind &&
           result.proof >= PROOF_PLAUSIBLE;
}

/* What originals show, on a file that no key opens. */
static bool plan_learned(struct worker_serve *serve, const struct source *source,
                         struct worker_plan *ret)
{
    struct worker_plan one = {.family = place_of(&format_original),
                              .key = WORKER_KEY_NO,
                              .fit = FIT_CAN_BE,
                              .wants = format_original.keys,
                              .partial = ret->partial};
    struct recipe recipe = {0};
    bytes told = learned_name(&serve->learned, source->name);
    int error = learned_open(&serve->learned, source, serve->arena, &recipe, &one.refusal);
    int looks = error ? 0 : look_at_head(serve, source, &recipe);
    if (error == -ENODATA && told.len) {
        *ret = one;
        return true;
    }
    /* By its beginning a kind of file; or called as the encrypted ones, and no noise. A few
     * bytes look like text whatever is done to them. */
    if (looks < (told.len ? 1 : 2) || (!told.len && source->size < LEARNED_LEAST))
        return false;
    fill_plan(&one, WORKER_KEY_PAIR, &recipe);
    if (told.len && told.len < WORKER_NAME) {
        memcpy(one.name, told.at, told.len);
        one.name_len = (uint16_t)told.len;
    }
    one.guess = true;
    fail(&one.reason, 1, "what the originals show undoes it");
    *ret = one;
    return true;
}

/* Small files are looked at in many places, by all formats: they are read once. */
static struct source at_hand(struct worker_serve *serve, const struct source *source)
{
    bytes all = {0};
    if (source->fd < 0 || source->size > AT_HAND ||
        source_take(source, 0, (size_t)source->size, serve->arena, &all, NULL))
        return *source;
    return source_of_bytes(all, source->name);
}

static int plan(struct worker_serve *serve, const struct source *file, uint32_t ticket,
                int32_t first, struct worker_plan *ret)
{
    const struct source at = at_hand(serve, file), *source = &at;
    const struct format *fit[FITS];
    struct recognition fits[FITS];
    size_t n = format_recognise(source, fit, fits, FITS);
    uint64_t mark = n ? source_mark(source) : 0;
    bool found = false;
    for (size_t i = 0; i < n && !found; i++) {
        struct worker_plan one = {.family = place_of(fit[i]),
                                  .key = WORKER_KEY_NO,
                                  .fit = fits[i].fit,
                                  .wants = fit[i]->keys,
                                  .partial = fits[i].partial,
                                  .decrypted = fits[i].decrypted,
                                  .plain = fits[i].plain,
                                  .sizes_known = fits[i].plain != UINT64_MAX,
                                  .reason = fits[i].reason};
        put_text(one.variant, sizeof one.variant, fits[i].variant);
        const struct planning planning = {source, fit[i], ticket, first, mark};
        found = find_key(serve, &planning, &one);
        /* Without a key the first counts: it fits best. */
        if (found || !i)
            *ret = one;
    }
    if (found)
        return 0;
    bool whole =
        (!n ? serve->learned.useful : fits[0].fit == FIT_CAN_BE) && is_whole(serve, source);
    if (!whole && serve->learned.useful && plan_learned(serve, source, ret))
        return 0;
    if (!n || whole)
        *ret = (struct worker_plan){.family = -1, .key = WORKER_KEY_NO};
    return 0;
}

/* --- what comes out --- */

/* The recipe: as it was kept from planning, or made again. */
static int recipe_of(struct worker_serve *serve, const struct worker_request *request,
                     const struct source *source, struct recipe *ret, struct why *why)
{
    bool own = request->key == WORKER_KEY_OWN;
    if (request->key == WORKER_KEY_PAIR)
        return learned_open(&serve->learned, source, serve->arena, ret, why);
    if (request->family < 0 || request->family >= rows() ||
        (!own && (request->key < 0 || (uint32_t)request->key >= serve->read.keys)))
        return fail(why, EINVAL, "there is no such format or key");
    const struct recipe *kept =
        kept_find(&serve->kept, request->ticket, request->family, request->key);
    if (kept) {
        *ret = *kept;
        return 0;
    }
    return formats[request->family]->open(
        source, own ? NULL : &serve->ring.key.at[request->key], serve->arena, ret, why);
}

static int hash(struct worker_serve *serve, const struct source *source,
                struct worker_written *ret, struct why *why)
{
    const struct recipe copy = {.size = source->size};
    struct worker_applied applied;
    struct output output = {.page = serve->page, .source = source, .fd = -1, .why = why};
    int error = output_write(&output, &copy, serve->arena, WORKER_WITH_AFTER, &applied);
    *ret = applied.plain;
    return error;
}

static int prove(struct worker_serve *serve, const struct source *source,
                 struct worker_proof *ret, struct why *why)
{
    uint64_t each =
        source->size < UINT64_MAX / PROOF_EACH / 2 ? source->size * PROOF_EACH : UINT64_MAX / 2;
    struct budget budget = {.steps = PROOF_LEAST + each, .stop = &serve->page->stop};
    struct proof_result result;
    int error = proof_check(source, serve->arena, &budget, &result, why);
    if (error)
        return error;
    ret->proof = result.proof;
    ret->good = result.good;
    ret->settles = result.settles;
    ret->reason = result.reason;
    put_text(ret->kind, sizeof ret->kind, result.kind);
    return 0;
}

static struct worker_share *share_of(struct worker_serve *serve,
                                     const struct worker_request *request)
{
    return serve->options->shares && request->share && request->share <= WORKER_SHARES
               ? &serve->options->shares[request->share - 1]
               : NULL;
}

/* What a worker that checks what comes out does while it waits for it. */
struct helping {
    struct output output;
    struct recipe recipe;
};

static int help(void *context, struct why *why)
{
    struct helping *helping = context;
    helping->output.why = why;
    return output_help(&helping->output, &helping->recipe);
}

/* `source`: what comes out; fds 1: the encrypted file. */
static int prove_and_help(struct worker_serve *serve, const struct worker_request *request,
                          const struct source *source, const int *fds, struct worker_proof *ret,
                          struct why *why)
{
    struct worker_share *share = share_of(serve, request);
    const bytes name = {request->out, request->out_len < WORKER_NAME ? request->out_len : 0};
    const struct source encrypted = source_of_file(fds[1], request->other, name);
    struct helping helping = {.output = {.page = serve->page,
                                         .share = share,
                                         .source = &encrypted,
                                         .fd = fds[0],
                                         .helps = true}};
    if (!share || fds[1] < 0)
        return prove(serve, source, ret, why);
    int error = recipe_of(serve, request, &encrypted, &helping.recipe, why);
    if (error)
        return error;
    const struct source_watch watch = {.limit = &share->done,
                                       .stop = &serve->page->stop,
                                       .alive = &serve->page->alive,
                                       .meanwhile = help,
                                       .context = &helping};
    struct source plain = *source;
    plain.watch = &watch;
    return prove(serve, &plain, ret, why);
}

/* The format by which what came out is encrypted once more: by its mark, or because a key opens
 * it that it confirms itself. -1: none. */
static int32_t encrypted_again(struct worker_serve *serve, const struct source *source)
{
    struct worker_plan found = {.family = -1};
    return !plan(serve, source, 0, WORKER_KEY_NO, &found) && worker_plan_sure(&found)
               ? found.family
               : -1;
}

static int apply(struct worker_serve *serve, const struct worker_request *request,
                 const struct source *source, const int *fds, struct worker_applied *ret,
                 struct why *why)
{
    struct recipe recipe = {0};
    struct output output = {.page = serve->page,
                            .share = share_of(serve, request),
                            .source = source,
                            .fd = fds[1],
                            .sparse = request->sparse,
                            .why = why};
    int error = recipe_of(serve, request, source, &recipe, why);
    if (!error)
        error = output_write(&output, &recipe, serve->arena, request->with, ret);
    if (error || !(request->with & WORKER_WITH_PROOF))
        return error;
    const bytes name = {request->out, request->out_len < WORKER_NAME ? request->out_len : 0};
    struct source plain = source_of_file(fds[1], recipe.size, name);
    plain.watch = source->watch;
    error = prove(serve, &plain, &ret->proof, why);
    ret->again = error || ret->proof.settles ? -1 : encrypted_again(serve, &plain);
    return error;
}

static int compare(struct worker_serve *serve, const struct worker_request *request,
                   const struct source *source, struct worker_written *ret, struct why *why)
{
    const int none[WORKER_FDS] = {-1, -1};
    struct worker_request only = *request;
    struct worker_applied applied = {.again = -1};
    only.with = WORKER_WITH_AFTER;
    int error = apply(serve, &only, source, none, &applied, why);
    *ret = applied.plain;
    return error;
}

/* --- a search --- */

static void seek_progress(void *context, uint64_t tried, uint64_t all)
{
    struct worker_serve *serve = context;
    (void)all;
    serve->page->done = tried;
}

static bool memory_read(void *context, uint64_t at, void *ret, size_t len)
{
    return pread(*(const int *)context, ret, len, (off_t)at) == (ssize_t)len;
}

static bool memory_write(void *context, uint64_t at, const void *data, size_t len)
{
    return pwrite(*(const int *)context, data, len, (off_t)at) == (ssize_t)len;
}

static int seek(struct worker_serve *serve, const struct worker_request *request,
                const struct source *source, int memory_fd, struct worker_found *ret,
                struct why *why)
{
    struct key key = {0};
    const struct seed_memory memory = {&memory_fd, memory_read, memory_write};
    if (request->family < 0 || request->family >= rows() || !request->parts ||
        request->part >= request->parts || !seed_has(formats[request->family]))
        return fail(why, ENOTSUP, "there is no search for its keys");
    struct seed_case what = {.source = source,
                             .format = formats[request->family],
                             .changed = request->changed,
                             .threads = 1,
                             .part = request->part,
                             .parts = request->parts,
                             .memory = memory_fd >= 0 ? &memory : NULL,
                             .stop = &serve->page->stop,
                             .progress = seek_progress,
                             .context = serve};
    if (request->key >= 0 && (uint32_t)request->key < serve->read.keys)
        what.near = &serve->ring.key.at[request->key];
    uint64_t total = seed_total(&what), each = total / request->parts;
    if (total <= 1 && request->part && !seed_remembers(what.format))
        return fail(why, ENOENT, "the first worker does all of it");
    if (total > 1) {
        what.from = each * request->part;
        what.to = request->part + 1 == request->parts ? total : what.from + each;
    }
    int error = seed_find(&what, serve->arena, &key, why);
    if (error)
        return error;
    if (key.secret.len > WORKER_SECRET)
        return fail(why, EMSGSIZE, "the key that was found is too long");
    *ret = (struct worker_found){.family = request->family,
                                 .kind = key.kind,
                                 .seed = key.seed,
                                 .only = seed_each(what.format) ? source_mark(source) : 0,
                                 .secret_len = (uint16_t)key.secret.len};
    if (key.secret.len)
        memcpy(ret->secret, key.secret.at, key.secret.len);
    return 0;
}

/* --- originals --- */

static int add_pair(struct worker_serve *serve, const struct worker_request *request, int *fds,
                    struct why *why)
{
    const struct pair pair = {.plain = source_of_file(fds[0], request->other, (bytes){0}),
                              .encrypted = source_of_file(fds[1], request->size, (bytes){0})};
    int error = learned_add(&serve->learned, pair, why);
    if (!error)
        fds[0] = fds[1] = -1;
    return error;
}

static int learn(struct worker_serve *serve, bytes extension, struct worker_learned *ret,
                 struct why *why)
{
    uint32_t given = (uint32_t)serve->learned.count;
    int error = learned_make(&serve->learned, extension, &serve->page->stop, why);
    if (error)
        return error;
    bytes words = serve->learned.useful
                      ? pair_words(&serve->learned.scheme, serve->arena)
                      : bytes_of("they do not show how other files could be opened");
    *ret = (struct worker_learned){
        .pairs = serve->learned.scheme.pairs, .given = given, .useful = serve->learned.useful};
    snprintf(ret->words, sizeof ret->words, "%.*s", (int)words.len,
             words.at ? (const char *)words.at : "");
    return 0;
}

void worker_serve_request(struct worker_serve *serve, const struct worker_request *request,
                          int *fds, struct worker_reply *ret)
{
    const bytes name = {request->name, request->name_len < WORKER_NAME ? request->name_len : 0};
    const struct source_watch watch = {
        .limit = &serve->page->limit, .stop = &serve->page->stop, .alive = &serve->page->alive};
    struct source source = source_of_file(fds[0], request->size, name);
    source.watch = &watch;
    arena_reset(serve->arena);
    serve->page->done = 0;
    *ret = (struct worker_reply){.kind = request->kind};
    switch (request->kind) {
    case WORKER_KEYRING:
        ret->ring = serve->read;
        break;
    case WORKER_KEY:
        ret->error = say_key(serve, request, &ret->key, &ret->why);
        break;
    case WORKER_PLAN:
        ret->error = plan(serve, &source, request->ticket, request->key, &ret->plan);
        break;
    case WORKER_APPLY:
        ret->error = apply(serve, request, &source, fds, &ret->applied, &ret->why);
        break;
    case WORKER_COMPARE:
        ret->error = compare(serve, request, &source, &ret->written, &ret->why);
        break;
    case WORKER_PROOF:
        ret->error = prove_and_help(serve, request, &source, fds, &ret->proof, &ret->why);
        break;
    case WORKER_DIGEST:
        ret->error = hash(serve, &source, &ret->written, &ret->why);
        break;
    case WORKER_SEEK:
        ret->error = seek(serve, request, &source, fds[1], &ret->found, &ret->why);
        break;
    case WORKER_KEEP:
        ret->error = keep(serve, &request->found, &ret->why);
        break;
    case WORKER_PAIR:
        ret->error = add_pair(serve, request, fds, &ret->why);
        break;
    case WORKER_LEARN:
        ret->error = learn(serve, name, &ret->learned, &ret->why);
        break;
    default:
        ret->error = fail(&ret->why, EINVAL, "there is no such request");
    }
}
