#include "shim/filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct filter_step) == sizeof(struct sock_filter), "the kernel's layout");

static int add_row(scmp_filter_ctx context, const struct filter_row *row)
{
    struct scmp_arg_cmp compare[2] = {{.arg = row->arg}};
    unsigned count = 1;
    switch (row->test) {
    case FILTER_REFUSE:
        return seccomp_rule_add_array(context, SCMP_ACT_ERRNO((uint16_t)row->value), row->call,
                                      0, NULL);
    case FILTER_REFUSE_UNLESS:
        compare[0].op = SCMP_CMP_NE;
        compare[0].datum_a = row->value;
        return seccomp_rule_add_array(context, SCMP_ACT_ERRNO(EACCES), row->call, 1, compare);
    case FILTER_EQUAL:
        compare[0].op = SCMP_CMP_EQ;
        compare[0].datum_a = row->value;
        break;
    case FILTER_WITHIN:
        compare[0].op = SCMP_CMP_MASKED_EQ;
        compare[0].datum_a = ~row->value;
        break;
    default:
        return seccomp_rule_add_array(context, SCMP_ACT_ALLOW, row->call, 0, NULL);
    }
    if (row->and_within)
        compare[count++] = (struct scmp_arg_cmp){
            .arg = row->and_arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = ~row->and_within};
    return seccomp_rule_add_array(context, SCMP_ACT_ALLOW, row->call, count, compare);
}

/* libseccomp writes programs to descriptors only: through a pipe, which holds more than
 * FILTER_MAX steps. */
static int take_program(scmp_filter_ctx context, struct filter *ret)
{
    int ends[2];
    if (pipe(ends) < 0)
        return -errno;
    int error = seccomp_export_bpf(context, ends[1]);
    close(ends[1]);
    ssize_t size = error ? 0 : read(ends[0], ret->steps, sizeof ret->steps);
    if (size < 0)
        error = -errno;
    else if (!error && (size == 0 || size == sizeof ret->steps))
        error = -E2BIG;
    close(ends[0]);
    if (!error)
        ret->length = (uint16_t)((size_t)size / sizeof *ret->steps);
    return error;
}

int filter_compile(const struct filter_row *const *lists, size_t count, enum filter_rest rest,
                   struct filter *ret, struct why *why)
{
    scmp_filter_ctx context =
        seccomp_init(rest == FILTER_REST_KILLS ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW);
    if (!context)
        return fail(why, ENOMEM, "no memory for the system call filter");
    /* A tree, so that calls are found in a few steps. */
    int error = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (!error)
        error = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; i < count && !error; i++)
        for (const struct filter_row *row = lists[i]; row->test != FILTER_END && !error; row++)
            error = add_row(context, row);
    if (!error)
        error = take_program(context, ret);
    seccomp_release(context);
    return error ? fail(why, -error, "system call filter: %s", strerror(-error)) : 0;
}
