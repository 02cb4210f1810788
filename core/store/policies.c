/* SPDX-License-Identifier: Apache-2.0 */
/* policies.c - policies as text: "Access=1 MaxConnection=32 ...". */

#include "core/store/store_priv.h"

#include <stddef.h>
#include <string.h>

char *
store_print_policy(const struct policy *p)
{
    GString *out = g_string_new(NULL);
#define X(name, kind, value) g_string_append_printf(out, #name "=%u ", p->name);
    POLICY_ITEMS(X)
#undef X
    return g_string_free(out, FALSE);
}

static const struct {
    const char *name;
    size_t offset; /* of a uint32_t in struct policy */
} policy_items[] = {
#define X(name, kind, value) {#name, offsetof(struct policy, name)},
    POLICY_ITEMS(X)
#undef X
};

static void
set_policy_item(struct policy *p, const char *item, uint32_t v)
{
    for (size_t i = 0; i < ARRAY_LEN(policy_items); i++) {
        if (strcmp(item, policy_items[i].name) == 0) {
            memcpy((char *)p + policy_items[i].offset, &v, sizeof(v));
            return;
        }
    }
}

struct policy
store_parse_policy(const char *text)
{
    struct policy p = policy_default();
    g_auto(GStrv) items = g_strsplit(text, " ", -1);
    for (char **item = items; *item; item++) {
        char *sign = strchr(*item, '=');
        if (!sign)
            continue;
        *sign = '\0';
        set_policy_item(&p, *item, (uint32_t)g_ascii_strtoull(sign + 1, NULL, 10));
    }
    return p;
}

/* ---- whose policy holds ---- */

static const char hub_policy[] = "policy";

bool
store_hub_policy(struct store *s, const char *hub, struct policy *out)
{
    g_autofree char *text = store_hub_get_text(s, hub, hub_policy);

    *out = text ? store_parse_policy(text) : policy_default();
    return text != NULL;
}

bool
store_hub_set_policy(struct store *s, const char *hub, const struct policy *policy, GError **error)
{
    g_autofree char *text = policy ? store_print_policy(policy) : NULL;

    return store_hub_set_text(s, hub, hub_policy, text, error);
}

static struct policy
chosen_policy(struct store *s, const char *hub, const struct store_user *u)
{
    struct policy policy = u->policy;

    if (u->has_policy)
        return policy;
    struct store_group *g = u->group && u->group[0] ? store_group_get(s, hub, u->group) : NULL;
    if (g && g->has_policy)
        policy = g->policy;
    else
        (void)store_hub_policy(s, hub, &policy); /* the default of the program if it is not set */
    store_group_free(g);
    return policy;
}

struct policy
store_user_policy(struct store *s, const char *hub, const struct store_user *u)
{
    struct policy policy = chosen_policy(s, hub, u);

    store_tighten_policy(s, hub, &policy);
    return policy;
}
