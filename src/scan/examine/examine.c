#include "scan/examine/examine_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Work of one file's containers: about a minute. */
#define UNPACK_STEPS  (UINT64_C(1) << 36)
#define UNPACK_MEMORY ((size_t)256 << 20)

/* Objects that are handed over together, and what is not worth it. */
enum { BATCH_BYTES = 256 << 10, BATCH_LEAST = 32 << 10 };

/* Of the region: kept from file to file. */
#define REGION_KEEP ((size_t)8 << 20)

bool examine_wants_owner(const struct examine_options *options)
{
    uint32_t wanted = 0;
    for (int i = 0; i < options->set_count; i++)
        wanted |= facts_externals(&options->sets[i].set);
    return wanted & FACTS_OWNER;
}

static bool take_child(void *to, const struct unpack *parent, const struct unpack_child *child);
static bool take_stage(void *to, uint32_t stage);
static void take_member(void *to, const struct unpack *parent,
                        const struct unpack_member *member);
static void take_gap(void *to, const struct unpack *parent, bytes member, enum gap gap,
                     const char *text);

static bool prepare_unpacking(struct examiner *examiner)
{
    const struct examine_options *options = &examiner->options;
    examiner->run =
        (struct unpack_run){.limits = options->limits,
                            .passwords = options->passwords,
                            .password_count = options->password_count,
                            .budget = &examiner->budget,
                            .region = &examiner->region,
                            .arena = arena_new(UNPACK_MEMORY),
                            .sink = {examiner, take_child, take_gap, take_stage, take_member}};
    void *at = mmap(NULL, options->memory, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return false;
    examiner->region = (struct region){.at = at, .size = options->memory};
    return examiner->run.arena != NULL;
}

struct examiner *examiner_new(const struct examine_options *options,
                              struct examine_control *control)
{
    struct examiner *examiner = calloc(1, sizeof *examiner);
    if (!examiner)
        return NULL;
    examiner->options = *options;
    examiner->urls.options = (options->insecure_links ? PHISHING_SSL : 0) |
                             (options->cloaked_links ? PHISHING_CLOAK : 0);
    examiner->control = control;
    if (!prepare_unpacking(examiner) ||
        !later_new(options->sets, options->set_count, &examiner->later))
        return examiner_free(examiner);
    const struct scanner_options scanner = {.stop = &control->stop, .later = examiner->later};
    if (!getcwd(examiner->cwd, sizeof examiner->cwd))
        examiner->cwd[0] = 0;
    for (int i = 0; i < options->set_count; i++) {
        const struct ruleset *set = &options->sets[i].set;
        examiner->scanners[i] = scanner_new(set, &scanner);
        if (!examiner->scanners[i])
            return examiner_free(examiner);
        examiner->wanted[i] = facts_externals(set);
        examiner->targets |= facts_wanted(set);
        look_use(&examiner->look, set, options);
        if (!facts_types(set, &examiner->kept, &examiner->table) ||
            (!options->no_links && !facts_urls(set, &examiner->kept, &examiner->urls)))
            return examiner_free(examiner);
        for (uint32_t k = 0; k < options->external_count; k++)
            scanner_set(examiner->scanners[i], options->externals[k].name,
                        facts_external(&options->externals[k]));
    }
    return examiner;
}

struct examiner *examiner_free(struct examiner *examiner)
{
    if (examiner) {
        for (int i = 0; i < examiner->options.set_count; i++)
            scanner_free(examiner->scanners[i]);
        arena_free(examiner->run.arena);
        arena_free(examiner->kept);
        later_free(examiner->later);
        if (examiner->region.at)
            munmap(examiner->region.at, examiner->region.size);
        free(examiner);
    }
    return NULL;
}

/* Says what is at work, for the post-mortem. */
static void set_place(struct examiner *examiner, struct examine_place place)
{
    examiner->place = place;
    examiner->control->place = place;
    if (examiner->file->tell)
        examiner->file->tell(examiner->file->tell_to, &place);
}

static struct examine_place child_place(const struct examine_place *parent)
{
    const uint64_t way[] = {parent->object, parent->children};
    return (struct examine_place){.object =
                                      hash64((bytes){(const uint8_t *)way, sizeof way}, 0)};
}

/* What was noted about the object that is at work, as matched or opened by a row. */
static const struct examine_skip *find_skip(const struct examiner *examiner, uint32_t stage)
{
    const struct examine_file *file = examiner->file;
    for (uint32_t i = 0; i < file->skip_count; i++) {
        const struct examine_skip *skip = &file->skips[i];
        if (skip->place.object == examiner->place.object &&
            (skip->whole || skip->place.stage == stage))
            return skip;
    }
    return NULL;
}

/* Matches the object at this place. False: it is not to be opened. */
static bool match(struct examiner *examiner, struct reply_object *object)
{
    const struct examine_skip *skip = find_skip(examiner, 0);
    object->unread = skip && skip->whole;
    if (examiner->options.tree)
        reply_object(&examiner->reply, object);
    if (!skip)
        return examine_object_match(examiner, object);
    reply_gap(&examiner->reply, object, GAP_FAULT, bytes_of(""), skip->text);
    return !skip->whole;
}

/* The path of a part. 0 when it is too long. */
static size_t join_path(struct examiner *examiner, const struct reply_object *object)
{
    if (!object->up) {
        if (object->name.len >= EXAMINE_PATH)
            return 0;
        memcpy(examiner->part_path, object->name.at, object->name.len);
        return object->name.len;
    }
    size_t len = join_path(examiner, object->up);
    if (!len || len + object->name.len + 2 > EXAMINE_PATH)
        return 0;
    examiner->part_path[len++] = '/';
    if (object->name.len)
        memcpy(examiner->part_path + len, object->name.at, object->name.len);
    examiner->part_path[len + object->name.len] = 0;
    return len + object->name.len;
}

/* Whether what is in this container can be examined elsewhere as it would be here: what is
 * there knows the containers around it, but not what they found out about passwords, nor
 * whether they are trusted. */
static bool may_share(const struct examiner *examiner, const struct unpack *parent)
{
    return examiner->share && examiner->share->wants(examiner->share->to) &&
           !examiner->at->trusted && parent->depth < EXAMINE_CHAIN &&
           examiner->run.passwords == examiner->options.passwords &&
           reply_has_room(&examiner->reply);
}

/* A file whose parts are elsewhere cannot be examined once more: nothing of it may be put off
 * any more. False: it will be, so that no part goes elsewhere. */
static bool settle_for_parts(struct examiner *examiner)
{
    struct hash_later *later = examiner->later;
    if (!later || !later->open)
        return true;
    hash_later_settle(later, later->tag);
    later->open = later->known[later->tag];
    return !later->open;
}

static bool offer(struct examiner *examiner, const struct unpack *parent,
                  struct examine_part *part, const struct reply_object *object,
                  uint32_t *ret_number)
{
    struct examine_container chain[EXAMINE_CHAIN] = {0};
    uint16_t types[FACTS_DEPTH];
    uint32_t known = facts_around(examiner->file, examiner->at, types);
    for (const struct unpack *up = parent; up; up = up->up)
        chain[up->depth] = (struct examine_container){(uint16_t)unpack_stage(up),
                                                      up->depth < known ? types[up->depth] : 0};
    part->chain = chain;
    part->depth = parent->depth + 1;
    part->path = (bytes){(const uint8_t *)examiner->part_path, join_path(examiner, object)};
    part->name = object->up ? object->name.len : examine_name(object->name);
    return part->path.len && settle_for_parts(examiner) &&
           examiner->share->offer(examiner->share->to, part, ret_number);
}

/* True when somebody else examines the object. */
static bool hand_over(struct examiner *examiner, const struct unpack *parent,
                      struct reply_object *object)
{
    struct examine_part part = {.data = object->data};
    uint32_t number;
    return object->data.len >= EXAMINE_PART && !object->derived &&
           may_share(examiner, parent) && offer(examiner, parent, &part, object, &number) &&
           reply_part(&examiner->reply, object, number);
}

static void examine_child(struct examiner *examiner, const struct unpack *parent,
                          struct reply_object *object)
{
    set_place(examiner, child_place(&examiner->place));
    if (!match(examiner, object))
        return;
    examiner->at = object;
    unpack_object(&examiner->run, parent, object->name, object->data);
    examiner->at = object->up;
}

static void count_child(struct examiner *examiner, const struct unpack_child *child)
{
    examiner->reply.objects++;
    examiner->reply.unpacked += child->data.len;
}

static struct reply_object object_of(const struct examiner *examiner,
                                     const struct unpack_child *child)
{
    return (struct reply_object){.up = examiner->at,
                                 .name = child->name,
                                 .data = child->data,
                                 .partial = child->partial,
                                 .letter = child->letter,
                                 .derived = child->derived};
}

/* Examines the children in a batch, of which the first is at this place. */
static void examine_batch(struct examiner *examiner, const struct unpack *parent, bytes rest)
{
    struct examine_place place = examiner->place;
    struct unpack_child child;
    while (!examiner->stopped && !examiner->run.stopped && batch_next(&rest, &child)) {
        struct reply_object object = object_of(examiner, &child);
        count_child(examiner, &child);
        examine_child(examiner, parent, &object);
        place.children++;
        examiner->place = place;
    }
}

/* Hands over what was put together, or examines it here. Nothing was said since it was begun,
 * so that the report has it in its place. */
static void close_batch(struct examiner *examiner)
{
    const struct batch batch = examiner->batch;
    const struct examine_share *share = examiner->share;
    struct examine_part part = {.data = {batch.at, batch.used}, .batch = true};
    uint32_t number;
    examiner->batch = (struct batch){0};
    if (!batch.count ||
        (batch.used >= BATCH_LEAST &&
         offer(examiner, examiner->batch_parent, &part, examiner->at, &number) &&
         reply_batch(&examiner->reply, examiner->at, number)))
        return;
    struct examine_place place = examiner->place;
    examiner->place.children = examiner->batch_from;
    examiner->share = NULL; /* the batch lies where parts are put */
    examine_batch(examiner, examiner->batch_parent, part.data);
    examiner->share = share;
    examiner->place = place;
}

/* True when the child waits in the batch. */
static bool put_aside(struct examiner *examiner, const struct unpack *parent,
                      const struct unpack_child *child)
{
    struct batch *batch = &examiner->batch;
    if (child->data.len >= EXAMINE_PART)
        return false;
    if (!batch->at && may_share(examiner, parent)) {
        batch->at = examiner->share->room(examiner->share->to, &batch->room);
        examiner->batch_parent = parent;
        examiner->batch_from = examiner->place.children;
    }
    return batch->at && batch_add(batch, child);
}

/* Signatures about members as their container describes them: an object without bytes. */
static void take_member(void *to, const struct unpack *parent,
                        const struct unpack_member *member)
{
    struct examiner *examiner = to;
    struct object_member told;
    if (!(examiner->targets & TARGET_BIT(TARGET_MEMBER)) || examiner->stopped ||
        !facts_member(parent, member, &told))
        return;
    close_batch(examiner);
    struct reply_object object = {.up = examiner->at, .name = member->name};
    examiner->type_count = facts_around(examiner->file, object.up, examiner->types);
    examiner->found_count = 0;
    examiner->member = &told;
    uint64_t findings = examiner->reply.findings;
    examine_object_scan(examiner, &object, (bytes){0}, TARGET_BIT(TARGET_MEMBER));
    /* It is in the report, besides the child that may come of it. */
    examiner->reply.objects += examiner->reply.findings > findings;
    examiner->member = NULL;
}

/* A child in a container whose format does not tell of its members. */
static void tell_child(struct examiner *examiner, const struct unpack *parent,
                       const struct unpack_child *child)
{
    const struct unpack_member member = {.name = child->name,
                                         .packed_size = UINT64_MAX,
                                         .size = child->data.len,
                                         .number = (uint32_t)examiner->place.children};
    if (!parent->members)
        take_member(examiner, parent, &member);
}

static bool take_child(void *to, const struct unpack *parent, const struct unpack_child *child)
{
    struct examiner *examiner = to;
    struct reply_object object = object_of(examiner, child);
    tell_child(examiner, parent, child);
    struct examine_place outer = examiner->place;
    if (!put_aside(examiner, parent, child)) {
        close_batch(examiner);
        count_child(examiner, child);
        if (!examiner->stopped && !hand_over(examiner, parent, &object))
            examine_child(examiner, parent, &object);
    }
    outer.children++;
    examiner->place = outer;
    if (examiner->batch.at && examiner->batch.used >= BATCH_BYTES)
        close_batch(examiner);
    return !examiner->stopped;
}

static bool take_stage(void *to, uint32_t stage)
{
    struct examiner *examiner = to;
    if (!stage)
        close_batch(examiner);
    struct examine_place place = examiner->place;
    place.stage = stage;
    set_place(examiner, place);
    const struct examine_skip *skip =
        stage && !examiner->run.stopped ? find_skip(examiner, stage) : NULL;
    if (!skip || skip->place.children > place.children)
        return true;
    reply_gap(&examiner->reply, examiner->at, GAP_FAULT, bytes_of(""), skip->text);
    return false;
}

static void take_gap(void *to, const struct unpack *parent, bytes member, enum gap gap,
                     const char *text)
{
    struct examiner *examiner = to;
    (void)parent;
    close_batch(examiner);
    reply_gap(&examiner->reply, examiner->at, gap, member, text);
}

/* Gives back what a large object needed. */
static void shrink(struct examiner *examiner)
{
    struct region *region = &examiner->region;
    if (region->high > REGION_KEEP)
        madvise(region->at + REGION_KEEP, region->size - REGION_KEEP, MADV_DONTNEED);
    region->high = 0;
    arena_reset(examiner->run.arena);
}

/* The containers around a part, as far as formats look at them. */
static const struct unpack *put_around(struct examiner *examiner,
                                       const struct examine_container *chain, uint32_t depth)
{
    struct unpack *around = examiner->around;
    for (uint32_t i = 0; i < depth && i < EXAMINE_CHAIN; i++) {
        around[i] = (struct unpack){.depth = i,
                                    .up = i ? &around[i - 1] : NULL,
                                    .format = unpack_stage_format(chain[i].stage),
                                    .run = &examiner->run};
        if (!around[i].format)
            return i ? &around[i - 1] : NULL;
    }
    return depth ? &around[depth - 1] : NULL;
}

static void open_containers(struct examiner *examiner, struct reply_object *file,
                            const struct examine_file *from)
{
    struct unpack_run *run = &examiner->run;
    const struct unpack *up = put_around(examiner, from->chain, from->depth);
    bytes name = bytes_slice(file->name, file->name.len - from->name, from->name);
    run->members = run->bytes = 0;
    run->stopped = run->leaves = false;
    run->region->used = 0;
    examiner->budget = (struct budget){.steps = UNPACK_STEPS, .stop = &examiner->control->stop};
    examiner->at = file;
    bool opened = from->batch;
    if (from->batch)
        examine_batch(examiner, up, from->content->data);
    else
        opened = unpack_object(run, up, name, file->data);
    if (opened || run->region->high > REGION_KEEP)
        shrink(examiner);
    examiner->reply.members = run->members;
    examiner->reply.written = run->bytes;
    if (examiner->budget.hit == LIMIT_STOPPED)
        examiner->stopped = true;
    else if (examiner->budget.hit != LIMIT_NONE)
        reply_gap(&examiner->reply, file, GAP_LIMIT, bytes_of(""),
                  examine_limit_text(examiner->budget.hit));
}

void examiner_file(struct examiner *examiner, const struct examine_file *file, struct text *out)
{
    struct reply *reply = &examiner->reply;
    bytes data = file->content->data;
    struct reply_object object = {.name = file->path, .data = data};
    reply_begin(reply, out);
    reply->size = (uint64_t)file->content->st.st_size;
    if (reply->size < data.len)
        reply->size = data.len;
    reply->examined = data.len;
    examiner->owner = file->owner;
    examiner->file = file;
    examiner->share = file->share;
    examiner->batch = (struct batch){0};
    examiner->stopped = examiner->run.stopped = false;
    if (examiner->later) {
        examiner->later->open = file->put_off;
        examiner->later->known[file->tag] &= !file->put_off;
        examiner->later->stays = file->stays ? data : (bytes){NULL, 0};
        examiner->later->tag = file->tag;
    }
    set_place(examiner, (struct examine_place){0});
    if (file->batch || match(examiner, &object))
        open_containers(examiner, &object, file);
    if (examiner->options.digests && !file->batch &&
        (reply->findings || reply->announced || reply->batched))
        examine_object_digest(examiner, &object);
    if (examiner->stopped)
        reply_gap(reply, &object, GAP_LIMIT, bytes_of(""),
                  examiner->control->interrupted ? "the scan was interrupted"
                                                 : examine_limit_text(LIMIT_STOPPED));
    if (file->content->shrunk)
        reply_gap(reply, &object, GAP_DAMAGED, bytes_of(""),
                  "it became shorter while it was read");
    examiner->control->place = (struct examine_place){0};
    reply_end(reply, 0);
}

enum examine_later examiner_settle(struct examiner *examiner, uint32_t tag, bool now)
{
    struct hash_later *later = examiner->later;
    if (!later)
        return LATER_NOTHING;
    if (now)
        hash_later_settle(later, tag);
    return later->waiting[tag] ? LATER_WAITS : later->known[tag] ? LATER_KNOWN : LATER_NOTHING;
}
