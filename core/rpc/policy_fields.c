/* SPDX-License-Identifier: Apache-2.0 */
/* policy_fields.c - see policy_fields.h. */
#include "core/rpc/policy_fields.h"

#include <stddef.h>

enum { CONNECTIONS_MAX = 32, TIMEOUT_MIN = 5, TIMEOUT_MAX = 60 };

static const struct {
    const char *field;
    size_t offset; /* of a uint32_t in struct policy */
} policy_items[] = {
#define X(item, kind, value) {"policy:" #item "_" #kind, offsetof(struct policy, item)},
    POLICY_ITEMS(X)
#undef X
};

static uint32_t *
policy_item(struct policy *p, size_t offset)
{
    return (uint32_t *)(void *)((char *)p + offset);
}

struct policy
policy_fields_in(const struct record *in)
{
    struct policy p = policy_default();

    for (size_t i = 0; i < ARRAY_LEN(policy_items); i++) {
        const char *field = policy_items[i].field;
        bool flag = rpc_type_of(field) == RPC_BOOL;
        if (record_has(in, field))
            *policy_item(&p, policy_items[i].offset) =
                flag ? record_bool(in, field) : record_u32(in, field);
    }
    p.Ver3 = 1;
    if (p.MaxConnection < 1 || p.MaxConnection > CONNECTIONS_MAX)
        p.MaxConnection = CONNECTIONS_MAX;
    p.TimeOut = CLAMP(p.TimeOut, TIMEOUT_MIN, TIMEOUT_MAX);
    return p;
}

void
policy_fields_out(struct record *out, const struct policy *policy)
{
    struct policy p = *policy;

    for (size_t i = 0; i < ARRAY_LEN(policy_items); i++) {
        const char *field = policy_items[i].field;
        uint32_t value = *policy_item(&p, policy_items[i].offset);
        if (rpc_type_of(field) == RPC_BOOL)
            record_set_bool(out, field, value != 0);
        else
            record_set_u32(out, field, value);
    }
}
