/* The cuckoo module of YARA (docs/modules/cuckoo): questions to the JSON report of a sandbox
 * run, handed in with -x cuckoo=FILE. What the report does not hold has not happened: functions
 * answer 0, also when there is no report at all.
 *
 *   network.http[]               {"method", "uri", "user-agent"}
 *   network.domains[]            {"ip", "domain"}; older reports: network.dns[] {"ip",
 * "hostname"} network.tcp[], network.udp[] {"dst", "dport"} network.hosts[]              texts,
 * as are behavior.summary.keys[], .files[], .mutexes[]
 *
 * A match must be longer than nothing, and texts end at their first NUL. */
#include "shim/jsontree.h"
#include "yara/modules/table.h"

#include <errno.h>
#include <string.h>

static const struct jsontree *summary_of(const struct module_input *in)
{
    return jsontree_member(jsontree_member(in->state, "behavior"), "summary");
}

static const struct jsontree *network_of(const struct module_input *in, const char *list)
{
    return jsontree_member(jsontree_member(in->state, "network"), list);
}

/* The text of a member, cut at its first NUL. False when there is none. */
static bool text_of(const struct jsontree *item, const char *key, bytes *ret)
{
    const struct jsontree *text = key ? jsontree_member(item, key) : item;
    if (!text || text->kind != JSONTREE_TEXT)
        return false;
    const uint8_t *end = text->text.len ? memchr(text->text.at, 0, text->text.len) : NULL;
    *ret = bytes_slice(text->text, 0, end ? (size_t)(end - text->text.at) : text->text.len);
    return true;
}

static bool matches(struct module_input *in, const struct value *regex,
                    const struct jsontree *item, const char *key)
{
    bytes text;
    return text_of(item, key, &text) && in->regex && in->regex(in, regex, text) > 0;
}

/* Whether an item of a list passes `test`. */
static int any(struct module_input *in, const struct jsontree *list, const struct value *args,
               bool (*test)(struct module_input *, const struct jsontree *,
                            const struct value *),
               struct value *ret)
{
    *ret = VALUE_INT(0);
    if (!list || list->kind != JSONTREE_LIST)
        return 0;
    for (size_t i = 0; i < list->count && budget_charge(in->budget, 1); i++) {
        if (test(in, &list->items[i], args)) {
            *ret = VALUE_INT(1);
            break;
        }
    }
    return 0;
}

static bool is_text(struct module_input *in, const struct jsontree *item,
                    const struct value *args)
{
    return matches(in, &args[0], item, NULL);
}

static bool is_domain(struct module_input *in, const struct jsontree *item,
                      const struct value *args)
{
    bytes ip;
    return text_of(item, "ip", &ip) && matches(in, &args[0], item, "domain");
}

static bool is_hostname(struct module_input *in, const struct jsontree *item,
                        const struct value *args)
{
    bytes ip;
    return text_of(item, "ip", &ip) && matches(in, &args[0], item, "hostname");
}

static bool is_request(struct module_input *in, const struct jsontree *item,
                       const struct value *regex, const char *method)
{
    bytes text;
    if (!text_of(item, "method", &text) || text.len != strlen(method))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (ascii_lower(text.at[i]) != (uint8_t)method[i])
            return false;
    return matches(in, regex, item, "uri");
}

static bool is_get(struct module_input *in, const struct jsontree *item,
                   const struct value *args)
{
    return is_request(in, item, &args[0], "get");
}

static bool is_post(struct module_input *in, const struct jsontree *item,
                    const struct value *args)
{
    return is_request(in, item, &args[0], "post");
}

static bool is_get_or_post(struct module_input *in, const struct jsontree *item,
                           const struct value *args)
{
    return is_get(in, item, args) || is_post(in, item, args);
}

static bool is_user_agent(struct module_input *in, const struct jsontree *item,
                          const struct value *args)
{
    return matches(in, &args[0], item, "user-agent");
}

static bool is_connection(struct module_input *in, const struct jsontree *item,
                          const struct value *args)
{
    const struct jsontree *port = jsontree_member(item, "dport");
    return port && port->kind == JSONTREE_INTEGER && port->integer == args[1].integer &&
           matches(in, &args[0], item, "dst");
}

static int dns_lookup(struct module_input *in, const struct value *args, struct value *ret)
{
    const struct jsontree *domains = network_of(in, "domains");
    if (domains)
        return any(in, domains, args, is_domain, ret);
    return any(in, network_of(in, "dns"), args, is_hostname, ret);
}

static int http_request(struct module_input *in, const struct value *args, struct value *ret)
{
    return any(in, network_of(in, "http"), args, is_get_or_post, ret);
}

static int http_get(struct module_input *in, const struct value *args, struct value *ret)
{
    return any(in, network_of(in, "http"), args, is_get, ret);
}

static int http_post(struct module_input *in, const struct value *args, struct value *ret)
{
    return any(in, network_of(in, "http"), args, is_post, ret);
}

static int http_user_agent(struct module_input *in, const struct value *args, struct value *ret)
{
    return any(in, network_of(in, "http"), args, is_user_agent, ret);
}

static int host(struct module_input *in, const struct value *args, struct value *ret)
{
    return any(in, network_of(in, "hosts"), args, is_text, ret);
}

static int tcp(struct module_input *in, const struct value *args, struct value *ret)
{
    return any(in, network_of(in, "tcp"), args, is_connection, ret);
}

static int udp(struct module_input *in, const struct value *args, struct value *ret)
{
    return any(in, network_of(in, "udp"), args, is_connection, ret);
}

static int key_access(struct module_input *in, const struct value *args, struct value *ret)
{
    return any(in, jsontree_member(summary_of(in), "keys"), args, is_text, ret);
}

static int file_access(struct module_input *in, const struct value *args, struct value *ret)
{
    return any(in, jsontree_member(summary_of(in), "files"), args, is_text, ret);
}

static int mutex(struct module_input *in, const struct value *args, struct value *ret)
{
    return any(in, jsontree_member(summary_of(in), "mutexes"), args, is_text, ret);
}

static const struct overload dns_lookup_calls[] = {{"r", 'i', dns_lookup}, {0}},
                             http_get_calls[] = {{"r", 'i', http_get}, {0}},
                             http_post_calls[] = {{"r", 'i', http_post}, {0}},
                             http_request_calls[] = {{"r", 'i', http_request}, {0}},
                             http_user_agent_calls[] = {{"r", 'i', http_user_agent}, {0}},
                             host_calls[] = {{"r", 'i', host}, {0}},
                             tcp_calls[] = {{"ri", 'i', tcp}, {0}},
                             udp_calls[] = {{"ri", 'i', udp}, {0}},
                             key_access_calls[] = {{"r", 'i', key_access}, {0}},
                             file_access_calls[] = {{"r", 'i', file_access}, {0}},
                             mutex_calls[] = {{"r", 'i', mutex}, {0}};

static const struct field network[] = {FIELD_FUNCTION("dns_lookup", dns_lookup_calls),
                                       FIELD_FUNCTION("http_get", http_get_calls),
                                       FIELD_FUNCTION("http_post", http_post_calls),
                                       FIELD_FUNCTION("http_request", http_request_calls),
                                       FIELD_FUNCTION("http_user_agent", http_user_agent_calls),
                                       FIELD_FUNCTION("host", host_calls),
                                       FIELD_FUNCTION("tcp", tcp_calls),
                                       FIELD_FUNCTION("udp", udp_calls),
                                       FIELD_END},
                          registry[] = {FIELD_FUNCTION("key_access", key_access_calls),
                                        FIELD_END},
                          filesystem[] = {FIELD_FUNCTION("file_access", file_access_calls),
                                          FIELD_END},
                          sync_fields[] = {FIELD_FUNCTION("mutex", mutex_calls), FIELD_END},
                          fields[] = {FIELD_STRUCT("network", network),
                                      FIELD_STRUCT("registry", registry),
                                      FIELD_STRUCT("filesystem", filesystem),
                                      FIELD_STRUCT("sync", sync_fields), FIELD_END};

static int load(struct module_input *in)
{
    in->root = object_new(in->arena, fields);
    if (!in->root)
        return -ENOMEM;
    if (in->extra.len == 0 || !budget_charge(in->budget, in->extra.len))
        return 0;
    struct jsontree *report;
    int error = jsontree_parse(in->extra, in->arena, &report, NULL);
    if (error)
        return error;
    in->state = report;
    return 0;
}

const struct module module_cuckoo = {.name = "cuckoo", .fields = fields, .load = load};
